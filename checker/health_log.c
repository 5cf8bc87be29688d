/* SPDX-License-Identifier: ISC */
/* Log lines of health; see health_log.h. */
#include "checker/health_log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/log.h"
#include "shm/event.h"

#define TEXT_MAX 384

/* One line to the log and, for "show events", to this process's ring. */
static void __attribute__((format(printf, 3, 4)))
say(const struct server *s, enum log_level level, const char *fmt, ...)
{
	char line[TEXT_MAX * 2];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	event_log(s->ck->seg, level, EVENT_SERVER, s->slot, "%s", line);
}

/* "reason: Layer7 wrong status, code: 503, info: "...", check duration: 3ms" */
static void
format_reason(
    char *out, size_t size, uint32_t status, uint32_t code, const char *desc, uint32_t duration_ms)
{
	char c[32] = "", info[PROBE_DESC + 16] = "";

	if (code != 0)
		snprintf(c, sizeof(c), ", code: %" PRIu32, code);
	if (desc[0] != '\0')
		snprintf(info, sizeof(info), ", info: \"%s\"", desc);
	snprintf(out, size, "reason: %s%s%s, check duration: %" PRIu32 "ms",
	    check_status_text(status), c, info, duration_ms);
}

static uint32_t
count_usable(const struct backend *b, bool backup)
{
	uint32_t n = 0;

	for (size_t i = 0; i < b->n_servers; i++)
		n +=
		    b->servers[i].conf->backup == backup && sw32_get(&b->servers[i].h->usable) != 0;
	return n;
}

/* Sessions on the server and waiting for its backend, over all workers. */
static void
count_sessions(const struct server *s, uint32_t *held, uint32_t *waiting)
{
	const struct shm *seg = s->ck->seg;
	uint32_t n = sw32_get(&seg->master->n_workers);

	*held = *waiting = 0;
	for (uint32_t w = 0; w < n && w < seg->caps->workers; w++) {
		const struct shm_worker *k = shm_worker(seg, w);

		*held += sw32_get(&shm_held_srv(seg, k)[s->slot]);
		*waiting += sw32_get(&shm_queue(seg, k)[s->backend->slot].waiting);
	}
}

void
health_log_change(const struct server *s, enum health_log what)
{
	const char *b = s->backend->conf->name, *name = s->conf->name;
	uint32_t active = count_usable(s->backend, false), held, waiting;
	uint32_t backup = count_usable(s->backend, true);
	char why[TEXT_MAX] = "";

	count_sessions(s, &held, &waiting);
	if (what == HEALTH_LOG_COMMAND_UP || what == HEALTH_LOG_COMMAND_DOWN)
		snprintf(why, sizeof(why), "set by command");
	else if (sw64_get(&s->h->last_probe_ns) != 0)
		format_reason(why, sizeof(why), sw32_get(&s->h->status), sw32_get(&s->h->code),
		    s->h->desc, sw32_get(&s->h->duration_ms));
	switch (what) {
	case HEALTH_LOG_DOWN:
	case HEALTH_LOG_COMMAND_DOWN:
		say(s, LOG_ALERT,
		    "Server %s/%s is DOWN%s%s. %" PRIu32 " active and %" PRIu32
		    " backup servers left. %" PRIu32 " sessions active, 0 requeued, %" PRIu32
		    " remaining in queue.",
		    b, name, why[0] != '\0' ? ", " : "", why, active, backup, held, waiting);
		break;
	case HEALTH_LOG_MAINT:
		say(s, LOG_WARNING,
		    "Server %s/%s is going DOWN for maintenance. %" PRIu32 " active and %" PRIu32
		    " backup servers left. %" PRIu32 " sessions active, 0 requeued, %" PRIu32
		    " remaining in queue.",
		    b, name, active, backup, held, waiting);
		break;
	case HEALTH_LOG_LEFT_MAINT:
		say(s, LOG_NOTICE, "Server %s/%s is UP/READY (leaving maintenance).", b, name);
		break;
	case HEALTH_LOG_UP:
	case HEALTH_LOG_COMMAND_UP:
		say(s, LOG_NOTICE,
		    "Server %s/%s is UP%s%s. %" PRIu32 " active and %" PRIu32
		    " backup servers online. 0 sessions requeued, %" PRIu32 " total in queue.",
		    b, name, why[0] != '\0' ? ", " : "", why, active, backup, waiting);
		break;
	}
}

void
health_log_stopping(const struct server *s)
{
	say(s, LOG_WARNING, "Server %s/%s is stopping, set by command: no new sessions.",
	    s->backend->conf->name, s->conf->name);
}

void
health_log_probe(const struct server *s, const struct probe_result *r, uint32_t last,
    const struct risefall *before, const struct risefall *after)
{
	const char *how = check_status_passed(r->status) ? "succeeded" : "failed";
	char why[TEXT_MAX], line[TEXT_MAX * 2];
	uint32_t n, of;

	if (last == r->status && before->counter == after->counter)
		return;
	format_reason(why, sizeof(why), r->status, r->code, r->desc, r->duration_ms);
	risefall_progress(after, &n, &of);
	snprintf(line, sizeof(line),
	    "Health check for server %s/%s %s, %s, status: %" PRIu32 "/%" PRIu32 " %s%s.",
	    s->backend->conf->name, s->conf->name, how, why, n, of,
	    risefall_up(after) ? "UP" : "DOWN",
	    r->own_fault ? " (not counted: no fault of the server)" : "");
	/* Another result than before is an event; its repetition only counts. */
	if (last != r->status)
		say(s, LOG_NOTICE, "%s", line);
	else
		log_line_fields(LOG_NOTICE, line, strlen(line),
		    (const struct log_field[]){{"kind", "server", 0}, {"server", s->conf->name, 0},
			{"backend", s->backend->conf->name, 0}},
		    3);
}

void
health_log_admin(const struct server *s, uint32_t old, uint32_t admin)
{
	const char *b = s->backend->conf->name, *name = s->conf->name;
	const uint32_t drain = SHM_ADMIN_FDRAIN | SHM_ADMIN_IDRAIN;
	const uint32_t maint = SHM_ADMIN_FMAINT | SHM_ADMIN_IMAINT;

	if ((old & drain) == 0 && (admin & drain) != 0)
		say(s, LOG_WARNING, "Server %s/%s enters drain state.", b, name);
	else if ((old & drain) != 0 && (admin & drain) == 0 && (admin & maint) == 0)
		say(s, LOG_NOTICE, "Server %s/%s leaves drain state.", b, name);
	if (sw32_get(&s->h->oper) != SHM_OPER_STOPPED)
		return;
	if ((old & maint) == 0 && (admin & maint) != 0)
		say(s, LOG_WARNING, "Server %s/%s was DOWN and now enters maintenance.", b, name);
	if ((old & maint) != 0 && (admin & maint) == 0 &&
	    sw32_get(&s->h->counter) < sw32_get(&s->h->rise))
		say(s, LOG_NOTICE, "Server %s/%s is DOWN (leaving maintenance).", b, name);
}
