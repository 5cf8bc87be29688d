/* SPDX-License-Identifier: ISC */
/* Packets with an HMAC: who is believed, what has been heard before, whose clock is wrong. */
#include <string.h>

#include "lib/log.h"
#include "vrrp/state.h"

static struct shm_ip
peer_ip(const struct ip *ip)
{
	struct shm_ip p = {.family = (uint8_t)ip->family};

	memcpy(p.b, ip->b, sizeof(p.b));
	return p;
}

/* Does a router of this generation use that memory? */
static bool
wanted(const struct shm_replay *e, void *ctx)
{
	struct vrrp *v = ctx;
	struct router *r;

	router_each (v, r) {
		const struct plan *p = r->plan;

		if (p == NULL || p->family != e->family || p->vrid != e->vrid ||
		    strncmp(p->name, e->router, sizeof(e->router)) != 0 ||
		    keys_find(&p->keys, e->key_id) == NULL)
			continue;
		for (size_t i = 0; i < p->n_peers; i++)
			if (p->peers[i].ip.family == e->peer.family &&
			    memcmp(p->peers[i].ip.b, e->peer.b, sizeof(e->peer.b)) == 0)
				return true;
	}
	return false;
}

static struct shm_replay *
memory(struct router *r, size_t peer, size_t key)
{
	struct shm_replay **e = &r->replay[peer][key];
	struct replay_id id = {.router = r->plan->name,
	    .family = r->plan->family,
	    .vrid = r->plan->vrid,
	    .key_id = r->plan->keys.v[key].id,
	    .peer = peer_ip(&r->plan->peers[peer].ip)};

	if (*e == NULL)
		*e = replay_find(r->v->own, &id, wanted, r->v);
	return *e;
}

/* Remembered before it is believed: killed between the two, the packet is lost, not believed
 * twice. */
static bool
is_new(struct router *r, size_t peer, size_t key, const struct packet_hmac *h)
{
	struct shm_replay *e = memory(r, peer, key);
	struct replay_value last, now = {.boot = h->boot, .seq = h->seq};

	if (e == NULL || (replay_get(e, &last) && !replay_newer(&now, &last)))
		return false;
	replay_set(e, &now);
	return true;
}

static void
look_clock(struct router *r, size_t peer, const struct packet_hmac *h)
{
	int64_t ahead = h->wall_us - mono_wall_us();
	bool off = ahead > SHM_CLOCK_OFF_US || ahead < -SHM_CLOCK_OFF_US, was = r->clock_off[peer];
	const char *name = r->plan->peers[peer].name;

	if (peer < SHM_PEERS)
		sw64_set(&r->pub->why.peers[peer].clock_us, (uint64_t)ahead);
	r->clock_off[peer] = off;
	if (was && !off)
		log_notice("router %s: the clock of %s and that of this host agree again",
		    r->plan->name, name);
	if (!off)
		return;
	if (r->say_clock.burst == 0)
		r->say_clock = (struct ratelimit)RATELIMIT_INIT(1, 600000);
	if (ratelimit_step(&r->say_clock, loop_now(r->v->loop), NULL))
		log_alert("router %s: the clock of %s is %lld s %s that of this host: one of the "
			  "two is wrong; its advertisements are taken all the same",
		    r->plan->name, name, (long long)((ahead < 0 ? -ahead : ahead) / 1000000),
		    ahead < 0 ? "behind" : "ahead of");
}

enum packet_reason
signed_check(struct router *r, const struct packet_in *in)
{
	const struct plan *p = r->plan;
	enum hmac_arrived a;
	size_t key = 0, peer = 0;

	if (p->hmac == HMAC_OFF)
		return PACKET_OK;
	a = hmac_verify(in, p->keys.v, p->keys.n, &key);
	while (peer < p->n_peers && !ip_equal(&p->peers[peer].ip, &in->src))
		peer++;
	if (a == HMAC_ARRIVED_GOOD && peer < p->n_peers) {
		if (is_new(r, peer, key, &in->hmac))
			look_clock(r, peer, &in->hmac);
		else
			a = HMAC_ARRIVED_OLD;
	}
	switch (hmac_judge(p->hmac, a)) {
	case HMAC_ACCEPT:
		return PACKET_OK;
	case HMAC_ACCEPT_COUNT:
		sw32_add(&r->pub->refused[hmac_reason(a)], 1);
		return PACKET_OK;
	default:
		return hmac_reason(a);
	}
}

void
signed_changed(struct router *r)
{
	/* What is remembered stays: what was recorded before the reload is old after it. */
	memset(r->replay, 0, sizeof(r->replay));
	memset(r->clock_off, 0, sizeof(r->clock_off));
}
