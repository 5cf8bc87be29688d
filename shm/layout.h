/* SPDX-License-Identifier: ISC */
/*
 * The shared segment: what lies in it and who writes it.
 *
 *   head      master, once, before anybody else maps it
 *   master    names and slots, processes, masks, run-time limits     (writer: master)
 *   checker   health of servers, schedules of backends              (writer: checker; master when
 * it is dead) shared    cursors and ticket numbers                            (many writers,
 * read-modify-write only) vrrp      roles of virtual routers                              (writer:
 * vrrp; master when it is dead) worker i  what worker i holds, counts, waits for, its sessions
 * (writer: worker i; master from waitpid to fork)
 *
 * A section starts on a page of its own. A process maps the sections of others from a descriptor
 * that was opened read-only. There are offsets and indexes, no pointers; no lock, and no counter
 * with two writers: a process killed at any instruction leaves a picture that all others can read,
 * and what it held vanishes when the master zeroes the held part of its slot.
 *
 * Objects have slots. A slot's epoch (1, 2, ...) counts its uses: the directory entry (master)
 * carries the current one; what others keep for that slot is valid only while their copy of the
 * epoch is the same.
 *
 * The segment is as large as the ceilings want and sparse: a page costs memory only when it was
 * touched (for reading too, so loops stop at the published numbers of used slots, never at the
 * ceiling).
 */
#ifndef SHM_LAYOUT_H
#define SHM_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#include "shm/word.h"

#define SHM_MAGIC          0x6469706976000001ull /* "vipd" and a byte order check */
#define SHM_LAYOUT_VERSION 1

#define SHM_NAME        64         /* bytes of a name with its NUL */
#define SHM_ADDR        64         /* bytes of an address text with its NUL */
#define SHM_NONE        UINT32_MAX /* no slot */
#define SHM_MAX_WORKERS 256
#define SHM_SCHED_MAX   65536 /* entries of a schedule */
#define SHM_MAX_ROUTERS 64
#define SHM_MAX_VIPS    1024 /* of all routers: all may be given away at once */
#define SHM_EVENTS      256  /* events a ring */
#define SHM_REQUESTS    16   /* requests under way from one worker */
#define SHM_REPORT_TEXT 16384
#define SHM_SOURCE_SETS 2048u
#define SHM_SOURCE_WAYS 8u
#define SHM_CAPTURES    8   /* refused requests and PROXY headers that a worker keeps */
#define SHM_CAPTURE     512 /* bytes of each */
#define SHM_REPORTS     64  /* failed connects a worker can report before the checker has looked */

/* Ceilings, fixed for the life of the segment. */
struct shm_caps {
	uint32_t workers;   /* worker slots, 1..256 */
	uint32_t frontends; /* 1..4096 */
	uint32_t backends;  /* 1..4096 */
	uint32_t servers;   /* 1..65534 */
	uint32_t sessions;  /* session records a worker */
};

enum shm_kind { SHM_MASTER = 0, SHM_WORKER, SHM_CHECKER, SHM_VRRP, SHM_KINDS };

struct shm_head {
	uint64_t magic;
	uint32_t version;
	uint32_t pad;
	struct shm_caps caps;
	uint64_t size;       /* bytes of the whole segment */
	uint64_t seed;       /* by chance, of the hash of client addresses */
	uint64_t off_master; /* offsets of sections from the start of the segment */
	uint64_t off_checker;
	uint64_t off_shared;
	uint64_t off_vrrp;
	uint64_t off_workers; /* slot 0; slot i is at off_workers + i * worker_size */
	uint64_t worker_size;
	uint64_t
	    off_fe_dir; /* arrays inside the master section: struct shm_fe_dir[caps.frontends] */
	uint64_t off_be_dir;
	uint64_t off_srv_dir;
	uint64_t off_health;  /* inside the checker section: struct shm_health[caps.servers] */
	uint64_t off_sched;   /* struct shm_sched[caps.backends] */
	uint64_t off_entries; /* struct sw16[caps.backends][2][SHM_SCHED_MAX] */
	uint64_t off_cursors; /* inside shared: struct shm_cursor[caps.backends] */
	uint64_t off_rates;   /* struct mw64[caps.frontends], see window.h */
	uint64_t w_held_fe;   /* inside a worker's slot: struct sw32[caps.frontends] */
	uint64_t w_held_be;   /* struct sw32[caps.backends] */
	uint64_t w_held_srv;  /* struct sw32[caps.servers] */
	uint64_t w_queue;     /* struct shm_queue[caps.backends] */
	uint64_t w_held_end;  /* the bytes from w_held_fe to here are what the master zeroes */
	uint64_t w_fe;        /* struct shm_fe_count[caps.frontends] */
	uint64_t w_be;        /* struct shm_be_count[caps.backends] */
	uint64_t w_srv;       /* struct shm_srv_count[caps.servers] */
	uint64_t w_sources;   /* struct shm_source[SHM_SOURCE_SETS * SHM_SOURCE_WAYS] */
	uint64_t w_sessions;  /* struct shm_session[caps.sessions] */
};

