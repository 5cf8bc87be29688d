/* SPDX-License-Identifier: ISC */
#include "tests/lib/vmsg.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/un.h>
#include <time.h>

static uint64_t
mix(uint64_t x)
{
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9u;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

static uint32_t
head_sum(const struct vmsg *m)
{
	uint64_t h = mix(m->session ^ ((uint64_t)m->flags << 32 | m->seq));
	uint64_t n[2];

	h = mix(h ^ m->len);
	h = mix(h ^ m->want);
	memcpy(n, m->name, sizeof(n));
	h = mix(h ^ n[0]);
	return (uint32_t)mix(h ^ n[1]);
}

void
vmsg_seal(struct vmsg *m)
{
	m->magic = VMSG_MAGIC;
	m->head_sum = head_sum(m);
}

enum vmsg_fault
vmsg_check(const struct vmsg *m, uint64_t session, uint32_t seq, bool answer)
{
	if (m->magic != VMSG_MAGIC || m->head_sum != head_sum(m))
		return VMSG_CORRUPT;
	if (m->session != session)
		return VMSG_CROSSED;
	if (m->seq != seq || ((m->flags & VMSG_ANSWER) != 0) != answer)
		return VMSG_ORDER;
	return VMSG_OK;
}

uint64_t
vmsg_seed(const struct vmsg *m)
{
	return mix(m->session ^ mix(m->seq * 2 + (m->flags & VMSG_ANSWER)));
}

static uint64_t
word(uint64_t seed, uint64_t i)
{
	return (seed + i) * 0x9e3779b97f4a7c15u;
}

void
vmsg_fill(uint64_t seed, uint64_t off, uint8_t *p, size_t n)
{
	while (n > 0) {
		uint64_t w = word(seed, off / 8);
		size_t skip = off % 8;
		size_t take = 8 - skip < n ? 8 - skip : n;

		memcpy(p, (uint8_t *)&w + skip, take);
		p += take;
		off += take;
		n -= take;
	}
}

bool
vmsg_match(uint64_t seed, uint64_t off, const uint8_t *p, size_t n)
{
	uint64_t bad = 0;

	while (n > 0) {
		uint64_t w = word(seed, off / 8);
		size_t skip = off % 8;
		size_t take = 8 - skip < n ? 8 - skip : n;

		if (take == 8) {
			uint64_t got;

			memcpy(&got, p, 8);
			bad |= got ^ w;
		} else if (memcmp(p, (uint8_t *)&w + skip, take) != 0) {
			return false;
		}
		p += take;
		off += take;
		n -= take;
	}
	return bad == 0;
}

void
hist_add(struct hist *h, uint64_t us)
{
	unsigned int log = us < HIST_SUB ? 0 : 63 - (unsigned int)__builtin_clzll(us) - 5;
	uint64_t i = (uint64_t)log * HIST_SUB + (us >> log);

	if (i >= HIST_BUCKETS)
		i = HIST_BUCKETS - 1;
	h->bucket[i]++;
	h->n++;
	h->sum_us += us;
	if (us > h->max_us)
		h->max_us = us;
}

uint64_t
hist_quantile(const struct hist *h, double q)
{
	uint64_t want = (uint64_t)((double)h->n * q), seen = 0;

	for (uint64_t i = 0; i < HIST_BUCKETS; i++) {
		seen += h->bucket[i];
		if (seen > want || (seen == h->n && seen > 0))
			return i < HIST_SUB ? i : (i % HIST_SUB) << (i / HIST_SUB);
	}
	return 0;
}

void
hist_json(const struct hist *h, const char *name, FILE *f)
{
	static const struct {
		const char *name;
		double q;
	} qs[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p999", 0.999}};

	fprintf(f, "\"%s\": {\"n\": %llu, ", name, (unsigned long long)h->n);
	for (size_t i = 0; i < sizeof(qs) / sizeof(qs[0]); i++)
		fprintf(f, "\"%s\": %.3f, ", qs[i].name, (double)hist_quantile(h, qs[i].q) / 1e3);
	fprintf(f, "\"mean\": %.3f, \"max\": %.3f}",
	    h->n == 0 ? 0.0 : (double)h->sum_us / (double)h->n / 1e3, (double)h->max_us / 1e3);
}

int
tool_address(const char *s, struct sockaddr_storage *ss, socklen_t *len)
{
	struct sockaddr_in *in = (struct sockaddr_in *)ss;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;
	struct sockaddr_un *un = (struct sockaddr_un *)ss;
	const char *colon = strrchr(s, ':');
	char host[64];
	size_t n;

	memset(ss, 0, sizeof(*ss));
	if (s[0] == '/' || colon == NULL) {
		if (strlen(s) >= sizeof(un->sun_path))
			return -1;
		un->sun_family = AF_UNIX;
		memcpy(un->sun_path, s, strlen(s) + 1);
		*len = sizeof(*un);
		return 0;
	}
	n = (size_t)(colon - s);
	if (n >= sizeof(host))
		return -1;
	memcpy(host, s, n);
	host[n] = 0;
	if (host[0] == '[' && n > 2) {
		host[n - 1] = 0;
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons((uint16_t)atoi(colon + 1));
		*len = sizeof(*in6);
		return inet_pton(AF_INET6, host + 1, &in6->sin6_addr) == 1 ? 0 : -1;
	}
	in->sin_family = AF_INET;
	in->sin_port = htons((uint16_t)atoi(colon + 1));
	*len = sizeof(*in);
	return inet_pton(AF_INET, n == 0 ? "127.0.0.1" : host, &in->sin_addr) == 1 ? 0 : -1;
}

uint64_t
tool_now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

int64_t
tool_size(const char *s)
{
	char *end;
	long long v = strtoll(s, &end, 10);

	if (end == s || v < 0)
		return -1;
	switch (*end) {
	case 0:
		return v;
	case 'k':
		return end[1] == 0 ? v << 10 : -1;
	case 'M':
		return end[1] == 0 ? v << 20 : -1;
	case 'G':
		return end[1] == 0 ? v << 30 : -1;
	default:
		return -1;
	}
}

void
tool_raise_nofile(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == -1)
		return;
	r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r);
}
