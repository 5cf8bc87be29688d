/* SPDX-License-Identifier: ISC */
/*
 * The vrrp process: messages of the master, generations, start and end. Owns the virtual routers
 * and their addresses. Never blocks on logs, disk or the kernel's rtnl lock (kernel.h).
 */
#include "vrrp/vrrp.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "conf/conf.h"
#include "lib/log.h"
#include "lib/proc.h"
#include "vrrp/logto.h"
#include "vrrp/state.h"

/* Over all routers: a flood of all their VRIDs delays no timer by more than a few ms. */
#define STRANGERS_A_TICK 2000

static struct vrrp vr;

/* ---- generations ----------------------------------------------------------- */

static void
drop_prepared(void)
{
	struct router *r;

	router_each (&vr, r) {
		r->keep = false;
		router_abort(r);
		if (r->plan == NULL) { /* only prepared */
			vr.routers[r->slot] = NULL;
			router_free(r);
		}
	}
	logto_abort();
}

/* The router that p is a change of. Another VRID, interface, family or source makes another router,
 * though it has the name: the old one leaves. */
static struct router *
find_router(const struct plan *p)
{
	struct router *r;

	router_each (&vr, r) {
		const struct plan *old = r->plan != NULL ? r->plan : r->next;

		if (!r->leaving && strcmp(old->name, p->name) == 0 && plan_same_router(old, p))
			return r;
	}
	return NULL;
}

/* A predecessor's slot of that name and VRID, else a free one; SHM_MAX_ROUTERS: none. */
static unsigned
slot_for(const struct plan *plan, bool *resumed)
{
	unsigned free_one = SHM_MAX_ROUTERS;

	*resumed = false;
	for (unsigned i = 0; i < SHM_MAX_ROUTERS; i++) {
		const struct shm_router *p = &vr.own->routers[i];

		if (vr.routers[i] != NULL)
			continue;
		if (vr.child->start.resumed && !vr.committed && sw32_get(&p->used) &&
		    sw32_get(&p->vrid) == plan->vrid &&
		    strncmp(p->name, plan->name, sizeof(p->name)) == 0) {
			*resumed = true;
			return i;
		}
		if (free_one == SHM_MAX_ROUTERS && !sw32_get(&p->used))
			free_one = i;
	}
	return free_one;
}

/* Takes the plan. */
static int
prepare_router(struct plan *p, char *reason, size_t size)
{
	struct router *r = find_router(p);
	bool resumed = false;
	unsigned slot;

	if (r == NULL) {
		slot = slot_for(p, &resumed);
		r = slot < SHM_MAX_ROUTERS ? router_new(&vr, slot) : NULL;
		if (r == NULL) {
			snprintf(reason, size, "instance %s: %s", p->name,
			    slot < SHM_MAX_ROUTERS ? "out of memory" : "too many instances");
			plan_free(p);
			return -1;
		}
		r->resumed = resumed;
		vr.routers[slot] = r;
	}
	r->keep = true;
	if (router_prepare(r, p) == -1) {
		snprintf(reason, size, "out of memory");
		return -1;
	}
	return 0;
}

/* The keys of HMAC, from the file that the master sent. */
static int
load_keys(struct plan *p, char *reason, size_t size)
{
	char wrong[160];
	const char *text;
	size_t len;
	int fd, r;

	if (p->key_file == NULL)
		return 0;
	fd = logto_file(p->key_file);
	text = fd != -1 ? proc_memfd_map(fd, &len) : NULL;
	if (text == NULL) {
		snprintf(reason, size, "%s: not sent by the master", p->key_file);
		return -1;
	}
	r = keys_take(&p->keys, p->sign_id, text, len, wrong, sizeof(wrong));
	proc_memfd_unmap(text, len);
	if (r == -1)
		snprintf(reason, size, "%s: %s", p->key_file, wrong);
	p->key_file = NULL;
	return r;
}

