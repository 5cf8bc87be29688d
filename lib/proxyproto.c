/* SPDX-License-Identifier: ISC */
/* PROXY protocol: see proxyproto.h. Section numbers are the specification's. */
#include "lib/proxyproto.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define V1_MOST 107 /* bytes of a line with its CR LF (2.1) */
#define V2_HEAD 16

#define TLV_CRC32C 0x03

static const unsigned char v2_signature[12] = {
    0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};

/* ---- building ------------------------------------------------------------------------ */

static bool
is_ip(const struct sock_addr *a)
{
	return a != NULL && (a->family == AF_INET || a->family == AF_INET6);
}

/* The 16 bytes of an address, IPv4 mapped. */
static void
mapped(const struct sock_addr *a, unsigned char out[16])
{
	static const unsigned char prefix[12] = {[10] = 0xff, [11] = 0xff};

	if (a->family == AF_INET6) {
		memcpy(out, &a->in6.sin6_addr, 16);
		return;
	}
	memcpy(out, prefix, 12);
	memcpy(out + 12, &a->in.sin_addr, 4);
}

static bool
is_mapped(const unsigned char a[16])
{
	static const unsigned char prefix[12] = {[10] = 0xff, [11] = 0xff};

	return memcmp(a, prefix, 12) == 0;
}

/* Both addresses as bytes of one family. Returns it, or AF_UNSPEC. */
static int
both(const struct sock_addr *src, const struct sock_addr *dst, unsigned char s[16],
    unsigned char d[16])
{
	if (!is_ip(src) || !is_ip(dst))
		return AF_UNSPEC;
	mapped(src, s);
	mapped(dst, d);
	if (!is_mapped(s) || !is_mapped(d))
		return AF_INET6;
	memmove(s, s + 12, 4);
	memmove(d, d + 12, 4);
	return AF_INET;
}

size_t
proxyproto_build_v1(char *buf, const struct sock_addr *src, const struct sock_addr *dst)
{
	char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];
	unsigned char s[16], d[16];
	int family = both(src, dst, s, d);

	if (family == AF_UNSPEC)
		return proxyproto_build_local(buf, 1);
	inet_ntop(family, s, from, sizeof(from));
	inet_ntop(family, d, to, sizeof(to));
	return (size_t)snprintf(buf, PROXYPROTO_ROOM, "PROXY TCP%c %s %s %u %u\r\n",
	    family == AF_INET ? '4' : '6', from, to, sock_addr_port(src), sock_addr_port(dst));
}

/* command: 0 LOCAL, 1 PROXY. */
static size_t
v2_head(char *buf, unsigned command, unsigned family, size_t more)
{
	memcpy(buf, v2_signature, sizeof(v2_signature));
	buf[12] = (char)(0x20 | command);
	buf[13] = (char)family;
	buf[14] = (char)(more >> 8);
	buf[15] = (char)more;
	return V2_HEAD + more;
}

size_t
proxyproto_build_v2(char *buf, const struct sock_addr *src, const struct sock_addr *dst)
{
	unsigned char s[16], d[16];
	int family = both(src, dst, s, d);
	size_t n = family == AF_INET ? 4 : 16;
	uint16_t ports[2];

	if (family == AF_UNSPEC)
		return v2_head(buf, 1, 0x00, 0);
	ports[0] = htons(sock_addr_port(src));
	ports[1] = htons(sock_addr_port(dst));
	memcpy(buf + V2_HEAD, s, n);
	memcpy(buf + V2_HEAD + n, d, n);
	memcpy(buf + V2_HEAD + 2 * n, ports, 4);
	return v2_head(buf, 1, family == AF_INET ? 0x11 : 0x21, 2 * n + 4);
}

size_t
proxyproto_build_local(char *buf, int version)
{
	static const char line[] = "PROXY UNKNOWN\r\n";

	if (version == 2)
		return v2_head(buf, 0, 0x00, 0);
	memcpy(buf, line, sizeof(line) - 1);
	return sizeof(line) - 1;
}

/* ---- parsing, version 1 -------------------------------------------------------------- */

