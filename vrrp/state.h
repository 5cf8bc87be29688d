/* SPDX-License-Identifier: ISC */
/*
 * What the vrrp process holds: interfaces, virtual routers. Private to vrrp/.
 *
 *   vrrp.c    messages of the master, generations, start and end
 *   iface.c   interfaces and addresses as netlink tells them, ARP sockets
 *   router.c  one virtual router: steps the decision, performs its actions
 *   look.c    what it stands on: health, interface, source, sockets
 *   life.c    it comes, changes by a reload, goes
 *   together.c  it and the others of its sync group
 *   rx.c      packets that come
 *   send.c    those that leave
 *   signed.c  those with an HMAC
 *   addr.c    its addresses in the kernel
 *   wish.c    what is asked of the kernel for them, and when
 *   kernel.c  the thread that asks
 *   mirror.c  links and addresses as the kernel tells them
 */
#ifndef VRRP_STATE_H
#define VRRP_STATE_H

#include "lib/nl.h"
#include "lib/ratelimit.h"
#include "shm/child.h"
#include "shm/refused.h"
#include "shm/replay.h"
#include "vrrp/decide.h"
#include "vrrp/garp.h"
#include "vrrp/group.h"
#include "vrrp/kernel.h"
#include "vrrp/mirror.h"
#include "vrrp/plan.h"
#include "vrrp/track.h"
#include "vrrp/wish.h"

/* Those that a generation names and those of its sources, twice: routers that leave need theirs. */
#define VRRP_IFACES (2 * (CONF_NAMED_IFACES + SHM_MAX_ROUTERS))

/* Reasons for FAULT, or-ed. */
#define FAULT_NAMES(X)                                                 \
	X(IFACE, 1, "the interface does not exist")                    \
	X(SOURCE, 2, "the interface has no address to send from")      \
	X(SOCKET, 4, "no raw socket")                                  \
	X(ADDRESS, 8, "the address is removed again and again")        \
	X(TRACKED, 16, "a tracked interface or script")                \
	X(MAINTENANCE, 32, "maintenance")                              \
	X(GROUP, 64, "another instance of its sync group is in fault") \
	X(KERNEL, 128, "the kernel has not answered for a lifetime of the address")
enum vrrp_fault {
#define X(name, bit, text) FAULT_##name = (bit),
	FAULT_NAMES(X)
#undef X
};

struct vrrp;

struct iface {
	struct vrrp *v;
	char name[IF_NAMESIZE]; /* "": free */
	unsigned index;         /* 0: does not exist */
	bool running;
	bool ethernet; /* ARP and ND are possible */
	uint8_t mac[6];
	struct loop_fd arp; /* fd -1: not open */
	struct loop_fd nd;
	struct garp_rate rate;
	struct loop_timer garp_timer;
};

/* What a router keeps in its slot's room for a respawn: two copies, the valid one is named by one
 * store. */
struct router_kept {
	struct decide_saved saved;
	struct band_hold hold;
	struct mono fault_until;
};
#define KEPT_SCRIPTS 32
struct router_room {
	struct sw32 valid; /* 0: none; else 1 + index of the copy */
	struct sw32 ip_id;
	struct router_kept copy[2];
	struct sw64 scripts[KEPT_SCRIPTS]; /* by index of track: what it has said, see track.h */
};
_Static_assert(
    (int)PACKET_REASON_COUNT == (int)SHM_REFUSED_N &&
	PACKET_REASON_COUNT <= sizeof(((struct shm_router *)0)->refused) / sizeof(struct sw32),
    "reasons");
_Static_assert(SHM_REPLAYS >= SHM_MAX_ROUTERS * DECIDE_PEERS_MAX * KEYS_MAX, "replay memory");
_Static_assert(sizeof(struct router_room) <= sizeof(((struct shm_router *)0)->room), "room");

