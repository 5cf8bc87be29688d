/* SPDX-License-Identifier: ISC */
/*
 * Gratuitous ARP and unsolicited neighbour advertisements, and the question who else has an
 * address. Over packet sockets, one per interface and family. Frames are built by pure functions.
 */
#ifndef VRRP_ARP_H
#define VRRP_ARP_H

#include <stdbool.h>
#include <stddef.h>

#include "vrrp/ip.h"

#define ARP_BYTES 28 /* ARP for Ethernet and IPv4, without the link header */
#define ND_BYTES  72 /* IPv6 header, ICMPv6 NA or NS, one option of 8 bytes */

/* Who answers for an address. */
struct arp_seen {
	struct ip ip;
	uint8_t mac[6];
};

/* Sender = target = ip, to everybody (RFC 9568 8.1.2: a request). */
void arp_build_announce(uint8_t out[ARP_BYTES], const uint8_t mac[6], const struct ip *ip);
/* Sender 0.0.0.0 (RFC 5227 probe): touches no neighbour table. With an own address: a plain
 * question. */
void arp_build_probe(
    uint8_t out[ARP_BYTES], const uint8_t mac[6], const struct ip *own, const struct ip *ip);
/* Unsolicited, override, to ff02::1. Returns ND_BYTES. */
size_t arp_build_na(uint8_t out[ND_BYTES], const uint8_t mac[6], const struct ip *ip);
/* From :: as duplicate address detection asks. Returns its length. */
size_t arp_build_ns(uint8_t out[ND_BYTES], const struct ip *ip);
/* Parses what a socket of arp_open gave; false: nothing of interest. */
bool arp_parse(uint8_t family, const uint8_t *b, size_t len, struct arp_seen *out);

/* A packet socket for family on the interface, with a filter for answers and announcements.
 * Returns it, or -1 with errno. */
int arp_open(uint8_t family, unsigned ifindex);
/* Returns 1 with *out, 0 if nothing waits, -1 with errno. */
int arp_read(int fd, uint8_t family, struct arp_seen *out);
/* Return 0, or -1 with errno. fd is of ip's family. */
int arp_announce(int fd, unsigned ifindex, const uint8_t mac[6], const struct ip *ip);
int arp_probe(int fd, unsigned ifindex, const uint8_t mac[6], const struct ip *ip);

#endif
