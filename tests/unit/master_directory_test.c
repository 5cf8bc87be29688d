/* SPDX-License-Identifier: ISC */
/* master: slots by identity over generations: prepared, committed, given up, reused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "master/master.h"

struct world {
	struct master m;
	struct generation gen;
	struct conf *conf;
	uint64_t number;
};

static struct world *
world_new(uint32_t servers, uint32_t backends, uint32_t frontends)
{
	struct shm_caps caps = {.workers = 2,
	    .frontends = frontends,
	    .backends = backends,
	    .servers = servers,
	    .sessions = 4};
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	assert_int_equal(shm_create(&w->m.seg, &caps), 0);
	w->m.n_workers = w->m.wanted = 2;
	w->m.nofile = 1024;
	w->m.gen = &w->gen;
	sw32_set(&w->m.seg.own_master->n_workers, 2);
	return w;
}

static void
world_free(struct world *w)
{
	shm_detach(&w->m.seg);
	conf_free(w->conf);
	free(w);
}

static struct conf *
conf_of(const char *text)
{
	struct conf_msgs msgs = {0};
	struct conf *c = conf_read_text(text, strlen(text), "t", &msgs);

	conf_msgs_print(&msgs, stderr);
	assert_non_null(c);
	conf_msgs_free(&msgs);
	return c;
}

/* PREPARE; returns the number of the generation. */
static uint64_t
prepare(struct world *w, struct conf *c)
{
	char reason[256] = "";

	assert_int_equal(directory_prepare(&w->m, c, ++w->number, reason, sizeof(reason)), 0);
	return w->number;
}

static void
commit(struct world *w, struct conf *c)
{
	directory_commit(&w->m, c, w->number);
	conf_free(w->conf);
	w->conf = c;
	w->gen.number = w->number;
	w->gen.conf = c;
}

static void
load(struct world *w, const char *text)
{
	struct conf *c = conf_of(text);

	prepare(w, c);
	commit(w, c);
}

/* A worker that runs a generation and has closed what left with one. */
static void
worker_is(struct world *w, unsigned i, uint64_t generation, uint64_t left)
{
	sw64_set(&shm_dead_worker(&w->m.seg, i)->generation, generation);
	sw64_set(&shm_dead_worker(&w->m.seg, i)->left, left);
	w->m.workers[i].pid = 1000 + (pid_t)i;
}

static void
worker_at(struct world *w, unsigned i, uint64_t generation)
{
	worker_is(w, i, generation, generation);
}

static void
hold(struct world *w, unsigned i, uint32_t srv, uint32_t n)
{
	sw32_set(&SHM_OWN(&w->m.seg, shm_dead_worker(&w->m.seg, i), held_srv)[srv], n);
}

static uint32_t
srv(struct world *w, const char *be, const char *name, const char *addr)
{
	return child_find_server(&w->m.seg, child_find_backend(&w->m.seg, be, 0), name, addr, 0);
}

static uint32_t
srv_state(struct world *w, uint32_t i)
{
	return sw32_get(&shm_srv_dir(&w->m.seg, i)->state);
}

static uint32_t
srv_epoch(struct world *w, uint32_t i)
{
	return sw32_get(&shm_srv_dir(&w->m.seg, i)->epoch);
}

#define S(name, addr) name " = \"" addr "\"; "
#define B(name, ...)  name " = { servers = { " __VA_ARGS__ "}; }; "
#define ONE           "backends = { " B("a", S("s1", "192.0.2.1:80") S("s2", "192.0.2.2:80")) "};"
#define TWO           "backends = { " B("a", S("s1", "192.0.2.1:80")) "};"

static void
identity_keeps_its_slot(void **state)
{
	struct world *w = world_new(8, 4, 4);
	uint32_t s1, s2, a, moved;

	(void)state;
	load(w, ONE);
	a = child_find_backend(&w->m.seg, "a", 0);
	s1 = srv(w, "a", "s1", "192.0.2.1:80");
	s2 = srv(w, "a", "s2", "192.0.2.2:80");
	assert_int_equal(a, 0);
	assert_int_equal(s1, 0);
	assert_int_equal(s2, 1);
	/* Another order, another backend before it, other settings: the same slots and epochs. */
	load(w,
	    "backends = { " B("z", S("s1", "192.0.2.1:80")) "a = { servers = { "
							    "s2 = { address = \"192.0.2.2:80\"; "
							    "weight = 9; maxconn = 7; }; "
							    "s1 = \"192.0.2.1:80\"; }; }; };");
	assert_int_equal(child_find_backend(&w->m.seg, "a", 0), a);
	assert_int_equal(srv(w, "a", "s1", "192.0.2.1:80"), s1);
	assert_int_equal(srv(w, "a", "s2", "192.0.2.2:80"), s2);
	assert_int_equal(srv_epoch(w, s1), 1);
	assert_int_equal(sw32_get(&shm_srv_dir(&w->m.seg, s2)->maxconn), 7);
	/* The same name and address in another backend is another server. */
	assert_int_equal(srv(w, "z", "s1", "192.0.2.1:80"), 2);
	/* One that moved is another; the old one leaves. */
	load(w, "backends = { " B("a", S("s1", "192.0.2.9:80") S("s2", "192.0.2.2:80")) "};");
	moved = srv(w, "a", "s1", "192.0.2.9:80");
	assert_int_not_equal(moved, s1);
	assert_int_equal(srv(w, "a", "s1", "192.0.2.1:80"), SHM_NONE);
	assert_int_equal(srv_state(w, s1), SHM_DIR_LEAVING);
	assert_int_equal(srv_state(w, 2), SHM_DIR_LEAVING);
	assert_int_equal(sw32_get(&shm_be_dir(&w->m.seg, 1)->state), SHM_DIR_LEAVING);
	world_free(w);
}

