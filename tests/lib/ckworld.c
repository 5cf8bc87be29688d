/* SPDX-License-Identifier: ISC */
/* A world for checker_main; see ckworld.h. */
#include "tests/lib/ckworld.h"

#include <errno.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "checker/checker.h"
#include "lib/log.h"
#include "lib/proc.h"
#include "lib/sock.h"
#include "shm/request.h"
#include "shm/schedule.h"

#define N_WORKERS 2

static char last_text[16384], last_file[64], last_bytes[16384];

static void
open_log(struct world *w)
{
	struct sock_addr a;
	socklen_t len = sizeof(a.in);

	assert_int_equal(sock_addr_parse(&a, "127.0.0.1:1", true), 0);
	sock_addr_set_port(&a, 0);
	w->log_fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(w->log_fd, &a.sa, a.len), 0);
	assert_int_equal(getsockname(w->log_fd, &a.sa, &len), 0);
	sock_addr_format(&a, w->log_address, sizeof(w->log_address));
}

void
world_open(struct world *w)
{
	static const struct shm_caps caps = {
	    .workers = 4, .frontends = 16, .backends = 16, .servers = 256, .sessions = 64};
	struct shm_be_dir *d;

	memset(w, 0, sizeof(*w));
	assert_int_equal(shm_create(&w->m, &caps), 0);
	w->loop = loop_new();
	assert_non_null(w->loop);
	w->sock = -1;
	w->chan.f.fd = -1;
	for (unsigned i = 0; i < SHM_MAX_WORKERS; i++)
		w->bells.workers[i] = i < N_WORKERS ? eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC) : -1;
	w->bells.checker = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	w->bells.vrrp = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	w->bells.master = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	open_log(w);
	sw32_set(&w->m.own_master->n_workers, N_WORKERS);
	sw64_set(&w->m.own_master->live[0], 3);
	d = &shm_own_be_dir(&w->m)[0];
	sw32_set(&d->epoch, 1);
	strcpy(d->name, "be");
	sw32_set(&d->state, SHM_DIR_USED);
	sw32_set(&w->m.own_master->n_backends, 1);
}

void
world_close(struct world *w)
{
	if (w->pid != 0)
		world_kill(w);
	for (unsigned i = 0; i < N_WORKERS; i++)
		close(w->bells.workers[i]);
	close(w->bells.checker);
	close(w->bells.vrrp);
	close(w->bells.master);
	close(w->log_fd);
	loop_free(w->loop);
	shm_detach(&w->m);
}

uint32_t
world_server(struct world *w, const char *name, uint16_t port)
{
	uint32_t i = sw32_get(&w->m.master->n_servers);
	struct shm_srv_dir *d = &shm_own_srv_dir(&w->m)[i];

	sw32_set(&d->epoch, i + 1);
	sw32_set(&d->backend, w->be);
	snprintf(d->name, sizeof(d->name), "%s", name);
	snprintf(d->addr, sizeof(d->addr), "127.0.0.1:%u", port);
	sw32_set(&d->state, SHM_DIR_USED);
	sw32_set(&w->m.own_master->n_servers, i + 1);
	return i;
}

static void
on_answer(struct msg_chan *c, struct msg *m)
{
	struct world *w = (struct world *)(void *)((char *)c - offsetof(struct world, chan));

	if (m->type != PROTO_YES && m->type != PROTO_NO && m->type != PROTO_DONE)
		return;
	w->answer = m->type;
	w->answered = m->number;
	if (m->type == PROTO_NO)
		snprintf(w->reason, sizeof(w->reason), "%.*s", (int)m->len, (const char *)m->data);
}

static void
on_closed(struct msg_chan *c)
{
	msg_close(c);
}

void
world_spawn(struct world *w, bool resumed)
{
	pid_t parent = getpid();
	int sv[2];

	assert_int_equal(msg_pair(sv), 0);
	w->pid = fork();
	assert_int_not_equal(w->pid, -1);
	if (w->pid == 0) {
		struct child_start st = {
		    .kind = SHM_CHECKER, .sock = sv[1], .bells = w->bells, .resumed = resumed};

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(9);
		close(sv[0]);
		log_init("vipd");
		if (shm_attach(&st.seg, &w->m, SHM_CHECKER, 0) == -1)
			_exit(8);
		_exit(checker_main(&st));
	}
	close(sv[1]);
	w->chan.cb = on_answer;
	w->chan.closed = on_closed;
	assert_int_equal(msg_open(&w->chan, w->loop, sv[0]), 0);
}

void
world_kill(struct world *w)
{
	kill(w->pid, SIGKILL);
	waitpid(w->pid, NULL, 0);
	msg_close(&w->chan);
	w->pid = 0;
}

