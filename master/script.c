/* SPDX-License-Identifier: ISC */
/* Runs the scripts that the configuration names. */
#include "master/script.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf/msgs.h"
#include "lib/log.h"
#include "lib/proc.h"

#define NOTIFY_LIMIT_MS 60000 /* a notify script that hangs must not hold up the next for ever */
#define KILL_AFTER_MS   1000  /* from TERM to KILL */
#define QUEUE_MOST      256

struct job {
	struct job *next;
	struct scripts *owner;
	uint64_t request;
	bool track;
	bool termed;
	int64_t limit_ms;
	char *user; /* NULL: as the master runs */
	char **argv;
	char *file; /* what argv[0] led to when it was checked: a link may lead elsewhere later */
	char *reason;
	pid_t pid;
	struct loop_fd end;
	struct loop_timer limit;
};

struct scripts {
	struct loop *loop;
	void (*done)(void *ctx, uint64_t request, int status);
	void (*idle)(void *ctx);
	void *ctx;
	struct job *running; /* tracking scripts, and the one notify script that runs */
	struct job *queue;   /* notify scripts that wait, oldest first */
	size_t n_queue;
	bool notifying;
};

/* ---- safety -----------------------------------------------------------------------------------
 */

static const char *
look(const char *path, uid_t uid, bool is_file, char *buf, size_t size)
{
	struct stat st;

	if (stat(path, &st) == -1)
		snprintf(buf, size, "%s: %s", path, strerror(errno));
	else if (is_file && (!S_ISREG(st.st_mode) || (st.st_mode & 0111) == 0))
		snprintf(buf, size, "%s: not an executable file", path);
	else if (st.st_uid != 0 && st.st_uid != uid)
		snprintf(buf, size, "%s: owned by somebody else", path);
	/* In a sticky folder (/tmp) others cannot replace what is not theirs. */
	else if ((st.st_mode & 022) != 0 && (is_file || (st.st_mode & S_ISVTX) == 0))
		snprintf(buf, size, "%s: writable by others", path);
	else
		return NULL;
	return buf;
}

const char *
script_check(const char *path, uid_t uid, char *buf, size_t size)
{
	char real[PATH_MAX], file[PATH_MAX];
	const char *wrong;
	char *slash;

	if (path[0] != '/') {
		snprintf(buf, size, "%s: not an absolute path", path);
		return buf;
	}
	if (realpath(path, real) == NULL) {
		snprintf(buf, size, "%s: %s", path, strerror(errno));
		return buf;
	}
	memcpy(file, real, sizeof(file));
	wrong = look(real, uid, true, buf, size);
	while (wrong == NULL && (slash = strrchr(real, '/')) != NULL) {
		slash[slash == real] = '\0';
		wrong = look(real, uid, false, buf, size);
		if (slash == real)
			break;
	}
	if (wrong == NULL)
		snprintf(buf, size, "%s", file);
	return wrong;
}

char **
script_split(const char *command)
{
	size_t len = strlen(command), n = 0;
	char **words = malloc((len / 2 + 2) * sizeof(char *) + len + 1);
	char *to, quote = '\0';
	bool in_word = false;

	if (words == NULL)
		return NULL;
	to = (char *)(words + len / 2 + 2);
	for (const char *p = command; *p != '\0'; p++) {
		if (quote != '\0' ? *p == quote : *p == '\'' || *p == '"') {
			quote = quote != '\0' ? '\0' : *p;
			if (!in_word)
				words[n++] = to;
			in_word = true;
			continue;
		}
		if (quote == '\0' && (*p == ' ' || *p == '\t' || *p == '\n')) {
			if (in_word)
				*to++ = '\0';
			in_word = false;
			continue;
		}
		if (!in_word)
			words[n++] = to;
		in_word = true;
		*to++ = *p;
	}
	*to = '\0';
	words[n] = NULL;
	if (n == 0 || quote != '\0') {
		free(words);
		return NULL;
	}
	return words;
}

/* ---- one job ----------------------------------------------------------------------------------
 */

