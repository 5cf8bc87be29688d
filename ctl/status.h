/* SPDX-License-Identifier: ISC */
/*
 * "vipctl status": one screen from the answers to "show info", "show stat", "show vrrp" and "show
 * proc". What needs attention comes first. Pure: text in, text out.
 */
#ifndef CTL_STATUS_H
#define CTL_STATUS_H

#include "ctl/table.h"

struct status {
	const char *info; /* answer to show info */
	struct table proc;
	struct table stat;
	struct table vrrp; /* n_cols 0: not known to this vipd */
};

/* Value of "NAME: value" in show info's answer into to; "" when it is not there. Returns to. */
const char *status_info(const char *info, const char *name, char *to, size_t size);

/* Appends the lines of what needs attention, each with "\n"; returns their number. */
size_t status_attention(const struct status *s, struct buf *out);
void status_write(const struct status *s, struct buf *out);
void status_write_json(const struct status *s, struct buf *out);

/* ", backup" for a line of "show stat" that is a backup server, else "". */
const char *status_backup(const struct table *t, size_t i);
/* "50 s", "3 min", "2 h 5 min", "4 d 1 h". Returns to. */
const char *status_age(int64_t seconds, char to[32]);

#endif
