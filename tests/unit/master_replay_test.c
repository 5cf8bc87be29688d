/* SPDX-License-Identifier: ISC */
/* The replay memory: its order, kills of the writer at any instant, the file; the count of starts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/log.h"
#include "master/boot.h"
#include "master/replay.h"
#include "master/statefile.h"
#include "shm/replay.h"

static struct shm_vrrp *shm;
static char dir[64];

static int
setup(void **state)
{
	(void)state;
	shm = mmap(NULL, sizeof(*shm), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	snprintf(dir, sizeof(dir), "/tmp/vipd-replay-XXXXXX");
	return shm != MAP_FAILED && mkdtemp(dir) != NULL ? 0 : -1;
}

static int
teardown(void **state)
{
	static const char *const names[] = {"starts", "replay", "replay.new"};
	char path[128];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	rmdir(dir);
	return munmap(shm, sizeof(*shm));
}

static bool
all_wanted(const struct shm_replay *e, void *ctx)
{
	(void)e;
	(void)ctx;
	return true;
}

static bool
not_vi_2(const struct shm_replay *e, void *ctx)
{
	(void)ctx;
	return strcmp(e->router, "VI_2") != 0;
}

static struct replay_id
id(const char *router, uint8_t host, uint8_t key)
{
	return (struct replay_id){.router = router,
	    .family = AF_INET,
	    .vrid = 51,
	    .key_id = key,
	    .peer = {.family = AF_INET, .b = {192, 0, 2, host}}};
}

static void
order(void **state)
{
	static const struct {
		struct replay_value a, b;
		bool newer;
	} row[] = {
	    {{5, 100}, {5, 100}, false},
	    {{5, 99}, {5, 100}, false},
	    {{5, 101}, {5, 100}, true},
	    {{4, 1000}, {5, 100}, false},
	    {{6, 0}, {5, UINT64_MAX}, true},
	    {{UINT32_MAX, 0}, {6, 1}, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		assert_int_equal(replay_newer(&row[i].a, &row[i].b), row[i].newer);
}

/* Each peer and key has its own; a full table gives what nobody wants. */
static void
table(void **state)
{
	struct replay_id a = id("VI_1", 1, 1), b = id("VI_1", 1, 2), c = id("VI_1", 2, 1);
	struct replay_value v;
	struct shm_replay *e;

	(void)state;
	e = replay_find(shm, &a, all_wanted, NULL);
	assert_false(replay_get(e, &v));
	replay_set(e, &(struct replay_value){7, 70});
	assert_ptr_not_equal(e, replay_find(shm, &b, all_wanted, NULL));
	assert_ptr_not_equal(e, replay_find(shm, &c, all_wanted, NULL));
	assert_ptr_equal(e, replay_find(shm, &a, all_wanted, NULL));
	assert_true(replay_get(e, &v) && v.boot == 7 && v.seq == 70);
	for (unsigned i = 0; sw32_get(&shm->n_replays) < SHM_REPLAYS; i++) {
		struct replay_id more =
		    id(i == 99 ? "VI_2" : "VI_3", (uint8_t)i, (uint8_t)(i >> 8));

		assert_non_null(replay_find(shm, &more, all_wanted, NULL));
	}
	c = id("VI_4", 9, 9);
	assert_null(replay_find(shm, &c, all_wanted, NULL));
	e = replay_find(shm, &c, not_vi_2, NULL);
	assert_non_null(e);
	assert_false(replay_get(e, &v));
	assert_true(replay_get(replay_find(shm, &a, all_wanted, NULL), &v) && v.seq == 70);
}

/* Killed at any instant: what was accepted is remembered, and nothing that never was. */
static void
killed_writers(void **state)
{
	struct replay_id a = id("VI_1", 1, 1);
	struct shm_replay *e = replay_find(shm, &a, all_wanted, NULL);
	struct sw64 *accepted =
	    mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned between = 0;

	(void)state;
	assert_ptr_not_equal(accepted, MAP_FAILED);
	for (int k = 0; k < 300; k++) {
		uint64_t from = sw64_get(accepted), got;
		struct replay_value v = {0};
		pid_t pid = fork();

		if (pid == 0) {
			/* boot and seq must come from the same value: one is made of the other. */
			for (uint64_t n = from + 1;; n++) {
				replay_set(e, &(struct replay_value){(uint32_t)n * 3, n});
				sw64_set(accepted, n);
			}
		}
		while (sw64_get(accepted) < from + 100)
			; /* it runs */
		usleep((useconds_t)(random() % 300));
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		got = sw64_get(accepted);
		assert_true(replay_get(e, &v));
		assert_true(v.seq == got || v.seq == got + 1);
		assert_true(v.boot == (uint32_t)v.seq * 3);
		between += v.seq == got + 1;
		sw64_set(accepted, v.seq);
	}
	print_message("killed between memory and belief: %u of 300\n", between);
	munmap(accepted, 4096);
}

