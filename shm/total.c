/* SPDX-License-Identifier: ISC */
/* Sums over workers. */
#include "shm/total.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SECOND_NS 1000000000ll

static uint32_t
workers(const struct shm *s)
{
	uint32_t n = sw32_get(&s->master->n_workers);

	return n < s->caps->workers ? n : s->caps->workers;
}

static void
raise_to(uint32_t *max, uint32_t v)
{
	if (*max < v)
		*max = v;
}

uint32_t
total_rate(const struct shm_rate *r, struct mono now)
{
	int64_t sec = (int64_t)sw64_get(&r->sec), now_sec = now.ns / SECOND_NS;
	int64_t left_ns = SECOND_NS - now.ns % SECOND_NS;
	uint32_t cur = sw32_get(&r->cur), prev = sw32_get(&r->prev);

	if (sec > now_sec + 1) /* no clock's: would count for ever */
		return 0;
	if (sec >= now_sec) /* the writer's may be a little ahead */
		return cur + (uint32_t)((int64_t)prev * left_ns / SECOND_NS);
	if (sec == now_sec - 1)
		return (uint32_t)((int64_t)cur * left_ns / SECOND_NS);
	return 0;
}

/* When there are too many seconds the oldest is counted as it is. */
static void
second_add(struct total_seconds *t, uint64_t sec, uint32_t count)
{
	uint32_t oldest = 0;

	if (count == 0)
		return;
	for (uint32_t i = 0; i < t->n; i++) {
		if (t->v[i].sec == sec) {
			t->v[i].sum += count;
			return;
		}
		if (t->v[i].sec < t->v[oldest].sec)
			oldest = i;
	}
	if (t->n < TOTAL_SECONDS)
		oldest = t->n++;
	else
		raise_to(&t->max, t->v[oldest].sum);
	t->v[oldest].sec = sec;
	t->v[oldest].sum = count;
}

void
total_seconds_add(struct total_seconds *t, const struct shm_rate *r)
{
	uint64_t sec = sw64_get(&r->sec);

	raise_to(&t->max, sw32_get(&r->max));
	second_add(t, sec, sw32_get(&r->cur));
	second_add(t, sec - 1, sw32_get(&r->prev));
}

uint32_t
total_seconds_max(const struct total_seconds *t)
{
	uint32_t max = t->max;

	for (uint32_t i = 0; i < t->n; i++)
		raise_to(&max, t->v[i].sum);
	return max;
}

void
total_of_process(const struct shm *s, struct mono now, struct total_process *t)
{
	struct total_seconds secs = {.n = 0, .max = 0};

	memset(t, 0, sizeof(*t));
	for (uint32_t i = 0; i < workers(s); i++) {
		const struct shm_worker *w = shm_worker(s, i);

		t->held += sw32_get(&w->held);
		raise_to(&t->held_max, sw32_get(&w->held_max));
		t->held_misc += sw32_get(&w->held_misc);
		t->cum_conn += sw64_get(&w->cum_conn);
		t->cum_req += sw64_get(&w->cum_req);
		t->bytes_out += sw64_get(&w->bytes_out);
		t->spliced += sw64_get(&w->spliced);
		t->log_lost += sw64_get(&w->log_lost);
		t->pipes += sw32_get(&w->pipes);
		t->rate += total_rate(&w->conn_rate, now);
		total_seconds_add(&secs, &w->conn_rate);
	}
	t->rate_max = total_seconds_max(&secs);
}

void
total_of_frontend(const struct shm *s, uint32_t fe, struct mono now, struct total_frontend *t)
{
	uint32_t epoch = sw32_get(&shm_fe_dir(s, fe)->epoch);
	struct total_seconds secs = {.n = 0, .max = 0};

	memset(t, 0, sizeof(*t));
	for (uint32_t i = 0; i < workers(s); i++) {
		const struct shm_worker *w = shm_worker(s, i);
		const struct shm_fe_count *c = &shm_fe_count(s, w)[fe];

		t->cur += sw32_get(&shm_held_fe(s, w)[fe]);
		if (sw32_get(&c->epoch) != epoch)
			continue;
		raise_to(&t->cur_max, sw32_get(&c->cur_max));
		t->sess += sw64_get(&c->sess);
		t->bytes_in += sw64_get(&c->bytes_in);
		t->bytes_out += sw64_get(&c->bytes_out);
		t->denied += sw64_get(&c->denied);
		t->denied_req += sw64_get(&c->denied_req);
		t->req += sw64_get(&c->req);
		t->req_err += sw64_get(&c->req_err);
		for (unsigned k = 0; k < 6; k++)
			t->rsp[k] += sw64_get(&c->rsp[k]);
		t->intercepted += sw64_get(&c->intercepted);
		t->paused += sw64_get(&c->paused);
		t->rate += total_rate(&c->rate, now);
		total_seconds_add(&secs, &c->rate);
	}
	t->rate_max = total_seconds_max(&secs);
	raise_to(&t->cur_max, t->cur);
}

