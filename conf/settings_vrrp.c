/* SPDX-License-Identifier: ISC */
/* The settings of vrrp. Keys are keepalived's where it has them; defaults: failover-logic. */
#include "conf/table.h"

#include <limits.h>
#include <netinet/in.h>

#include "conf/conf.h"
#include "conf/read.h"
#include "conf/values.h"

#define O(type, field) offsetof(struct type, field)
#define ROWS(x)        sizeof(x) / sizeof((x)[0]), (x)
#define DAY            INT64_C(86400000)

static const char *const w_priority_mode[] = {"bands", "weights", NULL};
static const char *const w_preempt[] = {"when_better", "always", "never", NULL};
static const char *const w_auth[] = {"none", "PASS", "HMAC", NULL};
static const char *const w_auth_mode[] = {"enforce", "permissive", "receive_only", "off", NULL};

/* ---- defaults that depend on other settings ------------------------------------------ */

static int64_t
router_version(const void *obj)
{
	const struct conf_router *v = obj;

	return v->all_vipd || v->family == AF_INET6 ? 3 : 2;
}

static int64_t
router_advert_int(const void *obj)
{
	const struct conf_router *v = obj;

	return v->all_vipd && v->version == 3 ? 250 : 1000;
}

static int64_t
router_priority_mode(const void *obj)
{
	return ((const struct conf_router *)obj)->all_vipd ? CONF_PRIORITY_BANDS
							   : CONF_PRIORITY_WEIGHTS;
}

static int64_t
router_preempt(const void *obj)
{
	return ((const struct conf_router *)obj)->priority_mode == CONF_PRIORITY_BANDS
		   ? CONF_PREEMPT_WHEN_BETTER
		   : CONF_PREEMPT_ALWAYS;
}

static int64_t
script_timeout(const void *obj)
{
	return ((const struct conf_script *)obj)->interval_ms;
}

/* ---- members ------------------------------------------------------------------------- */

static const struct conf_key member_keys[] = {
    {"address", K_CUSTOM, F_MAIN | F_REQUIRED, .offset = O(conf_member, address),
	.read = read_member_address, .print = print_member_address,
	.syntax = "address without port",
	.text =
	    "The host's own address: the source of its advertisements, and by which it knows that "
	    "it is this member."},
    {"priority", K_UINT, .offset = O(conf_member, priority), .min = 1, .max = 255, .dflt = 100,
	.text = "The host's base priority. In priority_mode bands those of two hosts differ by at "
		"least 4."},
};
const struct conf_scope scope_member = {"member", "VRRP members",
    "In vrrp the group members holds a group for each host, so that all hosts can have the same "
    "file. "
    "A host is the member whose address it has, or that the option --host names; the other members "
    "are its peers. Most settings of an instance may stand in a member too and hold there instead.",
    ROWS(member_keys)};

/* ---- scripts ------------------------------------------------------------------------- */

static const struct conf_key script_keys[] = {
    {"script", K_CUSTOM, F_MAIN | F_REQUIRED | F_SEVERAL, .offset = O(conf_script, argv),
	.read = read_argv, .print = print_argv, .syntax = "path, or path and arguments",
	.text =
	    "The program and its arguments: one string, cut at blanks, or one string each. Neither "
	    "it nor a folder above it may be writable by others."},
    {"interval", K_MS, .offset = O(conf_script, interval_ms), .min = 10, .max = DAY, .dflt = 1000,
	.text = "Time between two runs."},
    {"timeout", K_MS, .offset = O(conf_script, timeout_ms), .min = 10, .max = DAY,
	.dflt_of = script_timeout, .dflt_text = "interval",
	.text = "How long a run may take before it is ended and counts as failed."},
    {"rise", K_UINT, .offset = O(conf_script, rise), .min = 1, .max = 100, .dflt = 1,
	.text = "Good runs in a row after which the script is good."},
    {"fall", K_UINT, .offset = O(conf_script, fall), .min = 1, .max = 100, .dflt = 1,
	.text = "Failed runs in a row after which it has failed."},
    {"user", K_STRING, .offset = O(conf_script, user), .dflt_text = "global.user",
	.text = "The user as whom it runs."},
    {"init_fail", K_BOOL, .offset = O(conf_script, init_fail),
	.text = "Counts as failed until it has been good."},
    {"weight", K_INT, F_INPUT, .offset = O(script_input, weight), .min = -253, .max = 253,
	.text = "The weight of tracks that name none."},
};
const struct conf_scope scope_script = {"script", "VRRP scripts",
    "In vrrp the group scripts holds a group for each script that instances track. A string is the "
    "command.",
    ROWS(script_keys)};

