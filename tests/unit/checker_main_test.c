/* SPDX-License-Identifier: ISC */
/* checker: the process as a whole, from configuration text to health and schedules in shm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <signal.h>
#include <unistd.h>

#include "shm/check_status.h"
#include "shm/event.h"
#include "tests/lib/ckworld.h"
#include "tests/lib/target.h"

static struct world w;

__attribute__((format(printf, 1, 2))) static const char *
text(const char *fmt, ...)
{
	static char buf[4096];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	return buf;
}

#define TCP_CHECK "check = { type = \"tcp\"; inter = \"50ms\"; rise = 2; fall = 2; };"

static uint32_t
get(const struct sw32 *v)
{
	return sw32_get(v);
}

static void
schedules_stand_when_commit_is_done(void **state)
{
	struct target *t[3];
	unsigned count[256] = {0};
	uint32_t s[3];

	(void)state;
	world_open(&w);
	for (int i = 0; i < 3; i++) {
		t[i] = target_start(NULL, NULL);
		s[i] = world_server(&w, i == 0 ? "s1" : i == 1 ? "s2" : "s3", t[i]->port);
	}
	world_spawn(&w, false);
	world_load(&w,
	    text(TCP_CHECK "servers = { s1 = { address = \"127.0.0.1:%u\"; weight = 2; }; "
			   "s2 = \"127.0.0.1:%u\"; s3 = \"127.0.0.1:%u\"; };",
		t[0]->port, t[1]->port, t[2]->port),
	    NULL, NULL);
	world_picks(&w, 400, count);
	assert_int_equal(count[s[0]], 200);
	assert_int_equal(count[s[1]], 100);
	assert_int_equal(count[s[2]], 100);
	assert_int_equal(get(&world_sched(&w)->usable), 3);
	assert_int_equal(get(&world_sched(&w)->total), 3);
	assert_int_equal(get(&world_sched(&w)->weight_up), 4);
	assert_int_equal(get(&world_sched(&w)->weight_all), 4);
	assert_int_equal(get(&world_sched(&w)->epoch), 1);
	assert_int_equal(sw64_get(&w.m.checker->generation), 1);
	for (int i = 0; i < 3; i++)
		assert_int_equal(get(&world_health(&w, s[i])->epoch), s[i] + 1);
	UNTIL(&w, sw64_get(&w.m.checker->wait_probes) == 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(get(&world_health(&w, s[i])->status), CHECK_L4OK);
		assert_int_equal(get(&world_health(&w, s[i])->counter), 3);
	}
	UNTIL(&w, world_logged(&w, "Health check for server be/s1 succeeded, reason: Layer4 check "
				   "passed, check duration: "));
	assert_true(world_logged(&w, "status: 2/2 UP."));
	world_close(&w);
	for (int i = 0; i < 3; i++)
		target_stop(t[i]);
}

static void
down_and_up_again(void **state)
{
	struct target *t[2] = {target_start(NULL, NULL), target_start(NULL, NULL)};
	const struct shm_health *h;
	unsigned count[256] = {0};
	uint32_t a, b;

	(void)state;
	world_open(&w);
	a = world_server(&w, "a", t[0]->port);
	b = world_server(&w, "b", t[1]->port);
	h = world_health(&w, a);
	world_spawn(&w, false);
	world_load(&w,
	    text(TCP_CHECK "servers = { a = { address = \"127.0.0.1:%u\"; "
			   "on_marked_down = \"shutdown-sessions\"; }; b = \"127.0.0.1:%u\"; };",
		t[0]->port, t[1]->port),
	    NULL, NULL);
	UNTIL(&w, get(&h->counter) == 3 && sw64_get(&w.m.checker->wait_probes) == 0);
	/* Nothing changes now, so nobody is rung. */
	world_rung(w.bells.workers[0]);
	world_rung(w.bells.workers[1]);
	world_rung(w.bells.vrrp);
	uint64_t probes = sw64_get(&h->probes);
	UNTIL(&w, sw64_get(&h->probes) >= probes + 3);
	assert_false(world_rung(w.bells.workers[0]));
	assert_false(world_rung(w.bells.workers[1]));
	assert_false(world_rung(w.bells.vrrp));

	target_set(t[0], TARGET_REFUSE, 0);
	UNTIL(&w, get(&h->oper) == SHM_OPER_STOPPED);
	assert_int_equal(get(&h->usable), 0);
	assert_int_equal(get(&h->counter), 0);
	assert_int_equal(get(&h->status), CHECK_L4CON);
	assert_string_equal(h->desc, "Connection refused");
	assert_int_equal(get(&h->chkdown), 1);
	assert_int_equal(get(&h->chkfail), 2);
	assert_int_equal(get(&h->shut_seq), 1);
	assert_int_equal(get(&h->shut_reason), 'D');
	UNTIL(&w, get(&world_sched(&w)->usable) == 1);
	/* One after the other: a look takes the ring away. */
	UNTIL(&w, world_rung(w.bells.workers[1]));
	UNTIL(&w, world_rung(w.bells.vrrp));
	world_picks(&w, 100, count);
	assert_int_equal(count[b], 100);
	UNTIL(&w, world_logged(&w, "Server be/a is DOWN, reason: Layer4 connection problem, info: "
				   "\"Connection refused\", check duration: "));
	assert_true(
	    world_logged(&w, "Health check for server be/a failed, reason: Layer4 connection "
			     "problem, info: \"Connection refused\", check duration: "));
	assert_true(world_logged(&w, "status: 1/2 UP."));
	assert_true(world_logged(&w, ". 1 active and 0 backup servers left. 0 sessions active, 0 "
				     "requeued, 0 remaining in queue."));
	assert_false(world_logged(&w, "no server available"));

	target_set(t[1], TARGET_REFUSE, 0);
	UNTIL(&w, get(&world_sched(&w)->usable) == 0);
	UNTIL(&w, world_logged(&w, "backend be has no server available!"));
	assert_int_equal(get(&world_sched(&w)->chkdown), 1);
	struct event ev[16];
	static const char *const want[] = {"Health check for server be/a failed",
	    "Server be/a is DOWN, ", "Health check for server be/b failed", "Server be/b is DOWN, ",
	    "backend be has no server available!"};
	size_t n = event_read(&w.m, 0, mono_add_ms(mono_now(), 1000), ev, 16), k = 0;
	for (size_t i = 0; i < n; i++) {
		if (strstr(ev[i].text, " check passed") != NULL) /* the first ones; any order */
			continue;
		assert_true(k < 5);
		assert_non_null(strstr(ev[i].text, want[k]));
		assert_int_equal(ev[i].kind, k < 4 ? EVENT_SERVER : EVENT_BACKEND);
		if (k < 2)
			assert_int_equal(ev[i].object, a);
		k++;
	}
	assert_int_equal(k, 5);

	target_set(t[0], TARGET_SERVE, 0);
	UNTIL(&w, get(&h->usable) == 1 && get(&world_sched(&w)->usable) == 1);
	/* The first good probe was enough, since nothing else was left; the second makes it
	 * well. */
	UNTIL(&w, get(&h->counter) == 3);
	assert_int_equal(get(&h->oper), SHM_OPER_RUNNING);
	UNTIL(&w,
	    world_logged(&w, "Server be/a is UP, reason: Layer4 check passed, check duration: "));
	world_close(&w);
	target_stop(t[0]);
	target_stop(t[1]);
}

