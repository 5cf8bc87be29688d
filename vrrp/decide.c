/* SPDX-License-Identifier: ISC */
/*
 * The decision, pure: a table of roles and inputs gives the handler; only handlers change the
 * state. Rule numbers are those of failover-logic.md.
 */
#include "vrrp/decide_part.h"

#define NAMES(list, fn, type, count)                                     \
	const char *fn(type v)                                           \
	{                                                                \
		static const char *const names[] = {list(X)};            \
                                                                         \
		return (unsigned)v < (unsigned)(count) ? names[v] : "?"; \
	}
#define X(name) #name,
NAMES(DECIDE_ROLES, decide_role_text, enum decide_role, DECIDE_ROLE_COUNT)
NAMES(DECIDE_INPUTS, decide_input_text, enum decide_input, DECIDE_INPUT_COUNT)
NAMES(DECIDE_ACTIONS, decide_do_text, enum decide_do, DECIDE_DO_COUNT)
#undef X
#define X(name, text) text,
NAMES(DECIDE_REASONS, decide_reason_text, enum decide_reason, DECIDE_WHY_COUNT)
NAMES(DECIDE_ALARMS, decide_alarm_text, enum decide_alarm, DECIDE_ALARM_COUNT)
#undef X

/* ---- the table ------------------------------------------------------------- */

typedef void handler(struct ctx *);

/* What is not here is ignored in that role. */
static handler *const table[DECIDE_ROLE_COUNT][DECIDE_INPUT_COUNT] = {
    /* clang-format off */
    [DECIDE_INIT] = {
	[DECIDE_IN_START] = part_start,
	[DECIDE_IN_READY] = part_begin,
	[DECIDE_IN_TIMER] = part_init_timer,
	[DECIDE_IN_ADVERT] = part_init_advert,
	[DECIDE_IN_HEALTH] = part_take_health,
	[DECIDE_IN_LINK] = part_take_link,
	[DECIDE_IN_FAULT] = part_take_fault,
	[DECIDE_IN_CONFIG] = part_take_config,
	[DECIDE_IN_STOP] = part_stop_now,
    },
    [DECIDE_BACKUP] = {
	[DECIDE_IN_TIMER] = part_backup_timer,
	[DECIDE_IN_ADVERT] = part_backup_advert,
	[DECIDE_IN_HEALTH] = part_backup_health,
	[DECIDE_IN_LINK] = part_backup_link,
	[DECIDE_IN_FAULT] = part_backup_fault,
	[DECIDE_IN_HOLDER] = part_backup_holder,
	[DECIDE_IN_FRESH] = part_backup_fresh,
	[DECIDE_IN_JOIN] = part_backup_join,
	[DECIDE_IN_ALIVE] = part_backup_alive,
	[DECIDE_IN_CONFIG] = part_take_config,
	[DECIDE_IN_STOP] = part_stop_now,
    },
    [DECIDE_MASTER] = {
	[DECIDE_IN_TIMER] = part_master_timer,
	[DECIDE_IN_ADVERT] = part_master_advert,
	[DECIDE_IN_HEALTH] = part_master_health,
	[DECIDE_IN_LINK] = part_master_link,
	[DECIDE_IN_FAULT] = part_holder_fault,
	[DECIDE_IN_HOLDER] = part_master_holder,
	[DECIDE_IN_CONFIG] = part_master_config,
	[DECIDE_IN_RELEASE] = part_master_release,
	[DECIDE_IN_PART] = part_master_part,
	[DECIDE_IN_STOP] = part_master_stop,
	[DECIDE_IN_SENT] = part_sent,
    },
    [DECIDE_RESIGN] = {
	[DECIDE_IN_TIMER] = part_resign_timer,
	[DECIDE_IN_ADVERT] = part_resign_advert,
	[DECIDE_IN_HEALTH] = part_take_health,
	[DECIDE_IN_LINK] = part_resign_link,
	[DECIDE_IN_FAULT] = part_holder_fault,
	[DECIDE_IN_CONFIG] = part_take_config,
	[DECIDE_IN_STOP] = part_resign_stop,
    },
    [DECIDE_LEAVE] = {
	[DECIDE_IN_TIMER] = part_leave_timer,
	[DECIDE_IN_ADVERT] = part_leave_advert,
	[DECIDE_IN_HEALTH] = part_take_health,
	[DECIDE_IN_LINK] = part_take_link,
	[DECIDE_IN_FAULT] = part_take_fault,
	[DECIDE_IN_DRAINED] = part_leave_drained,
	[DECIDE_IN_CONFIG] = part_take_config,
	[DECIDE_IN_STOP] = part_note_stop,
    },
    [DECIDE_FAULT] = {
	[DECIDE_IN_HEALTH] = part_take_health,
	[DECIDE_IN_LINK] = part_fault_link,
	[DECIDE_IN_FAULT] = part_fault_fault,
	[DECIDE_IN_CONFIG] = part_take_config,
	[DECIDE_IN_STOP] = part_stop_now,
    },
    /* clang-format on */
};

int64_t
decide_lifetime_ns(const struct decide_cfg *cfg)
{
	return 9 * cfg->interval_ns + 2 * S;
}

void
decide_init(struct decide *d, const struct decide_cfg *cfg)
{
	*d = (struct decide){.cfg = *cfg,
	    .role = DECIDE_INIT,
	    .priority = cfg->base,
	    .interval_ns = cfg->interval_ns,
	    .deadline = MONO_NEVER,
	    .startup_until = MONO_NEVER,
	    .probe_at = MONO_NEVER};
}

void
decide_step(struct decide *d, const struct decide_in *in, struct decide_out *out)
{
	struct ctx c = {d, in, out};

	out->n = 0;
	/* A lease that is over is seen before anything else, whatever woke us. */
	if (d->role == DECIDE_MASTER && in->kind != DECIDE_IN_SENT && in->kind != DECIDE_IN_LINK)
		part_master_lease(&c);
	if (d->role == DECIDE_RESIGN && in->kind != DECIDE_IN_LINK)
		part_resign_lease(&c);
	if (d->role == DECIDE_LEAVE && !mono_before(in->now, d->settle_until))
		part_drain(&c);
	if (d->role == DECIDE_LEAVE && !mono_before(in->now, d->drain_until))
		part_leave_done(&c);
	if (table[d->role][in->kind] != NULL)
		table[d->role][in->kind](&c);
}

struct mono
decide_next(const struct decide *d)
{
	switch (d->role) {
	case DECIDE_INIT:
		return d->startup_until;
	case DECIDE_BACKUP:
		return mono_min(mono_min(d->deadline, d->probe_at),
		    mono_min(d->asked ? d->fresh_until : MONO_NEVER,
			d->last_left > 0 ? d->last_at : MONO_NEVER));
	case DECIDE_MASTER:
		return d->unsure ? d->unsure_until : mono_min(d->deadline, d->watch_at);
	case DECIDE_RESIGN:
		return d->resign_until;
	case DECIDE_LEAVE:
		return mono_min(d->settle_until, d->drain_until);
	default:
		return MONO_NEVER;
	}
}

void
decide_save(const struct decide *d, struct decide_saved *s)
{
	*s = (struct decide_saved){.role = d->role,
	    .lease = d->lease,
	    .holds = decide_holds(d),
	    .released = d->released,
	    .backoff = d->backoff,
	    .backoff_at = d->backoff_at};
	for (int i = 0; i < DECIDE_MOVES; i++)
		s->moves[i] = d->moves[i];
}
