/* SPDX-License-Identifier: ISC */
/*
 * From the command line to the running master: options, configuration, user, limits, lock, daemon,
 * segment, listeners. Until the first round has ended every failure is fatal, with what to do.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/wipe.h"
#include "master/host.h"
#include "master/inherit.h"
#include "master/master.h"
#include "master/notify.h"
#include "master/secret.h"

static struct master master;

/* ---- configuration ----------------------------------------------------------------------------
 */

/* For no host: the file's members, see conf_read_file. */
static struct conf *
config_read_members(const char *file)
{
	struct conf_msgs msgs = {0};
	struct conf *c = conf_read_file(file, NULL, &msgs);

	if (c == NULL || c->vrrp.n_members == 0) /* else each member's reading says it */
		conf_msgs_print(&msgs, stderr);
	conf_msgs_free(&msgs);
	return c;
}

static struct conf *
config_read(const char *file, const char *member)
{
	struct conf_msgs msgs = {0};
	struct host host;
	struct conf *c;

	host_find(&host, member);
	c = conf_read_file(file, &host.conf, &msgs);
	if (c != NULL)
		secrets_look(c, &msgs);
	if (c != NULL)
		scripts_check(c, CONF_WARNING, &msgs);
	conf_msgs_print(&msgs, stderr);
	conf_msgs_free(&msgs);
	host_free(&host);
	return c;
}

static int
check_all_hosts(const struct options *o, struct conf *c)
{
	int code = 0;

	if (c->vrrp.n_members == 0)
		printf("%s: valid\n", o->file);
	for (size_t i = 0; i < c->vrrp.n_members; i++) {
		struct conf *other = config_read(o->file, c->vrrp.members[i].name);

		printf("%s: %s: %s\n", o->file, c->vrrp.members[i].name,
		    other != NULL ? "valid" : "has errors");
		if (other == NULL)
			code = 1;
		conf_free(other);
	}
	return code;
}

/* The unit's sandbox is the scripts' too. */
static void
scripts_note(const struct conf *c)
{
	bool any = c->vrrp.n_scripts > 0;

	for (size_t i = 0; i < c->vrrp.n_routers; i++) {
		const struct conf_router *r = &c->vrrp.routers[i];

		any = any || r->notify != NULL || r->notify_master != NULL ||
		      r->notify_backup != NULL || r->notify_fault != NULL || r->notify_stop != NULL;
	}
	if (any)
		puts("note: under systemd its scripts run within the unit's limits; for those that "
		     "need more (sudo, sysctls, other folders) there is vipd-hooks.conf");
}

/* Not root: all scripts run as we do. */
static void
script_users_look(const struct conf *c)
{
	const struct passwd *me = getpwuid(geteuid());

	for (size_t i = 0; i < c->vrrp.n_scripts; i++) {
		const struct conf_script *s = &c->vrrp.scripts[i];

		if (s->user != NULL && me != NULL && strcmp(s->user, me->pw_name) != 0)
			log_warning("script %s runs as %s, not as %s: vipd is not root", s->name,
			    me->pw_name, s->user);
	}
}

/* What is no error of the file, but in the way of a start. */
static void
start_note(const struct options *o, const struct conf *c)
{
	struct proc_user user;

	if (wants_nothing(c))
		fprintf(stderr, "%s: warning: no frontend and no vrrp instance: nothing to serve\n",
		    o->file);
	if (geteuid() == 0 && !c->global.quickstart &&
	    proc_user_find(&user, c->global.user, c->global.group) == -1)
		fprintf(stderr,
		    "%s: warning: there is no user %s, or not its group: vipd cannot start\n",
		    o->file, c->global.user);
}

