/* SPDX-License-Identifier: ISC */
#include "tests/lib/vrrp_sim.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/decide_text.h"
#include "tests/lib/vrrp_sim_part.h"

struct sim_seeds
sim_seeds(uint64_t n)
{
	const char *one = getenv("VIPD_SIM_SEED"), *many = getenv("VIPD_SIM_SEEDS");
	struct sim_seeds s = {.first = 1, .last = n, .one = one != NULL};

	if (many != NULL)
		s.last = strtoull(many, NULL, 10);
	if (one != NULL)
		s.first = s.last = strtoull(one, NULL, 10);
	return s;
}

uint64_t
sim_random(struct sim *s)
{
	/* xorshift64* */
	s->rng ^= s->rng >> 12;
	s->rng ^= s->rng << 25;
	s->rng ^= s->rng >> 27;
	return s->rng * 0x2545f4914f6cdd1dull >> 16;
}

void
sim_note(struct sim *s, const char *fmt, ...)
{
	va_list ap;

	if (s->trace == NULL)
		return;
	fprintf(s->trace, "%9.3f  ", (double)s->now / 1e9);
	va_start(ap, fmt);
	vfprintf(s->trace, fmt, ap);
	va_end(ap);
	fputc('\n', s->trace);
}

static void
broken(struct sim *s, unsigned i, const char *what)
{
	if (s->broken[0] != '\0')
		return;
	snprintf(
	    s->broken, sizeof(s->broken), "%.3f s, host %u: %s", (double)s->now / 1e9, i, what);
	sim_note(s, "BROKEN %s", s->broken);
}

static struct ip
addr_of(unsigned i)
{
	return ip_make4(172, 31, 0, (uint8_t)(10 + i));
}

void
sim_init(struct sim *s, unsigned n, uint64_t seed)
{
	memset(s, 0, offsetof(struct sim, ev));
	s->n_ev = 0;
	memset(&s->order, 0, sizeof(*s) - offsetof(struct sim, order));
	s->n = n;
	s->now = 1000 * SIM_S;
	s->rng = seed * 0x9e3779b97f4a7c15ull + 0x1234567;
	s->arp = -1;
	s->delay_ns = SIM_MS / 5;
	s->jitter_ns = SIM_MS / 2;
	s->lifetime_ns = 10 * SIM_S;
	s->holds = (struct band_holds_cfg){.degrade_ns = 2 * SIM_S, .rise_ns = 5 * SIM_S};
	s->garp = (struct garp_cfg){.refresh_ns = 30 * SIM_S, .trouble_ns = SIM_S};
	for (unsigned i = 0; i < n; i++) {
		s->h[i].raw = BAND_GOOD;
		s->h[i].link = true;
		s->h[i].cfg = sim_cfg_bands(s, i, 250 * SIM_MS);
	}
}

struct decide_cfg
sim_cfg_bands(const struct sim *s, unsigned host, int64_t interval_ns)
{
	struct decide_cfg c = {.mode = BAND_MODE_BANDS,
	    .preempt = DECIDE_WHEN_BETTER,
	    .version = 3,
	    .n_adverts = 3,
	    .base = (uint8_t)(100 - 4 * host),
	    .peers_vipd = true,
	    .self = addr_of(host),
	    .interval_ns = interval_ns,
	    .conflict_hold_ns = 3 * SIM_S,
	    .startup_ns = 5 * SIM_S,
	    .patience_ns = 2 * SIM_S};

	for (unsigned i = 0; i < s->n; i++)
		if (i != host)
			c.peers[c.n_peers++] =
			    (struct decide_peer){addr_of(i), (uint8_t)(100 - 4 * i)};
	return c;
}

struct decide_cfg
sim_cfg_weights(const struct sim *s, unsigned host)
{
	struct decide_cfg c = sim_cfg_bands(s, host, 2 * SIM_S);

	c.mode = BAND_MODE_WEIGHTS;
	c.preempt = DECIDE_ALWAYS;
	c.peers_vipd = false;
	c.version = 2;
	c.base = (uint8_t)(100 - host);
	for (size_t i = 0; i < c.n_peers; i++)
		c.peers[i].base = 0;
	return c;
}

