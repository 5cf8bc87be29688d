/* SPDX-License-Identifier: ISC */
/* Gratuitous ARP, neighbour discovery. */
#include "vrrp/arp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define NA 136
#define NS 135

static const uint8_t all_ones[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

/* ---- frames ---------------------------------------------------------------- */

static void
arp_head(uint8_t out[ARP_BYTES], const uint8_t mac[6])
{
	static const uint8_t head[8] = {0, 1, 8, 0, 6, 4, 0, 1}; /* Ethernet, IPv4, request */

	memset(out, 0, ARP_BYTES);
	memcpy(out, head, sizeof(head));
	memcpy(out + 8, mac, 6);
}

void
arp_build_announce(uint8_t out[ARP_BYTES], const uint8_t mac[6], const struct ip *ip)
{
	arp_head(out, mac);
	memcpy(out + 14, ip->b, 4);
	memcpy(out + 18, all_ones, 6);
	memcpy(out + 24, ip->b, 4);
}

void
arp_build_probe(
    uint8_t out[ARP_BYTES], const uint8_t mac[6], const struct ip *own, const struct ip *ip)
{
	arp_head(out, mac);
	if (own != NULL)
		memcpy(out + 14, own->b, 4);
	memcpy(out + 24, ip->b, 4);
}

static void
icmp6_sum(uint8_t *b, size_t len)
{
	uint32_t sum = (uint32_t)(len - 40) + 58;

	b[42] = b[43] = 0;
	for (size_t i = 8; i + 1 < len; i += 2) /* addresses of the header, then the message */
		sum += (uint32_t)b[i] << 8 | b[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	sum = ~sum & 0xffff;
	b[42] = (uint8_t)(sum >> 8);
	b[43] = (uint8_t)sum;
}

static void
nd_head(uint8_t *b, size_t len, uint8_t type)
{
	memset(b, 0, len);
	b[0] = 0x60;
	b[5] = (uint8_t)(len - 40);
	b[6] = 58;
	b[7] = 255;
	b[40] = type;
}

size_t
arp_build_na(uint8_t out[ND_BYTES], const uint8_t mac[6], const struct ip *ip)
{
	nd_head(out, ND_BYTES, NA);
	memcpy(out + 8, ip->b, 16);
	out[24] = 0xff; /* ff02::1 */
	out[25] = 0x02;
	out[39] = 1;
	out[44] = 0x20; /* override */
	memcpy(out + 48, ip->b, 16);
	out[64] = 2; /* target link-layer address */
	out[65] = 1;
	memcpy(out + 66, mac, 6);
	icmp6_sum(out, ND_BYTES);
	return ND_BYTES;
}

static void
solicited_node(uint8_t to[16], const struct ip *ip)
{
	static const uint8_t head[13] = {0xff, 0x02, [11] = 1, [12] = 0xff};

	memcpy(to, head, sizeof(head));
	memcpy(to + 13, ip->b + 13, 3);
}

size_t
arp_build_ns(uint8_t out[ND_BYTES], const struct ip *ip)
{
	nd_head(out, ND_BYTES - 8, NS);
	solicited_node(out + 24, ip);
	memcpy(out + 48, ip->b, 16);
	icmp6_sum(out, ND_BYTES - 8);
	return ND_BYTES - 8;
}

bool
arp_parse(uint8_t family, const uint8_t *b, size_t len, struct arp_seen *out)
{
	static const uint8_t head[6] = {0, 1, 8, 0, 6, 4};

	if (family == AF_INET) {
		if (len < ARP_BYTES || memcmp(b, head, sizeof(head)) != 0)
			return false;
		if (!(b[6] == 0 && b[7] == 2) && memcmp(b + 14, b + 24, 4) != 0)
			return false;
		out->ip = ip_make(AF_INET, b + 14);
		memcpy(out->mac, b + 8, 6);
		return true;
	}
	if (len < 64 || b[6] != 58 || b[7] != 255 || b[40] != NA)
		return false;
	out->ip = ip_make(AF_INET6, b + 48);
	memset(out->mac, 0, 6);
	if (len >= ND_BYTES && b[64] == 2 && b[65] == 1)
		memcpy(out->mac, b + 66, 6);
	return true;
}

/* ---- sockets --------------------------------------------------------------- */

#define ST(code, k)    BPF_STMT(code, k)
#define JEQ(k, jt, jf) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, k, jt, jf)
#define LD(size, at)   BPF_STMT(BPF_LD | (size) | BPF_ABS, at)
#define RET(n)         BPF_STMT(BPF_RET | BPF_K, n)

/* Replies, and announcements (sender = target). */
static struct sock_filter arp_filter[] = {
    LD(BPF_H, 6),
    JEQ(2, 5, 0),
    LD(BPF_W, 14),
    ST(BPF_MISC | BPF_TAX, 0),
    LD(BPF_W, 24),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_X, 0, 1, 0),
    RET(0),
    RET(UINT32_MAX),
};

static struct sock_filter na_filter[] = {
    LD(BPF_B, 6),
    JEQ(58, 0, 3),
    LD(BPF_B, 40),
    JEQ(NA, 0, 1),
    RET(UINT32_MAX),
    RET(0),
};

int
arp_open(uint8_t family, unsigned ifindex)
{
	bool v4 = family == AF_INET;
	struct sock_fprog prog = {.filter = v4 ? arp_filter : na_filter,
	    .len = (unsigned short)(v4 ? sizeof(arp_filter) / sizeof(arp_filter[0])
				       : sizeof(na_filter) / sizeof(na_filter[0]))};
	struct sockaddr_ll ll = {.sll_family = AF_PACKET,
	    .sll_protocol = htons(v4 ? ETH_P_ARP : ETH_P_IPV6),
	    .sll_ifindex = (int)ifindex};
	/* Protocol 0 receives nothing until bind. */
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), err;

	if (fd == -1)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) == 0 &&
	    bind(fd, (struct sockaddr *)&ll, sizeof(ll)) == 0)
		return fd;
	err = errno;
	close(fd);
	errno = err;
	return -1;
}

