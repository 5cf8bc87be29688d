/* SPDX-License-Identifier: ISC */
/*
 * Names and slots in the segment. A frontend or backend is known by its name, a server by backend,
 * name and address: the same identity keeps its slot over reloads. New slots are filled before
 * PREPARE, so that children find them, and freed again on ABORT; on COMMIT those that are gone are
 * LEAVING, and free when no worker can use them any more (hard-parts.md 5).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "lib/log.h"
#include "master/master.h"

/* What the three kinds of entry have in common: their first words are the same in all. */
struct entry {
	struct sw32 *epoch;
	struct sw32 *state;
	struct sw64 *left_gen;
	uint32_t slot;
};

static struct entry
fe_entry(const struct shm *s, uint32_t i)
{
	struct shm_fe_dir *d = shm_own_fe_dir(s) + i;

	return (struct entry){&d->epoch, &d->state, &d->left_gen, i};
}

static struct entry
be_entry(const struct shm *s, uint32_t i)
{
	struct shm_be_dir *d = shm_own_be_dir(s) + i;

	return (struct entry){&d->epoch, &d->state, &d->left_gen, i};
}

static struct entry
srv_entry(const struct shm *s, uint32_t i)
{
	struct shm_srv_dir *d = shm_own_srv_dir(s) + i;

	return (struct entry){&d->epoch, &d->state, &d->left_gen, i};
}

/* A free slot among the used range from `from` on, or the next behind it; SHM_NONE when the ceiling
 * is reached. */
static uint32_t
slot_free(const struct shm *s, struct entry (*at)(const struct shm *, uint32_t), struct sw32 *n,
    uint32_t cap, uint32_t from)
{
	uint32_t used = sw32_get(n);

	for (uint32_t i = from; i < used; i++)
		if (sw32_get(at(s, i).state) == SHM_DIR_FREE)
			return i;
	return used < cap ? used : SHM_NONE;
}

/* Makes a filled slot visible: `left_gen` holds the generation that brought it until it commits. */
static void
slot_use(struct entry e, struct sw32 *n, uint64_t gen)
{
	sw32_set(e.epoch, sw32_get(e.epoch) + 1);
	sw64_set(e.left_gen, gen);
	sw32_set(e.state, SHM_DIR_USED);
	if (e.slot >= sw32_get(n))
		sw32_set(n, e.slot + 1);
}

static void
text_copy(char *to, size_t size, const char *from)
{
	memset(to, 0, size);
	snprintf(to, size, "%.*s", (int)size - 1, from);
}

static uint32_t
fe_add(struct master *m, const struct conf_frontend *f, uint64_t gen)
{
	struct shm *s = &m->seg;
	uint32_t i = slot_free(s, fe_entry, &s->own_master->n_frontends, s->caps->frontends, 0);
	struct shm_fe_dir *d = shm_own_fe_dir(s) + i;

	if (i == SHM_NONE)
		return i;
	text_copy(d->name, sizeof(d->name), f->name);
	sw32_set(&d->id, ++m->next_id);
	sw32_set(&d->mode, f->mode);
	sw32_set(&d->maxconn, f->maxconn);
	sw32_set(&d->flags, 0);
	slot_use(fe_entry(s, i), &s->own_master->n_frontends, gen);
	return i;
}

/* 0: no limit. */
static uint32_t
maxqueue_of(const struct conf_backend *b)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < b->n_servers; i++) {
		if (b->servers[i].maxqueue == 0)
			return b->maxqueue;
		sum += b->servers[i].maxqueue;
	}
	if (b->maxqueue != 0 && (sum == 0 || b->maxqueue < sum))
		sum = b->maxqueue;
	return sum > UINT32_MAX ? UINT32_MAX : (uint32_t)sum;
}

static uint32_t
be_add(struct master *m, const struct conf_backend *b, uint64_t gen)
{
	struct shm *s = &m->seg;
	uint32_t i = slot_free(s, be_entry, &s->own_master->n_backends, s->caps->backends, 0);
	struct shm_be_dir *d = shm_own_be_dir(s) + i;

	if (i == SHM_NONE)
		return i;
	text_copy(d->name, sizeof(d->name), b->name);
	sw32_set(&d->id, ++m->next_id);
	sw32_set(&d->mode, b->mode);
	sw32_set(&d->fullconn, b->fullconn);
	sw32_set(&d->maxqueue, maxqueue_of(b));
	slot_use(be_entry(s, i), &s->own_master->n_backends, gen);
	return i;
}

/*
 * The servers' slots by what they are known by, while a configuration is prepared: looking for each
 * of 16,000 new ones in turn took the master 0.3 s. Open addressing, at most half full.
 */