/* ---- events: a heap by time, then order ------------------------------------ */

static bool
earlier(const struct sim_event *a, const struct sim_event *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

void
sim_event_push(struct sim *s, struct sim_event e)
{
	size_t i = s->n_ev;

	if (s->n_ev == SIM_EVENTS) {
		broken(s, e.to, "simulation: too many events");
		return;
	}
	e.order = s->order++;
	e.epoch = s->epoch[e.to];
	s->n_ev++;
	for (; i > 0 && earlier(&e, &s->ev[(i - 1) / 2]); i = (i - 1) / 2)
		s->ev[i] = s->ev[(i - 1) / 2];
	s->ev[i] = e;
}

static struct sim_event
event_pop(struct sim *s)
{
	struct sim_event top = s->ev[0], last = s->ev[--s->n_ev];
	size_t i = 0, k;

	while ((k = 2 * i + 1) < s->n_ev) {
		if (k + 1 < s->n_ev && earlier(&s->ev[k + 1], &s->ev[k]))
			k++;
		if (!earlier(&s->ev[k], &last))
			break;
		s->ev[i] = s->ev[k];
		i = k;
	}
	s->ev[i] = last;
	return top;
}

/* ---- network --------------------------------------------------------------- */

static bool
passes(struct sim *s, unsigned from, unsigned to, bool advert)
{
	if (s->cut[from][to] || !s->h[from].link || !s->h[from].power)
		return false;
	if (to != SIM_CLIENT && (!s->h[to].link || !s->h[to].power))
		return false;
	if (!advert && !s->loss_arp)
		return true;
	return s->loss[from][to] == 0 || sim_below(s, 1000) >= s->loss[from][to];
}

static int64_t
travel(struct sim *s)
{
	return s->delay_ns + (s->jitter_ns > 0 ? (int64_t)sim_below(s, (uint64_t)s->jitter_ns) : 0);
}

static void
send_advert(struct sim *s, unsigned i, const struct decide_action *a)
{
	for (unsigned k = 0; k < s->n; k++) {
		struct ip to = addr_of(k);

		if (k == i || (a->kind == DECIDE_DO_SEND_LAST && !ip_equal(&to, &a->ip)))
			continue;
		if (passes(s, i, k, true))
			sim_event_push(s, (struct sim_event){.at = s->now + travel(s),
					      .kind = DECIDE_IN_ADVERT,
					      .to = (uint8_t)k,
					      .from = (uint8_t)i,
					      .priority = a->priority,
					      .interval_ns = a->interval_ns});
	}
}

/* The kernels answer ARP also for a process that is paused or dead. */
static void
probe(struct sim *s, unsigned i)
{
	for (unsigned k = 0; k < s->n; k++) {
		if (k == i || !s->h[k].addr || !passes(s, i, k, false) || !passes(s, k, i, false))
			continue;
		sim_event_push(s, (struct sim_event){.at = s->now + travel(s) + travel(s),
				      .kind = DECIDE_IN_HOLDER,
				      .to = (uint8_t)i,
				      .from = (uint8_t)k});
	}
}

/* ---- a host ---------------------------------------------------------------- */

static void
sent(struct sim *s, unsigned i)
{
	struct sim_host *h = &s->h[i];
	struct decide_in in = {.kind = DECIDE_IN_SENT, .now = {s->now}, .boot = {s->now}};
	struct decide_out none;

	decide_step(&h->d, &in, &none);
	h->saved.lease = h->d.lease;
}

static void
role_changed(struct sim *s, unsigned i, const struct decide_action *a, const struct decide *was)
{
	struct sim_host *h = &s->h[i];

	if (a->role == DECIDE_MASTER && a->from == DECIDE_BACKUP) {
		h->claims++;
		s->moves++;
		if (a->why == DECIDE_WHY_BETTER && band_of_priority(was->m.priority) != BAND_DEAD) {
			h->pulls++;
			memmove(h->pulled_at + 1, h->pulled_at,
			    sizeof(h->pulled_at) - sizeof(h->pulled_at[0]));
			h->pulled_at[0] = s->now;
			if (h->cfg.mode == BAND_MODE_BANDS && h->pulled_at[DECIDE_MOVES] != 0 &&
			    s->now - h->pulled_at[DECIDE_MOVES] < DECIDE_MOVES_NS)
				broken(s, i, "I8: more than 3 voluntary moves in 10 minutes");
		}
	}
	if (a->role == DECIDE_LEAVE) {
		enum decide_input in = h->last_input;
		bool successor = in == DECIDE_IN_ADVERT && h->last_priority > 0;
		bool limit = h->d.stop && (in == DECIDE_IN_STOP || s->now >= was->resign_until.ns);
		bool forced = h->d.fault != 0 || !h->d.link;
		bool answered = in == DECIDE_IN_HOLDER && was->unsure;
		bool others = in == DECIDE_IN_PART;

		if (!successor && !limit && !forced && !answered && !others)
			broken(s, i, "I3: left without a successor");
	}
}

static void
keep_addr(struct sim *s, struct sim_host *h)
{
	int64_t need = decide_lifetime_ns(&h->cfg);
	int64_t life = s->lifetime_ns > need ? s->lifetime_ns : need;

	h->addr_until = s->now + life;
	h->refresh_at = s->now + life / 3;
}

static void
perform(struct sim *s, unsigned i, const struct decide_action *a, const struct decide *was)
{
	struct sim_host *h = &s->h[i];

	switch (a->kind) {
	case DECIDE_DO_SEND:
		if (a->priority == 0 && h->d.role != DECIDE_RESIGN && h->d.role != DECIDE_LEAVE)
			broken(s, i, "I5: priority 0 without resigning");
		send_advert(s, i, a);
		if (h->link)
			sent(s, i);
		break;
	case DECIDE_DO_SEND_LAST:
		if (h->addr)
			broken(s, i, "last advertisement before the address is gone");
		send_advert(s, i, a);
		break;
	case DECIDE_DO_ROLE:
		decide_save(&h->d, &h->saved);
		h->has_saved = true;
		group_note(&h->group, a->from, a->role, a->why, (struct mono){s->now});
		role_changed(s, i, a, was);
		break;
	case DECIDE_DO_ADD:
		h->addr = true;
		keep_addr(s, h);
		break;
	case DECIDE_DO_REMOVE:
		if (h->last_input != DECIDE_IN_START && h->last_input != DECIDE_IN_DRAINED &&
		    s->now < was->drain_until.ns)
			broken(s, i, "I9: removed before the workers let go");
		h->addr = false;
		break;
	case DECIDE_DO_ARP_START:
		garp_start(&h->garp, 1, (struct mono){s->now});
		break;
	case DECIDE_DO_ARP_SIGN:
		garp_sign(&h->garp, (struct mono){s->now});
		break;
	case DECIDE_DO_ARP_TROUBLE:
		garp_trouble(&h->garp, (struct mono){s->now}, &s->garp);
		break;
	case DECIDE_DO_ARP_STOP:
		garp_stop(&h->garp);
		break;
	case DECIDE_DO_DRAIN:
		if (!h->workers_hang)
			sim_event_push(
			    s, (struct sim_event){.at = s->now + (int64_t)sim_below(s, 20 * SIM_MS),
				   .kind = DECIDE_IN_DRAINED,
				   .to = (uint8_t)i});
		break;
	case DECIDE_DO_PROBE:
		probe(s, i);
		break;
	case DECIDE_DO_ASK_FRESH:
		if (!h->servers_hang)
			sim_event_push(
			    s, (struct sim_event){
				   .at = s->now + SIM_MS + (int64_t)sim_below(s, 150 * SIM_MS),
				   .kind = DECIDE_IN_FRESH,
				   .to = (uint8_t)i,
				   .flag = h->raw != BAND_DEAD});
		break;
	case DECIDE_DO_EXIT:
		h->process = false;
		s->epoch[i]++;
		break;
	default:
		break;
	}
}

static void
check_after(struct sim *s, unsigned i, const struct decide *was, const struct decide_in *in)
{
	const struct sim_host *h = &s->h[i];
	const struct decide *d = &h->d;

	if (h->addr && !decide_holds(d))
		broken(s, i, "I1: address without a role for it");
	if (h->addr && d->role == DECIDE_LEAVE && s->now > d->drain_until.ns)
		broken(s, i, "I2: drains for ever");
	if (h->addr && (d->role == DECIDE_MASTER || d->role == DECIDE_RESIGN) &&
	    s->now > d->lease.ns && !d->unsure)
		broken(s, i, "I2: address without a lease");
	if (d->priority == 0 || (d->priority == 255 && d->cfg.base != 255))
		broken(s, i, "I5: priority 0 or 255");
	if (was->role == DECIDE_BACKUP && d->role == DECIDE_BACKUP &&
	    d->deadline.ns < was->deadline.ns) {
		int64_t full = s->now + d->cfg.n_adverts * d->interval_ns + decide_skew_ns(d);
		bool zero = in->kind == DECIDE_IN_ADVERT && in->advert.priority == 0;
		bool pull = in->kind == DECIDE_IN_FRESH && in->fresh;

		if (!zero && !pull && d->deadline.ns < full)
			broken(s, i, "I4: the wait was shortened");
		if (zero && was->m.known && was->m.priority > 0 &&
		    !ip_equal(&was->m.addr, &in->advert.src) &&
		    s->now - was->m.heard.ns < d->cfg.n_adverts * was->interval_ns)
			broken(s, i, "I4: shortened by another than the followed master");
	}
}

static void
hash_in(struct sim *s, const void *p, size_t n)
{
	const unsigned char *b = p;

	for (size_t i = 0; i < n; i++)
		s->hash = (s->hash ^ b[i]) * 0x100000001b3ull;
}

static bool
same_out(const struct decide_out *x, const struct decide_out *y)
{
	bool same = x->n == y->n;

	for (size_t i = 0; i < x->n && same; i++) {
		const struct decide_action *a = &x->a[i], *b = &y->a[i];

		same = a->kind == b->kind && a->from == b->from && a->role == b->role &&
		       a->why == b->why && a->notify == b->notify && a->alarm == b->alarm &&
		       ip_equal(&a->ip, &b->ip) && a->priority == b->priority &&
		       a->interval_ns == b->interval_ns;
	}
	return same;
}

void
sim_step(struct sim *s, unsigned i, struct decide_in in)
{
	struct sim_host *h = &s->h[i];
	struct decide was, twin;
	struct decide_out out, again;
	char a[120], b[400];

	in.now = in.boot = (struct mono){s->now};
	memcpy(&was, &h->d, sizeof(was));
	memcpy(&twin, &h->d, sizeof(twin));
	h->last_input = in.kind;
	if (in.kind == DECIDE_IN_ADVERT)
		h->last_priority = in.advert.priority;
	decide_step(&h->d, &in, &out);
	decide_step(&twin, &in, &again);
	/* Twins began with the same bytes. NOLINTNEXTLINE(bugprone-suspicious-memory-comparison) */
	if (memcmp(&twin, &h->d, sizeof(twin)) != 0 || !same_out(&out, &again))
		broken(s, i, "I10: the same input gave another output");
	s->steps++;
	hash_in(s, &s->now, sizeof(s->now));
	hash_in(s, &h->d.role, sizeof(h->d.role));
	hash_in(s, &h->d.deadline, sizeof(h->d.deadline));
	if (s->trace != NULL && (out.n > 0 || in.kind != DECIDE_IN_TIMER))
		sim_note(s, "host %u %-8s %-26s %s", i, decide_role_text(was.role),
		    decide_in_text(&in, a, sizeof(a)), decide_out_text(&out, b, sizeof(b)));
	for (size_t k = 0; k < out.n; k++) {
		perform(s, i, &out.a[k], &was);
		if (h->kill_after > 0 && --h->kill_after == 0) {
			sim_kill_vrrp(s, i, 50 * SIM_MS);
			return;
		}
	}
	if (h->process)
		check_after(s, i, &was, &in);
}

/* The priority that goes with a band, and the band that the decision is told. */
static uint8_t
shown(const struct sim_host *h, enum band *b)
{
	bool dead = *b == BAND_DEAD;

	if (h->cfg.mode == BAND_MODE_BANDS)
		return band_priority(*b, h->cfg.base);
	if (h->weight != 0)
		*b = BAND_GOOD;
	return band_weights_priority(h->cfg.base, dead ? h->weight : 0);
}

void
sim_health_step(struct sim *s, unsigned i)
{
	struct sim_host *h = &s->h[i];
	struct mono again;
	enum band b = band_hold_step(&h->hold, h->raw, (struct mono){s->now}, &s->holds, &again);
	uint8_t p;

	h->hold_at = again.ns;
	p = shown(h, &b);
	if (b != h->d.band || p != h->d.priority)
		sim_step(s, i,
		    (struct decide_in){
			.kind = DECIDE_IN_HEALTH, .health = {.band = b, .priority = p}});
}

void
sim_process_start(struct sim *s, unsigned i, bool resumed)
{
	struct sim_host *h = &s->h[i];
	struct decide_in in = {.kind = DECIDE_IN_START};
	struct mono again;

	h->process = true;
	h->paused_until = 0;
	h->kill_after = 0;
	s->epoch[i]++;
	h->hold = (struct band_hold){0};
	h->group = (struct group_member){.d = &h->d};
	garp_stop(&h->garp);
	decide_init(&h->d, &h->cfg);
	in.start.resumed = resumed && h->has_saved;
	if (in.start.resumed)
		in.start.saved = h->saved;
	in.start.saved.holds = h->addr;
	in.start.link = h->link;
	in.start.fault = h->fault;
	in.start.band = band_hold_step(&h->hold, h->raw, (struct mono){s->now}, &s->holds, &again);
	h->hold_at = MONO_NEVER.ns;
	in.start.priority = shown(h, &in.start.band);
	h->refresh_at = s->now;
	if (!in.start.resumed)
		memset(h->pulled_at, 0, sizeof(h->pulled_at));
	sim_step(s, i, in);
	sim_event_push(
	    s, (struct sim_event){
		   .at = s->now + 300 * SIM_MS, .kind = DECIDE_IN_READY, .to = (uint8_t)i});
}

/* ---- what a client sees ---------------------------------------------------- */

static bool
serves(const struct sim *s, unsigned i)
{
	return s->h[i].power && s->h[i].link && s->h[i].addr && !s->cut[i][SIM_CLIENT] &&
	       !s->cut[SIM_CLIENT][i];
}

static int64_t
longest(int64_t *now, int64_t *max, bool on, int64_t dt)
{
	*now = on ? *now + dt : 0;
	if (*now > *max)
		*max = *now;
	return on ? dt : 0;
}

static void
account(struct sim *s, int64_t to)
{
	int64_t dt = to - s->now;
	unsigned holders = 0;

	for (unsigned i = 0; i < s->n; i++)
		holders += serves(s, i);
	s->outage_ns += longest(&s->outage_now_ns, &s->outage_longest_ns,
	    s->arp < 0 || !serves(s, (unsigned)s->arp), dt);
	s->double_ns += longest(&s->double_now_ns, &s->double_longest_ns, holders > 1, dt);
	s->now = to;
}

void
sim_count_reset(struct sim *s)
{
	s->outage_ns = s->outage_longest_ns = s->outage_now_ns = 0;
	s->double_ns = s->double_longest_ns = s->double_now_ns = 0;
	s->moves = 0;
}

/* ---- running --------------------------------------------------------------- */

bool
sim_awake(const struct sim *s, unsigned i)
{
	return s->h[i].process && s->h[i].paused_until == 0;
}

static int64_t
host_next(const struct sim *s, unsigned i)
{
	const struct sim_host *h = &s->h[i];
	int64_t t = INT64_MAX;

	if (!h->power)
		return t;
	if (h->addr && h->addr_until < t)
		t = h->addr_until;
	if (!h->process)
		return t;
	if (h->paused_until != 0)
		return h->paused_until < t ? h->paused_until : t;
	t = mono_min((struct mono){t}, decide_next(&h->d)).ns;
	t = mono_min((struct mono){t}, garp_next(&h->garp, &h->rate)).ns;
	if (h->hold_at < t)
		t = h->hold_at;
	if (h->addr && h->refresh_at < t)
		t = h->refresh_at;
	return t;
}

static void
host_arp(struct sim *s, unsigned i)
{
	const struct garp_cfg *cfg[] = {&s->garp};
	struct sim_host *h = &s->h[i];
	struct garp *g = &h->garp;
	size_t which;

	while (garp_step(&g, 1, &h->rate, (struct mono){s->now}, cfg, &which) >= 0) {
		if (!h->addr)
			broken(s, i, "announces an address that it does not have");
		if (passes(s, i, SIM_CLIENT, false))
			s->arp = (int)i;
		for (unsigned k = 0; k < s->n; k++) /* seen by the others' ARP sockets */
			if (k != i && passes(s, i, k, false))
				sim_event_push(s, (struct sim_event){.at = s->now + travel(s),
						      .kind = DECIDE_IN_HOLDER,
						      .to = (uint8_t)k,
						      .from = (uint8_t)i});
	}
}

/* What happened meanwhile. The packets of that time lie in the heap and come next, before timers.
 */
static void
wake(struct sim *s, unsigned i)
{
	struct sim_host *h = &s->h[i];

	if (h->d.link != h->link)
		sim_step(s, i, (struct decide_in){.kind = DECIDE_IN_LINK, .link = h->link});
	if (h->d.fault != h->fault)
		sim_step(s, i, (struct decide_in){.kind = DECIDE_IN_FAULT, .fault = h->fault});
	if (h->process)
		sim_health_step(s, i);
}

/* What is due at s->now: the address' lifetime, waking, holds, timer, ARP. */
static void
host_due(struct sim *s, unsigned i)
{
	struct sim_host *h = &s->h[i];

	if (h->addr && h->addr_until <= s->now) {
		sim_note(s, "host %u: the kernel removes the address", i);
		h->addr = false;
	}
	if (!h->process)
		return;
	if (h->paused_until != 0) {
		if (h->paused_until > s->now)
			return;
		sim_note(s, "host %u wakes", i);
		h->paused_until = 0;
		wake(s, i);
		return;
	}
	if (h->addr && h->refresh_at <= s->now)
		keep_addr(s, h);
	if (h->hold_at <= s->now)
		sim_health_step(s, i);
	if (h->process && decide_next(&h->d).ns <= s->now)
		sim_step(s, i, (struct decide_in){.kind = DECIDE_IN_TIMER});
	if (h->process)
		host_arp(s, i);
}

static void
deliver(struct sim *s, struct sim_event e)
{
	struct decide_in in = {.kind = e.kind};

	if (e.kind == DECIDE_IN_START) { /* the master process starts a new one */
		if (e.epoch == s->epoch[e.to] && s->h[e.to].power && !s->h[e.to].process)
			sim_process_start(s, e.to, true);
		return;
	}
	if (!s->h[e.to].power || !s->h[e.to].process || e.epoch != s->epoch[e.to])
		return;
	if (s->h[e.to].paused_until != 0) { /* waits in the socket */
		e.at = s->h[e.to].paused_until;
		sim_event_push(s, e);
		return;
	}
	switch (e.kind) {
	case DECIDE_IN_ADVERT:
		in.advert.src = addr_of(e.from);
		in.advert.priority = e.priority;
		in.advert.interval_ns = e.interval_ns;
		break;
	case DECIDE_IN_HOLDER:
		in.holder = addr_of(e.from);
		break;
	case DECIDE_IN_FRESH:
		in.fresh = e.flag;
		break;
	default:
		break;
	}
	sim_step(s, e.to, in);
}

void
sim_run(struct sim *s, int64_t until)
{
	while (s->broken[0] == '\0') {
		int64_t t = s->n_ev > 0 ? s->ev[0].at : INT64_MAX, ht = INT64_MAX;
		unsigned who = 0;

		for (unsigned i = 0; i < s->n; i++) {
			int64_t n = host_next(s, i);

			if (n < ht) {
				ht = n;
				who = i;
			}
		}
		/* A waking host reads its queue before its timers; so packets first at equal
		 * times, but waking before packets. */
		if (ht < t || (ht == t && s->h[who].paused_until != 0)) {
			if (ht > until)
				break;
			if (ht > s->now)
				account(s, ht);
			host_due(s, who);
			continue;
		}
		if (t > until)
			break;
		if (t > s->now)
			account(s, t);
		deliver(s, event_pop(s));
	}
	if (s->broken[0] == '\0' && until > s->now)
		account(s, until);
}
