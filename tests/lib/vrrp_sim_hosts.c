/* SPDX-License-Identifier: ISC */
/* What happens to the hosts of a simulation, and what they are then. */
#include <string.h>

#include "tests/lib/vrrp_sim_part.h"

/* ---- what happens to hosts ------------------------------------------------- */

void
sim_boot(struct sim *s, unsigned i)
{
	struct sim_host *h = &s->h[i];

	if (h->power)
		return;
	sim_note(s, "host %u boots", i);
	h->power = true;
	h->addr = false;
	h->has_saved = false;
	sim_process_start(s, i, false);
}

void
sim_power_off(struct sim *s, unsigned i)
{
	sim_note(s, "host %u loses power", i);
	s->h[i].power = s->h[i].process = s->h[i].addr = s->h[i].has_saved = false;
	s->epoch[i]++;
}

void
sim_kill_vrrp(struct sim *s, unsigned i, int64_t respawn_ns)
{
	struct sim_host *h = &s->h[i];

	if (!h->process)
		return;
	sim_note(s, "host %u: vrrp killed", i);
	h->process = false;
	s->epoch[i]++;
	if (respawn_ns < 0)
		return;
	/* STOPPED in the saved state does not occur: an ended process is not respawned. */
	sim_event_push(
	    s, (struct sim_event){
		   .at = s->now + respawn_ns, .kind = DECIDE_IN_START, .to = (uint8_t)i});
}

void
sim_kill_all(struct sim *s, unsigned i)
{
	sim_note(s, "host %u: everything killed", i);
	s->h[i].process = s->h[i].has_saved = false;
	s->epoch[i]++;
}

void
sim_restart(struct sim *s, unsigned i)
{
	if (s->h[i].process || !s->h[i].power)
		return;
	sim_note(s, "host %u: vipd starts", i);
	s->h[i].has_saved = false;
	sim_process_start(s, i, false);
}

void
sim_stop(struct sim *s, unsigned i, int64_t grace_ns)
{
	if (s->h[i].process)
		sim_step(s, i, (struct decide_in){.kind = DECIDE_IN_STOP, .stop_ns = grace_ns});
}

void
sim_pause(struct sim *s, unsigned i, int64_t ns)
{
	sim_note(s, "host %u sleeps for %.3f s", i, (double)ns / 1e9);
	if (s->h[i].process && s->h[i].paused_until < s->now + ns)
		s->h[i].paused_until = s->now + ns;
}

void
sim_link(struct sim *s, unsigned i, bool up)
{
	sim_note(s, "host %u: link %s", i, up ? "up" : "down");
	s->h[i].link = up;
	if (sim_awake(s, i))
		sim_step(s, i, (struct decide_in){.kind = DECIDE_IN_LINK, .link = up});
}

void
sim_health(struct sim *s, unsigned i, enum band raw)
{
	sim_note(s, "host %u: health %s", i, band_text(raw));
	s->h[i].raw = raw;
	if (sim_awake(s, i))
		sim_health_step(s, i);
}

void
sim_fault(struct sim *s, unsigned i, uint32_t mask)
{
	s->h[i].fault = mask;
	if (sim_awake(s, i))
		sim_step(s, i, (struct decide_in){.kind = DECIDE_IN_FAULT, .fault = mask});
}

void
sim_release(struct sim *s, unsigned i)
{
	if (sim_awake(s, i))
		sim_step(s, i, (struct decide_in){.kind = DECIDE_IN_RELEASE});
}

void
sim_group(struct sim *s, unsigned i, struct decide_in in)
{
	if (sim_awake(s, i))
		sim_step(s, i, in);
}

void
sim_config(struct sim *s, unsigned i, const struct decide_cfg *cfg)
{
	s->h[i].cfg = *cfg;
	if (sim_awake(s, i))
		sim_step(s, i, (struct decide_in){.kind = DECIDE_IN_CONFIG, .cfg = cfg});
}

void
sim_cut(struct sim *s, unsigned i, bool cut)
{
	sim_note(s, "host %u: %s", i, cut ? "cut off" : "connected");
	for (unsigned k = 0; k < SIM_ENDS; k++)
		if (k != i)
			s->cut[i][k] = s->cut[k][i] = cut;
}

bool
sim_able(const struct sim *s, unsigned i)
{
	return s->h[i].power && s->h[i].process && s->h[i].link && s->h[i].fault == 0 &&
	       s->h[i].paused_until == 0;
}

int
sim_master(const struct sim *s)
{
	int found = -1;

	for (unsigned i = 0; i < s->n; i++) {
		if (!s->h[i].addr)
			continue;
		if (found != -1)
			return -2;
		found = (int)i;
	}
	return found;
}