static void
http_status_decides(void **state)
{
	struct target *t = target_start(NULL, NULL);
	const struct shm_health *h;

	(void)state;
	world_open(&w);
	h = world_health(&w, world_server(&w, "a", t->port));
	world_spawn(&w, false);
	world_load(&w,
	    text("check = { type = \"http\"; uri = \"/h\"; inter = \"50ms\"; rise = 1; fall = 2; };"
		 "servers = { a = \"127.0.0.1:%u\"; };",
		t->port),
	    NULL, NULL);
	UNTIL(&w, get(&h->status) == CHECK_L7OK && get(&h->code) == 200);
	target_set(t, TARGET_SERVE, 500);
	UNTIL(&w, get(&h->oper) == SHM_OPER_STOPPED);
	assert_int_equal(get(&h->status), CHECK_L7STS);
	assert_int_equal(get(&h->code), 500);
	UNTIL(&w, world_logged(&w, "Server be/a is DOWN, reason: Layer7 wrong status, code: 500, "
				   "info: \"Word\", check duration: "));
	target_set(t, TARGET_SERVE, 204);
	UNTIL(&w, get(&h->usable) == 1);
	world_close(&w);
	target_stop(t);
}

/* The master sends a file once; later generations use it again. */
static void
kubernetes_with_ca_file(void **state)
{
	struct target_pem pem;
	const struct shm_health *h;
	struct target *t;
	uint64_t probes;

	(void)state;
	target_make_pem(&pem, "api.example");
	t = target_start(&pem, NULL);
	world_open(&w);
	h = world_health(&w, world_server(&w, "a", t->port));
	world_spawn(&w, false);
	for (int i = 0; i < 3; i++) {
		world_load(&w,
		    text("check = { type = \"kubernetes\"; inter = \"100ms\"; ca_file = "
			 "\"/ca.pem\"; "
			 "sni = \"api.example\"; init_state = \"down\"; };"
			 "servers = { a = { address = \"127.0.0.1:%u\"; weight = %d; }; };",
			t->port, i + 1),
		    i == 0 ? "/ca.pem" : NULL, pem.cert);
		probes = sw64_get(&h->probes);
		UNTIL(&w, sw64_get(&h->probes) >= probes + 3);
		/* A probe that a busy machine cut off may be the last one. */
		UNTIL(&w, get(&h->status) == CHECK_L7OK && get(&h->usable) == 1);
		assert_int_equal(get(&h->uweight), i + 1);
	}
	assert_non_null(strstr(t->request, "GET /readyz HTTP/1.1\r\n"));
	/* A certificate that this CA did not sign takes the server down. */
	target_make_pem(&pem, "api.example");
	world_load(&w,
	    text("check = { type = \"kubernetes\"; inter = \"100ms\"; ca_file = \"/ca.pem\"; };"
		 "servers = { a = \"127.0.0.1:%u\"; };",
		t->port),
	    "/ca.pem", pem.cert);
	UNTIL(&w, get(&h->status) == CHECK_L6RSP && get(&h->usable) == 0);
	UNTIL(&w, world_logged(&w, "Layer6 invalid response, info: \"certificate: "));
	world_close(&w);
	target_stop(t);
}

