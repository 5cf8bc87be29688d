/* SPDX-License-Identifier: ISC */
/* The reader's own: what the functions of rows use to read their values and to complain. */
#ifndef CONF_READ_H
#define CONF_READ_H

#include <stdbool.h>
#include <stddef.h>

#include <libconfig.h>

#include "conf/arena.h"
#include "conf/conf.h"
#include "conf/source.h"
#include "conf/table.h"

struct reader_msg {
	unsigned line; /* of the text */
	enum conf_severity severity;
	const char *text;
};

struct reader {
	struct conf *conf;
	struct conf_arena *arena;
	struct source src;
	const struct conf_host *host;
	bool canonical;   /* text that conf_print wrote: no warnings */
	bool mute;        /* settings that were complained about already */
	unsigned only;    /* rows without this flag, and unknown ones, are passed over */
	unsigned forbid;  /* rows with one of these flags may not stand here ... */
	const char *here; /* ... that is, in this place */
	char path[512];
	size_t n_msgs;
	size_t n_errors; /* those that are not in msgs included */
	size_t n_warnings;
	size_t n_before; /* messages before the object under work */
	struct reader_msg *msgs;
	const config_setting_t *defaults;
	bool resolved;       /* vrrp.self stands in the text: members need no choosing */
	int *script_weights; /* of vrrp.scripts: what a track of them begins with */
	const config_setting_t *servers; /* of the backend under work */
	const config_setting_t *named;   /* element of a list: its name has been read */
};

void rd_error(struct reader *, const config_setting_t *, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void rd_warn(struct reader *, const config_setting_t *, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* About an object whose place is known, when its setting is gone; line of the text. */
void rd_complain(struct reader *, enum conf_severity, unsigned line, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* About an object of the model. */
void rd_at(struct reader *, enum conf_severity, struct conf_where, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* The path of the setting under work, for messages. rd_pop takes what rd_push returned. */
size_t rd_push(struct reader *, const char *name);
void rd_pop(struct reader *, size_t mark);

struct conf_where rd_where(const struct reader *, const config_setting_t *);
unsigned rd_line(const config_setting_t *);
const char *rd_name(const config_setting_t *);

/* What a setting is, for messages: "a list ( )". */
const char *rd_type(const config_setting_t *);
/* A string of the arena, or NULL after a message that says what was expected. */
const char *rd_string(struct reader *, const config_setting_t *, const char *expected);
/* The value of a row of a simple kind. Returns 0, or -1 after a message. */
int rd_value(struct reader *, const struct conf_key *, void *obj, const config_setting_t *);
/* The settings of a group, or the short form. */
void rd_group(struct reader *, const struct conf_scope *, void *obj, const config_setting_t *);
/* "One, an array or a list": how many, and the i-th. */
size_t rd_count(const config_setting_t *);
const config_setting_t *rd_elem(const config_setting_t *, size_t i);

/* A key of a group, '-' and '_' alike, or NULL; "timeout.client" looks into timeout. */
const config_setting_t *rd_find(const config_setting_t *g, const char *name);

/* Objects with names: a group keyed by name, or a list of groups with "name". each is called with
 * the name (in the arena, checked, not seen before). */
typedef void (*rd_each)(struct reader *, void *arg, const char *name, const config_setting_t *);
void rd_objects(
    struct reader *, const config_setting_t *, const char *what, rd_each each, void *arg);

/* There is none of this name; says which may be meant. */
void rd_no_backend(struct reader *, const config_setting_t *, const char *name);

/* "10.0.0.1:80" and the like. Returns 0, or -1 after a message. example: for messages. */
int rd_address(struct reader *, const config_setting_t *, const char *text, bool need_port,
    const char *example, struct sock_addr *out);

/* What stands behind the "@" of "fd@3" or "fd@NAME"; NULL after a message. */
const char *rd_inherited(struct reader *, const config_setting_t *, const char *text);
/* Networks, one or several, added to *nets. */
void rd_nets(struct reader *, const config_setting_t *, struct sock_net **nets, size_t *n,
    const char *nobody);

/* Functions of rows (settings.c names them). */
#define READ_PRINT(x)                                                                              \
	void read_##x(struct reader *, const struct conf_key *, void *, const config_setting_t *); \
	void print_##x(struct printer *, const struct conf_key *, const void *)
READ_PRINT(logs);
READ_PRINT(controls);
READ_PRINT(control_address);
READ_PRINT(binds);
READ_PRINT(bind_address);
READ_PRINT(proxies);
READ_PRINT(rules);
READ_PRINT(rule_src);
void read_v6only(struct reader *, const struct conf_key *, void *, const config_setting_t *);
READ_PRINT(access);
READ_PRINT(backend_name);
READ_PRINT(log_format);
READ_PRINT(backend_names);
READ_PRINT(status);
READ_PRINT(check);
READ_PRINT(servers);
READ_PRINT(server_address);
READ_PRINT(server_source);
READ_PRINT(server_keepalive);
READ_PRINT(default_server);
READ_PRINT(log_address);
READ_PRINT(send_hostname);
READ_PRINT(addresses);
READ_PRINT(address);
READ_PRINT(broadcast);
READ_PRINT(peers);
READ_PRINT(peer_address);
READ_PRINT(src_ip);
READ_PRINT(tracks);
READ_PRINT(member_address);
READ_PRINT(argv);
void read_state(struct reader *, const struct conf_key *, void *, const config_setting_t *);
void read_preempt(struct reader *, const struct conf_key *, void *, const config_setting_t *);
void read_nopreempt(struct reader *, const struct conf_key *, void *, const config_setting_t *);
void read_auth_type(struct reader *, const struct conf_key *, void *, const config_setting_t *);
void read_track_names(struct reader *, const struct conf_key *, void *, const config_setting_t *);

/* The servers of a backend, when its other settings have been read. */
void servers_read(struct reader *, struct backend_input *);

#endif
