/* SPDX-License-Identifier: ISC */
/* From a configuration's log targets to those of this process. */
#include "conf/targets.h"

#include <stdio.h>
#include <unistd.h>

/* The journal's own protocol is for its socket; of stderr it reads lines. */
static enum log_format
format_of(const struct conf_global *g, const struct conf_log *l)
{
	if (l->format == LOG_JOURNAL && l->to.family == AF_UNSPEC)
		return LOG_SHORT;
	return l->format == LOG_LOCAL && g->log_send_hostname != NULL ? LOG_RFC3164 : l->format;
}

struct log_target
conf_target_default(void)
{
	return (struct log_target){.format = log_stderr_is_journal() ? LOG_SHORT : LOG_PLAIN,
	    .level = LOG_NOTICE,
	    .fd = 2,
	    .lines = true};
}

size_t
conf_targets(const struct conf_global *g, conf_target_fd fd_of, void *ctx, struct log_target *t,
    const struct conf_log **missing)
{
	size_t n = 0;

	if (missing != NULL)
		*missing = NULL;
	for (size_t i = 0; i < g->n_logs && n < LOG_TARGETS_MAX; i++) {
		const struct conf_log *l = &g->logs[i];
		int fd = l->to.family == AF_UNSPEC ? STDERR_FILENO : fd_of(ctx, l->address);

		if (fd == -1 && missing != NULL) {
			*missing = l;
			break;
		}
		if (fd == -1)
			continue;
		t[n] = (struct log_target){.format = format_of(g, l),
		    .level = (enum log_level)l->level,
		    .fd = fd,
		    .lines = l->to.family == AF_UNSPEC,
		    .len = l->len,
		    .facility = (uint8_t)l->facility};
		snprintf(t[n].name, sizeof(t[n].name), "%s", l->address);
		snprintf(t[n].tag, sizeof(t[n].tag), "%s", g->log_tag != NULL ? g->log_tag : "");
		snprintf(t[n].host, sizeof(t[n].host), "%s",
		    g->log_send_hostname != NULL ? g->log_send_hostname : "");
		n++;
	}
	if (g->n_logs == 0)
		t[n++] = conf_target_default();
	return n;
}
