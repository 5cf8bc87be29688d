/* SPDX-License-Identifier: ISC */
/*
 * Raw sockets for advertisements: one per virtual router, bound to its interface, with a filter in
 * the kernel that lets pass only what is for this router and from whom it believes; of listed peers
 * also what is for no router of this host, so that it is counted and said. A second one
 * takes what unlisted senders send with our VRID, to be counted: it is read once a second, so that
 * of a flood only what it holds is seen. (The kernel's count of what it drops would not do: since
 * Linux 6 it includes what the filter refuses.)
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
	bool strangers; /* the second one: our VRID, from others than `sources` */
	const char *ifname;
	unsigned ifindex;
	struct ip own;            /* own packets are dropped */
	const struct ip *sources; /* listed peers; n_sources 0: anybody */
	size_t n_sources;
	const uint8_t *others; /* VRIDs of this host's other routers, which have their own socket */
	size_t n_others;
};

#define SOCK_OTHERS_MAX 64
/* own address and 32 peers in IPv6, other VRIDs */
#define SOCK_FILTER_MAX (16 + 9 * 33 + 2 * SOCK_OTHERS_MAX)

/* The classic BPF program; returns its length. Pure. */
size_t sock_filter_build(const struct sock_want *w, struct sock_filter f[SOCK_FILTER_MAX]);

/* Returns the socket, non-blocking, or -1 with errno. */
int sock_open(const struct sock_want *w);

/* Attaches another filter (peers or other routers have changed). Returns 0, or -1 with errno. */
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