struct srv_index {
	uint32_t *v; /* slot + 1; 0: free. NULL: no memory, or few */
	uint32_t mask;
	uint32_t free_from; /* no slot before it is free */
};

static uint32_t *
index_at(
    const struct srv_index *x, const struct shm *s, uint32_t be, const char *name, const char *addr)
{
	uint32_t h = be * 2654435761u;

	for (const char *c = name; *c != '\0'; c++)
		h = (h ^ (uint8_t)*c) * 16777619u;
	for (const char *c = addr; *c != '\0'; c++)
		h = (h ^ (uint8_t)*c) * 16777619u;
	for (h ^= h >> 15;; h++) {
		uint32_t *at = &x->v[h & x->mask];
		const struct shm_srv_dir *d = *at != 0 ? shm_srv_dir(s, *at - 1) : NULL;

		if (d == NULL || (sw32_get(&d->backend) == be && strcmp(d->name, name) == 0 &&
				     strcmp(d->addr, addr) == 0))
			return at;
	}
}

static void
index_make(struct srv_index *x, const struct master *m, const struct conf *c)
{
	const struct shm *s = &m->seg;
	uint32_t used = sw32_get(&s->master->n_servers), size = 64;
	size_t most = used;

	*x = (struct srv_index){0};
	for (size_t k = 0; k < c->n_backends; k++)
		most += c->backends[k].n_servers;
	if (most < 256)
		return;
	while (size < 2 * most)
		size *= 2;
	x->v = calloc(size, sizeof(*x->v));
	x->mask = size - 1;
	for (uint32_t i = 0; i < used && x->v != NULL; i++) {
		const struct shm_srv_dir *d = shm_srv_dir(s, i);

		if (sw32_get(&d->state) == SHM_DIR_USED)
			*index_at(x, s, sw32_get(&d->backend), d->name, d->addr) = i + 1;
	}
}

static uint32_t
index_find(const struct srv_index *x, const struct shm *s, uint32_t be, const struct conf_server *v,
    uint32_t hint)
{
	uint32_t i;

	if (x->v == NULL)
		return child_find_server(s, be, v->name, v->address, hint);
	i = *index_at(x, s, be, v->name, v->address);
	return i != 0 ? i - 1 : SHM_NONE;
}

static uint32_t
srv_add(
    struct master *m, struct srv_index *x, uint32_t be, const struct conf_server *v, uint64_t gen)
{
	struct shm *s = &m->seg;
	uint32_t i =
	    slot_free(s, srv_entry, &s->own_master->n_servers, s->caps->servers, x->free_from);
	struct shm_srv_dir *d = shm_own_srv_dir(s) + i;

	if (i == SHM_NONE)
		return i;
	x->free_from = i + 1;
	text_copy(d->name, sizeof(d->name), v->name);
	text_copy(d->addr, sizeof(d->addr), v->address);
	sw32_set(&d->id, v->id);
	sw32_set(&d->backend, be);
	sw32_set(&d->maxconn, v->maxconn);
	sw32_set(&d->maxqueue, v->maxqueue);
	slot_use(srv_entry(s, i), &s->own_master->n_servers, gen);
	if (x->v != NULL)
		*index_at(x, s, be, d->name, d->addr) = i + 1;
	return i;
}

static int
servers_prepare(
    struct master *m, struct srv_index *x, uint32_t be, const struct conf_backend *b, uint64_t gen)
{
	uint32_t hint = 0;

	for (size_t k = 0; k < b->n_servers; k++) {
		const struct conf_server *v = &b->servers[k];
		uint32_t i = index_find(x, &m->seg, be, v, hint);

		if (i == SHM_NONE)
			i = srv_add(m, x, be, v, gen);
		if (i == SHM_NONE)
			return -1;
		hint = i + 1;
	}
	return 0;
}

static int
backends_prepare(struct master *m, const struct conf *c, struct srv_index *x, uint64_t gen,
    char *reason, size_t reason_size)
{
	for (size_t k = 0; k < c->n_backends; k++) {
		const struct conf_backend *b = &c->backends[k];
		uint32_t be = child_find_backend(&m->seg, b->name, (uint32_t)k);

		if (be == SHM_NONE)
			be = be_add(m, b, gen);
		if (be == SHM_NONE) {
			snprintf(reason, reason_size,
			    "no room for backend %s: raise global.max_backends and restart",
			    b->name);
			return -1;
		}
		if (servers_prepare(m, x, be, b, gen) == -1) {
			snprintf(reason, reason_size,
			    "no room for the servers of %s: raise global.max_servers and restart",
			    b->name);
			return -1;
		}
	}
	return 0;
}

int
directory_prepare(
    struct master *m, const struct conf *c, uint64_t gen, char *reason, size_t reason_size)
{
	struct srv_index x;
	int r;

