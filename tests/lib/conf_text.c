/* SPDX-License-Identifier: ISC */
#include "tests/lib/conf_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>

char *
conf_text(const struct conf *c, enum conf_reader reader)
{
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	assert_non_null(f);
	assert_int_equal(conf_print(c, f, reader), 0);
	fclose(f);
	return text;
}
