/* SPDX-License-Identifier: ISC */
/*
 * The master: one process that owns configuration, listening sockets and children. Everything it
 * does is an event on a descriptor: signals, a child's end (pidfd), a child's message, its own tick
 * of 100 ms.
 *
 *   process.c    a child's life: fork, confine, death, backoff
 *   alive.c      the judge of silent children
 *   round.c      PREPARE and COMMIT of a generation over all children; respawned ones catch up
 *   generation.c a configuration with all that children need: sealed memfds, sockets
 *   directory.c  names and slots in the segment
 *   binds.c      listeners that leave and come back
 *   workers.c    more and fewer workers
 *   reload.c     SIGHUP: read, check, diff, round
 *   requests.c   commands: runtime.c carries them out, control.c is the master's own socket
 *   start.c      from the command line to the running master
 */
#ifndef MASTER_MASTER_H
#define MASTER_MASTER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "conf/conf.h"
#include "lib/loop.h"
#include "lib/msg.h"
#include "lib/proc.h"
#include "lib/seccomp.h"
#include "master/backoff.h"
#include "master/listener.h"
#include "master/script.h"
#include "master/watch.h"
#include "shm/child.h"
#include "shm/segment.h"

struct master;
struct generation;

enum process_state {
	PROCESS_NONE = 0, /* not wanted, or ended for good */
	PROCESS_STARTING, /* forked, has not committed a generation yet */
	PROCESS_READY,
	PROCESS_BACKOFF /* dead, its timer runs */
};

enum process_answer {
	ANSWER_NONE = 0,
	ANSWER_WAITS, /* to be asked when the workers before it have answered */
	ANSWER_ASKED,
	ANSWER_YES,
	ANSWER_COMMITTING
};

/* A child's slot; lives as long as the master. */
struct process {
	struct master *m;
	enum shm_kind kind;
	unsigned index;
	pid_t pid; /* 0: none */
	enum process_state state;
	struct loop_fd end; /* pidfd */
	struct msg_chan chan;
	int bell; /* eventfd, for the life of the slot */
	struct mono started;
	struct backoff backoff;
	struct loop_timer respawn;
	uint64_t asked; /* generation in `answer` */
	enum process_answer answer;
	struct mono patience; /* until then it may be busy with what it was asked to build */
	int64_t work_ms;      /* of CPU that this may take, however long it waits for them */
	bool rejoins;         /* it died while it prepared: its successor will be asked */
	bool rejoined;        /* this one is that successor */
	bool doubtful;        /* it died again and again before this round */
	uint64_t done;        /* generation that the process runs; 0: none yet */
	struct watch watch;
	bool killed;          /* by us, for silence */
	bool unforked;        /* fork failed, and it was said */
	bool builds;          /* a large generation: others serve its queues meanwhile */
	bool told;            /* a drained worker: to end */
	struct mono drained;  /* since when it takes no connections */
	unsigned bells;       /* of workers that it holds: 0..bells-1 */
	unsigned bells_asked; /* the same when it has said yes */
	bool resumed;
	struct shm_proc *pub;
};

/* A named file that the configuration mentions, read for the children. */
struct named_file {
	char *name;
	unsigned readers; /* 1 << enum conf_reader */
	int fd;           /* sealed memfd */
};

struct log_socket {
	char *name;
	int fd;            /* connected datagram socket */
	struct mono tried; /* last try to connect it anew; 0: none */
};

struct generation {
	uint64_t number;
	struct conf *conf;
	unsigned workers;    /* that take connections */
	uint64_t text_bytes; /* of the longest of them */
	int text[SHM_KINDS]; /* sealed memfd for each kind of child; [SHM_MASTER]: for people */
	size_t n_files;
	struct named_file *files;
	size_t n_logs;
	struct log_socket *logs;
};

enum round_phase { ROUND_NONE = 0, ROUND_PREPARE, ROUND_CHECKER, ROUND_COMMIT };

struct wants {
	size_t n;
	struct listener_want *v;
};

struct round {
	enum round_phase phase;
	struct generation *next;
	struct generation *old;  /* replaced by next; until all have committed */
	struct listener *opened; /* joins m->listeners on commit */
	struct wants wants;      /* listeners of next, for the commit of a reload */
	struct loop_timer limit;
	struct mono bound; /* of the step under way */
	int64_t bound_ms;
	bool late_said;
	bool first; /* start of the program: a no ends it */
	char refused[768];
};

