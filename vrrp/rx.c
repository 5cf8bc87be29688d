/* SPDX-License-Identifier: ISC */
/* A router's packets: read, parse, judge, tell the cause of what is refused. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/log.h"
#include "vrrp/sock.h"
#include "vrrp/state.h"

/* What an operator has to know about a refusal; the rest is only counted. */
static const char *
hint(enum packet_reason why)
{
	switch (why) {
	case PACKET_SOURCE:
		return "a foreign router with this VRID, or a peer that is not listed";
	case PACKET_AUTH_DATA:
		return "auth_pass differs between the hosts";
	case PACKET_AUTH_TYPE:
		return "auth_type differs between the hosts";
	case PACKET_VERSION:
		return "the hosts speak different versions";
	case PACKET_VRID:
		return "virtual_router_id differs, or that host has an instance that is not here";
	case PACKET_INTERVAL:
		return "advert_int differs between the hosts";
	case PACKET_ADDRESSES:
	case PACKET_COUNT:
		return "virtual_ipaddress differs, or a foreign router uses this VRID";
	case PACKET_TTL:
		return "it came through a router, or the sender does not send 255";
	case PACKET_HMAC_MISSING:
		return "that host does not sign, or auth_type differs";
	case PACKET_HMAC_KEY:
	case PACKET_HMAC_BAD:
		return "the key files of the hosts differ, or it is forged";
	case PACKET_HMAC_REPLAY:
		return "recorded and sent again, or that host has lost its count of starts and its "
		       "clock is behind";
	case PACKET_CHECKSUM:
		return "damaged, or the sender sums otherwise (v3 over IPv4)";
	default:
		return NULL;
	}
}

static void
refuse(struct router *r, enum packet_reason why, const struct packet_in *in)
{
	struct ratelimit *l = &r->say_refused[why];
	uint32_t held = 0;
	char ip[64], before[48] = "";
	const char *more = hint(why);

	sw32_add(&r->pub->refused[why], 1);
	if (why == PACKET_OWN)
		return;
	/* A peer may well have an instance that is not here: once an hour. */
	if (l->burst == 0)
		*l = (struct ratelimit)RATELIMIT_INIT(1, why == PACKET_VRID ? 3600000 : 30000);
	if (!ratelimit_step(l, loop_now(r->v->loop), &held))
		return;
	if (held > 0)
		snprintf(before, sizeof(before), " (%u before that not shown)", held);
	log_warning("router %s: advertisement from %s refused: %s%s%s%s", r->plan->name,
	    router_ip_text(&in->src, ip, sizeof(ip)), packet_reason_text(why),
	    more != NULL ? ": " : "", more != NULL ? more : "", before);
}

/* Each cause has its own pace, so that one does not hide another. */
static bool
may_tell(struct router *r, enum packet_reason what)
{
	struct ratelimit *l = &r->say_refused[what];

	if (l->burst == 0)
		*l = (struct ratelimit)RATELIMIT_INIT(1, 30000);
	return ratelimit_step(l, loop_now(r->v->loop), NULL);
}

/* The alarm comes from the decision; here is what differs. */
static void
tell_differs(struct router *r, const struct packet_in *in)
{
	const struct plan *p = r->plan;
	char ip[64];

	router_ip_text(&in->src, ip, sizeof(ip));
	if ((in->differs & PACKET_DIFFERS_INTERVAL) && may_tell(r, PACKET_INTERVAL))
		log_warning("router %s: %s advertises each %u.%02u s, here it is %lld.%02lld s",
		    p->name, ip, in->interval_cs / 100u, in->interval_cs % 100u,
		    (long long)(p->decide.interval_ns / 1000000000),
		    (long long)(p->decide.interval_ns / 10000000 % 100));
	if ((in->differs & PACKET_DIFFERS_ADDRESSES) && may_tell(r, PACKET_ADDRESSES))
		log_warning(
		    "router %s: %s advertises other addresses: virtual_ipaddress differs, or "
		    "it is a foreign router with VRID %u",
		    p->name, ip, p->vrid);
	if ((in->differs & PACKET_DIFFERS_VERSION) && may_tell(r, PACKET_VERSION))
		log_warning("router %s: %s speaks VRRP version %u, here it is %u", p->name, ip,
		    in->version, p->version);
}

