/* SPDX-License-Identifier: ISC */
#include "tests/lib/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S 1000000000ull

struct shm_worker *
fixture_worker(const struct shm *s, unsigned w)
{
	return SHM_AT(shm_worker(s, w), 0, struct shm_worker);
}

struct shm_health *
fixture_health(const struct shm *s, uint32_t srv)
{
	return SHM_AT(shm_health(s, srv), 0, struct shm_health);
}

struct shm_sched *
fixture_sched(const struct shm *s, uint32_t be)
{
	return SHM_AT(shm_sched(s, be), 0, struct shm_sched);
}

struct shm_checker *
fixture_checker(const struct shm *s)
{
	return SHM_AT(s->checker, 0, struct shm_checker);
}

uint32_t
fixture_frontend(const struct shm *s, const char *name, uint32_t id, bool http)
{
	uint32_t i = sw32_get(&s->master->n_frontends);
	struct shm_fe_dir *d = &shm_own_fe_dir(s)[i];

	sw32_set(&d->epoch, 1);
	sw32_set(&d->id, id);
	sw32_set(&d->mode, http);
	snprintf(d->name, sizeof(d->name), "%s", name);
	for (unsigned w = 0; w < 2; w++)
		sw32_set(&SHM_OWN(s, fixture_worker(s, w), fe)[i].epoch, 1);
	sw32_set(&d->state, SHM_DIR_USED);
	sw32_set(&s->own_master->n_frontends, i + 1);
	return i;
}

uint32_t
fixture_backend(const struct shm *s, const char *name, uint32_t id)
{
	uint32_t i = sw32_get(&s->master->n_backends);
	struct shm_be_dir *d = &shm_own_be_dir(s)[i];

	sw32_set(&d->epoch, 1);
	sw32_set(&d->id, id);
	snprintf(d->name, sizeof(d->name), "%s", name);
	for (unsigned w = 0; w < 2; w++)
		sw32_set(&SHM_OWN(s, fixture_worker(s, w), be)[i].epoch, 1);
	sw32_set(&fixture_sched(s, i)->epoch, 1);
	sw32_set(&d->state, SHM_DIR_USED);
	sw32_set(&s->own_master->n_backends, i + 1);
	return i;
}

uint32_t
fixture_server(const struct shm *s, uint32_t be, const char *name, uint32_t id, const char *addr)
{
	uint32_t i = sw32_get(&s->master->n_servers);
	struct shm_srv_dir *d = &shm_own_srv_dir(s)[i];
	struct shm_health *h = fixture_health(s, i);

	sw32_set(&d->epoch, 1);
	sw32_set(&d->id, id);
	sw32_set(&d->backend, be);
	snprintf(d->name, sizeof(d->name), "%s", name);
	snprintf(d->addr, sizeof(d->addr), "%s", addr);
	for (unsigned w = 0; w < 2; w++)
		sw32_set(&SHM_OWN(s, fixture_worker(s, w), srv)[i].epoch, 1);
	sw32_set(&h->epoch, 1);
	sw32_set(&h->oper, SHM_OPER_RUNNING);
	sw32_set(&h->usable, 1);
	sw32_set(&h->uweight, 1);
	sw32_set(&h->eweight, 256);
	sw32_set(&h->maxconn, SHM_NONE);
	sw32_set(&h->conf_weight, 1);
	sw32_set(&d->state, SHM_DIR_USED);
	sw32_set(&s->own_master->n_servers, i + 1);
	sw32_add(&fixture_sched(s, be)->total, 1);
	return i;
}

