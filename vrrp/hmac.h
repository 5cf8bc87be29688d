/* SPDX-License-Identifier: ISC */
/*
 * Authentication between vipd hosts: an HMAC-SHA-256 trailer after the advertisement. It covers the
 * message (with 0 for its checksum) and a pseudo-header (family, source, destination, VRID, and the
 * trailer's own head with key id, boot counter, sequence and time). The VRRP checksum then covers
 * message and trailer, as everything that comes in IP. Pure but for libcrypto.
 *
 * A receiver remembers, by peer and key, the largest (boot, sequence) that it has verified, and
 * takes only larger ones (shm/replay.h). The time of day decides nothing: it is sent so that a
 * clock that is wrong on one of the hosts is noticed, and is never a reason to drop.
 *
 *   0  'V', 2                 magic and version of the trailer
 *   2  key id 1..255
 *   3  0
 *   4  boot counter, 32 bits  grows with every start of the sender
 *   8  sequence, 64 bits      grows with every packet, see hmac_next_seq
 *   16 time of day, 64 bits   microseconds since 1970
 *   24 HMAC-SHA-256, 32 bytes
 */
#ifndef VRRP_HMAC_H
#define VRRP_HMAC_H

#include "vrrp/packet.h"

#define HMAC_KEY_MIN 16
#define HMAC_KEY_MAX 64

struct hmac_key {
	uint8_t id;  /* 1..255 */
	uint8_t len; /* bytes, HMAC_KEY_MIN..HMAC_KEY_MAX */
	uint8_t key[HMAC_KEY_MAX];
};

/* A roll-out without an outage goes through them in this order. */
#define HMAC_MODES(X)                                                                            \
	X(OFF, "off") /* not sent, not verified */                                               \
	X(RECEIVE_ONLY,                                                                          \
	    "receive_only")         /* not sent; verified and counted, never a reason to drop */ \
	X(PERMISSIVE, "permissive") /* sent; what does not verify is counted and taken */        \
	X(ENFORCE, "enforce")       /* sent; what does not verify is dropped */

enum hmac_mode {
#define X(name, text) HMAC_##name,
	HMAC_MODES(X)
#undef X
	    HMAC_MODE_COUNT
};

/* What a sender puts into the head of the trailer. */
struct hmac_stamp {
	uint32_t boot;
	uint64_t seq;
	int64_t wall_us;
};

/* What arrived, by hmac_verify and the replay memory. */
enum hmac_arrived {
	HMAC_ARRIVED_NONE = 0, /* no trailer */
	HMAC_ARRIVED_UNKNOWN_KEY,
	HMAC_ARRIVED_BAD,
	HMAC_ARRIVED_OLD, /* verified, but not newer than the last */
	HMAC_ARRIVED_GOOD
};

enum hmac_verdict { HMAC_ACCEPT = 0, HMAC_ACCEPT_COUNT, HMAC_DROP };

const char *hmac_mode_text(enum hmac_mode m);

/*
 * The sequence after `last` (0: none was sent): the time of day, or one more than the last if that
 * is more. A clock that is wrong does no harm, and a machine that was put back to a snapshot while
 * it ran is believed again once its clock is right.
 */
static inline uint64_t
hmac_next_seq(uint64_t last, int64_t wall_us)
{
	return wall_us > 0 && (uint64_t)wall_us > last ? (uint64_t)wall_us : last + 1;
}

/* True for the modes that send a trailer. */
bool hmac_mode_sends(enum hmac_mode m);

/*
 * Appends the trailer to a packet of packet_build (`len` bytes, IP header of `iplen`) and mends the
 * IP header. Returns the new length, or -1 (ENOSPC, EINVAL: bad key).
 */
int hmac_append(uint8_t *buf, size_t len, size_t size, size_t iplen, const struct ip *src,
    const struct ip *dst, const struct hmac_key *key, const struct hmac_stamp *stamp);

/*
 * Verifies the trailer of a parsed packet with the key of its id, in constant time. Returns NONE,
 * UNKNOWN_KEY, BAD or GOOD (not yet checked against replay). With a result above UNKNOWN_KEY,
 * *key_index is the index of the key.
 */
enum hmac_arrived hmac_verify(
    const struct packet_in *in, const struct hmac_key *keys, size_t n_keys, size_t *key_index);

/* The table of modes. */
enum hmac_verdict hmac_judge(enum hmac_mode mode, enum hmac_arrived arrived);

/* The reason under which it is counted (and dropped, if the verdict is DROP). */
enum packet_reason hmac_reason(enum hmac_arrived arrived);

#endif
