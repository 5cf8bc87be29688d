/* SPDX-License-Identifier: ISC */
/*
 * Where connections that this host makes come from: an address, a range of ports, an interface.
 */
#ifndef LIB_OUTGOING_H
#define LIB_OUTGOING_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/sock.h"

struct outgoing {
	struct sock_addr addr; /* AF_UNSPEC: the kernel chooses; its port is the first of the range,
				  0: the kernel chooses */
	uint16_t last;         /* port of the range */
	const char *interface; /* NULL: any */
};

enum outgoing_result {
	OUTGOING_CONNECTED = 0,
	OUTGOING_PENDING,   /* EINPROGRESS */
	OUTGOING_NO_SOCKET, /* descriptors or memory */
	OUTGOING_NO_BIND,   /* no such address or interface here */
	OUTGOING_NO_PORT,   /* all of the range tried (64 at most) are in use */
	OUTGOING_FAILED     /* the connect */
};

static inline bool
outgoing_set(const struct outgoing *o)
{
	return o->addr.family != AF_UNSPEC || o->interface != NULL;
}

/*
 * A non-blocking stream socket that connects to `to`. Ports of a range are taken in turn from
 * *cursor on, so that the one used longest ago comes next. Returns CONNECTED or PENDING with *fd,
 * otherwise *fd is -1 and errno says why. ack_later: the last segment of the handshake waits (200
 * ms at most) for the first bytes to go, or for outgoing_ack: a segment and a wake-up of the server
 * less.
 */
enum outgoing_result outgoing_connect(const struct outgoing *o, const struct sock_addr *to,
    uint32_t *cursor, bool ack_later, int *fd);

/* Sends the acknowledgement that ack_later held back, if it still waits, and makes the socket one
 * that acknowledges at once, as a new one does: a server that answers in two pieces and has Nagle's
 * rule would wait for it. */
void outgoing_ack(int fd);

#endif
