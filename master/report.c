/* SPDX-License-Identifier: ISC */
/*
 * What the last reload said, in the master's section: any worker can tell it to whoever asked.
 * Secrets never come here: messages and differences do not show them.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "master/master.h"

void
report_begin(struct master *m)
{
	struct shm_master *own = m->seg.own_master;

	sw32_add(&own->report_seq, 1);
	sw32_set(&own->report_len, 0);
	sw32_add(&own->report_seq, 1);
}

void
report_add(struct master *m, const char *fmt, ...)
{
	struct shm_master *own = m->seg.own_master;
	uint32_t len = sw32_get(&own->report_len);
	static const char more[] = "... the log has the rest\n";
	size_t room = sizeof(own->report) - sizeof(more) - len;
	char line[1024];
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line) - 1, fmt, ap);
	va_end(ap);
	for (char *p = line; *p != '\0'; p++)
		if (*p == '\n') /* an empty line would end the answer */
			*p = ' ';
	n = strlen(line);
	line[n++] = '\n';
	if (len > sizeof(own->report) - sizeof(more))
		return; /* full, and said so */
	sw32_add(&own->report_seq, 1);
	if (n <= room) {
		memcpy(own->report + len, line, n);
	} else {
		n = sizeof(own->report) - len; /* more than that place: never again */
		memset(own->report + len, ' ', n);
		memcpy(own->report + len, more, sizeof(more) - 1);
	}
	sw32_set(&own->report_len, len + (uint32_t)n);
	sw32_add(&own->report_seq, 1);
}