static void
frontends_keep_ids(void **state)
{
	struct world *w = world_new(8, 4, 4);
	uint32_t f, id;

	(void)state;
	load(w,
	    "frontends = { f = { mode = \"http\"; bind = \":8001\"; monitor_uri = \"/m\"; }; };");
	f = child_find_frontend(&w->m.seg, "f", 0);
	id = sw32_get(&shm_fe_dir(&w->m.seg, f)->id);
	load(w,
	    "frontends = { g = { mode = \"http\"; bind = \":8002\"; monitor_uri = \"/m\"; };"
	    " f = { mode = \"http\"; bind = \":8003\"; monitor_uri = \"/m\"; maxconn = 5; }; };");
	assert_int_equal(child_find_frontend(&w->m.seg, "f", 0), f);
	assert_int_equal(sw32_get(&shm_fe_dir(&w->m.seg, f)->id), id);
	assert_int_equal(sw32_get(&shm_fe_dir(&w->m.seg, f)->maxconn), 5);
	assert_int_not_equal(
	    sw32_get(&shm_fe_dir(&w->m.seg, child_find_frontend(&w->m.seg, "g", 0))->id), id);
	world_free(w);
}

static void
abort_frees_what_it_brought(void **state)
{
	struct world *w = world_new(8, 4, 4);
	struct conf *c;
	uint64_t g;

	(void)state;
	load(w, TWO);
	c = conf_of("backends = { " B("a", S("s1", "192.0.2.1:80") S("s2", "192.0.2.2:80"))
		B("b", S("s1", "192.0.2.5:80")) "};"
						"frontends = { f = { mode = \"http\"; bind = "
						"\":8001\"; monitor_uri = \"/m\"; }; };");
	g = prepare(w, c);
	assert_int_not_equal(srv(w, "b", "s1", "192.0.2.5:80"), SHM_NONE);
	directory_abort(&w->m, g);
	assert_int_equal(srv_state(w, 0), SHM_DIR_USED);
	assert_int_equal(srv(w, "a", "s2", "192.0.2.2:80"), SHM_NONE);
	assert_int_equal(child_find_backend(&w->m.seg, "b", 0), SHM_NONE);
	assert_int_equal(child_find_frontend(&w->m.seg, "f", 0), SHM_NONE);
	/* An abort of a number that is not under way touches nothing. */
	directory_abort(&w->m, g);
	directory_abort(&w->m, 1234);
	assert_int_equal(srv_state(w, 0), SHM_DIR_USED);
	/* The next generation takes the same slots, with another epoch. */
	prepare(w, c);
	assert_int_equal(srv(w, "a", "s2", "192.0.2.2:80"), 1);
	assert_int_equal(srv_epoch(w, 1), 2);
	commit(w, c);
	world_free(w);
}