static int
prepare_conf(const struct conf *conf, char *reason, size_t size)
{
	for (size_t i = 0; i < conf->vrrp.n_routers; i++) {
		struct plan *p = plan_new(conf, &conf->vrrp.routers[i], reason, size);

		if (p == NULL)
			return -1;
		if (load_keys(p, reason, size) == -1) {
			plan_free(p);
			return -1;
		}
		if (prepare_router(p, reason, size) == -1)
			return -1;
	}
	return logto_build(&conf->global, reason, size);
}

static int
on_prepare(struct child *c, uint64_t gen, const char *text, size_t len, struct child_fd *fds,
    size_t n_fds, char *reason, size_t reason_size)
{
	struct conf_msgs msgs = {0};
	struct conf *conf = conf_read_text(text, len, "vrrp", &msgs);
	int ret = -1;

	(void)c;
	(void)gen;
	if (conf == NULL)
		snprintf(reason, reason_size, "vrrp: %s",
		    msgs.n > 0 ? msgs.v[0].text : "no configuration");
	else if (logto_take(fds, n_fds) == -1)
		snprintf(reason, reason_size, "vrrp: too many log targets");
	else
		ret = prepare_conf(conf, reason, reason_size);
	conf_msgs_free(&msgs);
	if (conf != NULL)
		conf_free(conf);
	if (ret == -1)
		drop_prepared();
	return ret;
}

/* Slots that a predecessor used and nobody wants any more. */
static void
forget_slots(void)
{
	for (unsigned i = 0; i < SHM_MAX_ROUTERS; i++)
		if (vr.routers[i] == NULL && sw32_get(&vr.own->routers[i].used))
			sw32_set(&vr.own->routers[i].used, 0);
}

static void look_ready(void);

static void
router_leave(struct router *r)
{
	char name[SHM_NAME] = "";

	/* Its name may be another's from now on. */
	snprintf(name, sizeof(name), "%.50s:leaving", r->plan->name);
	memcpy(r->pub->name, name, sizeof(name));
	r->leaving = true;
	router_step(r, (struct decide_in){.kind = DECIDE_IN_STOP, .stop_ns = 60000000000});
	router_timer_set(r);
}

static void
on_commit(struct child *c, uint64_t gen)
{
	struct router *r;
	uint32_t n = 0;

	(void)c;
	logto_commit();
	router_each (&vr, r) {
		if (r->keep)
			router_commit(r);
		else if (!r->leaving)
			router_leave(r);
		r->keep = false;
		n = r->slot + 1;
	}
	if (n > sw32_get(&vr.own->n_routers))
		sw32_set(&vr.own->n_routers, n);
	router_each (&vr, r)
		router_refilter(r);
	if (!vr.committed) {
		forget_slots();
		addr_inherit(&vr);
	}
	vr.committed = true;
	sw64_set(&vr.own->generation, gen);
	look_ready();
}

static void
on_abort(struct child *c, uint64_t gen)
{
	(void)c;
	(void)gen;
	drop_prepared();
}

/* ---- end ------------------------------------------------------------------- */

/* Frees routers that have ended; ends the process when it stops and none is left. */
static void
reap(void)
{
	struct router *r;
	bool any = false;

	router_each (&vr, r) {
		if (r->started && !addr_settled(r)) {
			any = true; /* a removal comes after what was asked for before */
			continue;
		}
		if (r->started && r->d.role == DECIDE_STOPPED && r->leaving) {
			sw32_set(&r->pub->used, 0);
			vr.routers[r->slot] = NULL;
			router_free(r);
			continue;
		}
		any = any || (r->started && r->d.role != DECIDE_STOPPED);
	}
	if (vr.stopping && !any)
		child_exit(vr.child, PROC_EXIT_DONE);
}

static void
on_stop(struct child *c, int64_t grace_ms)
{
	struct router *r;

	(void)c;
	vr.stopping = true;
	router_each (&vr, r) {
		router_step(
		    r, (struct decide_in){.kind = DECIDE_IN_STOP, .stop_ns = grace_ms * 1000000});
		router_timer_set(r);
	}
	reap();
}

static void
on_orphaned(struct child *c)
{
	/* Nothing serves any more on this host: whoever else can shall, at once. */
	log_alert("vrrp: the master process is gone: giving the addresses away");
	vr.orphan = true;
	on_stop(c, 0);
}

/* ---- bell, messages -------------------------------------------------------- */

