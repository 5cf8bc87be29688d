/* SPDX-License-Identifier: ISC */
/*
 * A world for checker_main: the test is the master (segment, directory, messages, bells) and a
 * worker that asks and reports; the checker runs in a process of its own and can be killed. One
 * world at a time.
 */
#ifndef TESTS_LIB_CKWORLD_H
#define TESTS_LIB_CKWORLD_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/loop.h"
#include "lib/mono.h"
#include "lib/msg.h"
#include "shm/child.h"
#include "shm/segment.h"

struct world {
	struct shm m;
	struct loop *loop;
	struct child_bells bells;
	struct msg_chan chan;
	pid_t pid; /* 0: none runs */
	int sock;
	uint64_t generation;
	uint32_t answer; /* enum proto_type of the last answer, 0: none yet */
	uint64_t answered;
	char reason[512]; /* of a NO */
	int log_fd;       /* the checker's log lines arrive here */
	char log_address[64];
	char log[65536]; /* all lines so far, each with a newline */
	size_t log_len;
	uint32_t be; /* slot of the one backend "be" */
};

void world_open(struct world *w);
void world_close(struct world *w);

/* Adds server name at 127.0.0.1:port to the directory; returns the slot. */
uint32_t world_server(struct world *w, const char *name, uint16_t port);

void world_spawn(struct world *w, bool resumed);
void world_kill(struct world *w);
/* Waits for its end by itself; returns the exit code, or -signal. */
int world_wait(struct world *w);

/*
 * PREPARE, COMMIT of a configuration: body is the content of backend "be" (check, servers ...). A
 * file of this name and content is sent along; NULL: none. world_load fails the test unless
 * the checker says DONE; world_prepare returns whether it said YES and leaves it at that.
 */
void world_load(struct world *w, const char *body, const char *file, const char *bytes);
bool world_prepare(struct world *w, const char *body, const char *file, const char *bytes);
/* The last generation again, with all descriptors, as for a respawned process. */
void world_load_again(struct world *w);
/* The same without waiting for any answer: the process may be killed anywhere in it. */
void world_throw_again(struct world *w);
void world_throw(struct world *w, const char *body);

/* One turn of the master: messages, log lines. */
void world_turn(struct world *w);
bool world_logged(struct world *w, const char *text);
/* True if the bell was rung since the last look. */
bool world_rung(int bell);

static inline const struct shm_health *
world_health(const struct world *w, uint32_t slot)
{
	return shm_health(&w->m, slot);
}
static inline const struct shm_sched *
world_sched(const struct world *w)
{
	return shm_sched(&w->m, w->be);
}
/* Picks n times; count[slot] says how often each server came. */
void world_picks(struct world *w, unsigned n, unsigned *count);

/* Worker 0 asks; returns the checker's result. */
uint32_t world_request(struct world *w, uint32_t kind, uint32_t slot, uint32_t argument);
/* The text of requests from now on. */
void world_text(struct world *w, const char *text);
/* Asks only; returns the request's number. */
uint64_t world_ask(struct world *w, uint32_t kind, uint32_t slot, uint32_t argument);
/* Worker 0 reports a failed connect. */
void world_report(struct world *w, uint32_t slot);

/* Waits for a condition, 20 s at most. */
#define UNTIL(w, c)                                                                            \
	do {                                                                                   \
		struct mono until_end = mono_add_ms(mono_now(), 20000);                        \
		while (!(c)) {                                                                 \
			if (!mono_before(mono_now(), until_end))                               \
				fail_msg(                                                      \
				    "%s:%d: never: %s\n%s", __FILE__, __LINE__, #c, (w)->log); \
			world_turn(w);                                                         \
		}                                                                              \
	} while (0)

#endif
