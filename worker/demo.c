/* SPDX-License-Identifier: ISC */
/* The demo server. One process, one loop, any number of clients; dies with its parent. */
#include "worker/demo.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/proc.h"
#include "worker/http.h"

#define REST_MS 100 /* after descriptors were used up */

struct demo {
	struct loop_fd f;
	struct loop_timer rest;
	struct loop *loop;
	const char *name;
	int fd; /* the listening socket, while f is not registered too */
};

static void
answer(struct http_conn *c, const struct http_request *rq, struct http_reply *rp)
{
	const struct demo *d = http_ctx(c);

	rp->content_type = "text/plain; charset=utf-8";
	buf_printf(&rp->body, "%s\n%.*s %s\n", d->name, (int)rq->head->method.len,
	    rq->data + rq->head->method.off, rq->target);
}

static const struct http_ops ops = {.answer = answer};
static const struct http_times times = {
    .request_ms = 10000, .keep_alive_ms = 60000, .send_ms = 30000};

static void
on_accept(struct loop_fd *f, uint32_t events)
{
	struct demo *d = (struct demo *)((char *)f - offsetof(struct demo, f));

	(void)events;
	for (int i = 0; i < 64; i++) {
		int fd = accept4(f->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd == -1) {
			if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
				/* Out of something: look away for a moment instead of spinning. */
				loop_fd_del(d->loop, &d->f);
				loop_timer_set(
				    d->loop, &d->rest, mono_add_ms(loop_now(d->loop), REST_MS));
			}
			return;
		}
		http_open(d->loop, fd, &ops, &times, d);
	}
}

static void
on_rested(struct loop_timer *t)
{
	struct demo *d = (struct demo *)((char *)t - offsetof(struct demo, rest));

	if (loop_fd_add(d->loop, &d->f, d->fd, EPOLLIN) == -1)
		loop_timer_set(d->loop, t, mono_add_ms(loop_now(d->loop), REST_MS));
}

int
demo_main(const char *name, int listen_fd)
{
	pid_t parent = getppid();
	struct demo d = {.name = name, .fd = listen_fd};

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || getppid() != parent)
		return PROC_EXIT_FAILED;
	d.loop = loop_new();
	d.f.cb = on_accept;
	d.rest.cb = on_rested;
	if (d.loop == NULL || fcntl(listen_fd, F_SETFL, O_NONBLOCK) == -1 ||
	    loop_timer_reserve(d.loop, 1) == -1 ||
	    loop_fd_add(d.loop, &d.f, listen_fd, EPOLLIN) == -1)
		return PROC_EXIT_FAILED;
	loop_run(d.loop);
	return PROC_EXIT_FAILED;
}