/* ---- events: one ring a process, single writer
 * --------------------------------------------------- */

struct shm_event {
	struct sw64 seq; /* number over all processes, 1..; 0: being written or never */
	int64_t mono_ns;
	int64_t wall_us;
	uint32_t kind;
	uint32_t object; /* slot or index, by kind */
	char text[224];
};

struct shm_event_ring {
	struct sw64 head; /* events written so far */
	struct shm_event ev[SHM_EVENTS];
};

/* ---- master
 * -------------------------------------------------------------------------------------- */

enum shm_dir_state { SHM_DIR_FREE = 0, SHM_DIR_USED, SHM_DIR_LEAVING };

/* shm_fe_dir.flags: set by commands, kept over reloads. */
enum { SHM_FE_DISABLED = 1, SHM_FE_STOPPED = 2 };

struct shm_fe_dir {
	struct sw32 epoch;    /* changes when the slot gets another owner */
	struct sw32 state;    /* enum shm_dir_state */
	struct sw32 id;       /* HAProxy's numeric proxy id (iid) */
	struct sw32 mode;     /* 0 tcp, 1 http */
	struct sw32 maxconn;  /* 0: no limit of its own */
	struct sw32 flags;    /* SHM_FE_* */
	struct sw64 left_gen; /* generation that removed it, while LEAVING */
	char name[SHM_NAME];
};

struct shm_be_dir {
	struct sw32 epoch;
	struct sw32 state;
	struct sw32 id;
	struct sw32 mode;
	struct sw32 fullconn;
	struct sw32 maxqueue; /* 0: no limit */
	struct sw64 left_gen;
	char name[SHM_NAME];
};

struct shm_srv_dir {
	struct sw32 epoch;
	struct sw32 state;
	struct sw32 id;      /* numeric id inside its backend (sid) */
	struct sw32 backend; /* slot */
	struct sw32 maxconn; /* 0: no limit */
	struct sw32 maxqueue;
	struct sw64 left_gen; /* generation that removed it, while LEAVING */
	char name[SHM_NAME];
	char addr[SHM_ADDR];
};

enum shm_proc_state {
	SHM_PROC_NONE = 0,
	SHM_PROC_STARTING,
	SHM_PROC_READY,
	SHM_PROC_BACKOFF,
	SHM_PROC_STOPPING
};

struct shm_proc {
	struct sw32 pid;         /* 0: none */
	struct sw32 state;       /* enum shm_proc_state */
	struct sw32 respawns;    /* since the master started */
	struct sw32 last_status; /* wait status of the last death */
	struct sw64 started_ns;  /* CLOCK_MONOTONIC */
	struct sw64 started_wall_us;
	struct sw64 generation; /* last generation it has committed */
};

