/* SPDX-License-Identifier: ISC */
/* "show errors": what clients sent that was refused. Runs in workers and the master; reads shared
 * memory only, and trusts nothing in it. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "shm/total.h"
#include "worker/show.h"

#define LINE_BYTES 64 /* captured bytes a line */

static bool
capture_read(const struct shm_capture *c, struct shm_capture *out)
{
	uint64_t number = sw64_get(&c->number);

	if (number == 0)
		return false;
	memcpy((void *)out, (const void *)c, sizeof(*out));
	atomic_thread_fence(memory_order_seq_cst);
	if (sw64_get(&c->number) != number || out->len > SHM_CAPTURE)
		return false;
	out->why[sizeof(out->why) - 1] = '\0';
	for (char *p = out->why; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || (unsigned char)*p > 0x7e)
			*p = '.';
	return true;
}

static void
put_time(struct buf *out, int64_t wall_us)
{
	time_t sec = (time_t)(wall_us / 1000000);
	char when[32];
	struct tm tm;

	localtime_r(&sec, &tm);
	strftime(when, sizeof(when), "%d/%b/%Y:%H:%M:%S", &tm);
	buf_printf(out, "[%s.%03d]", when, (int)(wall_us / 1000 % 1000));
}

static void
put_byte(struct buf *out, unsigned char b)
{
	if (b == '\n')
		buf_puts(out, "\\n");
	else if (b == '\r')
		buf_puts(out, "\\r");
	else if (b == '\t')
		buf_puts(out, "\\t");
	else if (b == '\\')
		buf_puts(out, "\\\\");
	else if (b < 0x20 || b > 0x7e)
		buf_printf(out, "\\x%02X", b);
	else
		buf_putc(out, (char)b);
}

/* Lines of at most LINE_BYTES bytes; a newline ends one, too. */
static void
put_data(struct buf *out, const struct shm_capture *c)
{
	uint32_t from = 0;

	while (from < c->len) {
		uint32_t to = from;

		buf_printf(out, "  %05" PRIu32 "  ", from);
		while (to < c->len && to - from < LINE_BYTES) {
			put_byte(out, c->data[to]);
			if (c->data[to++] == '\n')
				break;
		}
		buf_putc(out, '\n');
		from = to;
	}
}

static void
put_capture(struct command_run *run, unsigned worker, const struct shm_capture *c)
{
	const struct shm *s = run->src.shm;
	const struct shm_fe_dir *d =
	    c->fe < s->caps->frontends && sw32_get(&shm_fe_dir(s, c->fe)->epoch) == c->fe_epoch
		? shm_fe_dir(s, c->fe)
		: NULL;
	char ip[INET6_ADDRSTRLEN] = "unix";

	if (d == NULL || (run->filter.iid != -1 && run->filter.iid != (int64_t)sw32_get(&d->id)))
		return;
	if (c->client.family == AF_INET || c->client.family == AF_INET6)
		inet_ntop(c->client.family, c->client.addr, ip, sizeof(ip));
	buf_puts(run->out, " \n");
	put_time(run->out, c->wall_us);
	buf_printf(run->out,
	    " frontend %.*s (#%" PRIu32 "): invalid request\n"
	    "  backend <NONE> (#-1), server <NONE> (#-1), event #%" PRIu64 " of worker %u\n"
	    "  src %s:%u, %s\n  %" PRIu32 " bytes had come",
	    SHM_NAME - 1, d->name, sw32_get(&d->id), sw64_get(&c->number), worker, ip,
	    c->client.port, c->why, c->came);
	if (c->came > c->len)
		buf_printf(run->out, ", the first %" PRIu32 " are kept", c->len);
	buf_puts(run->out, ":\n \n");
	put_data(run->out, c);
}

/* The oldest that is kept of each worker first. */
static bool
errors_more(struct command_run *run)
{
	const struct shm *s = run->src.shm;
	uint32_t n = sw32_get(&s->master->n_workers);
	struct shm_capture c;

	for (; run->worker < n && run->worker < s->caps->workers; run->worker++, run->at = 0) {
		const struct shm_worker *w = shm_worker(s, run->worker);
		uint64_t last = sw64_get(&w->captured);

		for (; run->at < SHM_CAPTURES; run->at++) {
			if (run->out->len >= run->limit)
				return true;
			if (capture_read(&w->capture[(last + 1 + run->at) % SHM_CAPTURES], &c))
				put_capture(run, run->worker, &c);
		}
	}
	return false;
}

static uint64_t
errors_sum(struct command_run *run)
{
	const struct shm *s = run->src.shm;
	uint32_t n = sw32_get(&s->master->n_frontends);
	struct total_frontend t;
	uint64_t sum = 0;

	for (uint32_t i = 0; i < n && i < s->caps->frontends; i++) {
		if (sw32_get(&shm_fe_dir(s, i)->state) != SHM_DIR_USED ||
		    (run->filter.iid != -1 &&
			run->filter.iid != (int64_t)sw32_get(&shm_fe_dir(s, i)->id)))
			continue;
		total_of_frontend(s, i, run->src.now, &t);
		sum += t.req_err;
	}
	return sum;
}

/* "show errors [<frontend or backend>]". */
bool
show_errors_run(struct command_run *run, int argc, char **argv)
{
	const struct shm *s = run->src.shm;

	if (argc > 0) {
		uint32_t fe = child_find_frontend(s, argv[0], 0);
		uint32_t be = child_find_backend(s, argv[0], 0);

		if (fe == SHM_NONE && be == SHM_NONE) {
			command_error(run, "No such proxy.");
			return false;
		}
		run->filter.iid =
		    sw32_get(fe != SHM_NONE ? &shm_fe_dir(s, fe)->id : &shm_be_dir(s, be)->id);
	}
	buf_puts(run->out, "Total events captured on ");
	put_time(run->out, run->wall_us);
	buf_printf(run->out, " : %" PRIu64 "\n", errors_sum(run));
	run->more = errors_more;
	return errors_more(run);
}
