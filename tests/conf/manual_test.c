/* SPDX-License-Identifier: ISC */
/*
 * conf: doc/vipd.conf.5 is what the table says. With --write as its argument it writes the page
 * instead (make manual).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "conf/manual.h"
#include "conf/table.h"

#define PAGE "doc/vipd.conf.5"

static void
page_is_current(void **state)
{
	char *want = NULL, *have;
	size_t n;
	FILE *f = open_memstream(&want, &n);

	(void)state;
	assert_non_null(f);
	assert_int_equal(manual_write(f), 0);
	fclose(f);
	f = fopen(PAGE, "r");
	assert_non_null(f);
	have = calloc(1, n + 2);
	assert_non_null(have);
	assert_int_equal(fread(have, 1, n + 1, f), n);
	fclose(f);
	assert_memory_equal(have, want, n);
	free(have);
	free(want);
}

/* Every row can be read, printed and explained. */
static void
rows_are_whole(void **state)
{
	(void)state;
	for (size_t i = 0; conf_scopes[i] != NULL; i++)
		for (size_t j = 0; j < conf_scopes[i]->n; j++) {
			const struct conf_key *k = &conf_scopes[i]->keys[j];
			bool number = k->kind == K_UINT || k->kind == K_INT || k->kind == K_PORT ||
				      k->kind == K_MS || k->kind == K_SECONDS ||
				      k->kind == K_FILEMODE;

			assert_non_null(k->text);
			assert_true(!number || k->max > k->min);
			assert_true(k->kind != K_ENUM || k->words != NULL);
			assert_true(k->kind != K_GROUP || k->scope != NULL);
			assert_true(k->kind != K_CUSTOM || k->read != NULL);
			assert_true(
			    k->kind != K_CUSTOM || k->print != NULL || (k->flags & F_INPUT) != 0);
			assert_true(k->kind != K_CUSTOM || k->syntax != NULL);
			assert_true(k->dflt_of == NULL || k->dflt_text != NULL);
			assert_ptr_equal(scope_find(conf_scopes[i], "", k->name), k);
		}
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(page_is_current),
	    cmocka_unit_test(rows_are_whole),
	};

	if (argc > 1 && strcmp(argv[1], "--write") == 0) {
		FILE *f = fopen(PAGE, "w");

		if (f == NULL || manual_write(f) == -1 || fclose(f) != 0) {
			perror(PAGE);
			return 1;
		}
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
