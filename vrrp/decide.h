/* SPDX-License-Identifier: ISC */
/*
 * Who holds the address: the state machine of RFC 9568 section 6, made safe for a master that can
 * be alive and worse than its peer (failover-logic.md). Pure: one call per event, values in, a list
 * of actions out; no clock, no socket, no shared memory. One struct decide per virtual router;
 * those of a sync group are led by group.h.
 *
 * The caller reads all queued advertisements before it gives a TIMER, performs the actions in
 * their order, and arms one timer for decide_next().
 */
#ifndef VRRP_DECIDE_H
#define VRRP_DECIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/mono.h"
#include "vrrp/band.h"
#include "vrrp/ip.h"

/* INIT waits for the first round of checks. RESIGN has sent 0 and serves on until a successor is
 * heard. LEAVE waits for the workers to let go of the sessions. Both hold the address. */
#define DECIDE_ROLES(X) X(INIT) X(BACKUP) X(MASTER) X(RESIGN) X(LEAVE) X(FAULT) X(STOPPED)
enum decide_role {
#define X(name) DECIDE_##name,
	DECIDE_ROLES(X)
#undef X
	    DECIDE_ROLE_COUNT
};

#define DECIDE_INPUTS(X)                                                     \
	X(START)   /* the process begins, or has been respawned */           \
	X(READY)   /* first round of checks done */                          \
	X(TIMER)   /* decide_next() has come, or any wake-up */              \
	X(ADVERT)  /* an advertisement that passed source, checksum, auth */ \
	X(SENT)    /* the last SEND left with the carrier up */              \
	X(HEALTH)  /* band and priority, holds applied */                    \
	X(LINK)    /* carrier of the own interface */                        \
	X(FAULT)   /* mask of reasons; 0: none */                            \
	X(HOLDER)  /* another host answered a probe of a virtual address */  \
	X(FRESH)   /* result of ASK_FRESH */                                 \
	X(DRAINED) /* all workers have let go */                             \
	X(CONFIG)  /* other settings */                                      \
	X(RELEASE) /* an operator's hand-over */                             \
	X(JOIN)    /* another router of the sync group has claimed */        \
	X(PART)    /* another one has given up, long enough ago */           \
	X(ALIVE)   /* another one hears its master */                        \
	X(STOP)
enum decide_input {
#define X(name) DECIDE_IN_##name,
	DECIDE_INPUTS(X)
#undef X
	    DECIDE_INPUT_COUNT
};

#define DECIDE_ACTIONS(X)                                                                         \
	X(SEND)        /* advertisement to all: priority, interval_ns */                          \
	X(SEND_LAST)   /* one to ip only (multicast routers: to all), address is gone */          \
	X(ROLE)        /* publish from -> role, why; notify if `notify` */                        \
	X(ADD)         /* hold the addresses */                                                   \
	X(REMOVE)      /* give them up */                                                         \
	X(ARP_START)   /* schedule of a takeover */                                               \
	X(ARP_SIGN)    /* restart it */                                                           \
	X(ARP_TROUBLE) /* refresh fast for a while */                                             \
	X(ARP_STOP)                                                                               \
	X(DRAIN)     /* stop accepting on the addresses, reset their sessions; then DRAINED */    \
	X(PROBE)     /* who holds the addresses? by ARP or ND, answers come as HOLDER */          \
	X(ASK_FRESH) /* one fresh probe of a usable server; result as FRESH */                    \
	X(ALARM)     /* alarm, ip */                                                              \
	X(REPORT)    /* outcome of a release: ip took it, or nobody (ip.family 0) and it stays */ \
	X(EXIT)      /* stopped: nothing more to do */
enum decide_do {
#define X(name) DECIDE_DO_##name,
	DECIDE_ACTIONS(X)
#undef X
	    DECIDE_DO_COUNT
};

