/* SPDX-License-Identifier: ISC */
/* Log lines in their formats: heads by hand, since each line of traffic has one. */
#include "lib/logform.h"

#include <stdio.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/json.h"

static const char *const level_names[] = {
    "emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"};

const char *
logform_level(enum log_level level)
{
	return (size_t)level < sizeof(level_names) / sizeof(level_names[0]) ? level_names[level]
									    : "?";
}

void
logform_time_set(struct logform_time *t, const struct timespec *now)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct tm tm;
	long off;

	t->us = (unsigned)(now->tv_nsec / 1000);
	if (now->tv_sec == t->second && t->iso[0] != '\0')
		return;
	t->second = now->tv_sec;
	if (localtime_r(&now->tv_sec, &tm) == NULL)
		memset(&tm, 0, sizeof(tm));
	off = tm.tm_gmtoff / 60;
	snprintf(t->local, sizeof(t->local), "%.3s %2u %02u:%02u:%02u",
	    months + 3 * ((size_t)tm.tm_mon % 12), (unsigned)tm.tm_mday % 100,
	    (unsigned)tm.tm_hour % 100, (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100);
	snprintf(t->iso, sizeof(t->iso), "%04u-%02u-%02uT%02u:%02u:%02u",
	    (unsigned)(tm.tm_year + 1900) % 10000, (unsigned)(tm.tm_mon + 1) % 100,
	    (unsigned)tm.tm_mday % 100, (unsigned)tm.tm_hour % 100, (unsigned)tm.tm_min % 100,
	    (unsigned)tm.tm_sec % 100);
	snprintf(t->zone, sizeof(t->zone), "%c%02u:%02u", off < 0 ? '-' : '+',
	    (unsigned)(off < 0 ? -off : off) / 60 % 100, (unsigned)(off < 0 ? -off : off) % 60);
}

static char *
put(char *p, const char *text)
{
	while (*text != '\0')
		*p++ = *text++;
	return p;
}

static char *
put_uint(char *p, unsigned v)
{
	char digits[12];
	size_t n = 0;

	do {
		digits[n++] = (char)('0' + v % 10);
		v /= 10;
	} while (v != 0);
	while (n > 0)
		*p++ = digits[--n];
	return p;
}

static char *
put_iso(char *p, const struct logform_time *t)
{
	unsigned us = t->us;

	p = put(p, t->iso);
	*p = '.';
	for (int i = 6; i > 0; i--, us /= 10)
		p[i] = (char)('0' + us % 10);
	return put(p + 7, t->zone);
}

/* "<134>" */
static char *
put_priority(char *p, unsigned v)
{
	*p++ = '<';
	p = put_uint(p, v);
	*p++ = '>';
	return p;
}

/* "tag[123]: " */
static char *
put_tag(char *p, const struct logform *f)
{
	p = put(p, f->tag);
	*p++ = '[';
	p = put_uint(p, f->pid);
	return put(p, "]: ");
}

static char *
head_syslog(char *p, const struct logform *f, const struct logform_time *t)
{
	if (f->format == LOG_RFC5424) {
		p = put(p, "1 ");
		p = put_iso(p, t);
		*p++ = ' ';
		p = put(p, f->host);
		*p++ = ' ';
		p = put(p, f->tag);
		*p++ = ' ';
		p = put_uint(p, f->pid);
		return put(p, " - - ");
	}
	p = put(p, t->local);
	*p++ = ' ';
	if (f->format == LOG_RFC3164) {
		p = put(p, f->host);
		*p++ = ' ';
	}
	return put_tag(p, f);
}

