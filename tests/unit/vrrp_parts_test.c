/* SPDX-License-Identifier: ISC */
/* The vrrp process' pure parts: socket filter, ARP and ND frames, scripts' counters, plans. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "conf/conf.h"
#include "shm/check_status.h"
#include "shm/child.h"
#include "tests/lib/fixture.h"
#include "vrrp/arp.h"
#include "vrrp/plan.h"
#include "vrrp/sock.h"
#include "vrrp/track.h"

/* ---- socket filter --------------------------------------------------------- */

/* Classic BPF as far as the filters use it. net: the IP header; data: what the socket sees. */
static uint32_t
run_filter(
    const struct sock_filter *f, size_t n, const uint8_t *net, const uint8_t *data, size_t len)
{
	uint32_t a = 0, x = 0;

	for (size_t pc = 0; pc < n; pc++) {
		uint32_t k = f[pc].k;
		const uint8_t *at = k >= (uint32_t)SKF_NET_OFF && k < (uint32_t)SKF_NET_OFF + 4096
					? net + (k - (uint32_t)SKF_NET_OFF)
					: data + k;

		switch (f[pc].code) {
		case BPF_LD | BPF_W | BPF_ABS:
			a = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 |
			    at[3];
			break;
		case BPF_LD | BPF_H | BPF_ABS:
			a = (uint32_t)at[0] << 8 | at[1];
			break;
		case BPF_LD | BPF_B | BPF_IND:
			if (x + k >= len)
				return 0;
			a = data[x + k];
			break;
		case BPF_LDX | BPF_B | BPF_MSH:
			x = 4 * (data[k] & 0xfu);
			break;
		case BPF_LDX | BPF_W | BPF_IMM:
			x = k;
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= k;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			pc += a == k ? f[pc].jt : f[pc].jf;
			break;
		case BPF_JMP | BPF_JSET | BPF_K:
			pc += a & k ? f[pc].jt : f[pc].jf;
			break;
		case BPF_RET | BPF_K:
			return k;
		default:
			fail_msg("instruction %x", f[pc].code);
		}
	}
	fail_msg("fell off the end");
	return 0;
}

/* IPv4, VRID 51, from 172.31.0.10. */
static void
make4(uint8_t b[40], uint8_t vrid, uint8_t last)
{
	memset(b, 0, 40);
	b[0] = 0x45;
	b[9] = 112;
	b[12] = 172;
	b[13] = 31;
	b[15] = last;
	b[20] = 0x21;
	b[21] = vrid;
}

static void
filters_v4(void **state)
{
	struct ip peers[2] = {ip_make4(172, 31, 0, 11), ip_make4(172, 31, 0, 12)};
	static const uint8_t others[] = {7, 52};
	struct sock_want w = {.family = AF_INET,
	    .others = others,
	    .n_others = 2,
	    .vrid = 51,
	    .own = ip_make4(172, 31, 0, 10),
	    .sources = peers,
	    .n_sources = 2};
	struct sock_filter f[SOCK_FILTER_MAX];
	uint8_t b[40];

	(void)state;
	for (int strangers = 0; strangers < 2; strangers++) {
		size_t n;

		w.strangers = strangers;
		n = sock_filter_build(&w, f);
		make4(b, 51, 11);
		assert_int_equal(run_filter(f, n, b, b, 40) != 0, !strangers);
		make4(b, 51, 12);
		assert_int_equal(run_filter(f, n, b, b, 40) != 0, !strangers);
		make4(b, 51, 13);
		assert_int_equal(run_filter(f, n, b, b, 40) != 0, strangers);
		make4(b, 51, 10); /* own */
		assert_int_equal(run_filter(f, n, b, b, 40), 0);
		for (int i = 0; i < 2; i++) { /* another router of this host */
			make4(b, others[i], strangers ? 13 : 11);
			assert_int_equal(run_filter(f, n, b, b, 40), 0);
		}
		/* Nobody's here: of a peer it is to be counted, of others it is none of ours. */
		make4(b, 53, 11);
		assert_int_equal(run_filter(f, n, b, b, 40) != 0, !strangers);
		make4(b, 53, 13);
		assert_int_equal(run_filter(f, n, b, b, 40), 0);
		make4(b, 51, strangers ? 13 : 11);
		b[20] = 0x22; /* not an advertisement: to be counted too */
		assert_int_not_equal(run_filter(f, n, b, b, 40), 0);
		make4(b, 51, strangers ? 13 : 11);
		b[6] = 0x20; /* fragment */
		assert_int_equal(run_filter(f, n, b, b, 40), 0);
		b[6] = 0x40; /* do not fragment: fine */
		assert_int_not_equal(run_filter(f, n, b, b, 40), 0);
		b[0] = 0x46; /* options: the message is elsewhere */
		assert_int_equal(run_filter(f, n, b, b, 40) != 0, !strangers);
	}
	/* multicast: anybody */
	w.strangers = false;
	w.n_sources = 0;
	make4(b, 51, 77);
	assert_int_not_equal(run_filter(f, sock_filter_build(&w, f), b, b, 40), 0);
	make4(b, 53, 77);
	assert_int_equal(run_filter(f, sock_filter_build(&w, f), b, b, 40), 0);
}

