/* SPDX-License-Identifier: ISC */
/*
 * conf: mutated samples, for a bounded time. A text is refused with a message, or what is printed
 * from it reads back to the same print. The seed is printed; VIPD_FUZZ_SEED and VIPD_FUZZ_MS change
 * both.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <glob.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "conf/conf.h"
#include "tests/lib/fuzz.h"

#define MAX_TEXT 16384

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static char *
slurp(const char *path, size_t *len)
{
	char *text = calloc(1, MAX_TEXT);
	FILE *f = fopen(path, "r");

	assert_non_null(text);
	assert_non_null(f);
	*len = fread(text, 1, MAX_TEXT / 2, f);
	fclose(f);
	return text;
}

static const char *const words[] = {"{", "}", "[", "]", "(", ")", ";", ",", "=", ":", "\"", "\\",
    "#", "/*", "*/", "true", "false", "0", "-1", "2147483647", "4294967296", "9999999999999L",
    "1.5", "\"5s\"", "\"0\"", "\"9999999999d\"", "name = \"x\";", "servers = ( );",
    "check = false;", "address = \"\";", "\"[::]:1\"", "\"all\"", "members = { };",
    "self = \"ha1\";", "track = ( );", "@include \"x\"\n", "\xef\xbb\xbf", "bind = [ ];",
    "defaults = { };", "id = 1;", "version = 2;", "status = [ 1 ];", "\"1.2.3.4/0 dev\"",
    "unicast_peer = \"::1\";", "priority = 255;", "\\x41"};

static void
insert(char *text, size_t *n, size_t at, const char *what, size_t len)
{
	if (*n + len >= MAX_TEXT)
		return;
	memmove(text + at + len, text + at, *n - at);
	memcpy(text + at, what, len);
	*n += len;
}

static void
mutate(char *text, size_t *n)
{
	size_t at = fuzz_below((uint32_t)*n), len = 1 + fuzz_below(40);
	char piece[64];

	if (*n == 0)
		return;
	if (at + len > *n)
		len = *n - at;
	switch (fuzz_below(5)) {
	case 0:
		text[at] = (char)(text[at] ^ (1 << fuzz_below(8)));
		break;
	case 1:
		memmove(text + at, text + at + len, *n - at - len);
		*n -= len;
		break;
	case 2:
		memcpy(piece, text + at, len);
		insert(text, n, fuzz_below((uint32_t)*n), piece, len);
		break;
	case 3:
		text[at] = (char)fuzz_below(256);
		break;
	default: {
		const char *w = words[fuzz_below(sizeof(words) / sizeof(words[0]))];

		insert(text, n, at, w, strlen(w));
	}
	}
}

static char *
print(const struct conf *c, enum conf_reader r, size_t *n)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, n);

	assert_non_null(f);
	assert_int_equal(conf_print(c, f, r), 0);
	fclose(f);
	return text;
}

/* Returns 1 if the text was accepted. */
static int
try_text(const char *text, size_t n)
{
	struct conf_msgs m = {0};
	struct conf *c = conf_read_text(text, n, "fuzz", &m), *again;
	enum conf_reader r = (enum conf_reader)fuzz_below(CONF_FOR_HUMAN + 1);
	char *a, *b;
	size_t na, nb;

	assert_true((c == NULL) == (m.n_errors > 0));
	conf_msgs_free(&m);
	if (c == NULL)
		return 0;
	a = print(c, r, &na);
	again = conf_read_text(a, na, "again", &m);
	if (again == NULL) {
		fprintf(stderr, "%.*s\n---- printed:\n%s\n", (int)n, text, a);
		conf_msgs_print(&m, stderr);
	}
	assert_non_null(again);
	b = print(again, r, &nb);
	assert_string_equal(a, b);
	conf_msgs_free(&m);
	conf_free(again);
	conf_free(c);
	free(a);
	free(b);
	return 1;
}

static void
mutations(void **state)
{
	const char *ms = getenv("VIPD_FUZZ_MS");
	int64_t end = now_ms() + (ms != NULL ? atoll(ms) : 2000);
	unsigned long tried = 0, accepted = 0;
	glob_t g;

	(void)state;
	fuzz_begin(0x9e3779b97f4a7c15u);
	assert_int_equal(glob("conf/*.conf", 0, NULL, &g), 0);
	assert_int_equal(glob("tests/fuzz/conf/*.conf", GLOB_APPEND, NULL, &g), 0);
	while (now_ms() < end) {
		size_t n, rounds = 1 + fuzz_below(6);
		char *text = slurp(g.gl_pathv[fuzz_below((uint32_t)g.gl_pathc)], &n);

		while (rounds-- > 0)
			mutate(text, &n);
		accepted += (unsigned)try_text(text, n);
		tried++;
		free(text);
	}
	globfree(&g);
	fprintf(stderr, "%lu tried, %lu accepted\n", tried, accepted);
	assert_true(tried > 100);
	assert_true(accepted > 0);
	assert_true(accepted < tried);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(mutations)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