/* The next word of a line of exactly one blank between words, or -1. */
static int
word(const char **p, const char *end, char *out, size_t size)
{
	const char *blank = memchr(*p, ' ', (size_t)(end - *p));
	const char *stop = blank != NULL ? blank : end;
	size_t n = (size_t)(stop - *p);

	if (n == 0 || n >= size || memchr(*p, '\0', n) != NULL)
		return -1;
	memcpy(out, *p, n);
	out[n] = '\0';
	*p = blank != NULL ? blank + 1 : end;
	return blank != NULL && blank + 1 == end ? -1 : 0;
}

/* 0..65535 without leading zeros. */
static int
port_parse(const char *s, uint16_t *port)
{
	unsigned v = 0;

	if (strlen(s) > 5 || (s[0] == '0' && s[1] != '\0'))
		return -1;
	for (; *s != '\0'; s++) {
		if (*s < '0' || *s > '9')
			return -1;
		v = v * 10 + (unsigned)(*s - '0');
	}
	if (v > 65535)
		return -1;
	*port = (uint16_t)v;
	return 0;
}

static void
address_set(struct sock_addr *a, int family, const void *bytes, uint16_t port)
{
	memset(a, 0, sizeof(*a));
	a->family = (sa_family_t)family;
	if (family == AF_INET) {
		memcpy(&a->in.sin_addr, bytes, 4);
		a->len = sizeof(a->in);
	} else {
		memcpy(&a->in6.sin6_addr, bytes, 16);
		a->len = sizeof(a->in6);
	}
	sock_addr_set_port(a, port);
}

/* "TCP4 192.0.2.1 192.0.2.2 1234 80" behind "PROXY ". */
static enum proxyproto_result
v1_fields(const char *p, const char *end, struct proxyproto *out)
{
	char proto[8], src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN], sport[8], dport[8];
	unsigned char a[16], b[16];
	uint16_t x, y;
	int family;

	if (end - p >= 7 && memcmp(p, "UNKNOWN", 7) == 0 && (p + 7 == end || p[7] == ' '))
		return PROXYPROTO_OK; /* the rest of the line is to be ignored (2.1) */
	if (word(&p, end, proto, sizeof(proto)) == -1 || word(&p, end, src, sizeof(src)) == -1 ||
	    word(&p, end, dst, sizeof(dst)) == -1 || word(&p, end, sport, sizeof(sport)) == -1 ||
	    word(&p, end, dport, sizeof(dport)) == -1 || p != end)
		return PROXYPROTO_BAD;
	if (strcmp(proto, "TCP4") == 0)
		family = AF_INET;
	else if (strcmp(proto, "TCP6") == 0)
		family = AF_INET6;
	else
		return PROXYPROTO_BAD;
	if (inet_pton(family, src, a) != 1 || inet_pton(family, dst, b) != 1 ||
	    port_parse(sport, &x) == -1 || port_parse(dport, &y) == -1)
		return PROXYPROTO_BAD;
	address_set(&out->src, family, a, x);
	address_set(&out->dst, family, b, y);
	out->known = true;
	return PROXYPROTO_OK;
}

static enum proxyproto_result
v1_parse(const char *data, size_t len, struct proxyproto *out)
{
	size_t most = len < V1_MOST ? len : V1_MOST;
	const char *lf = memchr(data, '\n', most);

	if (lf == NULL)
		return len >= V1_MOST ? PROXYPROTO_BAD : PROXYPROTO_MORE;
	if (lf[-1] != '\r')
		return PROXYPROTO_BAD;
	out->v = 1;
	out->len = (size_t)(lf + 1 - data);
	return v1_fields(data + 6, lf - 1, out);
}

/* ---- parsing, version 2 -------------------------------------------------------------- */

/* CRC32c of len bytes, those from hole to hole + 4 taken as zeros (2.2.4). */
static uint32_t
crc32c(const unsigned char *p, size_t len, size_t hole)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < len; i++) {
		crc ^= i >= hole && i < hole + 4 ? 0 : p[i];
		for (int k = 0; k < 8; k++)
			crc = (crc >> 1) ^ (crc & 1 ? UINT32_C(0x82f63b78) : 0);
	}
	return ~crc;
}