static int
check_only(const struct options *o)
{
	struct conf *c =
	    o->all_hosts ? config_read_members(o->file) : config_read(o->file, o->host);
	char reason[512];
	int code = 0;
	unsigned n;

	if (c == NULL) {
		fprintf(stderr, "vipd: %s has errors\n", o->file);
		return 1;
	}
	n = wants_workers(c);
	if (wants_check(c, n, proc_nofile_raise(wants_nofile(c, n)), reason, sizeof(reason)) ==
	    -1) {
		fprintf(stderr, "vipd: %s: %s\n", o->file, reason);
		code = 1;
	} else if (generation_look(c) == -1) {
		fprintf(stderr, "vipd: %s names files that cannot be used\n", o->file);
		code = 1;
	} else if (o->all_hosts)
		code = check_all_hosts(o, c);
	else
		printf("%s: valid\n", o->file);
	scripts_note(c);
	start_note(o, c);
	conf_free(c);
	return code;
}

/* ---- what the operating system must give ------------------------------------------------------
 */

static int
user_find(struct master *m, const struct conf *c)
{
	const char *user = c->global.user;

	if (geteuid() != 0) {
		script_users_look(c);
		return 0; /* we stay who we are */
	}
	if (proc_user_find(&m->user, user, c->global.group) == 0)
		return 0;
	if (c->global.quickstart && proc_user_find(&m->user, "nobody", NULL) == 0) {
		log_notice("no user %s here: the quickstart's processes run as nobody", user);
		return 0;
	}
	if (getpwnam(user) != NULL)
		log_crit("no group %s: create it (groupadd --system %s) or set global.group",
		    c->global.group, c->global.group);
	else
		log_crit("no user %s: create it (useradd --system --no-create-home --shell "
			 "/usr/sbin/nologin %s) or set global.user to another one",
		    user, user);
	return -1;
}

static void
nofile_raise(struct master *m, const struct conf *c)
{
	uint64_t need = c->global.maxconn != 0 ? (uint64_t)c->global.maxconn * 2 + 200 : 0;

	uint64_t least = wants_nofile(c, wants_workers(c));

	m->nofile = proc_nofile_raise(need > least ? need : least);
	if (m->nofile < need)
		log_warning(
		    "maxconn %u needs %llu descriptors, only %llu are allowed: raise the limit "
		    "(LimitNOFILE=, ulimit -n) or lower maxconn",
		    c->global.maxconn, (unsigned long long)need, (unsigned long long)m->nofile);
}

/* A second vipd on the same file is refused before it touches anything. */
static int
lock_take(struct master *m, const struct conf *c)
{
	const char *control = conf_control_main(&c->global);
	char path[4096];

	m->lock_fd = -1;
	if (control == NULL)
		return 0;
	snprintf(path, sizeof(path), "%s.lock", control);
	m->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (m->lock_fd == -1) {
		log_crit("cannot open %s: %s", path, strerror(errno));
		return -1;
	}
	if (flock(m->lock_fd, LOCK_EX | LOCK_NB) == -1) {
		log_crit("another vipd runs with this control socket: %s is locked", control);
		return -1;
	}
	return 0;
}

static int
segment_make(struct master *m, const struct conf *c)
{
	unsigned room = m->n_workers < 8 ? 16 : m->n_workers * 2;
	struct shm_caps caps = {.workers = room < SHM_MAX_WORKERS ? room : SHM_MAX_WORKERS,
	    .frontends = c->global.max_frontends,
	    .backends = c->global.max_backends,
	    .servers = c->global.max_servers,
	    .sessions = (uint32_t)(m->nofile / 2 + 64)};
	struct shm_master *own;

	if (shm_create(&m->seg, &caps) == -1) {
		log_crit("cannot create the shared segment: %s", strerror(errno));
		return -1;
	}
	own = m->seg.own_master;
	sw32_set(&own->pid, (uint32_t)getpid());
	sw32_set(&own->n_workers, m->n_workers);
	sw32_set(&own->wanted, m->wanted);
	sw32_set(&own->nofile, (uint32_t)m->nofile);
	sw64_set(&own->started_ns, (uint64_t)mono_now().ns);
	sw64_set(&own->started_wall_us, (uint64_t)mono_wall_us());
	sw64_set(&own->tick, 1);
	sw64_set(&own->tick_ns, (uint64_t)mono_now().ns);
	for (unsigned i = 0; i < m->n_workers; i++)
		own->absent[i / 64].v |= 1ull << (i % 64);
	return 0;
}

