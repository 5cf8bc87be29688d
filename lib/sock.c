/* SPDX-License-Identifier: ISC */
/* Socket addresses as values. Runs in every process; no name service, only numbers. */
#include "lib/sock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int
port_parse(const char *s, uint16_t *port)
{
	unsigned long v = 0;

	if (*s == '\0' || strlen(s) > 5)
		goto bad;
	for (; *s != '\0'; s++) {
		if (*s < '0' || *s > '9')
			goto bad;
		v = v * 10 + (unsigned long)(*s - '0');
	}
	if (v == 0 || v > 65535) {
		errno = ERANGE;
		return -1;
	}
	*port = (uint16_t)v;
	return 0;
bad:
	errno = EINVAL;
	return -1;
}

static int
host_parse(struct sock_addr *out, const char *host, uint16_t port)
{
	memset(out, 0, sizeof(*out));
	if (host[0] == '\0' || strcmp(host, "*") == 0)
		host = "0.0.0.0";
	if (inet_pton(AF_INET, host, &out->in.sin_addr) == 1) {
		out->in.sin_family = AF_INET;
		out->in.sin_port = htons(port);
		out->len = sizeof(out->in);
		return 0;
	}
	if (inet_pton(AF_INET6, host, &out->in6.sin6_addr) == 1) {
		out->in6.sin6_family = AF_INET6;
		out->in6.sin6_port = htons(port);
		out->len = sizeof(out->in6);
		return 0;
	}
	errno = EINVAL;
	return -1;
}

size_t
sock_path_clean(char *path)
{
	const char *from = path;
	char *to = path;

	while (*from != '\0') {
		bool begin = to == path || to[-1] == '/';

		if (begin && to != path && *from == '/')
			from++;
		else if (begin && from[0] == '.' && from[1] == '/' && from[2] != '\0')
			from += 2;
		else
			*to++ = *from++;
	}
	*to = '\0';
	return (size_t)(to - path);
}

static int
unix_parse(struct sock_addr *out, const char *path)
{
	size_t n = strlen(path);

	memset(out, 0, sizeof(*out));
	if (n >= sizeof(out->un.sun_path)) {
		errno = EINVAL;
		return -1;
	}
	out->un.sun_family = AF_UNIX;
	memcpy(out->un.sun_path, path, n + 1);
	n = sock_path_clean(out->un.sun_path);
	out->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + 1);
	return 0;
}

int
sock_addr_parse(struct sock_addr *out, const char *text, bool need_port)
{
	char host[INET6_ADDRSTRLEN + 1];
	const char *colon, *end;
	uint16_t port = 0;

	if (text[0] == '/')
		return unix_parse(out, text);
	colon = strrchr(text, ':');
	if (text[0] == '[') {
		text++;
		end = strchr(text, ']');
		if (end == NULL || (end[1] != ':' && end[1] != '\0'))
			goto bad;
		colon = end[1] == ':' ? end + 1 : NULL;
	} else if (colon != NULL && strchr(text, ':') != colon) {
		/* More than one colon without brackets: an IPv6 address without port. */
		colon = NULL;
		end = text + strlen(text);
	} else {
		end = colon != NULL ? colon : text + strlen(text);
	}
	if (colon == NULL && need_port)
		goto bad;
	if (colon != NULL && port_parse(colon + 1, &port) == -1)
		return -1;
	if ((size_t)(end - text) >= sizeof(host))
		goto bad;
	memcpy(host, text, (size_t)(end - text));
	host[end - text] = '\0';
	if (host[0] == '\0' && colon == NULL)
		goto bad;
	return host_parse(out, host, port);
bad:
	errno = EINVAL;
	return -1;
}

int
sock_range_parse(struct sock_addr *out, uint16_t *last, const char *text, bool need_port)
{
	char first[SOCK_ADDR_TEXT];
	const char *colon = strrchr(text, ':'), *dash;

	dash = text[0] != '/' && colon != NULL ? strchr(colon, '-') : NULL;
	if (dash == NULL) {
		if (sock_addr_parse(out, text, need_port) == -1)
			return -1;
		*last = sock_addr_port(out);
		return 0;
	}
	if ((size_t)(dash - text) >= sizeof(first)) {
		errno = EINVAL;
		return -1;
	}
	memcpy(first, text, (size_t)(dash - text));
	first[dash - text] = '\0';
	if (sock_addr_parse(out, first, true) == -1 || port_parse(dash + 1, last) == -1)
		return -1;
	if (*last < sock_addr_port(out)) {
		errno = ERANGE;
		return -1;
	}
	return 0;
}

const char *
sock_addr_format_host(const struct sock_addr *a, char *buf, size_t size)
{
	const void *src = a->family == AF_INET ? (const void *)&a->in.sin_addr : &a->in6.sin6_addr;

	if (a->family == AF_UNIX || a->family == AF_UNSPEC)
		snprintf(buf, size, "%s", a->family == AF_UNIX ? "unix" : "none");
	else if (inet_ntop(a->family, src, buf, (socklen_t)size) == NULL)
		snprintf(buf, size, "?");
	return buf;
}