static void
reuse_waits_for_everybody(void **state)
{
	struct world *w = world_new(8, 4, 4);
	uint64_t g;

	(void)state;
	load(w, ONE);
	worker_at(w, 0, w->number);
	worker_at(w, 1, w->number);
	hold(w, 1, 1, 3);
	load(w, TWO); /* s2 leaves */
	g = w->number;
	directory_reap(&w->m);
	assert_int_equal(srv_state(w, 1), SHM_DIR_LEAVING); /* both are on the old one */
	worker_at(w, 0, g);
	directory_reap(&w->m);
	assert_int_equal(srv_state(w, 1), SHM_DIR_LEAVING); /* worker 1 is */
	worker_is(w, 1, g, g - 1);
	hold(w, 1, 1, 0);
	directory_reap(&w->m);
	assert_int_equal(srv_state(w, 1), SHM_DIR_LEAVING); /* it still accepts for the old one */
	hold(w, 1, 1, 3);
	worker_at(w, 1, g);
	directory_reap(&w->m);
	assert_int_equal(srv_state(w, 1), SHM_DIR_LEAVING); /* it holds sessions there */
	hold(w, 1, 1, 0);
	w->m.checker.pid = 1; /* runs the first generation */
	sw64_set(&w->m.seg.own_checker->generation, g - 1);
	directory_reap(&w->m);
	assert_int_equal(srv_state(w, 1), SHM_DIR_LEAVING);
	sw64_set(&w->m.seg.own_checker->generation, g);
	w->m.round.phase = ROUND_PREPARE; /* children look slots up now */
	directory_reap(&w->m);
	assert_int_equal(srv_state(w, 1), SHM_DIR_LEAVING);
	w->m.round.phase = ROUND_NONE;
	directory_reap(&w->m);
	assert_int_equal(srv_state(w, 1), SHM_DIR_FREE);
	assert_int_equal(srv_state(w, 0), SHM_DIR_USED);
	load(w, "backends = { " B("a", S("s1", "192.0.2.1:80") S("s3", "192.0.2.3:80")) "};");
	assert_int_equal(srv(w, "a", "s3", "192.0.2.3:80"), 1);
	assert_int_equal(srv_epoch(w, 1), 2);
	world_free(w);
}

static void
a_worker_that_starts_holds_slots(void **state)
{
	struct world *w = world_new(8, 4, 4);

	(void)state;
	load(w, ONE);
	load(w, TWO);
	worker_at(w, 0, w->number);
	worker_is(w, 1, 1, 0); /* forked; a predecessor's number stands there */
	directory_reap(&w->m);
	assert_int_equal(srv_state(w, 1), SHM_DIR_LEAVING);
	w->m.workers[1].pid = 0; /* dead: its share has vanished */
	directory_reap(&w->m);
	assert_int_equal(srv_state(w, 1), SHM_DIR_FREE);
	world_free(w);
}

/* A backend's slot is named in its servers' entries: it is free only after them. */
static void
backend_waits_for_its_servers(void **state)
{
	struct world *w = world_new(8, 4, 4);

	(void)state;
	load(w,
	    "backends = { " B("a", S("s1", "192.0.2.1:80")) B("b", S("s1", "192.0.2.1:80")) "};");
	hold(w, 0, 1, 1);
	load(w, "backends = { " B("a", S("s1", "192.0.2.1:80")) B("b", S("s1", "192.0.2.1:80"))
		    B("c", S("s1", "192.0.2.1:80")) "};");
	load(w, TWO);
	directory_reap(&w->m);
	assert_int_equal(srv_state(w, 1), SHM_DIR_LEAVING);
	assert_int_equal(sw32_get(&shm_be_dir(&w->m.seg, 1)->state), SHM_DIR_LEAVING);
	assert_int_equal(sw32_get(&shm_be_dir(&w->m.seg, 2)->state), SHM_DIR_FREE);
	hold(w, 0, 1, 0);
	directory_reap(&w->m);
	assert_int_equal(srv_state(w, 1), SHM_DIR_FREE);
	assert_int_equal(sw32_get(&shm_be_dir(&w->m.seg, 1)->state), SHM_DIR_FREE);
	world_free(w);
}

static void
ceilings_are_said(void **state)
{
	struct world *w = world_new(2, 2, 1);
	char reason[256] = "";
	struct conf *c;

	(void)state;
	load(w, ONE);
	c = conf_of("backends = { " B("a", S("s1", "192.0.2.1:80") S("s9", "192.0.2.9:80")) "};");
	/* s2 leaves only on commit: its slot cannot be had in the same reload. */
	assert_int_equal(directory_prepare(&w->m, c, ++w->number, reason, sizeof(reason)), -1);
	assert_non_null(strstr(reason, "max_servers"));
	directory_abort(&w->m, w->number);
	assert_int_equal(srv(w, "a", "s2", "192.0.2.2:80"), 1);
	conf_free(c);
	c = conf_of("frontends = { f = { mode = \"http\"; bind = \":1\"; monitor_uri = \"/\"; };"
		    " g = { mode = \"http\"; bind = \":2\"; monitor_uri = \"/\"; }; };");
	assert_int_equal(directory_prepare(&w->m, c, ++w->number, reason, sizeof(reason)), -1);
	assert_non_null(strstr(reason, "frontend g"));
	directory_abort(&w->m, w->number);
	assert_int_equal(child_find_frontend(&w->m.seg, "f", 0), SHM_NONE);
	conf_free(c);
	world_free(w);
}

/* Random sets of servers over many generations: who stays keeps slot and epoch, no two share one,
 * and slots do not run out. */