#define DECIDE_REASONS(X)                                                     \
	X(START, "start")                                                     \
	X(SILENCE, "no advertisement heard")                                  \
	X(RESIGNED, "the master resigned")                                    \
	X(BETTER, "this host is in a better band")                            \
	X(OWNER, "priority 255")                                              \
	X(OUTRANKED, "a better master was heard")                             \
	X(SUCCESSOR, "the successor was heard")                               \
	X(TAKEN, "another host took over while this one could not advertise") \
	X(DEAD_BAND, "no usable server")                                      \
	X(RELEASE, "released")                                                \
	X(STOP, "stop")                                                       \
	X(LINK, "own interface is down")                                      \
	X(FAULT, "fault")                                                     \
	X(RECOVERED, "fault is over")                                         \
	X(NOBODY, "nobody took over")                                         \
	X(GROUP, "with its sync group")                                       \
	X(RESUMED, "resumed inside the lease")
enum decide_reason {
#define X(name, text) DECIDE_WHY_##name,
	DECIDE_REASONS(X)
#undef X
	    DECIDE_WHY_COUNT
};

#define DECIDE_ALARMS(X)                                                           \
	X(SECOND_MASTER, "a second master advertises")                             \
	X(SILENT_HOLDER, "holds the address but its advertisements do not arrive") \
	X(CONFLICT, "holds the address too")                                       \
	X(OTHER_CONFIG, "advertises with other settings")                          \
	X(MOVE_LIMIT, "3 moves in 10 minutes: the address stays with")             \
	X(FALSE_CLAIM, "was alive after all: the wait before a claim is doubled")  \
	X(GROUP_SILENT, "advertises for another router of the sync group only")
enum decide_alarm {
#define X(name, text) DECIDE_ALARM_##name,
	DECIDE_ALARMS(X)
#undef X
	    DECIDE_ALARM_COUNT
};

enum decide_preempt { DECIDE_WHEN_BETTER = 0, DECIDE_ALWAYS, DECIDE_NEVER };

#define DECIDE_PEERS_MAX 32
#define DECIDE_MOVES     3 /* voluntary moves in DECIDE_MOVES_NS */
#define DECIDE_MOVES_NS  600000000000

struct decide_peer {
	struct ip addr;
	uint8_t base; /* 0: not known (a peer given by its address only) */
};

struct decide_cfg {
	enum band_mode mode;
	enum decide_preempt preempt;
	uint8_t version;          /* 2, 3 */
	uint8_t n_adverts;        /* down_timer_adverts, default 3 */
	uint8_t base;             /* configured priority, 1..255 */
	bool peers_vipd;          /* every peer is vipd */
	struct ip self;           /* source of the advertisements */
	int64_t interval_ns;      /* own advert_int */
	int64_t conflict_hold_ns; /* default 3 s */
	int64_t startup_ns;       /* longest wait for READY, default 5 s */
	int64_t preempt_delay_ns; /* after START or a FAULT, no preemption; default 0 */
	int64_t patience_ns;      /* how long a degraded master is left before a pull; 0: none */
	size_t n_peers;
	struct decide_peer peers[DECIDE_PEERS_MAX];
};

/* What a respawn finds of its predecessor. */
struct decide_saved {
	enum decide_role role;
	struct mono lease; /* CLOCK_BOOTTIME */
	bool holds;        /* the addresses are on the interface */
	struct mono moves[DECIDE_MOVES];
	struct mono released;
	uint8_t backoff;
	struct mono backoff_at;
};

struct decide_in {
	enum decide_input kind;
	struct mono now;  /* CLOCK_MONOTONIC */
	struct mono boot; /* CLOCK_BOOTTIME, for the lease only */
	union {
		struct {
			bool resumed;
			struct decide_saved saved;
			bool link;
			uint32_t fault;
			enum band band;
			uint8_t priority;
		} start;
		struct {
			struct ip src;
			uint8_t priority;
			bool differs;
			int64_t interval_ns; /* the sender's */
		} advert;
		struct {
			enum band band;
			uint8_t priority; /* 1..254, or 255 with base 255 */
		} health;
		const struct decide_cfg *cfg; /* CONFIG */
		bool queued;                  /* TIMER: something is still to be read */
		bool link;
		bool fresh;
		enum decide_reason join; /* JOIN: why the other one has claimed */
		uint32_t fault;
		struct ip holder;
		int64_t
		    stop_ns; /* STOP: time that it may take, as a stop by the manager; 0: none */
	};
};