/* A reader beside a writer never sees halves of two. */
static void
reader(void **state)
{
	struct replay_id a = id("VI_1", 1, 1);
	struct shm_replay *e = replay_find(shm, &a, all_wanted, NULL);
	struct replay_value v;
	unsigned good = 0;
	pid_t pid;

	(void)state;
	replay_set(e, &(struct replay_value){3, 1});
	pid = fork();
	if (pid == 0)
		for (uint64_t n = 1;; n++)
			replay_set(e, &(struct replay_value){(uint32_t)n * 3, n});
	for (int i = 0; i < 200000; i++)
		if (replay_get(e, &v)) {
			good++;
			assert_true(v.boot == (uint32_t)v.seq * 3);
		}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_true(good > 1000);
}

static void
file(void **state)
{
	struct replay_id a = id("VI_1", 1, 1), b = id("a name", 2, 255);
	struct replay_value v;
	struct buf text = BUF_INIT;

	(void)state;
	replay_load(dir, shm); /* none: nothing said, nothing there */
	assert_int_equal(sw32_get(&shm->n_replays), 0);
	b.family = AF_INET6;
	b.peer = (struct shm_ip){.family = AF_INET6, .b = {0x20, 1, 0x0d, 0xb8, [15] = 1}};
	replay_set(replay_find(shm, &a, all_wanted, NULL), &(struct replay_value){1, UINT64_MAX});
	replay_set(replay_find(shm, &b, all_wanted, NULL), &(struct replay_value){UINT32_MAX, 5});
	replay_store(dir, shm, true);
	memset(shm, 0, sizeof(*shm));
	/* What is there already is not lowered by the file. */
	replay_set(replay_find(shm, &b, all_wanted, NULL), &(struct replay_value){UINT32_MAX, 6});
	replay_load(dir, shm);
	assert_int_equal(sw32_get(&shm->n_replays), 2);
	assert_true(replay_get(replay_find(shm, &a, all_wanted, NULL), &v));
	assert_true(v.boot == 1 && v.seq == UINT64_MAX);
	assert_true(replay_get(replay_find(shm, &b, all_wanted, NULL), &v));
	assert_true(v.boot == UINT32_MAX && v.seq == 6);
	/* Cut anywhere: said to be damaged, and no crash. */
	assert_int_equal(statefile_read(dir, "replay", &text), 0);
	log_set_targets(NULL, 0);
	for (size_t n = 0; n < text.len; n++) {
		memset(shm, 0, sizeof(*shm));
		assert_int_equal(statefile_write(dir, "replay", text.data, n, false), 0);
		replay_load(dir, shm);
		assert_int_equal(sw32_get(&shm->n_replays), 0);
	}
	buf_free(&text);
}

/* A wrong clock has no say while the file is there. */
static void
starts(void **state)
{
	uint32_t a = boot_next(dir);
	char huge[] = "4294967290\n";

	(void)state;
	assert_in_range(a, time(NULL) - 5, time(NULL) + 5);
	assert_int_equal(boot_next(dir), a + 1);
	assert_int_equal(boot_next(dir), a + 2);
	/* An old file, as a machine has that was put back to a snapshot. */
	assert_int_equal(statefile_write(dir, "starts", "4711\n", 5, false), 0);
	assert_in_range(boot_next(dir), time(NULL) - 5, time(NULL) + 5);
	/* The clock is far behind what was counted: it goes on all the same. */
	assert_int_equal(statefile_write(dir, "starts", huge, strlen(huge), false), 0);
	assert_true(boot_next(dir) == 4294967291u);
}

/* A clock that goes, is corrected a little, stands still in a sleep: no new start. */
static void
clock_ahead(void **state)
{
	const int64_t s = 1000000, t = 1700000000 * s;
	int64_t last = 0;

	(void)state;
	assert_false(boot_clock_ahead(&last, t, 5000000000));
	assert_false(boot_clock_ahead(&last, t + 3600 * s, 3605000000000));
	assert_false(boot_clock_ahead(&last, t + 3650 * s, 3605000000000));
	assert_false(boot_clock_ahead(&last, t, 3605000000000));
	assert_true(boot_clock_ahead(&last, t + 61 * s, 3605000000000));
	assert_false(boot_clock_ahead(&last, t + 62 * s, 3606000000000));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(order),
	    cmocka_unit_test_setup_teardown(table, setup, teardown),
	    cmocka_unit_test_setup_teardown(killed_writers, setup, teardown),
	    cmocka_unit_test_setup_teardown(reader, setup, teardown),
	    cmocka_unit_test_setup_teardown(file, setup, teardown),
	    cmocka_unit_test_setup_teardown(starts, setup, teardown),
	    cmocka_unit_test(clock_ahead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
