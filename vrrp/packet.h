/* SPDX-License-Identifier: ISC */
/*
 * VRRP advertisements as bytes: parse and build. Pure: bytes in, values out; no socket, no clock.
 * RFC 3768 (v2, with the authentication field of RFC 2338) and RFC 9568 (v3), IPv4 and IPv6,
 * unicast and multicast; what keepalived 2.2.7 was seen to send is built byte for byte.
 *
 * Everything that arrives gets one reason from PACKET_REASONS. A disagreement in interval, version
 * or address list is no reason to refuse: a living master sent it; it is reported in `differs`
 * (unless `strict`).
 */
#ifndef VRRP_PACKET_H
#define VRRP_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vrrp/ip.h"

/* name, text for logs. The counters' names are the lower-case names. */
#define PACKET_REASONS(X)                                                \
	X(OK, ok, "accepted")                                            \
	X(SHORT, short, "too short")                                     \
	X(IP_HEADER, ip_header, "bad IP header")                         \
	X(IP_CHECKSUM, ip_checksum, "bad IP header checksum")            \
	X(IP_LENGTH, ip_length, "IP length does not fit what arrived")   \
	X(FRAGMENT, fragment, "fragment")                                \
	X(PROTOCOL, protocol, "not VRRP")                                \
	X(AH, ah, "IPsec AH authentication, which vipd does not speak")  \
	X(TTL, ttl, "TTL or hop limit out of bounds")                    \
	X(DESTINATION, destination, "sent to another address")           \
	X(OWN, own, "sent by this host itself")                          \
	X(SOURCE, source, "source is not a listed peer")                 \
	X(VERSION, version, "VRRP version")                              \
	X(TYPE, type, "not an advertisement")                            \
	X(VRID, vrid, "other virtual router")                            \
	X(COUNT, count, "number of addresses")                           \
	X(LENGTH, length, "length does not fit the number of addresses") \
	X(CHECKSUM, checksum, "bad checksum")                            \
	X(AUTH_TYPE, auth_type, "authentication type")                   \
	X(AUTH_DATA, auth_data, "wrong password")                        \
	X(INTERVAL, interval, "other advertisement interval")            \
	X(ADDRESSES, addresses, "other addresses")                       \
	X(HMAC_MISSING, hmac_missing, "no HMAC")                         \
	X(HMAC_KEY, hmac_key, "HMAC with an unknown key")                \
	X(HMAC_BAD, hmac_bad, "wrong HMAC")                              \
	X(HMAC_REPLAY, hmac_replay, "HMAC of an old packet")

enum packet_reason {
#define X(name, counter, text) PACKET_##name,
	PACKET_REASONS(X)
#undef X
	    PACKET_REASON_COUNT
};

#define PACKET_PROTO      112
#define PACKET_PROTO_AH   51
#define PACKET_ADDRS_MAX  255
#define PACKET_AUTH_BYTES 8
#define PACKET_HMAC_BYTES 56 /* trailer: 24 bytes head, 32 bytes SHA-256 */
/* The longest packet: IPv6 header, message with 255 addresses, authentication, HMAC. */
#define PACKET_MAX (40 + 8 + PACKET_ADDRS_MAX * 16 + PACKET_AUTH_BYTES + PACKET_HMAC_BYTES)

/* Over what a v3 checksum in IPv4 runs; values are bits, so that a receiver can accept several. */
enum packet_sum {
	PACKET_SUM_REAL = 1,      /* pseudo-header with the destination of the packet */
	PACKET_SUM_MULTICAST = 2, /* with 224.0.0.18, also when sent to one peer (old keepalived) */
	PACKET_SUM_NONE = 4       /* no pseudo-header (v3_checksum_as_v2, Cisco) */
};

enum packet_auth { PACKET_AUTH_NONE = 0, PACKET_AUTH_PASS = 1, PACKET_AUTH_AH = 2 };

/* Disagreements: a living master, set otherwise. */
enum packet_differs {
	PACKET_DIFFERS_INTERVAL = 1,
	PACKET_DIFFERS_ADDRESSES = 2,
	PACKET_DIFFERS_VERSION = 4
};