static void
unusable_configuration_is_refused(void **state)
{
	struct target *t = target_start(NULL, NULL);
	const struct shm_health *h;
	uint64_t probes;

	(void)state;
	world_open(&w);
	h = world_health(&w, world_server(&w, "a", t->port));
	world_spawn(&w, false);
	world_load(&w, text(TCP_CHECK "servers = { a = \"127.0.0.1:%u\"; };", t->port), NULL, NULL);
	assert_false(world_prepare(&w,
	    text("check = { type = \"https\"; ca_file = \"/x.pem\"; };"
		 "servers = { a = \"127.0.0.1:%u\"; };",
		t->port),
	    "/x.pem", "no certificate"));
	assert_string_equal(w.reason, "check of server be/a: /x.pem: no certificate (PEM) in it");
	assert_false(world_prepare(&w, "servers = { new = \"127.0.0.1:1\"; };", NULL, NULL));
	assert_string_equal(w.reason, "server be/new has no slot");
	assert_false(world_prepare(&w, "servers = nonsense", NULL, NULL));
	/* The old generation goes on. */
	probes = sw64_get(&h->probes);
	UNTIL(&w, sw64_get(&h->probes) >= probes + 2);
	assert_int_equal(sw64_get(&w.m.checker->generation), 1);
	world_close(&w);
	target_stop(t);
}

