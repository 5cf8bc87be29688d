/* SPDX-License-Identifier: ISC */
/* One attempt to connect to a session's server. Runs in a worker. */
#ifndef WORKER_BEGIN_H
#define WORKER_BEGIN_H

#include "worker/session.h"

enum begun {
	BEGUN_CONNECTED,
	BEGUN_WAITS,        /* EPOLLOUT or EPOLLERR of the server's socket tells */
	BEGUN_FAILED,       /* refused, unreachable */
	BEGUN_NO_PORT,      /* all ports of the range are in use */
	BEGUN_NO_PLACE,     /* the settings want an address or interface that is not there: said */
	BEGUN_SHORT,        /* of descriptors, errno says which; not an attempt */
	BEGUN_CLIENT_RESET, /* the session is to end */
	BEGUN_NO_MEMORY     /* the same */
};

/* A socket that connects to s->srv, in s->s unless it failed; counts the attempt. What the client
 * has said already may be under way when this returns, or held in s->c. */
enum begun begin_connect(struct session *s);

#endif