static void
filters_v6(void **state)
{
	struct ip peers[32];
	uint8_t others[SOCK_OTHERS_MAX];
	struct sock_want w = {.family = AF_INET6,
	    .vrid = 51,
	    .sources = peers,
	    .n_sources = 32,
	    .others = others,
	    .n_others = SOCK_OTHERS_MAX};
	struct sock_filter f[SOCK_FILTER_MAX];
	uint8_t net[48] = {0x60};
	size_t n;

	(void)state;
	for (int i = 0; i < 32; i++)
		peers[i] = (struct ip){AF_INET6, {0xfe, 0x80, [15] = (uint8_t)(i + 1)}};
	for (int i = 0; i < SOCK_OTHERS_MAX; i++)
		others[i] = (uint8_t)(100 + i);
	w.own = (struct ip){AF_INET6, {0xfe, 0x80, [15] = 99}};
	n = sock_filter_build(&w, f);
	assert_in_range(n, 300, SOCK_FILTER_MAX);
	net[40] = 0x31;
	net[41] = 51;
	for (int i = 0; i < 40; i++) {
		memset(net + 8, 0, 16);
		net[8] = 0xfe;
		net[9] = 0x80;
		net[23] = (uint8_t)(i + 1);
		assert_int_equal(run_filter(f, n, net, net + 40, 8) != 0, i < 32);
	}
	net[23] = 5;
	for (int vrid = 0; vrid < 256; vrid++) {
		net[41] = (uint8_t)vrid;
		assert_int_equal(run_filter(f, n, net, net + 40, 8) != 0,
		    vrid < 100 || vrid >= 100 + SOCK_OTHERS_MAX);
	}
	net[41] = 51;
	net[12] = 1; /* differs in the second word */
	assert_int_equal(run_filter(f, n, net, net + 40, 8), 0);
}

/* ---- ARP, ND --------------------------------------------------------------- */

static const uint8_t mac[6] = {2, 0, 0, 0, 0, 0x51};

