/* SPDX-License-Identifier: ISC */
/* A router's advertisements leave. */
#include "lib/log.h"
#include "vrrp/sock.h"
#include "vrrp/state.h"

static int
send_to(struct router *r, struct packet_out *o, const struct ip *dst)
{
	static uint8_t b[PACKET_MAX];
	size_t ip_len;
	int n;

	o->dst = *dst;
	o->ip_id = (uint16_t)(sw32_get(&r->room->ip_id) + 1);
	sw32_set(&r->room->ip_id, o->ip_id);
	n = packet_build(o, b, sizeof(b), &ip_len);
	if (n == -1)
		return -1;
	if (hmac_mode_sends(r->plan->hmac)) {
		int64_t wall_us = mono_wall_us();
		struct hmac_stamp stamp = {.boot = sw32_get(&r->v->seg->master->starts),
		    .seq = hmac_next_seq(sw64_get(&r->v->own->hmac_seq), wall_us),
		    .wall_us = wall_us};

		sw64_set(&r->v->own->hmac_seq, stamp.seq);
		n = hmac_append(b, (size_t)n, sizeof(b), ip_len, &r->source, dst,
		    keys_find(&r->plan->keys, r->plan->sign_id), &stamp);
		if (n == -1)
			return -1;
	}
	if (sock_send(r->rx.fd, r->bound_index, b, (size_t)n, ip_len, &r->source, dst) == -1)
		return -1;
	sw64_add(&r->pub->sent, 1);
	return 0;
}

int
router_send(struct router *r, uint8_t priority, int64_t interval_ns, const struct ip *only)
{
	const struct plan *p = r->plan;
	struct packet_out o = {.version = p->version,
	    .vrid = p->vrid,
	    .priority = priority,
	    .ttl = 255,
	    .interval_cs = (uint16_t)(interval_ns / 10000000),
	    .auth_type = p->auth_type,
	    .sum = p->checksum_v2 ? PACKET_SUM_NONE : PACKET_SUM_REAL,
	    .src = r->source,
	    .addrs = p->adverts,
	    .n_addrs = p->n_adverts};
	struct ip group;
	int sent = p->n_peers == 0 ? 0 : -1; /* alone: there is nobody to be told */

	/* Without carrier the kernel would keep it for an unresolved neighbour and deliver it when
	 * the link is back: a stale claim. */
	if (r->rx.fd == -1 || r->iface == NULL || !r->iface->running)
		return -1;
	memcpy(o.auth, p->auth, sizeof(o.auth));
	if (!p->unicast) {
		group = packet_group(p->family);
		return send_to(r, &o, &group);
	}
	/* One that cannot be reached does not keep the others from hearing. */
	for (size_t i = 0; i < p->n_peers; i++)
		if (only == NULL || ip_equal(only, &p->peers[i].ip))
			if (send_to(r, &o, &p->peers[i].ip) == 0)
				sent = 0;
	return sent;
}