size_t
logform_head(const struct logform *f, const struct logform_time *t, enum log_level level, char *buf)
{
	char *p = buf;

	switch (f->format) {
	case LOG_PLAIN:
		if (!f->bare) {
			p = put(p, t->local);
			*p++ = ' ';
		}
		p = put(put_tag(p, f), logform_level(level));
		p = put(p, ": ");
		break;
	case LOG_LOCAL:
	case LOG_RFC3164:
	case LOG_RFC5424:
		p = put_priority(p, 8U * f->facility + (unsigned)level);
		p = head_syslog(p, f, t);
		break;
	case LOG_PRIORITY:
		p = put_priority(p, 8U * f->facility + (unsigned)level);
		break;
	case LOG_SHORT:
	case LOG_TIMED:
		p = put_priority(p, (unsigned)level);
		if (f->format == LOG_SHORT)
			break;
		/* fallthrough */
	case LOG_ISO:
		p = put_iso(p, t);
		*p++ = ' ';
		break;
	case LOG_RAW:
	case LOG_JSON:
	case LOG_JOURNAL:
		break;
	}
	return (size_t)(p - buf);
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static int
json_whole(const struct logform *f, const struct logform_time *t, const struct logform_line *l,
    struct buf *b)
{
	char time[40];
	struct json j;

	json_init(&j, b, false);
	*put_iso(time, t) = '\0';
	json_object_begin(&j);
	json_field_string(&j, "time", time);
	json_field_string(&j, "level", logform_level(l->level));
	json_field_string(&j, "host", f->host);
	json_field_string(&j, "program", f->tag);
	json_field_uint(&j, "pid", f->pid);
	json_key(&j, "message");
	json_string_n(&j, l->text, l->len);
	log_fields_json(&j, l->fields, l->n_fields);
	json_object_end(&j);
	return json_finish(&j);
}

void
log_fields_json(struct json *j, const struct log_field *fields, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fields[i].text != NULL)
			json_field_string(j, fields[i].name, fields[i].text);
		else
			json_field_int(j, fields[i].name, fields[i].number);
}

/* ---- the journal's own protocol ------------------------------------------------------------- */

static void
journal_name(struct buf *b, const char *prefix, const char *name)
{
	char text[96];
	size_t n = 0;

	for (; *prefix != '\0' && n < sizeof(text) - 1; prefix++)
		text[n++] = *prefix;
	for (; *name != '\0' && n < sizeof(text) - 1; name++)
		text[n++] = *name;
	for (size_t i = 0; i < n; i++)
		if (text[i] >= 'a' && text[i] <= 'z')
			text[i] = (char)(text[i] - 'a' + 'A');
	text[n++] = '=';
	buf_append(b, text, n);
}

/* NAME=value and a newline, which therefore may not stand in the value. */
static void
journal_field(struct buf *b, const char *prefix, const char *name, const char *value, size_t len)
{
	const char *end = value + len, *newline;

	journal_name(b, prefix, name);
	while ((newline = memchr(value, '\n', (size_t)(end - value))) != NULL) {
		buf_append(b, value, (size_t)(newline - value));
		buf_putc(b, ' ');
		value = newline + 1;
	}
	buf_append(b, value, (size_t)(end - value));
	buf_putc(b, '\n');
}

static void
journal_number(struct buf *b, const char *prefix, const char *name, int64_t v)
{
	journal_name(b, prefix, name);
	buf_put_int(b, v);
	buf_putc(b, '\n');
}

static int
journal_whole(const struct logform *f, const struct logform_line *l, struct buf *b)
{
	journal_field(b, "", "message", l->text, l->len);
	journal_number(b, "", "priority", l->level);
	journal_number(b, "", "syslog_facility", f->facility);
	journal_field(b, "", "syslog_identifier", f->tag, strlen(f->tag));
	journal_number(b, "", "syslog_pid", f->pid);
	for (size_t i = 0; i < l->n_fields; i++)
		if (l->fields[i].text != NULL)
			journal_field(b, f->prefix, l->fields[i].name, l->fields[i].text,
			    strlen(l->fields[i].text));
		else
			journal_number(b, f->prefix, l->fields[i].name, l->fields[i].number);
	return b->failed ? -1 : 0;
}

size_t
logform_whole(const struct logform *f, const struct logform_time *t, const struct logform_line *l,
    char *buf, size_t size)
{
	struct logform_line less = {.level = l->level, .text = l->text, .len = l->len};
	/* A byte becomes up to six in JSON; the rest of a line is below LOG_LEN_WHOLE. */
	size_t room = (size - LOG_LEN_WHOLE) / (f->format == LOG_JSON ? 6 : 1);
	struct buf b = BUF_FIXED(buf, size);

	for (int i = 0; i < 3; i++) {
		int r = f->format == LOG_JSON ? json_whole(f, t, i == 0 ? l : &less, &b)
					      : journal_whole(f, i == 0 ? l : &less, &b);

		if (r == 0)
			break;
		if (i > 0 && less.len > room)
			less.len = room;
		buf_reset(&b);
	}
	return b.len;
}
