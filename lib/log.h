/* SPDX-License-Identifier: ISC */
/*
 * Log lines of this process, to all its targets. Sending never blocks: a line that a target does
 * not take at once is lost, counted, and the loss is said on that target as soon as it takes lines
 * again. Bytes < 0x20 and 0x7f in a message are written as #XX (LOG_JSON: escaped), so a message is
 * always one line. A line may carry fields, which the formats with names show.
 *
 * System calls after log_init: clock_gettime, sendmsg, pwritev2, writev, poll, getpid, fstat,
 * getsockopt, close; no file is opened (the time zone is read by log_init). Not for threads. errno
 * is kept, so %m works. Do not include <syslog.h> beside this: its names clash.
 */
#ifndef LIB_LOG_H
#define LIB_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef LOG_PRIMASK
#error "lib/log.h and <syslog.h> exclude each other"
#endif

enum log_level {
	LOG_EMERG = 0,
	LOG_ALERT,
	LOG_CRIT,
	LOG_ERR,     /* the operator must act */
	LOG_WARNING, /* we carried on */
	LOG_NOTICE,  /* state change */
	LOG_INFO,    /* life cycle and traffic */
	LOG_DEBUG
};

/* ISO: "2026-11-05T17:00:00.123456+01:00". Names are HAProxy's where it has the format. */
enum log_format {
	LOG_PLAIN = 0, /* "Mmm dd hh:mm:ss tag[pid]: level: message" */
	LOG_LOCAL,     /* "<PRI>Mmm dd hh:mm:ss tag[pid]: message" (RFC 3164 without host name) */
	LOG_RFC3164,   /* "<PRI>Mmm dd hh:mm:ss host tag[pid]: message" */
	LOG_RFC5424,   /* "<PRI>1 ISO host tag pid - - message" */
	LOG_PRIORITY,  /* "<PRI>message" */
	LOG_SHORT,     /* "<N>message", as systemd reads it from stderr */
	LOG_TIMED,     /* "<N>ISO message" */
	LOG_ISO,       /* "ISO message" */
	LOG_RAW,       /* "message" */
	LOG_JSON,   /* {"time":"ISO","level":"info","host":..,"program":tag,"pid":..,"message":..},
		       then the fields */
	LOG_JOURNAL /* the journal's own protocol: MESSAGE=.., PRIORITY=.., and the fields as
		       IDENT_NAME=.. */
};

#define LOG_TARGETS_MAX 32
#define LOG_NAME_MAX    240  /* bytes of a target's name */
#define LOG_TAG_MAX     32   /* bytes of a tag */
#define LOG_LEN_DEFAULT 1024 /* bytes of a line */
/* On stderr at most 4096, so that lines of several processes stay whole. */
#define LOG_LEN_MAX 65535
/* LOG_JSON and LOG_JOURNAL: what is besides fields and message needs up to so much; a target's len
 * is at least twice that. */
#define LOG_LEN_WHOLE 320
#define LOG_HOST_MAX  64

/* Names: lower case letters, digits, '_'. */
struct log_field {
	const char *name;
	const char *text; /* NULL: it is a number */
	int64_t number;
};

struct log_target {
	enum log_format format;
	enum log_level level;        /* least urgent level that is sent */
	bool lines;                  /* each ends with a newline: stderr. Else fd is a connected
					datagram socket */
	int fd;                      /* owned by the log once set; 2 is never closed */
	uint32_t len;                /* longest line in bytes, cut behind; 0: default */
	uint8_t facility;            /* 0..23 */
	char name[LOG_NAME_MAX + 1]; /* address as the configuration writes it */
	char tag[LOG_TAG_MAX + 1];   /* "": the ident */
	char host[LOG_HOST_MAX + 1]; /* "": this host's name */
};

/* Is stderr systemd's journal (JOURNAL_STREAM, systemd.exec(5))? It reads LOG_SHORT. */
bool log_stderr_is_journal(void);

/* Before anything else; before a target is set, lines up to info go to stderr as
 * "ident[pid]: level: message", or as LOG_SHORT to the journal. */
void log_init(const char *ident);

/* In a forked child whose descriptors above 2 have been closed: forgets the parent's targets
 * without touching them; lines go to stderr as after log_init. */
void log_after_fork(void);

/*
 * Replaces all targets; the array is copied, its descriptors become the log's. Descriptors of the
 * old targets that are not among the new ones are closed; losses not yet said are kept by name.
 * n == 0: nothing is logged. Returns 0, or -1 (E2BIG: more than LOG_TARGETS_MAX, nothing changed);
 * cannot fail otherwise. Do not call from the lost hook: log_reopen is for that.
 */
int log_set_targets(const struct log_target *targets, size_t n);

/* All socket targets of this name use fd, which becomes the log's; what they had is closed. False:
 * there is none, fd is closed. */
bool log_reopen(const char *name, int fd);

/* Called with a target's name, at most once a second a target, when a UNIX socket's receiver has
 * gone. NULL: none. */
void log_set_lost_hook(void (*hook)(const char *name));

/* True if some target takes this level: asks before costly formatting. */
bool log_wanted(enum log_level);

/* True if some target that takes this level shows fields. */
bool log_fields_wanted(enum log_level);

/* This host's name as it was at log_init. */
const char *log_host(void);

/* Lines lost by all targets since log_init. */
uint64_t log_lost(void);

void log_at(enum log_level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A line that is ready; the cheapest way, for traffic. No newline at the end. */
void log_line(enum log_level, const char *text, size_t len);

/* The same with fields, for the formats that show them. */
void log_line_fields(
    enum log_level, const char *text, size_t len, const struct log_field *fields, size_t n);
/* The fields as members of an object that is open. */
struct json;
void log_fields_json(struct json *, const struct log_field *fields, size_t n);

#define log_emerg(...)   log_at(LOG_EMERG, __VA_ARGS__)
#define log_alert(...)   log_at(LOG_ALERT, __VA_ARGS__)
#define log_crit(...)    log_at(LOG_CRIT, __VA_ARGS__)
#define log_err(...)     log_at(LOG_ERR, __VA_ARGS__)
#define log_warning(...) log_at(LOG_WARNING, __VA_ARGS__)
#define log_notice(...)  log_at(LOG_NOTICE, __VA_ARGS__)
#define log_info(...)    log_at(LOG_INFO, __VA_ARGS__)
#define log_debug(...)   log_at(LOG_DEBUG, __VA_ARGS__)

/* "emerg" .. "debug" and HAProxy's facility names ("kern" .. "local7"). Parse: the number, or -1.
 * Name: of a number in range. */
int log_level_parse(const char *text);
const char *log_level_name(enum log_level);
int log_facility_parse(const char *text);
const char *log_facility_name(unsigned facility);

#endif
