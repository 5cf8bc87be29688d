/* SPDX-License-Identifier: ISC */
/*
 * One probe of one server: connect, for https a handshake, for http a request and the head of its
 * answer; then a result. Asynchronous in the checker's loop, one at a time per struct probe, which
 * is embedded in its owner. Knows nothing of rise, fall or shared memory.
 */
#ifndef CHECKER_PROBE_H
#define CHECKER_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/model.h"
#include "lib/loop.h"
#include "lib/proxyproto.h"
#include "lib/sock.h"
#include "shm/check_status.h"

#define PROBE_DESC 96 /* bytes of a description with its NUL, as in struct shm_health */

struct ssl_ctx_st;
struct ssl_st;
struct probe_head;

/* What to do. Lives as long as the configuration generation that it was made from. */
struct probe_spec {
	const struct conf_check *check; /* status ranges, times */
	int64_t timeout_connect_ms;     /* of the backend */
	struct sock_addr to;            /* with the check's port */
	struct ssl_ctx_st *tls;         /* NULL: no TLS */
	const char *sni;                /* NULL: none; also the name the certificate must carry */
	char *request;                  /* bytes to send; NULL: a connect is enough */
	size_t request_len;
	const struct outgoing *from; /* where the probe comes from */
	char lead[PROXYPROTO_ROOM];  /* PROXY header, sent before anything else */
	size_t lead_len;             /* 0: none */
};

struct probe_result {
	enum check_status status;
	bool own_fault; /* this host lacks descriptors, memory or ports, or stood still: says
			   nothing about the server */
	uint32_t code;  /* protocol status; 0: none */
	uint32_t duration_ms;
	char desc[PROBE_DESC]; /* "": nothing to add */
};

enum probe_phase {
	PROBE_IDLE = 0,
	PROBE_CONNECT,
	PROBE_HANDSHAKE,
	PROBE_SEND,
	PROBE_HEAD,  /* waits for the head of the answer */
	PROBE_LINGER /* result told; takes the rest of the answer so that the close is clean */
};

struct probe {
	struct loop *loop;
	struct loop_fd f;
	struct loop_timer limit;
	const struct probe_spec *spec;
	/* Called once a started probe, possibly from inside probe_start; may start the next one. */
	void (*done)(struct probe *, const struct probe_result *);
	enum probe_phase phase;
	uint32_t events; /* that the descriptor is registered for */
	struct mono start;
	struct ssl_st *ssl;
	size_t sent;     /* bytes of the request */
	size_t lingered; /* bytes taken after the result */
	unsigned stalls; /* probes in a row whose time ran out while this process got no CPU */
	struct probe_head *head; /* answer so far; NULL: none yet */
};

/* Needs one timer place in the loop (loop_timer_reserve), which is the caller's to give back. */
void probe_init(
    struct probe *p, struct loop *loop, void (*done)(struct probe *, const struct probe_result *));

/* Starts; the probe must not be busy (what lingers is cut off). began is when its time limits start
 * to count: now, or earlier when it goes on with a probe that a reload interrupted. */
void probe_start(struct probe *p, const struct probe_spec *spec, struct mono began);

/* Ends without a result. Idempotent. */
void probe_abort(struct probe *p);

static inline bool
probe_busy(const struct probe *p)
{
	return p->phase != PROBE_IDLE && p->phase != PROBE_LINGER;
}

#endif
