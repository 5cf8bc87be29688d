/* SPDX-License-Identifier: ISC */
/* Limits as sums. A count is named by its offset in a worker's slot, the same in all slots. */
#include "shm/limit.h"

#include "shm/window.h"

#include <stddef.h>
#ifdef VIPD_SANITIZE
#include <stdlib.h>
#endif

#define AT_GLOBAL offsetof(struct shm_worker, held)
#define AT_MISC   offsetof(struct shm_worker, held_misc)
#define AT_WAIT   offsetof(struct shm_worker, held_wait)

static uint64_t
at_fe(const struct shm *s, uint32_t fe)
{
	return s->head->w_held_fe + fe * sizeof(struct sw32);
}

static uint64_t
at_be(const struct shm *s, uint32_t be)
{
	return s->head->w_held_be + be * sizeof(struct sw32);
}

static uint64_t
at_srv(const struct shm *s, uint32_t srv)
{
	return s->head->w_held_srv + srv * sizeof(struct sw32);
}

static uint32_t
sum(const struct shm *s, uint64_t at)
{
	uint32_t n = sw32_get(&s->master->n_workers), total = 0;

	for (uint32_t w = 0; w < n; w++)
		total += sw32_get_seq(SHM_AT(shm_worker(s, w), at, const struct sw32));
	return total;
}

static bool
take(const struct shm *s, uint64_t at, uint32_t limit, struct sw32 *max)
{
	struct sw32 *held = SHM_AT(s->own_worker, at, struct sw32);
	uint32_t had = sw32_get(held), total;

	sw32_set_seq(held, had + 1);
	total = sum(s, at);
	if (limit != 0 && total > limit) {
		sw32_set_seq(held, had);
		return false;
	}
	if (max != NULL && total > sw32_get(max))
		sw32_set(max, total);
	return true;
}

static void
release(const struct shm *s, uint64_t at)
{
	struct sw32 *held = SHM_AT(s->own_worker, at, struct sw32);
	uint32_t had = sw32_get(held);

	/* One release too many must not become four billion places held. */
	if (had == 0) {
#ifdef VIPD_SANITIZE
		abort();
#endif
		return;
	}
	sw32_set_seq(held, had - 1);
}

bool
limit_take_global(const struct shm *s, uint32_t limit)
{
	return take(s, AT_GLOBAL, limit, &s->own_worker->held_max);
}

bool
limit_take_misc(const struct shm *s)
{
	return take(s, AT_MISC, LIMIT_MISC, NULL);
}

bool
limit_take_wait(const struct shm *s)
{
	return take(s, AT_WAIT, LIMIT_WAIT, NULL);
}

bool
limit_take_fe(const struct shm *s, uint32_t fe, uint32_t limit)
{
	return take(s, at_fe(s, fe), limit, &SHM_OWN(s, s->own_worker, fe)[fe].cur_max);
}

bool
limit_take_be(const struct shm *s, uint32_t be, uint32_t limit)
{
	return take(s, at_be(s, be), limit, &SHM_OWN(s, s->own_worker, be)[be].cur_max);
}

bool
limit_take_srv(const struct shm *s, uint32_t srv, uint32_t limit)
{
	return take(s, at_srv(s, srv), limit, &SHM_OWN(s, s->own_worker, srv)[srv].cur_max);
}

void
limit_release_global(const struct shm *s)
{
	release(s, AT_GLOBAL);
}

void
limit_release_misc(const struct shm *s)
{
	release(s, AT_MISC);
}

void
limit_release_wait(const struct shm *s)
{
	release(s, AT_WAIT);
}

void
limit_release_fe(const struct shm *s, uint32_t fe)
{
	release(s, at_fe(s, fe));
}

void
limit_release_be(const struct shm *s, uint32_t be)
{
	release(s, at_be(s, be));
}

void
limit_release_srv(const struct shm *s, uint32_t srv)
{
	release(s, at_srv(s, srv));
}

uint32_t
limit_sum_global(const struct shm *s)
{
	return sum(s, AT_GLOBAL);
}

uint32_t
limit_sum_misc(const struct shm *s)
{
	return sum(s, AT_MISC);
}

uint32_t
limit_sum_fe(const struct shm *s, uint32_t fe)
{
	return sum(s, at_fe(s, fe));
}

uint32_t
limit_sum_be(const struct shm *s, uint32_t be)
{
	return sum(s, at_be(s, be));
}

uint32_t
limit_sum_srv(const struct shm *s, uint32_t srv)
{
	return sum(s, at_srv(s, srv));
}

