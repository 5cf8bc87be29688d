/* SPDX-License-Identifier: ISC */
/* From a configuration's log targets to those of this process. */
#include "conf/targets.h"

#include <stdio.h>

#include "lib/log.h"

static const enum log_kind kinds[] = {[CONF_LOG_RFC3164] = LOG_SYSLOG,
    [CONF_LOG_PLAIN] = LOG_STDERR,
    [CONF_LOG_JOURNAL] = LOG_STDERR_JOURNAL};

struct log_target
conf_target_default(void)
{
	return (struct log_target){.kind = LOG_STDERR, .level = LOG_NOTICE, .fd = 2};
}

int
conf_targets_set(const struct conf *c, int (*fd_of)(void *ctx, const char *address), void *ctx)
{
	const struct conf_global *g = &c->global;
	struct log_target t[LOG_TARGETS_MAX];
	size_t n = 0;
	int left_out = 0;

	for (size_t i = 0; i < g->n_logs && n < LOG_TARGETS_MAX; i++) {
		const struct conf_log *l = &g->logs[i];
		int fd = l->to.family == AF_UNSPEC ? 2 : fd_of(ctx, l->address);

		if (fd == -1) {
			left_out++;
			continue;
		}
		t[n] = (struct log_target){
		    .kind = l->to.family == AF_UNSPEC && l->format == CONF_LOG_RFC3164
				? LOG_STDERR
				: kinds[l->format],
		    .level = (enum log_level)l->level,
		    .fd = fd,
		    .len = l->len,
		    .facility = (uint8_t)l->facility};
		snprintf(t[n].name, sizeof(t[n].name), "%s", l->address);
		snprintf(
		    t[n].tag, sizeof(t[n].tag), "%s", g->log_tag != NULL ? g->log_tag : "vipd");
		n++;
	}
	if (g->n_logs == 0)
		t[n++] = conf_target_default();
	return log_set_targets(t, n) == -1 ? -1 : left_out;
}
