/* SPDX-License-Identifier: ISC */
/*
 * Workers without a master: the test makes the segment, fills the directory from a configuration,
 * publishes the schedules, forks worker_main and speaks the master's protocol with it. The test
 * itself is client and server, so that each byte's way is in its hand.
 */
#ifndef TESTS_LIB_RIG_H
#define TESTS_LIB_RIG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/loop.h"
#include "lib/msg.h"
#include "shm/child.h"

#define RIG_WORKERS   4
#define RIG_LISTENERS 8

/* A listener and a server that resets its sessions when it is marked down: two ports. */
#define RIG_CONF                                                                              \
	"frontends = { fe = { bind = \"127.0.0.1:%u\"; default_backend = \"be\"; }; };\n"     \
	"backends = { be = { servers = { a = { address = \"127.0.0.1:%u\"; on_marked_down = " \
	"\"shutdown-sessions\"; }; }; }; };\n"

struct rig_listener {
	char name[64];
	uint16_t port; /* 0: UNIX */
	int fds[RIG_WORKERS];
	unsigned n; /* 1: one shared queue */
	bool control;
	bool sent;
};

struct rig {
	struct shm seg;
	struct loop *loop;
	unsigned n_workers;
	struct child_bells bells;
	struct rig_worker {
		struct rig *rig;
		struct msg_chan chan;
		pid_t pid;
		uint32_t answer; /* type of the last answer */
		uint64_t number;
		char reason[256];
		bool closed;
	} workers[RIG_WORKERS];
	struct rig_listener listeners[RIG_LISTENERS];
	unsigned n_listeners;
	uint64_t generation;
	uint32_t maxconn;
	int files[4];
	char file_names[4][64];
	unsigned n_files;
	void (*between)(struct rig *); /* all have said yes, none has committed; may be NULL */
};

/* Makes the segment. */
void rig_init(struct rig *r, unsigned n_workers);
/* Opens the queues of a listener on 127.0.0.1, a free port. Returns the port. */
uint16_t rig_listen(struct rig *r);
/* One shared queue on a UNIX socket of this path. */
void rig_listen_unix(struct rig *r, const char *path, bool control);
/* A file of networks that the configuration names. */
void rig_file(struct rig *r, const char *name, const char *text);
/* Forks the workers (the first time) and brings all to a configuration: a new generation. Returns
 * 0, or -1 when one said no (reason in its rig_worker). */
int rig_load(struct rig *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A tick of the master: asks all. */
void rig_tick(struct rig *r);
/* Waits until f(r) holds, at most 5 s, ringing nobody. Returns whether it does. */
bool rig_until(struct rig *r, bool (*f)(struct rig *));
/* STOP to one worker; then its exit status. */
void rig_stop(struct rig *r, unsigned w, int64_t grace_ms);
int rig_wait(struct rig *r, unsigned w);
/* Ends all that still run. */
void rig_fini(struct rig *r);
/* The same once no session holds anything: none may be left. */
void rig_fini_idle(struct rig *r);

/* rig_init, a listener and a server of the test: the server's listening socket. */
int rig_begin(struct rig *r, unsigned n_workers, uint16_t *port, uint16_t *back);

/* A listening socket on 127.0.0.1 for the test as server. */
int rig_server(uint16_t *port);
/* A port where nobody listens. */
uint16_t rig_closed_port(void);
/* Blocking sockets with a time limit of 5 s for each operation. -1 with errno. */
int rig_connect(uint16_t port);
int rig_accept(int listener);
/* Exactly n bytes, or false. */
bool rig_send(int fd, const void *data, size_t n);
bool rig_recv(int fd, void *data, size_t n);
/* What the next read gives: 0 end, -1 error with errno. */
ssize_t rig_end(int fd);
void rig_reset(int fd);

/* Sums over the workers of what they hold of frontend, backend and server slots. */
uint32_t rig_held(const struct rig *r);
bool rig_idle(struct rig *r);
/* What worker 0 counted: of server i, of the first backend. */
const struct shm_srv_count *rig_srv(const struct rig *r, uint32_t i);
const struct shm_be_count *rig_be(const struct rig *r);

#endif