struct shm_master {
	struct sw32 pid;
	struct sw32 n_workers;   /* worker slots ever used (0..n-1); sums stop here */
	struct sw32 n_frontends; /* directory slots ever used: loops stop here */
	struct sw32 n_backends;
	struct sw32 n_servers;
	struct sw32 stopping;   /* 1 from the first SIGTERM */
	struct sw64 generation; /* committed generation */
	struct sw64 started_ns;
	struct sw64 started_wall_us;
	struct sw64 tick;    /* counts 100 ms of the master's own time */
	struct sw64 tick_ns; /* CLOCK_MONOTONIC of the last one: tells that the master hangs */
	struct sw64
	    absent[SHM_MAX_WORKERS / 64]; /* bit w: others take over the queues of worker w */
	struct sw64
	    live[SHM_MAX_WORKERS / 64]; /* bit w: a process runs in slot w and has said ready */
	struct sw64 deaf;      /* listeners removed up to this generation get no new clients */
	struct sw32 maxconn;   /* global limit of sessions */
	struct sw32 conn_rate; /* most sessions a second: of the file or by command; 0: no limit */
	struct sw32 sess_rate; /* the same, by command only */
	struct sw32 maintenance;
	struct sw32 starts; /* of vipd on this host; 0: not counted (no router needs it) */
	struct sw32
	    wanted; /* workers that take connections: 0..wanted-1; those above are drained */
	struct sw64 reloads;
	struct sw64 reloads_failed;
	struct sw32 nofile;   /* descriptor limit of workers */
	struct sw32 degraded; /* 1: a process dies again and again */
	struct sw32 refused;  /* 1: the last reload was: the file is not what is in force */
	char node[SHM_NAME];  /* host name, for show info */
	struct shm_proc workers[SHM_MAX_WORKERS];
	struct shm_proc checker;
	struct shm_proc vrrp;
	struct sw64 done[SHM_MAX_WORKERS]; /* last request of worker w that was carried out */
	struct sw32 result[SHM_MAX_WORKERS];
	/* What the last reload said, a line each, and "" before the first. */
	struct sw32 report_seq; /* odd while it is written */
	struct sw32 report_len;
	char report[SHM_REPORT_TEXT];
	struct shm_event_ring events;
	/* directories follow at head.off_*_dir */
};

/* ---- checker
 * ------------------------------------------------------------------------------------- */

/* Administrative bits as in HAProxy's "show servers state". */
enum {
	SHM_ADMIN_FMAINT = 1,
	SHM_ADMIN_IMAINT = 2,
	SHM_ADMIN_CMAINT = 4,
	SHM_ADMIN_FDRAIN = 8,
	SHM_ADMIN_IDRAIN = 16
};
/* Operational states as in HAProxy's "show servers state". */
enum shm_oper { SHM_OPER_STOPPED = 0, SHM_OPER_STARTING, SHM_OPER_RUNNING, SHM_OPER_STOPPING };

struct shm_end {
	uint8_t family; /* AF_INET, AF_INET6, AF_UNIX; 0: none */
	uint8_t pad;
	uint16_t port; /* host order */
	uint8_t addr[16];
};

/* Where sessions and probes of a server go instead of the file's address, as set by commands. */
struct shm_target {
	struct shm_end addr;  /* family 0: the file's */
	struct shm_end check; /* of probes; family 0: that of sessions; its port is not used */
	uint32_t check_port;  /* 0: the file's, else that of sessions */
};

struct shm_health {
	struct sw32 epoch; /* of the directory entry that this belongs to */
	struct sw32
	    usable; /* 1: may get new sessions (up, not in maintenance or drain, weight > 0) */
	struct sw32 oper;    /* enum shm_oper */
	struct sw32 admin;   /* SHM_ADMIN_* */
	struct sw32 checked; /* 1: probes run; 2: paused by a command; 0: no check */
	struct sw32 counter; /* health counter 0..rise+fall-1 */
	struct sw32 rise;
	struct sw32 fall;
	struct sw32 uweight; /* configured or set weight, 0..256 */
	struct sw32 eweight; /* effective share in 1/256 of uweight after slow start: 0..65536 */
	struct sw32 dyn_maxconn;  /* limit that holds now: of slow start, or set at run time;
				     0: the directory's; SHM_NONE: no limit */
	struct sw32 maxconn;      /* set by a command, 0: no limit; SHM_NONE: the directory's */
	struct sw32 conf_weight;  /* as in the file of the last commit: a reload that changes */
	struct sw32 conf_maxconn; /* these takes what was set by command back */
	struct sw32 conf_flags;   /* bit 0: disabled in the file */
	struct sw32 shut_seq;     /* counts "close all sessions on this server" (on_marked_down) */
	struct sw32 shut_reason;  /* first letter of the termination state: 'D', 'K', 'U' */
	struct sw32 status;       /* enum check_status (shm/check_status.h) */
	struct sw32 code;         /* protocol status, e.g. 200; 0: none */
	struct sw32 duration_ms;  /* of the last probe */
	struct sw32 chkfail;      /* failed probes */
	struct sw32 chkdown;      /* changes from UP to DOWN */
	struct sw64 changed_ns;   /* CLOCK_MONOTONIC of the last change UP/DOWN; 0: never */
	struct sw64 changed_wall_us;
	struct sw64 downtime_ms;   /* of finished down times */
	struct sw64 slow_from_ns;  /* start of slow start; 0: none runs */
	struct sw64 last_probe_ns; /* end of the last probe; 0: none yet */
	struct sw64 next_probe_ns;
	struct sw64 probes; /* finished probes */
	struct sw32 slowstart_ms;
	struct sw32 backup; /* 1: used while no other server of its backend is usable */
	struct sw32 conf_check_port;
	/* 0: target[] says nothing; else target[target_n % 2] holds, and one store made it so. */
	struct sw32 target_n;
	struct sw32 pad;
	struct shm_target target[2];
	struct sw32 desc_seq; /* odd while desc is being written */
	char desc[96];
};

