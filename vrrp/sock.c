/* SPDX-License-Identifier: ISC */
/* Raw sockets for advertisements. */
#include "vrrp/sock.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/sock.h"

#define DSCP_CS6        0xc0
#define STRANGERS_BYTES 131072 /* some hundred packets, as the kernel counts bytes */

/* ---- filter ---------------------------------------------------------------- */

struct prog {
	struct sock_filter *f;
	size_t n;
};

static void
put(struct prog *p, uint16_t code, uint8_t jt, uint8_t jf, uint32_t k)
{
	p->f[p->n++] = (struct sock_filter){code, jt, jf, k};
}

static uint32_t
word(const uint8_t *b)
{
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* Goes on behind itself if the source is not ip, returns `ret` if it is. */
static void
put_source(struct prog *p, const struct ip *ip, uint32_t ret)
{
	size_t words = ip->family == AF_INET ? 1 : 4;
	uint32_t at = (uint32_t)SKF_NET_OFF + (ip->family == AF_INET ? 12 : 8);

	for (size_t i = 0; i < words; i++) {
		put(p, BPF_LD | BPF_W | BPF_ABS, 0, 0, at + 4 * (uint32_t)i);
		put(p, BPF_JMP | BPF_JEQ | BPF_K, 0, (uint8_t)(2 * (words - 1 - i) + 1),
		    word(ip->b + 4 * i));
	}
	put(p, BPF_RET | BPF_K, 0, 0, ret);
}

/* Ours passes; one that is for nobody here passes from listed peers only: on a link others have
 * theirs. */
static void
put_vrid(struct prog *p, const struct sock_want *w)
{
	bool any = w->n_sources > 0 && !w->strangers;
	size_t n = !any ? 0 : w->n_others < SOCK_OTHERS_MAX ? w->n_others : SOCK_OTHERS_MAX;

	put(p, BPF_LD | BPF_B | BPF_IND, 0, 0, 1);
	put(p, BPF_JMP | BPF_JEQ | BPF_K, (uint8_t)(any ? 2 * n : 1), 0, w->vrid);
	for (size_t i = 0; i < n; i++) {
		put(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, w->others[i]);
		put(p, BPF_RET | BPF_K, 0, 0, 0);
	}
	if (!any)
		put(p, BPF_RET | BPF_K, 0, 0, 0);
}

size_t
sock_filter_build(const struct sock_want *w, struct sock_filter f[SOCK_FILTER_MAX])
{
	struct prog p = {f, 0};
	uint32_t listed = w->strangers ? 0 : UINT32_MAX;

	/* X: offset of the message. IPv6 raw sockets begin with it, IPv4 ones with the header. */
	if (w->family == AF_INET) {
		put(&p, BPF_LD | BPF_H | BPF_ABS, 0, 0, 6); /* not a fragment */
		put(&p, BPF_JMP | BPF_JSET | BPF_K, 0, 1, 0x3fff);
		put(&p, BPF_RET | BPF_K, 0, 0, 0);
		put(&p, BPF_LDX | BPF_B | BPF_MSH, 0, 0, 0);
	} else {
		put(&p, BPF_LDX | BPF_W | BPF_IMM, 0, 0, 0);
	}
	put_vrid(&p, w);
	if (w->own.family != 0)
		put_source(&p, &w->own, 0);
	for (size_t i = 0; i < w->n_sources && i < 32; i++)
		put_source(&p, &w->sources[i], listed);
	put(&p, BPF_RET | BPF_K, 0, 0, w->n_sources == 0 ? UINT32_MAX : ~listed);
	return p.n;
}

int
sock_refilter(int fd, const struct sock_want *w)
{
	struct sock_filter f[SOCK_FILTER_MAX];
	struct sock_fprog prog = {.filter = f};

	prog.len = (unsigned short)sock_filter_build(w, f);
	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog));
}

/* ---- opening --------------------------------------------------------------- */

static int
join4(int fd, const struct sock_want *w)
{
	struct ip group = packet_group(AF_INET);
	struct ip_mreqn m = {.imr_ifindex = (int)w->ifindex};

	memcpy(&m.imr_multiaddr, group.b, 4);
	if (setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &m, sizeof(m)) == -1 ||
	    sock_set_int(fd, IPPROTO_IP, IP_MULTICAST_LOOP, 0) == -1)
		return -1;
	return w->multicast ? setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof(m)) : 0;
}

static int
join6(int fd, const struct sock_want *w)
{
	struct ip group = packet_group(AF_INET6);
	struct ipv6_mreq m = {.ipv6mr_interface = w->ifindex};

	memcpy(&m.ipv6mr_multiaddr, group.b, 16);
	if (sock_set_int(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, (int)w->ifindex) == -1 ||
	    sock_set_int(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0) == -1 ||
	    sock_set_int(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 255) == -1 ||
	    sock_set_int(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 255) == -1 ||
	    sock_set_int(fd, IPPROTO_IPV6, IPV6_TCLASS, DSCP_CS6) == -1 ||
	    sock_set_int(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) == -1 ||
	    sock_set_int(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1) == -1)
		return -1;
	return w->multicast ? setsockopt(fd, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &m, sizeof(m)) : 0;
}

