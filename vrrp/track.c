/* SPDX-License-Identifier: ISC */
/* From shared memory to a band. */
#include "vrrp/track.h"

#include <stdio.h>
#include <string.h>

#include "shm/check_status.h"
#include "shm/child.h"

void
track_script_step(struct track_script *s, bool passed, unsigned rise, unsigned fall)
{
	if (rise == 0)
		rise = 1;
	if (fall == 0)
		fall = 1;
	if (!s->known) { /* the first result counts at once */
		*s = (struct track_script){
		    .known = true, .good = passed, .counter = passed ? rise + fall - 1 : 0};
		return;
	}
	if (passed) {
		if (s->counter < rise - 1) {
			s->counter++;
		} else {
			s->good = true;
			s->counter = rise + fall - 1;
		}
	} else if (s->counter > rise) {
		s->counter--;
	} else {
		s->good = false;
		s->counter = 0;
	}
}

static uint32_t
name_hash(const char *name)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (; *name != '\0'; name++)
		h = (h ^ (uint8_t)*name) * 16777619u;
	return h;
}

uint64_t
track_script_pack(const struct track_script *s, const char *name)
{
	if (!s->known)
		return 0;
	return (uint64_t)name_hash(name) << 32 | (uint64_t)(s->counter & 0x3fffffff) << 2 |
	       (uint64_t)s->good << 1 | 1;
}

bool
track_script_unpack(struct track_script *s, uint64_t word, const char *name)
{
	if ((word & 1) == 0 || word >> 32 != name_hash(name))
		return false;
	*s = (struct track_script){
	    .known = true, .good = (word & 2) != 0, .counter = (unsigned)(word >> 2 & 0x3fffffff)};
	return true;
}

bool
track_workers(const struct shm *seg)
{
	for (unsigned i = 0; i < SHM_MAX_WORKERS / 64; i++)
		if (sw64_get(&seg->master->live[i]) & ~sw64_get(&seg->master->absent[i]))
			return true;
	return false;
}

static bool
checker_stale(const struct shm *seg, struct mono now)
{
	return now.ns - (int64_t)sw64_get(&seg->checker->beat_ns) > TRACK_STALE_NS;
}

static enum band
look_backend(
    struct track_view *out, const struct shm *seg, const char *name, bool workers, bool stale)
{
	uint32_t be = child_find_backend(seg, name, 0);
	struct band_facts f = {.workers = workers, .stale = stale};
	enum band b;

	if (be != SHM_NONE) {
		const struct shm_sched *s = shm_sched(seg, be);

		f.usable = sw32_get(&s->usable);
		f.total = sw32_get(&s->total);
		f.weight_up = sw32_get(&s->weight_up);
		f.weight_all = sw32_get(&s->weight_all);
		if (sw32_get(&s->epoch) != sw32_get(&shm_be_dir(seg, be)->epoch)) {
			f.stale = true;
			f.total = 1;
		}
	}
	b = band_of_facts(&f);
	if (b < out->band || out->why[0] == '\0')
		snprintf(out->why, sizeof(out->why), "backend %s: %u of %u servers usable%s", name,
		    f.usable, f.total, f.stale ? ", not checked lately" : "");
	return b;
}

/* keepalived's rule for something that is good or not, of a weight other than 0. */
static int
weigh(int weight, bool good)
{
	return weight > 0 ? (good ? weight : 0) : (good ? 0 : weight);
}

static void
look_fault(struct track_view *out, const struct plan_track *t, bool good, const char *what)
{
	if (t->weight != 0) {
		out->sum += weigh(t->weight, good);
	} else if (!good) {
		out->fault = true;
		snprintf(out->why, sizeof(out->why), "%s %s", what, t->name);
	}
}

void
track_look(struct track_view *out, const struct shm *seg, const struct plan *p,
    const struct track_state *states, bool workers, struct mono now, track_iface_fn *iface,
    void *ctx)
{
	bool stale = checker_stale(seg, now);
	bool degraded = sw32_get(&seg->master->degraded) != 0;

	*out = (struct track_view){.band = workers ? BAND_GOOD : BAND_DEAD};
	if (!workers)
		snprintf(out->why, sizeof(out->why), "no worker can serve");
	for (size_t i = 0; i < p->n_tracks; i++) {
		const struct plan_track *t = &p->tracks[i];
		enum band b;

		switch (t->kind) {
		case CONF_TRACK_BACKEND:
			b = look_backend(out, seg, t->name, workers, stale);
			if (t->weight != 0 && p->decide.mode == BAND_MODE_WEIGHTS)
				out->sum += weigh(t->weight, b != BAND_DEAD);
			else
				out->band = band_worse(out->band, b);
			break;
		case CONF_TRACK_WORKERS:
			if (t->weight != 0)
				out->sum += weigh(t->weight, workers && !degraded);
			else if (workers && degraded) {
				out->band = band_worse(out->band, BAND_DEGRADED);
				snprintf(out->why, sizeof(out->why),
				    "processes of vipd die again and again");
			}
			break;
		case CONF_TRACK_INTERFACE:
			look_fault(out, t, iface(ctx, t->name), "interface");
			break;
		case CONF_TRACK_SCRIPT:
			look_fault(
			    out, t, states[i].script.known && states[i].script.good, "script");
			break;
		}
	}
}

bool
track_fresh(const struct shm *seg, const struct plan *p, struct mono since)
{
	uint32_t n = sw32_get(&seg->master->n_servers);
	bool any = false;

	for (size_t i = 0; i < p->n_tracks; i++) {
		uint32_t be;

		if (p->tracks[i].kind != CONF_TRACK_BACKEND)
			continue;
		any = true;
		be = child_find_backend(seg, p->tracks[i].name, 0);
		for (uint32_t s = 0; s < n && be != SHM_NONE; s++) {
			const struct shm_srv_dir *d = shm_srv_dir(seg, s);
			const struct shm_health *h = shm_health(seg, s);

			if (sw32_get(&d->state) != SHM_DIR_USED || sw32_get(&d->backend) != be ||
			    sw32_get(&h->usable) == 0)
				continue;
			/* One that is not checked cannot be asked. */
			if (sw32_get(&h->checked) == 0 ||
			    ((int64_t)sw64_get(&h->last_probe_ns) >= since.ns &&
				check_status_passed(sw32_get(&h->status))))
				return true;
		}
	}
	return !any;
}