/* The schedule of a backend: two buffers; the cursor's generation says which is meant. */
struct shm_sched {
	struct {
		struct sw32 gen; /* 16-bit generation of the content; 0 .. 65535; SHM_NONE while it
				    is rebuilt */
		struct sw32 len; /* entries; 0: no usable server */
		struct sw32 servers; /* distinct servers among them */
		struct sw32 pad;
	} buf[2];          /* generation g lies in buf[g % 2] */
	struct sw32 epoch; /* of the backend's directory entry */
	/* Backups count only where a backend has no other server; while nothing but backups is
	 * usable, usable is the number of those in use and weight_up 0. */
	struct sw32 usable;    /* usable servers */
	struct sw32 total;     /* servers */
	struct sw32 weight_up; /* sum of uweight of usable servers, for bands */
	struct sw32 weight_all;
	struct sw32 backups;    /* usable backups */
	struct sw64 changed_ns; /* last change between some and none usable */
	struct sw64 downtime_ms;
	struct sw32 chkdown;      /* changes to none usable */
	struct sw32 on_backup;    /* 1: the schedule is made of backups */
	struct sw32 chkdown_base; /* of them not shown: before the counters were cleared */
	struct sw32 generation;   /* 0 .. 65535: published last; what the cursor should say */
};

struct shm_checker {
	struct sw64 beat;    /* last master tick that it answered */
	struct sw64 beat_ns; /* CLOCK_MONOTONIC of the last turn of its loop: health older than a
				bound is stale */
	struct sw64 generation;
	struct sw64 wait_probes; /* servers whose first probe has not ended yet */
	struct sw64
	    done[SHM_MAX_WORKERS]; /* number of the last request of worker w that was carried out */
	struct sw32 result[SHM_MAX_WORKERS]; /* its result, 0: done */
	struct shm_event_ring events;
	/* health, schedules, entries follow */
};

/* ---- shared: many writers
 * ------------------------------------------------------------------------ */

struct shm_cursor {
	struct mw64 word;   /* 16 bits generation, 48 bits position */
	struct mw64 ticket; /* next queue ticket, from 1 */
};

struct shm_shared {
	struct mw64 event_seq;  /* last event number */
	struct mw64 session_id; /* last session id */
	struct mw64 rate;       /* of all sessions, while global maxconnrate holds: window.h */
				/* cursors and rates of frontends follow */
};

/* ---- vrrp
 * ---------------------------------------------------------------------------------------- */

#define SHM_PEERS        32
#define SHM_CLOCK_OFF_US 5000000LL /* clocks of two hosts that are this far apart: an alarm */

struct shm_ip {
	uint8_t family; /* AF_INET, AF_INET6; 0: none */
	uint8_t b[16];
};

/* Why a router is what it is, for "explain"; addresses may be torn while they change. */
struct shm_why {
	struct sw32 weights; /* 0: priority from the band, 1: sum of weights */
	struct sw32 base;    /* configured priority */
	struct sw32 raw;     /* band that is measured now; another than `band` while a hold runs */
	struct sw32 heard_priority; /* of the master that is followed; 0: it resigned */
	struct sw64 hold_ns;        /* end of that hold; 0: none */
	struct sw64 next_ns;        /* the decision's timer; 0: none */
	struct sw64 heard_ns; /* last advertisement of the followed master; 0: none is known */
	struct shm_ip master;
	struct sw32 n_peers;
	struct {
		struct shm_ip ip;
		struct sw32 priority; /* that it said last */
		struct sw64 said_ns;  /* 0: has said nothing yet */
		struct sw64 clock_us; /* signed: how far its clock is ahead of ours, by HMAC */
	} peers[SHM_PEERS];
	char track[160]; /* what is worst among what is tracked */
};

