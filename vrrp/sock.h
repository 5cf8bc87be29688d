/* SPDX-License-Identifier: ISC */
/*
 * Raw sockets for advertisements: one per virtual router, bound to its interface, with a filter in
 * the kernel that lets pass only what is for this router and from whom it believes. A second,
 * small one takes samples of what unlisted senders send with our VRID, for the log.
 */
#ifndef VRRP_SOCK_H
#define VRRP_SOCK_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>

#include "vrrp/packet.h"

struct sock_want {
	uint8_t family;
	uint8_t vrid;
	bool multicast;
	bool strangers; /* the small one: our VRID, from others than `sources` */
	const char *ifname;
	unsigned ifindex;
	struct ip own;            /* own packets are dropped */
	const struct ip *sources; /* listed peers; n_sources 0: anybody */
	size_t n_sources;
};

#define SOCK_FILTER_MAX (16 + 9 * 33) /* own address and 32 peers in IPv6 */

/* The classic BPF program; returns its length. Pure. */
size_t sock_filter_build(const struct sock_want *w, struct sock_filter f[SOCK_FILTER_MAX]);

/* Returns the socket, non-blocking, or -1 with errno. */
int sock_open(const struct sock_want *w);

/* Attaches another filter (peers have changed). Returns 0, or -1 with errno. */
int sock_refilter(int fd, const struct sock_want *w);

/*
 * One packet. IPv4: bytes with the IP header. IPv6: the message; in->src, dst, ttl are set. Returns
 * the length, 0 if none waits, or -1 with errno.
 */
int sock_read(int fd, uint8_t family, uint8_t *buf, size_t size, struct packet_in *in);

/* Sends a packet of packet_build. Returns 0, or -1 with errno. */
int sock_send(int fd, unsigned ifindex, const uint8_t *buf, size_t len, size_t ip_len,
    const struct ip *src, const struct ip *dst);

#endif
