/* SPDX-License-Identifier: ISC */
/* What the files of the decision share. Private to decide*.c. */
#ifndef VRRP_DECIDE_PART_H
#define VRRP_DECIDE_PART_H

#include "vrrp/decide.h"

#define MS 1000000LL
#define S  1000000000LL

#define DRAIN_NS       (200 * MS) /* longest wait for the workers (rule 2) */
#define SETTLE_NS      (50 * MS)  /* between a successor's advertisement and DRAIN */
#define UNSURE_NS      (20 * MS)  /* wait for an answer to a probe of the address */
#define FRESH_NS       (200 * MS) /* longest wait for a fresh probe of a server (rule 1) */
#define WATCH_NS       (1 * S)    /* a master probes its own addresses (rule 7) */
#define BACKOFF_CAP_NS (3 * S)    /* rule 6 */
#define BACKOFF_ONE_NS (60 * S)   /* halved each minute */
#define RESIGN_MORE_NS (1 * S)    /* rule 2: 3 intervals + 1 s */
#define RELEASE_NS     (60 * S)   /* rule 15 */
#define LAST_NS        (100 * MS) /* first repetition of the last advertisement, then doubled */
#define LAST_REPEATS   4
#define ANSWER_GAP_NS  (10 * MS) /* answers to other masters at most this often */

struct ctx {
	struct decide *d;
	const struct decide_in *in;
	struct decide_out *out;
};

/* ---- decide_part.c ---- */

void part_alarm_on(struct ctx *c, enum decide_alarm what, struct ip who);
void part_become_master(struct ctx *c, enum decide_reason why, bool notify);
void part_claim(struct ctx *c, enum decide_reason why);
int64_t part_claim_ns(const struct decide *d);
void part_claim_was_false(struct ctx *c, struct ip who);
int part_cmp_claim(uint8_t pa, const struct ip *a, uint8_t pb, const struct ip *b);
struct decide_action *part_emit(struct ctx *c, enum decide_do kind);
void part_enter_backup(struct ctx *c, enum decide_reason why, bool notify);
void part_enter_fault(struct ctx *c, bool notify);
void part_follow(struct ctx *c);
bool part_fresh_master(const struct decide *d, struct mono now);
void part_drain(struct ctx *c);
void part_leave(struct ctx *c, enum decide_reason why, struct ip winner);
void part_leave_done(struct ctx *c);
void part_leave_to_sender(struct ctx *c, enum decide_reason why);
int64_t part_min64(int64_t a, int64_t b);
void part_move_count(struct decide *d, struct mono now);
bool part_move_limited(const struct decide *d, struct mono now);
void part_note_stop(struct ctx *c);
int64_t part_pace_ns(const struct decide *d);
int64_t part_rank(const struct decide *d);
void part_report(struct ctx *c, struct ip who);
void part_resign(struct ctx *c, enum decide_reason why, int64_t limit_ns);
int64_t part_resign_ns(const struct decide *d);
void part_send_advert(struct ctx *c, uint8_t priority);
void part_send_last(struct ctx *c);
void part_sent(struct ctx *c);
void part_set_role(struct ctx *c, enum decide_role role, enum decide_reason why, bool notify);
void part_stop_now(struct ctx *c);
void part_take_config(struct ctx *c);
void part_take_fault(struct ctx *c);
void part_take_health(struct ctx *c);
void part_take_link(struct ctx *c);
void part_wait_full(struct ctx *c);

/* ---- decide_start.c ---- */

void part_begin(struct ctx *c);
void part_fault_fault(struct ctx *c);
void part_fault_link(struct ctx *c);
void part_init_advert(struct ctx *c);
void part_init_timer(struct ctx *c);
void part_start(struct ctx *c);

/* ---- decide_backup.c ---- */

void part_backup_advert(struct ctx *c);
void part_backup_fault(struct ctx *c);
void part_backup_fresh(struct ctx *c);
void part_backup_health(struct ctx *c);
void part_backup_holder(struct ctx *c);
void part_backup_link(struct ctx *c);
void part_backup_timer(struct ctx *c);
bool part_better(const struct decide *d, uint8_t priority, struct mono now);

/* ---- decide_group.c ---- */

void part_backup_alive(struct ctx *c);
void part_backup_join(struct ctx *c);
void part_master_part(struct ctx *c);

/* ---- decide_master.c ---- */

void part_holder_fault(struct ctx *c);
void part_leave_drained(struct ctx *c);
void part_leave_advert(struct ctx *c);
void part_leave_timer(struct ctx *c);
void part_master_advert(struct ctx *c);
void part_master_config(struct ctx *c);
void part_master_health(struct ctx *c);
void part_master_holder(struct ctx *c);
void part_master_lease(struct ctx *c);
void part_master_link(struct ctx *c);
void part_master_release(struct ctx *c);
void part_master_stop(struct ctx *c);
void part_master_timer(struct ctx *c);
void part_resign_advert(struct ctx *c);
void part_resign_lease(struct ctx *c);
void part_resign_link(struct ctx *c);
void part_resign_stop(struct ctx *c);
void part_resign_timer(struct ctx *c);

#endif
