/* SPDX-License-Identifier: ISC */
/* Rise and fall accounting; see risefall.h. */
#include "checker/risefall.h"

uint32_t
risefall_init(uint32_t rise, uint32_t fall, enum conf_init_state init)
{
	switch (init) {
	case CONF_INIT_FULLY_UP:
		return rise + fall - 1;
	case CONF_INIT_DOWN:
		return rise - 1; /* one pass is enough */
	case CONF_INIT_FULLY_DOWN:
		return 0;
	case CONF_INIT_UP:
		break;
	}
	return rise; /* up, but one failure is enough */
}

void
risefall_step(struct risefall *r, bool passed)
{
	if (passed) {
		if (r->counter < risefall_top(r))
			r->counter++;
		if (r->counter >= r->rise)
			r->counter = risefall_top(r);
		return;
	}
	if (r->counter > r->rise)
		r->counter--;
	else
		r->counter = 0;
}

void
risefall_rescale(struct risefall *r, uint32_t rise, uint32_t fall)
{
	struct risefall n = {.rise = rise, .fall = fall};

	if (r->rise == rise && r->fall == fall)
		return;
	if (risefall_up(r)) {
		uint32_t lost = risefall_top(r) - r->counter;

		n.counter = lost < fall ? risefall_top(&n) - lost : rise;
	} else {
		n.counter = r->counter < rise ? r->counter : rise - 1;
	}
	*r = n;
}

void
risefall_progress(const struct risefall *r, uint32_t *n, uint32_t *of)
{
	bool up = risefall_up(r);

	*n = up ? r->counter - r->rise + 1 : r->counter;
	*of = up ? r->fall : r->rise;
}
