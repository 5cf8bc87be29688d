/* SPDX-License-Identifier: ISC */
/* Words of HAProxy and keepalived that are no settings here, and what to say about them. */
#include "conf/refused.h"

#include "conf/words.h"

#define LATER     "not supported yet"
#define NUMERIC   "not supported: names of hosts are not resolved, write numeric addresses"
#define BY_ITSELF "not needed: ARP is sent again by itself"

static const struct {
	const struct conf_scope *scope;
	const char *key;
	const char *text;
} refused[] = {
    {&scope_instance, "use_vmac",
	"not supported: vipd holds addresses on the interface itself and tells the network by "
	"gratuitous ARP"},
    {&scope_instance, "vmac_xmit_base", "not supported, as use_vmac"},
    {&scope_instance, "dont_track_primary",
	"not supported: the instance's interface is always tracked"},
    {&scope_instance, "garp_lower_prio_repeat", BY_ITSELF},
    {&scope_instance, "garp_lower_prio_delay", BY_ITSELF},
    {&scope_instance, "garp_master_refresh_repeat", "not needed: one is sent"},
    {&scope_instance, "smtp_alert", "not supported: use notify"},
    {&scope_instance, "track_process",
	"not needed: vipd knows its own processes; track = { workers = true; }"},
    {&scope_instance, "track_file", LATER ": use a script"},
    {&scope_instance, "track_bfd", "not supported"},
    {&scope_instance, "virtual_routes", LATER},
    {&scope_instance, "virtual_rules", LATER},
    {&scope_backend, "server", "write servers = { NAME = \"ADDRESS:PORT\"; ... }"},
    {&scope_backend, "option", "options are settings of their own, such as redispatch = true"},
    {&scope_backend, "cookie", "not supported: backends relay tcp"},
    {&scope_frontend, "option", "options are settings of their own, such as tcplog = true"},
    {&scope_frontend, "log_format_sd",
	"not supported: write format = \"json\" or \"journal\" at a log target for fields"},
    {&scope_frontend, "error_log_format", "not supported: log_format is for all lines"},
    {&scope_frontend, "unique_id_format",
	"not supported: %rt in log_format is the session's number"},
    {&scope_frontend, "logasap", "not supported: a line is written when its session has ended"},
    {&scope_frontend, "log", "log targets are global: write log in the group global"},
    {&scope_frontend, "log_tag", "it is a setting of global"},
    {&scope_frontend, "use_backend",
	"write default_backend, or rules = ( { sni = \"NAME\"; use_backend = \"BACKEND\"; } )"},
    {&scope_frontend, "tcp_request",
	"connection: allow and deny choose clients, per_source limits what one of them may; "
	"content: "
	"write rules = ( { ... action = \"reject\"; } ), and inspect_delay"},
    {&scope_server, "last_resort",
	"write backup = true, and check = false if it shall answer in any case"},
    {&scope_server, "cookie", "not supported: backends relay tcp"},
    {&scope_server, "check_send_proxy", "it is a setting of check: check = { send_proxy = true; }"},
    {&scope_server, "usesrc", "not supported: source is an address of this host"},
    {&scope_server, "init_addr", NUMERIC},
    {&scope_server, "resolvers", NUMERIC},
    {&scope_server, "resolve_prefer", NUMERIC},
    {&scope_server, "ssl",
	"not supported: sessions are relayed as they are; for the check write check = { type = "
	"\"https\"; }"},
    {&scope_server, "check_ssl", "write check = { type = \"https\"; }"},
    {&scope_server, "check_sni", "it is a setting of check: check = { sni = \"NAME\"; }"},
    {&scope_server, "inter", "it is a setting of check: check = { inter = \"2s\"; }"},
    {&scope_server, "rise", "it is a setting of check: check = { rise = 2; }"},
    {&scope_server, "fall", "it is a setting of check: check = { fall = 3; }"},
    {&scope_check, "steps", LATER ": types are tcp, http, https and kubernetes"},
    {&scope_check, "ssl", "write type = \"https\""},
    {&scope_check, "expect", "write status = 200"},
    {&scope_global, "nbproc", "write workers = N"},
    {&scope_global, "nbthread", "vipd has processes: write workers = N"},
    {&scope_global, "maxsessrate", "the same as maxconnrate"},
    {&scope_global, "daemon", "not a setting: start vipd with -D"},
    {&scope_global, "pidfile", "not a setting: start vipd with -p FILE"},
    {&scope_global, "ulimit_n", "not needed: it follows from maxconn"},
    {&scope_global, "chroot", "not needed: no process opens a file after its start"},
    {&scope_global, "stats_socket", "write control = \"PATH\""},
};

const char *
refused_find(const struct conf_scope *scope, const char *key)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (refused[i].scope == scope && words_equal(refused[i].key, key))
			return refused[i].text;
	return NULL;
}
