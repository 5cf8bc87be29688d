/* SPDX-License-Identifier: ISC */
/* Fallbacks for a build without monitoring and control: such connections are closed. */
#include "worker/misc.h"

#include <unistd.h>

#include "shm/limit.h"

#define WEAK __attribute__((weak))

WEAK void
misc_http_accept(
    struct worker *w, const struct gen_frontend *fe, int fd, const struct sock_addr *peer)
{
	(void)fe;
	(void)peer;
	close(fd);
	misc_closed(w);
}

WEAK void
misc_control_accept(struct worker *w, int fd)
{
	close(fd);
	misc_closed(w);
}

WEAK void
misc_message(struct worker *w, struct msg *m)
{
	(void)w;
	(void)m;
}

WEAK void
misc_bell(struct worker *w)
{
	(void)w;
}

void
misc_closed(struct worker *w)
{
	limit_release_misc(w->seg);
	w->look = true;
}
