/* SPDX-License-Identifier: ISC */
#include "lib/nl.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/mono.h"
#include "lib/sock.h"

#define BUF_SIZE     32768 /* what the kernel fills at most with one message of a dump */
#define EVENTS_RCV   (1 << 20)
#define EVENTS_TURN  256
#define ATTR_PROTO   11 /* IFA_PROTO, in the kernel's headers since 5.18 */
#define ATTR_IFA_MAX ATTR_PROTO

/* Of all struct nl of a thread: an answer is used up before the next request. */
static _Thread_local _Alignas(struct nlmsghdr) char buffer[BUF_SIZE];

static size_t
addr_len(uint8_t family)
{
	return family == AF_INET ? 4 : 16;
}

bool
nl_link_is_running(const struct nl_link *l)
{
	return (l->flags & (IFF_UP | IFF_RUNNING)) == (IFF_UP | IFF_RUNNING);
}

static int
open_groups(struct nl *n, int flags, unsigned groups)
{
	int one = 1;

	memset(n, 0, sizeof(*n));
	n->sock = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | flags);
	if (n->sock == NULL)
		return -1;
	/* Not all kernels have these; without them we filter ourselves and have no words. */
	mnl_socket_setsockopt(n->sock, NETLINK_GET_STRICT_CHK, &one, sizeof(one));
	mnl_socket_setsockopt(n->sock, NETLINK_EXT_ACK, &one, sizeof(one));
	mnl_socket_setsockopt(n->sock, NETLINK_CAP_ACK, &one, sizeof(one));
	if (mnl_socket_bind(n->sock, groups, MNL_SOCKET_AUTOPID) == -1) {
		int saved = errno;

		nl_close(n);
		errno = saved;
		return -1;
	}
	return 0;
}

int
nl_open(struct nl *n)
{
	return open_groups(n, 0, 0);
}

int
nl_open_events(struct nl *n)
{
	if (open_groups(n, SOCK_NONBLOCK, RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR) ==
	    -1)
		return -1;
	if (sock_set_int(nl_fd(n), SOL_SOCKET, SO_RCVBUFFORCE, EVENTS_RCV) == -1)
		sock_set_int(nl_fd(n), SOL_SOCKET, SO_RCVBUF, EVENTS_RCV);
	return 0;
}

void
nl_close(struct nl *n)
{
	if (n->sock != NULL)
		mnl_socket_close(n->sock);
	n->sock = NULL;
}

int
nl_fd(const struct nl *n)
{
	return n->sock == NULL ? -1 : mnl_socket_get_fd(n->sock);
}

/* ---- messages to structs -----------------------------------------------------------------------
 */

static const struct nlattr *
attr_first(const struct nlmsghdr *h, size_t skip)
{
	return mnl_nlmsg_get_payload_offset(h, skip);
}

/* libmnl's own loop looks up to 3 bytes behind the message. */
static bool
attr_ok(const struct nlmsghdr *h, const struct nlattr *a)
{
	const char *end = (const char *)h + h->nlmsg_len;

	return (const char *)a < end && mnl_attr_ok(a, (int)(end - (const char *)a));
}

static void
copy_text(char *to, size_t size, const struct nlattr *a)
{
	size_t len = strnlen(mnl_attr_get_payload(a), mnl_attr_get_payload_len(a));

	if (len >= size)
		len = size - 1;
	memcpy(to, mnl_attr_get_payload(a), len);
	to[len] = '\0';
}

static bool
copy_bytes(void *to, size_t size, const struct nlattr *a)
{
	if (mnl_attr_get_payload_len(a) < size)
		return false;
	memcpy(to, mnl_attr_get_payload(a), size);
	return true;
}

static void
addr_attr(struct nl_addr *out, const struct nlattr *a, bool *local, uint8_t *address)
{
	struct ifa_cacheinfo ci;
	size_t len = addr_len(out->family);

	switch (mnl_attr_get_type(a)) {
	case IFA_ADDRESS:
		copy_bytes(address, len, a);
		break;
	case IFA_LOCAL:
		*local = copy_bytes(out->addr, len, a);
		break;
	case IFA_BROADCAST:
		if (out->family == AF_INET)
			copy_bytes(out->broadcast, 4, a);
		break;
	case IFA_LABEL:
		copy_text(out->label, sizeof(out->label), a);
		break;
	case IFA_FLAGS:
		copy_bytes(&out->flags, 4, a);
		break;
	case IFA_RT_PRIORITY:
		copy_bytes(&out->metric, 4, a);
		break;
	case ATTR_PROTO:
		copy_bytes(&out->proto, 1, a);
		break;
	case IFA_CACHEINFO:
		if (copy_bytes(&ci, sizeof(ci), a)) {
			out->preferred_s = ci.ifa_prefered;
			out->valid_s = ci.ifa_valid;
		}
		break;
	default:
		break;
	}
}

