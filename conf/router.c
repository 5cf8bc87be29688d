/* SPDX-License-Identifier: ISC */
/* Rows of vrrp that no simple kind describes: addresses, peers, tracks, keepalived's words. */
#include "conf/read.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/print.h"
#include "conf/words.h"

/* An address without port. Returns 0, or -1 after a message. */
static int
host_address(struct reader *r, const config_setting_t *s, const char *text, struct sock_addr *out)
{
	if (text[0] == '/' || text[0] == '*' || (text[0] == ':' && text[1] != ':')) {
		rd_error(r, s, "\"%s\" is no address; write it as \"192.0.2.10\"", text);
		return -1;
	}
	if (rd_address(r, s, text, false, "192.0.2.10", out) == -1)
		return -1;
	if (sock_addr_port(out) != 0) {
		rd_error(r, s, "\"%s\": an address without port", text);
		return -1;
	}
	return 0;
}

static void
read_host(struct reader *r, const config_setting_t *s, struct sock_addr *out)
{
	const char *text = rd_string(r, s, "an address");
	struct sock_addr a;

	if (text == NULL || host_address(r, s, text, &a) == -1)
		return;
	if (sock_addr_is_any(&a))
		rd_error(r, s, "\"%s\": a host's own address", text);
	else
		*out = a;
}

static void
print_host(struct printer *p, const char *name, const struct sock_addr *a)
{
	char buf[SOCK_ADDR_TEXT];

	if (a->family != AF_UNSPEC)
		pr_string(p, name, sock_addr_format_host(a, buf, sizeof(buf)));
}

#define HOST_ROW(row, type, field)                                                            \
	void read_##row(                                                                      \
	    struct reader *r, const struct conf_key *k, void *obj, const config_setting_t *s) \
	{                                                                                     \
		(void)k;                                                                      \
		read_host(r, s, &((struct type *)obj)->field);                                \
	}                                                                                     \
	void print_##row(struct printer *p, const struct conf_key *k, const void *obj)        \
	{                                                                                     \
		print_host(p, k->name, &((const struct type *)obj)->field);                   \
	}

HOST_ROW(member_address, conf_member, address)
HOST_ROW(peer_address, conf_peer, addr)
HOST_ROW(src_ip, conf_router, source)
HOST_ROW(broadcast, conf_address, broadcast)

/* ---- virtual addresses --------------------------------------------------------------- */

static void
address_and_prefix(struct reader *r, const config_setting_t *s, char *text, struct conf_address *a)
{
	char *slash = strchr(text, '/'), *end;
	unsigned long v;

	if (slash != NULL && slash != text)
		*slash = '\0';
	else
		slash = NULL;
	if (host_address(r, s, text, &a->addr) == -1) {
		a->addr.family = AF_UNSPEC;
		return;
	}
	a->prefix = a->addr.family == AF_INET ? 32 : 128;
	if (slash == NULL)
		return;
	v = strtoul(slash + 1, &end, 10);
	if (end == slash + 1 || *end != '\0' || v < 1 || v > a->prefix || slash[1] == '+')
		rd_error(r, s, "\"/%s\": a prefix from 1 to %u", slash + 1, a->prefix);
	else
		a->prefix = (unsigned)v;
}

/* "address[/prefix] [dev X] [label X] [scope X] [brd X]" */
void
read_address(struct reader *r, const struct conf_key *k, void *obj, const config_setting_t *s)
{
	struct conf_address *a = obj;
	const char *given = rd_string(r, s, "an address");
	char *text, *word, *save, *value;

	(void)k;
	if (given == NULL)
		return;
	text = arena_strdup(r->arena, given);
	word = strtok_r(text, " \t", &save);
	if (word == NULL) {
		rd_error(r, s, "the string is empty");
		return;
	}
	address_and_prefix(r, s, word, a);
	while ((word = strtok_r(NULL, " \t", &save)) != NULL) {
		value = strtok_r(NULL, " \t", &save);
		if (value == NULL)
			rd_error(r, s, "\"%s\": nothing follows \"%s\"", given, word);
		else if (strcmp(word, "dev") == 0)
			a->dev = value;
		else if (strcmp(word, "label") == 0)
			a->label = value;
		else if (strcmp(word, "scope") == 0)
			a->scope = value;
		else if (strcmp(word, "brd") == 0)
			(void)host_address(r, s, value, &a->broadcast);
		else
			rd_error(r, s,
			    "\"%s\": \"%s\" is unknown; possible: dev, label, scope, brd", given,
			    word);
		if (value == NULL)
			return;
	}
}