int
world_wait(struct world *w)
{
	struct mono end = mono_add_ms(mono_now(), 20000);
	int status;

	while (waitpid(w->pid, &status, WNOHANG) == 0) {
		assert_true(mono_before(mono_now(), end));
		world_turn(w);
	}
	msg_close(&w->chan);
	w->pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

void
world_turn(struct world *w)
{
	loop_turn(w->loop, 1);
	while (w->log_len < sizeof(w->log) - 2048) {
		ssize_t n = recv(w->log_fd, w->log + w->log_len, 2040, 0);

		if (n <= 0)
			return;
		w->log_len += (size_t)n;
		w->log[w->log_len++] = '\n';
	}
}

bool
world_logged(struct world *w, const char *text)
{
	return strstr(w->log, text) != NULL;
}

bool
world_rung(int bell)
{
	uint64_t n;

	return read(bell, &n, sizeof(n)) == sizeof(n);
}

static void
send_fd(struct world *w, uint32_t kind, const char *name, int fd)
{
	struct proto_fd meta = {.kind = kind, .queue = PROTO_SHARED};

	assert_int_not_equal(fd, -1);
	snprintf(meta.name, sizeof(meta.name), "%s", name);
	assert_int_equal(
	    msg_send(&w->chan, PROTO_FDS, w->generation, &meta, sizeof(meta), &fd, 1), 0);
	close(fd);
}

static int
open_log_sender(const struct world *w)
{
	struct sock_addr a;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	sock_addr_parse(&a, w->log_address, true);
	assert_int_equal(connect(fd, &a.sa, a.len), 0);
	return fd;
}

static void
send_generation(struct world *w, bool log_too, const char *file, const char *bytes)
{
	int fd = proc_memfd("text", last_text, strlen(last_text));

	w->answer = 0;
	assert_int_equal(msg_send(&w->chan, PROTO_PREPARE, w->generation, NULL, 0, &fd, 1), 0);
	close(fd);
	if (log_too)
		send_fd(w, PROTO_FD_LOG, w->log_address, open_log_sender(w));
	if (file != NULL)
		send_fd(w, PROTO_FD_FILE, file, proc_memfd(file, bytes, strlen(bytes)));
	assert_int_equal(msg_send(&w->chan, PROTO_PREPARED, w->generation, NULL, 0, NULL, 0), 0);
}

static void
wait_answer(struct world *w)
{
	UNTIL(w, w->answer != 0);
	assert_int_equal(w->answered, w->generation);
}

static void
commit(struct world *w)
{
	if (w->answer != PROTO_YES)
		fail_msg("refused: %s\n%s", w->reason, last_text);
	w->answer = 0;
	msg_send(&w->chan, PROTO_COMMIT, w->generation, NULL, 0, NULL, 0);
	UNTIL(w, w->answer == PROTO_DONE);
}

static void
set_text(struct world *w, const char *body)
{
	w->generation++;
	snprintf(last_text, sizeof(last_text),
	    "global = { log = { address = \"%s\"; level = \"debug\"; }; };\n"
	    "backends = { be = { %s }; };\n",
	    w->log_address, body);
}

bool
world_prepare(struct world *w, const char *body, const char *file, const char *bytes)
{
	bool first = w->generation == 0;

	set_text(w, body);
	if (file != NULL) {
		snprintf(last_file, sizeof(last_file), "%s", file);
		snprintf(last_bytes, sizeof(last_bytes), "%s", bytes);
	}
	send_generation(w, first, file, bytes);
	wait_answer(w);
	return w->answer == PROTO_YES;
}

void
world_load(struct world *w, const char *body, const char *file, const char *bytes)
{
	world_prepare(w, body, file, bytes);
	commit(w);
}

void
world_load_again(struct world *w)
{
	send_generation(w, true, last_file[0] != '\0' ? last_file : NULL, last_bytes);
	wait_answer(w);
	commit(w);
}

void
world_throw_again(struct world *w)
{
	send_generation(w, true, last_file[0] != '\0' ? last_file : NULL, last_bytes);
	msg_send(&w->chan, PROTO_COMMIT, w->generation, NULL, 0, NULL, 0);
}

void
world_throw(struct world *w, const char *body)
{
	set_text(w, body);
	last_file[0] = '\0';
	world_throw_again(w);
}

void
world_picks(struct world *w, unsigned n, unsigned *count)
{
	for (unsigned i = 0; i < n; i++) {
		uint32_t slot = schedule_pick(&w->m, w->be);

		assert_true(slot < 256);
		count[slot]++;
	}
}

static struct shm_worker *
worker0(const struct world *w)
{
	return SHM_AT(shm_worker(&w->m, 0), 0, struct shm_worker);
}

void
world_text(struct world *w, const char *text)
{
	struct shm_worker *k = worker0(w);

	for (unsigned i = 0; i < SHM_REQUESTS; i++)
		snprintf(k->request[i].text, sizeof(k->request[i].text), "%s", text);
}

uint64_t
world_ask(struct world *w, uint32_t kind, uint32_t slot, uint32_t argument)
{
	struct shm_worker *k = worker0(w);
	uint64_t n = sw64_get(&k->request_head) + 1;
	struct shm_request *r = &k->request[(n - 1) % SHM_REQUESTS];

	r->kind = kind;
	r->object = slot;
	r->value = shm_request_value(sw32_get(&shm_srv_dir(&w->m, slot)->epoch), argument);
	sw64_set(&r->number, n);
	sw64_set(&k->request_head, n);
	child_ring_fd(w->bells.checker);
	return n;
}

uint32_t
world_request(struct world *w, uint32_t kind, uint32_t slot, uint32_t argument)
{
	uint64_t n = world_ask(w, kind, slot, argument);

	UNTIL(w, sw64_get(&w->m.checker->done[0]) == n);
	return sw32_get(&w->m.checker->result[0]);
}

void
world_report(struct world *w, uint32_t slot)
{
	struct shm_worker *k = worker0(w);
	uint64_t head = sw64_get(&k->report_head);

	sw32_set(&k->report[head % SHM_REPORTS], slot);
	sw64_set(&k->report_head, head + 1);
	child_ring_fd(w->bells.checker);
}