/* The fields that both kinds of counters have under the same names. */
#define ADD_TARGET(t, c, now)                                       \
	do {                                                        \
		uint64_t last_ns_ = sw64_get(&(c)->last_ns);        \
                                                                    \
		raise_to(&(t)->cur_max, sw32_get(&(c)->cur_max));   \
		(t)->sess += sw64_get(&(c)->sess);                  \
		(t)->bytes_in += sw64_get(&(c)->bytes_in);          \
		(t)->bytes_out += sw64_get(&(c)->bytes_out);        \
		(t)->econ += sw64_get(&(c)->econ);                  \
		(t)->eresp += sw64_get(&(c)->eresp);                \
		(t)->wretr += sw64_get(&(c)->wretr);                \
		(t)->wredis += sw64_get(&(c)->wredis);              \
		(t)->cli_abrt += sw64_get(&(c)->cli_abrt);          \
		(t)->srv_abrt += sw64_get(&(c)->srv_abrt);          \
		(t)->lbtot += sw64_get(&(c)->lbtot);                \
		(t)->c_ms += sw64_get(&(c)->c_ms);                  \
		(t)->t_ms += sw64_get(&(c)->t_ms);                  \
		(t)->timed += sw64_get(&(c)->timed);                \
		raise_to(&(t)->c_ms_max, sw32_get(&(c)->c_ms_max)); \
		raise_to(&(t)->t_ms_max, sw32_get(&(c)->t_ms_max)); \
		(t)->rate += total_rate(&(c)->rate, now);           \
		total_seconds_add(&secs, &(c)->rate);               \
		if ((t)->last_ns < last_ns_)                        \
			(t)->last_ns = last_ns_;                    \
	} while (0)

void
total_of_backend(const struct shm *s, uint32_t be, struct mono now, struct total_target *t)
{
	uint32_t epoch = sw32_get(&shm_be_dir(s, be)->epoch);
	struct total_seconds secs = {.n = 0, .max = 0};

	memset(t, 0, sizeof(*t));
	for (uint32_t i = 0; i < workers(s); i++) {
		const struct shm_worker *w = shm_worker(s, i);
		const struct shm_be_count *c = &shm_be_count(s, w)[be];

		t->cur += sw32_get(&shm_held_be(s, w)[be]);
		t->waiting += sw32_get(&shm_queue(s, w)[be].waiting);
		if (sw32_get(&c->epoch) != epoch)
			continue;
		ADD_TARGET(t, c, now);
		t->q_ms += sw64_get(&c->q_ms);
		t->denied += sw64_get(&c->denied);
		t->connect += sw64_get(&c->connect);
		raise_to(&t->queue_max, sw32_get(&c->queue_max));
		raise_to(&t->q_ms_max, sw32_get(&c->q_ms_max));
	}
	t->rate_max = total_seconds_max(&secs);
	raise_to(&t->cur_max, t->cur);
	raise_to(&t->queue_max, t->waiting);
}

void
total_of_server(const struct shm *s, uint32_t srv, struct mono now, struct total_target *t)
{
	uint32_t epoch = sw32_get(&shm_srv_dir(s, srv)->epoch);
	struct total_seconds secs = {.n = 0, .max = 0};

	memset(t, 0, sizeof(*t));
	for (uint32_t i = 0; i < workers(s); i++) {
		const struct shm_worker *w = shm_worker(s, i);
		const struct shm_srv_count *c = &shm_srv_count(s, w)[srv];

		t->cur += sw32_get(&shm_held_srv(s, w)[srv]);
		if (sw32_get(&c->epoch) != epoch)
			continue;
		ADD_TARGET(t, c, now);
		t->connect += sw64_get(&c->connect);
	}
	t->rate_max = total_seconds_max(&secs);
	raise_to(&t->cur_max, t->cur);
}

const char *
total_server_word(char word[32], uint32_t oper, uint32_t admin, bool checked, uint32_t counter,
    uint32_t rise, uint32_t fall)
{
	bool running = oper == SHM_OPER_RUNNING || oper == SHM_OPER_STARTING;

	if ((admin & (SHM_ADMIN_FMAINT | SHM_ADMIN_IMAINT | SHM_ADMIN_CMAINT)) != 0)
		return "MAINT";
	if (oper == SHM_OPER_STOPPING)
		return "NOLB";
	if (running && (admin & (SHM_ADMIN_FDRAIN | SHM_ADMIN_IDRAIN)) != 0)
		return "DRAIN";
	if (!checked)
		return running ? "no check" : "DOWN";
	if (running && counter + 1 < rise + fall) {
		snprintf(word, 32, "UP %" PRIu32 "/%" PRIu32,
		    counter >= rise ? counter - rise + 1 : 0, fall);
		return word;
	}
	if (!running && counter > 0) {
		snprintf(word, 32, "DOWN %" PRIu32 "/%" PRIu32, counter, rise);
		return word;
	}
	return running ? "UP" : "DOWN";
}

const char *
total_probe_text(const struct shm_health *h, char to[TOTAL_PROBE_TEXT])
{
	uint32_t seq = sw32_get(&h->desc_seq);

	memcpy(to, h->desc, TOTAL_PROBE_TEXT);
	to[TOTAL_PROBE_TEXT - 1] = '\0';
	atomic_thread_fence(memory_order_acquire);
	if ((seq & 1) != 0 || sw32_get(&h->desc_seq) != seq)
		to[0] = '\0';
	for (char *p = to; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || (unsigned char)*p >= 0x7f)
			*p = '.';
	return to;
}

const char *
total_format_uptime(char to[32], uint64_t seconds)
{
	snprintf(to, 32, "%" PRIu64 "d %" PRIu64 "h%02" PRIu64 "m%02" PRIu64 "s", seconds / 86400,
	    seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
	return to;
}
