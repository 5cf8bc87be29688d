/* SPDX-License-Identifier: ISC */
/*
 * One virtual router as this host runs it: what the configuration says, in the types that the vrrp
 * process works with. Made from struct conf_router by prepare, never changed afterwards. Pure.
 */
#ifndef VRRP_PLAN_H
#define VRRP_PLAN_H

#include <net/if.h>
#include <stdbool.h>

#include "conf/model.h"
#include "vrrp/band.h"
#include "vrrp/decide.h"
#include "vrrp/garp.h"
#include "vrrp/keys.h"
#include "vrrp/packet.h"

struct plan_addr {
	struct ip ip;
	uint8_t prefix;
	uint8_t scope;        /* RT_SCOPE_* */
	uint8_t broadcast[4]; /* all 0: none */
	bool advertised;
	char dev[IF_NAMESIZE]; /* "": the router's interface */
	char label[IF_NAMESIZE];
};

struct plan_peer {
	struct ip ip;
	uint8_t min_ttl; /* 0: any */
	char name[SOCK_ADDR_TEXT];
};

struct plan_track {
	enum conf_track_kind kind;
	int weight;
	char name[64];       /* backend, interface, script */
	int64_t interval_ms; /* script */
	unsigned rise, fall;
	bool init_fail;
};

struct plan {
	char name[64];
	char group[64]; /* sync group; "": none */
	uint8_t vrid;
	uint8_t version;
	uint8_t family;
	bool unicast;
	bool strict;
	bool checksum_v2;
	char ifname[IF_NAMESIZE]; /* "": the one that carries source */
	struct ip source;         /* family 0: the interface's primary address */
	uint8_t auth_type;        /* enum packet_auth */
	uint8_t auth[PACKET_AUTH_BYTES];
	enum hmac_mode hmac;      /* OFF without HMAC */
	uint8_t sign_id;          /* key with which this host signs */
	struct keys keys;         /* filled by prepare, from the file */
	const char *key_file;     /* only while prepare runs */
	struct decide_cfg decide; /* without self */
	struct band_holds_cfg holds;
	struct garp_cfg garp;
	uint32_t lifetime_s; /* of the addresses in the kernel; NL_FOREVER: for ever */
	size_t n_peers;
	struct plan_peer peers[DECIDE_PEERS_MAX];
	size_t n_addrs;
	struct plan_addr *addrs;
	size_t n_adverts; /* addresses in advertisements */
	struct ip *adverts;
	size_t n_tracks;
	struct plan_track *tracks;
};

/* An address value from a socket address; family 0 if it is none. */
struct ip plan_ip(const struct sock_addr *a);

/* Returns the plan, or NULL with a reason. */
struct plan *plan_new(
    const struct conf *conf, const struct conf_router *r, char *reason, size_t reason_size);
void plan_free(struct plan *);

/* True if b can replace a while the router keeps its role: the same VRID, family, interface and
 * source. */
bool plan_same_router(const struct plan *a, const struct plan *b);

/* The peer with this address, or NULL. */
const struct plan_peer *plan_peer(const struct plan *p, const struct ip *ip);

#endif