void
print_address(struct printer *p, const struct conf_key *k, const void *obj)
{
	const struct conf_address *a = obj;
	char host[SOCK_ADDR_TEXT], text[SOCK_ADDR_TEXT + 8];

	sock_addr_format_host(&a->addr, host, sizeof(host));
	snprintf(text, sizeof(text), "%s/%u", host, a->prefix);
	pr_string(p, k->name, text);
}

static void
check_address(struct reader *r, const struct conf_address *a, const config_setting_t *s)
{
	for (size_t i = 0; i < scope_address.n; i++) {
		const struct conf_key *k = &scope_address.keys[i];
		const char *why, *v = k->kind == K_STRING ? *key_string(k, a) : NULL;

		if (v != NULL && k->check != NULL && k->check(v, &why) == -1)
			rd_error(r, s, "%s %s: %s", k->name, v, why);
	}
	if (sock_addr_is_any(&a->addr))
		rd_error(r, s, "a virtual address cannot be the wildcard");
	if (a->addr.family != AF_INET && (a->label != NULL || a->broadcast.family != AF_UNSPEC))
		rd_error(r, s, "label and brd exist for IPv4 only");
	if (a->broadcast.family == AF_INET6)
		rd_error(r, s, "brd: an IPv4 address");
}

void
read_addresses(struct reader *r, const struct conf_key *k, void *obj, const config_setting_t *s)
{
	struct conf_router *v = obj;

	for (size_t i = 0; i < rd_count(s); i++) {
		const config_setting_t *e = rd_elem(s, i);
		struct conf_address a = {.where = rd_where(r, e), .excluded = k->offset != 0};
		size_t n = r->n_msgs;

		scope_init(&scope_address, &a);
		rd_group(r, &scope_address, &a, e);
		if (a.addr.family == AF_UNSPEC) {
			if (r->n_msgs == n)
				rd_error(r, e, "address is missing");
			continue;
		}
		check_address(r, &a, e);
		v->addresses =
		    arena_grow(r->arena, v->addresses, v->n_addresses, sizeof(*v->addresses));
		v->addresses[v->n_addresses++] = a;
	}
}

void
print_addresses(struct printer *p, const struct conf_key *k, const void *obj)
{
	const struct conf_router *v = obj;

	pr_open(p, k->name, '(');
	for (size_t i = 0; i < v->n_addresses; i++) {
		if (v->addresses[i].excluded != (k->offset != 0))
			continue;
		pr_open(p, NULL, '{');
		pr_scope(p, &scope_address, &v->addresses[i]);
		pr_close(p);
	}
	pr_close(p);
}

/* ---- peers --------------------------------------------------------------------------- */

void
read_peers(struct reader *r, const struct conf_key *k, void *obj, const config_setting_t *s)
{
	struct conf_router *v = obj;

	(void)k;
	for (size_t i = 0; i < rd_count(s); i++) {
		struct conf_peer p = {0};
		size_t n = r->n_msgs;

		scope_init(&scope_peer, &p);
		rd_group(r, &scope_peer, &p, rd_elem(s, i));
		if (p.addr.family == AF_UNSPEC) {
			if (r->n_msgs == n)
				rd_error(r, rd_elem(s, i), "address is missing");
			continue;
		}
		v->peers = arena_grow(r->arena, v->peers, v->n_peers, sizeof(*v->peers));
		v->peers[v->n_peers++] = p;
	}
}