struct shm_router {
	struct sw32 epoch;
	struct sw32 used;
	struct sw32 role; /* vrrp's own enum */
	struct sw32 band;
	struct sw32 priority;
	struct sw32 vrid;
	struct sw64 since_ns; /* of the role */
	struct sw64 since_wall_us;
	struct sw64 lease_boot_ns; /* CLOCK_BOOTTIME: end of the lease while MASTER */
	struct sw64 sent;
	struct sw64 received;
	struct sw64 became_master;
	struct sw32 refused[32]; /* advertisements, by reason: shm/refused.h */
	char name[SHM_NAME];
	char group[SHM_NAME]; /* sync group; "": none */
	char reason[128];
	struct shm_why why;
	unsigned char room[1024]; /* vrrp's own use, see vrrp/ */
};

/* See replay.h. */
#define SHM_REPLAYS 16384 /* routers x peers x keys of each */
struct shm_replay {
	struct sw32 used; /* 1: what names it holds */
	struct sw32 turn; /* 0: no value yet; else copy[turn & 1] is it */
	struct {
		struct sw32 boot;
		struct sw32 pad;
		struct sw64 seq;
	} copy[2];
	char router[SHM_NAME];
	struct shm_ip peer;
	uint8_t family;
	uint8_t vrid;
	uint8_t key_id;
};

/*
 * An address that vrrp has set, from before it asks the kernel until the kernel has removed it: for
 * a successor that has no such router any more, and for the master when there is no successor.
 */
#define SHM_HELD (2 * SHM_MAX_VIPS) /* a generation's, and those that it has not removed yet */
struct shm_held {
	struct sw32 used; /* 0: free; else 1 + slot of the router */
	uint32_t ifindex;
	uint8_t family; /* AF_INET, AF_INET6 */
	uint8_t prefix;
	uint8_t pad[2];
	uint8_t addr[16];
};

struct shm_vrrp {
	struct sw64 beat;
	struct sw64 beat_ns;
	struct sw64 generation;
	struct sw64 drain_seq; /* counts "reset the sessions on these addresses and stop accepting
				  on them" */
	struct sw64 want_fresh_ns; /* CLOCK_MONOTONIC: the checker shall probe a usable server of
				      each backend now if it has not since then (rule 1 of the
				      failover logic); ring its bell */
	struct sw64 hmac_seq;      /* of the last advertisement that was signed */
	struct sw32 n_routers;
	struct sw32 n_drain; /* addresses in drain[] of the current drain_seq */
	struct {
		uint8_t family; /* AF_INET, AF_INET6 */
		uint8_t addr[16];
		uint8_t pad[7];
	} drain[SHM_MAX_VIPS];
	struct sw64 done[SHM_MAX_WORKERS];
	struct sw32 result[SHM_MAX_WORKERS];
	struct shm_event_ring events;
	struct shm_router routers[SHM_MAX_ROUTERS];
	struct sw32 n_held; /* entries ever used: loops stop here */
	struct shm_held held[SHM_HELD];
	struct sw32 n_replays; /* entries ever used: loops stop here */
	struct shm_replay replays[SHM_REPLAYS];
};

/* ---- worker
 * -------------------------------------------------------------------------------------- */

/* Sessions started in the current second of the writer's clock and the one before, as HAProxy
 * counts. */
struct shm_rate {
	struct sw64 sec; /* CLOCK_MONOTONIC seconds of cur */
	struct sw32 cur;
	struct sw32 prev; /* of sec - 1 */
	struct sw32 max;
	struct sw32 pad;
};

struct shm_queue {
	struct sw64 oldest;    /* smallest ticket that waits here; UINT64_MAX or 0: none */
	struct sw32 waiting;   /* sessions that wait here */
	struct sw32 looked_ms; /* CLOCK_MONOTONIC, low 32 bits: when it last looked at this queue */
};