	if (m->next_id == 0)
		m->next_id = 1;
	for (size_t k = 0; k < c->n_frontends; k++)
		if (child_find_frontend(&m->seg, c->frontends[k].name, (uint32_t)k) == SHM_NONE &&
		    fe_add(m, &c->frontends[k], gen) == SHM_NONE) {
			snprintf(reason, reason_size,
			    "no room for frontend %s: raise global.max_frontends and restart",
			    c->frontends[k].name);
			return -1;
		}
	index_make(&x, m, c);
	r = backends_prepare(m, c, &x, gen, reason, reason_size);
	free(x.v);
	return r;
}

/* ---- commit -----------------------------------------------------------------------------------
 */

static void
slot_leave(struct entry e, uint64_t gen)
{
	sw64_set(e.left_gen, gen);
	sw32_set(e.state, SHM_DIR_LEAVING);
}

/* What was set by a command stays, unless the file changes that very setting. */
static bool
fe_maxconn_same(const struct conf *old, const struct conf_frontend *f)
{
	uint32_t k = old != NULL ? conf_find_frontend(old, f->name) : CONF_NONE;

	return k != CONF_NONE && old->frontends[k].maxconn == f->maxconn;
}

static void
fe_commit(struct master *m, const struct conf *c, uint64_t gen)
{
	const struct conf *old = m->gen != NULL ? m->gen->conf : NULL;
	struct shm_fe_dir *d = shm_own_fe_dir(&m->seg);

	for (uint32_t i = 0; i < sw32_get(&m->seg.own_master->n_frontends); i++) {
		uint32_t k;

		if (sw32_get(&d[i].state) != SHM_DIR_USED)
			continue;
		k = conf_find_frontend(c, d[i].name);
		if (k == CONF_NONE) {
			slot_leave(fe_entry(&m->seg, i), gen);
			continue;
		}
		sw32_set(&d[i].mode, c->frontends[k].mode);
		if (!fe_maxconn_same(old, &c->frontends[k]))
			sw32_set(&d[i].maxconn, c->frontends[k].maxconn);
		/* One that was shut down comes back with a reload, as in HAProxy. */
		if ((sw32_get(&d[i].flags) & SHM_FE_STOPPED) != 0)
			sw32_set(&d[i].flags, 0);
	}
}

static void
be_commit(struct master *m, const struct conf *c, uint64_t gen)
{
	struct shm_be_dir *d = shm_own_be_dir(&m->seg);

	for (uint32_t i = 0; i < sw32_get(&m->seg.own_master->n_backends); i++) {
		uint32_t k;

		if (sw32_get(&d[i].state) != SHM_DIR_USED)
			continue;
		k = conf_find_backend(c, d[i].name);
		if (k == CONF_NONE) {
			slot_leave(be_entry(&m->seg, i), gen);
			continue;
		}
		sw32_set(&d[i].mode, c->backends[k].mode);
		sw32_set(&d[i].fullconn, c->backends[k].fullconn);
		sw32_set(&d[i].maxqueue, maxqueue_of(&c->backends[k]));
	}
}

/* *hint: behind the last one found, so that looking up all in file order is linear. */
static const struct conf_server *
server_of(const struct master *m, const struct conf *c, const struct shm_srv_dir *d, size_t *hint)
{
	const struct shm_be_dir *be = shm_be_dir(&m->seg, sw32_get(&d->backend));
	uint32_t k = CONF_NONE;

	if (sw32_get(&be->state) == SHM_DIR_USED)
		k = conf_find_backend(c, be->name);
	if (k == CONF_NONE)
		return NULL;
	for (size_t i = 0; i < c->backends[k].n_servers; i++) {
		size_t at = (*hint + i) % c->backends[k].n_servers;
		const struct conf_server *v = &c->backends[k].servers[at];

		if (strcmp(v->name, d->name) == 0 && strcmp(v->address, d->addr) == 0) {
			*hint = at + 1;
			return v;
		}
	}
	return NULL;
}

static void
srv_commit(struct master *m, const struct conf *c, uint64_t gen)
{
	struct shm_srv_dir *d = shm_own_srv_dir(&m->seg);
	size_t hint = 0;

	for (uint32_t i = 0; i < sw32_get(&m->seg.own_master->n_servers); i++) {
		const struct conf_server *v;

		if (sw32_get(&d[i].state) != SHM_DIR_USED)
			continue;
		v = server_of(m, c, &d[i], &hint);
		if (v == NULL) {
			slot_leave(srv_entry(&m->seg, i), gen);
			continue;
		}
		sw32_set(&d[i].id, v->id);
		sw32_set(&d[i].maxconn, v->maxconn);
		sw32_set(&d[i].maxqueue, v->maxqueue);
	}
}

