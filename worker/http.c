/* SPDX-License-Identifier: ISC */
/* HTTP server connections. One state at a time; level-triggered events, so that a turn may stop
 * anywhere and go on in the next one. */
#include "worker/http.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "worker/fair.h"

#define IN_MAX      (HTTP1_HEAD_MAX + 1) /* bytes kept of requests: a head that is too big shows */
#define OUT_TURN    65536                /* bytes written a turn */
#define LINGER_MS   1000                 /* for the client's end after the last answer */
#define LINGER_READ 65536                /* bytes thrown away meanwhile */

enum state {
	ST_IDLE = 0, /* no byte of a request yet */
	ST_HEAD,     /* reading one */
	ST_ANSWER,   /* writing the answer */
	ST_LINGER /* our side is shut down; wait for the client's end, lest it loses the answer */
};

struct http_conn {
	struct loop_fd f;
	struct loop_timer timer;
	struct fair fair;
	struct loop *loop;
	const struct http_ops *ops;
	struct http_times times;
	void *ctx;
	enum state state;
	uint32_t events;
	bool first; /* no request was answered yet */
	bool stay;  /* goes on after this answer */
	bool draining;
	bool chunked;
	bool eof;          /* the client has ended its side */
	struct mono moved; /* accepted, a request was whole, or bytes of an answer went */
	size_t lingered;
	struct http1 head;
	struct buf in;
	struct buf out;
	struct http_reply reply; /* while it comes in pieces: more != NULL */
};

void *
http_ctx(const struct http_conn *c)
{
	return c->ctx;
}

int
http_fd(const struct http_conn *c)
{
	return c->f.fd;
}

static void
reply_end(struct http_reply *r)
{
	if (r->more != NULL && r->end != NULL)
		r->end(r->stream);
	r->more = NULL;
	buf_free(&r->body);
}

void
http_close(struct http_conn *c)
{
	int fd = c->f.fd;

	reply_end(&c->reply);
	loop_timer_del(c->loop, &c->timer);
	fair_del(&c->fair);
	loop_timer_unreserve(c->loop, 2);
	loop_fd_forget(c->loop, &c->f);
	close(fd);
	if (c->ops->closed != NULL)
		c->ops->closed(c);
	buf_free(&c->in);
	buf_free(&c->out);
	free(c);
}

static void
set_timer(struct http_conn *c, int64_t ms)
{
	loop_timer_set(c->loop, &c->timer, mono_add_ms(loop_now(c->loop), ms));
}

static int
want(struct http_conn *c, uint32_t events)
{
	if (c->events == events)
		return 0;
	c->events = events;
	return loop_fd_mod(c->loop, &c->f, events);
}

/* ---- answers ----------------------------------------------------------------------------------
 */

static void
count_answer(struct http_conn *c, int status, bool bad)
{
	if (c->ops->answered != NULL)
		c->ops->answered(c, status, bad);
	c->first = false;
}

/* An answer that closes the connection, for what is no request. */
static void
answer_bad(struct http_conn *c, int status, const char *why)
{
	char body[64];
	struct http1_answer a = {
	    .status = status,
	    .minor = 1,
	    .content_type = "text/plain",
	    .extra = "Cache-Control: no-cache\r\n",
	    .body = body,
	};

	if (c->ops->refused != NULL && c->in.len > 0)
		c->ops->refused(c, why, c->in.data, c->in.len);
	a.len = (size_t)snprintf(body, sizeof(body), "%d %s\n", status, http1_status_text(status));
	http1_write_answer(&c->out, &a);
	c->stay = false;
	c->state = ST_ANSWER;
	set_timer(c, c->times.send_ms);
	count_answer(c, status, true);
}

static void
start_pieces(struct http_conn *c, bool head_only)
{
	const struct http_reply *r = &c->reply;

	/* HTTP/1.0 knows no chunks: the end of the connection ends the body. */
	c->chunked = c->head.minor == 1;
	if (!c->chunked)
		c->stay = false;
	buf_printf(&c->out, "HTTP/1.%u %d %s\r\nContent-Type: %s\r\n%s%s%s\r\n", c->head.minor,
	    r->status, http1_status_text(r->status), r->content_type,
	    r->extra != NULL ? r->extra : "", c->chunked ? "Transfer-Encoding: chunked\r\n" : "",
	    c->stay ? "" : "Connection: close\r\n");
	if (head_only)
		reply_end(&c->reply);
}

static void
answer_request(struct http_conn *c, const struct http_request *rq, bool head_only)
{
	struct http_reply *r = &c->reply;

	*r = (struct http_reply){.status = 200, .content_type = "text/plain"};
	c->ops->answer(c, rq, r);
	if (r->more != NULL) {
		start_pieces(c, head_only);
	} else {
		struct http1_answer a = {
		    .status = r->status,
		    .minor = c->head.minor,
		    .keep_alive = c->stay,
		    .head = head_only,
		    .content_type = r->content_type,
		    .extra = r->extra,
		    .body = r->body.data,
		    .len = r->body.len,
		};

		http1_write_answer(&c->out, &a);
		buf_free(&r->body);
	}
	count_answer(c, r->status, false);
}