/* Counters are cumulative, one writer; those with _max are maxima. Bytes: in = from client. */
struct shm_fe_count {
	struct sw32 epoch;
	struct sw32 cur_max; /* most sessions at once over all workers, as seen here */
	struct sw64 sess;    /* sessions accepted */
	struct sw64 bytes_in;
	struct sw64 bytes_out;
	struct sw64 denied;     /* by deny or allow (dcon) */
	struct sw64 denied_req; /* by a content rule (dreq) */
	struct sw64 req;        /* HTTP requests */
	struct sw64 req_err;    /* bad requests (ereq) */
	struct sw64 rsp[6];     /* HTTP answers 1xx..5xx, other */
	struct sw64 intercepted;
	struct sw64 paused; /* times that accepting was paused by a limit */
	struct shm_rate rate;
};

struct shm_be_count {
	struct sw32 epoch;
	struct sw32 cur_max;
	struct sw64 sess;
	struct sw64 bytes_in;
	struct sw64 bytes_out;
	struct sw64 econ;   /* failed connects after all retries */
	struct sw64 eresp;  /* errors of the server after the connect */
	struct sw64 wretr;  /* retries with the same server; with another: wredis */
	struct sw64 wredis; /* redispatches */
	struct sw64 cli_abrt;
	struct sw64 srv_abrt;
	struct sw64 lbtot;   /* times a server was chosen */
	struct sw64 connect; /* connects tried */
	struct sw64 denied;
	struct sw32 queue_max; /* most waiters at once over all workers, as seen here */
	struct sw32 q_ms_max;  /* longest of the times that are summed below */
	struct sw32 c_ms_max;
	struct sw32 t_ms_max;
	struct sw64 last_ns; /* CLOCK_MONOTONIC of the last session; 0: never */
	struct sw64 q_ms;    /* sums over sessions, for averages */
	struct sw64 c_ms;
	struct sw64 t_ms;
	struct sw64 timed; /* sessions in these sums */
	struct shm_rate rate;
};

struct shm_srv_count {
	struct sw32 epoch;
	struct sw32 cur_max;
	struct sw64 sess;
	struct sw64 bytes_in;
	struct sw64 bytes_out;
	struct sw64 connect; /* connects tried */
	struct sw64 econ;
	struct sw64 eresp;
	struct sw64 wretr;
	struct sw64 wredis;
	struct sw64 cli_abrt;
	struct sw64 srv_abrt;
	struct sw64 lbtot;
	struct sw64 last_ns;
	struct sw32 c_ms_max;
	struct sw32 t_ms_max;
	struct sw64 c_ms;
	struct sw64 t_ms;
	struct sw64 timed;
	struct shm_rate rate;
};

/* A client address at a frontend, see source.h. */
struct shm_source {
	struct sw64 addr;
	struct sw32 who;  /* 0: free; changes while held is 0 only */
	struct sw32 held; /* sessions of this worker */
	struct sw64 rate; /* sessions begun, see window.h */
};

enum shm_phase {
	SHM_PH_FREE = 0,
	SHM_PH_REQUEST, /* HTTP or inspection: waits for the client */
	SHM_PH_QUEUE,
	SHM_PH_CONNECT,
	SHM_PH_DATA,
	SHM_PH_LAST, /* server has ended, last data to the client */
	SHM_PH_CLOSED
};

/* How far a session is counted: what is missing when its worker is killed the master adds. */
enum {
	SHM_COUNTED_ACCEPT = 1, /* at its frontend */
	SHM_COUNTED_END = 2,    /* its end: it is none of those that were lost */
	SHM_COUNTED_LOG = 4     /* its log line is written */
};

/* A session, without pointers; seq is odd while it is being written. */
struct shm_session {
	struct sw32 seq;
	struct sw32 phase; /* enum shm_phase */
	uint64_t id;       /* over all workers, from shm_shared.session_id */
	struct sw32 fe;    /* slots; SHM_NONE: none */
	struct sw32 be;
	struct sw32 srv;
	uint32_t flags;
	int64_t accept_wall_us;
	int64_t accept_ns;        /* CLOCK_MONOTONIC */
	struct sw64 assigned_ns;  /* server chosen and admitted; 0: not yet */
	struct sw64 connected_ns; /* 0: not yet */
	struct sw64 active_ns;    /* last data, coarse */
	struct sw64 bytes_in;
	struct sw64 bytes_out;
	struct sw32 retries; /* bit 31: redispatched */
	struct sw32 counted; /* SHM_COUNTED_* */
	struct shm_end client;
	struct shm_end local;     /* the address that the client called */
	struct shm_end source;    /* our side towards the server */
	struct shm_end server;    /* where it connects to; family 0: not yet */
	struct sw32 handshake_ms; /* until the PROXY header was there */
};