struct options {
	const char *file;
	const char *pidfile;
	const char *host;
	bool daemon;
	bool check;
	bool all_hosts;
	bool demo;
};

struct master {
	struct options opt;
	struct loop *loop;
	struct shm seg;
	struct proc_user user;                    /* of children */
	struct seccomp_filter filters[SHM_KINDS]; /* of children */
	uint64_t nofile;
	unsigned n_workers; /* slots ever used */
	unsigned wanted;    /* workers that take connections; those above are drained or gone */
	struct process workers[SHM_MAX_WORKERS];
	struct process checker;
	struct process vrrp;
	int bell; /* eventfd of the master */
	struct loop_fd bell_fd;
	struct listener *listeners;
	struct generation *gen; /* committed; NULL before the first commit */
	uint64_t last_number;   /* of generations, aborted ones included */
	struct round round;
	bool reload_again; /* SIGHUP while a round runs */
	struct loop_fd signals;
	struct loop_timer tick;
	uint64_t last_kill;       /* tick */
	struct process *replaces; /* the worker killed last, until it answers again */
	bool ready;
	bool stopping;
	bool stop_now;
	bool workers_told; /* of the stop */
	struct loop_timer stop_limit;
	struct scripts *scripts;
	int lock_fd;
	int ready_fd; /* pipe to the parent that waits in -D; -1 */
	int exit_code;
	unsigned next_id; /* last proxy id given; 1 is the control socket, as in HAProxy */
	pid_t demos[64];
	unsigned n_demos;
	void *event;
};

/* options.c: fills o. Returns -1 to go on, else the exit code. */
int options_parse(struct options *o, int argc, char **argv);

/* start.c: everything from main; returns the exit code. */
int start_main(int argc, char **argv);

/* Called once when everything serves. */
void start_ready(struct master *m);

/* master.c */
/* The first thing that main does. */
void master_signals_block(void);
int master_run(struct master *m, struct generation *first, struct listener *opened);
void master_stop(struct master *m, bool now);
void master_first_refused(struct master *m, const char *reason);
/* Calls fn for every slot of a process, wanted or not. */
void master_each(struct master *m, void (*fn)(struct process *));
void master_ring_all(struct master *m);
/* The first time after the start: counts it, and recalls what a predecessor has heard of peers.
 * Returns 0, or -1. */
int master_spawn_vrrp(struct master *m, const struct conf *c);

/* process.c */
int process_init(struct process *p, struct master *m, enum shm_kind kind, unsigned index);
int process_spawn(struct process *p);
/* After process_spawn failed: tries again until it can. */
void process_retry(struct process *p);
void process_kill(struct process *p, int sig);
bool process_serves(const struct process *p);
/* Forgives the deaths of one that has lived for long. Once a tick. */
void process_lives(struct process *p);
const char *process_name(const struct process *p, char *buf, size_t size);

/* alive.c */
void process_tick(struct process *p);
/* Says in the segment whether a worker serves its queues, or others do it for it. */
void process_publish_masks(struct process *p, bool answers);

/* lease.c: gives up the addresses of a vrrp that does not come back. Once a tick. */
void lease_watch(struct master *m);
/* The same at once: vrrp has ended while vipd stops, and will not come back. */
void lease_stopped(struct master *m);

/* round.c */
/* Begins the round for next (taken), with opened listeners (taken). */
void round_begin(struct master *m, struct generation *next, struct listener *opened, bool first);
/* Sends the committed generation to a process that has just been forked. */
void round_catch_up(struct process *p);
void round_answer(struct process *p, struct msg *msg);
/* vipd stops: a reload that can still be refused is. */
void round_stop(struct master *m);
/* A child died, maybe while it was asked; its successor is due in wait_ms. */
void round_died(struct process *p, int64_t wait_ms);

/* generation.c */
/* Can the files that it names be read? Returns 0, or -1 after messages on stderr, as for "-t". */
int generation_look(const struct conf *c);
/* Takes conf. NULL with a message in reason; conf is then freed. */
struct generation *generation_new(
    struct master *m, struct conf *conf, char *reason, size_t reason_size);