bool
limit_room_global(const struct shm *s, uint32_t limit)
{
	return limit == 0 || limit_sum_global(s) < limit;
}

bool
limit_room_fe(const struct shm *s, uint32_t fe, uint32_t limit)
{
	return limit == 0 || limit_sum_fe(s, fe) < limit;
}

bool
limit_room_srv(const struct shm *s, uint32_t srv, uint32_t limit)
{
	return limit == 0 || limit_sum_srv(s, srv) < limit;
}

void
limit_want_global(const struct shm *s, bool want)
{
	struct sw32 *wants = &s->own_worker->wants;
	uint32_t other = sw32_get(wants) & ~(uint32_t)SHM_WANT_GLOBAL;

	sw32_set_seq(wants, want ? other | SHM_WANT_GLOBAL : other);
}

void
limit_want_fe(const struct shm *s, uint32_t fe, bool want)
{
	struct sw64 *word = &s->own_worker->wants_fe[fe / 64];
	uint64_t bit = UINT64_C(1) << (fe % 64), other = sw64_get(word) & ~bit;

	sw64_set_seq(word, want ? other | bit : other);
}

bool
limit_wait_global(const struct shm *s, uint32_t limit)
{
	limit_want_global(s, true);
	return limit_room_global(s, limit);
}

bool
limit_wait_fe(const struct shm *s, uint32_t fe, uint32_t limit)
{
	limit_want_fe(s, fe, true);
	return limit_room_fe(s, fe, limit);
}

uint32_t
limit_rate_of(const struct shm *s)
{
	uint32_t a = sw32_get(&s->master->conn_rate), b = sw32_get(&s->master->sess_rate);

	return a == 0 || (b != 0 && b < a) ? b : a;
}

bool
limit_rate_room_global(const struct shm *s, uint32_t per_second, struct mono now)
{
	return window_has_room(mw64_get(&s->shared->rate), per_second, now);
}

bool
limit_rate_room_fe(const struct shm *s, uint32_t fe, uint32_t per_second, struct mono now)
{
	return window_has_room(mw64_get(shm_rate(s, fe)), per_second, now);
}

bool
limit_rate_take_global(const struct shm *s, uint32_t per_second, struct mono now)
{
	return window_take(&s->shared->rate, per_second, now);
}

bool
limit_rate_take_fe(const struct shm *s, uint32_t fe, uint32_t per_second, struct mono now)
{
	return window_take(shm_rate(s, fe), per_second, now);
}

void
limit_rate_give_global(const struct shm *s, uint32_t per_second, struct mono then)
{
	window_give(&s->shared->rate, per_second, then);
}

void
limit_rate_give_fe(const struct shm *s, uint32_t fe, uint32_t per_second, struct mono then)
{
	window_give(shm_rate(s, fe), per_second, then);
}

static void
mend(struct mw64 *word)
{
	uint64_t old = mw64_get(word);

	if (window_is_ahead(old, mono_now()))
		mw64_cas(word, &old, 0);
}

void
limit_rates_mend(const struct shm *s)
{
	mend(&s->shared->rate);
	for (uint32_t i = 0; i < sw32_get(&s->master->n_frontends); i++)
		mend(shm_rate(s, i));
}

int64_t
limit_rate_pause_ms(uint32_t per_second)
{
	return per_second >= 1000 ? 1 : per_second <= 10 ? 100 : 1000 / per_second;
}

static bool
wants_global(const struct shm_worker *w, uint32_t arg)
{
	(void)arg;
	return (sw32_get_seq(&w->wants) & SHM_WANT_GLOBAL) != 0;
}

static bool
wants_fe(const struct shm_worker *w, uint32_t fe)
{
	return (sw64_get_seq(&w->wants_fe[fe / 64]) >> (fe % 64) & 1) != 0;
}

static uint32_t
next(const struct shm *s, bool (*wants)(const struct shm_worker *, uint32_t), uint32_t arg,
    uint32_t *turn)
{
	uint32_t n = sw32_get(&s->master->n_workers);

	for (uint32_t k = 1; k <= n; k++) {
		uint32_t w = (*turn + k) % n;

		if (wants(shm_worker(s, w), arg) && !shm_mask_has(s->master->absent, w)) {
			*turn = w;
			return w;
		}
	}
	return SHM_NONE;
}

uint32_t
limit_next_global(const struct shm *s, uint32_t *turn)
{
	return next(s, wants_global, 0, turn);
}

uint32_t
limit_next_fe(const struct shm *s, uint32_t fe, uint32_t *turn)
{
	return next(s, wants_fe, fe, turn);
}
