/* SPDX-License-Identifier: ISC */
/*
 * All frontends, backends and servers of the directory in the order in which tables show them: by
 * number of the frontend or backend; a backend's servers by their number, then the backend itself.
 * A snapshot of slots: a slot may be given up later, so the reader looks at its state again.
 */
#ifndef WORKER_STATLIST_H
#define WORKER_STATLIST_H

#include "worker/statrow.h"

struct stat_item {
	uint32_t iid;
	uint32_t order; /* inside iid: sid; UINT32_MAX for the frontend or backend itself */
	uint32_t slot;
	enum stat_type type;
};

struct stat_list {
	struct stat_item *v;
	size_t n;
};

/* Which lines: HAProxy's three numbers of "show stat" and its words. */
struct stat_filter {
	int64_t iid;    /* -1: all */
	unsigned types; /* bits: 1 frontends, 2 backends, 4 servers */
	int64_t sid;    /* -1: all servers */
	bool up;        /* only what is not down */
	bool no_maint;  /* no servers in maintenance */
};

#define STAT_FILTER_ALL                          \
	{                                        \
		.iid = -1, .types = 7, .sid = -1 \
	}

/* Returns 0, or -1 with errno (ENOMEM). The caller frees with stat_list_free. */
int stat_list_make(struct stat_list *list, const struct shm *s);
void stat_list_free(struct stat_list *list);

/* Fills *row for an item if it is still there and the filter wants it. */
bool stat_list_row(struct stat_row *row, const struct stat_source *src,
    const struct stat_item *item, const struct stat_filter *filter);

#endif
