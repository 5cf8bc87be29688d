/* SPDX-License-Identifier: ISC */
/*
 * Writes vipd.conf(5) in mdoc: the language in prose, the settings from the table. Called by
 * tests/conf/manual_test, which also checks that the page in doc/ is what it writes.
 */
#include "conf/manual.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "conf/logformat.h"
#include "conf/table.h"
#include "lib/duration.h"

static const char head[] =
    ".\\\" SPDX-License-Identifier: ISC\n"
    ".\\\" Written by tests/conf/manual_test from the table of settings: do not edit.\n"
    ".Dd November 25, 2026\n"
    ".Dt VIPD.CONF 5\n"
    ".Os\n"
    ".Sh NAME\n"
    ".Nm vipd.conf\n"
    ".Nd configuration of vipd\n"
    ".Sh DESCRIPTION\n"
    ".Xr vipd 8\n"
    "reads one file, with all that it includes, at its start and when it gets SIGHUP.\n"
    "A file with errors is refused as a whole; all errors are named in one go, each with file, "
    "line\n"
    "and what would be right.\n"
    ".Ql vipd -t -f FILE\n"
    "checks a file and does nothing else.\n"
    ".Pp\n"
    "At the top stand the groups\n"
    ".Ic global ,\n"
    ".Ic defaults ,\n"
    ".Ic frontends ,\n"
    ".Ic backends\n"
    "and\n"
    ".Ic vrrp .\n"
    "What stands in\n"
    ".Ic defaults\n"
    "holds for all frontends and backends that do not say otherwise.\n"
    ".Sh LANGUAGE\n"
    "The language is libconfig's.\n"
    "A setting is\n"
    ".Ql key = value\\&; ,\n"
    "comments begin with # or // or stand between /* and */.\n"
    ".Bl -bullet\n"
    ".It\n"
    "In keys, and in words such as\n"
    ".Qq fully-down ,\n"
    "- and _ are the same.\n"
    "One key in two spellings is an error.\n"
    ".It\n"
    "Things with names are groups keyed by the name, and keep the order of the file:\n"
    ".Ql servers = { s1 = { ... }; s2 = { ... }; }\\&; .\n"
    "Where a name is no key (a key begins with a letter and has letters, digits, - and _), or for\n"
    "thousands (a group takes 10000), a list means the same:\n"
    ".Ql servers = \\&( { name = \\(dq10.a\\(dq; ... }, ... \\&)\\&; .\n"
    "Names have 1 to 63 letters, digits, - _ . and :.\n"
    ".It\n"
    "Where several may stand, one value, an array\n"
    ".Ql \\&[ a, b \\&]\n"
    "or a list\n"
    ".Ql \\&( a, b \\&)\n"
    "may stand.\n"
    ".It\n"
    "Where a group has a main setting (marked so below), its value alone means the group:\n"
    ".Ql s1 = \\(dq192.0.2.1:80\\(dq\\&;\n"
    "is\n"
    ".Ql s1 = { address = \\(dq192.0.2.1:80\\(dq; }\\&; .\n"
    ".It\n"
    "Durations are strings with a unit, us, ms, s, m, h or d:\n"
    ".Qq 250ms ,\n"
    ".Qq 5s .\n"
    "A bare number other than 0 is an error, since HAProxy and keepalived mean different units by "
    "it.\n"
    ".It\n"
    "Booleans are true and false.\n"
    ".It\n"
    "Addresses are numeric; names of hosts are not resolved yet.\n"
    ".It\n"
    ".Ql @include \\(dqpath\\(dq ,\n"
    "alone on a line, reads another file in its place; a relative path begins at the including "
    "file.\n"
    ".El\n";

static const char session_lines[] =
    ".Sh FORMAT OF SESSION LINES\n"
    ".Ic log_format\n"
    "is text with HAProxy's variables.\n"
    "The default is its tcplog:\n"
    ".Bd -literal -offset indent\n" LOGFORMAT_TCPLOG "\n"
    ".Ed\n"
    ".Pp\n"
    "%% is a percent sign.\n"
    "Blanks next to each other become one, and a line does not begin with one.\n"
    "Flags stand in braces behind the percent sign,\n"
    ".Ql %{+Q,+X}ci ,\n"
    "and hold for that variable, or for all that follow if it is %o:\n"
    "+Q puts strings and addresses into double quotes, +E writes \\e before \\(dq, \\e and ] in "
    "strings,\n"
    "+X writes addresses, ports, %Ts, %rt and %pid in hexadecimal; - takes a flag away.\n"
    "An address that there is not is -, or \\(dq\\(dq with +Q.\n"
    "Expressions, %[...], and HAProxy's other variables are refused with the column where they "
    "stand.\n"
    "Counts are those of the moment after the end: the session itself counts in %ac and %fc, not "
    "in\n"
    "%bc and %sc.\n"
    "With %bi, %bp, %fi or %fp a socket may have to be asked for its address when a session ends.\n"
    "A session keeps the format that was in force when its server was chosen; sessions of a "
    "killed\n"
    "worker are written in the present one.\n"
    ".Bl -tag -width %pid\n";

