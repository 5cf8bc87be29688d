/* SPDX-License-Identifier: ISC */
/*
 * Reload: read, check, open what is new, then a round over all children. Any failure keeps the
 * configuration in force, with its message. No process is replaced.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/diff.h"
#include "lib/log.h"
#include "master/host.h"
#include "master/master.h"
#include "master/notify.h"
#include "master/secret.h"
#include "master/status.h"
#include "shm/event.h"
#include "shm/target.h"

static void
summary(const struct master *m, char *buf, size_t size)
{
	snprintf(buf, size, "generation %llu: %zu frontends, %zu backends, %u workers",
	    (unsigned long long)m->gen->number, m->gen->conf->n_frontends, m->gen->conf->n_backends,
	    m->wanted);
}

void
reload_refused(struct master *m, const char *reason)
{
	sw64_add(&m->seg.own_master->reloads_failed, 1);
	log_err("reload refused, the configuration in force stays: %s", reason);
	report_add(m, "refused, the configuration in force stays: %s", reason);
	event_add(&m->seg, EVENT_CONFIG, (uint32_t)m->gen->number, "reload refused: %s", reason);
	sw32_set(&m->seg.own_master->refused, 1);
	status_ready(m);
	requests_reload_over(m, false);
}

static void
messages_log(struct master *m, const struct conf_msgs *msgs)
{
	for (size_t i = 0; i < msgs->n; i++) {
		const struct conf_msg *v = &msgs->v[i];
		bool error = v->severity == CONF_ERROR;
		char place[512] = "";

		if (v->where.file != NULL)
			snprintf(place, sizeof(place), "%s:%u: ", v->where.file, v->where.line);
		log_at(error ? LOG_ERR : LOG_WARNING, "%s%s", place, v->text);
		report_add(m, "%s%s: %s", place, error ? "error" : "warning", v->text);
	}
}

static struct conf *
reload_read(struct master *m)
{
	struct conf_msgs msgs = {0};
	struct host host;
	struct conf *c;

	host_find(&host, m->opt.host);
	c = conf_read_file(m->opt.file, &host.conf, &msgs);
	if (c != NULL && m->opt.demo)
		demo_replace(c);
	if (c != NULL)
		secrets_look(c, &msgs);
	if (c != NULL)
		scripts_check(c, CONF_ERROR, &msgs);
	if (msgs.n_errors > 0) {
		conf_free(c);
		c = NULL;
	}
	messages_log(m, &msgs);
	conf_msgs_free(&msgs);
	host_free(&host);
	return c;
}

/* Children keep the limits that they were forked with. */
static void
maxconn_look(const struct master *m, const struct conf *c)
{
	uint64_t need = (uint64_t)c->global.maxconn * 2 + 200;

	if (c->global.maxconn != m->gen->conf->global.maxconn && need > m->nofile)
		log_warning("maxconn %u needs %llu descriptors, only %llu are allowed since the "
			    "start: lower maxconn, or restart with a higher limit",
		    c->global.maxconn, (unsigned long long)need, (unsigned long long)m->nofile);
}

