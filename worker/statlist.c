/* SPDX-License-Identifier: ISC */
/* The order of tables. */
#include <stdlib.h>

#include "worker/statlist.h"

static int
by_number(const void *a, const void *b)
{
	const struct stat_item *x = a, *y = b;

	if (x->iid != y->iid)
		return x->iid < y->iid ? -1 : 1;
	if (x->order != y->order)
		return x->order < y->order ? -1 : 1;
	return x->slot < y->slot ? -1 : x->slot > y->slot;
}

static void
add(struct stat_list *list, enum stat_type type, uint32_t iid, uint32_t order, uint32_t slot)
{
	list->v[list->n++] = (struct stat_item){iid, order, slot, type};
}

/* Numbers of used slots, never above the ceilings. */
static uint32_t
used(const struct sw32 *n, uint32_t cap)
{
	uint32_t v = sw32_get(n);

	return v < cap ? v : cap;
}

int
stat_list_make(struct stat_list *list, const struct shm *s)
{
	uint32_t n_fe = used(&s->master->n_frontends, s->caps->frontends);
	uint32_t n_be = used(&s->master->n_backends, s->caps->backends);
	uint32_t n_srv = used(&s->master->n_servers, s->caps->servers);

	list->n = 0;
	list->v = calloc((size_t)n_fe + n_be + n_srv + 1, sizeof(*list->v));
	if (list->v == NULL)
		return -1;
	for (uint32_t i = 0; i < n_fe; i++)
		if (sw32_get(&shm_fe_dir(s, i)->state) == SHM_DIR_USED)
			add(list, STAT_FRONTEND, sw32_get(&shm_fe_dir(s, i)->id), UINT32_MAX, i);
	for (uint32_t i = 0; i < n_srv; i++) {
		const struct shm_srv_dir *d = shm_srv_dir(s, i);
		uint32_t be = sw32_get(&d->backend);

		if (sw32_get(&d->state) == SHM_DIR_USED && be < n_be)
			add(list, STAT_SERVER, sw32_get(&shm_be_dir(s, be)->id), sw32_get(&d->id),
			    i);
	}
	for (uint32_t i = 0; i < n_be; i++)
		if (sw32_get(&shm_be_dir(s, i)->state) == SHM_DIR_USED)
			add(list, STAT_BACKEND, sw32_get(&shm_be_dir(s, i)->id), UINT32_MAX, i);
	qsort(list->v, list->n, sizeof(*list->v), by_number);
	return 0;
}

void
stat_list_free(struct stat_list *list)
{
	free(list->v);
	*list = (struct stat_list){0};
}

bool
stat_list_row(struct stat_row *row, const struct stat_source *src, const struct stat_item *item,
    const struct stat_filter *filter)
{
	bool there = false;

	if ((filter->types & 1u << item->type) == 0 ||
	    (filter->iid != -1 && filter->iid != (int64_t)item->iid))
		return false;
	if (item->type == STAT_SERVER && filter->sid != -1 && filter->sid != (int64_t)item->order)
		return false;
	switch (item->type) {
	case STAT_FRONTEND:
		there = stat_row_frontend(row, src, item->slot);
		break;
	case STAT_BACKEND:
		there = stat_row_backend(row, src, item->slot);
		break;
	case STAT_SERVER:
		there = stat_row_server(row, src, item->slot);
		break;
	}
	return there && (!filter->up || row->up) && (!filter->no_maint || !row->maint);
}
