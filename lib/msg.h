/* SPDX-License-Identifier: ISC */
/*
 * Messages with descriptors over a SOCK_SEQPACKET socket pair. Sending never blocks: what the
 * kernel does not take waits in a queue. A message is at most MSG_MAX bytes and 253 descriptors.
 */
#ifndef LIB_MSG_H
#define LIB_MSG_H

#include <stddef.h>
#include <stdint.h>

#include "lib/loop.h"

#define MSG_MAX     32768
#define MSG_MAX_FDS 253 /* SCM_MAX_FD */

struct msg {
	uint32_t type;
	uint32_t len;    /* bytes of data */
	uint64_t number; /* generation, tick, request: by type */
	const void *data;
	int *fds; /* the receiver takes one by setting it to -1; the others are closed after the
		     call */
	size_t n_fds;
	bool fds_lost; /* more were sent, but this process may have no more descriptors */
};

struct msg_queued;

struct msg_chan {
	struct loop_fd f;
	struct loop *loop;
	void (*cb)(struct msg_chan *, struct msg *);
	void (*closed)(struct msg_chan *); /* the other end is gone, or sent what is no message */
	struct msg_queued *head;
	struct msg_queued **tail;
	size_t n_queued;
};

/* A connected pair, non-blocking, close-on-exec. Returns 0, or -1 with errno. */
int msg_pair(int sv[2]);

/* Takes fd. Callbacks must be set. Returns 0, or -1 with errno (fd stays the caller's). */
int msg_open(struct msg_chan *, struct loop *, int fd);
/* Closes, drops what is queued. Idempotent. */
void msg_close(struct msg_chan *);

/*
 * Sends, or queues. Descriptors stay the caller's (they are duplicated when queued). Returns 0, or
 * -1 with errno (EMSGSIZE, ENOMEM, ENOBUFS when 1024 are queued, EPIPE).
 */
int msg_send(struct msg_chan *, uint32_t type, uint64_t number, const void *data, size_t len,
    const int *fds, size_t n_fds);

#endif