/* Routers begin when the checker serves what they track, and has seen each server once: also one
 * that comes by a reload, whose backends may be as new as itself. */
static void
look_ready(void)
{
	const struct shm_checker *k = vr.seg->checker;
	struct router *r;

	if (!vr.committed || sw64_get(&k->generation) < sw64_get(&vr.own->generation) ||
	    sw64_get(&k->wait_probes) != 0 || !track_workers(vr.seg))
		return;
	router_each (&vr, r) {
		if (!r->started || r->d.role != DECIDE_INIT)
			continue;
		router_look_health(r); /* its last look may have been a moment before the others */
		router_input(r, DECIDE_IN_READY);
	}
}

static void
on_bell(struct child *c)
{
	struct router *r;

	(void)c;
	router_each (&vr, r)
		router_bell(r);
	if (vr.committed)
		request_look(&vr);
	look_ready();
}

static void
on_message(struct child *c, struct msg *m)
{
	struct router *r;
	int32_t status;

	(void)c;
	if (m->type == PROTO_RAN && m->len == sizeof(status)) {
		memcpy(&status, m->data, sizeof(status));
		router_each (&vr, r)
			if (r->started)
				router_script_ran(r, m->number, status);
	}
}

static void
on_log_fd(struct child *c, const char *name, int fd)
{
	(void)c;
	logto_keep(name, fd);
}

/* Each second: what no event told (health gone stale, an interface whose event was lost). */
static void
on_tick(struct loop_timer *t)
{
	unsigned strangers = STRANGERS_A_TICK;
	struct router *r;

	router_each (&vr, r) {
		vr.mirror.stale = vr.mirror.stale || r->net_fault != 0;
		if (r->started && r->net_fault != 0)
			router_look(r);
		else
			router_look_health(r);
		if (r->strangers.fd != -1)
			strangers -= rx_strangers(r, strangers);
	}
	addr_again(&vr);
	addr_pump(&vr);
	look_ready();
	loop_timer_set(vr.loop, t, mono_add_ms(loop_now(vr.loop), 1000));
}

static bool
on_turn(void *arg)
{
	(void)arg;
	sw64_set(&vr.own->beat_ns, (uint64_t)loop_now(vr.loop).ns);
	if (vr.committed) {
		together_look(&vr);
		reap();
	}
	return false;
}

/* ---- start ----------------------------------------------------------------- */

static void
be_on_time(void)
{
	struct sched_param sp = {.sched_priority = 1};

	if (sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &sp) == -1)
		log_notice("vrrp: no real-time scheduling (%s): advertisements may be late on a "
			   "busy host",
		    strerror(errno));
	/* On fault only: the shared segment is sparse and large. */
	if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == -1)
		log_notice(
		    "vrrp: memory is not locked (%s): it may be swapped out", strerror(errno));
}

static int
on_ready(struct child *c)
{
	vr.child = c;
	vr.loop = c->loop;
	vr.seg = c->seg;
	vr.own = c->seg->own_vrrp;
	vr.tick.cb = on_tick;
	/* Answers to what a predecessor asked for are not ours. */
	vr.requests = (uint64_t)mono_now().ns;
	vr.served = mono_now();
	if (loop_timer_reserve(vr.loop, 1) == -1)
		return -1;
	be_on_time();
	if (iface_events_open(&vr) == -1) {
		log_crit("vrrp: netlink: %s", strerror(errno));
		return -1;
	}
	if (proc_no_more() == -1)
		return -1;
	loop_set_idle(vr.loop, on_turn, NULL);
	loop_timer_set(vr.loop, &vr.tick, mono_add_ms(loop_now(vr.loop), 1000));
	return 0;
}

int
vrrp_main(const struct child_start *st)
{
	static const struct child_ops ops = {.prepare = on_prepare,
	    .commit = on_commit,
	    .abort = on_abort,
	    .stop = on_stop,
	    .bell = on_bell,
	    .orphaned = on_orphaned,
	    .log_fd = on_log_fd,
	    .message = on_message};

	signal(SIGPIPE, SIG_IGN);
	return child_run(st, &ops, on_ready);
}