struct router {
	struct vrrp *v;
	struct plan *plan;
	struct plan *next; /* prepared */
	bool keep;         /* in the generation that is prepared */
	bool leaving;      /* removed by a reload: ends with EXIT */
	bool started;
	bool resumed; /* slot of a predecessor */
	unsigned slot;
	struct shm_router *pub;
	struct router_room *room;
	struct iface *iface;  /* NULL: none known */
	unsigned bound_index; /* of the interface that the sockets are bound to */
	struct ip source;
	struct loop_fd rx;        /* fd -1: not open */
	struct loop_fd strangers; /* not in the loop: looked at by the timer */
	struct decide d;
	struct loop_timer timer;
	bool link;
	uint32_t fault;
	bool let_go;             /* maintenance has released the addresses already */
	uint32_t net_fault;      /* of it, what attach() found */
	struct mono fault_until; /* FAULT_ADDRESS */
	struct mono retry_at;    /* attach again */
	struct band_hold hold;
	struct mono hold_at;
	struct track_view view;
	enum band own_band;         /* after the holds, without the sync group */
	struct group_member group;  /* of plan->group */
	struct track_state *tracks; /* one per track of the plan */
	struct track_state *next_tracks;
	struct garp garp;
	bool holds;             /* the addresses have been set */
	struct mono refresh_at; /* of their lifetime */
	struct mono put_back[3];
	bool say_set;       /* when all is settled */
	bool say_removed;   /* the same */
	bool arp_when_set;  /* a takeover is announced when the addresses are there */
	bool send_when_set; /* so is a first advertisement that makes a predecessor leave */
	struct decide_action send;
	struct mono send_until;  /* but not later */
	struct mono there_until; /* all has been answered: they should be there now; 0: not yet */
	size_t refused;          /* addresses that the kernel has refused: not waited for */
	bool last_due;           /* the last advertisement leaves when they are gone */
	struct decide_action last;
	uint64_t drain_seq;                                    /* waits for workers; 0: not */
	struct mono fresh_since;                               /* ASK_FRESH waits; 0: not */
	struct shm_replay *replay[DECIDE_PEERS_MAX][KEYS_MAX]; /* by peer and index of key; NULL:
								  not looked for yet */
	bool clock_off[DECIDE_PEERS_MAX]; /* said: that peer's clock or ours is wrong */
	struct mono peer_seen[DECIDE_PEERS_MAX];
	bool peer_lost[DECIDE_PEERS_MAX];
	uint8_t holder_mac[6];
	struct ratelimit say_refused[PACKET_REASON_COUNT];
	struct ratelimit say_alarm[DECIDE_ALARM_COUNT];
	struct ratelimit say_clock;
	struct ratelimit say_refresh; /* one that fails each time */
};

struct vrrp {
	struct child *child;
	struct loop *loop;
	struct shm *seg;
	struct shm_vrrp *own;
	struct kernel kernel; /* requests, by its thread */
	struct wish_job job;  /* given to it; not while it dumps */
	struct wishes wishes;
	struct mirror mirror;
	struct snapshot snap; /* the kernel's while it dumps */
	struct mono dump_at;  /* not before */
	struct nl events;
	bool look;  /* an event concerns a router */
	bool again; /* a request has failed for want of memory */
	struct loop_fd events_fd;
	size_t n_ifaces; /* entries ever used: loops stop here */
	struct iface ifaces[VRRP_IFACES];
	struct router *routers[SHM_MAX_ROUTERS]; /* by slot; NULL: free */
	struct loop_timer tick; /* each second: interfaces that were missed, stale health */
	uint64_t requests;      /* scripts asked for */
	struct mono served;     /* when a worker could serve last; at first: since we look */
	bool committed;         /* a generation is in force */
	bool stopping;
	bool orphan;
};

#define router_each(v, r)                                 \
	for (unsigned i_ = 0; i_ < SHM_MAX_ROUTERS; i_++) \
		if (((r) = (v)->routers[i_]) != NULL)

/* ---- iface.c ---- */

/* Finds or makes the entry; NULL: too many. */
struct iface *iface_get(struct vrrp *v, const char *name);
struct iface *iface_find_index(struct vrrp *v, unsigned index);
/* Links, addresses, their events; the thread that makes requests. */
int iface_events_open(struct vrrp *v);
/* The dump after lost events has ended. */
void iface_dumped(struct vrrp *v, bool ok);
/* Name of the interface that carries ip; false: none. */
bool iface_of_ip(struct vrrp *v, const struct ip *ip, char name[IF_NAMESIZE]);
/* The primary (IPv4) or link-local (IPv6) address that is not one of p's own. */
bool iface_primary(struct vrrp *v, unsigned index, const struct plan *p, struct ip *out);
void iface_probe(struct iface *f, const struct ip *ip);
/* Where the neighbours of a router's address (index) are: its device, or the router's interface if
 * that has none (lo). NULL: nowhere. */
struct iface *iface_of_addr(const struct router *r, size_t i);
void iface_garp(struct iface *f);
bool iface_runs(void *v, const char *name);

/* ---- addr.c ---- */

/* These wish; the kernel is asked later, see wish.h. All addresses, with a fresh lifetime. */
void addr_set(struct router *r);
void addr_refresh(struct router *r);
void addr_remove(struct router *r);
/*
 * All that have a device are there, as the kernel's events tell: an IPv6 address takes packets only
 * when a worker thread of the kernel has made its route, which on a busy host is long after the
 * answer; the event comes with the route.
 */