/* What each kind of child may do. No setting needs more: a reload changes no filter. */
static int
filters_make(struct master *m)
{
	static const unsigned uses[SHM_KINDS] = {
	    [SHM_WORKER] = SECCOMP_CONNECT | SECCOMP_ACCEPT | SECCOMP_SPLICE,
	    [SHM_CHECKER] = SECCOMP_CONNECT,
	    [SHM_VRRP] = SECCOMP_LINK};

	if (!seccomp_available()) {
		log_warning("no seccomp in this kernel: processes run without system call filters");
		return 0;
	}
	for (unsigned k = SHM_WORKER; k < SHM_KINDS; k++)
		if (seccomp_build(&m->filters[k], uses[k]) == -1) {
			log_crit("cannot make the system call filter: %s", strerror(errno));
			return -1;
		}
	return 0;
}

static int
processes_init(struct master *m)
{
	int r = 0;

	m->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (m->bell == -1)
		r = -1;
	for (unsigned i = 0; i < m->n_workers && r == 0; i++)
		r = process_init(&m->workers[i], m, SHM_WORKER, i);
	if (r == 0)
		r = process_init(&m->checker, m, SHM_CHECKER, 0);
	if (r == 0)
		r = process_init(&m->vrrp, m, SHM_VRRP, 0);
	if (r == -1)
		log_crit("cannot make the doorbells: %s", strerror(errno));
	return r;
}

/* ---- daemon -----------------------------------------------------------------------------------
 */

/* The parent waits here until the child is ready or has failed. */
static int
parent_wait(int fd)
{
	unsigned char code = PROC_EXIT_FAILED;

	if (read(fd, &code, 1) != 1)
		code = PROC_EXIT_FAILED;
	return code;
}

/* Returns -1 in the process that goes on, else the parent's exit code. */
static int
detach(struct master *m)
{
	int p[2];
	pid_t pid;

	if (pipe2(p, O_CLOEXEC) == -1 || (pid = fork()) == -1) {
		log_crit("cannot detach: %s", strerror(errno));
		return PROC_EXIT_FAILED;
	}
	if (pid != 0) {
		close(p[1]);
		return parent_wait(p[0]);
	}
	close(p[0]);
	m->ready_fd = p[1];
	setsid();
	return -1;
}

static int
pidfile_open(const char *path, char *tmp, size_t size)
{
	snprintf(tmp, size, "%s.new", path);
	unlink(tmp);
	return open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
}

/* Who waits for the file must not wait for ever: before the start, whether it can be written. */
static int
pidfile_try(const char *path)
{
	char tmp[4096];
	int fd = pidfile_open(path, tmp, sizeof(tmp));

	if (fd == -1) {
		log_crit("cannot write the pid file %s: %s", path, strerror(errno));
		return -1;
	}
	close(fd);
	unlink(tmp);
	return 0;
}

static int
pidfile_write(const char *path)
{
	char tmp[4096];
	FILE *f;
	int fd;

	fd = pidfile_open(path, tmp, sizeof(tmp));
	f = fd != -1 ? fdopen(fd, "w") : NULL;
	if (f == NULL || fprintf(f, "%d\n", (int)getpid()) < 0 || fclose(f) != 0 ||
	    rename(tmp, path) == -1) {
		log_err("cannot write %s: %s", path, strerror(errno));
		return -1;
	}
	return 0;
}

