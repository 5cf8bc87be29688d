/* SPDX-License-Identifier: ISC */
/* What can be done with a row of the table without knowing which one it is. Pure. */
#include "conf/table.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "conf/words.h"

#define AUTO_BOOL 2 /* stored while reading; replaced before anybody loads it as a bool */

static void *
field(const struct conf_key *k, const void *obj)
{
	return (char *)(uintptr_t)obj + k->offset;
}

int64_t
key_get(const struct conf_key *k, const void *obj)
{
	const void *p = field(k, obj);
	unsigned char b;
	unsigned u;
	uint16_t h;

	switch (k->kind) {
	case K_BOOL:
		memcpy(&b, p, 1);
		return b == AUTO_BOOL ? CONF_AUTO : b;
	case K_UINT:
	case K_ENUM:
	case K_FILEMODE:
		memcpy(&u, p, sizeof(u));
		return u == UINT_MAX ? CONF_AUTO : (int64_t)u;
	case K_INT:
	case K_SECONDS:
		return *(const int *)p;
	case K_PORT:
		memcpy(&h, p, sizeof(h));
		return h;
	case K_MS:
		return *(const int64_t *)p;
	default:
		return 0;
	}
}

void
key_set(const struct conf_key *k, void *obj, int64_t value)
{
	void *p = field(k, obj);
	unsigned char b = value == CONF_AUTO ? AUTO_BOOL : value != 0;
	unsigned u = value == CONF_AUTO ? UINT_MAX : (unsigned)value;
	uint16_t h = (uint16_t)value;

	switch (k->kind) {
	case K_BOOL:
		memcpy(p, &b, 1);
		break;
	case K_UINT:
	case K_ENUM:
	case K_FILEMODE:
		memcpy(p, &u, sizeof(u));
		break;
	case K_INT:
	case K_SECONDS:
		*(int *)p = (int)value;
		break;
	case K_PORT:
		memcpy(p, &h, sizeof(h));
		break;
	case K_MS:
		*(int64_t *)p = value;
		break;
	default:
		break;
	}
}

const char **
key_string(const struct conf_key *k, const void *obj)
{
	return (const char **)field(k, obj);
}

static int64_t
number_default(const struct conf_key *k, const void *obj)
{
	return k->dflt_of != NULL ? k->dflt_of(obj) : k->dflt;
}

static const char *
string_default(const struct conf_key *k, const void *obj)
{
	return k->dflt_string_of != NULL ? k->dflt_string_of(obj) : k->dflt_string;
}

void
scope_init(const struct conf_scope *s, void *obj)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct conf_key *k = &s->keys[i];

		if (k->kind == K_CUSTOM)
			continue;
		if (k->kind == K_GROUP)
			scope_init(k->scope, field(k, obj));
		else if (k->kind == K_STRING)
			*key_string(k, obj) = k->dflt_string;
		else if (k->kind != K_STRINGS)
			key_set(k, obj, k->dflt_of != NULL ? CONF_AUTO : k->dflt);
	}
}

void
scope_resolve(const struct conf_scope *s, void *obj)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct conf_key *k = &s->keys[i];

		if (k->kind == K_GROUP)
			scope_resolve(k->scope, field(k, obj));
		else if (k->kind == K_STRING && k->dflt_string_of != NULL &&
			 *key_string(k, obj) == NULL)
			*key_string(k, obj) = k->dflt_string_of(obj);
		else if (k->dflt_of != NULL && key_get(k, obj) == CONF_AUTO)
			key_set(k, obj, k->dflt_of(obj));
	}
}

bool
key_is_default(const struct conf_key *k, const void *obj)
{
	const char *s, *d;

	if (k->kind == K_STRINGS)
		return ((const struct conf_strings *)field(k, obj))->n == 0;
	if (k->kind != K_STRING)
		return key_get(k, obj) == number_default(k, obj);
	s = *key_string(k, obj);
	d = string_default(k, obj);
	return s == NULL ? d == NULL : d != NULL && strcmp(s, d) == 0;
}

const struct conf_key *
scope_find(const struct conf_scope *s, const char *prefix, const char *name)
{
	size_t n = strlen(prefix);

	for (size_t i = 0; i < s->n; i++)
		if (strncmp(s->keys[i].name, prefix, n) == 0 &&
		    words_equal(s->keys[i].name + n, name))
			return &s->keys[i];
	return NULL;
}

bool
scope_has_prefix(const struct conf_scope *s, const char *prefix)
{
	for (size_t i = 0; i < s->n; i++)
		if (strncmp(s->keys[i].name, prefix, strlen(prefix)) == 0)
			return true;
	return false;
}

bool
key_for(const struct conf_key *k, unsigned reader)
{
	if (reader == CONF_FOR_ALL || reader == CONF_FOR_HUMAN || k->readers == 0)
		return true;
	return (k->readers & (1u << reader)) != 0;
}