static const char log_lines[] =
    ".Sh FIELDS OF LOG LINES\n"
    "Lines of format json and journal have fields beside the message.\n"
    "Names stay as they are; more may be added.\n"
    "In json each is a member of the object, in the journal its name is in capitals behind VIPD_:\n"
    ".Ql journalctl VIPD_SERVER=s1 .\n"
    ".Bl -tag -width Ds\n"
    ".It every line\n"
    "time, level, host, program, pid and message; in the journal MESSAGE, PRIORITY, "
    "SYSLOG_FACILITY,\n"
    "SYSLOG_IDENTIFIER and SYSLOG_PID.\n"
    ".It events\n"
    "event (the number as in\n"
    ".Ql show events ) ,\n"
    "kind (server, backend, frontend, router, process, config, command, limit), and the names of "
    "what\n"
    "it is about: server with backend, backend, frontend or router.\n"
    "Repeated results of a probe have kind, server and backend, and no number.\n"
    ".It sessions\n"
    "accepted (time), session (number), frontend, backend, server, client_ip, client_port, "
    "frontend_ip,\n"
    "frontend_port (what the client called), source_ip, source_port (own address towards the "
    "server),\n"
    "server_ip, server_port, state (as %ts), bytes_in (from the client), bytes_out, handshake_ms, "
    "wait_ms,\n"
    "connect_ms, total_ms (as %Th, %Tw, %Tc, %Tt), actconn, feconn, beconn, srv_conn, retries,\n"
    "redispatched (1: another server), be_queue (as %bq).\n"
    "What is not known has no field.\n"
    "These alone are the object that\n"
    ".Ql log_format = \\(dqjson\\(dq\n"
    "writes as the message.\n"
    ".El\n"
    ".Pp\n"
    "Bytes that are no UTF-8 are U+FFFD in json. In the other formats a control byte in a message "
    "is\n"
    "written as # and two hexadecimal digits.\n"
    "Lines that a target does not take at once are lost, counted (DroppedLogs in\n"
    ".Ql show info ) ,\n"
    "and the loss is said on the target when it takes lines again; no session ever waits for "
    "one.\n";

