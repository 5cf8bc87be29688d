/* SPDX-License-Identifier: ISC */
/* The PROXY protocol in a worker. */
#include "worker/proxy.h"

#include "shm/sessrec.h"
#include "worker/record.h"

size_t
proxy_header(struct session *s, char *buf)
{
	struct sock_addr src, dst;

	/* On a wildcard address it is not yet known whom the client called. */
	if (s->rec->local.family == 0 && s->rec->client.family != AF_UNIX) {
		dst.len = sizeof(dst.un);
		if (getsockname(s->c.fd, &dst.sa, &dst.len) == 0) {
			sessrec_begin(s->rec);
			record_set_end(&s->rec->local, &dst);
			sessrec_end(s->rec);
		}
	}
	record_get_end(&s->rec->client, &src);
	record_get_end(&s->rec->local, &dst);
	if (s->srv->conf->send_proxy_v2)
		return proxyproto_build_v2(buf, &src, &dst);
	return proxyproto_build_v1(buf, &src, &dst);
}
