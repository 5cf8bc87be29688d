/* SPDX-License-Identifier: ISC */
/* What the service manager shows; a summary over the segment, never per session or server. */
#include "master/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "master/master.h"
#include "master/notify.h"
#include "shm/role.h"

#define LOOK_MS 1000

struct text {
	char *buf;
	size_t size, len;
};

static void __attribute__((format(printf, 2, 3))) add(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->buf + t->len, t->size - t->len, fmt, ap);
	va_end(ap);
	if (n > 0)
		t->len += (size_t)n < t->size - t->len ? (size_t)n : t->size - t->len - 1;
}

static void
add_roles(struct text *t, const struct shm_vrrp *v)
{
	unsigned n = 0, masters = 0, faults = 0;

	for (uint32_t i = 0; i < sw32_get(&v->n_routers) && i < SHM_MAX_ROUTERS; i++) {
		uint32_t role = sw32_get(&v->routers[i].role);

		if (sw32_get(&v->routers[i].used) == 0)
			continue;
		n++;
		masters += role == SHM_ROLE_MASTER;
		faults += role == SHM_ROLE_FAULT;
	}
	if (n == 0)
		return;
	add(t, "MASTER of %u of %u virtual router%s", masters, n, n == 1 ? "" : "s");
	if (faults > 0)
		add(t, " (%u FAULT)", faults);
	add(t, "; ");
}

struct health {
	unsigned up, total;
	unsigned dark, spare; /* backends without a server; on backups */
	const char *name;     /* of a dark one */
};

static void
look_backend(struct health *h, const struct shm *s, uint32_t be)
{
	const struct shm_be_dir *d = shm_be_dir(s, be);
	const struct shm_sched *sched = shm_sched(s, be);
	uint32_t total, usable;

	/* Before the checker's first look nothing is known of it. */
	if (sw32_get(&d->state) != SHM_DIR_USED || sw32_get(&sched->epoch) != sw32_get(&d->epoch))
		return;
	total = sw32_get(&sched->total);
	usable = sw32_get(&sched->usable);
	h->total += total;
	if (total > 0 && usable == 0) {
		h->dark++;
		h->name = d->name;
	}
	if (sw32_get(&sched->on_backup) && sw32_get(&sched->weight_up) == 0) {
		h->spare++;
		usable = 0;
	}
	h->up += usable < total ? usable : total;
}

static void
add_health(struct text *t, const struct shm *s)
{
	struct health h = {0};

	for (uint32_t i = 0; i < sw32_get(&s->master->n_backends) && i < s->caps->backends; i++)
		look_backend(&h, s, i);
	if (h.total > 0)
		add(t, "%u of %u server%s up; ", h.up, h.total, h.total == 1 ? "" : "s");
	if (h.dark == 1)
		add(t, "backend %.*s has no server; ", SHM_NAME, h.name);
	else if (h.dark > 1)
		add(t, "%u backends have no server; ", h.dark);
	if (h.spare > 0)
		add(t, "%u backend%s on backup servers; ", h.spare, h.spare == 1 ? "" : "s");
}

void
status_text(const struct shm *s, char *buf, size_t size)
{
	struct text t = {.buf = buf, .size = size};

	buf[0] = '\0';
	add_roles(&t, s->vrrp);
	add_health(&t, s);
	add(&t, "generation %llu", (unsigned long long)sw64_get(&s->master->generation));
	if (sw32_get(&s->master->refused))
		add(&t, "; the last reload was refused");
	if (sw32_get(&s->master->maintenance))
		add(&t, "; maintenance");
	if (sw32_get(&s->master->degraded))
		add(&t, "; degraded: processes die again and again");
}

static struct {
	char text[STATUS_TEXT]; /* that was told last */
	struct mono next;
} told;

void
status_ready(const struct master *m)
{
	if (!notify_wanted())
		return;
	status_text(&m->seg, told.text, sizeof(told.text));
	notify_send("READY=1\nSTATUS=%s\nMAINPID=%d\n", told.text, (int)getpid());
	told.next = mono_add_ms(mono_now(), LOOK_MS);
}

void
status_tick(const struct master *m)
{
	char text[STATUS_TEXT];

	if (!notify_wanted() || !m->ready || m->stopping ||
	    mono_before(loop_now(m->loop), told.next))
		return;
	told.next = mono_add_ms(loop_now(m->loop), LOOK_MS);
	status_text(&m->seg, text, sizeof(text));
	if (strcmp(text, told.text) == 0)
		return;
	memcpy(told.text, text, sizeof(text));
	notify_send("STATUS=%s\n", text);
}