static const char tail[] =
    ".Sh DIFFERENCES\n"
    "For people who know HAProxy and keepalived:\n"
    ".Bl -bullet\n"
    ".It\n"
    "No timeout is infinite by default; connections that are silent for long are kept for an hour "
    "and\n"
    "watched by keepalive.\n"
    ".It\n"
    "Every server is probed unless it says otherwise.\n"
    "A connection that a server refuses goes to the next server at once.\n"
    ".It\n"
    "maxqueue bounds the queue of a backend; under HAProxy's round robin it is never looked at.\n"
    ".It\n"
    "SIGUSR1 writes statistics and SIGHUP reloads; HAProxy ends at SIGUSR1.\n"
    ".It\n"
    "state has no effect in an instance, and an auth_pass of more than 8 bytes is refused.\n"
    ".It\n"
    "With members, health decides in bands who is master, not by sums of weights.\n"
    ".It\n"
    "Log lines of format rfc3164 and rfc5424 carry the host's own name, also without\n"
    "log_send_hostname; datagrams do not end with a newline.\n"
    ".El\n"
    ".Sh FILES\n"
    ".Bl -tag -width Ds\n"
    ".It Pa /etc/vipd/vipd.conf\n"
    "The usual place.\n"
    ".El\n"
    ".Sh EXAMPLES\n"
    "Two hosts in front of three servers; the same file on both:\n"
    ".Bd -literal -offset indent\n"
    "global = {\n"
    "  log = { address = \"/dev/log\"; facility = \"local0\"; };\n"
    "  control = \"/run/vipd/control.sock\";\n"
    "};\n"
    "frontends = {\n"
    "  api = { bind = \"*:6443\"; default_backend = \"api\"; };\n"
    "  monitor = { mode = \"http\"; bind = \"*:33305\"; monitor_uri = \"/monitor\"; };\n"
    "};\n"
    "backends = {\n"
    "  api = {\n"
    "    check = { type = \"kubernetes\"; inter = \"1s\"; rise = 2; fall = 2; };\n"
    "    default_server = { slowstart = \"60s\"; };\n"
    "    servers = {\n"
    "      api1 = \"172.31.0.12:6443\";\n"
    "      api2 = \"172.31.0.13:6443\";\n"
    "      api3 = { address = \"172.31.0.14:6443\"; weight = 2; };\n"
    "    };\n"
    "  };\n"
    "};\n"
    "vrrp = {\n"
    "  members = { ha1 = { address = \"172.31.0.10\"; priority = 100; };\n"
    "              ha2 = { address = \"172.31.0.11\"; priority = 96; }; };\n"
    "  instances = {\n"
    "    v1 = { virtual_router_id = 71; virtual_ipaddress = \"172.31.0.100\";\n"
    "           track = { backend = \"api\"; workers = true; }; };\n"
    "  };\n"
    "};\n"
    ".Ed\n"
    ".Pp\n"
    "A host beside a keepalived one, in keepalived's words:\n"
    ".Bd -literal -offset indent\n"
    "vrrp = {\n"
    "  instances = {\n"
    "    VI_1 = { interface = \"eth0\"; virtual_router_id = 71; priority = 100;\n"
    "             advert_int = \"2s\"; auth_type = \"PASS\"; auth_pass = \"K8SHA_KA\";\n"
    "             unicast_src_ip = \"172.31.0.10\"; unicast_peer = \"172.31.0.11\";\n"
    "             virtual_ipaddress = \"172.31.0.100\";\n"
    "             track = { backend = \"api\"; weight = -5; }; };\n"
    "  };\n"
    "};\n"
    ".Ed\n"
    ".Pp\n"
    "One port for what clients say first: a database and a cluster by the name in TLS, ssh, and\n"
    "nothing else; the office alone may use ssh:\n"
    ".Bd -literal -offset indent\n"
    "frontends = {\n"
    "  all = { bind = \"*:443\"; default_backend = \"web\"; inspect_delay = \"3s\";\n"
    "          rules = ( { sni = \"db.example.com\"; alpn = \"postgresql\"; use_backend = \"db\"; "
    "},\n"
    "                    { sni = [ \"k8s.example.com\", \"*.k8s.example.com\" ]; use_backend = "
    "\"api\"; },\n"
    "                    { tls = true; action = \"accept\"; },\n"
    "                    { prefix = \"SSH-2.0-\"; src = \"192.0.2.0/24\"; use_backend = \"ssh\"; "
    "},\n"
    "                    { action = \"reject\"; } ); };\n"
    "};\n"
    ".Ed\n"
    ".Sh SEE ALSO\n"
    ".Xr vipd 8\n";

/* Text in mdoc: a backslash, and a line's first . or ', mean something there. A sentence a line. */
static void
prose(FILE *f, const char *s)
{
	bool start = true;

	for (; *s != '\0'; s++) {
		if (start && (*s == '.' || *s == '\''))
			fputs("\\&", f);
		if (*s == '\\')
			fputs("\\e", f);
		else if (*s == '-' && s[1] >= '0' && s[1] <= '9')
			fputs("\\-", f);
		else
			putc(*s, f);
		start = false;
		if (*s == '.' && s[1] == ' ' && s[2] >= 'A' && s[2] <= 'Z') {
			putc('\n', f);
			start = true;
			s++;
		}
	}
	putc('\n', f);
}

static const char *
key_text(const struct conf_key *k, int64_t v, char *buf, size_t size)
{
	char d[DURATION_TEXT];

	switch (k->kind) {
	case K_BOOL:
		return v != 0 ? "true" : "false";
	case K_ENUM:
		snprintf(buf, size, "\"%s\"", k->words[v]);
		return buf;
	case K_MS:
	case K_SECONDS:
		v = k->kind == K_SECONDS ? v * 1000 : v;
		if (v == 0)
			return "0";
		snprintf(buf, size, "\"%s\"", duration_format_ms(v, d, sizeof(d)));
		return buf;
	case K_FILEMODE:
		snprintf(buf, size, "\"%04o\"", (unsigned)v);
		return buf;
	default:
		snprintf(buf, size, "%" PRId64, v);
		return buf;
	}
}

static void
key_type(FILE *f, const struct conf_key *k)
{
	char a[64], b[64];

	switch (k->kind) {
	case K_BOOL:
		fputs("true or false", f);
		break;
	case K_ENUM:
		for (size_t i = 0; k->words[i] != NULL; i++)
			fprintf(f, "%s\"%s\"", i > 0 ? ", " : "", k->words[i]);
		break;
	case K_UINT:
	case K_INT:
	case K_PORT:
		fprintf(f, "number, %" PRId64 " to %" PRId64, k->min, k->max);
		break;
	case K_MS:
	case K_SECONDS:
		fprintf(f, "duration, %s to %s", key_text(k, k->min, a, sizeof(a)),
		    key_text(k, k->max, b, sizeof(b)));
		break;
	case K_FILEMODE:
		fputs("file mode, a string in octal", f);
		break;
	case K_GROUP:
		fputs("group", f);
		break;
	case K_CUSTOM:
		fputs(k->syntax != NULL ? k->syntax : "string", f);
		break;
	default:
		if (k->words != NULL)
			for (size_t i = 0; k->words[i] != NULL; i++)
				fprintf(f, "%s\"%s\"", i > 0 ? ", " : "", k->words[i]);
		else
			fputs("string", f);
	}
	if ((k->flags & F_SEVERAL) != 0)
		fputs("; one or several", f);
}

