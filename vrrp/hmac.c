/* SPDX-License-Identifier: ISC */
/*
 * HMAC trailer of advertisements (see hmac.h). Runs in vrrp; the keys belong to the caller.
 */
#include "vrrp/hmac.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#define HEAD_BYTES 24
#define MAC_BYTES  32

static const char *const mode_text[] = {
#define X(name, text) text,
    HMAC_MODES(X)
#undef X
};

const char *
hmac_mode_text(enum hmac_mode m)
{
	return (unsigned int)m < HMAC_MODE_COUNT ? mode_text[m] : "?";
}

bool
hmac_mode_sends(enum hmac_mode m)
{
	return m == HMAC_PERMISSIVE || m == HMAC_ENFORCE;
}

static void
put_be(uint8_t *p, uint64_t v, int bytes)
{
	for (int i = bytes - 1; i >= 0; i--, v >>= 8)
		p[i] = (uint8_t)v;
}

static void
build_head(uint8_t t[HEAD_BYTES], uint8_t key_id, const struct hmac_stamp *stamp)
{
	t[0] = 'V';
	t[1] = 2;
	t[2] = key_id;
	t[3] = 0;
	put_be(t + 4, stamp->boot, 4);
	put_be(t + 8, stamp->seq, 8);
	put_be(t + 16, (uint64_t)stamp->wall_us, 8);
}

/* The MAC over pseudo-header, trailer head, message with 0 for its checksum, which covers the MAC.
 * Returns false if libcrypto fails. */
static bool
compute(const struct hmac_key *key, const struct ip *src, const struct ip *dst,
    const uint8_t head[HEAD_BYTES], const uint8_t *msg, size_t len, uint8_t mac[MAC_BYTES])
{
	uint8_t buf[2 + 32 + HEAD_BYTES + PACKET_MAX];
	unsigned int n = MAC_BYTES;
	size_t at = 0;

	if (len < 8 || len > PACKET_MAX)
		return false;
	buf[at++] = src->family == AF_INET ? 4 : 6;
	buf[at++] = msg[1]; /* VRID */
	memcpy(buf + at, src->b, 16);
	memcpy(buf + at + 16, dst->b, 16);
	at += 32;
	memcpy(buf + at, head, HEAD_BYTES);
	at += HEAD_BYTES;
	memcpy(buf + at, msg, len);
	buf[at + 6] = buf[at + 7] = 0;
	return HMAC(EVP_sha256(), key->key, key->len, buf, at + len, mac, &n) != NULL &&
	       n == MAC_BYTES;
}

int
hmac_append(uint8_t *buf, size_t len, size_t size, size_t iplen, const struct ip *src,
    const struct ip *dst, const struct hmac_key *key, const struct hmac_stamp *stamp)
{
	uint8_t *t = buf + len;

	if (key->id == 0 || key->len < HMAC_KEY_MIN || key->len > HMAC_KEY_MAX) {
		errno = EINVAL;
		return -1;
	}
	if (len + PACKET_HMAC_BYTES > size) {
		errno = ENOSPC;
		return -1;
	}
	build_head(t, key->id, stamp);
	if (!compute(key, src, dst, t, buf + iplen, len - iplen, t + HEAD_BYTES)) {
		errno = EINVAL;
		return -1;
	}
	packet_extend(buf, len, PACKET_HMAC_BYTES);
	return (int)(len + PACKET_HMAC_BYTES);
}

enum hmac_arrived
hmac_verify(
    const struct packet_in *in, const struct hmac_key *keys, size_t n_keys, size_t *key_index)
{
	uint8_t head[HEAD_BYTES], mac[MAC_BYTES];
	struct hmac_stamp stamp = {in->hmac.boot, in->hmac.seq, in->hmac.wall_us};

	if (!in->hmac.present)
		return HMAC_ARRIVED_NONE;
	for (size_t i = 0; i < n_keys; i++) {
		if (keys[i].id != in->hmac.key_id)
			continue;
		*key_index = i;
		build_head(head, in->hmac.key_id, &stamp);
		if (!compute(&keys[i], &in->src, &in->dst, head, in->msg, in->msg_len, mac) ||
		    CRYPTO_memcmp(mac, in->hmac.mac, MAC_BYTES) != 0)
			return HMAC_ARRIVED_BAD;
		return HMAC_ARRIVED_GOOD;
	}
	return HMAC_ARRIVED_UNKNOWN_KEY;
}

enum hmac_verdict
hmac_judge(enum hmac_mode mode, enum hmac_arrived arrived)
{
	static const enum hmac_verdict table[HMAC_MODE_COUNT][HMAC_ARRIVED_GOOD + 1] = {
	    /* none, unknown key, bad, old, good */
	    [HMAC_OFF] = {HMAC_ACCEPT, HMAC_ACCEPT_COUNT, HMAC_ACCEPT_COUNT, HMAC_ACCEPT_COUNT,
		HMAC_ACCEPT},
	    [HMAC_RECEIVE_ONLY] = {HMAC_ACCEPT, HMAC_ACCEPT_COUNT, HMAC_ACCEPT_COUNT,
		HMAC_ACCEPT_COUNT, HMAC_ACCEPT},
	    [HMAC_PERMISSIVE] = {HMAC_ACCEPT_COUNT, HMAC_ACCEPT_COUNT, HMAC_ACCEPT_COUNT,
		HMAC_ACCEPT_COUNT, HMAC_ACCEPT},
	    [HMAC_ENFORCE] = {HMAC_DROP, HMAC_DROP, HMAC_DROP, HMAC_DROP, HMAC_ACCEPT},
	};

	if ((unsigned int)mode >= HMAC_MODE_COUNT || (unsigned int)arrived > HMAC_ARRIVED_GOOD)
		return HMAC_DROP;
	return table[mode][arrived];
}

enum packet_reason
hmac_reason(enum hmac_arrived arrived)
{
	switch (arrived) {
	case HMAC_ARRIVED_NONE:
		return PACKET_HMAC_MISSING;
	case HMAC_ARRIVED_UNKNOWN_KEY:
		return PACKET_HMAC_KEY;
	case HMAC_ARRIVED_OLD:
		return PACKET_HMAC_REPLAY;
	case HMAC_ARRIVED_GOOD:
		return PACKET_OK;
	case HMAC_ARRIVED_BAD:
		break;
	}
	return PACKET_HMAC_BAD;
}
