/* SPDX-License-Identifier: ISC */
/*
 * Checks the syntax of libconfig's language before libconfig reads it, to say what is wrong instead
 * of "syntax error", and to refuse what 1.5 and 1.7 read differently (integers beyond 32 bits,
 * commas before a closing bracket). One pass; after the first error of structure it stops, since
 * what follows would be guesses; wrong words and numbers are all found.
 */
#include "conf/source.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/msgs.h"
#include "conf/table.h"

#define MAX_NEST 32
/* Keys of a group: libconfig compares each new one with all before it, so that 100,000 take
 * minutes, and this many a third of a second. In a list nothing is compared. */
#define MAX_KEYS 10000

enum tok { T_END = 0, T_NAME, T_WORD, T_NUMBER, T_STRING, T_PUNCT, T_BAD };

/* What may come next. */
enum want { WANT_KEY = 0, WANT_EQ, WANT_VALUE, WANT_SEP };

struct lex {
	struct source *src;
	struct conf_msgs *msgs;
	const char *p;
	unsigned line;
	unsigned errors;
	/* the token */
	enum tok tok;
	const char *at;
	size_t len;
	unsigned tok_line;
	unsigned last_line; /* of the token before */
	/* the structure */
	char open[MAX_NEST];
	unsigned open_line[MAX_NEST];
	unsigned keys[MAX_NEST + 1];  /* of each group that is open, the whole file first */
	unsigned group[MAX_NEST + 1]; /* number of each group that is open */
	unsigned groups;
	unsigned depth;
	enum want want;
	enum tok last;       /* kind of the value before, inside brackets */
	bool comma;          /* inside brackets: the last token was a comma */
	char key[64];        /* the last key */
	bool glued;          /* it follows a secret without ';': it may be the rest of it */
	unsigned value_line; /* where the last value ended */
};