static void
random_generations(void **state)
{
	struct world *w = world_new(16, 4, 4);
	uint32_t slot[8], epoch[8];
	unsigned before = 0;

	(void)state;
	srand48(7);
	for (int round = 0; round < 500; round++) {
		unsigned set = (unsigned)(lrand48() & 0xff), used = 0;
		char text[1024] = "backends = { a = { servers = { ";

		for (unsigned i = 0; i < 8; i++)
			if (set & 1u << i)
				snprintf(text + strlen(text), sizeof(text) - strlen(text),
				    "s%u = \"192.0.2.%u:80\"; ", i, i + 1);
		strcat(text, "}; }; };");
		if (lrand48() % 4 == 0) {
			struct conf *c = conf_of(text);

			directory_abort(&w->m, prepare(w, c));
			conf_free(c);
			set = before;
		} else {
			load(w, text);
		}
		for (unsigned i = 0; i < 8; i++) {
			char name[8], addr[32];
			uint32_t at;

			snprintf(name, sizeof(name), "s%u", i);
			snprintf(addr, sizeof(addr), "192.0.2.%u:80", i + 1);
			at = srv(w, "a", name, addr);
			if ((set & 1u << i) == 0) {
				assert_int_equal(at, SHM_NONE);
				continue;
			}
			assert_int_not_equal(at, SHM_NONE);
			assert_int_equal(used & 1u << at, 0);
			used |= 1u << at;
			if (before & 1u << i) {
				assert_int_equal(at, slot[i]);
				assert_int_equal(srv_epoch(w, at), epoch[i]);
			}
			slot[i] = at;
			epoch[i] = srv_epoch(w, at);
		}
		before = set;
		directory_reap(&w->m);
	}
	world_free(w);
}

#define MANY 600

/* Text of two backends with the same servers: those of the set. */
static char *
many_text(const bool *set)
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	assert_non_null(f);
	fputs("backends = { ", f);
	for (unsigned b = 0; b < 2; b++) {
		fprintf(f, "%c = { servers = ( ", "ab"[b]);
		for (unsigned i = 0, any = 0; i < MANY; i++)
			if (set[i])
				fprintf(f, "%s{ name = \"s%u\"; address = \"192.0.2.1:%u\"; }",
				    any++ != 0 ? ", " : "", i, i + 1);
		fputs(" ); }; ", f);
	}
	fputs("};", f);
	fclose(f);
	return text;
}

/* So many that they are found by the index. */
static void
thousands(void **state)
{
	struct world *w = world_new(4 * MANY, 4, 4);
	static uint32_t slot[2][MANY];
	static bool set[MANY], before[MANY];

	(void)state;
	srand48(5);
	for (int round = 0; round < 12; round++) {
		uint32_t used = 0, expect = 0;
		char *text;

		for (unsigned i = 0; i < MANY; i++) {
			before[i] = set[i];
			set[i] = i == 0 || lrand48() % 3 != 0;
			expect += 2 * set[i];
		}
		text = many_text(set);
		if (round % 4 == 1) { /* given up once, and then taken: the same places */
			struct conf *c = conf_of(text);

			directory_abort(&w->m, prepare(w, c));
			conf_free(c);
		}
		load(w, text);
		free(text);
		for (unsigned b = 0; b < 2; b++)
			for (unsigned i = 0; i < MANY; i++) {
				char name[8], addr[32], be[2] = {"ab"[b], '\0'};
				uint32_t at;

				snprintf(name, sizeof(name), "s%u", i);
				snprintf(addr, sizeof(addr), "192.0.2.1:%u", i + 1);
				at = srv(w, be, name, addr);
				assert_int_equal(at != SHM_NONE, set[i]);
				if (set[i] && before[i])
					assert_int_equal(at, slot[b][i]);
				slot[b][i] = at;
			}
		for (uint32_t i = 0; i < sw32_get(&w->m.seg.own_master->n_servers); i++)
			used += srv_state(w, i) == SHM_DIR_USED;
		assert_int_equal(used, expect); /* none has two */
		directory_reap(&w->m);
	}
	/* Places are used again: no more than before and after a reload together. */
	assert_true(sw32_get(&w->m.seg.own_master->n_servers) <= 4 * MANY);
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(identity_keeps_its_slot),
	    cmocka_unit_test(frontends_keep_ids),
	    cmocka_unit_test(abort_frees_what_it_brought),
	    cmocka_unit_test(reuse_waits_for_everybody),
	    cmocka_unit_test(a_worker_that_starts_holds_slots),
	    cmocka_unit_test(backend_waits_for_its_servers),
	    cmocka_unit_test(ceilings_are_said),
	    cmocka_unit_test(random_generations),
	    cmocka_unit_test(thousands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
