/* SPDX-License-Identifier: ISC */
/*
 * What all workers together hold and have counted, for one object each. Sums over the slots
 * 0..n_workers-1; a slot whose epoch is not the directory's counted another object and is left out.
 * Reads only; every process may call.
 *
 * Maxima of sessions at once are those of the whole, since admission writes the sum it saw. So are
 * maxima of rates: who leaves a second sums it over all workers.
 */
#ifndef SHM_TOTAL_H
#define SHM_TOTAL_H

#include "lib/mono.h"
#include "shm/segment.h"

#define TOTAL_PROBE_TEXT sizeof(((struct shm_health *)0)->desc)

struct total_process {
	uint32_t held; /* sessions in the global limit */
	uint32_t held_max;
	uint32_t held_misc; /* monitoring, statistics, control */
	uint64_t cum_conn;
	uint64_t cum_req;
	uint64_t bytes_out;
	uint64_t spliced;
	uint64_t log_lost;
	uint32_t pipes;
	uint32_t rate;
	uint32_t rate_max;
};

struct total_frontend {
	uint32_t cur;
	uint32_t cur_max;
	uint64_t sess;
	uint64_t bytes_in;
	uint64_t bytes_out;
	uint64_t denied;
	uint64_t denied_req;
	uint64_t req;
	uint64_t req_err;
	uint64_t rsp[6];
	uint64_t intercepted;
	uint64_t paused;
	uint32_t rate;
	uint32_t rate_max;
};

/* A backend or a server; fields that a server does not have stay 0. */
struct total_target {
	uint32_t cur;
	uint32_t cur_max;
	uint64_t sess;
	uint64_t bytes_in;
	uint64_t bytes_out;
	uint64_t connect; /* connects tried */
	uint64_t econ;
	uint64_t eresp;
	uint64_t wretr;
	uint64_t wredis;
	uint64_t cli_abrt;
	uint64_t srv_abrt;
	uint64_t lbtot;
	uint64_t denied;  /* backends only, as the three below */
	uint32_t waiting; /* in the queue now */
	uint32_t queue_max;
	uint64_t q_ms;
	uint64_t c_ms;
	uint64_t t_ms;
	uint64_t timed;    /* sessions in these three sums */
	uint32_t q_ms_max; /* the longest; backends only */
	uint32_t c_ms_max;
	uint32_t t_ms_max;
	uint64_t last_ns; /* CLOCK_MONOTONIC of the last session; 0: never */
	uint32_t rate;
	uint32_t rate_max;
};

/* now: CLOCK_MONOTONIC, for rates. */
void total_of_process(const struct shm *s, struct mono now, struct total_process *t);
void total_of_frontend(const struct shm *s, uint32_t fe, struct mono now, struct total_frontend *t);
void total_of_backend(const struct shm *s, uint32_t be, struct mono now, struct total_target *t);
void total_of_server(const struct shm *s, uint32_t srv, struct mono now, struct total_target *t);

/* The largest second: of the workers' maxima, and of seconds whose sums nobody may have made yet.
 * Begin with n and max 0, add for each worker, then max. Pure. */
#define TOTAL_SECONDS 16
struct total_seconds {
	uint32_t n;
	uint32_t max;
	struct {
		uint64_t sec;
		uint32_t sum;
	} v[TOTAL_SECONDS];
};
void total_seconds_add(struct total_seconds *t, const struct shm_rate *r);
uint32_t total_seconds_max(const struct total_seconds *t);

/* Events a second over the last one, as HAProxy's sliding counters: what is left of the second
 * before plus the current one. Pure. */
uint32_t total_rate(const struct shm_rate *r, struct mono now);

/*
 * Status word of a server as HAProxy writes it: UP, DOWN, "UP n/m" while it loses health, "DOWN
 * n/m" while it gains, MAINT, DRAIN, NOLB, "no check". From the values of struct shm_health; may be
 * written into word. Pure.
 */
const char *total_server_word(char word[32], uint32_t oper, uint32_t admin, bool checked,
    uint32_t counter, uint32_t rise, uint32_t fall);

/* The text of a server's last probe, with what does not print as '.'; "" while the checker writes
 * it. Returns to. */
const char *total_probe_text(const struct shm_health *h, char to[TOTAL_PROBE_TEXT]);

/* Seconds as "0d 0h00m10s". Returns to. */
const char *total_format_uptime(char to[32], uint64_t seconds);

#endif
