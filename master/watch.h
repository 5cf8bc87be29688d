/* SPDX-License-Identifier: ISC */
/*
 * Is a child alive, starved, or hanging? Pure decisions by the rules of hard-parts.md 8: time is
 * counted in the master's own ticks (100 ms; a gap in its own ticks counts as one), so that a pause
 * of the whole machine kills nobody.
 */
#ifndef MASTER_WATCH_H
#define MASTER_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#define WATCH_TICK_MS      100
#define WATCH_SILENT_TICKS 2  /* then its queues are served by others */
#define WATCH_KILL_TICKS   20 /* then it is judged */
#define WATCH_VRRP_TICKS   4  /* for vrrp: inside its lease of 3 intervals */
#define WATCH_APART_TICKS  10 /* between two kills */

enum watch_verdict {
	WATCH_FINE = 0,
	WATCH_SILENT,  /* others take over its queues */
	WATCH_STARVED, /* got no CPU: a warning only */
	WATCH_BLOCKED, /* waits in the kernel: as well */
	WATCH_KILL
};

/* What /proc tells of a process. */
struct watch_sample {
	char state;       /* R S D T t ... of /proc/PID/stat; 0: unreadable */
	uint64_t cpu_ns;  /* on CPU, of /proc/PID/schedstat */
	uint64_t wait_ns; /* runnable, waiting for a CPU */
};

struct watch {
	uint64_t asked;             /* tick of the oldest question that is not answered; 0: none */
	struct watch_sample at_ask; /* sampled when it became silent */
	bool sampled;
	bool warned;
};

/*
 * One look at a child at tick `now`: answered is the last tick that it answered. *want_sample is
 * set when the caller should sample the process now and, if it has a sample from the time it became
 * silent, call watch_judge: from kill_ticks on.
 */
enum watch_verdict watch_step(
    struct watch *w, uint64_t now, uint64_t answered, uint64_t kill_ticks, bool *want_sample);

/*
 * Judges a process that has been silent for WATCH_KILL_TICKS: stopped (not traced), has used CPU
 * beyond the work_ns that what it was asked for may take, or slept: kill. Only waited for a CPU, or
 * has not had its work_ns yet: starved. One that the kernel lets wait (state D: its lock
 * of interfaces and addresses, say, while containers come and go) would not die before it could go
 * on, and its successor would have to wait as well: blocked.
 */
enum watch_verdict watch_judge(
    const struct watch *w, const struct watch_sample *s, uint64_t work_ns);

/* May one more worker be killed now? last_kill: tick of the last kill (0: never); replaced: the
 * worker killed last answers again; others_live: another worker answers. */
bool watch_may_kill(uint64_t now, uint64_t last_kill, bool replaced, bool others_live);

/* Parses "/proc/PID/stat" and "/proc/PID/schedstat" texts. Returns false if they make no sense. */
bool watch_parse(struct watch_sample *out, const char *stat, const char *schedstat);

#endif