static struct packet_expect
expect_of(const struct router *r, struct ip *sources)
{
	const struct plan *p = r->plan;
	struct packet_expect want = {.version = p->version,
	    .vrid = p->vrid,
	    .multicast = !p->unicast,
	    .strict = p->strict,
	    .auth_type = p->auth_type,
	    .sums = (uint8_t)(PACKET_SUM_REAL | PACKET_SUM_MULTICAST |
			      (p->checksum_v2 ? PACKET_SUM_NONE : 0)),
	    .interval_cs = (uint16_t)(p->decide.interval_ns / 10000000),
	    .own = r->source,
	    .sources = sources,
	    .n_sources = p->n_peers,
	    .addrs = p->adverts,
	    .n_addrs = p->n_adverts};

	memcpy(want.auth, p->auth, sizeof(want.auth));
	for (size_t i = 0; i < p->n_peers; i++)
		sources[i] = p->peers[i].ip;
	return want;
}

static void
peer_heard(struct router *r, const struct packet_in *in)
{
	for (size_t i = 0; i < r->plan->n_peers; i++)
		if (ip_equal(&r->plan->peers[i].ip, &in->src)) {
			r->peer_seen[i] = loop_now(r->v->loop);
			why_heard(r, i, in->priority);
		}
}

static void
one_packet(struct router *r, const uint8_t *b, size_t len, struct packet_in *in)
{
	struct ip sources[DECIDE_PEERS_MAX];
	struct packet_expect want = expect_of(r, sources);
	enum packet_reason why = r->plan->family == AF_INET
				     ? packet_parse(&want, b, len, in)
				     : packet_parse_message(&want, b, len, in);
	const struct plan_peer *peer;

	if (why == PACKET_OK && r->plan->unicast) {
		peer = plan_peer(r->plan, &in->src);
		if (peer != NULL && in->ttl < peer->min_ttl)
			why = PACKET_TTL;
	}
	if (why == PACKET_OK)
		why = signed_check(r, in);
	if (why != PACKET_OK) {
		refuse(r, why, in);
		return;
	}
	sw64_add(&r->pub->received, 1);
	peer_heard(r, in);
	if (in->differs != 0)
		tell_differs(r, in);
	router_step(r, (struct decide_in){.kind = DECIDE_IN_ADVERT,
			   .advert = {.src = in->src,
			       .priority = in->priority,
			       .differs = in->differs != 0,
			       .interval_ns = (int64_t)in->interval_cs * 10000000}});
}

bool
rx_drain(struct router *r)
{
	static uint8_t b[PACKET_MAX + 64];
	struct packet_in in;

	for (int i = 0; i < 64; i++) {
		int n;

		if (r->rx.fd == -1)
			return false;
		n = sock_read(r->rx.fd, r->plan->family, b, sizeof(b), &in);
		if (n == -1 && errno == ENETDOWN)
			continue;
		if (n <= 0)
			return false;
		one_packet(r, b, (size_t)n, &in);
	}
	return true;
}

void
rx_packets(struct loop_fd *f, uint32_t events)
{
	struct router *r = (struct router *)(void *)((char *)f - offsetof(struct router, rx));

	(void)events;
	rx_drain(r);
	router_timer_set(r);
}

unsigned
rx_strangers(struct router *r, unsigned most)
{
	static uint8_t b[PACKET_MAX + 64];
	struct packet_in in;
	unsigned i;
	int n;

	for (i = 0; i < most; i++) {
		n = sock_read(r->strangers.fd, r->plan->family, b, sizeof(b), &in);
		if (n == -1)
			continue;
		if (n == 0)
			break;
		if (r->plan->family == AF_INET && n >= 20)
			in.src = ip_make(AF_INET, b + 12);
		refuse(r, PACKET_SOURCE, &in);
	}
	return i;
}
