/* SPDX-License-Identifier: ISC */
/* lib/json, lib/csv, lib/prom. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/csv.h"
#include "lib/json.h"
#include "lib/prom.h"

static struct buf out;

static void
json_nesting(void **state)
{
	struct json j;

	(void)state;
	for (int indent = 0; indent < 2; indent++) {
		buf_reset(&out);
		json_init(&j, &out, indent);
		json_object_begin(&j);
		json_key(&j, "a");
		json_array_begin(&j);
		json_int(&j, -1);
		json_array_begin(&j);
		json_array_end(&j);
		json_object_begin(&j);
		json_object_end(&j);
		json_null(&j);
		json_array_end(&j);
		json_field_uint(&j, "b", UINT64_MAX);
		json_field_string(&j, "c", "x");
		json_field_string(&j, "d", NULL);
		json_field_bool(&j, "e", true);
		json_field_int(&j, "f", INT64_MIN);
		assert_int_equal(json_finish(&j), -1);
		json_object_end(&j);
		assert_int_equal(json_finish(&j), 0);
		assert_string_equal(buf_text(&out),
		    indent ? "{\n\t\"a\": [\n\t\t-1,\n\t\t[],\n\t\t{},\n\t\tnull\n\t],\n"
			     "\t\"b\": 18446744073709551615,\n\t\"c\": \"x\",\n\t\"d\": null,\n"
			     "\t\"e\": true,\n\t\"f\": -9223372036854775808\n}"
			   : "{\"a\":[-1,[],{},null],\"b\":18446744073709551615,\"c\":\"x\","
			     "\"d\":null,\"e\":true,\"f\":-9223372036854775808}");
	}
}

/* Each fault must show. */
static void
json_faults(void **state)
{
	(void)state;
	for (int fault = 0; fault < 7; fault++) {
		struct json j;

		buf_reset(&out);
		json_init(&j, &out, false);
		if (fault == 6) {
			for (int i = 0; i < JSON_DEPTH_MAX; i++)
				json_array_begin(&j);
			assert_true(out.failed);
			continue;
		}
		json_object_begin(&j);
		switch (fault) {
		case 0:
			json_int(&j, 1); /* value without key */
			break;
		case 1:
			json_array_end(&j);
			break;
		case 2:
			json_key(&j, "a");
			json_key(&j, "b");
			break;
		case 3:
			json_key(&j, "a");
			json_object_end(&j);
			break;
		case 4:
			json_object_end(&j);
			json_object_end(&j);
			break;
		default:
			json_object_end(&j);
			json_int(&j, 1); /* a second value */
			break;
		}
		assert_true(out.failed);
		assert_int_equal(json_finish(&j), -1);
	}
}

static void
json_one(const char *text, const char *want)
{
	struct json j;

	buf_reset(&out);
	json_init(&j, &out, false);
	json_string(&j, text);
	assert_int_equal(json_finish(&j), 0);
	assert_string_equal(buf_text(&out), want);
}

#define FFFD "\xef\xbf\xbd"

