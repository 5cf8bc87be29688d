/* SPDX-License-Identifier: ISC */
#include "tests/lib/vrrp_vectors.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#define VECTORS_FILE "tests/data/vrrp-vectors.txt"

static size_t
read_hex(const char *text, uint8_t *out, size_t size)
{
	size_t n = 0;
	unsigned int v;

	for (; n < size && sscanf(text, "%2x", &v) == 1; text += 2)
		out[n++] = (uint8_t)v;
	return n;
}

static long
number_after(const char *text, const char *key)
{
	const char *p = strstr(text, key);

	return p == NULL ? 0 : strtol(p + strlen(key), NULL, 10);
}

static struct ip
text_ip(uint8_t family, const char *text)
{
	struct ip a = {.family = family};

	inet_pton(family, text, a.b);
	return a;
}

/* The tutorial's two hosts and addresses; the file's name and description say the rest. */
static void
settings(struct vector *v, const char *desc)
{
	static const char *const vip4[] = {"172.31.0.100", "172.31.0.101", "172.31.0.102"};
	static const char *const vip6[] = {"fe80::64", "fd31::64"};
	struct packet_out *o = &v->out;
	bool six = strstr(v->name, "ip6") != NULL, mcast = strstr(v->name, "mcast") != NULL;
	uint8_t family = six ? AF_INET6 : AF_INET;
	const char *tail = strstr(desc, "tail=");

	o->version = (uint8_t)number_after(desc, " v");
	o->vrid = 51;
	o->priority = (uint8_t)number_after(desc, "prio=");
	o->ttl = (uint8_t)(six ? number_after(desc, "hlim=") : number_after(desc, "ttl="));
	o->interval_cs =
	    (uint16_t)(number_after(desc, "adv=") * (strstr(desc, "cs ") != NULL ? 1 : 100));
	o->ip_id = (uint16_t)number_after(desc, " id=");
	o->auth_type = (uint8_t)number_after(desc, "auth=");
	if (tail != NULL)
		read_hex(tail + 5, o->auth, sizeof(o->auth));
	o->sum = strstr(desc, "sum=pseudo-header with 224") != NULL ? PACKET_SUM_MULTICAST
								    : PACKET_SUM_REAL;
	o->n_addrs = (size_t)number_after(desc, " n=");
	if (o->n_addrs > (six ? 2 : 3))
		abort();
	for (size_t i = 0; i < o->n_addrs; i++)
		v->addrs[i] = text_ip(family, six ? vip6[i] : vip4[i]);
	o->addrs = v->addrs;
	o->src = ip_make(family, v->bytes + (six ? 8 : 12));
	o->dst = ip_make(family, v->bytes + (six ? 24 : 16));
	o->flow = (uint32_t)(v->bytes[1] & 15) << 16 | (uint32_t)v->bytes[2] << 8 | v->bytes[3];
	v->sources[0] = o->src;
	v->want = (struct packet_expect){
	    .version = o->version,
	    .vrid = 51,
	    .multicast = mcast,
	    .auth_type = o->auth_type,
	    .sums = PACKET_SUM_REAL | PACKET_SUM_MULTICAST,
	    .interval_cs = o->interval_cs,
	    .own = o->dst,
	    .sources = v->sources,
	    .n_sources = 1,
	    .addrs = v->addrs,
	    .n_addrs = o->n_addrs,
	};
	memcpy(v->want.auth, o->auth, sizeof(o->auth));
	if (mcast) { /* the peer: the last bit of the address differs */
		v->want.own = o->src;
		v->want.own.b[ip_len(family) - 1] ^= 1;
	}
}

int
vectors_read(struct vector *v)
{
	char line[2048];
	FILE *f = fopen(VECTORS_FILE, "r");
	int n = 0;

	if (f == NULL)
		return -1;
	while (n < VECTORS_MAX && fgets(line, sizeof(line), f) != NULL) {
		char *desc = strchr(line, '\t');
		char *hex = desc == NULL ? NULL : strchr(desc + 1, '\t');

		if (hex == NULL)
			continue;
		*desc++ = '\0';
		*hex++ = '\0';
		memset(&v[n], 0, sizeof(v[n]));
		snprintf(v[n].name, sizeof(v[n].name), "%.63s", line);
		v[n].ah = strstr(desc, " AH ") != NULL;
		v[n].len = read_hex(hex, v[n].bytes, sizeof(v[n].bytes));
		settings(&v[n], desc);
		n++;
	}
	fclose(f);
	return n;
}