static bool
addr_parse(const struct nlmsghdr *h, struct nl_addr *out)
{
	const struct ifaddrmsg *m = mnl_nlmsg_get_payload(h);
	const struct nlattr *a;
	uint8_t address[16] = {0};
	bool local = false;

	if (mnl_nlmsg_get_payload_len(h) < sizeof(*m) ||
	    (m->ifa_family != AF_INET && m->ifa_family != AF_INET6))
		return false;
	*out = (struct nl_addr){.family = m->ifa_family,
	    .prefix = m->ifa_prefixlen,
	    .scope = m->ifa_scope,
	    .ifindex = m->ifa_index,
	    .flags = m->ifa_flags,
	    .preferred_s = NL_FOREVER,
	    .valid_s = NL_FOREVER};
	for (a = attr_first(h, sizeof(*m)); attr_ok(h, a); a = mnl_attr_next(a))
		addr_attr(out, a, &local, address);
	/* IFA_LOCAL is ours when there is one (always on IPv4), IFA_ADDRESS then the peer's. */
	if (!local)
		memcpy(out->addr, address, 16);
	else if (memcmp(out->addr, address, addr_len(out->family)) != 0)
		memcpy(out->peer, address, 16);
	return true;
}

static void
link_attr(struct nl_link *out, const struct nlattr *a)
{
	size_t len = mnl_attr_get_payload_len(a);

	switch (mnl_attr_get_type(a)) {
	case IFLA_IFNAME:
		copy_text(out->name, sizeof(out->name), a);
		break;
	case IFLA_MTU:
		copy_bytes(&out->mtu, 4, a);
		break;
	case IFLA_LINK:
		copy_bytes(&out->parent, 4, a);
		break;
	case IFLA_ADDRESS:
		if (len <= NL_MAC_MAX && copy_bytes(out->mac, len, a))
			out->mac_len = (uint8_t)len;
		break;
	default:
		break;
	}
}

static bool
link_parse(const struct nlmsghdr *h, struct nl_link *out)
{
	const struct ifinfomsg *m = mnl_nlmsg_get_payload(h);
	const struct nlattr *a;

	/* Bridges and others send messages of the same type about a port: that is no link. */
	if (mnl_nlmsg_get_payload_len(h) < sizeof(*m) || m->ifi_family != AF_UNSPEC)
		return false;
	*out = (struct nl_link){
	    .index = (uint32_t)m->ifi_index, .flags = m->ifi_flags, .type = m->ifi_type};
	for (a = attr_first(h, sizeof(*m)); attr_ok(h, a); a = mnl_attr_next(a))
		link_attr(out, a);
	return true;
}

bool
nl_event_parse(const struct nlmsghdr *h, struct nl_event *e)
{
	if (h->nlmsg_len < sizeof(*h))
		return false;
	switch (h->nlmsg_type) {
	case RTM_NEWLINK:
		e->kind = NL_EVENT_LINK_NEW;
		return link_parse(h, &e->link);
	case RTM_DELLINK:
		e->kind = NL_EVENT_LINK_GONE;
		return link_parse(h, &e->link);
	case RTM_NEWADDR:
		e->kind = NL_EVENT_ADDR_NEW;
		return addr_parse(h, &e->addr);
	case RTM_DELADDR:
		e->kind = NL_EVENT_ADDR_GONE;
		return addr_parse(h, &e->addr);
	default:
		return false;
	}
}

/* ---- requests ----------------------------------------------------------------------------------
 */

/* One datagram from the kernel. Returns its length, or -1 with errno. */
static ssize_t
receive(struct nl *n, int flags)
{
	for (;;) {
		struct sockaddr_nl from = {0};
		struct iovec iov = {buffer, sizeof(buffer)};
		struct msghdr m = {.msg_name = &from,
		    .msg_namelen = sizeof(from),
		    .msg_iov = &iov,
		    .msg_iovlen = 1};
		ssize_t len = recvmsg(nl_fd(n), &m, flags | MSG_DONTWAIT);

		if (len == -1 && errno == EINTR)
			continue;
		if (len != -1 && from.nl_pid != 0)
			continue; /* another process, not the kernel */
		if (len != -1 && (m.msg_flags & MSG_TRUNC) != 0) {
			errno = ENOBUFS;
			return -1;
		}
		return len;
	}
}