int
sock_open(const struct sock_want *w)
{
	/* What slips in before the filter is there is read away below. */
	int fd = socket(w->family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, PACKET_PROTO);
	uint8_t old[64];
	int err;

	if (fd == -1)
		return -1;
	if (sock_refilter(fd, w) == -1 || setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, w->ifname,
					      (socklen_t)strlen(w->ifname)) == -1)
		goto fail;
	sock_set_int(fd, SOL_SOCKET, SO_PRIORITY, 6);
	if (w->strangers)
		sock_set_int(fd, SOL_SOCKET, SO_RCVBUF, STRANGERS_BYTES);
	if (w->family == AF_INET && sock_set_int(fd, IPPROTO_IP, IP_HDRINCL, 1) == -1)
		goto fail;
	if ((w->family == AF_INET ? join4(fd, w) : join6(fd, w)) == -1)
		goto fail;
	while (recv(fd, old, sizeof(old), MSG_DONTWAIT) != -1)
		;
	return fd;
fail:
	err = errno;
	close(fd);
	errno = err;
	return -1;
}

/* ---- reading and sending --------------------------------------------------- */

static void
read_control(struct msghdr *mh, struct packet_in *in)
{
	struct in6_pktinfo pi;
	int hops;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(mh); c != NULL; c = CMSG_NXTHDR(mh, c)) {
		if (c->cmsg_level != IPPROTO_IPV6)
			continue;
		if (c->cmsg_type == IPV6_PKTINFO) {
			memcpy(&pi, CMSG_DATA(c), sizeof(pi));
			in->dst = ip_make(AF_INET6, pi.ipi6_addr.s6_addr);
		} else if (c->cmsg_type == IPV6_HOPLIMIT) {
			memcpy(&hops, CMSG_DATA(c), sizeof(hops));
			in->ttl = (uint8_t)hops;
		}
	}
}

int
sock_read(int fd, uint8_t family, uint8_t *buf, size_t size, struct packet_in *in)
{
	struct sockaddr_in6 from = {0};
	char control[128] __attribute__((aligned(8)));
	struct iovec iov = {buf, size};
	struct msghdr mh = {.msg_name = &from,
	    .msg_namelen = sizeof(from),
	    .msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control,
	    .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(fd, &mh, MSG_DONTWAIT);

	*in = (struct packet_in){0};
	if (n == -1)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	if (family == AF_INET6) {
		in->src = ip_make(AF_INET6, from.sin6_addr.s6_addr);
		read_control(&mh, in);
	}
	return (int)n;
}

static int
send6(int fd, unsigned ifindex, struct iovec *iov, const struct ip *src, struct sockaddr_in6 *to)
{
	char control[CMSG_SPACE(sizeof(struct in6_pktinfo))] __attribute__((aligned(8))) = {0};
	struct msghdr mh = {.msg_name = to,
	    .msg_namelen = sizeof(*to),
	    .msg_iov = iov,
	    .msg_iovlen = 1,
	    .msg_control = control,
	    .msg_controllen = sizeof(control)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&mh);
	struct in6_pktinfo pi = {.ipi6_ifindex = ifindex};

	memcpy(&pi.ipi6_addr, src->b, 16);
	c->cmsg_level = IPPROTO_IPV6;
	c->cmsg_type = IPV6_PKTINFO;
	c->cmsg_len = CMSG_LEN(sizeof(pi));
	memcpy(CMSG_DATA(c), &pi, sizeof(pi));
	return sendmsg(fd, &mh, MSG_DONTWAIT) == -1 ? -1 : 0;
}

int
sock_send(int fd, unsigned ifindex, const uint8_t *buf, size_t len, size_t ip_len,
    const struct ip *src, const struct ip *dst)
{
	struct sockaddr_in to4 = {.sin_family = AF_INET};
	struct sockaddr_in6 to6 = {.sin6_family = AF_INET6, .sin6_scope_id = ifindex};
	struct iovec iov;

	if (dst->family == AF_INET) {
		memcpy(&to4.sin_addr, dst->b, 4);
		return sendto(fd, buf, len, MSG_DONTWAIT, (struct sockaddr *)&to4, sizeof(to4)) ==
			       -1
			   ? -1
			   : 0;
	}
	memcpy(&to6.sin6_addr, dst->b, 16);
	iov = (struct iovec){(void *)(uintptr_t)(buf + ip_len), len - ip_len};
	return send6(fd, ifindex, &iov, src, &to6);
}
