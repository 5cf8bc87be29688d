/* SPDX-License-Identifier: ISC */
/* Rebuilding and publishing schedules; see sched.h. */
#include "checker/sched.h"

#include "lib/log.h"
#include "shm/event.h"
#include "shm/schedule.h"

#define REBUILD_GAP_MS 100

/* What a schedule is made of, and what it says about the backend. */
struct sum {
	uint32_t n;
	uint32_t total;
	uint32_t usable;
	uint32_t weight_up;
	uint32_t weight_all;
	uint32_t backups;
	bool on_backup;
};

/* Room for the largest backend; the segment's slots are fewer than 65535. */
static uint32_t slots[65536], weights[65536];

static void
collect_backups(const struct backend *b, struct sum *sum)
{
	sum->on_backup = sum->backups > 0;
	for (size_t i = 0; i < b->n_servers && sum->n < 65535; i++) {
		const struct server *s = &b->servers[i];

		if (!s->conf->backup || sw32_get(&s->h->usable) == 0)
			continue;
		slots[sum->n] = s->slot;
		weights[sum->n++] = sw32_get(&s->h->eweight);
		if (!b->conf->allbackups)
			break;
	}
	sum->usable = sum->n;
}

static struct sum
collect(const struct backend *b)
{
	struct sum sum = {0}, spare = {0};

	for (size_t i = 0; i < b->n_servers && sum.n < 65535; i++) {
		const struct server *s = &b->servers[i];
		uint32_t uweight = sw32_get(&s->h->uweight);
		struct sum *of = s->conf->backup ? &spare : &sum;

		of->total++;
		of->weight_all += uweight;
		if (sw32_get(&s->h->usable) == 0)
			continue;
		of->usable++;
		of->weight_up += uweight;
		if (s->conf->backup)
			continue;
		slots[sum.n] = s->slot;
		weights[sum.n++] = sw32_get(&s->h->eweight);
	}
	sum.backups = spare.usable;
	if (sum.total == 0) {
		sum.total = spare.total;
		sum.weight_all = spare.weight_all;
		sum.weight_up = spare.weight_up;
	}
	if (sum.usable == 0)
		collect_backups(b, &sum);
	return sum;
}

/* Some to none usable, or back. */
static void
note_change(struct backend *b, struct shm_sched *sh, uint32_t usable)
{
	uint64_t now = (uint64_t)loop_now(b->ck->loop).ns;
	bool was = sw32_get(&sh->usable) > 0;

	if (was == (usable > 0))
		return;
	if (was) {
		/* Said before it is stored: a successor says it again rather than never. */
		event_log(b->ck->seg, LOG_EMERG, EVENT_BACKEND, b->slot,
		    "backend %s has no server available!", b->conf->name);
		sw32_add(&sh->chkdown, 1);
	} else {
		sw64_add(&sh->downtime_ms, (now - sw64_get(&sh->changed_ns)) / 1000000);
	}
	sw64_set(&sh->changed_ns, now);
}

static void
note_backup(const struct backend *b, struct shm_sched *sh, const struct sum *sum)
{
	if (sum->on_backup)
		log_warning("backend %s runs on %u of %u backup servers.", b->conf->name, sum->n,
		    sum->backups);
	else if (sum->usable > 0)
		log_notice("backend %s runs on its own servers again.", b->conf->name);
	sw32_set(&sh->on_backup, sum->on_backup);
}

static void
rebuild(struct backend *b)
{
	struct shm_sched *sh = &shm_own_sched(b->ck->seg)[b->slot];
	struct mono start = mono_now();
	struct sum sum = collect(b);

	if (schedule_set(b->ck->seg, b->slot, slots, weights, sum.n) == -1)
		log_err("backend %s: cannot build its schedule: %m", b->conf->name);
	if (sw32_get(&sh->on_backup) != sum.on_backup)
		note_backup(b, sh, &sum);
	note_change(b, sh, sum.usable);
	if (sw32_get(&sh->usable) != sum.usable || sw32_get(&sh->weight_up) != sum.weight_up ||
	    sw32_get(&sh->weight_all) != sum.weight_all || sw32_get(&sh->total) != sum.total)
		b->ck->ring_vrrp = true;
	sw32_set(&sh->usable, sum.usable);
	sw32_set(&sh->total, sum.total);
	sw32_set(&sh->backups, sum.backups);
	sw32_set(&sh->weight_all, sum.weight_all);
	sw32_set(&sh->weight_up, sum.weight_up);
	b->ck->ring_workers = true;
	b->built = loop_refresh(b->ck->loop);
	b->cost_ns = b->built.ns - start.ns;
	b->urgent = false;
	loop_timer_del(b->ck->loop, &b->rebuild);
}