static void err(struct lex *, unsigned line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void
err(struct lex *l, unsigned line, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	msgs_add(l->msgs, CONF_ERROR, source_where(l->src, line), text);
	l->errors++;
}

/* Is the value of the last key a secret? '-' and '_' are alike. */
static bool
secret(const struct lex *l)
{
	for (const struct conf_scope *const *s = conf_scopes; *s != NULL; s++)
		for (size_t i = 0; i < (*s)->n; i++) {
			const char *a = (*s)->keys[i].name, *dot = strrchr(a, '.'), *b = l->key;

			if (((*s)->keys[i].flags & F_SECRET) == 0)
				continue;
			a = dot != NULL ? dot + 1 : a;
			while (*a != '\0' && (*a == *b || (*a == '_' && *b == '-')))
				a++, b++;
			if (*a == *b)
				return true;
		}
	return false;
}

/* What of the value a message may show. */
static const char *
shown(const struct lex *l, const char *at, size_t len)
{
	static char text[64];

	snprintf(text, sizeof(text), "%.*s", (int)(len > 40 ? 40 : len), at);
	return secret(l) ? "***" : text;
}

static bool
in_brackets(const struct lex *l)
{
	return l->depth > 0 && l->open[l->depth - 1] != '{';
}

/* ---- tokens -------------------------------------------------------------------------- */

static bool
is_word(char c)
{
	return isalnum((unsigned char)c) || strchr("_-*.:/+%@", c) != NULL;
}

/* Skips blanks and comments. Returns false when a comment is not closed. */
static bool
skip_blank(struct lex *l)
{
	for (;;) {
		if (*l->p == '\n') {
			l->line++;
			l->p++;
		} else if (*l->p == ' ' || *l->p == '\t' || *l->p == '\r' || *l->p == '\f') {
			l->p++;
		} else if (*l->p == '#' || (l->p[0] == '/' && l->p[1] == '/')) {
			l->p += strcspn(l->p, "\n");
		} else if (l->p[0] == '/' && l->p[1] == '*') {
			const char *end = strstr(l->p + 2, "*/");

			if (end == NULL) {
				err(l, l->line, "the comment that begins here is not closed");
				return false;
			}
			for (; l->p < end + 2; l->p++)
				l->line += *l->p == '\n';
		} else {
			return true;
		}
	}
}

/* p: behind the backslash. What libconfig's versions read differently is refused. */
static void
check_escape(struct lex *l, const char *p)
{
	if (strchr("nrtf\\\"", *p) != NULL)
		return;
	if (*p == 'x' && isxdigit((unsigned char)p[1]) && isxdigit((unsigned char)p[2]) &&
	    strncmp(p + 1, "00", 2) != 0)
		return;
	err(l, l->line, "\\%c inside quotes means nothing: a backslash is written \\\\", *p);
}

static void
lex_string(struct lex *l)
{
	const char *p = l->p + 1;

	for (; *p != '"' && *p != '\n' && *p != '\0'; p++)
		if (*p == '\\' && p[1] != '\n' && p[1] != '\0')
			check_escape(l, ++p);
	l->tok = T_STRING;
	if (*p != '"') {
		err(l, l->line, "the string is not closed: a \" is missing at the end of %s",
		    shown(l, l->p, (size_t)(p - l->p)));
		l->tok = T_BAD;
		l->p = p;
		return;
	}
	l->p = p + 1;
}

static bool
is_name(const char *s, size_t n)
{
	if (!isalpha((unsigned char)s[0]) && s[0] != '*')
		return false;
	for (size_t i = 1; i < n; i++)
		if (!isalnum((unsigned char)s[i]) && strchr("_-*", s[i]) == NULL)
			return false;
	return true;
}

/* libconfig's numbers: decimal, hexadecimal, with point or exponent; L behind for 64 bits. */
static bool
is_number(const char *s, size_t n)
{
	char buf[64], *end;

	if (n >= sizeof(buf))
		return false;
	memcpy(buf, s, n);
	buf[n] = '\0';
	if (n > 1 && buf[n - 1] == 'L')
		buf[--n] = '\0';
	if (n > 1 && buf[n - 1] == 'L')
		buf[--n] = '\0';
	if (strpbrk(buf, "xX") != NULL)
		return strspn(buf + 2, "0123456789abcdefABCDEF") == n - 2 && n > 2 && buf[0] == '0';
	if (strspn(buf, "+-0123456789.eE") != n)
		return false;
	(void)strtod(buf, &end);
	return end != buf && *end == '\0';
}

static void
lex_word(struct lex *l)
{
	const char *start = l->p;

	while (*l->p != '\0' && is_word(*l->p) &&
	       !(l->p[0] == '/' && (l->p[1] == '/' || l->p[1] == '*')))
		l->p++;
	l->len = (size_t)(l->p - start);
	/* "a:1": libconfig takes ':' for '=', so a key ends there. */
	if (l->want == WANT_KEY || (l->want == WANT_SEP && !in_brackets(l))) {
		const char *colon = memchr(start, ':', l->len);

		if (colon != NULL && colon != start) {
			l->p = colon;
			l->len = (size_t)(colon - start);
		}
	}
	if (is_name(start, l->len))
		l->tok = T_NAME;
	else
		l->tok = is_number(start, l->len) ? T_NUMBER : T_WORD;
}

static void
odd_character(struct lex *l)
{
	static const char *const quotes[] = {"\xe2\x80\x9c", "\xe2\x80\x9d", "\xe2\x80\x9e"};
	unsigned char c = (unsigned char)*l->p;

	for (size_t i = 0; i < sizeof(quotes) / sizeof(quotes[0]); i++)
		if (strncmp(l->p, quotes[i], 3) == 0) {
			err(l, l->line, "a quotation mark as in printed text: write \"");
			return;
		}
	if (strncmp(l->p, "\xc2\xa0", 2) == 0)
		err(l, l->line, "a no-break space outside quotes: write a plain one");
	else if (c >= 0x20 && c < 0x7f)
		err(l, l->line, "'%c' means nothing here: are quotes missing?", c);
	else
		err(l, l->line,
		    "a character (code %d) that may stand only inside quotes and comments", c);
}

static bool
next(struct lex *l)
{
	l->last_line = l->line;
	if (!skip_blank(l))
		return false;
	l->at = l->p;
	l->tok_line = l->line;
	l->len = 1;
	if (*l->p == '\0') {
		l->tok = T_END;
	} else if (*l->p == '"') {
		lex_string(l);
		if (l->tok == T_BAD)
			return false;
		l->len = (size_t)(l->p - l->at);
	} else if (strchr("{}[]();,=", *l->p) != NULL || (*l->p == ':' && l->want == WANT_EQ)) {
		l->tok = T_PUNCT;
		l->p++;
	} else if (is_word(*l->p)) {
		lex_word(l);
	} else {
		odd_character(l);
		return false;
	}
	return true;
}

/* ---- structure ----------------------------------------------------------------------- */

static char
close_of(char open)
{
	return open == '{' ? '}' : open == '[' ? ']' : ')';
}

static const char *
inside(const struct lex *l)
{
	char o = l->depth > 0 ? l->open[l->depth - 1] : '{';

	return o == '[' ? "array" : o == '(' ? "list" : "group";
}

static bool
open_bracket(struct lex *l, char c)
{
	if (l->depth == MAX_NEST) {
		err(l, l->tok_line, "nested more than %d deep", MAX_NEST);
		return false;
	}
	l->open[l->depth] = c;
	l->open_line[l->depth++] = l->tok_line;
	l->keys[l->depth] = 0;
	l->group[l->depth] = ++l->groups;
	l->want = c == '{' ? WANT_KEY : WANT_VALUE;
	l->comma = false;
	l->last = T_END;
	return true;
}

static bool
close_bracket(struct lex *l, char c)
{
	if (l->depth == 0) {
		err(l, l->tok_line, "'%c' closes nothing: one too many", c);
		return false;
	}
	if (close_of(l->open[l->depth - 1]) != c) {
		struct conf_where w = source_where(l->src, l->open_line[l->depth - 1]);

		err(l, l->tok_line, "'%c' here, but '%c' of line %u is still open: '%c' is missing",
		    c, l->open[l->depth - 1], w.line, close_of(l->open[l->depth - 1]));
		return false;
	}
	if (l->last == T_STRING && c != '}' && l->value_line != l->tok_line) {
		struct source *s = l->src;

		s->late = arena_grow(s->scratch, s->late, s->n_late, sizeof(*s->late));
		s->late[s->n_late++] = (struct source_late){l->tok_line, l->value_line};
	}
	if (l->comma) {
		err(l, l->tok_line, "a comma before '%c': take it away", c);
		return false;
	}
	l->depth--;
	l->want = WANT_SEP;
	l->last = T_PUNCT;
	l->comma = false;
	l->value_line = l->tok_line;
	return true;
}

static void
check_number(struct lex *l)
{
	char buf[64];
	size_t n = l->len < sizeof(buf) ? l->len : sizeof(buf) - 1;
	bool wide = false, hex;
	long long v;

	memcpy(buf, l->at, n);
	buf[n] = '\0';
	while (n > 0 && buf[n - 1] == 'L') {
		buf[--n] = '\0';
		wide = true;
	}
	hex = strpbrk(buf, "xX") != NULL;
	if (!hex && buf[strspn(buf, "+-")] == '0' &&
	    isdigit((unsigned char)buf[strspn(buf, "+-") + 1]))
		err(l, l->tok_line, "%s = %s: write the number without 0 in front", l->key,
		    shown(l, buf, n));
	if (!hex && strpbrk(buf, ".eE") != NULL)
		return;
	errno = 0;
	v = strtoll(buf, NULL, hex ? 16 : 10);
	if (errno == ERANGE || (!wide && (v > INT32_MAX || v < INT32_MIN)))
		err(l, l->tok_line, "%s = %s: the number is too large", l->key, shown(l, buf, n));
}

static bool
is_bool(const struct lex *l)
{
	return (l->len == 4 && strncasecmp(l->at, "true", 4) == 0) ||
	       (l->len == 5 && strncasecmp(l->at, "false", 5) == 0);
}

/* NAME = ... where the values of a list stand: braces were meant. */
static bool
is_group_in_list(const struct lex *l)
{
	const char *p = l->at + l->len;

	p += strspn(p, " \t");
	return l->tok == T_NAME && in_brackets(l) && *p == '=';
}

/* A word where a value is wanted. */
static void
bare_word(struct lex *l)
{
	static const char *const yes[] = {"yes", "on", "enable", "enabled"};
	static const char *const no[] = {"no", "off", "disable", "disabled"};
	int n = (int)l->len;
	const char *word;

	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		if (strlen(yes[i]) == l->len && strncasecmp(l->at, yes[i], l->len) == 0) {
			err(l, l->tok_line, "%s = %.*s: write true", l->key, n, l->at);
			return;
		}
		if (strlen(no[i]) == l->len && strncasecmp(l->at, no[i], l->len) == 0) {
			err(l, l->tok_line, "%s = %.*s: write false", l->key, n, l->at);
			return;
		}
	}
	word = shown(l, l->at, l->len);
	err(l, l->tok_line, "%s = %s: write it in quotes, \"%s\"", l->key, word, word);
}