static void
make_master(const struct shm *s)
{
	struct shm_master *m = s->own_master;

	sw32_set(&m->pid, 100);
	sw32_set(&m->n_workers, 2);
	sw32_set(&m->wanted, 2);
	sw64_set(&m->generation, 3);
	sw64_set(&m->started_ns, 900 * S);
	sw64_set(&m->started_wall_us, 1700000000ull * 1000000);
	sw32_set(&m->maxconn, 2000);
	sw32_set(&m->nofile, 4096);
	sw64_set(&m->reloads, 2);
	sw64_set(&m->reloads_failed, 1);
	snprintf(m->node, sizeof(m->node), "ha1");
	sw64_set(&m->live[0], 3);
	for (unsigned w = 0; w < 2; w++) {
		sw32_set(&m->workers[w].pid, 101 + w);
		sw32_set(&m->workers[w].state, SHM_PROC_READY);
		sw64_set(&m->workers[w].started_ns, (900 + 10 * w) * S);
		sw64_set(&m->workers[w].generation, 3);
	}
	sw32_set(&m->workers[1].respawns, 1);
	sw32_set(&m->workers[1].last_status, 9);
	sw32_set(&m->checker.pid, 103);
	sw32_set(&m->checker.state, SHM_PROC_READY);
	sw64_set(&m->checker.started_ns, 900 * S);
	sw64_set(&m->checker.generation, 3);
}

/* Numbers of worker w: the ones of worker 1 are ten times those of worker 0. */
static void
make_worker(const struct shm *s, unsigned w)
{
	struct shm_worker *own = fixture_worker(s, w);
	struct shm_fe_count *fe = SHM_OWN(s, own, fe);
	struct shm_be_count *be = SHM_OWN(s, own, be);
	struct shm_srv_count *srv = SHM_OWN(s, own, srv);
	uint32_t k = w == 0 ? 1 : 10; /* words of 32 bits */
	uint64_t q = k;               /* of 64 */

	sw32_set(&own->pid, 101 + w);
	sw32_set(&own->held, 3 * k);
	sw32_set(&own->held_max, 30 + w);
	sw32_set(&own->held_misc, 1);
	sw64_set(&own->cum_conn, 1000 * q);
	sw64_set(&own->cum_req, 5 * q);
	sw64_set(&own->bytes_out, 7000 * q);
	sw64_set(&own->spliced, 600 * q);
	sw32_set(&SHM_OWN(s, own, held_fe)[0], 3 * k);
	sw32_set(&fe[0].cur_max, 40 + w);
	sw64_set(&fe[0].sess, 11 * q);
	sw64_set(&fe[0].bytes_in, 12 * q);
	sw64_set(&fe[0].bytes_out, 13 * q);
	sw64_set(&fe[0].denied, 14 * q);
	sw64_set(&fe[0].rate.sec, 1000);
	sw32_set(&fe[0].rate.cur, 2 * k);
	sw32_set(&fe[0].rate.prev, 4 * k);
	sw32_set(&fe[0].rate.max, 9 * k);
	sw64_set(&fe[1].req, 15 * q);
	sw64_set(&fe[1].req_err, 16 * q);
	for (uint64_t i = 0; i < 6; i++)
		sw64_set(&fe[1].rsp[i], (20 + i) * q);
	sw64_set(&fe[1].intercepted, 17 * q);
	sw32_set(&SHM_OWN(s, own, held_be)[0], 2 * k);
	sw32_set(&SHM_OWN(s, own, queue)[0].waiting, k);
	sw32_set(&be[0].cur_max, 50 + w);
	sw64_set(&be[0].sess, 31 * q);
	sw64_set(&be[0].bytes_in, 32 * q);
	sw64_set(&be[0].bytes_out, 33 * q);
	sw64_set(&be[0].econ, 34 * q);
	sw64_set(&be[0].eresp, 35 * q);
	sw64_set(&be[0].wretr, 36 * q);
	sw64_set(&be[0].wredis, 37 * q);
	sw64_set(&be[0].cli_abrt, 38 * q);
	sw64_set(&be[0].srv_abrt, 39 * q);
	sw64_set(&be[0].lbtot, 40 * q);
	sw32_set(&be[0].queue_max, 60 + w);
	sw32_set(&be[0].q_ms_max, 70 + w);
	sw32_set(&be[0].c_ms_max, 80 - w);
	sw32_set(&be[0].t_ms_max, 90 + w);
	sw64_set(&be[0].last_ns, (990 + w) * S);
	sw64_set(&be[0].q_ms, 100 * q);
	sw64_set(&be[0].c_ms, 200 * q);
	sw64_set(&be[0].t_ms, 4000 * q);
	sw64_set(&be[0].timed, 10 * q);
	for (uint64_t i = 0; i < 3; i++) {
		sw32_set(&SHM_OWN(s, own, held_srv)[i], (uint32_t)i + w);
		sw64_set(&srv[i].sess, (i + 1) * 100 * q);
		sw64_set(&srv[i].bytes_in, (i + 1) * 1000 * q);
		sw64_set(&srv[i].bytes_out, (i + 1) * 2000 * q);
		sw64_set(&srv[i].connect, (i + 1) * 101 * q);
		sw64_set(&srv[i].lbtot, (i + 1) * 102 * q);
		sw32_set(&srv[i].c_ms_max, (uint32_t)i + 5 + w);
		sw32_set(&srv[i].t_ms_max, (uint32_t)i + 15 + w);
	}
}

