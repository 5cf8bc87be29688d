/* SPDX-License-Identifier: ISC */
/*
 * Parse and build VRRP advertisements (see packet.h). Runs in vrrp; owns nothing, reads only its
 * arguments. Nothing that arrives may reach an assertion: every way out is a reason.
 */
#include "vrrp/packet.h"

#include <errno.h>

#define TOS_CS6      0xc0
#define HEAD_BYTES   8 /* VRRP header before the addresses */
#define IP4_BYTES    20
#define IP6_BYTES    40
#define TYPE_ADVERT  1
#define OFF_CHECKSUM 6

static const char *const reason_text[] = {
#define X(name, counter, text) text,
    PACKET_REASONS(X)
#undef X
};
static const char *const reason_counter[] = {
#define X(name, counter, text) #counter,
    PACKET_REASONS(X)
#undef X
};

const char *
packet_reason_text(enum packet_reason r)
{
	return (unsigned int)r < PACKET_REASON_COUNT ? reason_text[r] : "?";
}

const char *
packet_reason_counter(enum packet_reason r)
{
	return (unsigned int)r < PACKET_REASON_COUNT ? reason_counter[r] : "?";
}

struct ip
packet_group(uint8_t family)
{
	if (family == AF_INET)
		return ip_make4(224, 0, 0, 18);
	return (struct ip){.family = AF_INET6, .b = {0xff, 2, [15] = 0x12}};
}

bool
packet_auth_from_pass(uint8_t out[PACKET_AUTH_BYTES], const char *pass)
{
	size_t n = strlen(pass);

	memset(out, 0, PACKET_AUTH_BYTES);
	memcpy(out, pass, n < PACKET_AUTH_BYTES ? n : PACKET_AUTH_BYTES);
	return n <= PACKET_AUTH_BYTES;
}

