/* SPDX-License-Identifier: ISC */
/*
 * Socket addresses as values, and the few socket calls that every process needs.
 */
#ifndef LIB_SOCK_H
#define LIB_SOCK_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

struct sock_addr {
	union {
		sa_family_t family; /* AF_UNSPEC: none */
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
	};
	socklen_t len;
};

#define SOCK_ADDR_TEXT 128 /* room for sock_addr_format's longest answer */

/*
 * Parses a numeric "1.2.3.4:80", "[::1]:80", "*:80", ":80" (both: 0.0.0.0) or, without port,
 * "1.2.3.4",
 * "::1" with port 0 if !need_port, or an absolute UNIX path, which is then spelt as
 * sock_path_clean does. Returns 0, or -1 (EINVAL: not an address, ERANGE: port not in 1..65535).
 */
int sock_addr_parse(struct sock_addr *out, const char *text, bool need_port);

/* One spelling of a path, in place: no "//", no "./". Links are not looked at, so ".." stays what
 * it is. Returns its length. Pure. */
size_t sock_path_clean(char *path);

/* The same with a range of ports behind the address, "1.2.3.4:8000-8010": *last is the last one,
 * that of out the first; a single port is both. ERANGE also for a range from high to low. */
int sock_range_parse(struct sock_addr *out, uint16_t *last, const char *text, bool need_port);

/* Canonical text with port: "1.2.3.4:80", "[::1]:80", "/path". Returns buf. */
const char *sock_addr_format(const struct sock_addr *a, char *buf, size_t size);
/* The same with the range, if it is one. */
const char *sock_range_format(const struct sock_addr *a, uint16_t last, char *buf, size_t size);
/* The address alone, without port and brackets; "unix" for a UNIX address. Returns buf. */
const char *sock_addr_format_host(const struct sock_addr *a, char *buf, size_t size);

uint16_t sock_addr_port(const struct sock_addr *a);
void sock_addr_set_port(struct sock_addr *a, uint16_t port);
bool sock_addr_equal(const struct sock_addr *a, const struct sock_addr *b);
/* Makes an IPv4 address of one that is mapped into IPv6; others stay as they are. */
void sock_addr_unmap(struct sock_addr *a);
/* True for 0.0.0.0 and ::. */
bool sock_addr_is_any(const struct sock_addr *a);

/* A network of IPv4 or IPv6: address bytes and prefix length. */
struct sock_net {
	uint8_t addr[16];
	uint8_t family; /* AF_INET or AF_INET6 */
	uint8_t prefix; /* bits */
};

/* Parses "192.0.2.0/24", "2001:db8::/32", or an address alone (full length). Bits behind the prefix
 * must be 0. Returns 0, or -1 (EINVAL). */
int sock_net_parse(struct sock_net *out, const char *text);
/* IPv4 addresses mapped into IPv6 match IPv4 networks. */
bool sock_net_contains(const struct sock_net *n, const struct sock_addr *a);

/* setsockopt with an int. Returns 0, or -1 with errno. */
int sock_set_int(int fd, int level, int name, int value);

#endif
