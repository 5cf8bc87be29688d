/* SPDX-License-Identifier: ISC */
/* "explain" of virtual routers; see explain.c. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "shm/refused.h"
#include "shm/role.h"
#include "worker/explain.h"

static const char *
band_word(uint32_t band)
{
	static const char *const words[] = {"dead", "degraded", "good"}; /* vrrp/band.h */

	return band < 3 ? words[band] : "?";
}

static const char *
ip_text(const struct shm_ip *ip, char to[64])
{
	if ((ip->family != AF_INET && ip->family != AF_INET6) ||
	    inet_ntop(ip->family, ip->b, to, 64) == NULL)
		snprintf(to, 64, "an unknown host");
	return to;
}

static void
router_role(struct command_run *run, const struct shm_router *r)
{
	char since[32], when[32] = "?", reason[sizeof(r->reason)];

	explain_wall(when, sizeof(when), sw64_get(&r->since_wall_us));
	snprintf(reason, sizeof(reason), "%.*s", (int)sizeof(reason) - 1, r->reason);
	explain_line(run, "%.*s (VRID %" PRIu32 ") is %s on this host since %s (%s): %s.",
	    SHM_NAME - 1, r->name, sw32_get(&r->vrid), shm_role_text(sw32_get(&r->role)), when,
	    explain_span(since, run->src.now.ns - (int64_t)sw64_get(&r->since_ns)),
	    reason[0] != '\0' ? reason : "start");
}

static void
router_priority(struct command_run *run, const struct shm_router *r)
{
	const struct shm_why *w = &r->why;
	uint32_t band = sw32_get(&r->band), base = sw32_get(&w->base), p = sw32_get(&r->priority);
	uint32_t raw = sw32_get(&w->raw);
	int64_t hold = (int64_t)sw64_get(&w->hold_ns) - run->src.now.ns;
	char track[sizeof(w->track)], in[32];

	if (base == 255)
		explain_line(
		    run, "Its priority is %" PRIu32 " whatever happens, as configured.", p);
	else if (sw32_get(&w->weights) != 0)
		explain_line(run,
		    "Its priority is %" PRIu32 ": %" PRIu32 " as configured, %+d by weights.", p,
		    base, (int)p - (int)base);
	else
		explain_line(run,
		    "Its priority is %" PRIu32 ": 80 x %" PRIu32 " for the band %s, + %" PRIu32
		    ", a quarter of the configured %" PRIu32 ".",
		    p, band, band_word(band), (base + 3) / 4, base);
	snprintf(track, sizeof(track), "%.*s", (int)sizeof(track) - 1, w->track);
	explain_line(
	    run, "What it tracks is %s%s%s.", band_word(raw), track[0] != '\0' ? ": " : "", track);
	if (raw != band && hold > 0)
		explain_line(run, "The band follows in %s if that lasts.", explain_span(in, hold));
}

static void
router_peers(struct command_run *run, const struct shm_router *r)
{
	const struct shm_why *w = &r->why;
	uint32_t n = sw32_get(&w->n_peers), role = sw32_get(&r->role);
	bool master = role == SHM_ROLE_MASTER;
	int64_t now = run->src.now.ns;
	char ip[64], ago[32];

	for (uint32_t i = 0; i < n && i < SHM_PEERS; i++) {
		uint64_t said = sw64_get(&w->peers[i].said_ns);

		ip_text(&w->peers[i].ip, ip);
		if (said == 0)
			explain_line(run, "Peer %s has not advertised since this start%s.", ip,
			    master ? ": silent, as a BACKUP is" : "");
		else
			explain_line(run, "Peer %s advertised priority %" PRIu32 " %s ago%s.", ip,
			    sw32_get(&w->peers[i].priority), explain_span(ago, now - (int64_t)said),
			    sw32_get(&w->peers[i].priority) == 0 ? " (it resigned)"
			    : master && now - (int64_t)said > 3000000000
				? "; silent since then, as a BACKUP is"
				: "");
	}
	if (role != SHM_ROLE_BACKUP)
		return;
	if (sw64_get(&w->heard_ns) == 0)
		explain_line(run, "No master has been heard.");
	else
		explain_line(run, "The master is %s, priority %" PRIu32 ", heard %s ago.",
		    ip_text(&w->master, ip), sw32_get(&w->heard_priority),
		    explain_span(ago, now - (int64_t)sw64_get(&w->heard_ns)));
}