/* ---- virtual addresses --------------------------------------------------------------- */

static const struct conf_key address_keys[] = {
    {"address", K_CUSTOM, F_MAIN | F_REQUIRED, .offset = 0, .read = read_address,
	.print = print_address, .syntax = "string",
	.text =
	    "\"192.0.2.100\" or \"192.0.2.100/24\"; without prefix 32 or 128. In the short form "
	    "dev, label, scope and brd may follow: \"192.0.2.100/24 dev eth0 label eth0:1\"."},
    {"dev", K_STRING, .offset = O(conf_address, dev), .check = check_interface,
	.dflt_text = "the instance's interface", .text = "The interface that carries the address."},
    {"label", K_STRING, .offset = O(conf_address, label), .check = check_interface,
	.text = "The address's label, as in ip(8); IPv4."},
    {"scope", K_STRING, .offset = O(conf_address, scope), .check = check_scope,
	.dflt_string = "global", .text = "The address's scope: global, link, host or a number."},
    {"brd", K_CUSTOM, .offset = 0, .read = read_broadcast, .print = print_broadcast,
	.syntax = "address", .text = "The broadcast address; IPv4."},
};
const struct conf_scope scope_address = {"virtual_ipaddress", "Virtual addresses",
    "In an instance virtual_ipaddress and virtual_ipaddress_excluded hold one, or several, at most "
    "1024 in all instances, on at most 128 interfaces. A string is the address, with options "
    "behind it.",
    ROWS(address_keys)};

static const struct conf_key peer_keys[] = {
    {"address", K_CUSTOM, F_MAIN | F_REQUIRED, .offset = O(conf_peer, addr),
	.read = read_peer_address, .print = print_peer_address, .syntax = "address without port",
	.text = "The peer's address."},
    {"name", K_STRING, F_RESOLVED, .offset = O(conf_peer, name), .text = "The member's name."},
    {"priority", K_UINT, F_RESOLVED, .offset = O(conf_peer, priority), .max = 255,
	.text = "The member's base priority."},
    {"min_ttl", K_UINT, .offset = O(conf_peer, min_ttl), .max = 255, .dflt = 255,
	.text =
	    "Advertisements that arrive with a lower TTL are refused: 255 means that no router may "
	    "lie between."},
};
const struct conf_scope scope_peer = {"unicast_peer", "VRRP peers",
    "In an instance unicast_peer holds one, or several. A string is the address.", ROWS(peer_keys)};

/* ---- tracking ------------------------------------------------------------------------ */

static const struct conf_key track_keys[] = {
    {"backend", K_STRINGS, F_SEVERAL, .offset = O(track_input, backends),
	.text =
	    "Backends on whose servers the role depends. In priority_mode bands: no usable server "
	    "is the band dead, some of their weight is degraded, all of it is good."},
    {"workers", K_BOOL, .offset = O(track_input, workers),
	.text = "Whether a worker is able to serve; none for a second counts as dead, and a "
		"process of vipd "
		"that dies "
		"again and again as degraded."},
    {"interface", K_STRINGS, F_SEVERAL, .offset = O(track_input, interfaces),
	.check = check_interface,
	.text = "Interfaces that must be up. The instance's own always must."},
    {"script", K_STRINGS, F_SEVERAL, .offset = O(track_input, scripts),
	.text = "Scripts of vrrp.scripts."},
    {"weight", K_INT, .offset = O(track_input, weight), .min = -253, .max = 253,
	.dflt_text = "0; of a script: its weight",
	.text =
	    "0: failure is FAULT (interface, script) or a band (backend, workers). In "
	    "priority_mode weights: negative is taken from the priority while failed, positive is "
	    "added while good."},
};
const struct conf_scope scope_track = {"track", "Tracking",
    "In an instance track holds one group, or a list of them.", ROWS(track_keys)};

/* ---- instances ----------------------------------------------------------------------- */

