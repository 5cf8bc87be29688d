/* SPDX-License-Identifier: ISC */
/*
 * The captured packets of keepalived 2.2.7 in tests/data/vrrp-vectors.txt, with the settings that
 * their description names (read from the description, not from the packet).
 */
#ifndef TESTS_LIB_VRRP_VECTORS_H
#define TESTS_LIB_VRRP_VECTORS_H

#include "vrrp/packet.h"

#define VECTORS_MAX 128

struct vector {
	char name[64];
	bool ah;
	uint8_t bytes[PACKET_MAX];
	size_t len;
	struct packet_out out;     /* the sender's settings */
	struct packet_expect want; /* what its peer wants */
	struct ip addrs[3];
	struct ip sources[1];
};

/* Reads the file into v (room for VECTORS_MAX); returns the number, or -1. */
int vectors_read(struct vector *v);

#endif