static void
unchecked_and_disabled_servers(void **state)
{
	uint32_t a, b;

	(void)state;
	world_open(&w);
	a = world_server(&w, "a", 1);
	b = world_server(&w, "b", 1);
	world_spawn(&w, false);
	world_load(&w,
	    "servers = { a = { address = \"127.0.0.1:1\"; check = false; }; "
	    "b = { address = \"127.0.0.1:1\"; disabled = true; }; };",
	    NULL, NULL);
	assert_int_equal(get(&world_health(&w, a)->usable), 1);
	assert_int_equal(get(&world_health(&w, a)->checked), 0);
	assert_int_equal(get(&world_health(&w, b)->usable), 0);
	assert_int_equal(get(&world_health(&w, b)->admin), SHM_ADMIN_FMAINT | SHM_ADMIN_CMAINT);
	assert_int_equal(sw64_get(&w.m.checker->wait_probes), 0);
	assert_int_equal(get(&world_sched(&w)->usable), 1);
	/* Nothing listens there, but nothing looks either. */
	assert_int_equal(sw64_get(&world_health(&w, a)->next_probe_ns), 0);
	assert_int_equal(sw64_get(&world_health(&w, b)->next_probe_ns), 0);
	world_close(&w);
}

static void
reload_keeps_health(void **state)
{
	struct target *t[2] = {target_start(NULL, NULL), target_start(NULL, NULL)};
	const struct shm_health *ha, *hb;
	unsigned count[256] = {0};
	uint32_t a, b, c;

	(void)state;
	world_open(&w);
	a = world_server(&w, "a", t[0]->port);
	b = world_server(&w, "b", t[1]->port);
	ha = world_health(&w, a);
	hb = world_health(&w, b);
	target_set(t[1], TARGET_REFUSE, 0);
	world_spawn(&w, false);
	world_load(&w,
	    text(TCP_CHECK "servers = { a = \"127.0.0.1:%u\"; b = \"127.0.0.1:%u\"; };", t[0]->port,
		t[1]->port),
	    NULL, NULL);
	UNTIL(&w, get(&hb->oper) == SHM_OPER_STOPPED && get(&ha->counter) == 3);
	/* More falls, a new server, another weight: b stays DOWN and a fully UP. */
	c = world_server(&w, "c", t[0]->port);
	world_load(&w,
	    text("check = { type = \"tcp\"; inter = \"50ms\"; rise = 3; fall = 5; }; servers = { "
		 "a = { address = \"127.0.0.1:%u\"; weight = 3; }; b = \"127.0.0.1:%u\"; "
		 "c = \"127.0.0.1:%u\"; };",
		t[0]->port, t[1]->port, t[0]->port),
	    NULL, NULL);
	assert_int_equal(get(&hb->oper), SHM_OPER_STOPPED);
	assert_int_equal(get(&hb->counter), 0);
	assert_int_equal(get(&hb->chkdown), 1);
	assert_int_equal(get(&ha->counter), 7);
	world_picks(&w, 400, count);
	assert_int_equal(count[a], 300);
	assert_int_equal(count[c], 100);
	/* b goes: no sessions for it, whatever it was. */
	target_set(t[1], TARGET_SERVE, 0);
	UNTIL(&w, get(&hb->usable) == 1);
	world_load(
	    &w, text(TCP_CHECK "servers = { a = \"127.0.0.1:%u\"; };", t[0]->port), NULL, NULL);
	assert_int_equal(get(&hb->usable), 0);
	assert_int_equal(get(&hb->checked), 0);
	assert_int_equal(get(&world_sched(&w)->total), 1);
	memset(count, 0, sizeof(count));
	world_picks(&w, 50, count);
	assert_int_equal(count[a], 50);
	world_close(&w);
	target_stop(t[0]);
	target_stop(t[1]);
}

/* A slot with another owner starts afresh. */
static void
slot_with_a_new_epoch_is_new(void **state)
{
	struct target *t = target_start(NULL, NULL);
	const struct shm_health *h;
	uint32_t a;

	(void)state;
	world_open(&w);
	a = world_server(&w, "a", t->port);
	h = world_health(&w, a);
	target_set(t, TARGET_REFUSE, 0);
	world_spawn(&w, false);
	world_load(&w, text(TCP_CHECK "servers = { a = \"127.0.0.1:%u\"; };", t->port), NULL, NULL);
	UNTIL(&w, get(&h->oper) == SHM_OPER_STOPPED);
	target_set(t, TARGET_SERVE, 0);
	sw32_set(&shm_own_srv_dir(&w.m)[a].epoch, 77);
	strcpy(shm_own_srv_dir(&w.m)[a].name, "z");
	world_load(&w, text(TCP_CHECK "servers = { z = \"127.0.0.1:%u\"; };", t->port), NULL, NULL);
	assert_int_equal(get(&h->epoch), 77);
	assert_int_equal(get(&h->usable), 1);
	assert_int_equal(get(&h->chkdown), 0);
	world_close(&w);
	target_stop(t);
}