static void
arp_frames(void **state)
{
	/* As captured from keepalived: a request, sender = target, target MAC all ones. */
	static const uint8_t announce[ARP_BYTES] = {0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 0x51,
	    172, 31, 0, 100, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 172, 31, 0, 100};
	struct ip vip = ip_make4(172, 31, 0, 100);
	struct arp_seen s;
	uint8_t b[ARP_BYTES];

	(void)state;
	arp_build_announce(b, mac, &vip);
	assert_memory_equal(b, announce, ARP_BYTES);
	assert_true(arp_parse(AF_INET, b, sizeof(b), &s));
	assert_true(ip_equal(&s.ip, &vip));
	assert_memory_equal(s.mac, mac, 6);
	arp_build_probe(b, mac, NULL, &vip);
	assert_false(arp_parse(AF_INET, b, sizeof(b), &s)); /* a question is no answer */
	assert_int_equal(b[14] | b[15] | b[16] | b[17], 0);
	b[7] = 2;
	memcpy(b + 14, vip.b, 4);
	assert_true(arp_parse(AF_INET, b, sizeof(b), &s));
	for (size_t len = 0; len < ARP_BYTES; len++)
		assert_false(arp_parse(AF_INET, b, len, &s));
}

static uint16_t
sum_of(const uint8_t *b, size_t len)
{
	uint32_t sum = 58 + (uint32_t)(len - 40);

	for (size_t i = 8; i < len; i += 2)
		sum += (uint32_t)b[i] << 8 | b[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void
nd_frames(void **state)
{
	struct ip vip = {AF_INET6, {0x20, 0x01, 0x0d, 0xb8, [13] = 0xaa, [14] = 0xbb, [15] = 0xcc}};
	struct arp_seen s;
	uint8_t b[ND_BYTES];
	size_t n = arp_build_na(b, mac, &vip);

	(void)state;
	assert_int_equal(n, ND_BYTES);
	assert_int_equal(sum_of(b, n), 0xffff);
	assert_true(arp_parse(AF_INET6, b, n, &s));
	assert_true(ip_equal(&s.ip, &vip));
	assert_memory_equal(s.mac, mac, 6);
	assert_int_equal(b[44], 0x20);
	b[7] = 254; /* forwarded: not to be believed (RFC 4861 7.1.2) */
	assert_false(arp_parse(AF_INET6, b, n, &s));
	n = arp_build_ns(b, &vip);
	assert_int_equal(sum_of(b, n), 0xffff);
	assert_false(arp_parse(AF_INET6, b, n, &s));
	assert_int_equal(b[36], 0xff); /* solicited node of ...aa:bbcc */
	assert_int_equal(b[37], 0xaa);
	assert_int_equal(b[39], 0xcc);
}

/* ---- scripts (semantics D.9) ----------------------------------------------- */

/* What a respawn finds of a script. */
static void
scripts_in_a_word(void **state)
{
	struct track_script s = {.known = true, .good = true, .counter = 4711}, t = {0};
	uint64_t w = track_script_pack(&s, "chk");

	(void)state;
	assert_true(track_script_unpack(&t, w, "chk"));
	assert_true(t.known && t.good);
	assert_int_equal(t.counter, 4711);
	assert_false(track_script_unpack(&t, w, "other"));
	s.good = false;
	s.counter = 0;
	assert_true(track_script_unpack(&t, track_script_pack(&s, "chk"), "chk"));
	assert_true(t.known && !t.good && t.counter == 0);
	/* One that has not run is not told from none. */
	s = (struct track_script){0};
	assert_int_equal(track_script_pack(&s, "chk"), 0);
	assert_false(track_script_unpack(&t, 0, "chk"));
}

static void
scripts(void **state)
{
	struct track_script s = {0};

	(void)state;
	track_script_step(&s, true, 2, 3); /* one success is enough at the start */
	assert_true(s.good);
	track_script_step(&s, false, 2, 3);
	track_script_step(&s, false, 2, 3);
	assert_true(s.good);
	track_script_step(&s, true, 2, 3); /* falls must be in a row */
	track_script_step(&s, false, 2, 3);
	track_script_step(&s, false, 2, 3);
	assert_true(s.good);
	track_script_step(&s, false, 2, 3);
	assert_false(s.good);
	track_script_step(&s, true, 2, 3);
	assert_false(s.good);
	track_script_step(&s, false, 2, 3);
	track_script_step(&s, true, 2, 3);
	assert_false(s.good);
	track_script_step(&s, true, 2, 3);
	assert_true(s.good);
	s = (struct track_script){0};
	track_script_step(&s, false, 1, 1);
	assert_false(s.good);
	track_script_step(&s, true, 1, 1);
	assert_true(s.good);
	track_script_step(&s, false, 1, 1);
	assert_false(s.good);
	/* init_fail: known and bad from the start */
	s = (struct track_script){.known = true};
	track_script_step(&s, true, 2, 1);
	assert_false(s.good);
	track_script_step(&s, true, 2, 1);
	assert_true(s.good);
}

/* ---- shared memory --------------------------------------------------------- */

static bool iface_up;

static bool
iface_is(void *ctx, const char *name)
{
	(void)ctx;
	(void)name;
	return iface_up;
}

/* A segment in which worker 0 lives and the checker has just looked; "be" has s1 .. s3. */
static void
alive(struct shm *seg)
{
	fixture_make(seg);
	sw64_set(&seg->own_master->live[0], 1);
	sw64_set(&seg->own_master->absent[0], 0);
	sw64_set(&fixture_checker(seg)->beat_ns, (uint64_t)FIXTURE_NOW.ns);
	for (uint32_t be = 0; be < 2; be++)
		sw32_set(&fixture_sched(seg, be)->epoch, sw32_get(&shm_be_dir(seg, be)->epoch));
}

static void
servers(const struct shm *seg, uint32_t usable, uint32_t total)
{
	struct shm_sched *s = fixture_sched(seg, child_find_backend(seg, "be", 0));

	sw32_set(&s->usable, usable);
	sw32_set(&s->total, total);
	sw32_set(&s->weight_up, usable * 10);
	sw32_set(&s->weight_all, total * 10);
}

static void
health_to_band(void **state)
{
	struct plan_track t[2] = {{.kind = CONF_TRACK_BACKEND, .name = "be"},
	    {.kind = CONF_TRACK_INTERFACE, .name = "eth1"}};
	struct plan p = {.n_tracks = 1, .tracks = t};
	struct track_state st[2] = {{.at = {0}}};
	struct mono now = FIXTURE_NOW;
	struct track_view v;
	struct shm seg;

	(void)state;
	alive(&seg);
#define LOOK() track_look(&v, &seg, &p, st, track_workers(&seg), now, iface_is, NULL)
	servers(&seg, 3, 3);
	LOOK();
	assert_int_equal(v.band, BAND_GOOD);
	servers(&seg, 2, 3);
	LOOK();
	assert_int_equal(v.band, BAND_DEGRADED);
	servers(&seg, 0, 3);
	LOOK();
	assert_int_equal(v.band, BAND_DEAD);
	/* the checker is silent: not known, so neither good nor dead */
	now = mono_add_ns(now, TRACK_STALE_NS + 1);
	LOOK();
	assert_int_equal(v.band, BAND_DEGRADED);
	servers(&seg, 3, 3);
	LOOK();
	assert_int_equal(v.band, BAND_DEGRADED);
	now = FIXTURE_NOW;
	/* a worker that is absent, then none: nothing can be served */
	sw64_set(&seg.own_master->absent[0], 1);
	LOOK();
	assert_int_equal(v.band, BAND_DEAD);
	sw64_set(&seg.own_master->absent[0], 0);
	/* processes that die again and again count for whom it is asked, not for others */
	servers(&seg, 3, 3);
	sw32_set(&seg.own_master->degraded, 1);
	LOOK();
	assert_int_equal(v.band, BAND_GOOD);
	p.n_tracks = 2;
	t[1].kind = CONF_TRACK_WORKERS;
	LOOK();
	assert_int_equal(v.band, BAND_DEGRADED);
	assert_non_null(strstr(v.why, "die again and again"));
	t[1].weight = -30;
	LOOK();
	assert_int_equal(v.band, BAND_GOOD);
	assert_int_equal(v.sum, -30);
	t[1].weight = 0;
	t[1].kind = CONF_TRACK_INTERFACE;
	sw32_set(&seg.own_master->degraded, 0);
	/* an interface without weight is a fault, with one it counts */
	p.n_tracks = 2;
	LOOK();
	assert_true(v.fault);
	iface_up = true;
	LOOK();
	assert_false(v.fault);
	t[1].weight = 20;
	LOOK();
	assert_int_equal(v.sum, 20);
	iface_up = false;
	LOOK();
	assert_int_equal(v.sum, 0);
	/* weights: a dead backend counts by its weight, not by its band */
	p.decide.mode = BAND_MODE_WEIGHTS;
	t[0].weight = -5;
	servers(&seg, 0, 3);
	LOOK();
	assert_int_equal(v.band, BAND_GOOD);
	assert_int_equal(v.sum, -5);
	servers(&seg, 1, 3);
	LOOK();
	assert_int_equal(v.sum, 0);
#undef LOOK
	shm_detach(&seg);
}

/* A server that failed its last probe but is not down yet proves nothing. */
static void
fresh_probes(void **state)
{
	struct plan_track t = {.kind = CONF_TRACK_BACKEND, .name = "be"};
	struct plan p = {.n_tracks = 1, .tracks = &t}, none = {.n_tracks = 0};
	struct mono now = FIXTURE_NOW;
	struct shm_health *h;
	struct shm seg;
	uint32_t n;

	(void)state;
	alive(&seg);
	n = sw32_get(&seg.master->n_servers);
	for (uint32_t i = 0; i < n; i++) {
		h = fixture_health(&seg, i);
		sw32_set(&h->usable, 1);
		sw32_set(&h->checked, 1);
		sw64_set(&h->last_probe_ns, (uint64_t)now.ns - 1000000);
		sw32_set(&h->status, CHECK_L4OK);
	}
	assert_false(track_fresh(&seg, &p, now));
	h = fixture_health(&seg, 1);
	sw64_set(&h->last_probe_ns, (uint64_t)now.ns);
	assert_true(track_fresh(&seg, &p, now));
	sw32_set(&h->status, CHECK_L4TOUT);
	assert_false(track_fresh(&seg, &p, now));
	sw32_set(&h->status, CHECK_L7OK);
	sw32_set(&h->usable, 0);
	assert_false(track_fresh(&seg, &p, now));
	sw32_set(&h->usable, 1);
	sw32_set(&h->checked, 0);
	sw32_set(&h->status, CHECK_UNK);
	assert_true(track_fresh(&seg, &p, now));
	assert_true(track_fresh(&seg, &none, now));
	shm_detach(&seg);
}

/* ---- keys of HMAC ---------------------------------------------------------- */

static void
key_files(void **state)
{
	static const struct {
		const char *text, *wrong; /* NULL: fine */
	} rows[] = {
	    {"1 000102030405060708090a0b0c0d0e0f\n", NULL},
	    {"# new one\n\n1 000102030405060708090a0b0c0d0e0f # old\n 2\t"
	     "FFEEDDCCBBAA99887766554433221100",
		NULL},
	    {"", "no key"},
	    {"# 1 00\n", "no key"},
	    {"0 000102030405060708090a0b0c0d0e0f", "line 1 begins"},
	    {"256 000102030405060708090a0b0c0d0e0f", "line 1 begins"},
	    {"x", "line 1 begins"},
	    {"1000102030405060708090a0b0c0d0e0f", "line 1 begins"},
	    {"1 0001", "less than 32"},
	    {"1 000102030405060708090a0b0c0d0e0f0", "not pairs"},
	    {"1 000102030405060708090a0b0c0d0e0g", "not pairs"},
	    {"1 000102030405060708090a0b0c0d0e0f\n1 000102030405060708090a0b0c0d0e0f",
		"line 2 has"},
	};
	struct keys k;
	char wrong[200], many[9 * 50] = "";

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int r = keys_parse(&k, rows[i].text, strlen(rows[i].text), wrong, sizeof(wrong));

		assert_int_equal(r, rows[i].wrong == NULL ? 0 : -1);
		if (rows[i].wrong != NULL)
			assert_non_null(strstr(wrong, rows[i].wrong));
	}
	keys_parse(&k, rows[1].text, strlen(rows[1].text), wrong, sizeof(wrong));
	assert_int_equal(k.n, 2);
	assert_int_equal(keys_find(&k, 2)->key[0], 0xff);
	assert_int_equal(keys_find(&k, 2)->len, 16);
	assert_null(keys_find(&k, 3));
	for (unsigned id = 1; id <= 3; id++) {
		int r = keys_take(
		    &k, (uint8_t)id, rows[1].text, strlen(rows[1].text), wrong, sizeof(wrong));

		assert_int_equal(r, id < 3 ? 0 : -1);
	}
	assert_non_null(strstr(wrong, "no key 3"));
	assert_int_equal(k.v[1].key[0], 0); /* wiped */
	for (int i = 1; i <= KEYS_MAX + 1; i++)
		sprintf(many + strlen(many), "%d 000102030405060708090a0b0c0d0e0f\n", i);
	assert_int_equal(keys_parse(&k, many, strlen(many), wrong, sizeof(wrong)), -1);
	assert_non_null(strstr(wrong, "line 9"));
}

/* ---- plans ----------------------------------------------------------------- */

static struct conf *
conf_of(const char *vrrp, const char *member)
{
	struct conf_host host = {.member = member};
	struct conf_msgs msgs = {0};
	char path[] = "/tmp/vipd-plan-XXXXXX";
	int fd = mkstemp(path);
	FILE *f = fdopen(fd, "w");
	struct conf *c;

	assert_non_null(f);
	fprintf(f,
	    "frontends = { f = { bind = \"127.0.0.1:1\"; default_backend = \"b\"; }; };\n"
	    "backends = { b = { check = { type = \"tcp\"; inter = \"3s\"; };"
	    " servers = { s = \"127.0.0.1:2\"; }; }; };\n"
	    "vrrp = { %s };\n",
	    vrrp);
	fclose(f);
	c = conf_read_file(path, &host, &msgs);
	if (c == NULL)
		conf_msgs_print(&msgs, stderr);
	conf_msgs_free(&msgs);
	remove(path);
	assert_non_null(c);
	return c;
}

#define MEMBERS                                                             \
	"members = { ha1 = { address = \"172.31.0.10\"; priority = 100; };" \
	" ha2 = { address = \"172.31.0.11\"; priority = 96; }; };"

static void
plan_of_members(void **state)
{
	char reason[200] = "";
	struct conf *c = conf_of(MEMBERS "instances = { VI_1 = { virtual_router_id = 51;"
					 " virtual_ipaddress = \"172.31.0.100\";"
					 " track = { backend = \"b\"; }; }; };",
	    "ha2");
	struct plan *p = plan_new(c, &c->vrrp.routers[0], reason, sizeof(reason));
	struct ip ha1 = ip_make4(172, 31, 0, 10), vip = ip_make4(172, 31, 0, 100);

	(void)state;
	assert_non_null(p);
	assert_int_equal(p->version, 3);
	assert_true(p->unicast);
	assert_int_equal(p->decide.mode, BAND_MODE_BANDS);
	assert_int_equal(p->decide.preempt, DECIDE_WHEN_BETTER);
	assert_int_equal(p->decide.base, 96);
	assert_true(p->decide.peers_vipd);
	assert_int_equal(p->decide.interval_ns, 250000000);
	assert_int_equal(p->n_peers, 1);
	assert_int_equal(p->decide.peers[0].base, 100);
	assert_non_null(plan_peer(p, &ha1));
	assert_null(plan_peer(p, &vip));
	assert_int_equal(p->n_adverts, 1);
	assert_true(ip_equal(&p->adverts[0], &vip));
	assert_int_equal(p->addrs[0].prefix, 32);
	assert_int_equal(p->lifetime_s, 10);
	assert_int_equal(p->holds.degrade_ns, 6000000000); /* 2 x inter */
	assert_int_equal(p->holds.rise_ns, 5000000000);
	plan_free(p);
	conf_free(c);
}

/* The tutorial's ha1, in explicit keys. */
static void
plan_of_the_tutorial(void **state)
{
	char reason[200] = "";
	struct conf *c = conf_of(
	    "instances = { VI_1 = { state = \"MASTER\"; interface = \"ens33\"; version = 2;"
	    " mcast_src_ip = \"172.31.0.10\"; virtual_router_id = 51; priority = 100;"
	    " advert_int = \"2s\"; authentication = { auth_type = \"PASS\"; auth_pass = "
	    "\"K8SHA_KA\"; };"
	    " virtual_ipaddress = \"172.31.0.100\"; unicast_src_ip = \"172.31.0.10\";"
	    " unicast_peer = \"172.31.0.11\"; track = { backend = \"b\"; weight = -5; }; }; };",
	    NULL);
	struct plan *p = plan_new(c, &c->vrrp.routers[0], reason, sizeof(reason));

	(void)state;
	assert_non_null(p);
	assert_int_equal(p->version, 2);
	assert_int_equal(p->auth_type, PACKET_AUTH_PASS);
	assert_memory_equal(p->auth, "K8SHA_KA", 8);
	assert_int_equal(p->decide.mode, BAND_MODE_WEIGHTS);
	assert_int_equal(p->decide.preempt, DECIDE_ALWAYS);
	assert_false(p->decide.peers_vipd);
	assert_int_equal(p->decide.interval_ns, 2000000000);
	assert_string_equal(p->ifname, "ens33");
	/* outlasts 7 s of resigning and a lease of 6 s when two thirds are left */
	assert_int_equal(p->lifetime_s, 20);
	plan_free(p);
	conf_free(c);
}

/* RFC 9568: the first address of an IPv6 router is link-local; added if missing. */
static void
plan_of_ipv6(void **state)
{
	char reason[200] = "";
	struct conf *c =
	    conf_of("instances = { VI_6 = { interface = \"eth0\"; virtual_router_id = 0x21;"
		    " virtual_ipaddress = [ \"2001:db8::100/64\", \"fe80::100/64\" ]; };"
		    " VI_7 = { interface = \"eth0\"; virtual_router_id = 34;"
		    " virtual_ipaddress = \"2001:db8::200\"; }; };",
		NULL);
	struct plan *p = plan_new(c, &c->vrrp.routers[0], reason, sizeof(reason));

	(void)state;
	assert_non_null(p);
	assert_int_equal(p->family, AF_INET6);
	assert_int_equal(p->n_adverts, 2);
	assert_true(ip_is_linklocal6(&p->adverts[0]));
	assert_false(ip_is_linklocal6(&p->adverts[1]));
	plan_free(p);
	p = plan_new(c, &c->vrrp.routers[1], reason, sizeof(reason));
	assert_non_null(p);
	assert_int_equal(p->n_addrs, 2);
	assert_true(ip_is_linklocal6(&p->adverts[0]));
	assert_int_equal(p->adverts[0].b[15], 34);
	plan_free(p);
	conf_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(filters_v4),
	    cmocka_unit_test(filters_v6),
	    cmocka_unit_test(arp_frames),
	    cmocka_unit_test(nd_frames),
	    cmocka_unit_test(scripts),
	    cmocka_unit_test(scripts_in_a_word),
	    cmocka_unit_test(health_to_band),
	    cmocka_unit_test(fresh_probes),
	    cmocka_unit_test(key_files),
	    cmocka_unit_test(plan_of_members),
	    cmocka_unit_test(plan_of_the_tutorial),
	    cmocka_unit_test(plan_of_ipv6),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
