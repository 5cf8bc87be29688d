/* SPDX-License-Identifier: ISC */
/* Messages between master and children. One datagram each, so that no half message can exist. */
#include "lib/msg.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define QUEUE_MAX 1024

struct head {
	uint32_t type;
	uint32_t len;
	uint64_t number;
};

struct msg_queued {
	struct msg_queued *next;
	struct head head;
	size_t n_fds;
	int fds[MSG_MAX_FDS];
	unsigned char data[];
};

union control {
	struct cmsghdr align;
	char buf[CMSG_SPACE(MSG_MAX_FDS * sizeof(int))];
};

int
msg_pair(int sv[2])
{
	int size = 4 * MSG_MAX;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sv) == -1)
		return -1;
	for (int i = 0; i < 2; i++)
		setsockopt(sv[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return 0;
}

static void
fds_close(int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fds[i] != -1)
			close(fds[i]);
}

static ssize_t
send_now(int fd, const struct head *h, const void *data, const int *fds, size_t n_fds)
{
	struct iovec iov[2] = {
	    {(void *)(uintptr_t)h, sizeof(*h)},
	    {(void *)(uintptr_t)data, h->len},
	};
	union control c;
	struct msghdr m = {.msg_iov = iov, .msg_iovlen = h->len > 0 ? 2 : 1};

	if (n_fds > 0) {
		struct cmsghdr *cm;

		memset(&c, 0, sizeof(c));
		m.msg_control = c.buf;
		m.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		cm = CMSG_FIRSTHDR(&m);
		cm->cmsg_level = SOL_SOCKET;
		cm->cmsg_type = SCM_RIGHTS;
		cm->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(cm), fds, n_fds * sizeof(int));
	}
	return sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void
queue_pop(struct msg_chan *c)
{
	struct msg_queued *q = c->head;

	c->head = q->next;
	if (c->head == NULL)
		c->tail = &c->head;
	c->n_queued--;
	fds_close(q->fds, q->n_fds);
	free(q);
}

static int
queue_push(struct msg_chan *c, const struct head *h, const void *data, const int *fds, size_t n_fds)
{
	struct msg_queued *q;

	if (c->n_queued >= QUEUE_MAX) {
		errno = ENOBUFS;
		return -1;
	}
	q = malloc(sizeof(*q) + h->len);
	if (q == NULL)
		return -1;
	q->next = NULL;
	q->head = *h;
	q->n_fds = 0;
	if (h->len > 0)
		memcpy(q->data, data, h->len);
	for (; q->n_fds < n_fds; q->n_fds++) {
		q->fds[q->n_fds] = fcntl(fds[q->n_fds], F_DUPFD_CLOEXEC, 0);
		if (q->fds[q->n_fds] == -1) {
			fds_close(q->fds, q->n_fds);
			free(q);
			return -1;
		}
	}
	if (c->head == NULL)
		loop_fd_mod(c->loop, &c->f, EPOLLIN | EPOLLOUT);
	*c->tail = q;
	c->tail = &q->next;
	c->n_queued++;
	return 0;
}

static void
queue_flush(struct msg_chan *c)
{
	while (c->head != NULL) {
		struct msg_queued *q = c->head;

		if (send_now(c->f.fd, &q->head, q->data, q->fds, q->n_fds) == -1 &&
		    (errno == EAGAIN || errno == ENOBUFS || errno == ETOOMANYREFS))
			return;
		queue_pop(c);
	}
	loop_fd_mod(c->loop, &c->f, EPOLLIN);
}

int
msg_send(struct msg_chan *c, uint32_t type, uint64_t number, const void *data, size_t len,
    const int *fds, size_t n_fds)
{
	struct head h = {type, (uint32_t)len, number};

	if (len > MSG_MAX || n_fds > MSG_MAX_FDS) {
		errno = EMSGSIZE;
		return -1;
	}
	if (c->f.fd == -1) {
		errno = EPIPE;
		return -1;
	}
	if (c->head == NULL) {
		if (send_now(c->f.fd, &h, data, fds, n_fds) != -1)
			return 0;
		if (errno != EAGAIN && errno != ENOBUFS && errno != ETOOMANYREFS)
			return -1;
	}
	return queue_push(c, &h, data, fds, n_fds);
}

static size_t
fds_take(struct msghdr *m, int *fds)
{
	size_t n = 0;

	for (struct cmsghdr *cm = CMSG_FIRSTHDR(m); cm != NULL; cm = CMSG_NXTHDR(m, cm)) {
		if (cm->cmsg_level != SOL_SOCKET || cm->cmsg_type != SCM_RIGHTS)
			continue;
		n = (cm->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds, CMSG_DATA(cm), n * sizeof(int));
	}
	return n;
}

/* Reads one message. Returns 1, 0 when there is none, -1 when the channel is of no use any more. */
static int
receive_one(struct msg_chan *c)
{
	static unsigned char data[MSG_MAX];
	struct head h;
	struct iovec iov[2] = {{&h, sizeof(h)}, {data, sizeof(data)}};
	union control ctl;
	struct msghdr m = {.msg_iov = iov,
	    .msg_iovlen = 2,
	    .msg_control = ctl.buf,
	    .msg_controllen = sizeof(ctl.buf)};
	int fds[MSG_MAX_FDS];
	ssize_t n = recvmsg(c->f.fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct msg msg;

	if (n == -1)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	if (n == 0)
		return -1;
	msg.fds = fds;
	msg.n_fds = fds_take(&m, fds);
	msg.fds_lost = (m.msg_flags & MSG_CTRUNC) != 0;
	if ((size_t)n < sizeof(h) || (size_t)n - sizeof(h) != h.len ||
	    (m.msg_flags & MSG_TRUNC) != 0) {
		fds_close(fds, msg.n_fds);
		return -1;
	}
	msg.type = h.type;
	msg.len = h.len;
	msg.number = h.number;
	msg.data = data;
	c->cb(c, &msg);
	fds_close(fds, msg.n_fds);
	return 1;
}

static void
on_event(struct loop_fd *f, uint32_t events)
{
	struct msg_chan *c = (struct msg_chan *)(void *)f;
	int r = 0;

	if (events & EPOLLOUT)
		queue_flush(c);
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
		for (int i = 0; i < 16 && f->fd != -1; i++) {
			r = receive_one(c);
			if (r != 1)
				break;
		}
		if (r == -1 && f->fd != -1)
			c->closed(c);
	}
}

int
msg_open(struct msg_chan *c, struct loop *l, int fd)
{
	c->loop = l;
	c->head = NULL;
	c->tail = &c->head;
	c->n_queued = 0;
	c->f.cb = on_event;
	return loop_fd_add(l, &c->f, fd, EPOLLIN);
}

void
msg_close(struct msg_chan *c)
{
	int fd = c->f.fd;

	if (fd == -1)
		return;
	while (c->head != NULL)
		queue_pop(c);
	loop_fd_del(c->loop, &c->f);
	close(fd);
}
