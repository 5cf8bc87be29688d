/* SPDX-License-Identifier: ISC */
/*
 * A server to be probed, in a process of its own on a loopback port. What it does can be changed
 * while it runs; what it saw can be read.
 */
#ifndef TESTS_LIB_TARGET_H
#define TESTS_LIB_TARGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum target_mode {
	TARGET_SERVE = 0, /* http and tls: answers with status; tcp: accepts, waits for the end */
	TARGET_REFUSE,    /* does not listen */
	TARGET_SILENT,    /* accepts, says nothing */
	TARGET_CUT,       /* accepts and closes */
	TARGET_RESET,     /* accepts and resets */
	TARGET_GARBAGE,   /* answers what is no HTTP */
	TARGET_INTERIM,   /* a 100 before the answer, in pieces */
	TARGET_STAYS,     /* answers and does not close */
	TARGET_BODY,      /* answers with a body that has no end */
	TARGET_ENDLESS    /* a 100 after the other, as fast as they are taken */
};

struct target {
	_Atomic int mode;
	_Atomic int seen_mode; /* that it has taken over */
	_Atomic int status;
	_Atomic unsigned conns;
	_Atomic unsigned clean; /* connections that the prober ended cleanly */
	_Atomic unsigned dirty;
	_Atomic unsigned client_certs;
	_Atomic uint64_t body; /* bytes of TARGET_BODY that were taken */
	uint16_t port;
	pid_t pid;
	bool tls;
	char request[1024]; /* the last one */
	char sni[64];       /* of the last handshake; "": none */
};

/* A certificate for a name and 127.0.0.1, signed by itself; PEM texts. */
struct target_pem {
	char cert[4096];
	char key[4096];
};
void target_make_pem(struct target_pem *out, const char *name);

/* Starts one that serves with status 200; tls: with this certificate, NULL: plain. ca: asks for
 * client certificates signed by it. */
struct target *target_start(const struct target_pem *tls, const struct target_pem *ca);
/* Returns when the change holds. */
void target_set(struct target *t, enum target_mode mode, int status);
void target_stop(struct target *t);

#endif