static bool
value(struct lex *l)
{
	if (l->tok == T_PUNCT && strchr("{[(", *l->at) != NULL) {
		if (l->depth > 0 && l->open[l->depth - 1] == '[') {
			err(l, l->tok_line,
			    "'%c' inside [ ]: only numbers, strings and booleans may "
			    "stand there; use ( ) instead",
			    *l->at);
			return false;
		}
		return open_bracket(l, *l->at);
	}
	if (l->tok == T_PUNCT && in_brackets(l) && *l->at == close_of(l->open[l->depth - 1]))
		return close_bracket(l, *l->at);
	if (l->tok == T_PUNCT || l->tok == T_END) {
		if (in_brackets(l) && l->tok == T_PUNCT && *l->at == ',')
			err(l, l->tok_line, "a comma too many");
		else if (in_brackets(l) && l->tok == T_PUNCT && *l->at == ';')
			err(l, l->tok_line, "';' inside %s: write ',' there", inside(l));
		else if (l->tok == T_PUNCT && strchr("}])", *l->at) != NULL && in_brackets(l))
			return close_bracket(l, *l->at);
		else
			err(l, l->last_line, "%s: no value", l->key[0] != '\0' ? l->key : "?");
		return false;
	}
	if (is_group_in_list(l)) {
		char open = l->open[l->depth - 1];
		struct conf_where w = source_where(l->src, l->open_line[l->depth - 1]);

		err(l, l->tok_line,
		    "'%s =' inside '%c' of line %u, where only values may stand: write %s = { "
		    "... }",
		    shown(l, l->at, l->len), open, w.line, l->key);
		return false;
	}
	if (l->tok == T_NUMBER)
		check_number(l);
	else if (l->tok != T_STRING && !(l->tok == T_NAME && is_bool(l)))
		bare_word(l);
	l->want = WANT_SEP;
	l->last = l->tok;
	l->comma = false;
	l->value_line = l->line;
	return true;
}

