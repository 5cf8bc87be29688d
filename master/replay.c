/* SPDX-License-Identifier: ISC */
/* See replay.h. */
#include "master/replay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/log.h"
#include "master/statefile.h"
#include "shm/replay.h"

#define FILE_NAME "replay"
#define LAST_LINE "end\n"

/* A line: family vrid peer key boot seq router. */
static void
put(struct buf *b, const struct shm_replay *e)
{
	struct replay_value v;
	char ip[INET6_ADDRSTRLEN];

	if (sw32_get(&e->used) == 0 || !replay_get(e, &v) ||
	    inet_ntop(e->peer.family, e->peer.b, ip, sizeof(ip)) == NULL)
		return;
	buf_printf(b, "%d %u %s %u %" PRIu32 " %" PRIu64 " %.*s\n", e->family == AF_INET ? 4 : 6,
	    e->vrid, ip, e->key_id, v.boot, v.seq, SHM_NAME - 1, e->router);
}

void
replay_store(const char *dir, const struct shm_vrrp *v, bool whole)
{
	static struct buf last; /* what the file holds */
	static bool complained;
	uint32_t n = sw32_get(&v->n_replays);
	struct buf b = BUF_INIT;

	for (uint32_t i = 0; i < n && i < SHM_REPLAYS; i++)
		put(&b, &v->replays[i]);
	if (b.len == 0 || buf_puts(&b, LAST_LINE) == -1 ||
	    (!whole && last.len == b.len && memcmp(last.data, b.data, b.len) == 0)) {
		buf_free(&b);
		return;
	}
	if (statefile_write(dir, FILE_NAME, b.data, b.len, whole) == -1) {
		if (!complained)
			log_warning("cannot write %s/" FILE_NAME ": %s; after a restart "
				    "advertisements that were recorded before may be taken once "
				    "more",
			    dir, strerror(errno));
		complained = true;
		buf_free(&b);
		return;
	}
	complained = false;
	buf_free(&last);
	last = b;
}

static bool
nothing_wanted(const struct shm_replay *e, void *ctx)
{
	(void)e;
	(void)ctx;
	return true;
}

/* Returns false if the line is none of ours. */
static bool
take(struct shm_vrrp *shm, const char *line)
{
	char ip[INET6_ADDRSTRLEN + 1], router[SHM_NAME];
	struct replay_id id = {.router = router};
	struct replay_value v, old;
	struct shm_replay *e;
	unsigned family, vrid, key;

	if (sscanf(line, "%u %u %46s %u %" SCNu32 " %" SCNu64 " %63[^\n]", &family, &vrid, ip, &key,
		&v.boot, &v.seq, router) != 7)
		return false;
	id.family = family == 4 ? AF_INET : AF_INET6;
	id.vrid = (uint8_t)vrid;
	id.key_id = (uint8_t)key;
	id.peer.family = strchr(ip, ':') != NULL ? AF_INET6 : AF_INET;
	if ((family != 4 && family != 6) || vrid == 0 || vrid > 255 || key == 0 || key > 255 ||
	    inet_pton(id.peer.family, ip, id.peer.b) != 1)
		return false;
	e = replay_find(shm, &id, nothing_wanted, NULL);
	if (e != NULL && (!replay_get(e, &old) || replay_newer(&v, &old)))
		replay_set(e, &v);
	return true;
}

void
replay_load(const char *dir, struct shm_vrrp *shm)
{
	struct buf b = BUF_INIT;
	bool good = true;
	char *line, *rest;

	if (statefile_read(dir, FILE_NAME, &b) == -1) {
		if (errno != ENOENT)
			log_warning("cannot read %s/" FILE_NAME ": %s", dir, strerror(errno));
		buf_free(&b);
		return;
	}
	good = b.len >= strlen(LAST_LINE) && strlen(b.data) == b.len &&
	       strcmp(b.data + b.len - strlen(LAST_LINE), LAST_LINE) == 0;
	rest = b.data;
	while (good && (line = strsep(&rest, "\n")) != NULL && strcmp(line, "end") != 0)
		good = take(shm, line);
	if (!good)
		log_warning("%s/" FILE_NAME " is damaged: advertisements that were recorded before "
			    "this start may be taken once more",
		    dir);
	buf_free(&b);
}