static void
key_default(FILE *f, const struct conf_key *k)
{
	char buf[64];

	if ((k->flags & F_REQUIRED) != 0) {
		fputs("; required", f);
		return;
	}
	if (k->kind == K_GROUP || (k->kind == K_CUSTOM && k->dflt_text == NULL) ||
	    ((k->flags & F_INPUT) != 0 && k->dflt_text == NULL))
		return;
	fputs("; default ", f);
	if (k->dflt_text != NULL)
		fputs(k->dflt_text, f);
	else if (k->kind == K_STRING || k->kind == K_STRINGS)
		fprintf(f, k->dflt_string != NULL ? "\"%s\"" : "none", k->dflt_string);
	else
		fputs(key_text(k, k->dflt, buf, sizeof(buf)), f);
}

static void
write_key(FILE *f, const struct conf_key *k)
{
	char value[1024] = "";
	FILE *m = fmemopen(value, sizeof(value), "w");

	if (m == NULL)
		return;
	key_type(m, k);
	key_default(m, k);
	fclose(m);
	fprintf(f, ".It Ic %s\n(", k->name);
	for (const char *s = value; *s != '\0'; s++)
		if (*s == '-' && s[1] >= '0' && s[1] <= '9' && (s == value || s[-1] == ' '))
			fputs("\\-", f);
		else
			putc(*s, f);
	fputs(".)\n", f);
	prose(f, k->text);
	if ((k->flags & F_MAIN) != 0)
		fputs("The main setting of the group.\n", f);
	if ((k->flags & F_DEFAULTS) != 0)
		fputs("Also in defaults.\n", f);
	if ((k->flags & F_MEMBER) != 0)
		fputs("Also in members.\n", f);
	if ((k->flags & F_RESTART) != 0)
		fputs("A change needs a restart.\n", f);
}

/* What needs a restart: from the table, so that it is all. */
static void
write_reload(FILE *f)
{
	fputs(".Sh RELOAD\n"
	      "A reload (SIGHUP,\n"
	      ".Ql vipctl reload )\n"
	      "changes every setting in place, but for these, which need a restart:\n"
	      ".Bl -item -compact -offset indent\n",
	    f);
	for (size_t i = 0; conf_scopes[i] != NULL; i++)
		for (size_t j = 0; j < conf_scopes[i]->n; j++)
			if ((conf_scopes[i]->keys[j].flags & F_RESTART) != 0)
				fprintf(f, ".It\n.Ic %s.%s\n", conf_scopes[i]->name,
				    conf_scopes[i]->keys[j].name);
	fputs(".It\n.Ic global.control ,\n"
	      "only the path of the first UNIX socket.\n"
	      ".It\n.Ic global.workers ,\n"
	      "only above the room that there is since the start.\n"
	      ".El\n"
	      "A file that changes one of them, and one with an error, is refused as a whole, with "
	      "a message\n"
	      "that names it; the configuration in force stays.\n"
	      "The same holds for more servers, backends or frontends than there is room for.\n"
	      ".Pp\n"
	      "A process that is slow to take the new one is waited for: 10 seconds, more for a "
	      "large file; the log\n"
	      "says for whom.\n"
	      "Then the reload is refused.\n"
	      "One that hangs or dies meanwhile is replaced, and its successor asked, once.\n",
	    f);
}

int
manual_write(FILE *f)
{
	fputs(head, f);
	for (size_t i = 0; conf_scopes[i] != NULL; i++) {
		const struct conf_scope *s = conf_scopes[i];

		fputs(".Sh ", f);
		for (const char *c = s->title; *c != '\0'; c++)
			putc(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c, f);
		putc('\n', f);
		prose(f, s->text);
		fputs(".Bl -tag -width Ds\n", f);
		for (size_t j = 0; j < s->n; j++)
			if ((s->keys[j].flags & F_RESOLVED) == 0)
				write_key(f, &s->keys[j]);
		fputs(".El\n", f);
	}
	fputs(session_lines, f);
	for (unsigned i = LOGFORMAT_SPACE + 1; i < LOGFORMAT_N; i++)
		fprintf(f, ".It \\&%%%s\n%s.\n", logformat_name(i), logformat_meaning(i));
	fputs(".El\n", f);
	fputs(log_lines, f);
	write_reload(f);
	fputs(tail, f);
	return ferror(f) ? -1 : 0;
}