void generation_free(struct generation *g);
/* Sends PREPARE and all that p has not got yet. Returns 0, or -1. */
int generation_send(const struct generation *g, const struct listener *const *sets, size_t n_sets,
    struct process *p);
/* The master's own log targets. */
void generation_use_logs(const struct generation *g);

/* relog.c: log sockets that the other end has closed. */
void relog_watch(struct master *m);
/* A process was refused by the target at index of the configuration: connects it for all. */
void relog_target(struct master *m, const char *name);

/* directory.c */
int directory_prepare(
    struct master *m, const struct conf *c, uint64_t gen, char *reason, size_t reason_size);
void directory_commit(struct master *m, const struct conf *c, uint64_t gen);
void directory_abort(struct master *m, uint64_t gen);
/* Frees slots that no worker can use any more. */
void directory_reap(struct master *m);

/* binds.c: listeners that a generation brought or removed. */
void binds_commit(struct master *m);
/* Makes deaf what is quiet, closes what all workers have closed. */
void binds_look(struct master *m);
/* No new clients; what waits is served by the workers. */
void binds_stop(struct master *m);

/* workers.c: a reload changes their number. */
/* Slots for n of them, as empty ones until the commit. Returns 0, or -1 with a reason. */
int workers_prepare(struct master *m, unsigned n, char *reason, size_t size);
/* From now on n take connections. */
void workers_commit(struct master *m, unsigned n);
/* Forks those that are missing. */
void workers_fork(struct master *m);
/* Ends drained ones whose last session is over. Once a tick. */
void workers_look(struct master *m);
/* Slot of a worker that is drained, or has gone. */
bool process_drained(const struct process *p);

/* wants.c: what a configuration needs of the operating system. */
int wants_listeners(
    struct wants *w, const struct master *m, const struct conf *c, struct listener_error *err);
void wants_free(struct wants *w);
unsigned wants_maxconn(const struct conf *c, unsigned n_workers, uint64_t nofile);
unsigned wants_workers(const struct conf *c);
/* No frontend, no virtual router. A file that is being written, or cut, may well be valid. */
bool wants_nothing(const struct conf *c);
/* Descriptors that a process needs without any connection. */
uint64_t wants_nofile(const struct conf *c, unsigned n_workers);
/* Do they fit into the descriptor limit? Returns 0, or -1 with a reason. */
int wants_check(
    const struct conf *c, unsigned n_workers, uint64_t nofile, char *reason, size_t size);

/* reload.c */
void reload_start(struct master *m);
void reload_done(struct master *m, struct generation *old);
void reload_refused(struct master *m, const char *reason);

/* runtime.c: what commands set; kept over reloads. Results are enum shm_result. */
void runtime_start(struct master *m, const struct conf *c);
/* After a commit: listeners of disabled frontends, new ones included. */
void runtime_commit(struct master *m);
uint32_t runtime_frontend(struct master *m, uint32_t slot, uint32_t epoch, uint32_t state);
uint32_t runtime_frontend_maxconn(struct master *m, uint32_t slot, uint32_t epoch, uint32_t n);
uint32_t runtime_maxconn(struct master *m, uint64_t n);
uint32_t runtime_rate(struct master *m, bool sessions, uint64_t n);
uint32_t runtime_maintenance(struct master *m, bool on);

/* requests.c: commands that workers pass on, and those of the master's own control socket. */
void requests_look(struct master *m);
/* The reload under way has ended. */
void requests_reload_over(struct master *m, bool done);

/* control.c: the second control socket, which the master itself serves. */
void control_start(struct master *m, const char *path);
void control_stop(void);

/* report.c: what a reload says, for whoever asked for it. */
void report_begin(struct master *m);
void report_add(struct master *m, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* sessions.c: log lines of the sessions of a dead worker. Returns their number. */
unsigned sessions_bury(struct master *m, unsigned w);

/* dump.c: writes the statistics file. Returns 0, or -1 after a message. */
int dump_write(struct master *m);

/* demo.c: built-in demo servers of the quickstart. */
int demo_start(struct master *m, struct conf *c);
void demo_adjust_binds(struct conf *c);
/* At a reload: the ports that were replaced at the start. */
void demo_replace(struct conf *c);

#endif
