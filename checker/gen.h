/* SPDX-License-Identifier: ISC */
/* Generations: built from a configuration, committed, freed. */
#ifndef CHECKER_GEN_H
#define CHECKER_GEN_H

#include "checker/state.h"

/*
 * Builds the generation of a configuration (taken over, also on failure). Everything that can fail
 * happens here: slots, TLS contexts from the files in held and coming, room for timers. Returns
 * NULL with a reason.
 */
struct gen *gen_build(
    struct checker *ck, uint64_t number, struct conf *conf, char *reason, size_t reason_size);
/* Also for half-built ones. Probes are ended. NULL is allowed. */
void checker_gen_free(struct checker *ck, struct gen *g);

/* Makes ck->next the current generation: health entries, schedules, probes; frees the old one. */
void gen_commit(struct checker *ck);

/* The server that has this slot, or NULL. */
static inline struct server *
gen_server(const struct gen *g, uint32_t slot)
{
	return g != NULL && slot < g->n_slots ? g->by_slot[slot] : NULL;
}

#endif