static void
make_health(const struct shm *s)
{
	struct shm_health *h = fixture_health(s, 0);

	/* s1: up, losing: one of three failures, slow start at a quarter */
	sw32_set(&h->checked, 1);
	sw32_set(&h->rise, 2);
	sw32_set(&h->fall, 3);
	sw32_set(&h->counter, 3);
	sw32_set(&h->uweight, 100);
	sw32_set(&h->eweight, 25 * 256);
	sw64_set(&h->slow_from_ns, 980 * S);
	sw32_set(&h->status, 7); /* L6TOUT */
	sw32_set(&h->duration_ms, 2000);
	sw32_set(&h->chkfail, 5);
	sw32_set(&h->chkdown, 1);
	sw64_set(&h->changed_ns, 980 * S);
	sw64_set(&h->downtime_ms, 12345);
	sw64_set(&h->last_probe_ns, 999 * S);
	snprintf(h->desc, sizeof(h->desc), "no \"hello\",\nafter 2 s");
	/* s2: down, gaining: one of two */
	h = fixture_health(s, 1);
	sw32_set(&h->checked, 1);
	sw32_set(&h->rise, 2);
	sw32_set(&h->fall, 3);
	sw32_set(&h->counter, 1);
	sw32_set(&h->oper, SHM_OPER_STOPPED);
	sw32_set(&h->usable, 0);
	sw32_set(&h->status, 3); /* L4OK */
	sw32_set(&h->duration_ms, 4);
	sw64_set(&h->changed_ns, 950 * S);
	sw64_set(&h->downtime_ms, 1000);
	sw64_set(&h->last_probe_ns, 999 * S);
	/* s3: not checked; "web" has one in maintenance */
	h = fixture_health(s, 3);
	sw32_set(&h->oper, SHM_OPER_STOPPED);
	sw32_set(&h->admin, SHM_ADMIN_FMAINT);
	sw32_set(&h->usable, 0);
}

void
fixture_make(struct shm *s)
{
	static const struct shm_caps caps = {
	    .workers = 4, .frontends = 64, .backends = 64, .servers = 2048, .sessions = 1024};
	uint32_t be;

	if (shm_create(s, &caps) == -1)
		abort();
	make_master(s);
	fixture_frontend(s, "fe", 2, false);
	fixture_frontend(s, "mon", 3, true);
	be = fixture_backend(s, "be", 4);
	fixture_server(s, be, "s1", 1, "192.0.2.1:6443");
	fixture_server(s, be, "s2", 2, "192.0.2.2:6443");
	fixture_server(s, be, "s3", 3, "[2001:db8::3]:6443");
	fixture_server(s, fixture_backend(s, "web", 5), "w1", 1, "192.0.2.9:80");
	sw32_set(&shm_own_srv_dir(s)[0].maxconn, 250);
	sw32_set(&shm_own_srv_dir(s)[0].maxqueue, 256);
	make_worker(s, 0);
	make_worker(s, 1);
	make_health(s);
	sw32_set(&fixture_sched(s, 0)->usable, 2);
	sw32_set(&fixture_sched(s, 0)->weight_up, 101);
	sw64_set(&fixture_sched(s, 1)->changed_ns, 960 * S);
	sw32_set(&fixture_sched(s, 1)->chkdown, 1);
}
