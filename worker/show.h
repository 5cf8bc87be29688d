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

/* showsess.c */
bool show_sess_run(struct command_run *, int argc, char **argv);

#endif