bool addr_there(struct router *r);
/* How many are not. */
size_t addr_missing(struct router *r);
/* Nothing that it wished is without answer. */
bool addr_settled(const struct router *r);
/* Asks the kernel for what is wished next, if it is idle. */
void addr_pump(struct vrrp *v);
/* The kernel has not answered for longer than a lifetime, and they are not there. */
bool addr_stuck(struct router *r);
void addr_answered(struct kernel *, const struct kernel_job *, const struct kernel_answer *);
/* Does another router of this host hold its address (index) too, so that it stays? */
bool addr_has_heir(struct router *r, size_t i);
/* From those of old to those of the present plan. */
void addr_change(struct router *r, const struct plan *old);
/* Are addresses of this plan on their interfaces that a vipd which was killed has left there? */
bool addr_leftover(struct vrrp *v, const struct plan *p);
/* Removes what a predecessor held for routers, or had in plans, that are no more. */
void addr_inherit(struct vrrp *v);
/* The kernel says that an address has gone. */
void addr_gone(struct router *r, const struct nl_addr *a);
/* Each second: tries again what the kernel could not do for want of memory. */
void addr_again(struct vrrp *v);
/* A device has come, maybe the one of an address. */
void addr_come(struct router *r);

/* ---- rx.c ---- */

void rx_packets(struct loop_fd *f, uint32_t events);
/* Reads what waits, at most 64. True: more may wait. */
bool rx_drain(struct router *r);
/* Counts what unlisted senders have sent, at most `most`; returns how many. */
unsigned rx_strangers(struct router *r, unsigned most);

/* ---- send.c ---- */

/* One advertisement, to all peers or to only. Returns 0, or -1: none has left. */
int router_send(struct router *r, uint8_t priority, int64_t interval_ns, const struct ip *only);

/* ---- signed.c ---- */

/* Whom the trailer of a packet makes us believe. Also counts what is let pass. */
enum packet_reason signed_check(struct router *r, const struct packet_in *in);
/* The peers or their keys are others now. */
void signed_changed(struct router *r);

/* ---- request.c ---- */

/* Commands that workers pass on. */
void request_look(struct vrrp *v);

/* ---- look.c ---- */

/* Opens sockets if interface and source are there. Returns the fault bits that are in the way. */
uint32_t router_attach(struct router *r);
void router_close_rx(struct router *r);
/* Other routers have come or gone: their packets are none of this one's. */
void router_refilter(struct router *r);
/* All fault bits; also looks at what is tracked. */
uint32_t router_look_faults(struct router *r);
void router_look_track(struct router *r);
/* Gives the decision the band and priority that follow from its own band and its group's. */
void router_tell_health(struct router *r);
/* Looks at interface, source, sockets again, then at what is tracked. */
void router_look(struct router *r);
/* Only at what is tracked and at maintenance. */
void router_look_health(struct router *r);

/* ---- together.c ---- */

/* Others of its sync group that take part; true: goes on with *o. Begin with i = 0. */
bool together_next(const struct router *r, unsigned *i, struct router **o);
/* Another one of its sync group is in FAULT for a reason of its own. */
bool together_fault(const struct router *r);
/* After each turn of the loop: who has to follow whom. */
void together_look(struct vrrp *v);

/* ---- life.c ---- */

struct router *router_new(struct vrrp *v, unsigned slot);
/* Takes the plan (also on failure) as next. Returns 0, or -1: no memory. */
int router_prepare(struct router *r, struct plan *plan);
void router_abort(struct router *r);
void router_free(struct router *r);
/* After commit: takes r->next (may be the first plan). */
void router_commit(struct router *r);

/* What its scripts have said, for a respawn. */
void router_keep_scripts(struct router *r);

/* ---- why.c ---- */

/* For "explain": what the router goes by; what a peer (index) has said; peers are others now. */
void why_publish(struct router *r);
void why_heard(struct router *r, size_t peer, uint8_t priority);
void why_peers_changed(struct router *r);

/* ---- router.c ---- */

/* For a respawn, and for others to read. */
void router_keep(struct router *r);
void router_publish(struct router *r);
/* All that it wished of its addresses has been done. */
void router_settled(struct router *r);
/* What waits for its addresses to be there is done, or not yet. */
void router_look_there(struct router *r);
/* Announces a takeover, when the addresses are there. */
void router_arp_start(struct router *r);
/* The first of the reasons for a FAULT. */
const char *router_fault_text(uint32_t mask);
void router_on_timer(struct loop_timer *t);
void router_step(struct router *r, struct decide_in in);
void router_input(struct router *r, enum decide_input kind);
void router_timer_set(struct router *r);
/* Workers have confirmed, the checker has probed: the bell. */
void router_bell(struct router *r);
void router_holder(struct router *r, const uint8_t mac[6]);
void router_script_ran(struct router *r, uint64_t request, int status);
const char *router_ip_text(const struct ip *ip, char *buf, size_t size);

#endif