static void
slow_start_after_a_down_time(void **state)
{
	struct target *t[2] = {target_start(NULL, NULL), target_start(NULL, NULL)};
	const struct shm_health *h;
	uint32_t a, last_weight = 0, last_limit = 0, steps = 0;
	uint64_t from;

	(void)state;
	world_open(&w);
	a = world_server(&w, "a", t[0]->port);
	world_server(&w, "b", t[1]->port);
	h = world_health(&w, a);
	world_spawn(&w, false);
	world_load(&w,
	    text(TCP_CHECK "servers = { a = { address = \"127.0.0.1:%u\"; slowstart = \"2s\"; "
			   "weight = 100; maxconn = 250; }; "
			   "b = { address = \"127.0.0.1:%u\"; weight = 100; }; };",
		t[0]->port, t[1]->port),
	    NULL, NULL);
	/* Never at the start of the process. */
	assert_int_equal(get(&h->eweight), 25600);
	assert_int_equal(get(&h->dyn_maxconn), 0);
	UNTIL(&w, get(&h->counter) == 3);
	assert_int_equal(get(&h->eweight), 25600);
	target_set(t[0], TARGET_REFUSE, 0);
	UNTIL(&w, get(&h->usable) == 0);
	target_set(t[0], TARGET_SERVE, 0);
	UNTIL(&w, get(&h->usable) == 1);
	from = sw64_get(&h->slow_from_ns);
	assert_true(from != 0);
	UNTIL(&w, get(&world_sched(&w)->usable) == 2);
	for (struct mono end = mono_add_ms(mono_now(), 20000);;) {
		uint32_t weight = get(&h->eweight), limit = get(&h->dyn_maxconn);

		if (sw64_get(&h->slow_from_ns) == 0 && limit == 0)
			break;
		assert_true(mono_before(mono_now(), end));
		/* Not before its time: of 25,600 at the end of 2 s, rounded up to a sixteenth. */
		assert_true(
		    weight <= 16 + (uint64_t)(mono_now().ns - (int64_t)from) * 64 / 5000000);
		assert_true(weight >= last_weight);
		assert_true(limit >= last_limit || limit == 0);
		steps += weight > last_weight;
		last_weight = weight;
		last_limit = limit;
		world_turn(&w);
	}
	assert_true(steps >= 2); /* 20, unless the machine pauses */
	assert_true(mono_now().ns - (int64_t)from >= 2000000000);
	assert_int_equal(get(&h->eweight), 25600);
	UNTIL(&w, get(&h->oper) == SHM_OPER_RUNNING);
	world_close(&w);
	target_stop(t[0]);
	target_stop(t[1]);
}

#define INTER_NS 1000000000ull

static void
silent_server_is_down_within_three_intervals(void **state)
{
	struct target *t = target_start(NULL, NULL);
	const struct shm_health *h;
	uint64_t probes;

	(void)state;
	world_open(&w);
	h = world_health(&w, world_server(&w, "a", t->port));
	world_spawn(&w, false);
	world_load(&w,
	    text("check = { type = \"http\"; inter = \"1s\"; rise = 2; fall = 2; };"
		 "servers = { a = \"127.0.0.1:%u\"; };",
		t->port),
	    NULL, NULL);
	UNTIL(&w, get(&h->counter) == 3);
	probes = sw64_get(&h->probes);
	UNTIL(&w, sw64_get(&h->probes) > probes);
	target_set(t, TARGET_SILENT, 0);
	/* Not seconds, which a busy machine makes longer: each failure is followed by the next
	 * probe at its place, one interval on, and the second failure is enough. */
	do {
		uint64_t at = sw64_get(&h->next_probe_ns), late;

		UNTIL(&w, sw64_get(&h->next_probe_ns) != at);
		late = sw64_get(&h->last_probe_ns) - at;
		late = late > INTER_NS ? late - INTER_NS : 0;
		/* One that began half an interval late misses a place. */
		assert_true(sw64_get(&h->next_probe_ns) - at < INTER_NS + INTER_NS * 6 / 10 + late);
	} while (get(&h->usable) == 1);
	assert_int_equal(get(&h->status), CHECK_L7TOUT);
	assert_int_equal(get(&h->chkfail), 2);
	world_close(&w);
	target_stop(t);
}