static void
json_strings(void **state)
{
	struct json j;

	(void)state;
	json_one("", "\"\"");
	json_one(
	    "a\"b\\c/\b\f\n\r\t\x01\x1f\x7f", "\"a\\\"b\\\\c/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\"");
	json_one(
	    "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"");
	json_one("\xff\xfe", "\"" FFFD FFFD "\"");
	json_one("\xc0\xaf", "\"" FFFD FFFD "\"");          /* overlong */
	json_one("\xed\xa0\x80", "\"" FFFD FFFD FFFD "\""); /* surrogate */
	json_one("\xf4\x90\x80\x80", "\"" FFFD FFFD FFFD FFFD "\"");
	json_one("\xe0\x80\x80x", "\"" FFFD FFFD FFFD "x\"");
	json_one("\xf0\x80\x80\x80", "\"" FFFD FFFD FFFD FFFD "\"");
	json_one("a\xe2\x82", "\"a" FFFD FFFD "\""); /* cut */
	json_one("\xe2\x82z", "\"" FFFD FFFD "z\"");
	json_one("\xf4\x8f\xbf\xbf\xed\x9f\xbf", "\"\xf4\x8f\xbf\xbf\xed\x9f\xbf\"");
	buf_reset(&out);
	json_init(&j, &out, false);
	json_string_n(&j, "a\0b", 3);
	assert_string_equal(buf_text(&out), "\"a\\u0000b\"");
}

static void
json_numbers(void **state)
{
	static const double v[] = {
	    0, 0.1, 1.0 / 3, 1e300, -2.5, 123456789.125, 5e-324, NAN, INFINITY};
	struct json j;

	(void)state;
	buf_reset(&out);
	json_init(&j, &out, false);
	json_array_begin(&j);
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		json_double(&j, v[i]);
	json_array_end(&j);
	assert_int_equal(json_finish(&j), 0);
	assert_string_equal(buf_text(&out), "[0,0.1,0.3333333333333333,1e+300,-2.5,123456789.125,"
					    "4.94065645841247e-324,null,null]");
	assert_true(strtod("0.3333333333333333", NULL) == 1.0 / 3);
}

static void
csv_rows(void **state)
{
	struct csv c;

	(void)state;
	buf_reset(&out);
	csv_init(&c, &out);
	csv_text(&c, "plain");
	csv_text(&c, "a,b");
	csv_text(&c, "say \"x\"");
	csv_text(&c, "two\nlines");
	csv_text(&c, "");
	csv_text(&c, NULL);
	csv_int(&c, -5);
	csv_uint(&c, UINT64_MAX);
	csv_end(&c);
	csv_text(&c, "");
	csv_text(&c, "\r");
	csv_end(&c);
	assert_string_equal(buf_text(&out),
	    "plain,\"a,b\",\"say \"\"x\"\"\",\"two\nlines\",,,-5,18446744073709551615\n,\"\r\"\n");
}

static void
prom_families(void **state)
{
	struct prom_label l[] = {{"a", "x\"y\\z\n\xff"}, {"gone", NULL}, {"b", ""}};
	struct prom p;

	(void)state;
	buf_reset(&out);
	prom_init(&p, &out);
	prom_family(&p, "never", PROM_GAUGE, "no samples");
	prom_family(&p, "v_total", PROM_COUNTER, "back\\slash \"quoted\"\nline");
	prom_uint(&p, l, 3, UINT64_MAX);
	prom_family(&p, "v_total", PROM_COUNTER, "back\\slash \"quoted\"\nline");
	prom_uint(&p, NULL, 0, 1);
	prom_family(&p, "g", PROM_GAUGE, "h");
	prom_int(&p, l + 1, 1, -1);
	prom_thousandths(&p, NULL, 0, 12000);
	prom_thousandths(&p, NULL, 0, 12300);
	prom_thousandths(&p, NULL, 0, 40);
	prom_thousandths(&p, NULL, 0, 7);
	assert_string_equal(buf_text(&out),
	    "# HELP v_total back\\\\slash \"quoted\"\\nline\n# TYPE v_total counter\n"
	    "v_total{a=\"x\\\"y\\\\z\\n" FFFD "\",b=\"\"} 18446744073709551615\nv_total 1\n"
	    "# HELP g h\n# TYPE g gauge\ng -1\ng 12\ng 12.3\ng 0.04\ng 0.007\n");
	assert_false(out.failed);
}

static int
cleanup(void **state)
{
	(void)state;
	buf_free(&out);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(json_nesting),
	    cmocka_unit_test(json_faults),
	    cmocka_unit_test(json_strings),
	    cmocka_unit_test(json_numbers),
	    cmocka_unit_test(csv_rows),
	    cmocka_unit_test(prom_families),
	};

	return cmocka_run_group_tests(tests, NULL, cleanup);
}
