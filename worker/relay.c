/* SPDX-License-Identifier: ISC */
/* The relay. Runs in a worker; touches only the two sockets of one session. */
#include "worker/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "worker/count.h"
#include "worker/proxy.h"

/* What one direction came to. */
enum step { STEP_WAIT = 0, STEP_MORE, STEP_SRC_BROKEN, STEP_DST_BROKEN, STEP_NO_MEMORY };

size_t
relay_budget(uint64_t moved)
{
	return moved < RELAY_TURN ? RELAY_BUDGET : RELAY_SHARE;
}

enum relay_mode
relay_mode_of(unsigned full, bool pipe_there)
{
	if (full < RELAY_FULL)
		return RELAY_COPY;
	return pipe_there ? RELAY_SPLICE_ON : RELAY_COPY_BIG;
}

/* dst takes no more: ask to be told. The registration for EPOLLOUT is made once, by the first side
 * that needs it, so that short sessions are not woken for nothing. */
static enum step
wait_writable(struct session *s, struct side *dst)
{
	dst->flags &= (uint16_t)~SIDE_WR;
	if (dst->flags & SIDE_OUT)
		return STEP_WAIT;
	if (dst->f.fd != -1 && loop_fd_mod(s->w->loop, &dst->f,
				   EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET) == -1)
		return STEP_NO_MEMORY;
	dst->flags |= SIDE_OUT;
	return STEP_WAIT;
}

/* Nagle holds a piece back only while an earlier one is unacknowledged: the first small one needs
 * no option, and most sessions send no second. The client's socket has it from the listener. */
static void
nodelay(struct session *s, struct side *dst, size_t len)
{
	if (dst == &s->s && !(dst->flags & SIDE_NODELAY) &&
	    ((dst->flags & SIDE_SENT) || len > 1024)) {
		sock_set_int(dst->fd, IPPROTO_TCP, TCP_NODELAY, 1);
		dst->flags |= SIDE_NODELAY;
	}
	dst->flags |= SIDE_SENT;
}

static enum step
hold(struct session *s, struct side *src, struct side *dst, const char *data, size_t len)
{
	struct relay_held *h = malloc(sizeof(*h) + len);

	if (h == NULL)
		return STEP_NO_MEMORY;
	h->off = 0;
	h->uncounted = false;
	h->len = (uint32_t)len;
	memcpy(h->data, data, len);
	src->held = h;
	return wait_writable(s, dst);
}

/* Sends what is held. STEP_MORE: all gone, go on. */
static enum step
held_send(struct session *s, struct side *src, struct side *dst)
{
	struct relay_held *h = src->held;
	ssize_t n;

	nodelay(s, dst, h->len - h->off);
	n = send(dst->fd, h->data + h->off, h->len - h->off, MSG_NOSIGNAL);
	if (n == -1)
		return errno == EAGAIN ? wait_writable(s, dst) : STEP_DST_BROKEN;
	h->off += (uint32_t)n;
	if (h->uncounted)
		count_bytes(s, true, h->len);
	h->uncounted = false;
	count_active(s);
	if (h->off < h->len)
		return wait_writable(s, dst);
	free(h);
	src->held = NULL;
	return STEP_MORE;
}

