/* SPDX-License-Identifier: ISC */
/* Health -> band -> priority. Pure. */
#include "vrrp/band.h"

const char *
band_text(enum band b)
{
	static const char *const names[] = {
#define X(name, text) text,
	    BAND_NAMES(X)
#undef X
	};

	return b < BAND_COUNT ? names[b] : "?";
}

enum band
band_of_facts(const struct band_facts *f)
{
	if (!f->workers)
		return BAND_DEAD;
	if (f->total == 0)
		return BAND_GOOD;
	if (f->stale)
		return BAND_DEGRADED;
	if (f->usable == 0)
		return BAND_DEAD;
	return f->usable < f->total || f->weight_up < f->weight_all ? BAND_DEGRADED : BAND_GOOD;
}

enum band
band_hold_step(struct band_hold *h, enum band raw, struct mono now,
    const struct band_holds_cfg *cfg, struct mono *again)
{
	int64_t hold;

	*again = MONO_NEVER;
	if (!h->known || raw == h->shown || raw == BAND_DEAD) {
		*h = (struct band_hold){.known = true, .shown = raw, .pending = raw};
		return raw;
	}
	hold = raw > h->shown ? cfg->rise_ns : cfg->degrade_ns;
	/* degraded -> good within the hold of dead -> degraded: both are improvements, one clock.
	 */
	if (h->pending == h->shown || (raw > h->shown) != (h->pending > h->shown))
		h->since = now;
	h->pending = raw;
	if (now.ns - h->since.ns >= hold) {
		h->shown = raw;
		return raw;
	}
	*again = mono_add_ns(h->since, hold);
	return h->shown;
}

uint8_t
band_priority(enum band b, uint8_t base)
{
	return (uint8_t)(80 * (int)b + (base + 3) / 4);
}

enum band
band_of_priority(uint8_t priority)
{
	return priority > 144 ? BAND_GOOD : priority > 64 ? BAND_DEGRADED : BAND_DEAD;
}

uint8_t
band_weights_priority(uint8_t base, int sum)
{
	int p = base + sum;

	if (base == 255)
		return base;
	return (uint8_t)(p < 1 ? 1 : p > 254 ? 254 : p);
}
