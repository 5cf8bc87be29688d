/* SPDX-License-Identifier: ISC */
/*
 * What the test server (vback) and the load generator (vload) say to each other, so that data of
 * one session which turn up in another, in another place or changed are found. A message is a head
 * and `len` bytes of body; each byte of the body follows from session, sequence number, direction
 * and its place. The server answers with the same session and sequence number, its name and a body
 * of the length that was asked for. One message at a time: no pipelining.
 *
 * Nothing of vipd is used here: its faults must not hide themselves.
 */
#ifndef TESTS_LIB_VMSG_H
#define TESTS_LIB_VMSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>

#define VMSG_MAGIC 0x47534d56u /* "VMSG" */

enum vmsg_flag {
	VMSG_ANSWER = 1,
	VMSG_RAW = 2, /* bodies are neither made nor looked at: for measuring */
};

struct vmsg {
	uint32_t magic;
	uint32_t flags;   /* enum vmsg_flag */
	uint64_t session; /* one per connection, never used twice by one vload */
	uint32_t seq;     /* 0, 1, 2 ... in a session */
	uint32_t head_sum;
	uint64_t len;  /* bytes of body */
	uint64_t want; /* bytes of body that the answer shall have */
	char name[16]; /* of the server, in answers */
};
_Static_assert(sizeof(struct vmsg) == 56, "vmsg has no holes");

enum vmsg_fault {
	VMSG_OK = 0,
	VMSG_CORRUPT, /* no head, or a head that is damaged */
	VMSG_CROSSED, /* another session's */
	VMSG_ORDER,   /* this session's, but not the message that is due */
};

/* Completes m (magic, head_sum) for sending. */
void vmsg_seal(struct vmsg *m);
/* Looks at a received head. */
enum vmsg_fault vmsg_check(const struct vmsg *m, uint64_t session, uint32_t seq, bool answer);
uint64_t vmsg_seed(const struct vmsg *m);
/* Body bytes [off, off+n) of the stream with this seed. */
void vmsg_fill(uint64_t seed, uint64_t off, uint8_t *p, size_t n);
bool vmsg_match(uint64_t seed, uint64_t off, const uint8_t *p, size_t n);

/* Times in microseconds, error below 3.2 %; max is exact. */
#define HIST_SUB     64
#define HIST_BUCKETS (40 * HIST_SUB)
struct hist {
	uint64_t n;
	uint64_t max_us;
	uint64_t sum_us;
	uint32_t bucket[HIST_BUCKETS];
};
void hist_add(struct hist *h, uint64_t us);
uint64_t hist_quantile(const struct hist *h, double q);
void hist_json(const struct hist *h, const char *name, FILE *f);

/* "1.2.3.4:5", "[::1]:5", ":5" or a path of a UNIX socket. 0, or -1. */
int tool_address(const char *s, struct sockaddr_storage *ss, socklen_t *len);
uint64_t tool_now_us(void);
/* "10", "64k", "256M", "2G". -1 when it is none. */
int64_t tool_size(const char *s);
/* Descriptors up to the hard limit. */
void tool_raise_nofile(void);

#endif