static void
job_free(struct job *j)
{
	free(j->user);
	free(j->argv);
	free(j->file);
	free(j->reason);
	free(j);
}

_Noreturn static void
job_exec(const struct job *j)
{
	int null = open("/dev/null", O_RDWR);
	const struct passwd *pw = j->user != NULL ? getpwnam(j->user) : NULL;

	setsid();
	for (int i = 0; i < 3 && null != -1; i++)
		dup2(null, i);
	proc_close_others(NULL, 0);
	proc_oom_ordinary();
	proc_signals_child();
	for (int s = 1; s < NSIG; s++)
		signal(s, SIG_DFL);
	if (j->user != NULL && (pw == NULL || initgroups(pw->pw_name, pw->pw_gid) == -1 ||
				   setgid(pw->pw_gid) == -1 || setuid(pw->pw_uid) == -1))
		_exit(126);
	/* What the unit gave to a master that is not root is not for scripts. */
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (j->reason != NULL)
		setenv("VIPD_REASON", j->reason, 1);
	if (chdir("/") == -1)
		_exit(126);
	execv(j->file, j->argv);
	_exit(127);
}

static void job_next(struct scripts *s);

static void
job_end(struct job *j, int status)
{
	struct scripts *s = j->owner;
	struct job **at = &s->running;
	int fd = j->end.fd;

	while (*at != j)
		at = &(*at)->next;
	*at = j->next;
	loop_fd_del(s->loop, &j->end);
	close(fd);
	loop_timer_del(s->loop, &j->limit);
	loop_timer_unreserve(s->loop, 1);
	if (j->track) {
		s->done(s->ctx, j->request, status);
	} else {
		s->notifying = false;
		if (status != 0)
			log_warning("%s: wait status %d", j->argv[0], status);
	}
	job_free(j);
	job_next(s);
	if (!scripts_busy(s) && s->idle != NULL)
		s->idle(s->ctx);
}

static void
on_end(struct loop_fd *f, uint32_t events)
{
	struct job *j = (struct job *)(void *)((char *)f - offsetof(struct job, end));
	int status = 0;

	(void)events;
	if (waitpid(j->pid, &status, WNOHANG) == j->pid)
		job_end(j, status);
}

static void
on_limit(struct loop_timer *t)
{
	struct job *j = (struct job *)(void *)((char *)t - offsetof(struct job, limit));

	/* The whole session of the script, so that its children do not live on. */
	kill(-j->pid, j->termed ? SIGKILL : SIGTERM);
	kill(j->pid, j->termed ? SIGKILL : SIGTERM);
	if (!j->termed)
		log_warning("%s: no end within %lld ms", j->argv[0], (long long)j->limit_ms);
	j->termed = true;
	loop_timer_set(j->owner->loop, t, mono_add_ms(mono_now(), KILL_AFTER_MS));
}

static int
job_start(struct job *j)
{
	struct scripts *s = j->owner;
	int fd;

	if (loop_timer_reserve(s->loop, 1) == -1)
		return -1;
	j->pid = fork();
	if (j->pid == 0)
		job_exec(j);
	fd = j->pid == -1 ? -1 : (int)syscall(SYS_pidfd_open, j->pid, 0);
	j->end = (struct loop_fd){.cb = on_end, .fd = -1};
	if (fd == -1 || loop_fd_add(s->loop, &j->end, fd, EPOLLIN) == -1) {
		if (j->pid > 0) {
			kill(j->pid, SIGKILL);
			waitpid(j->pid, NULL, 0);
		}
		if (fd != -1)
			close(fd);
		loop_timer_unreserve(s->loop, 1);
		return -1;
	}
	j->limit = (struct loop_timer){.cb = on_limit};
	loop_timer_set(s->loop, &j->limit, mono_add_ms(mono_now(), j->limit_ms));
	j->next = s->running;
	s->running = j;
	return 0;
}

