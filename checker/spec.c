/* SPDX-License-Identifier: ISC */
/* What a probe does, from the settings; see spec.h. */
#include "checker/spec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "checker/tls.h"
#include "shm/target.h"

static bool
has_header(const struct conf_check *c, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < c->headers.n; i++)
		if (strncasecmp(c->headers.v[i], name, len) == 0 && c->headers.v[i][len] == ':')
			return true;
	return false;
}

/* The request's bytes. Returns 0, or -1 when memory is short. */
static int
make_request(struct probe_spec *spec, const struct conf_check *c)
{
	char addr[SOCK_ADDR_TEXT];
	const char *host = c->host;
	FILE *f = open_memstream(&spec->request, &spec->request_len);

	if (f == NULL)
		return -1;
	if (host == NULL)
		host = spec->to.family == AF_UNIX ? "localhost"
						  : sock_addr_format(&spec->to, addr, sizeof(addr));
	fprintf(f, "%s %s %s\r\n", c->method, c->uri, c->version);
	if (!has_header(c, "Host"))
		fprintf(f, "Host: %s\r\n", host);
	if (!has_header(c, "Connection"))
		fprintf(f, "Connection: close\r\n");
	for (size_t i = 0; i < c->headers.n; i++)
		fprintf(f, "%s\r\n", c->headers.v[i]);
	fprintf(f, "\r\n");
	return fclose(f) == 0 ? 0 : -1;
}

/* The name sent and verified: as configured, else the address if it is a host's name. */
static int
make_sni(struct probe_spec *spec, const struct conf_server *conf)
{
	const char *colon = strrchr(conf->address, ':');
	struct sock_addr a;

	if (conf->check.sni != NULL) {
		spec->sni = strdup(conf->check.sni);
		return spec->sni == NULL ? -1 : 0;
	}
	if (colon == NULL || conf->address[0] == '/' ||
	    sock_addr_parse(&a, conf->address, true) == 0)
		return 0;
	spec->sni = strndup(conf->address, (size_t)(colon - conf->address));
	return spec->sni == NULL ? -1 : 0;
}

/* HAProxy's manual on check-send-proxy: with the server's send_proxy, unless the check has a port
 * of its own; then only if the check says so. The version is the server's. */
static void
make_lead(struct probe_spec *spec, const struct conf_server *conf)
{
	bool server = (conf->send_proxy || conf->send_proxy_v2) && conf->check.port == 0;

	if (server || conf->check.send_proxy)
		spec->lead_len = proxyproto_build_local(spec->lead, conf->send_proxy_v2 ? 2 : 1);
}

int
spec_build(struct server *s, struct tls_set *tls, char *reason, size_t reason_size)
{
	const struct conf_check *c = &s->conf->check;
	struct probe_spec *spec = &s->spec;
	char why[256] = "out of memory";

	*spec = (struct probe_spec){.check = c, .to = s->conf->addr, .from = &s->conf->from};
	if (c->port != 0 && spec->to.family != AF_UNIX)
		sock_addr_set_port(&spec->to, c->port);
	spec->timeout_connect_ms = s->backend->conf->timeout_connect_ms;
	if (!c->on)
		return 0;
	make_lead(spec, s->conf);
	if (c->type == CONF_CHECK_TCP)
		return 0;
	if (make_request(spec, c) == -1)
		goto fail;
	if (c->type == CONF_CHECK_HTTP)
		return 0;
	if (make_sni(spec, s->conf) == -1)
		goto fail;
	spec->tls = tls_set_get(tls, c, why, sizeof(why));
	if (spec->tls != NULL)
		return 0;
fail:
	snprintf(reason, reason_size, "check of server %s/%s: %s", s->backend->conf->name,
	    s->conf->name, why);
	return -1;
}

/* What commands have set, over the file's. Pure. */
static struct sock_addr
aim(const struct conf_server *c, const struct shm_target *t)
{
	struct sock_addr a = c->addr;
	uint16_t port;

	if (t->addr.family != 0)
		end_get(&t->addr, &a);
	port = sock_addr_port(&a);
	if (t->check.family != 0)
		end_get(&t->check, &a);
	if (t->check_port != 0)
		port = (uint16_t)t->check_port;
	else if (c->check.port != 0)
		port = c->check.port;
	if (a.family != AF_UNIX)
		sock_addr_set_port(&a, port);
	return a;
}

bool
spec_aim(struct server *s)
{
	struct probe_spec *spec = &s->spec;
	struct shm_target t = {0};
	struct sock_addr to;
	char *old = spec->request;
	size_t old_len = spec->request_len;

	target_get(s->h, &t);
	to = aim(s->conf, &t);
	if (sock_addr_equal(&to, &spec->to))
		return false;
	spec->to = to;
	if (old == NULL)
		return true;
	spec->request = NULL;
	if (make_request(spec, spec->check) == -1) { /* then with the old Host */
		free(spec->request);
		spec->request = old;
		spec->request_len = old_len;
	} else {
		free(old);
	}
	return true;
}

void
spec_fini(struct probe_spec *spec)
{
	free(spec->request);
	free((char *)(uintptr_t)spec->sni);
	spec->request = NULL;
	spec->sni = NULL;
}