/* The path of "http://host/path?q"; what has another form is its own path. */
static const char *
path_of(const char *target)
{
	const char *slash;

	if (target[0] == '/' || strncasecmp(target, "http", 4) != 0)
		return target;
	slash = strstr(target, "://");
	if (slash == NULL)
		return target;
	slash = strchr(slash + 3, '/');
	return slash != NULL ? slash : "/";
}

/* The head is complete: answers it and takes it out of the input. */
static void
take_request(struct http_conn *c)
{
	static char target[HTTP1_TARGET_MAX + 1]; /* one thread a process */
	const char *data = c->in.data;
	bool head_only = http1_span_is(data, c->head.method, "HEAD");
	struct http_request rq = {.data = data, .head = &c->head, .target = target};

	memcpy(target, data + c->head.target.off, c->head.target.len);
	target[c->head.target.len] = '\0';
	rq.path = path_of(target);
	rq.get = head_only || http1_span_is(data, c->head.method, "GET");
	c->stay = c->head.keep_alive && c->head.body == HTTP1_BODY_NONE && !c->draining;
	c->state = ST_ANSWER;
	c->moved = loop_now(c->loop);
	set_timer(c, c->times.send_ms);
	answer_request(c, &rq, head_only);
	buf_consume(&c->in, c->head.head_len);
	if (c->out.failed)
		c->stay = false;
}

/* ---- states -----------------------------------------------------------------------------------
 */

/* Reads until the input is full. Returns bytes read, 0 when there are none now, -1: error. The
 * client's end sets eof. */
static ssize_t
fill(struct http_conn *c)
{
	ssize_t n;

	if (c->eof || c->in.len >= IN_MAX)
		return 0;
	if (buf_reserve(&c->in, IN_MAX - c->in.len) == -1)
		return -1;
	n = recv(c->f.fd, c->in.data + c->in.len, IN_MAX - c->in.len, 0);
	if (n == -1)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	if (n == 0)
		c->eof = true;
	c->in.len += (size_t)n;
	c->in.data[c->in.len] = '\0';
	if (n > 0 && c->ops->bytes != NULL)
		c->ops->bytes(c, (size_t)n, 0);
	return n;
}

static void
start_linger(struct http_conn *c)
{
	shutdown(c->f.fd, SHUT_WR);
	c->state = ST_LINGER;
	set_timer(c, LINGER_MS);
}

/* Is a request there? True when the state has changed; false: wait for more. */
static bool
read_head(struct http_conn *c, bool *broken)
{
	enum http1_result res;

	if (c->in.len == 0 && fill(c) == -1)
		*broken = true;
	if (c->state == ST_IDLE && c->in.len > 0) {
		http1_init(&c->head, false);
		c->state = ST_HEAD;
		if (!c->first) /* the first one's time runs from the accept */
			set_timer(c, c->times.request_ms);
	}
	while (!*broken && c->state == ST_HEAD) {
		ssize_t n;

		res = http1_parse(&c->head, c->in.data, c->in.len);
		if (res == HTTP1_OK) {
			take_request(c);
			return true;
		}
		if (res != HTTP1_MORE) {
			answer_bad(c, http1_result_status(res), http1_result_text(res));
			return true;
		}
		n = fill(c);
		if (n == -1)
			*broken = true;
		else if (n == 0 && c->eof)
			answer_bad(c, 400, http1_result_text(HTTP1_CUT));
		else if (n == 0)
			return false;
	}
	if (c->state == ST_IDLE && c->eof)
		*broken = true;
	else if (c->state == ST_IDLE && c->draining && !c->first)
		start_linger(c);
	return c->state == ST_ANSWER || c->state == ST_LINGER;
}

/* Puts the next piece of a body into the output. */
static void
make_piece(struct http_conn *c)
{
	struct buf piece = BUF_INIT;
	bool more = c->reply.more(c->reply.stream, &piece, HTTP_PIECE);

	if (c->chunked && piece.len > 0)
		buf_printf(&c->out, "%zx\r\n", piece.len);
	buf_append(&c->out, piece.data, piece.len);
	if (c->chunked && piece.len > 0)
		buf_puts(&c->out, "\r\n");
	/* A body that cannot be completed must not look complete. */
	if (piece.failed)
		c->out.failed = true;
	buf_free(&piece);
	if (!more) {
		reply_end(&c->reply);
		if (c->chunked)
			buf_puts(&c->out, "0\r\n\r\n");
	}
}

/* Writes the answer. True when it has been written; false: wait. *left is what this turn may still
 * write. */