/* What an advertisement says, for building; shared by sender's settings. */
struct packet_out {
	uint8_t version;      /* 2, 3; IPv6: 3 */
	uint8_t vrid;         /* 1..255 */
	uint8_t priority;     /* 0..255 */
	uint8_t ttl;          /* TTL or hop limit; 255 in every advertisement of vipd */
	uint16_t interval_cs; /* 1/100 s; v2: multiples of 100 up to 25500; v3: 1..4095 */
	uint16_t ip_id;       /* IPv4 identification */
	uint32_t flow;        /* IPv6 flow label, 20 bits */
	uint8_t auth_type;    /* v2: enum packet_auth, NONE or PASS */
	uint8_t auth[PACKET_AUTH_BYTES];
	enum packet_sum sum; /* v3 in IPv4 */
	struct ip src;
	struct ip dst;
	const struct ip *addrs; /* of the family of src; in the order of the configuration */
	size_t n_addrs;         /* 1..255 */
};

/* What a receiver wants of one virtual router. */
struct packet_expect {
	uint8_t version;
	uint8_t vrid;
	bool multicast;    /* else packets must be sent to `own` */
	bool strict;       /* refuse what disagrees in interval, addresses, version */
	uint8_t ttl_min;   /* unicast; 0: any. Multicast: always 255 */
	uint8_t ttl_max;   /* unicast; 0: any */
	uint8_t auth_type; /* v2 */
	uint8_t auth[PACKET_AUTH_BYTES];
	uint8_t sums;         /* v3 in IPv4: accepted enum packet_sum, or-ed */
	uint16_t interval_cs; /* own */
	struct ip own;        /* this host's source address */
	const struct ip
	    *sources; /* who may send; n_sources 0: anybody (multicast without a list) */
	size_t n_sources;
	const struct ip *addrs; /* n_addrs 0: not compared (skip_check_adv_addr) */
	size_t n_addrs;
};

/* An HMAC trailer that arrived, not yet verified. */
struct packet_hmac {
	bool present;
	uint8_t key_id;  /* 1..255 */
	uint32_t boot;   /* grows with every start of the sender */
	uint64_t seq;    /* grows with every packet of one boot */
	int64_t wall_us; /* the sender's time of day */
	uint8_t mac[32];
};

/* An advertisement that arrived. Valid up to the step that refused it; src, dst from OWN on. */
struct packet_in {
	uint8_t version;
	uint8_t vrid;
	uint8_t priority;
	uint8_t ttl;
	uint8_t auth_type;
	uint8_t differs;      /* enum packet_differs, or-ed */
	uint8_t sum;          /* enum packet_sum that matched; 0: v2 or IPv6 */
	uint16_t interval_cs; /* the sender's, 0..25500 */
	struct ip src;
	struct ip dst;
	uint8_t n_addrs;
	struct packet_hmac hmac;
	const uint8_t *msg; /* the VRRP message in the caller's bytes, without HMAC trailer */
	size_t msg_len;
};

const char *packet_reason_text(enum packet_reason r);
const char *packet_reason_counter(enum packet_reason r);

/* 224.0.0.18 or ff02::12. */
struct ip packet_group(uint8_t family);

/*
 * The 8 bytes of an auth_pass: cut to 8, padded with zeros, no terminator. Returns false if
 * something was cut.
 */
bool packet_auth_from_pass(uint8_t out[PACKET_AUTH_BYTES], const char *pass);

/*
 * The VRID of bytes that begin with an IPv4 or IPv6 header, to find the router that they are for;
 * -1: not even that can be read.
 */
int packet_peek_vrid(const uint8_t *bytes, size_t len);

/*
 * Parses `len` bytes from the IP header on (IPv4 as a raw socket gives them, or IPv6 from a
 * capture). `out` keeps pointers into `bytes`. The HMAC is only split off: see vrrp/hmac.h.
 */
enum packet_reason packet_parse(
    const struct packet_expect *want, const uint8_t *bytes, size_t len, struct packet_in *out);

/*
 * The same for a message without IP header (IPv6 raw socket): out->src, dst and ttl are given by
 * the caller.
 */
enum packet_reason packet_parse_message(
    const struct packet_expect *want, const uint8_t *msg, size_t len, struct packet_in *out);

/* The i-th address of a parsed advertisement. */
struct ip packet_addr(const struct packet_in *in, size_t i);

/*
 * Builds IP header and message into buf. Returns the length, or -1 (EINVAL: settings that cannot be
 * sent, ENOSPC). *ip_len: bytes of the IP header in front (an IPv6 raw socket sends only the rest).
 */
int packet_build(const struct packet_out *p, uint8_t *buf, size_t size, size_t *ip_len);

/* The length fields, the IPv4 header checksum and the VRRP checksum again, after `more` bytes were
 * appended to a built packet (20 bytes of IPv4 header), so that tools that know nothing of a
 * trailer find them right. */
void packet_extend(uint8_t *buf, size_t len, size_t more);

#endif