/* What a newcomer can do with the quickstart. */
static void
hint_print(const struct conf *c)
{
	const char *control = conf_control_main(&c->global);

	puts("\nTry, in another terminal:");
	for (size_t i = 0; i < c->n_frontends; i++)
		for (size_t k = 0; k < c->frontends[i].n_binds; k++)
			printf("  curl http://%s/%s\n", c->frontends[i].binds[k].name,
			    c->frontends[i].mode == CONF_MODE_TCP ? "" : "        (status)");
	if (control != NULL)
		printf(
		    "  build/vipctl -s %s status\n  echo \'show stat\' | socat - UNIX-CONNECT:%s\n",
		    control, control);
	puts("Ctrl-C ends everything.\n");
	fflush(stdout);
}

/* Everything serves: the parent may go, standard descriptors are let go. */
void
start_ready(struct master *m)
{
	unsigned char code = PROC_EXIT_DONE;

	if (m->opt.pidfile != NULL)
		pidfile_write(m->opt.pidfile);
	if (m->opt.demo)
		hint_print(m->gen->conf);
	if (m->ready_fd == -1)
		return;
	proc_null_std();
	(void)!write(m->ready_fd, &code, 1);
	close(m->ready_fd);
	m->ready_fd = -1;
}

/* ---- all together -----------------------------------------------------------------------------
 */

static int
demo_prepare(struct master *m, struct conf *c)
{
	if (!m->opt.demo)
		return 0;
	demo_adjust_binds(c);
	return demo_start(m, c);
}

static int
run(struct master *m, struct conf *c)
{
	struct listener_error err = {.text = ""};
	struct listener *opened = NULL;
	struct generation *g;
	char reason[512];
	struct wants w;

	m->n_workers = m->wanted = wants_workers(c);
	m->loop = loop_new();
	if (m->loop == NULL || filters_make(m) == -1 || demo_prepare(m, c) == -1 ||
	    segment_make(m, c) == -1 || processes_init(m) == -1)
		return PROC_EXIT_FAILED;
	g = generation_new(m, c, reason, sizeof(reason));
	if (g == NULL) {
		log_crit("cannot start: %s", reason);
		return PROC_EXIT_FAILED;
	}
	g->workers = m->wanted;
	if (wants_listeners(&w, m, c, &err) == -1 ||
	    listener_open_all(&opened, w.v, w.n, NULL, m->n_workers, g->number, &err) == -1) {
		log_crit("cannot start: %s", err.text);
		return PROC_EXIT_FAILED;
	}
	wants_free(&w);
	if (directory_prepare(m, c, g->number, reason, sizeof(reason)) == -1) {
		log_crit("cannot start: %s", reason);
		return PROC_EXIT_FAILED;
	}
	proc_title_set("vipd: master -f %s", m->opt.file);
	return master_run(m, g, opened);
}

int
start_main(int argc, char **argv)
{
	struct master *m = &master;
	struct conf *c;
	int code;

	m->ready_fd = -1;
	code = options_parse(&m->opt, argc, argv);
	if (code != -1)
		return code;
	if (m->opt.check)
		return check_only(&m->opt);
	inherit_look();
	notify_init();
	wipe_frees(true); /* children are forked without exec: they must not find secrets */
	/* Before reading: a forked process finds no configuration (conf/arena.c). */
	if (m->opt.daemon && (code = detach(m)) != -1)
		return code;
	c = config_read(m->opt.file, m->opt.host);
	if (c == NULL) {
		fprintf(stderr, "vipd: %s has errors\n", m->opt.file);
		return 1;
	}
	if (user_find(m, c) == -1)
		return 1;
	if (m->opt.pidfile != NULL && pidfile_try(m->opt.pidfile) == -1)
		return 1;
	if (wants_nothing(c))
		log_warning("no frontend and no vrrp instance: nothing to serve");
	nofile_raise(m, c);
	if (lock_take(m, c) == -1)
		return 1;
	code = run(m, c);
	if (m->opt.pidfile != NULL && m->ready)
		unlink(m->opt.pidfile);
	return code;
}