static void
reload_with(struct master *m, struct conf *c)
{
	struct listener_error err = {.text = ""};
	struct listener *opened = NULL;
	struct generation *g;
	char reason[512] = "";
	struct wants *w = &m->round.wants;
	unsigned n;
	int r;

	directory_reap(m); /* what the reload before has left is room for this one */
	if (conf_diff_refused(m->gen->conf, c, reason, sizeof(reason))) {
		reload_refused(m, reason);
		conf_free(c);
		return;
	}
	if (wants_nothing(c) && !wants_nothing(m->gen->conf)) {
		reload_refused(m, "it has no frontend and no vrrp instance: nothing to serve");
		conf_free(c);
		return;
	}
	n = wants_workers(c);
	if (workers_prepare(m, n, reason, sizeof(reason)) == -1) {
		reload_refused(m, reason);
		conf_free(c);
		return;
	}
	maxconn_look(m, c);
	g = generation_new(m, c, reason, sizeof(reason));
	if (g == NULL) {
		reload_refused(m, reason);
		return;
	}
	g->workers = n;
	r = wants_listeners(w, m, c, &err);
	if (r == 0)
		r = listener_open_all(&opened, w->v, w->n, m->listeners, n, g->number, &err);
	if (r == -1 || directory_prepare(m, c, g->number, reason, sizeof(reason)) == -1) {
		directory_abort(m, g->number);
		listener_free_all(opened);
		listener_shed_all(m->listeners);
		wants_free(w);
		reload_refused(m, reason[0] != '\0'     ? reason
				  : err.text[0] != '\0' ? err.text
							: "see the message before");
		generation_free(g);
		return;
	}
	/* Its first configuration is this one: it may refuse it (a key of HMAC, say). */
	if (c->vrrp.n_routers > 0 && m->vrrp.state == PROCESS_NONE && master_spawn_vrrp(m, c) == -1)
		process_retry(&m->vrrp);
	round_begin(m, g, opened, false);
}

void
reload_start(struct master *m)
{
	struct conf *c;

	if (m->stopping)
		return;
	if (!m->ready || m->round.phase != ROUND_NONE) {
		m->reload_again = true;
		return;
	}
	log_notice("reload: reading %s", m->opt.file);
	report_begin(m);
	notify_reloading();
	c = reload_read(m);
	if (c == NULL) {
		reload_refused(m, "it has errors");
		return;
	}
	reload_with(m, c);
}

struct changes {
	struct master *m;
	unsigned n;
};

static void
change_log(void *ctx, const char *text)
{
	struct changes *c = ctx;

	if (c->n++ < 100)
		log_notice("reload: %s", text);
	report_add(c->m, "%s", text);
}

/* Addresses that commands had set are gone where the file now says another one: it wins. */
static void
addresses_given_up(struct master *m, struct changes *c)
{
	const struct shm *s = &m->seg;
	char text[2 * SHM_NAME + 2 * SHM_ADDR + 64], was[SHM_ADDR];

	for (uint32_t i = 0; i < sw32_get(&s->master->n_servers); i++) {
		const struct shm_srv_dir *d = shm_srv_dir(s, i);
		const struct shm_be_dir *be = shm_be_dir(s, sw32_get(&d->backend));
		uint32_t k = conf_find_backend(m->gen->conf, be->name);

		target_text(s, i, was);
		if (sw32_get(&d->state) == SHM_DIR_USED || k == CONF_NONE ||
		    sw64_get(&d->left_gen) != m->gen->number || strcmp(was, d->addr) == 0)
			continue;
		for (size_t v = 0; v < m->gen->conf->backends[k].n_servers; v++) {
			const struct conf_server *n = &m->gen->conf->backends[k].servers[v];

			if (strcmp(n->name, d->name) != 0)
				continue;
			snprintf(text, sizeof(text),
			    "server %s/%s: address %s, set by a command, is given up: the file "
			    "changed it to %s",
			    be->name, n->name, was, n->address);
			change_log(c, text);
		}
	}
}

/* All have committed what replaces old, or the program is up (NULL). */
void
reload_done(struct master *m, struct generation *old)
{
	char text[160];
	struct changes c = {.m = m};

	summary(m, text, sizeof(text));
	if (old != NULL) {
		conf_diff(old->conf, m->gen->conf, change_log, &c);
		addresses_given_up(m, &c);
		sw64_add(&m->seg.own_master->reloads, 1);
		report_add(m, "%u changes; %s", c.n, text);
		event_log(&m->seg, LOG_NOTICE, EVENT_CONFIG, (uint32_t)m->gen->number,
		    "reloaded: %u changes; %s", c.n, text);
	} else {
		log_notice("ready: %s", text);
		start_ready(m);
	}
	sw32_set(&m->seg.own_master->refused, 0);
	status_ready(m);
}
