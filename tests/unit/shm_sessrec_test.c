/* SPDX-License-Identifier: ISC */
/* shm/sessrec: what is read is whole, also beside a writer that is killed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <unistd.h>

#include "lib/mono.h"
#include "shm/sessrec.h"
#include "tests/lib/shm_procs.h"

static const struct shm_caps caps = {
    .workers = 2, .frontends = 16, .backends = 16, .servers = 64, .sessions = 64};

static struct shm m;

/* Record 5 again and again, all fields from one number. */
static int
write_on(struct shm *s, void *arg)
{
	struct shm_session *r = &SHM_OWN(s, s->own_worker, sessions)[5];

	(void)arg;
	sw32_set(&s->own_worker->n_sessions, 6);
	for (uint64_t k = 1;; k++) {
		sessrec_begin(r);
		r->id = k;
		r->accept_ns = (int64_t)k * 3;
		sw32_set(&r->fe, (uint32_t)k);
		sw64_set(&r->bytes_out, k * 5);
		memset(&r->source, (int)(k % 256), sizeof(r->source));
		sw32_set(&r->phase, SHM_PH_DATA);
		sessrec_end(r);
		for (volatile unsigned i = 0; i < k % 64; i++)
			;
	}
	return 0;
}

static void
records_are_whole(void **state)
{
	unsigned reads = 0, kills = 0;
	uint64_t last = 0, changes = 0;
	pid_t pid;

	(void)state;
	assert_int_equal(shm_create(&m, &caps), 0);
	pid = procs_fork(&m, SHM_WORKER, 1, write_on, NULL);
	while (kills < 50 || reads < 2000 || changes < 200) {
		struct mono next = mono_add_ms(mono_now(), 5);

		while (mono_before(mono_now(), next)) {
			const struct shm_session *r = &shm_sessions(&m, shm_worker(&m, 1))[5];
			struct shm_session c;

			if (!sessrec_read(r, &c))
				continue;
			reads++;
			changes += c.id != last;
			last = c.id;
			assert_int_equal(c.accept_ns, c.id * 3);
			assert_int_equal(sw32_get(&c.fe), (uint32_t)c.id);
			assert_int_equal(sw64_get(&c.bytes_out), c.id * 5);
			assert_int_equal(c.source.family, c.id % 256);
			assert_int_equal(c.source.addr[15], c.id % 256);
		}
		procs_kill(pid);
		kills++;
		shm_worker_reset(&m, shm_dead_worker(&m, 1));
		assert_false(sessrec_read(
		    &shm_sessions(&m, shm_worker(&m, 1))[5], &(struct shm_session){.id = 0}));
		pid = procs_fork(&m, SHM_WORKER, 1, write_on, NULL);
	}
	procs_kill(pid);
	shm_detach(&m);
}

static void
unfinished_and_free_are_not_read(void **state)
{
	struct shm_session r, c;

	(void)state;
	memset((void *)&r, 0, sizeof(r));
	assert_false(sessrec_read(&r, &c));
	sessrec_begin(&r);
	sw32_set(&r.phase, SHM_PH_QUEUE);
	assert_false(sessrec_read(&r, &c));
	sessrec_end(&r);
	assert_true(sessrec_read(&r, &c));
	assert_int_equal(sw32_get(&c.phase), SHM_PH_QUEUE);
	sessrec_begin(&r);
	sessrec_begin(&r); /* a writer that follows one that died inside */
	assert_false(sessrec_read(&r, &c));
	sessrec_end(&r);
	assert_true(sessrec_read(&r, &c));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(records_are_whole),
	    cmocka_unit_test(unfinished_and_free_are_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