static void
on_rebuild(struct loop_timer *t)
{
	struct backend *b =
	    (struct backend *)(void *)((char *)t - offsetof(struct backend, rebuild));

	sched_touch(b, true);
}

void
sched_init(struct backend *b)
{
	b->rebuild.cb = on_rebuild;
}

void
sched_touch(struct backend *b, bool urgent)
{
	b->urgent |= urgent;
	if (b->dirty)
		return;
	b->dirty = true;
	b->next_dirty = b->ck->dirty;
	b->ck->dirty = b;
}

void
sched_adopt(struct backend *b)
{
	struct shm_sched *sh = &shm_own_sched(b->ck->seg)[b->slot];

	if (sw32_get(&sh->epoch) != b->epoch) {
		/* A new backend: what is here belongs to none. The change from "none usable" is
		 * no down time. */
		sw64_set(&sh->changed_ns, (uint64_t)loop_now(b->ck->loop).ns);
		sw32_set(&sh->usable, 0);
		sw32_set(&sh->weight_up, 0);
		rebuild(b);
		sw64_set(&sh->downtime_ms, 0);
		sw32_set(&sh->chkdown, 0);
		sw32_set(&sh->chkdown_base, 0);
		sw32_set(&sh->epoch, b->epoch);
		return;
	}
	rebuild(b);
}

void
sched_drop_others(struct checker *ck)
{
	uint32_t n = sw32_get(&ck->seg->master->n_backends);

	for (uint32_t i = 0; i < n; i++) {
		struct shm_sched *sh = &shm_own_sched(ck->seg)[i];

		/* Workers still serve what was waiting at its frontends. */
		if (sw32_get(&shm_be_dir(ck->seg, i)->state) == SHM_DIR_LEAVING)
			continue;
		if (i < ck->gen->n_backend_slots && ck->gen->backend_by_slot[i] != NULL)
			continue;
		if (sw32_get(&sh->epoch) == 0 || sw32_get(&sh->total) == 0)
			continue;
		schedule_publish(ck->seg, i, NULL, 0, 0);
		sw32_set(&sh->usable, 0);
		sw32_set(&sh->weight_up, 0);
		sw32_set(&sh->weight_all, 0);
		sw32_set(&sh->total, 0);
		ck->ring_workers = ck->ring_vrrp = true;
	}
}

static void
ring(struct checker *ck)
{
	if (ck->ring_workers) {
		uint32_t n = sw32_get(&ck->seg->master->n_workers);

		for (uint32_t w = 0; w < n && w < SHM_MAX_WORKERS; w++)
			child_ring_worker(ck->child, w);
	}
	if (ck->ring_vrrp)
		child_ring_fd(ck->child->start.bells.vrrp);
	ck->ring_workers = ck->ring_vrrp = false;
}

/*
 * When the backend's schedule may be built again. A server that went is out at once by its usable
 * word, which workers look at before they use an entry; when thousands go together, their
 * schedules take a fifth of this process at most.
 */
static struct mono
due(const struct backend *b)
{
	int64_t gap = (int64_t)REBUILD_GAP_MS * 1000000;

	if (b->built.ns == 0)
		return b->built;
	if (b->urgent && b->cost_ns * 4 < gap)
		gap = b->cost_ns * 4;
	return mono_add_ns(b->built, gap);
}

void
sched_turn(struct checker *ck)
{
	while (ck->dirty != NULL) {
		struct backend *b = ck->dirty;
		struct mono at = due(b);

		ck->dirty = b->next_dirty;
		b->dirty = false;
		if (!mono_before(loop_refresh(ck->loop), at))
			rebuild(b);
		else if (!loop_timer_armed(&b->rebuild) || mono_before(at, b->rebuild.at))
			loop_timer_set(ck->loop, &b->rebuild, at);
	}
	ring(ck);
}
