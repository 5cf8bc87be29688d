/* SPDX-License-Identifier: ISC */
/* The file with the keys of HMAC. Pure. */
#include "vrrp/keys.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static const char *
skip(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\r'))
		p++;
	return p;
}

/* One line that is no comment. Returns what is wrong, or NULL. */
static const char *
parse_line(struct hmac_key *k, const char *p, const char *end)
{
	unsigned id = 0;

	*k = (struct hmac_key){0};
	while (p < end && *p >= '0' && *p <= '9' && id < 1000)
		id = id * 10 + (unsigned)(*p++ - '0');
	if (id < 1 || id > 255)
		return "begins with no key number from 1 to 255";
	k->id = (uint8_t)id;
	if (p == skip(p, end))
		return "has no blank after the number";
	p = skip(p, end);
	while (end - p >= 2 && hex(p[0]) >= 0 && hex(p[1]) >= 0) {
		if (k->len == HMAC_KEY_MAX)
			return "has a key of more than 128 hexadecimal digits";
		k->key[k->len++] = (uint8_t)((unsigned)hex(p[0]) << 4 | (unsigned)hex(p[1]));
		p += 2;
	}
	if (skip(p, end) != end)
		return "has a key that is not pairs of hexadecimal digits";
	return k->len < HMAC_KEY_MIN ? "has a key of less than 32 hexadecimal digits" : NULL;
}

int
keys_parse(struct keys *out, const char *text, size_t len, char *reason, size_t size)
{
	const char *end = text + len, *wrong = NULL;
	unsigned line = 0;

	out->n = 0;
	for (const char *p = text; p < end && wrong == NULL;) {
		const char *eol = memchr(p, '\n', (size_t)(end - p));
		const char *stop = eol != NULL ? eol : end, *c;

		line++;
		c = memchr(p, '#', (size_t)(stop - p));
		if (c != NULL)
			stop = c;
		p = skip(p, stop);
		if (p < stop) {
			if (out->n == KEYS_MAX)
				wrong = "is one key too many";
			else
				wrong = parse_line(&out->v[out->n], p, stop);
			if (wrong == NULL && keys_find(out, out->v[out->n].id) != NULL)
				wrong = "has a number that another line has";
			out->n += wrong == NULL;
		}
		p = eol != NULL ? eol + 1 : end;
	}
	if (wrong != NULL)
		snprintf(reason, size, "line %u %s", line, wrong);
	else if (out->n == 0)
		snprintf(reason, size, "no key in it");
	else
		return 0;
	explicit_bzero(out, sizeof(*out));
	return -1;
}

const struct hmac_key *
keys_find(const struct keys *k, uint8_t id)
{
	for (size_t i = 0; i < k->n; i++)
		if (k->v[i].id == id)
			return &k->v[i];
	return NULL;
}

int
keys_take(
    struct keys *out, uint8_t sign_id, const char *text, size_t len, char *reason, size_t size)
{
	if (keys_parse(out, text, len, reason, size) == -1)
		return -1;
	if (keys_find(out, sign_id) != NULL)
		return 0;
	snprintf(reason, size, "no key %u, with which this host signs", sign_id);
	explicit_bzero(out, sizeof(*out));
	return -1;
}
