/* SPDX-License-Identifier: ISC */
/* Commands that read, each in the file of its kind; their table is in show.c. */
#ifndef WORKER_SHOW_H
#define WORKER_SHOW_H

#include "worker/command.h"

/* showinfo.c */
bool show_info_run(struct command_run *, int argc, char **argv);
bool show_proc_run(struct command_run *, int argc, char **argv);
bool show_version_run(struct command_run *, int argc, char **argv);

/* showhost.c */
bool show_vrrp_run(struct command_run *, int argc, char **argv);
bool show_events_run(struct command_run *, int argc, char **argv);

/* explain.c */
bool explain_run(struct command_run *, int argc, char **argv);

/* showmore.c */
bool show_servers_conn_run(struct command_run *, int argc, char **argv);
bool show_health_run(struct command_run *, int argc, char **argv);
bool show_queue_run(struct command_run *, int argc, char **argv);
bool show_activity_run(struct command_run *, int argc, char **argv);
bool show_cli_sockets_run(struct command_run *, int argc, char **argv);
bool show_config_run(struct command_run *, int argc, char **argv);
void show_config_end(struct command_run *); /* of any command: frees what show config held */
bool show_env_run(struct command_run *, int argc, char **argv);

/* showwait.c */
bool wait_run(struct command_run *, int argc, char **argv);
void wait_end(struct command_run *); /* of any command: gives a place back that wait took */

/* showschema.c */
bool show_schema_run(struct command_run *, int argc, char **argv);

/* showerr.c */
bool show_errors_run(struct command_run *, int argc, char **argv);

/* showsess.c */
bool show_sess_run(struct command_run *, int argc, char **argv);

#endif