static uint16_t
get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void
put16(uint8_t *p, unsigned int v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* ---- checksums (RFC 1071) -------------------------------------------------- */

static uint32_t
sum_add(uint32_t sum, const uint8_t *p, size_t len)
{
	size_t i;

	for (i = 0; i + 1 < len; i += 2)
		sum += get16(p + i);
	if (i < len)
		sum += (uint32_t)p[i] << 8;
	return sum;
}

static uint16_t
sum_fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* The pseudo-header's share: addresses, protocol, length of the message. */
static uint32_t
sum_pseudo(const struct ip *src, const struct ip *dst, size_t len)
{
	uint32_t sum = 0;

	sum = sum_add(sum, src->b, ip_len(src->family));
	sum = sum_add(sum, dst->b, ip_len(dst->family));
	return sum + PACKET_PROTO + (uint32_t)len;
}

/* The sum of a message of this version under one scope; 0xffff when its checksum field is right. */
static uint16_t
sum_message(uint8_t version, enum packet_sum scope, const struct ip *src, const struct ip *dst,
    const uint8_t *msg, size_t len)
{
	struct ip group = packet_group(src->family);
	uint32_t sum = 0;

	if (version == 3 && (src->family == AF_INET6 || scope == PACKET_SUM_REAL))
		sum = sum_pseudo(src, dst, len);
	else if (version == 3 && scope == PACKET_SUM_MULTICAST)
		sum = sum_pseudo(src, &group, len);
	return sum_fold(sum_add(sum, msg, len));
}

/* ---- parse ----------------------------------------------------------------- */

static enum packet_reason
parse_ip4(
    const uint8_t *b, size_t len, struct packet_in *out, size_t *head, size_t *end, uint8_t *proto)
{
	size_t hl;

	if (len < IP4_BYTES)
		return PACKET_SHORT;
	hl = (size_t)(b[0] & 15) * 4;
	if (hl < IP4_BYTES)
		return PACKET_IP_HEADER;
	if (len < hl)
		return PACKET_SHORT;
	if (sum_fold(sum_add(0, b, hl)) != 0xffff)
		return PACKET_IP_CHECKSUM;
	if (get16(b + 2) != len)
		return PACKET_IP_LENGTH;
	if ((get16(b + 6) & 0x3fff) != 0) /* more fragments, or an offset */
		return PACKET_FRAGMENT;
	*head = hl;
	*end = len;
	*proto = b[9];
	out->ttl = b[8];
	out->src = ip_make(AF_INET, b + 12);
	out->dst = ip_make(AF_INET, b + 16);
	return PACKET_OK;
}

static enum packet_reason
parse_ip6(
    const uint8_t *b, size_t len, struct packet_in *out, size_t *head, size_t *end, uint8_t *proto)
{
	if (len < IP6_BYTES)
		return PACKET_SHORT;
	if ((size_t)get16(b + 4) + IP6_BYTES != len)
		return PACKET_IP_LENGTH;
	*head = IP6_BYTES;
	*end = len;
	*proto = b[6];
	out->ttl = b[7];
	out->src = ip_make(AF_INET6, b + 8);
	out->dst = ip_make(AF_INET6, b + 24);
	return PACKET_OK;
}

static enum packet_reason
parse_ip(
    const uint8_t *b, size_t len, struct packet_in *out, size_t *head, size_t *end, uint8_t *proto)
{
	if (len == 0)
		return PACKET_SHORT;
	if (b[0] >> 4 == 4)
		return parse_ip4(b, len, out, head, end, proto);
	if (b[0] >> 4 == 6)
		return parse_ip6(b, len, out, head, end, proto);
	return PACKET_IP_HEADER;
}

int
packet_peek_vrid(const uint8_t *bytes, size_t len)
{
	struct packet_in in;
	size_t head, end;
	uint8_t proto;

	if (parse_ip(bytes, len, &in, &head, &end, &proto) != PACKET_OK || proto != PACKET_PROTO ||
	    end - head < 2)
		return -1;
	return bytes[head + 1];
}

enum packet_reason
packet_parse(
    const struct packet_expect *want, const uint8_t *bytes, size_t len, struct packet_in *out)
{
	enum packet_reason r;
	size_t head, end;
	uint8_t proto;

	memset(out, 0, sizeof(*out));
	r = parse_ip(bytes, len, out, &head, &end, &proto);
	if (r != PACKET_OK)
		return r;
	if (out->src.family != want->own.family)
		return PACKET_IP_HEADER;
	if (proto == PACKET_PROTO_AH)
		return PACKET_AH;
	if (proto != PACKET_PROTO)
		return PACKET_PROTOCOL;
	return packet_parse_message(want, bytes + head, end - head, out);
}

static bool
listed(const struct ip *list, size_t n, const struct ip *a)
{
	for (size_t i = 0; i < n; i++) {
		if (ip_equal(&list[i], a))
			return true;
	}
	return false;
}

/* Who sent it where: destination, TTL, own packet, source. */
static enum packet_reason
check_ends(const struct packet_expect *want, const struct packet_in *in)
{
	struct ip group = packet_group(want->own.family);

	if (!ip_equal(&in->dst, want->multicast ? &group : &want->own))
		return PACKET_DESTINATION;
	if (want->multicast) {
		if (in->ttl != 255)
			return PACKET_TTL;
	} else if (in->ttl < want->ttl_min || (want->ttl_max != 0 && in->ttl > want->ttl_max)) {
		return PACKET_TTL;
	}
	if (ip_equal(&in->src, &want->own))
		return PACKET_OWN;
	if (want->n_sources > 0 && !listed(want->sources, want->n_sources, &in->src))
		return PACKET_SOURCE;
	return PACKET_OK;
}

static uint64_t
get64(const uint8_t *p)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

static void
split_hmac(const uint8_t *t, struct packet_hmac *h)
{
	h->present = true;
	h->key_id = t[2];
	h->boot = (uint32_t)get16(t + 4) << 16 | get16(t + 6);
	h->seq = get64(t + 8);
	h->wall_us = (int64_t)get64(t + 16);
	memcpy(h->mac, t + 24, sizeof(h->mac));
}

/* The length must be exact; only a whole HMAC trailer ('V', 2) may follow. */
static enum packet_reason
split_tail(const uint8_t *msg, size_t len, size_t expected, struct packet_in *out)
{
	const uint8_t *t = msg + expected;

	if (len < expected)
		return PACKET_LENGTH;
	if (len == expected + PACKET_HMAC_BYTES && t[0] == 'V' && t[1] == 2 && t[2] != 0 &&
	    t[3] == 0)
		split_hmac(t, &out->hmac);
	else if (len != expected)
		return PACKET_LENGTH;
	out->msg = msg;
	out->msg_len = expected;
	return PACKET_OK;
}

/* Over all that IP carries, a trailer too. */
static bool
check_sum(const struct packet_expect *want, struct packet_in *in)
{
	static const enum packet_sum scopes[] = {
	    PACKET_SUM_REAL, PACKET_SUM_MULTICAST, PACKET_SUM_NONE};
	size_t len = in->msg_len + (in->hmac.present ? PACKET_HMAC_BYTES : 0);

	if (in->version == 2 || in->src.family == AF_INET6)
		return sum_message(in->version, PACKET_SUM_REAL, &in->src, &in->dst, in->msg,
			   len) == 0xffff;
	for (size_t i = 0; i < sizeof(scopes) / sizeof(scopes[0]); i++) {
		if ((want->sums & scopes[i]) &&
		    sum_message(3, scopes[i], &in->src, &in->dst, in->msg, len) == 0xffff) {
			in->sum = (uint8_t)scopes[i];
			return true;
		}
	}
	return false;
}

/*
 * The v2 authentication field. A v3 advertisement has none, so that it does not pass where a
 * password is demanded; where none is demanded, any type that can be read passes.
 */
static enum packet_reason
check_auth(const struct packet_expect *want, const struct packet_in *in)
{
	const uint8_t *data = in->msg + in->msg_len - PACKET_AUTH_BYTES;

	if (in->version == 2 && in->auth_type == PACKET_AUTH_AH)
		return PACKET_AH;
	if (want->version != 2)
		return in->version == 2 && in->auth_type > PACKET_AUTH_PASS ? PACKET_AUTH_TYPE
									    : PACKET_OK;
	if (in->version != 2)
		return want->auth_type == PACKET_AUTH_NONE ? PACKET_OK : PACKET_AUTH_TYPE;
	if (in->auth_type != want->auth_type)
		return PACKET_AUTH_TYPE;
	if (want->auth_type == PACKET_AUTH_PASS && memcmp(data, want->auth, PACKET_AUTH_BYTES) != 0)
		return PACKET_AUTH_DATA;
	return PACKET_OK;
}

struct ip
packet_addr(const struct packet_in *in, size_t i)
{
	return ip_make(in->src.family, in->msg + HEAD_BYTES + i * ip_len(in->src.family));
}

/* The same number, and each configured one is there, in any order (as keepalived compares). */
static bool
same_addresses(const struct packet_expect *want, const struct packet_in *in)
{
	if (want->n_addrs == 0)
		return true;
	if (in->n_addrs != want->n_addrs)
		return false;
	for (size_t i = 0; i < want->n_addrs; i++) {
		bool found = false;

		for (size_t k = 0; k < in->n_addrs && !found; k++) {
			struct ip a = packet_addr(in, k);

			found = ip_equal(&a, &want->addrs[i]);
		}
		if (!found)
			return false;
	}
	return true;
}

/* A v3 receiver learns the sender's interval, so only a v2 interval can disagree. */
static enum packet_reason
check_agreement(const struct packet_expect *want, struct packet_in *in)
{
	enum packet_reason r = PACKET_OK;

	if (!same_addresses(want, in)) {
		in->differs |= PACKET_DIFFERS_ADDRESSES;
		r = PACKET_ADDRESSES;
	}
	if (in->interval_cs == 0 || (want->version == 2 && in->interval_cs != want->interval_cs)) {
		in->differs |= PACKET_DIFFERS_INTERVAL;
		r = PACKET_INTERVAL;
	}
	if (in->version != want->version) {
		in->differs |= PACKET_DIFFERS_VERSION;
		r = PACKET_VERSION;
	}
	return want->strict ? r : PACKET_OK;
}

enum packet_reason
packet_parse_message(
    const struct packet_expect *want, const uint8_t *msg, size_t len, struct packet_in *out)
{
	enum packet_reason r;
	size_t expected;

	r = check_ends(want, out);
	if (r != PACKET_OK)
		return r;
	if (len < HEAD_BYTES)
		return PACKET_SHORT;
	out->version = msg[0] >> 4;
	if (out->version != 3 && !(out->version == 2 && out->src.family == AF_INET))
		return PACKET_VERSION;
	if ((msg[0] & 15) != TYPE_ADVERT)
		return PACKET_TYPE;
	out->vrid = msg[1];
	if (out->vrid != want->vrid)
		return PACKET_VRID;
	out->priority = msg[2];
	out->n_addrs = msg[3];
	if (out->n_addrs == 0)
		return PACKET_COUNT;
	expected = HEAD_BYTES + out->n_addrs * ip_len(out->src.family) +
		   (out->version == 2 ? PACKET_AUTH_BYTES : 0);
	r = split_tail(msg, len, expected, out);
	if (r != PACKET_OK)
		return r;
	if (!check_sum(want, out))
		return PACKET_CHECKSUM;
	if (out->version == 2) {
		out->auth_type = msg[4];
		out->interval_cs = (uint16_t)(msg[5] * 100);
	} else {
		out->interval_cs = get16(msg + 4) & 0x0fff;
	}
	r = check_auth(want, out);
	return r != PACKET_OK ? r : check_agreement(want, out);
}

/* ---- build ----------------------------------------------------------------- */

static bool
can_build(const struct packet_out *p)
{
	if (p->src.family != p->dst.family ||
	    (p->src.family != AF_INET && p->src.family != AF_INET6))
		return false;
	if (p->n_addrs == 0 || p->n_addrs > PACKET_ADDRS_MAX || p->vrid == 0)
		return false;
	for (size_t i = 0; i < p->n_addrs; i++) {
		if (p->addrs[i].family != p->src.family)
			return false;
	}
	if (p->version == 2)
		return p->src.family == AF_INET && p->interval_cs % 100 == 0 &&
		       p->interval_cs >= 100 && p->interval_cs <= 25500 &&
		       p->auth_type <= PACKET_AUTH_PASS;
	return p->version == 3 && p->interval_cs >= 1 && p->interval_cs <= 4095;
}

static void
build_ip4(const struct packet_out *p, uint8_t *b, size_t total)
{
	memset(b, 0, IP4_BYTES);
	b[0] = 0x45;
	b[1] = TOS_CS6;
	put16(b + 2, (unsigned int)total);
	put16(b + 4, p->ip_id);
	b[8] = p->ttl;
	b[9] = PACKET_PROTO;
	memcpy(b + 12, p->src.b, 4);
	memcpy(b + 16, p->dst.b, 4);
	put16(b + 10, (uint16_t)~sum_fold(sum_add(0, b, IP4_BYTES)));
}

static void
build_ip6(const struct packet_out *p, uint8_t *b, size_t total)
{
	b[0] = 0x60 | TOS_CS6 >> 4;
	b[1] = (uint8_t)((TOS_CS6 & 15) << 4 | (p->flow >> 16 & 15));
	put16(b + 2, p->flow & 0xffff);
	put16(b + 4, (unsigned int)(total - IP6_BYTES));
	b[6] = PACKET_PROTO;
	b[7] = p->ttl;
	memcpy(b + 8, p->src.b, 16);
	memcpy(b + 24, p->dst.b, 16);
}

static void
build_message(const struct packet_out *p, uint8_t *m, size_t len)
{
	size_t n = ip_len(p->src.family);

	m[0] = (uint8_t)(p->version << 4 | TYPE_ADVERT);
	m[1] = p->vrid;
	m[2] = p->priority;
	m[3] = (uint8_t)p->n_addrs;
	if (p->version == 2) {
		m[4] = p->auth_type;
		m[5] = (uint8_t)(p->interval_cs / 100);
	} else {
		put16(m + 4, p->interval_cs);
	}
	put16(m + OFF_CHECKSUM, 0);
	for (size_t i = 0; i < p->n_addrs; i++)
		memcpy(m + HEAD_BYTES + i * n, p->addrs[i].b, n);
	if (p->version == 2) {
		uint8_t *auth = m + len - PACKET_AUTH_BYTES;

		memset(auth, 0, PACKET_AUTH_BYTES);
		if (p->auth_type == PACKET_AUTH_PASS)
			memcpy(auth, p->auth, PACKET_AUTH_BYTES);
	}
	put16(
	    m + OFF_CHECKSUM, (uint16_t)~sum_message(p->version, p->sum, &p->src, &p->dst, m, len));
}

int
packet_build(const struct packet_out *p, uint8_t *buf, size_t size, size_t *iplen)
{
	size_t head, len;

	if (!can_build(p)) {
		errno = EINVAL;
		return -1;
	}
	head = p->src.family == AF_INET ? IP4_BYTES : IP6_BYTES;
	len = HEAD_BYTES + p->n_addrs * ip_len(p->src.family) +
	      (p->version == 2 ? PACKET_AUTH_BYTES : 0);
	if (head + len > size) {
		errno = ENOSPC;
		return -1;
	}
	if (p->src.family == AF_INET)
		build_ip4(p, buf, head + len);
	else
		build_ip6(p, buf, head + len);
	build_message(p, buf + head, len);
	*iplen = head;
	return (int)(head + len);
}

/* RFC 1624: adds what came to a message's checksum. In v3 the pseudo-header's length grows too,
 * unless the message was summed without one. */
static void
extend_sum(uint8_t *m, size_t len, size_t more, bool pseudo)
{
	uint32_t sum = (uint16_t)~get16(m + OFF_CHECKSUM);

	sum = sum_add(sum, m + len, more);
	if (pseudo)
		sum += (uint32_t)more;
	put16(m + OFF_CHECKSUM, (uint16_t)~sum_fold(sum));
}

static bool
summed_without_pseudo(const uint8_t *ip4, const uint8_t *m, size_t len)
{
	struct ip src = ip_make(AF_INET, ip4 + 12), dst = ip_make(AF_INET, ip4 + 16);

	return sum_message(3, PACKET_SUM_REAL, &src, &dst, m, len) != 0xffff &&
	       sum_message(3, PACKET_SUM_NONE, &src, &dst, m, len) == 0xffff;
}

void
packet_extend(uint8_t *buf, size_t len, size_t more)
{
	uint8_t *m = buf + IP4_BYTES;

	if (buf[0] >> 4 != 4) {
		put16(buf + 4, (unsigned int)(len + more - IP6_BYTES));
		extend_sum(buf + IP6_BYTES, len - IP6_BYTES, more, true);
		return;
	}
	put16(buf + 2, (unsigned int)(len + more));
	put16(buf + 10, 0);
	put16(buf + 10, (uint16_t)~sum_fold(sum_add(0, buf, IP4_BYTES)));
	extend_sum(m, len - IP4_BYTES, more,
	    m[0] >> 4 == 3 && !summed_without_pseudo(buf, m, len - IP4_BYTES));
}