struct decide_action {
	enum decide_do kind;
	enum decide_role from; /* ROLE */
	enum decide_role role;
	enum decide_reason why;
	bool notify;
	enum decide_alarm alarm;
	struct ip ip;
	uint8_t priority;    /* SEND, SEND_LAST */
	int64_t interval_ns; /* SEND: the field's value */
};

#define DECIDE_ACTIONS_MAX 16
struct decide_out {
	size_t n;
	struct decide_action a[DECIDE_ACTIONS_MAX];
};

/* The master that is followed. */
struct decide_followed {
	bool known;
	struct ip addr;
	uint8_t priority; /* 0: it has resigned */
	struct mono heard;
};

struct decide {
	struct decide_cfg cfg;
	enum decide_role role;
	enum band band;
	uint8_t priority;
	bool link;
	uint32_t fault;
	struct decide_followed m;
	int64_t interval_ns;       /* A: the followed master's; as master the own */
	struct mono deadline;      /* BACKUP: claim; MASTER: next advertisement */
	struct mono started;       /* or recovered from a FAULT: preempt_delay */
	struct mono startup_until; /* INIT */
	/* BACKUP */
	bool after_zero;         /* deadline set by priority 0 */
	bool asked;              /* ASK_FRESH is under way until fresh_until */
	bool pulling;            /* deadline set by a pull */
	struct mono worse_since; /* the followed master's band is below ours; 0: it is not */
	struct mono fresh_until;
	struct mono probe_at;    /* look before the claim */
	struct mono answered_at; /* last HOLDER */
	struct ip answered_by;
	int64_t put_off_ns;
	/* MASTER */
	struct mono lease; /* CLOCK_BOOTTIME */
	bool unsure;       /* lease is over: looks until unsure_until before it goes on */
	struct mono unsure_until;
	struct mono watch_at; /* next probe of the own addresses */
	struct mono claimed_at;
	bool claim_judged;  /* cannot be a false claim (any more) */
	bool resigned_band; /* has resigned since the band changed */
	uint8_t announce;   /* advertisements still at the old pace */
	int64_t pace_old_ns;
	/* RESIGN, LEAVE */
	struct mono resign_until;
	enum decide_reason why;
	bool stop;
	bool released_now;        /* a REPORT is owed */
	struct mono settle_until; /* LEAVE: DRAIN then; MONO_NEVER: has been asked for */
	struct mono drain_until;  /* longest wait for DRAINED; MONO_NEVER while it settles */
	struct ip winner;         /* family 0: none */
	uint8_t last_left;        /* repetitions of SEND_LAST still to come */
	struct mono last_at;
	/* limits */
	struct mono moves[DECIDE_MOVES]; /* last voluntary moves seen, ring */
	struct mono released;            /* no claim against a living master until then */
	bool limit_told;
	uint8_t backoff; /* doublings of the wait */
	struct mono backoff_at;
};

const char *decide_role_text(enum decide_role r);
const char *decide_input_text(enum decide_input i);
const char *decide_do_text(enum decide_do a);
const char *decide_reason_text(enum decide_reason w);
const char *decide_alarm_text(enum decide_alarm a);

/* d before START. */
void decide_init(struct decide *d, const struct decide_cfg *cfg);

/* One event. *out is overwritten. */
void decide_step(struct decide *d, const struct decide_in *in, struct decide_out *out);

/* When the next TIMER is due; MONO_NEVER: none. */
struct mono decide_next(const struct decide *d);

/* A BACKUP that hears its master and does not mean to replace it, or (weights) may not. */
bool decide_follows(const struct decide *d, struct mono now);

/* The shortest kernel lifetime of an address that, refreshed each third of it, outlasts every
 * lease. */
int64_t decide_lifetime_ns(const struct decide_cfg *cfg);

/* What to keep for a respawn. */
void decide_save(const struct decide *d, struct decide_saved *s);

static inline bool
decide_holds(const struct decide *d)
{
	return d->role == DECIDE_MASTER || d->role == DECIDE_RESIGN || d->role == DECIDE_LEAVE;
}

/* Skew time and the whole wait of a BACKUP before it claims (RFC 9568 6.1, and rank, back-off). */
int64_t decide_skew_ns(const struct decide *d);
int64_t decide_wait_ns(const struct decide *d, struct mono now);

#endif