/* For source_twin. */
static void
key_note(struct lex *l)
{
	struct source *s = l->src;

	s->keys = arena_grow(s->scratch, s->keys, s->n_keys, sizeof(*s->keys));
	s->keys[s->n_keys++] =
	    (struct source_key){l->at, (unsigned)l->len, l->tok_line, l->group[l->depth]};
}

static bool
key(struct lex *l)
{
	int n = (int)l->len;

	if (l->tok == T_NAME) {
		snprintf(l->key, sizeof(l->key), "%.*s", n, l->at);
		l->want = WANT_EQ;
		key_note(l);
		if (++l->keys[l->depth] <= MAX_KEYS)
			return true;
		err(l, l->tok_line,
		    "more than %d names in a group { }: write a list, ( { name = \"%.*s\"; ... }, "
		    "... )",
		    MAX_KEYS, n, l->at);
		return false;
	}
	if (l->tok == T_PUNCT && strchr("}])", *l->at) != NULL)
		return close_bracket(l, *l->at);
	if (l->tok == T_PUNCT && (*l->at == ';' || *l->at == ','))
		err(l, l->tok_line, "'%c' one too many", *l->at);
	else if (l->tok == T_WORD && *l->at == '@')
		err(l, l->tok_line, "an include stands alone on its line: @include \"PATH\"");
	else if (l->tok == T_WORD || l->tok == T_NUMBER)
		err(l, l->tok_line,
		    "\"%.*s\" cannot be a key (letters, digits, - and _, a letter first): "
		    "use a list, ( { name = \"%.*s\"; ... }, ... )",
		    n, l->at, n, l->at);
	else if (l->tok == T_STRING)
		err(l, l->tok_line,
		    "a key is written without quotes; for a name that is no key use a "
		    "list, ( { name = %s; ... }, ... )",
		    shown(l, l->at, l->len));
	else
		err(l, l->tok_line, "'%.*s' where a key should stand", n, l->at);
	return false;
}

/* The program whose configuration begins a section with this word, or NULL. */
static const char *
foreign(const char *key)
{
	static const char *const haproxy[] = {"global", "defaults", "frontend", "backend", "listen",
	    "peers", "resolvers", "userlist"};
	static const char *const keepalived[] = {
	    "global_defs", "vrrp_instance", "vrrp_script", "vrrp_sync_group", "virtual_server"};

	for (size_t i = 0; i < sizeof(haproxy) / sizeof(haproxy[0]); i++)
		if (strcmp(key, haproxy[i]) == 0)
			return "HAProxy";
	for (size_t i = 0; i < sizeof(keepalived) / sizeof(keepalived[0]); i++)
		if (strcmp(key, keepalived[i]) == 0)
			return "keepalived";
	return NULL;
}

