/* SPDX-License-Identifier: ISC */
/*
 * The header of the PROXY protocol, versions 1 and 2: what a proxy says of a connection before its
 * bytes (specification proxy-protocol.txt of 2020). Pure: bytes in, addresses out, and back.
 */
#ifndef LIB_PROXYPROTO_H
#define LIB_PROXYPROTO_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/sock.h"

#define PROXYPROTO_ROOM 128  /* bytes that a header made here needs at most */
#define PROXYPROTO_MOST 4096 /* bytes of the longest header that is accepted, with its TLVs */

/*
 * Writes a header into buf (PROXYPROTO_ROOM bytes) and returns its length. src and dst are TCP
 * addresses; where one is of neither family of IP or NULL, the header says "unknown". One mapped
 * address beside an IPv6 one stays mapped; two mapped ones are said as IPv4.
 */
size_t proxyproto_build_v1(char *buf, const struct sock_addr *src, const struct sock_addr *dst);
size_t proxyproto_build_v2(char *buf, const struct sock_addr *src, const struct sock_addr *dst);
/* The same for a connection that the proxy makes for itself (a health check): LOCAL, UNKNOWN. */
size_t proxyproto_build_local(char *buf, int version);

enum proxyproto_result {
	PROXYPROTO_OK = 0,
	PROXYPROTO_MORE,    /* a beginning: ask again with more bytes */
	PROXYPROTO_NONE,    /* not a PROXY header */
	PROXYPROTO_BAD,     /* begins like one, but breaks the rules */
	PROXYPROTO_LONG,    /* longer than PROXYPROTO_MOST */
	PROXYPROTO_CHECKSUM /* its CRC32c is wrong */
};

struct proxyproto {
	size_t len;      /* bytes of the header */
	bool known;      /* src and dst are set; else those of the connection itself hold */
	unsigned char v; /* 1 or 2 */
	struct sock_addr src;
	struct sock_addr dst;
};

/* Reads the header at the beginning of data. out is set with PROXYPROTO_OK only. */
enum proxyproto_result proxyproto_parse(const void *data, size_t len, struct proxyproto *out);
const char *proxyproto_result_text(enum proxyproto_result r);

#endif