static enum step
pipe_send(struct session *s, struct side *src, struct side *dst)
{
	struct pipe_pair *p = src->pipe;
	ssize_t n;

	while (p->bytes > 0) {
		n = splice(p->r, NULL, dst->fd, NULL, p->bytes, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
		if (n == -1)
			return errno == EAGAIN ? wait_writable(s, dst) : STEP_DST_BROKEN;
		if (n == 0)
			return STEP_DST_BROKEN; /* cannot be: the pipe has bytes */
		p->bytes -= (uint32_t)n;
		count_active(s);
		count_spliced(s->w, (size_t)n);
	}
	pipe_put(&s->w->pipes, p);
	src->pipe = NULL;
	return STEP_MORE;
}

/* Reads into a pipe and sends on. STEP_MORE: go on reading. */
static enum step
move_splice(
    struct session *s, struct side *src, struct side *dst, struct pipe_pair *p, size_t *budget)
{
	size_t want;
	ssize_t n;

	nodelay(s, dst, RELAY_FIRST);
	/* What is left of a budget must not look like the end of a stream. */
	want = *budget < RELAY_FIRST ? RELAY_FIRST : *budget;
	n = splice(src->fd, NULL, p->w, NULL, p->size < want ? p->size : want,
	    SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
	if (n <= 0) {
		int err = errno;

		pipe_put(&s->w->pipes, p);
		if (n == -1 && err != EAGAIN)
			return STEP_SRC_BROKEN;
		if (n == 0) {
			/* Also what splice says at an urgent byte when the FIN is there: a read
			 * tells. */
			src->full = 0;
			return STEP_MORE;
		}
		src->flags &= (uint16_t)~SIDE_RD;
		return STEP_WAIT;
	}
	p->bytes = (uint32_t)n;
	src->pipe = p;
	count_bytes(s, src == &s->c, (size_t)n);
	if (n < (ssize_t)RELAY_SPLICE)
		src->full = 0;
	*budget -= (size_t)n < *budget ? (size_t)n : *budget;
	return pipe_send(s, src, dst);
}

/* After a read of n > 0 of at most want bytes: does another one make sense? */
static void
after_read(struct side *src, size_t n, size_t want)
{
	if (n == want || (src->flags & SIDE_PRI))
		return;
	/* Drained: the next edge says when there is more; after a FIN there is none. */
	src->flags &= (uint16_t)~SIDE_RD;
	if ((src->flags & (SIDE_HUP | SIDE_ERR)) == SIDE_HUP)
		src->flags |= SIDE_EOF;
}

/* What was read for a server that could not be reached: into buf; returns its length. It is no more
 * than RELAY_FIRST, see relay_early. */
static ssize_t
held_take(struct session *s, struct side *src, char *buf)
{
	struct relay_held *h = src->held;
	size_t n = h->len - h->off;

	memcpy(buf, h->data + h->off, n);
	if (h->uncounted)
		count_bytes(s, true, h->len);
	free(h);
	src->held = NULL;
	return (ssize_t)n;
}

/* The PROXY header goes out with the first bytes of the client if there are any yet: one segment,
 * no system call more. Alone if not, since the server may be the one who speaks first. */
static enum step
header_send(struct session *s, struct side *src, struct side *dst)
{
	char *buf = s->w->buf;
	size_t lead = proxy_header(s, buf), want = RELAY_FIRST - lead;
	ssize_t n = 0, sent;

	dst->flags &= (uint16_t)~SIDE_PROXY;
	if (src->held != NULL) {
		n = held_take(s, src, buf + lead);
	} else if (src->flags & SIDE_RD) {
		n = recv(src->fd, buf + lead, want, 0);
		if (n > 0) {
			after_read(src, (size_t)n, want);
			count_bytes(s, true, (size_t)n);
		}
	}
	if (n == -1) {
		if (errno != EAGAIN)
			return STEP_SRC_BROKEN;
		src->flags &= (uint16_t)~SIDE_RD;
		n = 0;
	}
	n += (ssize_t)lead;
	nodelay(s, dst, (size_t)n);
	sent = send(dst->fd, buf, (size_t)n, MSG_NOSIGNAL);
	if (sent == -1) {
		if (errno != EAGAIN)
			return STEP_DST_BROKEN;
		sent = 0;
	}
	if (sent < n)
		return hold(s, src, dst, buf + sent, (size_t)(n - sent));
	return STEP_MORE;
}

/* Reads into the worker's buffer and sends on. STEP_MORE: go on reading. */
static enum step
move_copy(struct session *s, struct side *src, struct side *dst, size_t want, size_t *budget)
{
	char *buf = s->w->buf;
	ssize_t n = recv(src->fd, buf, want, 0), sent;

	if (n == -1) {
		if (errno != EAGAIN)
			return STEP_SRC_BROKEN;
		src->flags &= (uint16_t)~SIDE_RD;
		return STEP_WAIT;
	}
	if (n == 0) {
		src->flags = (uint16_t)((src->flags & ~SIDE_RD) | SIDE_EOF);
		return STEP_MORE;
	}
	after_read(src, (size_t)n, want);
	src->full = (size_t)n >= RELAY_FIRST
			? (uint16_t)(src->full < RELAY_FULL ? src->full + 1 : RELAY_FULL)
			: 0;
	count_bytes(s, src == &s->c, (size_t)n);
	*budget -= (size_t)n < *budget ? (size_t)n : *budget;
	nodelay(s, dst, (size_t)n);
	sent = send(dst->fd, buf, (size_t)n, MSG_NOSIGNAL);
	if (sent == -1) {
		if (errno != EAGAIN)
			return STEP_DST_BROKEN;
		sent = 0;
	}
	if (sent < n)
		return hold(s, src, dst, buf + sent, (size_t)(n - sent));
	return STEP_MORE;
}

static enum step
move(struct session *s, struct side *src, struct side *dst, size_t *budget)
{
	/* Splice does not get past an urgent byte. */
	bool stream = src->full >= RELAY_FULL && !(src->flags & SIDE_PRI);
	struct pipe_pair *p = stream ? pipe_get(&s->w->pipes) : NULL;

	switch (relay_mode_of(src->full, p != NULL)) {
	case RELAY_SPLICE_ON:
		return move_splice(s, src, dst, p, budget);
	case RELAY_COPY_BIG:
		return move_copy(s, src, dst, RELAY_BUFFER, budget);
	default:
		return move_copy(s, src, dst, RELAY_FIRST, budget);
	}
}

/* Passes the FIN on, unless the other direction has ended too: then both are closed anyway. */
static enum step
pass_fin(struct side *src, struct side *dst)
{
	if (src->flags & SIDE_SHUT)
		return STEP_WAIT;
	src->flags |= SIDE_SHUT;
	if (dst->flags & SIDE_SHUT)
		return STEP_WAIT;
	if (shutdown(dst->fd, SHUT_WR) == -1)
		return STEP_DST_BROKEN;
	return STEP_WAIT;
}

static enum step
direction_within(struct session *s, struct side *src, struct side *dst, size_t *budget)
{
	enum step r;

	for (;;) {
		if (!(dst->flags & SIDE_WR))
			return STEP_WAIT;
		if (dst->flags & SIDE_PROXY) {
			r = header_send(s, src, dst);
			if (r != STEP_MORE)
				return r;
			continue;
		}
		if (src->held != NULL || src->pipe != NULL) {
			r = src->held != NULL ? held_send(s, src, dst) : pipe_send(s, src, dst);
			if (r != STEP_MORE)
				return r;
			continue;
		}
		if (src->flags & SIDE_EOF)
			return pass_fin(src, dst);
		if (!(src->flags & SIDE_RD))
			return STEP_WAIT;
		if (*budget == 0)
			return STEP_MORE;
		r = move(s, src, dst, budget);
		if (r != STEP_MORE)
			return r;
	}
}

static enum step
direction(struct session *s, struct side *src, struct side *dst)
{
	struct worker *w = s->w;
	size_t budget, left;
	enum step r;

	if (w->relay_turn != loop_turns(w->loop)) {
		w->relay_turn = loop_turns(w->loop);
		w->relay_bytes = 0;
	}
	left = budget = relay_budget(w->relay_bytes);
	r = direction_within(s, src, dst, &left);
	w->relay_bytes += budget - left;
	return r;
}

ssize_t
relay_early_read(struct session *s)
{
	ssize_t n;

	if ((s->c.flags & SIDE_EOF) || s->c.held != NULL)
		return 0;
	s->flags |= SESSION_EARLY;
	n = recv(s->c.fd, s->w->buf, RELAY_FIRST, 0);
	if (n == -1)
		return errno == EAGAIN ? 0 : -1;
	if (n == 0) {
		s->c.flags = (uint16_t)((s->c.flags & ~SIDE_RD) | SIDE_EOF);
		return 0;
	}
	s->c.flags |= SIDE_RD;
	after_read(&s->c, (size_t)n, RELAY_FIRST);
	s->c.full = n == RELAY_FIRST;
	return n;
}

bool
relay_early_hold(struct session *s, size_t off, size_t n)
{
	if (hold(s, &s->c, &s->s, s->w->buf + off, n - off) == STEP_NO_MEMORY)
		return false;
	s->c.held->uncounted = off == 0;
	return true;
}

enum relay_early
relay_early_send(struct session *s, size_t n)
{
	ssize_t sent;
	int err;

	nodelay(s, &s->s, n);
	sent = send(s->s.fd, s->w->buf, n, MSG_NOSIGNAL);
	err = errno;
	if (sent >= 0)
		count_bytes(s, true, n);
	if (sent == (ssize_t)n)
		return EARLY_CONNECTED;
	if (!relay_early_hold(s, sent > 0 ? (size_t)sent : 0, n))
		return EARLY_NO_MEMORY;
	/* After EPIPE and ECONNRESET it had accepted before it broke. */
	if (sent >= 0 || err == EPIPE || err == ECONNRESET)
		return EARLY_CONNECTED;
	return err == EAGAIN ? EARLY_WAITS : EARLY_FAILED;
}

static enum relay_result
result_of(const struct session *s, const struct side *src, enum step r)
{
	bool client = src == &s->c;

	switch (r) {
	case STEP_SRC_BROKEN:
		return client ? RELAY_RESET_C : RELAY_RESET_S;
	case STEP_DST_BROKEN:
		return client ? RELAY_RESET_S : RELAY_RESET_C;
	case STEP_NO_MEMORY:
		return RELAY_FAILED;
	case STEP_MORE:
		return RELAY_MORE;
	default:
		return RELAY_ON;
	}
}

enum relay_result
relay_run(struct session *s)
{
	enum relay_result up, down;

	up = result_of(s, &s->c, direction(s, &s->c, &s->s));
	if (up > RELAY_MORE)
		return up;
	down = result_of(s, &s->s, direction(s, &s->s, &s->c));
	if (down > RELAY_MORE)
		return down;
	if (s->c.flags & s->s.flags & SIDE_SHUT)
		return RELAY_DONE;
	/* An error that no read or write has met: the way there is blocked. */
	if ((s->c.flags & SIDE_ERR) && up != RELAY_MORE)
		return RELAY_RESET_C;
	if ((s->s.flags & SIDE_ERR) && down != RELAY_MORE)
		return RELAY_RESET_S;
	return up == RELAY_MORE || down == RELAY_MORE ? RELAY_MORE : RELAY_ON;
}

void
relay_drop(struct session *s)
{
	struct side *sides[2] = {&s->c, &s->s};

	for (int i = 0; i < 2; i++) {
		free(sides[i]->held);
		sides[i]->held = NULL;
		pipe_put(&s->w->pipes, sides[i]->pipe);
		sides[i]->pipe = NULL;
	}
}
