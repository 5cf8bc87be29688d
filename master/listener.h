/* SPDX-License-Identifier: ISC */
/*
 * Listening sockets: opened by the master, held by it for as long as the configuration names them,
 * handed to every worker. A listener of TCP has one SO_REUSEPORT queue per worker; a UNIX socket,
 * each port of a range and each inherited descriptor has one in all (hard-parts.md 1).
 */
#ifndef MASTER_LISTENER_H
#define MASTER_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/mono.h"
#include "lib/sock.h"

struct listener_want {
	const char *name;      /* the configuration's: the identity */
	struct sock_addr addr; /* AF_UNSPEC: inherited */
	uint16_t last;         /* port of a range */
	bool v4v6;             /* IPv6: takes IPv4 too */
	const char *interface; /* NULL: any */
	const char *inherited; /* NULL; else the descriptor's number or name (inherit.h) */
	int backlog;           /* a queue */
	bool keepalive;        /* inherited by accepted sockets; seconds ... */
	int keep_idle_s;
	int keep_interval_s;
	int keep_count;
	int user_timeout_ms; /* 0: kernel's */
	bool control;        /* a control socket */
	unsigned mode;       /* file mode of a UNIX socket; 0: umask's */
	uid_t uid;           /* owner of a UNIX socket; (uid_t)-1: ours */
	gid_t gid;
};

struct listener {
	struct listener *next;
	char *name;
	struct sock_addr addr;
	uint16_t last; /* port of a range */
	bool v4v6;
	int *queues;       /* descriptors */
	uint64_t *since_q; /* of each: the generation that brought it */
	unsigned n_queues; /* one a worker; if shared: 1 for UNIX, else one a port or descriptor */
	int *more;         /* bound, not listening: queues of a reload with more workers */
	unsigned n_more;
	bool shared;    /* all workers take from all queues */
	bool inherited; /* the sockets are not ours: never emptied, no file of ours */
	bool control;
	bool paused;    /* its frontend is disabled: bound, not listening */
	int backlog;    /* a queue */
	uint64_t since; /* generation that brought it, or took it back */
	uint64_t left;  /* generation that removed it: workers empty it; 0: in use */
	uint64_t back;  /* generation that takes it back before it is closed */
	struct mono left_at;
	bool deaf; /* left, and new clients' SYNs are dropped */
};

/* Reason why a listener could not be opened, for the user. */
struct listener_error {
	char text[512];
};

/*
 * Opens all of want that set does not hold yet, with n queues each, all or nothing: first every
 * address is bound without SO_REUSEPORT, which the kernel refuses while anybody else listens there;
 * then the other queues join; then all listen. Those opened are returned as a list, to be joined on
 * commit or closed by listener_free_all. A held one with fewer queues than n gets the missing ones,
 * see listener_join. held is what we listen on already; one of these that has
 * left is taken back (its field back). Returns 0, or -1 with err (address, reason, holder).
 */
int listener_open_all(struct listener **out, const struct listener_want *want, size_t n_want,
    struct listener *held, unsigned n, uint64_t generation, struct listener_error *err);

/* What listener_open_all added to listeners that stay: queues of more workers. They listen from now
 * on, or are closed. */
void listener_join(struct listener *l, uint64_t generation);
void listener_shed_all(struct listener *set);

/* Changes options of a listener that stays. */
void listener_adjust(struct listener *l, const struct listener_want *want);

/* Stops listening, or listens again; the descriptors stay, here and in the workers. Without effect
 * on UNIX sockets, which cannot come back, and on inherited ones: workers refuse their clients. */
void listener_pause(struct listener *l, bool paused);

/* No new client gets in: SYNs are dropped, everything else passes, so that handshakes under way are
 * finished; a client that comes now tries again a second later. Accepted sockets inherit it, none
 * of them has to see a SYN. An unprivileged process may not be allowed to: then nothing happens. */
void listener_deafen(struct listener *l);
void listener_hear(struct listener *l);

struct listener *listener_find(struct listener *set, const char *name);
/* Closes; removes the file of a UNIX socket. */
void listener_free(struct listener *l);
void listener_free_all(struct listener *set);

/* Who listens on this TCP address: "name (pid N)" into buf, or "another process". */
const char *listener_holder(const struct sock_addr *a, char *buf, size_t size);

#endif
