/* SPDX-License-Identifier: ISC */
/* Accepting connections. Runs in a worker. */
#include "worker/accept.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shm/event.h"
#include "shm/limit.h"
#include "shm/source.h"
#include "worker/admit.h"
#include "worker/count.h"
#include "worker/drain.h"
#include "worker/listen.h"
#include "worker/misc.h"
#include "worker/proxy.h"
#include "worker/session.h"

unsigned
accept_next_batch(unsigned batch, unsigned got, bool again)
{
	if (got < batch)
		return got > 0 ? got : 1;
	if (!again)
		return batch;
	return batch * 2 > ACCEPT_BATCH ? ACCEPT_BATCH : batch * 2;
}

static void
refuse(int fd)
{
	static const struct linger rst = {.l_onoff = 1, .l_linger = 0};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &rst, sizeof(rst));
	close(fd);
}

static int
accept_one(struct worker *w, struct lqueue *q, struct sock_addr *peer)
{
	int fd;

	do {
		peer->len = sizeof(peer->un);
		fd = accept4(q->fd, &peer->sa, &peer->len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	} while (fd == -1 && (errno == ECONNABORTED || errno == EINTR || errno == EPROTO));
	/* EINVAL: the master has just stopped it, see accept_paused. */
	if (fd == -1 && errno != EAGAIN && errno != EINVAL)
		worker_exhausted(w, "descriptors", errno);
	if (fd != -1 && q->l->leaving)
		q->l->last = loop_now(w->loop);
	/* On [::] with v4v6: for logs, networks and headers it is an IPv4 client. */
	if (fd != -1)
		sock_addr_unmap(peer);
	return fd;
}

/* Behind a proxy the client's address comes later. */
static bool
access_ok(const struct listener *l, const struct sock_addr *peer)
{
	return proxy_wanted(l->bind, peer) || admit_access(l->fe, peer);
}

/* An event each 10 s and listener, as long as clients have to wait for a place. */
static void
say_full(const struct worker *w, struct listener *l)
{
	struct mono now = loop_now(w->loop);

	if (l->said_full.ns != 0 && mono_diff_ms(now, l->said_full) < 10000)
		return;
	l->said_full = now;
	event_add(w->seg, EVENT_LIMIT, l->fe->slot,
	    "frontend %s: a limit of sessions or of their rate is reached, clients wait",
	    l->fe->conf->name);
}

/* A place and a share of the rates for one more session. */
static bool
take(struct worker *w, const struct gen_frontend *fe)
{
	if (!admit_rate_take(w, fe))
		return false;
	if (admit_take(w, fe) == ADMIT_OK)
		return true;
	admit_rate_give(w, fe);
	return false;
}

/* No session began. */
static void
give(struct worker *w, const struct gen_frontend *fe)
{
	admit_release(w, fe);
	admit_rate_give(w, fe);
}

/* Returns false when there is nothing more to take now. */
static bool
accept_session(struct worker *w, struct lqueue *q)
{
	struct listener *l = q->l;
	struct gen_frontend *fe = l->fe;
	struct shm_fe_count *count = count_fe(w, fe);
	uint32_t fe_max = sw32_get(&count->cur_max), held_max = sw32_get(&w->own->held_max);
	struct sock_addr peer;
	uint32_t source = 0;
	int fd;

	if (!take(w, fe)) {
		sw64_add(&count->paused, 1);
		say_full(w, l);
		l->full = true;
		return false;
	}
	fd = accept_one(w, q, &peer);
	if (fd == -1) {
		/* Nobody was there: the place taken for him is no maximum. */
		sw32_set(&count->cur_max, fe_max);
		sw32_set(&w->own->held_max, held_max);
		give(w, fe);
		return false;
	}
	if (!access_ok(l, &peer) || drain_refuses(w, fd, l->bind)) {
		sw64_add(&count->denied, 1);
		refuse(fd);
		give(w, fe);
		return true;
	}
	/* Behind a proxy the client's address comes later. */
	if (!proxy_wanted(l->bind, &peer) && !admit_source(w, fe, &peer, &source)) {
		refuse(fd);
		give(w, fe);
		return true;
	}
	if (session_start(w, fe, fd, &peer, l->bind, source) == -1) {
		source_release(w->seg, source);
		give(w, fe);
		worker_exhausted(w, "memory", errno);
		return false;
	}
	return true;
}

static bool
accept_misc(struct worker *w, struct lqueue *q)
{
	struct listener *l = q->l;
	struct sock_addr peer;
	int fd;

	if (!limit_take_misc(w->seg) && !(misc_evict(w) && limit_take_misc(w->seg))) {
		l->full = true;
		sw32_set(&w->own->wants_misc, 1);
		return false;
	}
	sw32_set(&w->own->wants_misc, 0);
	fd = accept_one(w, q, &peer);
	if (fd == -1) {
		limit_release_misc(w->seg);
		return false;
	}
	if (l->control) {
		misc_control_accept(w, l->name, fd);
	} else if (!access_ok(l, &peer) || drain_refuses(w, fd, l->bind)) {
		sw64_add(&count_fe(w, l->fe)->denied, 1);
		refuse(fd);
		limit_release_misc(w->seg);
	} else {
		count_accepted(w, l->fe, NULL);
		misc_http_accept(w, l->fe, fd, proxy_wanted(l->bind, &peer));
	}
	return true;
}

/* A command has disabled the frontend. */
static bool
stopped(const struct worker *w, const struct listener *l)
{
	return l->fe != NULL && sw32_get(&shm_fe_dir(w->seg, l->fe->slot)->flags) != 0;
}

bool
accept_paused(const struct worker *w, const struct lqueue *q)
{
	return q->tcp && stopped(w, q->l);
}

/* A socket that cannot stop listening for a while: whoever comes is refused. */
static void
refuse_all(struct worker *w, struct lqueue *q)
{
	struct sock_addr peer;
	int fd;

	for (unsigned i = 0; i < ACCEPT_BATCH && (fd = accept_one(w, q, &peer)) != -1; i++)
		refuse(fd);
}

/* After one that was taken: may another one be? */
static bool
next_too(const struct worker *w, const struct lqueue *q)
{
	return q->owner != PROTO_SHARED || q->l->leaving || listen_shared_turn(w);
}

void
accept_queue(struct worker *w, struct lqueue *q)
{
	struct listener *l = q->l;
	bool session = !l->control && l->fe->conf->mode == CONF_MODE_TCP, again;
	uint64_t turn = loop_turns(w->loop);
	unsigned got = 0;

	if (stopped(w, l)) {
		if (accept_paused(w, q))
			listen_update(w);
		else
			refuse_all(w, q);
		return;
	}
	while (got < q->batch && (got == 0 || next_too(w, q)) &&
	       (session ? accept_session(w, q) : accept_misc(w, q)))
		got++;
	again = q->turn + 1 == turn;
	q->turn = got == q->batch ? turn : 0;
	q->batch = accept_next_batch(q->batch, got, again);
	if (l->rung && !l->full && got < ACCEPT_BATCH) {
		l->rung = false;
		if (session)
			admit_hand_on(w, l->fe);
	}
	/* What else may have changed is seen by who rings; with a range of ports a look at all its
	 * queues costs more than the session. */
	if (l->full || (q->owner == PROTO_SHARED && !listen_shared_turn(w)))
		listen_update(w);
}
