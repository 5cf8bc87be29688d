/* SPDX-License-Identifier: ISC */
/* Sockets that connect from a given place. */
#include "lib/outgoing.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#define PORTS_TRIED 64

/* Returns 0, or -1 with errno. Nobody but root could bind to an interface before Linux 5.7. */
static int
place(int fd, const struct outgoing *o, struct sock_addr *from)
{
	if (o->interface != NULL && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, o->interface,
					(socklen_t)strlen(o->interface)) == -1)
		return -1;
	if (from->family == AF_UNSPEC)
		return 0;
	/* With a port of ours: others may hold it towards other peers. Without: the kernel chooses
	 * one at connect, when it knows the peer, so that 28,000 are 28,000 for each of them. */
	if (sock_addr_port(from) != 0)
		sock_set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	else
		sock_set_int(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
	return bind(fd, &from->sa, from->len);
}

static enum outgoing_result
try_from(const struct outgoing *o, struct sock_addr *from, const struct sock_addr *to,
    bool ack_later, int *fd)
{
	enum outgoing_result r = OUTGOING_NO_BIND;
	int e;

	*fd = socket(to->family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (*fd == -1)
		return OUTGOING_NO_SOCKET;
	if (ack_later && to->family != AF_UNIX)
		sock_set_int(*fd, IPPROTO_TCP, TCP_QUICKACK, 0);
	if (place(*fd, o, from) == 0) {
		if (connect(*fd, &to->sa, to->len) == 0)
			return OUTGOING_CONNECTED;
		if (errno == EINPROGRESS)
			return OUTGOING_PENDING;
		r = errno == EADDRNOTAVAIL ? OUTGOING_NO_PORT : OUTGOING_FAILED;
	} else if (errno == EADDRINUSE) {
		r = OUTGOING_NO_PORT;
	}
	e = errno;
	close(*fd);
	*fd = -1;
	errno = e;
	return r;
}

enum outgoing_result
outgoing_connect(
    const struct outgoing *o, const struct sock_addr *to, uint32_t *cursor, bool ack_later, int *fd)
{
	struct sock_addr from = o->addr;
	uint16_t first = sock_addr_port(&o->addr);
	uint32_t n = first != 0 ? (uint32_t)(o->last - first) + 1 : 1;
	enum outgoing_result r;

	for (uint32_t i = 0; i < (n < PORTS_TRIED ? n : PORTS_TRIED); i++) {
		if (first != 0)
			sock_addr_set_port(&from, (uint16_t)(first + (*cursor)++ % n));
		r = try_from(o, &from, to, ack_later, fd);
		if (r != OUTGOING_NO_PORT)
			return r;
	}
	return OUTGOING_NO_PORT;
}

void
outgoing_ack(int fd)
{
	sock_set_int(fd, IPPROTO_TCP, TCP_QUICKACK, 1);
}