static bool
equals(struct lex *l)
{
	const char *name = l->glued ? "***" : l->key;

	if (l->tok == T_PUNCT && (*l->at == '=' || *l->at == ':')) {
		l->want = WANT_VALUE;
		l->comma = false;
		return true;
	}
	if (l->tok == T_END)
		err(l, l->last_line, "the file ends after \"%s\"", name);
	else if (l->depth == 0 && foreign(l->key) != NULL)
		err(l, l->last_line,
		    "'=' is missing after \"%s\": is this a configuration of %s? vipd's is "
		    "written otherwise, see vipd.conf(5)",
		    l->key, foreign(l->key));
	else
		err(l, l->last_line, "'=' is missing after \"%s\"", name);
	return false;
}

/* Inside brackets after a value. */
static bool
separator_in_brackets(struct lex *l)
{
	if (l->tok == T_PUNCT && *l->at == ',') {
		l->want = WANT_VALUE;
		l->comma = true;
		return true;
	}
	if (l->tok == T_PUNCT && strchr("}])", *l->at) != NULL)
		return close_bracket(l, *l->at);
	if (l->tok == T_STRING && l->last == T_STRING)
		return true; /* joined; noted by the caller */
	if (l->tok == T_PUNCT && *l->at == ';')
		err(l, l->tok_line, "';' inside %s: write ',' there", inside(l));
	else if (l->tok == T_END || (l->tok == T_PUNCT && *l->at == '='))
		err(l, l->open_line[l->depth - 1], "'%c' is not closed: '%c' is missing",
		    l->open[l->depth - 1], close_of(l->open[l->depth - 1]));
	else
		err(l, l->value_line, "a comma is missing after this");
	return false;
}

static bool
separator(struct lex *l)
{
	if (l->tok == T_STRING && l->last == T_STRING) {
		l->src->joined = arena_grow(
		    l->src->scratch, l->src->joined, l->src->n_joined, sizeof(*l->src->joined));
		l->src->joined[l->src->n_joined++] =
		    arena_strndup(l->src->scratch, l->at + 1, l->len - 2);
		l->value_line = l->line;
		return true;
	}
	if (in_brackets(l))
		return separator_in_brackets(l);
	l->last = T_END;
	l->glued = false;
	if (l->tok == T_PUNCT && (*l->at == ';' || *l->at == ',')) {
		l->want = WANT_KEY;
		return true;
	}
	l->want = WANT_KEY;
	if (l->tok == T_NAME) { /* libconfig wants no separator */
		l->glued = secret(l);
		return key(l);
	}
	if (l->tok == T_PUNCT && strchr("}])", *l->at) != NULL)
		return close_bracket(l, *l->at);
	err(l, l->value_line, "a ';' is missing after this, or quotes around it");
	return false;
}

static bool
step(struct lex *l)
{
	switch (l->want) {
	case WANT_KEY:
		return key(l);
	case WANT_EQ:
		return equals(l);
	case WANT_VALUE:
		return value(l);
	default:
		return separator(l);
	}
}

unsigned
source_twin(const struct source *s, unsigned line, char *name, size_t size)
{
	for (size_t i = 0; i < s->n_keys; i++) {
		const struct source_key *k = &s->keys[i], *a;

		if (k->line != line)
			continue;
		for (a = s->keys; a < k; a++)
			if (a->group == k->group && a->len == k->len &&
			    memcmp(a->at, k->at, k->len) == 0) {
				snprintf(name, size, "%.*s", (int)k->len, k->at);
				return a->line;
			}
	}
	return 0;
}

unsigned
source_check(struct source *s, struct conf_msgs *m)
{
	struct lex l = {.src = s, .msgs = m, .p = s->text, .line = 1};

	while (next(&l)) {
		if (l.tok == T_END && (l.want == WANT_KEY || l.want == WANT_SEP)) {
			if (l.depth > 0)
				err(&l, l.open_line[l.depth - 1],
				    "'%c' is not closed: '%c' is missing", l.open[l.depth - 1],
				    close_of(l.open[l.depth - 1]));
			break;
		}
		if (!step(&l))
			break;
	}
	return l.errors;
}