static ssize_t
receive_wait(struct nl *n, struct mono until)
{
	struct pollfd p = {.fd = nl_fd(n), .events = POLLIN};

	for (;;) {
		ssize_t len = receive(n, 0);
		int64_t left;

		if (len != -1 || errno != EAGAIN)
			return len;
		left = mono_diff_ms(until, mono_now()) + 1;
		if (left <= 0) {
			errno = ETIMEDOUT;
			return -1;
		}
		if (poll(&p, 1, (int)left) == -1 && errno != EINTR)
			return -1;
	}
}

/* Keeps the kernel's words (NLMSGERR_ATTR_MSG) and returns the error, 0 for yes. */
static int
error_take(struct nl *n, const struct nlmsghdr *h)
{
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);
	size_t skip = sizeof(*e);
	const struct nlattr *a;

	if (mnl_nlmsg_get_payload_len(h) < sizeof(*e))
		return EBADMSG;
	if (e->error == 0 || (h->nlmsg_flags & NLM_F_ACK_TLVS) == 0)
		return -e->error;
	if ((h->nlmsg_flags & NLM_F_CAPPED) == 0 && e->msg.nlmsg_len >= sizeof(e->msg))
		skip += e->msg.nlmsg_len - sizeof(e->msg);
	if (skip > mnl_nlmsg_get_payload_len(h))
		return -e->error;
	for (a = attr_first(h, skip); attr_ok(h, a); a = mnl_attr_next(a))
		if (mnl_attr_get_type(a) == NLMSGERR_ATTR_MSG)
			copy_text(n->error, sizeof(n->error), a);
	return -e->error;
}

/* The end of a dump carries its error. */
static int
done_error(const struct nlmsghdr *h)
{
	int error = 0;

	if (mnl_nlmsg_get_payload_len(h) >= sizeof(error))
		memcpy(&error, mnl_nlmsg_get_payload(h), sizeof(error));
	return error < 0 ? -error : 0;
}

/*
 * Sends a request and takes its answers: each() for those of a dump, until DONE, an error or an
 * acknowledgement. Answers to a request that timed out earlier are passed over.
 */