static bool
write_answer(struct http_conn *c, size_t *left, bool *broken)
{
	for (;;) {
		ssize_t n;

		if (c->out.failed) {
			*broken = true;
			return false;
		}
		if (c->out.len == 0) {
			if (c->reply.more == NULL)
				break;
			if (*left < OUT_TURN && fair_over())
				return false;
			/* One that wrote nothing has worked all the same. */
			make_piece(c);
			if (c->out.len == 0)
				*left -= *left < HTTP_PIECE ? *left : HTTP_PIECE;
			if (c->out.len == 0 && *left == 0)
				return false;
			continue;
		}
		if (*left == 0)
			return false;
		n = send(c->f.fd, c->out.data, c->out.len, MSG_NOSIGNAL);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1) {
			*broken = errno != EAGAIN;
			return false;
		}
		buf_consume(&c->out, (size_t)n);
		*left -= (size_t)n < *left ? (size_t)n : *left;
		set_timer(c, c->times.send_ms);
		c->moved = loop_now(c->loop);
		if (c->ops->bytes != NULL)
			c->ops->bytes(c, 0, (size_t)n);
	}
	if (!c->stay || c->draining) {
		start_linger(c);
		return true;
	}
	c->state = ST_IDLE;
	set_timer(c, c->times.keep_alive_ms);
	/* An idle connection keeps no memory. */
	if (c->in.len == 0)
		buf_free(&c->in);
	buf_free(&c->out);
	return true;
}

/* Throws away what still comes; true when the connection can be closed. */
static bool
linger(struct http_conn *c)
{
	char waste[4096];
	ssize_t n;

	while ((n = recv(c->f.fd, waste, sizeof(waste), 0)) > 0) {
		c->lingered += (size_t)n;
		if (c->lingered > LINGER_READ)
			return true;
	}
	return n == 0 || (errno != EAGAIN && errno != EINTR);
}

/* Goes on as far as it can. False: the connection is gone. */
static bool
serve(struct http_conn *c)
{
	size_t left = OUT_TURN;
	int requests = 0;
	bool broken = false, go_on = true;

	while (go_on && !broken) {
		switch (c->state) {
		case ST_IDLE:
		case ST_HEAD:
			if (requests++ == HTTP_TURN ||
			    (requests > 1 && fair_over())) /* writable: called again next turn */
				return want(c, EPOLLOUT) == 0 || (http_close(c), false);
			go_on = read_head(c, &broken);
			break;
		case ST_ANSWER:
			go_on = write_answer(c, &left, &broken);
			break;
		case ST_LINGER:
			broken = linger(c);
			go_on = false;
			break;
		}
	}
	if (broken || want(c, c->state == ST_ANSWER ? EPOLLOUT : EPOLLIN) == -1) {
		http_close(c);
		return false;
	}
	return true;
}

static void
on_event(struct loop_fd *f, uint32_t events)
{
	struct http_conn *c = (struct http_conn *)((char *)f - offsetof(struct http_conn, f));

	if ((events & EPOLLERR) != 0)
		http_close(c);
	else
		fair_add(c->loop, &c->fair);
}

static void
on_turn(struct fair *f)
{
	serve((struct http_conn *)((char *)f - offsetof(struct http_conn, fair)));
}

static void
on_time(struct loop_timer *t)
{
	struct http_conn *c = (struct http_conn *)((char *)t - offsetof(struct http_conn, timer));

	/* Also a client that connected and said nothing is told, as HAProxy does. */
	if (c->state == ST_HEAD || (c->state == ST_IDLE && c->first)) {
		answer_bad(c, 408, "did not come within its time");
		fair_add(c->loop, &c->fair);
	} else {
		http_close(c);
	}
}

struct http_conn *
http_open(struct loop *loop, int fd, const struct http_ops *ops, const struct http_times *times,
    void *ctx)
{
	struct http_conn *c = calloc(1, sizeof(*c));

	if (c == NULL || loop_timer_reserve(loop, 2) == -1) {
		free(c);
		close(fd);
		return NULL;
	}
	c->loop = loop;
	c->ops = ops;
	c->times = *times;
	c->ctx = ctx;
	c->first = true;
	c->f.cb = on_event;
	c->timer.cb = on_time;
	c->fair.cb = on_turn;
	c->events = EPOLLIN;
	if (loop_fd_add(loop, &c->f, fd, EPOLLIN) == -1) {
		loop_timer_unreserve(loop, 2);
		free(c);
		close(fd);
		return NULL;
	}
	set_timer(c, times->request_ms);
	c->moved = loop_now(loop);
	return c;
}

void
http_drain(struct http_conn *c)
{
	if (c->draining)
		return;
	c->draining = true;
	if (c->state == ST_IDLE)
		fair_add(c->loop, &c->fair);
}

bool
http_is_idle(const struct http_conn *c, struct mono *since)
{
	*since = c->moved;
	return c->state != ST_ANSWER;
}
