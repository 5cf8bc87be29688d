/* SPDX-License-Identifier: ISC */
/*
 * A session: a client's connection, the server's connection, and what lies between. Runs in a
 * worker. From accept to the last close it belongs to one worker; its record in the worker's
 * section is what others see of it. It holds a reference to its generation.
 */
#ifndef WORKER_SESSION_H
#define WORKER_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/sock.h"
#include "worker/worker.h"

enum side_flag {
	SIDE_RD = 1,    /* there may be something to read */
	SIDE_WR = 2,    /* it may take something */
	SIDE_HUP = 4,   /* its FIN has arrived: a short read is the last one */
	SIDE_EOF = 8,   /* its FIN was read */
	SIDE_SHUT = 16, /* ... and passed on to the other side */
	SIDE_ERR = 32,  /* the kernel reports an error */
	SIDE_PRI = 64,  /* sends urgent data: a short read says nothing */
	SIDE_OUT = 128, /* registered for EPOLLOUT */
	SIDE_NODELAY = 256,
	SIDE_SENT = 512,   /* something was sent to it */
	SIDE_PROXY = 1024, /* a PROXY header is due before anything else */
	SIDE_LATE = 2048   /* its handshake was to be acknowledged late, nothing was sent since */
};

struct relay_held { /* bytes that the other side did not take */
	uint32_t off;
	uint32_t len;
	bool uncounted; /* the client's, read before it was known who gets them */
	char data[];
};

struct side {
	struct loop_fd f;
	int fd;         /* -1: none */
	uint16_t flags; /* SIDE_* */
	uint16_t full;  /* reads in a row that filled the first buffer size */
	struct relay_held *held;
	struct pipe_pair *pipe; /* with bytes in it */
};

enum session_flag {
	SESSION_READY = 1,     /* in the ready list */
	SESSION_SETTLED = 2,   /* has lived long enough for keepalive and addresses */
	SESSION_REDISP = 4,    /* went to another server than the one before */
	SESSION_PAUSE = 8,     /* waits before it tries the same server again */
	SESSION_HELD_SRV = 16, /* counted at its server */
	SESSION_PROXIED = 32,  /* its addresses are those of a PROXY header */
	SESSION_EARLY = 64,    /* the client was read before the connect was known to be done */
	SESSION_INSPECT = 128, /* content rules have not decided yet: no backend */
	SESSION_RULED = 256,   /* a content rule chose the backend */
	SESSION_TAKE = 512     /* what content rules look at is taken from the socket and held */
};

struct session {
	struct side c; /* client */
	struct side s; /* server */
	struct loop_timer timer;
	struct mono active; /* last data either way */
	struct worker *w;
	struct session *next; /* all of this worker, newest first */
	struct session **prev;
	struct session *srv_next; /* of one server, of a backend's waiters, or the doomed */
	struct session **srv_prev;
	struct session *ready_next;
	struct gen_frontend *fe;
	struct gen_backend *be; /* NULL: content rules have not decided yet */
	struct gen_server *srv; /* NULL: none yet */
	struct shm_session *rec;
	uint32_t *tried; /* slots of servers that failed; NULL: none */
	uint16_t n_tried;
	uint16_t tries;         /* connects begun */
	uint64_t ticket;        /* in its backend's queue; 0: does not wait */
	uint32_t source;        /* its place in the table of client addresses; 0: none */
	uint32_t queued_behind; /* waiters before it when it joined the backend's queue */
	uint16_t flags;         /* SESSION_* */
	uint8_t phase;          /* enum shm_phase, as in the record */
	char who; /* first and second letter of the termination state, from session_end on */
	char when;
};

/* How the two connections end. */
enum session_close {
	SESSION_CLOSE = 0, /* FIN where one is due */
	SESSION_RESET_C,   /* RST to the client */
	SESSION_RESET_S,   /* RST to the server */
	SESSION_RESET      /* RST to both */
};

/*
 * Takes an accepted connection that admission has counted already. Returns 0, or -1 with errno when
 * there is no memory or no record: fd is closed, the caller gives the place back. source: from
 * admit_source.
 */
int session_start(struct worker *w, struct gen_frontend *fe, int fd, const struct sock_addr *peer,
    const struct conf_bind *bind, uint32_t source);

/* Ends and frees: closes both sides, counts, logs, gives places back. who is the first letter of
 * the termination state (semantics D.6), '-' for a clean end; the phase gives the second. */
void session_end(struct session *s, char who, enum session_close how);

/* The letter for the phase that a session is in: Q, C, D, L. Pure. */
char session_when(const struct session *s);

/* Gives it its first backend: counts and publishes. */
void session_backend(struct session *s, struct gen_backend *be);

/* The server's connection is there: begins to relay. */
void session_connected(struct session *s);

/* Runs one session of the ready list or after an event. False: it has ended and is freed. */
bool session_run(struct session *s);

/* Arms the timer for whatever limit ends next, if that is sooner than it is armed for. */
void session_timer(struct session *s);

/* Registers both sides that are not yet. Returns 0, or -1 with errno. */
int session_register(struct session *s);

/* Sets the phase here and in the record. */
void session_phase(struct session *s, enum shm_phase phase);

/* Takes it out of, puts it into the list of its server's sessions. */
void session_srv_link(struct session *s);
void session_srv_unlink(struct session *s);

/* Shuts all sessions of a server slot with RST, a few a turn; reason is the first letter. */
void session_doom_server(struct worker *w, uint32_t slot, char reason);
void session_doom(struct session *s, char reason);

/* Does a turn's share of mass actions and of the ready list; true while there is more. */
bool session_idle(struct worker *w);

#endif