int
arp_read(int fd, uint8_t family, struct arp_seen *out)
{
	uint8_t b[128];
	struct sockaddr_ll from = {0};
	static const uint8_t none[6];

	for (int i = 0; i < 64; i++) {
		socklen_t len = sizeof(from);
		ssize_t n =
		    recvfrom(fd, b, sizeof(b), MSG_DONTWAIT, (struct sockaddr *)&from, &len);

		if (n == -1)
			return errno == EAGAIN || errno == EINTR ? 0 : -1;
		if (from.sll_pkttype == PACKET_OUTGOING || !arp_parse(family, b, (size_t)n, out))
			continue;
		if (memcmp(out->mac, none, 6) == 0 && from.sll_halen == 6)
			memcpy(out->mac, from.sll_addr, 6);
		return 1;
	}
	return 0;
}

static int
send_frame(
    int fd, unsigned ifindex, uint16_t proto, const uint8_t to[6], const uint8_t *b, size_t n)
{
	struct sockaddr_ll ll = {.sll_family = AF_PACKET,
	    .sll_protocol = htons(proto),
	    .sll_ifindex = (int)ifindex,
	    .sll_halen = 6};

	memcpy(ll.sll_addr, to, 6);
	return sendto(fd, b, n, MSG_DONTWAIT, (struct sockaddr *)&ll, sizeof(ll)) == -1 ? -1 : 0;
}

int
arp_announce(int fd, unsigned ifindex, const uint8_t mac[6], const struct ip *ip)
{
	static const uint8_t all_nodes[6] = {0x33, 0x33, 0, 0, 0, 1};
	uint8_t b[ND_BYTES];

	if (ip->family == AF_INET) {
		arp_build_announce(b, mac, ip);
		return send_frame(fd, ifindex, ETH_P_ARP, all_ones, b, ARP_BYTES);
	}
	return send_frame(fd, ifindex, ETH_P_IPV6, all_nodes, b, arp_build_na(b, mac, ip));
}

int
arp_probe(int fd, unsigned ifindex, const uint8_t mac[6], const struct ip *ip)
{
	uint8_t b[ND_BYTES], to[6] = {0x33, 0x33, 0xff};

	if (ip->family == AF_INET) {
		arp_build_probe(b, mac, NULL, ip);
		return send_frame(fd, ifindex, ETH_P_ARP, all_ones, b, ARP_BYTES);
	}
	memcpy(to + 3, ip->b + 13, 3);
	return send_frame(fd, ifindex, ETH_P_IPV6, to, b, arp_build_ns(b, ip));
}
