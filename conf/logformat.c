/* SPDX-License-Identifier: ISC */
/* log_format: text to parts. */
#include "conf/logformat.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	const char *meaning;
} vars[] = {{"", ""}, {"", ""},
#define LOGFORMAT_ROW(id, name, text) {name, text},
    LOGFORMAT_VARS(LOGFORMAT_ROW)
#undef LOGFORMAT_ROW
};

/* HAProxy's other variables, so that whoever moves a format here reads why. */
static const struct {
	const char *names; /* blanks around each */
	const char *why;
} refused[] = {
    {" CC CS HM HP HPO HQ HU HV ST Ta Ti Tq TR Tr hr hrl hs hsl r tr trg trl ",
	"is about HTTP requests: frontends with sessions have mode tcp"},
    {" sslc sslv ", "is about TLS, which is relayed as it is"},
    {" ID ", "is not supported: there is no unique-id-format; %rt is the session's number"},
    {" lc ", "is not supported: lines are not counted; %rt is the session's number"},
};

const char *
logformat_name(unsigned what)
{
	return vars[what].name;
}

const char *
logformat_meaning(unsigned what)
{
	return vars[what].meaning;
}

struct parser {
	const char *text;
	const char *p;
	uint8_t flags; /* %o has set them for all that follow */
	struct logformat_op *op;
	struct logformat *out;
	struct logformat_error *error;
};

static int __attribute__((format(printf, 3, 4)))
fail(struct parser *ps, const char *at, const char *fmt, ...)
{
	va_list ap;

	ps->error->column = (unsigned)(at - ps->text) + 1;
	va_start(ap, fmt);
	vsnprintf(ps->error->text, sizeof(ps->error->text), fmt, ap);
	va_end(ap);
	return -1;
}

static int
add(struct parser *ps, const char *at, unsigned what, uint8_t flags, const char *text, size_t len)
{
	if (ps->out->n == LOGFORMAT_OPS)
		return fail(ps, at, "more than %d parts", LOGFORMAT_OPS);
	ps->op[ps->out->n++] = (struct logformat_op){
	    .what = (uint8_t)what, .flags = flags, .len = (uint16_t)len, .text = text};
	return 0;
}

/* One of "+Q", "-X", at *p. */
static int
one_flag(struct parser *ps, const char **p, uint8_t *flags)
{
	static const char letters[] = "QXE";
	char sign = **p;
	const char *letter;

	if (sign != '+' && sign != '-')
		return fail(ps, *p, "a flag begins with + or -, as in {+Q,+X}");
	letter = (*p)[1] != '\0' ? strchr(letters, (*p)[1]) : NULL;
	if (letter == NULL)
		return fail(ps, *p + 1, "flags are Q, X and E, as in {+Q,+X}");
	if (sign == '+')
		*flags |= (uint8_t)(1U << (letter - letters));
	else
		*flags &= (uint8_t) ~(1U << (letter - letters));
	*p += 2;
	return 0;
}

/* "{+Q,-X}", if it stands there. */
static int
flags_parse(struct parser *ps, uint8_t *flags)
{
	const char *p = ps->p;

	*flags = ps->flags;
	if (*p != '{')
		return 0;
	for (p++; *p != '}';) {
		while (*p == ' ')
			p++;
		if (*p == '\0' || strchr(p, '}') == NULL)
			return fail(ps, ps->p, "{ without }");
		if (one_flag(ps, &p, flags) == -1)
			return -1;
		while (*p == ' ')
			p++;
		if (*p == ',' && p[1] != '}')
			p++;
		else if (*p != '}')
			return fail(ps, p, "a comma or } should stand here");
	}
	ps->p = p + 1;
	return 0;
}

static bool
is_name(const char *name, const char *at, size_t len)
{
	return strlen(name) == len && memcmp(name, at, len) == 0;
}

static const char *
why_refused(const char *name, size_t len)
{
	char word[16];

	if (len > sizeof(word) - 3)
		return NULL;
	snprintf(word, sizeof(word), " %.*s ", (int)len, name);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (strstr(refused[i].names, word) != NULL)
			return refused[i].why;
	return NULL;
}

/* What stands behind a '%' at `at`; ps->p is behind that. */
static int
variable(struct parser *ps, const char *at)
{
	const char *name, *why;
	uint8_t flags;
	size_t len;

	if (*ps->p == '%')
		return add(ps, at, LOGFORMAT_TEXT, 0, ps->p++, 1);
	if (flags_parse(ps, &flags) == -1)
		return -1;
	if (*ps->p == '[')
		return fail(ps, at, "expressions, %%[...], are not supported");
	for (name = ps->p; isalnum((unsigned char)*ps->p); ps->p++)
		;
	len = (size_t)(ps->p - name);
	if (len == 0)
		return fail(ps, at, "%% without a variable; %%%% is a percent sign");
	if (is_name("o", name, len)) {
		ps->flags = flags;
		return 0;
	}
	for (unsigned i = LOGFORMAT_SPACE + 1; i < LOGFORMAT_N; i++)
		if (is_name(vars[i].name, name, len)) {
			ps->out->ends |= i == LOGFORMAT_FRONTEND_IP ||
					 i == LOGFORMAT_FRONTEND_PORT || i == LOGFORMAT_SOURCE_IP ||
					 i == LOGFORMAT_SOURCE_PORT;
			return add(ps, at, i, flags, NULL, 0);
		}
	why = why_refused(name, len);
	if (why != NULL)
		return fail(ps, at, "%%%.*s %s", (int)len, name, why);
	return fail(ps, at, "there is no variable %%%.*s", len > 32 ? 32 : (int)len, name);
}

int
logformat_parse(
    const char *text, struct logformat_op *op, struct logformat *out, struct logformat_error *error)
{
	struct parser ps = {.text = text, .p = text, .op = op, .out = out, .error = error};

	*out = (struct logformat){.op = op, .json = strcmp(text, "json") == 0};
	if (out->json)
		return 0;
	if (*text == '\0')
		return fail(&ps, text, "it is empty; tcplog = false for no lines");
	if (strlen(text) > LOGFORMAT_MOST)
		return fail(&ps, text + LOGFORMAT_MOST, "more than %d bytes", LOGFORMAT_MOST);
	while (*ps.p != '\0') {
		const char *at = ps.p;
		int r;

		if (*at == '%') {
			ps.p++;
			r = variable(&ps, at);
		} else if (isspace((unsigned char)*at)) {
			while (isspace((unsigned char)*ps.p))
				ps.p++;
			r = add(&ps, at, LOGFORMAT_SPACE, 0, NULL, 0);
		} else {
			while (*ps.p != '\0' && *ps.p != '%' && !isspace((unsigned char)*ps.p))
				ps.p++;
			r = add(&ps, at, LOGFORMAT_TEXT, 0, at, (size_t)(ps.p - at));
		}
		if (r == -1)
			return -1;
	}
	return 0;
}

const struct logformat *
logformat_tcplog(void)
{
	static struct logformat_op op[LOGFORMAT_OPS];
	static struct logformat f;
	struct logformat_error error;

	if (f.op == NULL && logformat_parse(LOGFORMAT_TCPLOG, op, &f, &error) == -1)
		f.n = 0;
	return &f;
}
