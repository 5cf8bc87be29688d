/* SPDX-License-Identifier: ISC */
/* Reads a configuration file and its includes into one text. */
#include "conf/source.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/msgs.h"

#define MAX_DEPTH 10
#define MAX_BYTES (16u << 20)

struct build {
	struct source *src;
	struct conf_msgs *msgs;
	size_t cap;
	size_t lines_cap;
	bool includes; /* allowed */
	bool failed;
	unsigned depth;
};

static void fail(struct build *, struct conf_where, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void
fail(struct build *b, struct conf_where where, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	msgs_add(b->msgs, CONF_ERROR, where, text);
	b->failed = true;
}

static char *
slurp(struct build *b, const char *path, struct conf_where where, size_t *len)
{
	FILE *f = fopen(path, "re");
	char *data = NULL;
	size_t n = 0, cap = 0, got;

	if (f == NULL) {
		fail(b, where, "cannot open %s: %s", path, strerror(errno));
		return NULL;
	}
	do {
		if (cap - n < 4096) {
			char *p = realloc(data, cap = cap == 0 ? 16384 : 2 * cap);

			if (p == NULL)
				abort();
			data = p;
		}
		got = fread(data + n, 1, cap - n - 1, f);
		n += got;
	} while (got > 0 && n < MAX_BYTES);
	if (ferror(f) || n >= MAX_BYTES) {
		fail(b, where, "cannot read %s: %s", path,
		    n >= MAX_BYTES ? "more than 16 MiB" : strerror(errno));
		free(data);
		data = NULL;
	} else {
		data[n] = '\0';
		*len = n;
	}
	fclose(f);
	return data;
}

static void
append_line(struct build *b, const char *line, size_t n, struct conf_where where)
{
	struct source *s = b->src;

	if (s->len + n > MAX_BYTES) {
		fail(b, where, "more than 16 MiB with all that is included");
		return;
	}
	if (s->len + n + 2 > b->cap) {
		b->cap = 2 * (s->len + n + 2);
		s->text = memcpy(arena_alloc(s->scratch, b->cap), s->text ? s->text : "", s->len);
	}
	memcpy(s->text + s->len, line, n);
	s->len += n;
	s->text[s->len++] = '\n';
	s->text[s->len] = '\0';
	s->lines = arena_grow(s->scratch, s->lines, s->n_lines, sizeof(*s->lines));
	s->lines[s->n_lines++] = where;
}

/* "@include "path"" alone on a line: returns the path's start and length, or NULL. */
static const char *
include_path(const char *line, size_t n, size_t *len)
{
	const char *end = line + n, *p, *q;

	while (line < end && (*line == ' ' || *line == '\t'))
		line++;
	if ((size_t)(end - line) < 8 || strncmp(line, "@include", 8) != 0)
		return NULL;
	p = line + 8;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	if (p == end || *p != '"')
		return NULL;
	q = memchr(p + 1, '"', (size_t)(end - p - 1));
	if (q == NULL)
		return NULL;
	*len = (size_t)(q - p - 1);
	return p + 1;
}

/* Is the text open in a comment of several lines after this line? Strings do not span lines. */
static bool
comment_after(const char *line, size_t n, bool in)
{
	bool str = false;

	for (size_t i = 0; i < n; i++) {
		char c = line[i], d = i + 1 < n ? line[i + 1] : '\0';

		if (in) {
			if (c == '*' && d == '/')
				in = false, i++;
		} else if (str) {
			if (c == '\\')
				i++;
			else if (c == '"')
				str = false;
		} else if (c == '"') {
			str = true;
		} else if (c == '#' || (c == '/' && d == '/')) {
			return false;
		} else if (c == '/' && d == '*') {
			in = true, i++;
		}
	}
	return in;
}

static void build_file(struct build *, const char *path, struct conf_where from);

static void
build_include(struct build *b, const char *path, size_t n, struct conf_where where)
{
	const char *slash = where.file != NULL ? strrchr(where.file, '/') : NULL;
	char *full;

	if (!b->includes) {
		fail(b, where, "@include is not possible here");
		return;
	}
	if (b->depth >= MAX_DEPTH) {
		fail(b, where, "@include more than %d deep: does the file include itself?",
		    MAX_DEPTH);
		return;
	}
	if (path[0] == '/' || slash == NULL)
		full = arena_strndup(b->src->arena, path, n);
	else
		full = arena_printf(b->src->arena, "%.*s%.*s", (int)(slash - where.file) + 1,
		    where.file, (int)n, path);
	b->depth++;
	build_file(b, full, where);
	b->depth--;
}

static void
build_text(struct build *b, const char *data, size_t len, const char *file)
{
	struct conf_where where = {file, 0};
	bool comment = false;
	size_t at = 0;

	if (len >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0) {
		where.line = 1;
		fail(b, where,
		    "the file begins with a byte order mark: save it as UTF-8 without BOM");
		return;
	}
	for (where.line = 1; at < len && !b->failed; where.line++) {
		const char *nl = memchr(data + at, '\n', len - at);
		size_t n = nl != NULL ? (size_t)(nl - (data + at)) : len - at, plen;
		const char *line = data + at, *path;

		at += n + 1;
		if (n > 0 && line[n - 1] == '\r')
			n--;
		if (memchr(line, '\0', n) != NULL) {
			fail(b, where, "a NUL byte: %s",
			    len >= 2 && (memcmp(data, "\xff\xfe", 2) == 0 ||
					    memcmp(data, "\xfe\xff", 2) == 0)
				? "the file is UTF-16: save it as UTF-8 without BOM"
				: "is this a configuration file?");
			return;
		}
		path = comment ? NULL : include_path(line, n, &plen);
		comment = comment_after(line, n, comment);
		if (path != NULL)
			build_include(b, path, plen, where);
		else
			append_line(b, line, n, where);
	}
}

static void
build_file(struct build *b, const char *path, struct conf_where from)
{
	size_t len = 0;
	char *data = slurp(b, path, from, &len);

	if (data == NULL)
		return;
	build_text(b, data, len, path);
	free(data);
}

int
source_read_file(struct source *s, struct conf_arena *arena, const char *path, struct conf_msgs *m)
{
	struct build b = {.src = s, .msgs = m, .includes = true};

	memset(s, 0, sizeof(*s));
	s->arena = arena;
	s->scratch = arena_new();
	s->text = arena_strdup(s->scratch, "");
	build_file(&b, arena_strdup(arena, path), (struct conf_where){NULL, 0});
	return b.failed ? -1 : 0;
}

int
source_read_text(struct source *s, struct conf_arena *arena, const char *text, size_t len,
    const char *name, struct conf_msgs *m)
{
	struct build b = {.src = s, .msgs = m};

	memset(s, 0, sizeof(*s));
	s->arena = arena;
	s->scratch = arena_new();
	s->text = arena_strdup(s->scratch, "");
	build_text(&b, text, len, name != NULL ? arena_strdup(arena, name) : NULL);
	return b.failed ? -1 : 0;
}

void
source_free(struct source *s)
{
	arena_free(s->scratch);
	memset(s, 0, sizeof(*s));
}

struct conf_where
source_where(const struct source *s, unsigned line)
{
	struct conf_where none = {NULL, 0};

	if (s->n_lines == 0)
		return none;
	if (line == 0)
		line = 1;
	return s->lines[line <= s->n_lines ? line - 1 : s->n_lines - 1];
}

bool
source_is_joined(const struct source *s, const char *text)
{
	for (size_t i = 0; i < s->n_joined; i++)
		if (strstr(text, s->joined[i]) != NULL)
			return true;
	return false;
}

unsigned
source_string_line(const struct source *s, unsigned line)
{
	unsigned found = 0;

	for (size_t i = 0; i < s->n_late; i++) {
		if (s->late[i].bracket != line)
			continue;
		if (found != 0)
			return line;
		found = s->late[i].string;
	}
	return found != 0 ? found : line;
}