/* Type, length, value, one after the other, exactly to the end. */
static enum proxyproto_result
tlvs_check(const unsigned char *p, size_t at, size_t len)
{
	while (at < len) {
		size_t n;

		if (len - at < 3)
			return PROXYPROTO_BAD;
		n = (size_t)p[at + 1] << 8 | p[at + 2];
		if (n > len - at - 3)
			return PROXYPROTO_BAD;
		if (p[at] == TLV_CRC32C) {
			uint32_t want;

			if (n != 4)
				return PROXYPROTO_BAD;
			memcpy(&want, p + at + 3, 4);
			if (crc32c(p, len, at + 3) != ntohl(want))
				return PROXYPROTO_CHECKSUM;
		}
		at += 3 + n;
	}
	return PROXYPROTO_OK;
}

/* Bytes of the two addresses of a family-and-protocol byte; -1: none that the rules know. */
static int
addresses_size(unsigned char family)
{
	static const int size[] = {0, 12, 36, 216};

	if (family >> 4 > 3 || (family & 0x0f) > 2)
		return -1;
	return size[family >> 4];
}

static uint16_t
port_at(const unsigned char *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static enum proxyproto_result
v2_addresses(const unsigned char *p, size_t len, struct proxyproto *out)
{
	int size = addresses_size(p[13]);
	const unsigned char *a = p + V2_HEAD;

	if (size == -1 || len - V2_HEAD < (size_t)size)
		return PROXYPROTO_BAD;
	if (p[13] == 0x11) {
		address_set(&out->src, AF_INET, a, port_at(a + 8));
		address_set(&out->dst, AF_INET, a + 4, port_at(a + 10));
	} else if (p[13] == 0x21) {
		address_set(&out->src, AF_INET6, a, port_at(a + 32));
		address_set(&out->dst, AF_INET6, a + 16, port_at(a + 34));
	}
	out->known = p[13] == 0x11 || p[13] == 0x21;
	return tlvs_check(p, V2_HEAD + (size_t)size, len);
}

static enum proxyproto_result
v2_parse(const unsigned char *p, size_t have, struct proxyproto *out)
{
	size_t len;

	if (have < V2_HEAD)
		return PROXYPROTO_MORE;
	if (p[12] != 0x20 && p[12] != 0x21)
		return PROXYPROTO_BAD;
	len = V2_HEAD + ((size_t)p[14] << 8 | p[15]);
	if (len > PROXYPROTO_MOST)
		return PROXYPROTO_LONG;
	if (have < len)
		return PROXYPROTO_MORE;
	out->v = 2;
	out->len = len;
	if (p[12] == 0x20)
		return PROXYPROTO_OK; /* LOCAL: what follows is skipped (2.2) */
	return v2_addresses(p, len, out);
}

/* ---- both ---------------------------------------------------------------------------- */

enum proxyproto_result
proxyproto_parse(const void *data, size_t len, struct proxyproto *out)
{
	struct proxyproto h = {0};
	enum proxyproto_result r;
	size_t n1 = len < 6 ? len : 6, n2 = len < 12 ? len : 12;

	if (memcmp(data, "PROXY ", n1) == 0)
		r = len < 6 ? PROXYPROTO_MORE : v1_parse(data, len, &h);
	else if (memcmp(data, v2_signature, n2) == 0)
		r = v2_parse(data, len, &h);
	else
		return PROXYPROTO_NONE;
	if (r != PROXYPROTO_OK)
		return r;
	/* HAProxy on [::] with v4v6 says so of IPv4 clients, who are no /64 together. */
	if (h.known) {
		sock_addr_unmap(&h.src);
		sock_addr_unmap(&h.dst);
	}
	*out = h;
	return r;
}

const char *
proxyproto_result_text(enum proxyproto_result r)
{
	switch (r) {
	case PROXYPROTO_OK:
		return "PROXY header";
	case PROXYPROTO_MORE:
		return "PROXY header not complete";
	case PROXYPROTO_NONE:
		return "no PROXY header";
	case PROXYPROTO_LONG:
		return "PROXY header too long";
	case PROXYPROTO_CHECKSUM:
		return "PROXY header with wrong checksum";
	default:
		return "malformed PROXY header";
	}
}