static int
request(struct nl *n, struct nlmsghdr *h, void (*each)(const struct nlmsghdr *, void *), void *arg)
{
	struct mono until = mono_add_ms(mono_now(), NL_WAIT_MS);
	bool interrupted = false;
	ssize_t got;

	n->error[0] = '\0';
	h->nlmsg_seq = ++n->seq;
	if (mnl_socket_sendto(n->sock, h, h->nlmsg_len) == -1)
		return -1;
	while ((got = receive_wait(n, until)) != -1) {
		const struct nlmsghdr *m = (const struct nlmsghdr *)(void *)buffer;
		int len = (int)got;

		for (; mnl_nlmsg_ok(m, len); m = mnl_nlmsg_next(m, &len)) {
			if (m->nlmsg_seq != n->seq)
				continue;
			interrupted = interrupted || (m->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
			if (m->nlmsg_type == NLMSG_DONE || m->nlmsg_type == NLMSG_ERROR) {
				int error =
				    m->nlmsg_type == NLMSG_ERROR ? error_take(n, m) : done_error(m);

				errno = error != 0 ? error : EINTR;
				return error != 0 || interrupted ? -1 : 0;
			}
			if (each != NULL)
				each(m, arg);
		}
	}
	return -1;
}

static bool
is_zero(const uint8_t *b, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (b[i] != 0)
			return false;
	return true;
}

static int
addr_request(struct nl *n, const struct nl_addr *a, uint16_t type, uint16_t flags)
{
	_Alignas(struct nlmsghdr) char room[512];
	struct nlmsghdr *h = mnl_nlmsg_put_header(room);
	struct ifaddrmsg *m;
	size_t len = addr_len(a->family);
	struct ifa_cacheinfo ci = {.ifa_prefered = a->preferred_s, .ifa_valid = a->valid_s};
	bool add = type == RTM_NEWADDR;

	h->nlmsg_type = type;
	h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
	m->ifa_family = a->family;
	m->ifa_prefixlen = a->prefix;
	m->ifa_scope = a->scope;
	m->ifa_flags = (uint8_t)a->flags;
	m->ifa_index = a->ifindex;
	mnl_attr_put(h, IFA_LOCAL, len, a->addr);
	mnl_attr_put(h, IFA_ADDRESS, len, is_zero(a->peer, len) ? a->addr : a->peer);
	if (add) { /* a removal with a label would pass over one of another label */
		if (a->label[0] != '\0' && a->family == AF_INET)
			mnl_attr_put_strz(h, IFA_LABEL, a->label);
		if (a->family == AF_INET && !is_zero(a->broadcast, 4))
			mnl_attr_put(h, IFA_BROADCAST, 4, a->broadcast);
		if (a->flags != 0)
			mnl_attr_put_u32(h, IFA_FLAGS, a->flags);
		if (a->valid_s != 0 || a->preferred_s != 0)
			mnl_attr_put(h, IFA_CACHEINFO, sizeof(ci), &ci);
		if (a->metric != 0)
			mnl_attr_put_u32(h, IFA_RT_PRIORITY, a->metric);
		if (a->proto != 0)
			mnl_attr_put_u8(h, ATTR_PROTO, a->proto);
	}
	return request(n, h, NULL, NULL);
}

int
nl_addr_add(struct nl *n, const struct nl_addr *a)
{
	return addr_request(n, a, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
}

int
nl_addr_replace(struct nl *n, const struct nl_addr *a)
{
	return addr_request(n, a, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE);
}

int
nl_addr_del(struct nl *n, const struct nl_addr *a)
{
	return addr_request(n, a, RTM_DELADDR, 0);
}

struct dump {
	uint8_t family;
	uint32_t ifindex;
	void (*addr)(const struct nl_addr *, void *);
	void (*link)(const struct nl_link *, void *);
	void *arg;
};

static void
dump_each(const struct nlmsghdr *h, void *arg)
{
	const struct dump *d = arg;
	struct nl_event e;

	if (!nl_event_parse(h, &e))
		return;
	if (e.kind == NL_EVENT_LINK_NEW && d->link != NULL)
		d->link(&e.link, d->arg);
	if (e.kind == NL_EVENT_ADDR_NEW && d->addr != NULL &&
	    (d->family == AF_UNSPEC || d->family == e.addr.family) &&
	    (d->ifindex == 0 || d->ifindex == e.addr.ifindex))
		d->addr(&e.addr, d->arg);
}

int
nl_addr_dump(struct nl *n, uint8_t family, uint32_t ifindex,
    void (*cb)(const struct nl_addr *, void *), void *arg)
{
	_Alignas(struct nlmsghdr) char room[128];
	struct nlmsghdr *h = mnl_nlmsg_put_header(room);
	struct dump d = {.family = family, .ifindex = ifindex, .addr = cb, .arg = arg};
	struct ifaddrmsg *m;

	h->nlmsg_type = RTM_GETADDR;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
	m->ifa_family = family;
	m->ifa_index = ifindex;
	return request(n, h, dump_each, &d);
}

int
nl_link_dump(struct nl *n, void (*cb)(const struct nl_link *, void *), void *arg)
{
	_Alignas(struct nlmsghdr) char room[128];
	struct nlmsghdr *h = mnl_nlmsg_put_header(room);
	struct dump d = {.link = cb, .arg = arg};

	h->nlmsg_type = RTM_GETLINK;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	mnl_nlmsg_put_extra_header(h, sizeof(struct ifinfomsg));
	return request(n, h, dump_each, &d);
}

/* ---- events ------------------------------------------------------------------------------------
 */

int
nl_events_read(struct nl *n, void (*cb)(const struct nl_event *, void *), void *arg)
{
	for (int i = 0; i < EVENTS_TURN && n->sock != NULL; i++) {
		/* A copy, since cb may make requests, which use the same buffer. */
		static _Alignas(struct nlmsghdr) char copy[BUF_SIZE];
		const struct nlmsghdr *m = (const struct nlmsghdr *)(void *)copy;
		struct nl_event e = {.kind = NL_EVENT_OVERRUN};
		ssize_t got = receive(n, 0);
		int len = (int)got;

		if (got == -1 && errno == EAGAIN)
			return 0;
		if (got == -1 && errno == ENOBUFS) {
			cb(&e, arg);
			continue;
		}
		if (got == -1)
			return -1;
		memcpy(copy, buffer, (size_t)got);
		for (; mnl_nlmsg_ok(m, len); m = mnl_nlmsg_next(m, &len))
			if (nl_event_parse(m, &e))
				cb(&e, arg);
	}
	return 0;
}
