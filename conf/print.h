/* SPDX-License-Identifier: ISC */
/* The printer's own: what the functions of rows use to write their values. */
#ifndef CONF_PRINT_H
#define CONF_PRINT_H

#include <stdbool.h>
#include <stdio.h>

#include "conf/conf.h"
#include "conf/table.h"

#define PRINT_DEPTH 16

struct printer {
	FILE *f;
	enum conf_reader reader;
	const struct conf *conf;
	unsigned depth;   /* open groups and lists, pending ones included */
	unsigned written; /* of these, those whose opening has been written */
	struct {
		char name[64]; /* empty: an element of a list */
		char bracket;  /* '{' or '(' */
		bool any;      /* list: an element was written */
	} open[PRINT_DEPTH];
};

/* Opens a group or list; it is written with its first content, or by pr_force. */
void pr_open(struct printer *, const char *name, char bracket);
void pr_force(struct printer *);
void pr_close(struct printer *);
/* "key = VALUE;" VALUE as given. */
void pr_line(struct printer *, const char *key, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Quoted and escaped. key NULL: an element of a list. */
void pr_string(struct printer *, const char *key, const char *value);
/* One string as a scalar, more as an array. */
void pr_strings(struct printer *, const char *key, const char *const *v, size_t n);
/* A list of networks; nothing if it is empty. */
void pr_nets(struct printer *, const char *key, const struct sock_net *nets, size_t n);
void pr_scope(struct printer *, const struct conf_scope *, const void *obj);
/* One row of a simple kind, whatever its value. */
void pr_value(struct printer *, const struct conf_key *, const char *name, const void *obj);

/* Objects with names: as a group if all names are keys and they are few, else as a list. */
typedef const char *(*pr_name_of)(const void *array, size_t i);
bool pr_objects_open(struct printer *, const char *key, const void *array, size_t n, pr_name_of);
void pr_object_open(struct printer *, bool list, const char *name);

#endif