const char *
sock_addr_format(const struct sock_addr *a, char *buf, size_t size)
{
	char host[INET6_ADDRSTRLEN];

	if (a->family == AF_UNIX) {
		snprintf(buf, size, "%s", a->un.sun_path);
		return buf;
	}
	sock_addr_format_host(a, host, sizeof(host));
	snprintf(buf, size, a->family == AF_INET6 ? "[%s]:%u" : "%s:%u", host, sock_addr_port(a));
	return buf;
}

const char *
sock_range_format(const struct sock_addr *a, uint16_t last, char *buf, size_t size)
{
	size_t n;

	sock_addr_format(a, buf, size);
	n = strlen(buf);
	if (last > sock_addr_port(a) && n < size)
		snprintf(buf + n, size - n, "-%u", last);
	return buf;
}

uint16_t
sock_addr_port(const struct sock_addr *a)
{
	if (a->family == AF_INET)
		return ntohs(a->in.sin_port);
	return a->family == AF_INET6 ? ntohs(a->in6.sin6_port) : 0;
}

void
sock_addr_set_port(struct sock_addr *a, uint16_t port)
{
	if (a->family == AF_INET)
		a->in.sin_port = htons(port);
	else if (a->family == AF_INET6)
		a->in6.sin6_port = htons(port);
}

bool
sock_addr_equal(const struct sock_addr *a, const struct sock_addr *b)
{
	if (a->family != b->family)
		return false;
	switch (a->family) {
	case AF_INET:
		return a->in.sin_port == b->in.sin_port &&
		       a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
	case AF_INET6:
		return a->in6.sin6_port == b->in6.sin6_port &&
		       a->in6.sin6_scope_id == b->in6.sin6_scope_id &&
		       memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, 16) == 0;
	case AF_UNIX:
		return strcmp(a->un.sun_path, b->un.sun_path) == 0;
	default:
		return true;
	}
}

void
sock_addr_unmap(struct sock_addr *a)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = a->in6.sin6_port};

	if (a->family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr))
		return;
	memcpy(&in.sin_addr, a->in6.sin6_addr.s6_addr + 12, 4);
	memset(a, 0, sizeof(*a));
	a->in = in;
	a->len = sizeof(in);
}

bool
sock_addr_is_any(const struct sock_addr *a)
{
	if (a->family == AF_INET)
		return a->in.sin_addr.s_addr == htonl(INADDR_ANY);
	return a->family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&a->in6.sin6_addr);
}

/* True if bits [from, to) of a are 0. */
static bool
bits_zero(const uint8_t *a, unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++)
		if (a[i / 8] & (0x80u >> (i % 8)))
			return false;
	return true;
}

int
sock_net_parse(struct sock_net *out, const char *text)
{
	char host[INET6_ADDRSTRLEN + 1];
	const char *slash = strchr(text, '/');
	size_t n = slash != NULL ? (size_t)(slash - text) : strlen(text);
	unsigned long prefix;
	unsigned max;
	char *end;

	memset(out, 0, sizeof(*out));
	if (n >= sizeof(host))
		goto bad;
	memcpy(host, text, n);
	host[n] = '\0';
	if (inet_pton(AF_INET, host, out->addr) == 1)
		out->family = AF_INET;
	else if (inet_pton(AF_INET6, host, out->addr) == 1)
		out->family = AF_INET6;
	else
		goto bad;
	max = out->family == AF_INET ? 32 : 128;
	prefix = max;
	if (slash != NULL) {
		if (slash[1] < '0' || slash[1] > '9')
			goto bad;
		prefix = strtoul(slash + 1, &end, 10);
		if (*end != '\0' || prefix > max)
			goto bad;
	}
	if (!bits_zero(out->addr, (unsigned)prefix, max))
		goto bad;
	out->prefix = (uint8_t)prefix;
	return 0;
bad:
	errno = EINVAL;
	return -1;
}

bool
sock_net_contains(const struct sock_net *n, const struct sock_addr *a)
{
	const uint8_t *bytes;
	unsigned whole = n->prefix / 8, rest = n->prefix % 8;

	if (a->family == AF_INET && n->family == AF_INET)
		bytes = (const uint8_t *)&a->in.sin_addr;
	else if (a->family == AF_INET6 && n->family == AF_INET6)
		bytes = a->in6.sin6_addr.s6_addr;
	else if (a->family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr))
		bytes = a->in6.sin6_addr.s6_addr + 12;
	else
		return false;
	if (memcmp(bytes, n->addr, whole) != 0)
		return false;
	return rest == 0 || ((bytes[whole] ^ n->addr[whole]) & (0xff00u >> rest) & 0xffu) == 0;
}

int
sock_set_int(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value));
}
