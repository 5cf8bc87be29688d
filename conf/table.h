/* SPDX-License-Identifier: ISC */
/*
 * The table of settings: one row per setting, one scope per kind of object. Reader, checker,
 * printer, comparison and the manual page come from it; what a row cannot say is in its functions.
 */
#ifndef CONF_TABLE_H
#define CONF_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libconfig.h>

#include "conf/model.h"

struct reader;
struct printer;

enum conf_kind {
	K_BOOL = 0, /* bool */
	K_UINT,     /* unsigned */
	K_INT,      /* int */
	K_PORT,     /* uint16_t */
	K_ENUM,     /* an enum; words */
	K_MS,       /* int64_t, milliseconds */
	K_SECONDS,  /* int, written as a duration */
	K_STRING,   /* const char * */
	K_STRINGS,  /* struct conf_strings */
	K_FILEMODE, /* unsigned, written "0600" */
	K_GROUP,    /* a struct inside, its rows in scope */
	K_CUSTOM    /* read and print */
};

/* The value that says "not given" while reading, where the default depends on other settings. */
#define CONF_AUTO INT64_MIN

enum {
	F_MAIN = 1,       /* a scalar in place of the group means this setting */
	F_DEFAULTS = 2,   /* may stand in "defaults" */
	F_INPUT = 4,      /* another way to write something; never printed */
	F_SECRET = 8,     /* people see "***" */
	F_OWN = 16,       /* of one object alone: not in default_server, members */
	F_RESTART = 32,   /* cannot change while vipd runs */
	F_MEMBER = 64,    /* may stand in a vrrp member and then overrides the instance */
	F_SEVERAL = 128,  /* one, an array or a list */
	F_REQUIRED = 256, /* for the manual; the object's function checks it */
	F_RESOLVED = 512, /* only in canonical text; not in the manual */
	F_NODIFF = 1024   /* compared by identity elsewhere */
};

/* Who is given the setting: the bits of enum conf_reader; 0 means everybody. */
#define R_WORKER  (1u << 1)
#define R_CHECKER (1u << 2)
#define R_VRRP    (1u << 3)
#define R_NONE    (1u << 31) /* master and people only */

struct conf_key {
	const char *name; /* "timeout.client": client in the group timeout */
	enum conf_kind kind;
	unsigned flags;
	unsigned readers;
	size_t offset;
	int64_t min;
	int64_t max;
	int64_t dflt;                        /* numbers, words, booleans */
	int64_t (*dflt_of)(const void *obj); /* default depends on the object */
	const char *dflt_string;             /* strings */
	const char *(*dflt_string_of)(const void *obj);
	const char *dflt_text;          /* for the manual, when it needs words */
	const char *const *words;       /* of an enum, or those a string may be */
	const struct conf_scope *scope; /* K_GROUP; for the manual also K_CUSTOM */
	int (*check)(const char *value, const char **why); /* strings: 0, or -1 with a reason */
	void (*read)(struct reader *, const struct conf_key *, void *obj, const config_setting_t *);
	void (*print)(struct printer *, const struct conf_key *, const void *obj);
	const char *syntax; /* K_CUSTOM: for the manual */
	const char *text;   /* what it does: one or more sentences */
};

struct conf_scope {
	const char *name;  /* "server" */
	const char *title; /* "Servers" */
	const char *text;
	size_t n;
	const struct conf_key *keys;
};

extern const struct conf_scope scope_global, scope_log, scope_control, scope_frontend, scope_bind,
    scope_rule, scope_backend, scope_server, scope_check, scope_keepalive, scope_vrrp, scope_member,
    scope_script, scope_instance, scope_address, scope_peer, scope_track;
extern const struct conf_scope *const conf_scopes[]; /* ends with NULL; the manual's order */

/* Sets every field that the scope describes to its default, CONF_AUTO where that depends. */
void scope_init(const struct conf_scope *, void *obj);
/* Replaces CONF_AUTO by what the default is now. */
void scope_resolve(const struct conf_scope *, void *obj);
/* Is the value the default one? (Not for K_GROUP and K_CUSTOM.) */
bool key_is_default(const struct conf_key *, const void *obj);
/* Numbers, words, booleans. */
int64_t key_get(const struct conf_key *, const void *obj);
void key_set(const struct conf_key *, void *obj, int64_t value);
const char **key_string(const struct conf_key *, const void *obj);
/* The row of a name ('-' and '_' alike), or NULL. prefix: "timeout." or "". */
const struct conf_key *scope_find(const struct conf_scope *, const char *prefix, const char *name);
bool scope_has_prefix(const struct conf_scope *, const char *prefix);
bool key_for(const struct conf_key *, unsigned reader);

/* What a script's settings are read into. */
struct script_input {
	struct conf_script script;
	int weight;
};

/* What a group of track is read into. */
struct track_input {
	struct conf_strings backends;
	struct conf_strings interfaces;
	struct conf_strings scripts;
	bool workers;
	int weight; /* INT_MIN: not given */
};

/*
 * What a backend's settings are read into: the backend first, then what its servers begin with.
 * Printing takes the backend alone.
 */
struct backend_input {
	struct conf_backend backend;
	struct conf_server server; /* default_server, with the backend's check */
};

#endif
