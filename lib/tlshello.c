/* SPDX-License-Identifier: ISC */
/* Reading a ClientHello. Every length is checked against what encloses it, and must fill it. */
#include "lib/tlshello.h"

#include <string.h>

#define RECORD_HEAD   5
#define RECORD_MOST   16384 /* RFC 8446 section 5.1 */
#define MESSAGE_HEAD  4
#define TYPE_RECORD   22 /* handshake */
#define TYPE_HELLO    1
#define RANDOM_LEN    32
#define SESSION_MOST  32
#define NAME_MOST     255
#define EXT_NAME      0
#define EXT_PROTOCOLS 16
#define EXT_VERSIONS  43

/* What is left of something enclosed. Once bad, all that is taken from it is empty. */
struct span {
	const uint8_t *p;
	size_t n;
	bool bad;
};

static struct span
take(struct span *s, size_t n)
{
	struct span out = {s->p, n, s->bad || n > s->n};

	if (out.bad) {
		s->bad = true;
		return (struct span){s->p, 0, true};
	}
	s->p += n;
	s->n -= n;
	return out;
}

/* A number of 1 to 3 bytes, high one first. */
static uint32_t
number(struct span *s, size_t bytes)
{
	struct span f = take(s, bytes);
	uint32_t v = 0;

	for (size_t i = 0; i < f.n; i++)
		v = v << 8 | f.p[i];
	return v;
}

/* What stands behind its own length, from least to most bytes. */
static struct span
vector(struct span *s, size_t length_bytes, size_t least, size_t most)
{
	size_t n = number(s, length_bytes);
	struct span out = take(s, n);

	if (n < least || n > most)
		s->bad = out.bad = true;
	return out;
}

/* RFC 8701: values that mean nothing and must be passed over. */
static bool
is_grease(uint32_t v)
{
	return (v & 0x0f0f) == 0x0a0a && v >> 8 == (v & 0xff);
}

/* ---- extensions ------------------------------------------------------------------------------
 */

/* RFC 6066 section 3: one name, of the only type that there is. */
static bool
read_name(struct span ext, struct tlshello *out)
{
	struct span list = vector(&ext, 2, 1, UINT16_MAX);
	uint32_t type = number(&list, 1);
	struct span name = vector(&list, 2, 1, NAME_MOST);

	if (ext.bad || ext.n != 0 || list.bad || list.n != 0 || type != 0 || out->sni_len != 0)
		return false;
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] <= 0x20 || name.p[i] >= 0x7f)
			return false;
	out->sni = (const char *)name.p;
	out->sni_len = name.n;
	return true;
}

/* RFC 7301 section 3.1. */
static bool
read_protocols(struct span ext, struct tlshello *out)
{
	struct span list = vector(&ext, 2, 2, UINT16_MAX), walk = list;

	if (ext.bad || ext.n != 0 || out->alpn_len != 0)
		return false;
	while (walk.n > 0 && !walk.bad)
		vector(&walk, 1, 1, UINT8_MAX);
	if (walk.bad)
		return false;
	out->alpn = (const char *)list.p;
	out->alpn_len = list.n;
	return true;
}

/* RFC 8446 section 4.2.1: it stands for the version in the hello itself. */
static bool
read_versions(struct span ext, struct tlshello *out)
{
	struct span list = vector(&ext, 1, 2, 254);
	uint16_t best = 0;

	if (ext.bad || ext.n != 0 || list.n % 2 != 0)
		return false;
	while (list.n > 0) {
		uint16_t v = (uint16_t)number(&list, 2);

		if (!is_grease(v) && v >> 8 == 3 && v > best)
			best = v;
	}
	if (best != 0)
		out->version = best;
	return true;
}

