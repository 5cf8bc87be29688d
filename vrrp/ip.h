/* SPDX-License-Identifier: ISC */
/*
 * An IP address as a small value, ordered as VRRP orders senders: by the bytes in network order
 * (RFC 9568 6.4.3, the tie of equal priorities).
 */
#ifndef VRRP_IP_H
#define VRRP_IP_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

struct ip {
	uint8_t family; /* AF_INET, AF_INET6; AF_UNSPEC (0): none */
	uint8_t b[16];  /* network order; IPv4 uses the first 4, the rest is 0 */
};

static inline size_t
ip_len(uint8_t family)
{
	return family == AF_INET ? 4 : 16;
}

static inline struct ip
ip_make(uint8_t family, const uint8_t *bytes)
{
	struct ip a = {.family = family};

	memcpy(a.b, bytes, ip_len(family));
	return a;
}

static inline struct ip
ip_make4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	return (struct ip){.family = AF_INET, .b = {a, b, c, d}};
}

/* < 0, 0, > 0 as memcmp; addresses of different families are never equal. */
static inline int
ip_cmp(const struct ip *a, const struct ip *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->b, b->b, sizeof(a->b));
}

static inline bool
ip_equal(const struct ip *a, const struct ip *b)
{
	return ip_cmp(a, b) == 0;
}

/* True for fe80::/10. */
static inline bool
ip_is_linklocal6(const struct ip *a)
{
	return a->family == AF_INET6 && a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
}

#endif