static void
router_group(struct command_run *run, const struct shm_router *r)
{
	const struct shm_vrrp *v = run->src.shm->vrrp;
	uint32_t n = sw32_get(&v->n_routers);
	struct buf b = BUF_INIT;

	for (uint32_t i = 0; i < n && i < SHM_MAX_ROUTERS && r->group[0] != '\0'; i++) {
		const struct shm_router *o = &v->routers[i];

		if (o != r && sw32_get(&o->used) != 0 && strncmp(o->group, r->group, SHM_NAME) == 0)
			buf_printf(&b, "%s%.*s", b.len > 0 ? ", " : "", SHM_NAME - 1, o->name);
	}
	if (b.len > 0)
		explain_line(run, "It moves together with %s (sync group %.*s).", buf_text(&b),
		    SHM_NAME - 1, r->group);
	buf_free(&b);
}

/* Of what was refused, and of clocks: what an operator looks for when hosts do not hear one
 * another. */
static void
router_refused(struct command_run *run, const struct shm_router *r)
{
	const struct shm_why *w = &r->why;
	uint32_t n = sw32_get(&w->n_peers);
	struct buf b = BUF_INIT;
	char ip[64], by[32];

	for (unsigned i = 1; i < SHM_REFUSED_N; i++)
		if (i != SHM_REFUSED_own && sw32_get(&r->refused[i]) > 0)
			buf_printf(&b, "%s%" PRIu32 " %s", b.len > 0 ? ", " : "",
			    sw32_get(&r->refused[i]), shm_refused_name(i));
	if (b.len > 0)
		explain_line(run, "Advertisements refused, by reason: %s.", buf_text(&b));
	buf_free(&b);
	for (uint32_t i = 0; i < n && i < SHM_PEERS; i++) {
		int64_t ahead = (int64_t)sw64_get(&w->peers[i].clock_us);

		if (ahead > SHM_CLOCK_OFF_US || ahead < -SHM_CLOCK_OFF_US)
			explain_line(run,
			    "The clock of %s is %s %s that of this host: one of the two is wrong. "
			    "Its advertisements are taken all the same.",
			    ip_text(&w->peers[i].ip, ip),
			    explain_span(by, (ahead < 0 ? -ahead : ahead) * 1000),
			    ahead < 0 ? "behind" : "ahead of");
	}
}

static void
router_next(struct command_run *run, const struct shm_router *r)
{
	uint64_t next = sw64_get(&r->why.next_ns);
	char in[32] = "?";

	if (next != 0)
		explain_span(in, (int64_t)next - run->src.now.ns);
	switch (sw32_get(&r->role)) {
	case SHM_ROLE_INIT:
		explain_line(run, "It waits for its first probes, at most another %s.", in);
		break;
	case SHM_ROLE_BACKUP:
		if (next != 0)
			explain_line(run,
			    "It claims the addresses in %s if no advertisement comes before.", in);
		explain_line(run,
		    "It also claims them when the master resigns, and by its preemption "
		    "setting when its own band or priority is better.");
		break;
	case SHM_ROLE_MASTER:
		explain_line(run, "It advertises next in %s.", in);
		explain_line(run,
		    "It gives the addresses away when its band becomes worse than a peer's, "
		    "when a better master is heard, when its link is lost, by release, by "
		    "maintenance, and at its end.");
		break;
	case SHM_ROLE_RESIGN:
	case SHM_ROLE_LEAVE:
		explain_line(run, "It hands over; at the latest in %s it goes on.", in);
		break;
	case SHM_ROLE_FAULT:
		explain_line(run, "It takes no part until that is over.");
		break;
	default:
		break;
	}
	if (sw32_get(&run->src.shm->master->maintenance) != 0)
		explain_line(run, "This node is in maintenance.");
}

bool
explain_router(struct command_run *run, const char *name)
{
	const struct shm_vrrp *v = run->src.shm->vrrp;
	uint32_t n = sw32_get(&v->n_routers);

	for (uint32_t i = 0; i < n && i < SHM_MAX_ROUTERS; i++) {
		const struct shm_router *r = &v->routers[i];

		if (sw32_get(&r->used) == 0 || strncmp(r->name, name, SHM_NAME) != 0)
			continue;
		explain_silent(run, child_vrrp_silent(run->src.shm, run->src.now), "vrrp process");
		router_role(run, r);
		router_priority(run, r);
		router_group(run, r);
		router_peers(run, r);
		router_refused(run, r);
		router_next(run, r);
		explain_events(run, EVENT_ROUTER, i);
		return true;
	}
	return false;
}