struct shm_request {
	struct sw64 number; /* from 1; 0: free */
	uint32_t kind;
	uint32_t object;
	uint64_t value;
	char text[104];
};

/* What a client sent that was refused, for "show errors". */
struct shm_capture {
	struct sw64 number; /* over this worker's, from 1; 0: being written or never */
	int64_t wall_us;
	uint32_t fe; /* slot */
	uint32_t fe_epoch;
	struct shm_end client;
	uint32_t len;  /* bytes kept */
	uint32_t came; /* bytes that had come */
	char why[72];
	unsigned char data[SHM_CAPTURE];
};

/* Why a worker does not accept at the moment; others ring it when a place becomes free. */
enum { SHM_WANT_GLOBAL = 1 };

/* See step.h. */
#define SHM_STEP_WORDS 16
struct shm_step {
	struct sw32 n; /* words that are being written; 0: none */
	uint32_t noted;
	struct {
		uint32_t at; /* offset in the slot */
		uint64_t value;
	} e[SHM_STEP_WORDS];
};

struct shm_worker {
	struct sw32 pid;
	struct sw32 wants; /* SHM_WANT_*: stopped accepting, waits for a place (hard-parts 3) */
	struct sw64 beat;  /* last master tick answered */
	struct sw64 generation;     /* committed */
	struct sw64 min_generation; /* oldest generation that a session here still uses */
	struct sw64 drained;        /* last vrrp drain_seq carried out */
	struct sw64 left;           /* oldest generation that connections are still accepted for */
	struct sw64 quiet;      /* the same without listeners to which nobody came for a while */
	struct sw32 held;       /* sessions counted in the global limit */
	struct sw32 held_misc;  /* monitoring, statistics, control connections */
	struct sw32 exhausted;  /* bit: paused for lack of descriptors, memory, ports */
	struct sw32 n_sessions; /* session records ever used: loops stop here */
	struct sw32 adopted;    /* number of queues of others that it polls now */
	struct sw32 pipes;      /* pipes in use and pooled */
	struct sw64 cum_conn;   /* accepted connections */
	struct sw64 cum_req;
	struct sw64 bytes_out;
	struct sw64 spliced; /* bytes moved by splice */
	struct sw64 loops;
	struct sw64 log_lost;
	struct sw32 held_max;
	struct sw32 sources;    /* 1: its table of client addresses is in use */
	struct sw32 held_wait;  /* control connections whose command is "wait" */
	struct sw32 wants_misc; /* 1: waits for a place for a control or monitoring connection */
	struct shm_rate conn_rate;
	struct shm_step step;
	struct sw64 wants_fe[64]; /* bit per frontend slot: paused by that frontend's maxconn */
	struct sw64 report_head;  /* failed connects reported so far; entries are server slots */
	struct sw32 report[SHM_REPORTS];
	struct sw64 request_head; /* requests made so far */
	struct shm_request request[SHM_REQUESTS];
	/* A call to all workers (hard-parts 9): kind and value, then seq; each carries it out and
	 * writes seq into its own called[]. One at a time from a worker. */
	struct sw64 call_seq;
	struct sw32 call_kind; /* enum shm_call_kind */
	struct sw32 pad2;
	struct sw64 call_value;
	struct sw64 called[SHM_MAX_WORKERS]; /* last call of worker v carried out here */
	struct sw64 captured;                /* captures so far */
	struct shm_capture capture[SHM_CAPTURES];
	struct shm_event_ring events;
	/* held_fe, held_be, held_srv, queue | fe, be, srv counters | sessions follow at head.w_* */
};

_Static_assert(sizeof(struct shm_session) == 184, "session record");
_Static_assert(sizeof(struct shm_source) == 24, "client address");
_Static_assert(sizeof(struct shm_event) == 256, "event");
_Static_assert(sizeof(struct mw64) == 64, "many-writer word has its cache line");
_Static_assert(
    sizeof(struct sw64) == 8 && sizeof(struct sw32) == 4 && sizeof(struct sw16) == 2, "words");
_Static_assert(offsetof(struct shm_head, off_master) % 8 == 0, "head");
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2 && ATOMIC_INT_LOCK_FREE == 2, "lock-free words");

#endif