static bool
read_extensions(struct span all, struct tlshello *out)
{
	bool versions = false;

	while (all.n > 0 && !all.bad) {
		uint32_t type = number(&all, 2);
		struct span ext = vector(&all, 2, 0, UINT16_MAX);

		if (all.bad)
			return false;
		if (type == EXT_NAME && !read_name(ext, out))
			return false;
		if (type == EXT_PROTOCOLS && !read_protocols(ext, out))
			return false;
		if (type == EXT_VERSIONS && (versions || !read_versions(ext, out)))
			return false;
		versions = versions || type == EXT_VERSIONS;
	}
	return !all.bad;
}

/* The message without its head. */
static bool
read_hello(struct span m, struct tlshello *out)
{
	struct span suites;

	out->sni_len = out->alpn_len = 0;
	out->sni = out->alpn = NULL;
	out->version = (uint16_t)number(&m, 2);
	take(&m, RANDOM_LEN);
	vector(&m, 1, 0, SESSION_MOST);
	suites = vector(&m, 2, 2, UINT16_MAX - 1);
	vector(&m, 1, 1, UINT8_MAX); /* compression */
	if (m.bad || suites.n % 2 != 0 || out->version >> 8 != 3)
		return false;
	if (m.n == 0) /* TLS 1.2 and before: none */
		return true;
	return read_extensions(vector(&m, 2, 0, UINT16_MAX), out) && !m.bad && m.n == 0;
}

/* ---- records ---------------------------------------------------------------------------------
 */

/* The fields that are there already, one by one, so that what is no TLS is known from its first
 * byte. length: of the fragment, if it is known. */
static bool
record_head_ok(const uint8_t *p, size_t n, size_t *length)
{
	if ((n > 0 && p[0] != TYPE_RECORD) || (n > 1 && p[1] != 3) || (n > 2 && p[2] > 4))
		return false;
	if (n < RECORD_HEAD)
		return true;
	*length = (size_t)p[3] << 8 | p[4];
	return *length > 0 && *length <= RECORD_MOST;
}

/* The same of the message: joined bytes of it are there. */
static bool
message_head_ok(const uint8_t *p, size_t n, size_t *length)
{
	*length = SIZE_MAX;
	if (n > 0 && p[0] != TYPE_HELLO)
		return false;
	if (n < MESSAGE_HEAD)
		return true;
	*length = MESSAGE_HEAD + ((size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3]);
	return *length <= TLSHELLO_MOST - RECORD_HEAD;
}

enum tlshello_result
tlshello_parse(const void *data, size_t len, struct tlshello *out)
{
	const uint8_t *in = data, *message = in + RECORD_HEAD;
	size_t at = 0, got = 0, want = SIZE_MAX;

	if (len > TLSHELLO_MOST)
		len = TLSHELLO_MOST;
	while (got < want) {
		size_t left = len - at, fragment = 0, n;

		if (!record_head_ok(in + at, left, &fragment))
			return TLSHELLO_NONE;
		if (left <= RECORD_HEAD)
			return len == TLSHELLO_MOST ? TLSHELLO_NONE : TLSHELLO_MORE;
		n = left - RECORD_HEAD < fragment ? left - RECORD_HEAD : fragment;
		if (at > 0) { /* the second record, or a later one */
			if (message != (const uint8_t *)out->joined)
				memcpy(out->joined, message, got);
			memcpy(out->joined + got, in + at + RECORD_HEAD, n);
			message = (const uint8_t *)out->joined;
		}
		got += n;
		if (!message_head_ok(message, got, &want))
			return TLSHELLO_NONE;
		if (got < want && n < fragment)
			return len == TLSHELLO_MOST ? TLSHELLO_NONE : TLSHELLO_MORE;
		at += RECORD_HEAD + n;
	}
	return read_hello((struct span){message + MESSAGE_HEAD, want - MESSAGE_HEAD, false}, out)
		   ? TLSHELLO_OK
		   : TLSHELLO_NONE;
}

bool
tlshello_offers(const struct tlshello *h, const char *name)
{
	size_t want = strlen(name);

	for (size_t i = 0; i < h->alpn_len; i += 1 + (uint8_t)h->alpn[i])
		if ((uint8_t)h->alpn[i] == want && memcmp(h->alpn + i + 1, name, want) == 0)
			return true;
	return false;
}
