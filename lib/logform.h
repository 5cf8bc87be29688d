/* SPDX-License-Identifier: ISC */
/*
 * What a log line looks like in each format. Pure but for the time zone; used by the log alone.
 * log.h says what the formats are.
 */
#ifndef LIB_LOGFORM_H
#define LIB_LOGFORM_H

#include <stddef.h>
#include <time.h>

#include "lib/log.h"

/* A second's texts, made again when the second changes. */
struct logform_time {
	time_t second;  /* that the texts show; 0: none yet */
	char local[16]; /* "Nov  5 17:00:00" */
	char iso[20];   /* "2026-11-05T17:00:00" */
	char zone[8];   /* "+01:00" */
	unsigned us;    /* 0..999999 */
};

/* What is the same for all lines of a target. */
struct logform {
	enum log_format format;
	bool bare;          /* LOG_PLAIN: without the time */
	uint8_t facility;   /* 0..23 */
	const char *host;   /* printable, not empty */
	const char *tag;    /* the same */
	const char *prefix; /* of names of fields in the journal */
	unsigned pid;
};

struct logform_line {
	enum log_level level;
	const char *text; /* LOG_JSON escapes it; otherwise it has no control bytes */
	size_t len;
	const struct log_field *fields;
	size_t n_fields;
};

void logform_time_set(struct logform_time *, const struct timespec *now);

/* "emerg" .. "debug" */
const char *logform_level(enum log_level);

/* Formats of which the text makes the end: what stands before it. Returns its length. */
#define LOGFORM_HEAD (LOG_HOST_MAX + LOG_TAG_MAX + 128)
size_t logform_head(const struct logform *, const struct logform_time *, enum log_level, char *buf);

/* LOG_JSON and LOG_JOURNAL: the whole, in at most size (at least LOG_LEN_WHOLE) bytes; what does
 * not fit is left out: fields first, then the end of the text. Returns its length. */
size_t logform_whole(const struct logform *, const struct logform_time *,
    const struct logform_line *, char *buf, size_t size);

#endif