#define PACED   40
#define PACE_NS 600000000u
#define NEAR_NS 2000000u

static uint64_t
next_of(uint32_t slot)
{
	return sw64_get(&world_health(&w, slot)->next_probe_ns) % PACE_NS;
}

/* How many are still probed at their time within the interval. */
static unsigned
in_place(const uint64_t *place)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < PACED; i++)
		n += (next_of(i) + PACE_NS + NEAR_NS - place[i]) % PACE_NS <= 2 * NEAR_NS;
	return n;
}

static bool
all_probed(const uint64_t *before, unsigned more)
{
	for (uint32_t i = 0; i < PACED; i++)
		if (sw64_get(&world_health(&w, i)->probes) < before[i] + more)
			return false;
	return true;
}

/* A pause of the process, or its death, does not bring the servers' probes together for ever. */
static void
probes_keep_their_places(void **state)
{
	struct target *t = target_start(NULL, NULL);
	uint64_t place[PACED], probes[PACED] = {0};
	char body[8192], *p = body;

	(void)state;
	world_open(&w);
	p += sprintf(p, "check = { inter = \"600ms\"; }; servers = { ");
	for (int i = 0; i < PACED; i++) {
		char name[16];

		snprintf(name, sizeof(name), "s%d", i);
		assert_int_equal(world_server(&w, name, t->port), i);
		p += sprintf(p, "%s = \"127.0.0.1:%u\"; ", name, t->port);
	}
	sprintf(p, "};");
	world_spawn(&w, false);
	world_load(&w, body, NULL, NULL);
	UNTIL(&w, all_probed(probes, 1));
	for (uint32_t i = 0; i < PACED; i++)
		place[i] = next_of(i);
	for (int round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < PACED; i++)
			probes[i] = sw64_get(&world_health(&w, i)->probes);
		if (round == 0) {
			kill(w.pid, SIGSTOP);
			usleep(1000000);
			kill(w.pid, SIGCONT);
		} else {
			world_kill(&w);
			usleep(1000000);
			world_spawn(&w, true);
			world_load_again(&w);
		}
		UNTIL(&w, all_probed(probes, 2));
		UNTIL(&w, in_place(place) >= PACED * 3 / 4);
	}
	world_close(&w);
	target_stop(t);
}

static void
ends_with_its_master(void **state)
{
	(void)state;
	world_open(&w);
	world_server(&w, "a", 1);
	world_spawn(&w, false);
	world_load(&w, "servers = { a = \"127.0.0.1:1\"; };", NULL, NULL);
	msg_close(&w.chan);
	assert_int_equal(world_wait(&w), 0);
	/* Asked to stop: stays while a worker lives. */
	w.generation = 0;
	world_spawn(&w, false);
	world_load(&w, "servers = { a = \"127.0.0.1:1\"; };", NULL, NULL);
	msg_send(&w.chan, PROTO_STOP, 60000, NULL, 0, NULL, 0);
	uint64_t beat = sw64_get(&w.m.checker->beat_ns);
	UNTIL(&w, sw64_get(&w.m.checker->beat_ns) > beat + 600000000ull);
	sw64_set(&w.m.own_master->live[0], 0);
	assert_int_equal(world_wait(&w), 0);
	world_close(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(schedules_stand_when_commit_is_done),
	    cmocka_unit_test(down_and_up_again),
	    cmocka_unit_test(http_status_decides),
	    cmocka_unit_test(kubernetes_with_ca_file),
	    cmocka_unit_test(unusable_configuration_is_refused),
	    cmocka_unit_test(unchecked_and_disabled_servers),
	    cmocka_unit_test(reload_keeps_health),
	    cmocka_unit_test(slot_with_a_new_epoch_is_new),
	    cmocka_unit_test(slow_start_after_a_down_time),
	    cmocka_unit_test(silent_server_is_down_within_three_intervals),
	    cmocka_unit_test(probes_keep_their_places),
	    cmocka_unit_test(ends_with_its_master),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