static const struct conf_key instance_keys[] = {
    {"state", K_CUSTOM, F_INPUT | F_MEMBER, .read = read_state,
	.syntax = "\"MASTER\" or \"BACKUP\"",
	.text =
	    "Accepted as in keepalived's files; it has no effect: every host begins as BACKUP."},
    {"all_vipd", K_BOOL, F_RESOLVED, .offset = O(conf_router, all_vipd),
	.text = "All peers are vipd members."},
    {"virtual_router_id", K_UINT, F_REQUIRED, .offset = O(conf_router, vrid), .min = 1, .max = 255,
	.text =
	    "The number of the virtual router (VRID), the same on all hosts and one that nobody "
	    "else on the link uses. 51 is in every example: take another. Changed by a reload (as "
	    "interface and source may be) the instance leaves and begins anew: reload all hosts "
	    "together, since those of two numbers do not hear one another."},
    {"version", K_UINT, .offset = O(conf_router, version), .min = 2, .max = 3,
	.dflt_of = router_version, .dflt_text = "3 with members and for IPv6, else 2",
	.text = "The version of VRRP."},
    {"interface", K_STRING, F_MEMBER, .offset = O(conf_router, interface), .check = check_interface,
	.dflt_text = "the one that carries the source address",
	.text = "The interface for advertisements and addresses."},
    {"priority", K_UINT, .offset = O(conf_router, priority), .min = 1, .max = 255, .dflt = 100,
	.text = "The base priority, without members; with them it stands there."},
    {"advert_int", K_MS, .offset = O(conf_router, advert_int_ms), .min = 10, .max = 255000,
	.dflt_of = router_advert_int, .dflt_text = "250ms with members, else 1s",
	.text =
	    "Time between advertisements, the same on all hosts. Version 2: whole seconds; version "
	    "3: 10ms to 40.95s in steps of 10ms."},
    {"down_timer_adverts", K_UINT, .offset = O(conf_router, down_timer_adverts), .min = 1,
	.max = 100, .dflt = 3,
	.text = "Advertisements that must be missing before a backup takes over."},
    {"priority_mode", K_ENUM, .offset = O(conf_router, priority_mode),
	.dflt_of = router_priority_mode, .words = w_priority_mode,
	.dflt_text = "bands with members, else weights",
	.text = "bands: health decides first, the base priority only between equals. weights: "
		"keepalived's arithmetic, for pairs with it."},
    {"preempt", K_ENUM, F_MEMBER, .offset = O(conf_router, preempt), .dflt_of = router_preempt,
	.words = w_preempt, .dflt_text = "when_better with bands, always with weights",
	.read = read_preempt,
	.text =
	    "When a backup takes over from a living master: when_better, if its band is better; "
	    "always, if its priority is; never. true means always, false never."},
    {"nopreempt", K_CUSTOM, F_INPUT | F_MEMBER, .offset = O(conf_router, preempt),
	.read = read_nopreempt, .syntax = "boolean",
	.text = "true is the same as preempt = \"never\"."},
    {"preempt_delay", K_MS, F_MEMBER, .offset = O(conf_router, preempt_delay_ms), .max = 1000000,
	.text = "How long a better host waits before it takes over, from its start or the end of a "
		"fault (its cable, its interface, a script)."},
    {"startup_delay", K_MS, F_MEMBER, .offset = O(conf_router, startup_delay_ms), .max = 3600000,
	.dflt = 5000,
	.text = "After the start the host stays backup until the first round of checks is done, at "
		"most "
		"this long."},
    {"unicast_src_ip", K_CUSTOM, .offset = O(conf_router, source), .read = read_src_ip,
	.print = print_src_ip, .syntax = "address without port",
	.dflt_text = "the interface's first address",
	.text = "The source of advertisements, without members."},
    {"mcast_src_ip", K_CUSTOM, F_INPUT, .offset = O(conf_router, source), .read = read_src_ip,
	.syntax = "address without port", .text = "The same, for multicast."},
    {"unicast_peer", K_CUSTOM, F_SEVERAL, .offset = 0, .scope = &scope_peer, .read = read_peers,
	.print = print_peers, .syntax = "string or group", .dflt_text = "none: multicast",
	.text = "The other hosts, without members; see VRRP peers. Advertisements of others are "
		"refused."},
    {"virtual_ipaddress", K_CUSTOM, F_SEVERAL | F_REQUIRED, .offset = 0, .scope = &scope_address,
	.read = read_addresses, .print = print_addresses, .syntax = "string or group",
	.text = "The addresses that the master holds; see Virtual addresses. All of one family."},
    {"virtual_ipaddress_excluded", K_CUSTOM, F_SEVERAL, .offset = 1, .scope = &scope_address,
	.read = read_addresses, .print = print_addresses, .syntax = "string or group",
	.text = "More of them that are not named in advertisements; any family."},
    {"authentication.auth_type", K_ENUM, .offset = O(conf_router, auth), .words = w_auth,
	.read = read_auth_type,
	.text = "PASS: a word in clear text, version 2 only; a guard against mistakes, not against "
		"people. HMAC: advertisements are signed and each is taken once; members only. The "
		"clocks "
		"of the hosts decide nothing; if they are 5 s apart an alarm says so."},
    {"authentication.auth_pass", K_STRING, F_SECRET, .offset = O(conf_router, auth_pass),
	.check = check_secret, .text = "The word of PASS, at most 8 bytes."},
    {"authentication.auth_key_file", K_STRING, .offset = O(conf_router, auth_key_file),
	.check = check_path,
	.text = "The file with the keys of HMAC: a line \"ID HEX\" each, a number from 1 to 255 "
		"and 32 to 128 hexadecimal digits."},
    {"authentication.auth_key_id", K_UINT, .offset = O(conf_router, auth_key_id), .min = 1,
	.max = 255, .dflt = 1, .text = "The number of the key with which this host signs."},
    {"authentication.auth_mode", K_ENUM, .offset = O(conf_router, auth_mode), .words = w_auth_mode,
	.text = "For a roll-out of HMAC without outage: off, receive_only (checks, does not sign), "
		"permissive (signs, lets unsigned ones pass), enforce."},
    {"auth_type", K_ENUM, F_INPUT, .offset = O(conf_router, auth), .words = w_auth,
	.read = read_auth_type, .text = "The same as in the group authentication."},
    {"auth_pass", K_STRING, F_INPUT | F_SECRET, .offset = O(conf_router, auth_pass),
	.check = check_secret, .text = "The same as in the group authentication."},
    {"auth_key_file", K_STRING, F_INPUT, .offset = O(conf_router, auth_key_file),
	.check = check_path, .text = "The same as in the group authentication."},
    {"auth_key_id", K_UINT, F_INPUT, .offset = O(conf_router, auth_key_id), .min = 1, .max = 255,
	.dflt = 1, .text = "The same as in the group authentication."},
    {"auth_mode", K_ENUM, F_INPUT, .offset = O(conf_router, auth_mode), .words = w_auth_mode,
	.text = "The same as in the group authentication."},
    {"strict", K_BOOL, .offset = O(conf_router, strict),
	.text =
	    "Drop advertisements that disagree in interval, addresses or version, as keepalived "
	    "does. Otherwise they prove a living master and raise an alarm."},
    {"v3_checksum_as_v2", K_BOOL, .offset = O(conf_router, checksum_v2),
	.text = "Version 3 over IPv4: the checksum without the pseudo-header. Both are accepted."},
    {"address_lease", K_MS, F_MEMBER, .offset = O(conf_router, address_lease_ms), .max = DAY,
	.dflt = 10000,
	.text =
	    "Addresses are given to the kernel for this long and renewed, so that it removes them "
	    "when all of vipd is killed. Whole seconds; 0: for ever. Addresses are marked as "
	    "vipd's; a kernel before 5.18 has no such marks, and with 0 an address that was left "
	    "there by a kill is taken for an operator's own and stays until somebody removes it."},
    {"conflict_hold", K_MS, F_MEMBER, .offset = O(conf_router, conflict_hold_ms), .max = 60000,
	.dflt = 3000,
	.text =
	    "How long a claim is put off while another host still answers for the address though "
	    "its advertisements do not arrive."},
    {"rise_hold", K_MS, F_MEMBER, .offset = O(conf_router, rise_hold_ms), .max = 3600000,
	.dflt = 5000, .text = "How long health must be better before it counts for the role."},
    {"degrade_hold", K_MS, F_MEMBER, .offset = O(conf_router, degrade_hold_ms), .max = 3600000,
	.dflt_text = "twice the check's inter, at least 2s",
	.text = "How long health must be degraded before it counts. Dead counts at once."},
    {"garp_master_delay", K_MS, F_MEMBER, .offset = O(conf_router, garp_master_delay_ms),
	.max = 3600000, .dflt = -1, .dflt_text = "see garp_master_repeat",
	.text =
	    "After this time a takeover is announced a second time, by garp_master_repeat messages "
	    "for each address; 0: it is not."},
    {"garp_master_repeat", K_UINT, F_MEMBER, .offset = O(conf_router, garp_master_repeat), .min = 1,
	.max = 100,
	.dflt_text =
	    "at once two, then one each after 0.1, 0.5, 1, 2 and 5 seconds; with garp_master_delay "
	    "5",
	.text =
	    "How many gratuitous ARP or neighbour messages announce each address at a takeover, "
	    "and "
	    "as many again after garp_master_delay (5s where that is not given), as in keepalived. "
	    "Never more than 10 a second leave by one interface, since switches shut ports for "
	    "less: more of them follow one another."},
    {"garp_master_refresh", K_MS, F_MEMBER, .offset = O(conf_router, garp_master_refresh_ms),
	.max = DAY, .dflt = 30000, .text = "How often the master repeats one; 0: never."},
    {"sync_group", K_STRING, .offset = O(conf_router, sync_group), .check = check_sync_group,
	.text =
	    "A name of your choice. Instances that have the same one fail over together: their "
	    "band is that of the worst of them, a fault of one is a fault of all, a claim, release "
	    "or loss of one is followed by the others, and none claims for the silence of its own "
	    "master while another still hears its. In priority_mode weights they take over from a "
	    "living master only when their priority is better than that of each one's master. On "
	    "the other hosts they must be a group too."},
    {"track", K_CUSTOM, F_SEVERAL, .offset = 0, .scope = &scope_track, .read = read_tracks,
	.print = print_tracks, .syntax = "group or list of groups",
	.text = "On what the role depends; see Tracking."},
    {"track_script", K_CUSTOM, F_INPUT | F_SEVERAL, .offset = CONF_TRACK_SCRIPT,
	.read = read_track_names, .syntax = "\"NAME\" or \"NAME weight N\"",
	.text = "keepalived's way to track scripts."},
    {"track_interface", K_CUSTOM, F_INPUT | F_SEVERAL, .offset = CONF_TRACK_INTERFACE,
	.read = read_track_names, .syntax = "\"NAME\" or \"NAME weight N\"",
	.text = "keepalived's way to track interfaces."},
    {"notify_master", K_STRING, F_MEMBER, .offset = O(conf_router, notify_master),
	.text = "A command that is run when the host has become master; with keepalived's "
		"arguments and "
		"the reason in VIPD_REASON."},
    {"notify_backup", K_STRING, F_MEMBER, .offset = O(conf_router, notify_backup),
	.text = "The same for backup."},
    {"notify_fault", K_STRING, F_MEMBER, .offset = O(conf_router, notify_fault),
	.text = "The same for FAULT."},
    {"notify_stop", K_STRING, F_MEMBER, .offset = O(conf_router, notify_stop),
	.text = "The same when vipd stops."},
    {"notify", K_STRING, F_MEMBER, .offset = O(conf_router, notify),
	.text = "The same for every change of role."},
};
const struct conf_scope scope_instance = {"instance", "VRRP instances",
    "In vrrp the group instances holds a group for each virtual router.", ROWS(instance_keys)};

static const struct conf_key vrrp_keys[] = {
    {"router_id", K_STRING, .offset = O(conf_vrrp, router_id), .dflt_text = "the host's name",
	.text = "This host's name in notifications."},
};
const struct conf_scope scope_vrrp = {"vrrp", "VRRP",
    "The group vrrp: members, scripts and instances, each a group of groups by name. The addresses "
    "of an "
    "instance are held by one host at a time. With members all hosts have the same file; without, "
    "interface, priority, unicast_src_ip and unicast_peer stand in the instance as in keepalived. "
    "The "
    "two cannot be mixed. (self, in what vipd prints: the member that was chosen.)",
    ROWS(vrrp_keys)};
