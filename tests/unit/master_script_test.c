/* SPDX-License-Identifier: ISC */
/* Splitting, safety and running of scripts. */
#include "master/script.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/log.h"

static char dir[] = "/tmp/vipd-script-XXXXXX";
static char file[128], out[128];

static void
file_write(const char *text, mode_t mode)
{
	FILE *f = fopen(file, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(chmod(file, mode), 0);
}

static void
split_test(void **state)
{
	char **w = script_split("/bin/a  'b c' \"d\"e ''");

	(void)state;
	assert_non_null(w);
	assert_string_equal(w[0], "/bin/a");
	assert_string_equal(w[1], "b c");
	assert_string_equal(w[2], "de");
	assert_string_equal(w[3], "");
	assert_null(w[4]);
	free(w);
	assert_null(script_split("/bin/a 'open"));
	assert_null(script_split("   "));
	w = script_split("a b c d e f g h i j k l m n o p");
	assert_non_null(w);
	assert_string_equal(w[15], "p");
	free(w);
}

static void
check_test(void **state)
{
	char buf[512];

	(void)state;
	file_write("#!/bin/sh\n", 0755);
	assert_null(script_check(file, geteuid(), buf, sizeof(buf)));
	file_write("#!/bin/sh\n", 0775);
	assert_non_null(
	    strstr(script_check(file, geteuid(), buf, sizeof(buf)), "writable by others"));
	file_write("#!/bin/sh\n", 0644);
	assert_non_null(
	    strstr(script_check(file, geteuid(), buf, sizeof(buf)), "not an executable"));
	file_write("#!/bin/sh\n", 0755);
	assert_int_equal(chmod(dir, 0777), 0);
	assert_non_null(
	    strstr(script_check(file, geteuid(), buf, sizeof(buf)), "writable by others"));
	assert_int_equal(chmod(dir, 0755), 0);
	assert_non_null(script_check("relative", geteuid(), buf, sizeof(buf)));
}

/* "vipd -t" and a reload say beforehand what would not run. */
static void
said_beforehand(void **state)
{
	const char *argv[] = {file};
	struct conf_script s = {.name = "s", .argv = {1, argv}, .user = "root"};
	struct conf c = {.vrrp = {.n_scripts = 1, .scripts = &s}};
	struct conf_msgs msgs = {0};

	(void)state;
	if (geteuid() != 0)
		skip();
	file_write("#!/bin/sh\n", 0755);
	scripts_check(&c, CONF_ERROR, &msgs);
	assert_int_equal(msgs.n, 0);
	file_write("#!/bin/sh\n", 0777);
	scripts_check(&c, CONF_ERROR, &msgs);
	assert_int_equal(msgs.n, 1);
	assert_int_equal(msgs.n_errors, 0);
	assert_non_null(strstr(msgs.v[0].text, "vrrp.scripts.s: it is not run: "));
	assert_non_null(strstr(msgs.v[0].text, "writable by others"));
	s.user = "nobody-of-that-name";
	scripts_check(&c, CONF_ERROR, &msgs);
	assert_int_equal(msgs.n_errors, 1);
	conf_msgs_free(&msgs);
}

struct seen {
	struct loop *loop;
	int status;
	bool done;
};

static void
on_done(void *ctx, uint64_t request, int status)
{
	struct seen *s = ctx;

	assert_int_equal(request, 7);
	s->status = status;
	s->done = true;
	loop_stop(s->loop);
}

static void
turn_until(struct seen *s)
{
	struct mono end = mono_add_ms(mono_now(), 20000);

	while (!s->done && mono_before(mono_now(), end))
		loop_turn(s->loop, 100);
	assert_true(s->done);
}

static unsigned
descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static void
track_test(void **state)
{
	const char *argv[] = {file};
	struct conf_script k = {
	    .name = "chk", .argv = {.n = 1, .v = argv}, .interval_ms = 300, .timeout_ms = 300};
	struct conf c = {.vrrp = {.n_scripts = 1, .scripts = &k}};
	struct proto_run run = {.what = PROTO_RUN_TRACK, .name = "chk"};
	unsigned before = descriptors();
	struct seen seen = {.loop = loop_new()};
	struct scripts *s = scripts_new(seen.loop, on_done, &seen);

	(void)state;
	file_write("#!/bin/sh\nexit 3\n", 0755);
	scripts_run(s, &c, 7, &run);
	turn_until(&seen);
	assert_true(WIFEXITED(seen.status));
	assert_int_equal(WEXITSTATUS(seen.status), 3);

	/* Ends by TERM when it takes too long. */
	seen.done = false;
	file_write("#!/bin/sh\nsleep 600\n", 0755);
	scripts_run(s, &c, 7, &run);
	turn_until(&seen);
	assert_true(WIFSIGNALED(seen.status));

	/* Unknown: answered at once. */
	seen.done = false;
	strcpy(run.name, "other");
	scripts_run(s, &c, 7, &run);
	assert_true(seen.done);
	assert_int_equal(seen.status, -1);

	/* One that still runs is ended with the rest, and nothing stays open. */
	strcpy(run.name, "chk");
	scripts_run(s, &c, 7, &run);
	scripts_free(s);
	loop_free(seen.loop);
	assert_int_equal(descriptors(), before);
}

/* What was checked is what runs: a link that others may change is not followed a second time. */
static void
link_test(void **state)
{
	const char *argv[1];
	struct conf_script k = {
	    .name = "chk", .argv = {.n = 1, .v = argv}, .interval_ms = 3000, .timeout_ms = 3000};
	struct conf c = {.vrrp = {.n_scripts = 1, .scripts = &k}};
	struct proto_run run = {.what = PROTO_RUN_TRACK, .name = "chk"};
	struct seen seen = {.loop = loop_new()};
	struct scripts *s = scripts_new(seen.loop, on_done, &seen);
	char open_dir[256], link[300], buf[512], text[700];

	(void)state;
	snprintf(open_dir, sizeof(open_dir), "%s/open", dir);
	snprintf(link, sizeof(link), "%s/link", open_dir);
	assert_int_equal(mkdir(open_dir, 0777), 0);
	assert_int_equal(chmod(open_dir, 0777), 0);
	snprintf(text, sizeof(text), "#!/bin/sh\ntest \"$0\" = %s\n", file);
	file_write(text, 0755);
	assert_int_equal(symlink(file, link), 0);
	assert_null(script_check(link, geteuid(), buf, sizeof(buf)));
	assert_string_equal(buf, file);
	argv[0] = link;
	scripts_run(s, &c, 7, &run);
	turn_until(&seen);
	assert_int_equal(seen.status, 0);
	scripts_free(s);
	loop_free(seen.loop);
	unlink(link);
	rmdir(open_dir);
}

/* Notify scripts run one after the other, with keepalived's arguments and the reason. */
static void
notify_test(void **state)
{
	struct conf_router r = {.name = "VI_1"};
	struct conf c = {.vrrp = {.n_routers = 1, .routers = &r}};
	struct proto_run run = {
	    .what = PROTO_RUN_MASTER, .priority = 200, .name = "VI_1", .reason = "because"};
	struct loop *loop = loop_new();
	struct scripts *s = scripts_new(loop, on_done, NULL);
	char text[256], line[128] = "";
	struct mono end = mono_add_ms(mono_now(), 20000);
	FILE *f;

	(void)state;
	unlink(out);
	snprintf(text, sizeof(text), "#!/bin/sh\necho \"$* $VIPD_REASON\" >>%s\n", out);
	file_write(text, 0755);
	snprintf(text, sizeof(text), "%s first", file);
	r.notify_master = text;
	r.notify = file;
	scripts_run(s, &c, 1, &run);
	for (int n = 0; n < 2 && mono_before(mono_now(), end);) {
		loop_turn(loop, 100);
		f = fopen(out, "r");
		for (n = 0; f != NULL && fgets(line, sizeof(line), f) != NULL;)
			n++;
		if (f != NULL)
			fclose(f);
	}
	f = fopen(out, "r");
	assert_non_null(f);
	assert_non_null(fgets(line, sizeof(line), f));
	assert_string_equal(line, "first because\n");
	assert_non_null(fgets(line, sizeof(line), f));
	assert_string_equal(line, "INSTANCE VI_1 MASTER 200 because\n");
	fclose(f);
	scripts_free(s);
	loop_free(loop);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(split_test),
	    cmocka_unit_test(check_test),
	    cmocka_unit_test(said_beforehand),
	    cmocka_unit_test(track_test),
	    cmocka_unit_test(link_test),
	    cmocka_unit_test(notify_test),
	};
	int r;

	log_init("vipd");
	if (mkdtemp(dir) == NULL || chmod(dir, 0755) == -1)
		return 2;
	snprintf(file, sizeof(file), "%s/script", dir);
	snprintf(out, sizeof(out), "%s/out", dir);
	r = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(file);
	unlink(out);
	rmdir(dir);
	return r;
}
