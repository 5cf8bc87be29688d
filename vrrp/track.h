/* SPDX-License-Identifier: ISC */
/*
 * From shared memory to a band, a sum of weights and faults. Reads only; what it found last is kept
 * by the caller. Runs in vrrp.
 */
#ifndef VRRP_TRACK_H
#define VRRP_TRACK_H

#include "shm/segment.h"
#include "vrrp/band.h"
#include "vrrp/plan.h"

#define TRACK_STALE_NS 5000000000LL /* a checker silent for so long: its health is stale */
/* So long no worker may answer: one that was killed is back in 50 ms, and on a busy host all may
 * get no CPU for a moment. A move of the addresses would cost what this does not: the sessions. */
#define TRACK_WORKERS_NS 1000000000LL

/* Result of a script, as the rules of keepalived's counters have it (semantics D.9). Pure. */
struct track_script {
	bool known; /* has run once */
	bool good;
	unsigned counter; /* 0..rise+fall-1 */
};

/* A track of a router at run time; scripts only. */
struct track_state {
	struct track_script script;
	struct mono at; /* next run */
	uint64_t asked; /* request number; 0: none under way */
};

void track_script_step(struct track_script *s, bool passed, unsigned rise, unsigned fall);

/* One word of it and the script's name, so that it is kept by one store; 0: has not run. The
 * reverse returns false when the word is another script's or none. */
uint64_t track_script_pack(const struct track_script *s, const char *name);
bool track_script_unpack(struct track_script *s, uint64_t word, const char *name);

struct track_view {
	enum band band; /* raw */
	int sum;        /* of weights */
	bool fault;     /* an interface or script without weight has failed */
	char why[160];  /* what is worst */
};

/* Says whether a tracked interface runs. */
typedef bool track_iface_fn(void *ctx, const char *name);

/* states: one per track of the plan. workers: one can serve, or could a moment ago. */
void track_look(struct track_view *out, const struct shm *seg, const struct plan *p,
    const struct track_state *states, bool workers, struct mono now, track_iface_fn *iface,
    void *ctx);

/* Any worker that can serve. */
bool track_workers(const struct shm *seg);

/*
 * Has a usable server of a tracked backend passed a probe since `since`? True too when nothing is
 * tracked.
 */
bool track_fresh(const struct shm *seg, const struct plan *p, struct mono since);

#endif