static void
job_next(struct scripts *s)
{
	while (!s->notifying && s->queue != NULL) {
		struct job *j = s->queue;

		s->queue = j->next;
		s->n_queue--;
		if (job_start(j) == -1) {
			log_err("cannot run %s: %s", j->argv[0], strerror(errno));
			job_free(j);
			continue;
		}
		s->notifying = true;
	}
}

/* ---- what was asked for -----------------------------------------------------------------------
 */

static struct job *
job_new(struct scripts *s, char **argv, const char *file, const char *user, const char *reason)
{
	struct job *j = argv != NULL ? calloc(1, sizeof(*j)) : NULL;

	if (j == NULL) {
		free(argv);
		return NULL;
	}
	j->owner = s;
	j->argv = argv;
	j->file = strdup(file);
	if (j->file == NULL) {
		job_free(j);
		return NULL;
	}
	/* Another user only when we may change to it. */
	j->user = user != NULL && geteuid() == 0 ? strdup(user) : NULL;
	j->reason = reason != NULL ? strdup(reason) : NULL;
	return j;
}

/* Two lists of words as one, in one allocation, NULL-terminated. */
static char **
words_join(const char *const *a, size_t na, const char *const *b, size_t nb)
{
	size_t bytes = 0;
	char **all, *to;

	for (size_t i = 0; i < na; i++)
		bytes += strlen(a[i]) + 1;
	for (size_t i = 0; i < nb; i++)
		bytes += strlen(b[i]) + 1;
	all = malloc((na + nb + 1) * sizeof(char *) + bytes);
	if (all == NULL)
		return NULL;
	to = (char *)(all + na + nb + 1);
	for (size_t i = 0; i < na + nb; i++) {
		all[i] = to;
		to = stpcpy(to, i < na ? a[i] : b[i - na]) + 1;
	}
	all[na + nb] = NULL;
	return all;
}

void
scripts_check(const struct conf *c, enum conf_severity severity, struct conf_msgs *msgs)
{
	char wrong[PATH_MAX], text[sizeof(wrong) + 128];

	for (size_t i = 0; i < c->vrrp.n_scripts && geteuid() == 0; i++) {
		const struct conf_script *s = &c->vrrp.scripts[i];

		const struct passwd *pw = s->user != NULL ? getpwnam(s->user) : NULL;

		if (s->user != NULL && pw == NULL) {
			snprintf(text, sizeof(text),
			    "vrrp.scripts.%s.user: this host has no user \"%s\": the script "
			    "cannot run",
			    s->name, s->user);
			msgs_add(msgs, severity, s->where, text);
		} else if (s->argv.n > 0 &&
			   script_check(s->argv.v[0], pw != NULL ? pw->pw_uid : geteuid(), wrong,
			       sizeof(wrong)) != NULL) {
			/* That can be mended while vipd runs. */
			snprintf(text, sizeof(text), "vrrp.scripts.%s: it is not run: %s", s->name,
			    wrong);
			msgs_add(msgs, CONF_WARNING, s->where, text);
		}
	}
}

/* file: what to execute then. */
static bool
may_run(const char *path, const char *user, char file[PATH_MAX])
{
	const struct passwd *pw = user != NULL ? getpwnam(user) : NULL;

	if (geteuid() == 0 && user != NULL && pw == NULL) {
		log_err("script %s: no user %s", path, user);
		return false;
	}
	if (script_check(path, pw != NULL ? pw->pw_uid : geteuid(), file, PATH_MAX) == NULL)
		return true;
	log_err("script not run: %s", file);
	return false;
}

static void
run_track(struct scripts *s, const struct conf *c, uint64_t request, const char *name)
{
	const struct conf_script *k = NULL;
	struct job *j = NULL;
	char file[PATH_MAX];

	for (size_t i = 0; i < c->vrrp.n_scripts; i++)
		if (strcmp(c->vrrp.scripts[i].name, name) == 0)
			k = &c->vrrp.scripts[i];
	if (k != NULL && k->argv.n > 0 && may_run(k->argv.v[0], k->user, file))
		j = job_new(s, words_join(k->argv.v, k->argv.n, NULL, 0), file, k->user, NULL);
	if (j != NULL) {
		j->track = true;
		j->request = request;
		j->limit_ms = k->timeout_ms > 0 ? k->timeout_ms : k->interval_ms;
		if (job_start(j) == 0)
			return;
		job_free(j);
	}
	s->done(s->ctx, request, -1);
}

