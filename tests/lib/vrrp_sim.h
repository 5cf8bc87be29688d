/* SPDX-License-Identifier: ISC */
/*
 * Two or three virtual routers on a fake clock and a fake network: loss, delay, cuts one way or
 * both, pauses, kills, power loss, health. The decision, the bands with their holds and the ARP
 * schedule are the real ones; what a socket, the kernel's addresses and the workers do is played.
 *
 * After every step the invariants I1 to I5 and I8 to I10 of failover-logic.md are checked; the
 * first that breaks is kept in sim.broken.
 */
#ifndef TESTS_LIB_VRRP_SIM_H
#define TESTS_LIB_VRRP_SIM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "vrrp/band.h"
#include "vrrp/decide.h"
#include "vrrp/garp.h"
#include "vrrp/group.h"

#define SIM_HOSTS  3
#define SIM_CLIENT SIM_HOSTS /* index in the network matrix */
#define SIM_ENDS   (SIM_HOSTS + 1)

#define SIM_MS 1000000LL
#define SIM_S  1000000000LL

struct sim_host {
	struct decide d;
	struct decide_cfg cfg;
	bool power;
	bool process; /* vrrp runs */
	bool link;
	bool addr;            /* the kernel has the address ... */
	int64_t addr_until;   /* ... until then */
	int64_t refresh_at;   /* vrrp refreshes its lifetime */
	int64_t paused_until; /* 0: not paused */
	int64_t ready_at;     /* READY is due; 0: given */
	enum band raw;
	int weight; /* mode weights: of the tracked backend; 0: its band counts */
	struct band_hold hold;
	int64_t hold_at;   /* when to look at the holds again */
	bool servers_hang; /* fresh probes do not end */
	bool workers_hang; /* DRAINED does not come */
	uint32_t fault;
	struct decide_saved saved; /* shared memory: lost with the master process */
	bool has_saved;
	struct garp garp;
	struct garp_rate rate;
	struct group_member group; /* for the sync groups of vrrp_group_test */
	int kill_after;            /* die after that many more actions; 0: no */
	/* counted */
	unsigned claims;
	unsigned pulls;
	int64_t pulled_at[DECIDE_MOVES + 1]; /* last claims out of another band than dead */
	enum decide_input last_input;
	uint8_t last_priority; /* of the last advertisement heard */
};

struct sim_event {
	int64_t at;
	uint64_t order;
	enum decide_input kind; /* ADVERT, HOLDER, FRESH, DRAINED, READY */
	uint8_t to;
	uint8_t from;
	uint8_t priority;
	bool flag;
	uint32_t epoch; /* of the receiver: what was meant for a dead process is lost */
	int64_t interval_ns;
};

#define SIM_EVENTS 4096

struct sim {
	int64_t now;
	unsigned n;
	struct sim_host h[SIM_HOSTS];
	uint32_t epoch[SIM_HOSTS];
	uint16_t loss[SIM_ENDS][SIM_ENDS]; /* per mille of the advertisements */
	bool loss_arp;                     /* ... and of ARP */
	bool cut[SIM_ENDS][SIM_ENDS];
	int64_t delay_ns;
	int64_t jitter_ns;
	int64_t lifetime_ns; /* of addresses in the kernel */
	struct band_holds_cfg holds;
	struct garp_cfg garp;
	struct sim_event ev[SIM_EVENTS]; /* heap */
	size_t n_ev;
	uint64_t order;
	uint64_t rng;
	uint64_t hash; /* of all inputs and outputs */
	uint64_t steps;
	FILE *trace; /* NULL: none */
	char broken[200];
	/* what a client sees */
	int arp;           /* host that the client's neighbour entry names; -1: none */
	int64_t outage_ns; /* sum since sim_count_reset */
	int64_t outage_longest_ns;
	int64_t outage_now_ns;
	int64_t double_ns; /* two reachable holders */
	int64_t double_longest_ns;
	int64_t double_now_ns;
	unsigned moves; /* claims of anybody */
};

/* Hosts are 172.31.0.10 and up; host i has base 100 - 4 i (bands) or 100 - i (weights). Power is
 * off. */
void sim_init(struct sim *s, unsigned n, uint64_t seed);
struct decide_cfg sim_cfg_bands(const struct sim *s, unsigned host, int64_t interval_ns);
/* The tutorial's: v2, 2 s, weights. */
struct decide_cfg sim_cfg_weights(const struct sim *s, unsigned host);

/* Which seeds a test of random schedules runs: 1 to n; VIPD_SIM_SEEDS says another n, VIPD_SIM_SEED
 * one alone. */
struct sim_seeds {
	uint64_t first, last;
	bool one; /* with its trace */
};
struct sim_seeds sim_seeds(uint64_t n);

uint64_t sim_random(struct sim *s);
static inline uint64_t
sim_below(struct sim *s, uint64_t n)
{
	return sim_random(s) % n;
}

/* Runs until then, or until an invariant is broken. */
void sim_run(struct sim *s, int64_t until);
static inline void
sim_run_for(struct sim *s, int64_t ns)
{
	sim_run(s, s->now + ns);
}
void sim_count_reset(struct sim *s);

/* Things that happen to host i. */
void sim_boot(struct sim *s, unsigned i); /* power on, all processes start */
void sim_power_off(struct sim *s, unsigned i);
void sim_kill_vrrp(struct sim *s, unsigned i, int64_t respawn_ns); /* -1: not */
void sim_kill_all(struct sim *s, unsigned i); /* the master too: nothing is left but the address */
void sim_restart(struct sim *s, unsigned i);  /* after kill_all, stop */
void sim_stop(struct sim *s, unsigned i, int64_t grace_ns);
void sim_pause(struct sim *s, unsigned i, int64_t ns);
void sim_link(struct sim *s, unsigned i, bool up);
void sim_health(struct sim *s, unsigned i, enum band raw);
void sim_fault(struct sim *s, unsigned i, uint32_t mask);
void sim_release(struct sim *s, unsigned i);
void sim_config(struct sim *s, unsigned i, const struct decide_cfg *cfg);
/* What the sync group says: JOIN, PART, ALIVE. */
void sim_group(struct sim *s, unsigned i, struct decide_in in);
/* Both ways between host i and all other hosts and the client. */
void sim_cut(struct sim *s, unsigned i, bool cut);

bool sim_able(const struct sim *s, unsigned i);
/* The one MASTER, or -1 (none), -2 (several). */
int sim_master(const struct sim *s);

#endif
