/* SPDX-License-Identifier: ISC */
/*
 * A generation as a worker holds it: the configuration with every object mapped to its slot in the
 * segment. Built by PREPARE, in force from COMMIT, freed when the last session that uses it has
 * ended. Never changed in between.
 */
#ifndef WORKER_GEN_H
#define WORKER_GEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "shm/child.h"

struct gen;

struct gen_server {
	const struct conf_server *conf;
	struct gen_backend *be;
	uint32_t slot;
	uint32_t epoch; /* of the slot: an old generation must not use one that has a new owner */
};

struct gen_backend {
	const struct conf_backend *conf;
	struct gen *gen;
	uint32_t slot;
	size_t n_servers;
	struct gen_server *servers;
	bool dynamic;        /* some server has a minconn */
	uint64_t fe_maxconn; /* sum over frontends that use it and have a limit of their own ... */
	uint32_t fe_others;  /* ... and how many have none */
};

/* One entry of allow and deny; nets are the configuration's or those of a file. */
struct gen_access {
	enum conf_action action;
	size_t n_nets;
	const struct sock_net *nets;
	struct sock_net *own; /* read from a file; NULL: the configuration's */
};

/* A content rule. */
struct gen_rule {
	const struct conf_rule *conf;
	struct gen_backend *be; /* CONF_RULE_USE */
};

struct gen_frontend {
	const struct conf_frontend *conf;
	struct gen *gen;
	struct gen_backend *be; /* NULL: none (mode http, or rules take every session) */
	uint32_t slot;
	size_t n_access;
	struct gen_access *access;
	size_t n_rules;
	struct gen_rule *rules;
	bool wants_hello; /* some rule looks at a TLS hello */
};

struct gen {
	struct gen *older;
	uint64_t number;
	uint32_t refs; /* sessions, and 1 while in force or prepared */
	struct conf *conf;
	size_t n_frontends;
	struct gen_frontend *frontends;
	size_t n_backends;
	struct gen_backend *backends;
	uint32_t n_by_slot;
	struct gen_server **by_slot; /* [server slot]; NULL: not of this generation */
};

/*
 * Builds a generation from canonical text; files are the descriptors of networks by name. Returns
 * it, or NULL with a reason.
 */
struct gen *gen_new(const struct shm *s, uint64_t number, const char *text, size_t len,
    const struct child_fd *files, size_t n_files, char *reason, size_t reason_size);
void gen_free(struct gen *);

static inline struct gen_server *
gen_server_at(const struct gen *g, uint32_t slot)
{
	return slot < g->n_by_slot ? g->by_slot[slot] : NULL;
}

/* The frontend and its bind with this canonical address, or NULL. */
struct gen_frontend *gen_find_bind(
    const struct gen *g, const char *name, const struct conf_bind **bind);

/* Reads networks, one a line ('#' comments), into *nets. Returns their number, or -1 with the line
 * that is wrong (0: memory). */
ssize_t gen_parse_nets(const char *text, size_t len, struct sock_net **nets, unsigned *line);

#endif