void
print_peers(struct printer *p, const struct conf_key *k, const void *obj)
{
	const struct conf_router *v = obj;

	pr_open(p, k->name, '(');
	for (size_t i = 0; i < v->n_peers; i++) {
		pr_open(p, NULL, '{');
		pr_scope(p, &scope_peer, &v->peers[i]);
		pr_close(p);
	}
	pr_close(p);
}

/* ---- keepalived's words -------------------------------------------------------------- */

void
read_state(struct reader *r, const struct conf_key *k, void *obj, const config_setting_t *s)
{
	const char *v = rd_string(r, s, "\"MASTER\" or \"BACKUP\"");

	(void)k;
	(void)obj;
	if (v != NULL && strcasecmp(v, "MASTER") != 0 && strcasecmp(v, "BACKUP") != 0)
		rd_error(r, s, "\"%s\": \"MASTER\" or \"BACKUP\" (neither has an effect)", v);
}

void
read_preempt(struct reader *r, const struct conf_key *k, void *obj, const config_setting_t *s)
{
	struct conf_key plain = *k;

	if (config_setting_type(s) == CONFIG_TYPE_BOOL) {
		key_set(
		    k, obj, config_setting_get_bool(s) ? CONF_PREEMPT_ALWAYS : CONF_PREEMPT_NEVER);
		return;
	}
	plain.read = NULL;
	rd_value(r, &plain, obj, s);
}

void
read_nopreempt(struct reader *r, const struct conf_key *k, void *obj, const config_setting_t *s)
{
	struct conf_router *v = obj;

	(void)k;
	if (config_setting_type(s) != CONFIG_TYPE_BOOL)
		rd_error(r, s, "write true or false");
	else if (config_setting_get_bool(s))
		v->preempt = CONF_PREEMPT_NEVER;
}

void
read_auth_type(struct reader *r, const struct conf_key *k, void *obj, const config_setting_t *s)
{
	const char *v = rd_string(r, s, "\"PASS\" or \"HMAC\"");

	if (v == NULL)
		return;
	if (strcasecmp(v, "AH") == 0) {
		rd_error(r, s,
		    "AH is not supported (RFC 3768 took it away in 2004): use \"HMAC\" between "
		    "vipd hosts");
		return;
	}
	for (int i = 0; k->words[i] != NULL; i++)
		if (strcasecmp(v, k->words[i]) == 0) {
			key_set(k, obj, i);
			return;
		}
	rd_error(r, s, "\"%s\" is unknown; possible: \"none\", \"PASS\" or \"HMAC\"", v);
}

/* ---- scripts' commands --------------------------------------------------------------- */

void
read_argv(struct reader *r, const struct conf_key *k, void *obj, const config_setting_t *s)
{
	struct conf_strings *argv = &((struct conf_script *)obj)->argv;
	bool cut = config_setting_type(s) == CONFIG_TYPE_STRING;

	(void)k;
	for (size_t i = 0; i < rd_count(s); i++) {
		const char *text = rd_string(r, rd_elem(s, i), "a command");
		char *word, *save, *copy;

		if (text == NULL)
			return;
		copy = arena_strdup(r->arena, text);
		for (word = cut ? strtok_r(copy, " \t", &save) : copy; word != NULL;
		     word = cut ? strtok_r(NULL, " \t", &save) : NULL) {
			argv->v = arena_grow(r->arena, argv->v, argv->n, sizeof(*argv->v));
			argv->v[argv->n++] = word;
		}
	}
	if (argv->n == 0 || argv->v[0][0] != '/') {
		rd_error(r, s, "a command begins with an absolute path");
		argv->n = 0;
	}
}

void
print_argv(struct printer *p, const struct conf_key *k, const void *obj)
{
	const struct conf_script *s = obj;

	/* An array even for one word: a string would be cut at its blanks. */
	pr_open(p, k->name, '(');
	for (size_t i = 0; i < s->argv.n; i++)
		pr_string(p, NULL, s->argv.v[i]);
	pr_close(p);
}
