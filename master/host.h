/* SPDX-License-Identifier: ISC */
/*
 * Which host is this? Its addresses, for choosing the member of the configuration. Master.
 */
#ifndef MASTER_HOST_H
#define MASTER_HOST_H

#include "conf/conf.h"

struct host {
	struct conf_host conf;
	struct sock_addr *addrs;
};

/* Looks now. member: --host, or NULL. */
void host_find(struct host *h, const char *member);
void host_free(struct host *h);

#endif