static void
queue_notify(struct scripts *s, const char *command, const char *const *more, size_t n_more,
    const char *reason)
{
	struct job *j, **end = &s->queue;
	char **words, **argv, file[PATH_MAX];
	size_t n = 0;

	if (command == NULL)
		return;
	words = script_split(command);
	if (words == NULL || !may_run(words[0], NULL, file)) {
		free(words);
		return;
	}
	while (words[n] != NULL)
		n++;
	argv = words_join((const char *const *)words, n, more, n_more);
	free(words);
	j = s->n_queue < QUEUE_MOST ? job_new(s, argv, file, NULL, reason) : NULL;
	if (j == NULL) {
		log_err("notify script not run: too many wait: %s", command);
		return;
	}
	j->limit_ms = NOTIFY_LIMIT_MS;
	while (*end != NULL)
		end = &(*end)->next;
	*end = j;
	s->n_queue++;
	job_next(s);
}

static void
run_notify(struct scripts *s, const struct conf *c, const struct proto_run *run)
{
	static const char *const words[] = {[PROTO_RUN_MASTER] = "MASTER",
	    [PROTO_RUN_BACKUP] = "BACKUP",
	    [PROTO_RUN_FAULT] = "FAULT",
	    [PROTO_RUN_STOP] = "STOP"};
	const struct conf_router *r = NULL;
	const char *one;
	char prio[16];

	for (size_t i = 0; i < c->vrrp.n_routers; i++)
		if (strcmp(c->vrrp.routers[i].name, run->name) == 0)
			r = &c->vrrp.routers[i];
	if (r == NULL || run->what > PROTO_RUN_STOP)
		return;
	one = run->what == PROTO_RUN_MASTER   ? r->notify_master
	      : run->what == PROTO_RUN_BACKUP ? r->notify_backup
	      : run->what == PROTO_RUN_FAULT  ? r->notify_fault
					      : r->notify_stop;
	snprintf(prio, sizeof(prio), "%u", run->priority);
	const char *args[] = {"INSTANCE", r->name, words[run->what], prio};
	queue_notify(s, one, NULL, 0, run->reason);
	queue_notify(s, r->notify, args, 4, run->reason);
}

void
scripts_run(struct scripts *s, const struct conf *c, uint64_t request, const struct proto_run *run)
{
	struct proto_run r = *run;

	r.name[sizeof(r.name) - 1] = '\0';
	r.reason[sizeof(r.reason) - 1] = '\0';
	if (r.what == PROTO_RUN_TRACK)
		run_track(s, c, request, r.name);
	else
		run_notify(s, c, &r);
}

struct scripts *
scripts_new(struct loop *loop, void (*done)(void *ctx, uint64_t request, int status), void *ctx)
{
	struct scripts *s = calloc(1, sizeof(*s));

	if (s != NULL)
		*s = (struct scripts){.loop = loop, .done = done, .ctx = ctx};
	return s;
}

void
scripts_on_idle(struct scripts *s, void (*idle)(void *ctx))
{
	s->idle = idle;
}

bool
scripts_busy(const struct scripts *s)
{
	return s->notifying || s->queue != NULL;
}

void
scripts_free(struct scripts *s)
{
	struct job *j;

	if (s == NULL)
		return;
	while ((j = s->queue) != NULL) {
		s->queue = j->next;
		job_free(j);
	}
	while ((j = s->running) != NULL) {
		int fd = j->end.fd;

		s->running = j->next;
		kill(-j->pid, SIGKILL);
		kill(j->pid, SIGKILL);
		waitpid(j->pid, NULL, 0);
		loop_fd_del(s->loop, &j->end);
		close(fd);
		loop_timer_del(s->loop, &j->limit);
		job_free(j);
	}
	free(s);
}