static void
node_commit(struct shm_master *own, const struct conf *c)
{
	char node[sizeof(own->node)];
	struct utsname u;

	uname(&u);
	text_copy(node, sizeof(node), c->global.node != NULL ? c->global.node : u.nodename);
	if (memcmp(own->node, node, sizeof(node)) != 0)
		memcpy(own->node, node, sizeof(node));
}

void
directory_commit(struct master *m, const struct conf *c, uint64_t gen)
{
	srv_commit(m, c, gen); /* servers first: they are known by their backend's name */
	be_commit(m, c, gen);
	fe_commit(m, c, gen);
	if (m->gen == NULL || m->gen->conf == NULL ||
	    m->gen->conf->global.maxconn != c->global.maxconn)
		sw32_set(&m->seg.own_master->maxconn, wants_maxconn(c, m->wanted, m->nofile));
	if (m->gen == NULL || m->gen->conf == NULL ||
	    m->gen->conf->global.maxconnrate != c->global.maxconnrate)
		sw32_set(&m->seg.own_master->conn_rate, c->global.maxconnrate);
	node_commit(m->seg.own_master, c);
}

static void
slots_abort(
    struct shm *s, struct entry (*at)(const struct shm *, uint32_t), uint32_t n, uint64_t gen)
{
	for (uint32_t i = 0; i < n; i++) {
		struct entry e = at(s, i);

		if (sw32_get(e.state) == SHM_DIR_USED && sw64_get(e.left_gen) == gen)
			sw32_set(e.state, SHM_DIR_FREE);
	}
}

void
directory_abort(struct master *m, uint64_t gen)
{
	struct shm_master *own = m->seg.own_master;

	slots_abort(&m->seg, srv_entry, sw32_get(&own->n_servers), gen);
	slots_abort(&m->seg, be_entry, sw32_get(&own->n_backends), gen);
	slots_abort(&m->seg, fe_entry, sw32_get(&own->n_frontends), gen);
}

/* ---- reuse ------------------------------------------------------------------------------------
 */

/* The oldest generation from which a worker or the checker may still choose. A session that has its
 * server does not count: it holds places of all its slots. */
static uint64_t
oldest_in_use(const struct master *m)
{
	uint64_t oldest = m->gen->number;

	for (unsigned w = 0; w < m->n_workers; w++) {
		const struct shm_worker *x = shm_worker(&m->seg, w);
		uint64_t g = sw64_get(&x->generation), left = sw64_get(&x->left);

		g = left < g ? left : g; /* a listener that leaves accepts for its own generation */
		if (m->workers[w].pid != 0 && g < oldest)
			oldest = g;
	}
	if (m->checker.pid != 0 && sw64_get(&m->seg.checker->generation) < oldest)
		oldest = sw64_get(&m->seg.checker->generation);
	return oldest;
}

static uint64_t
held_sum(const struct master *m,
    const struct sw32 *(*held)(const struct shm *, const struct shm_worker *), uint32_t slot)
{
	uint64_t sum = 0;

	for (unsigned w = 0; w < m->n_workers; w++)
		sum += sw32_get(&held(&m->seg, shm_worker(&m->seg, w))[slot]);
	return sum;
}

/* A backend's slot is named in its servers' entries: it is free only after them. */
static bool
has_servers(const struct master *m, uint32_t be)
{
	for (uint32_t i = 0; i < sw32_get(&m->seg.own_master->n_servers); i++) {
		const struct shm_srv_dir *d = shm_srv_dir(&m->seg, i);

		if (sw32_get(&d->state) != SHM_DIR_FREE && sw32_get(&d->backend) == be)
			return true;
	}
	return false;
}

static void
slots_reap(struct master *m, struct entry (*at)(const struct shm *, uint32_t), uint32_t n,
    const struct sw32 *(*held)(const struct shm *, const struct shm_worker *), uint64_t oldest)
{
	for (uint32_t i = 0; i < n; i++) {
		struct entry e = at(&m->seg, i);

		if (sw32_get(e.state) == SHM_DIR_LEAVING && oldest >= sw64_get(e.left_gen) &&
		    held_sum(m, held, i) == 0 && (at != be_entry || !has_servers(m, i)))
			sw32_set(e.state, SHM_DIR_FREE);
	}
}

void
directory_reap(struct master *m)
{
	struct shm_master *own = m->seg.own_master;
	uint64_t oldest;

	if (m->gen == NULL || m->round.phase != ROUND_NONE)
		return;
	oldest = oldest_in_use(m);
	slots_reap(m, srv_entry, sw32_get(&own->n_servers), shm_held_srv, oldest);
	slots_reap(m, be_entry, sw32_get(&own->n_backends), shm_held_be, oldest);
	slots_reap(m, fe_entry, sw32_get(&own->n_frontends), shm_held_fe, oldest);
}
