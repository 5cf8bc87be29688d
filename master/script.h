/* SPDX-License-Identifier: ISC */
/*
 * Runs the scripts that the configuration names, as their user: tracking scripts with a time limit,
 * notify scripts one after the other. The master never waits for one. Master.
 */
#ifndef MASTER_SCRIPT_H
#define MASTER_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "lib/loop.h"
#include "shm/proto.h"

struct scripts;

/* done is told a tracking script's wait status, or -1 when it could not run. NULL on no memory. */
struct scripts *scripts_new(
    struct loop *loop, void (*done)(void *ctx, uint64_t request, int status), void *ctx);
/* Calls idle each time the last notify script has ended. */
void scripts_on_idle(struct scripts *, void (*idle)(void *ctx));
/* Ends what runs. */
void scripts_free(struct scripts *);

/* Runs what a child asked for, looked up in c. Unknown names are logged and answered by -1. */
void scripts_run(
    struct scripts *, const struct conf *c, uint64_t request, const struct proto_run *run);

/* Notify scripts run or wait. */
bool scripts_busy(const struct scripts *);

/*
 * May this file be run as a privileged user's script? Absolute, a regular executable file, and
 * neither it nor a folder above it writable by group or others or owned by somebody else than root
 * or uid (keepalived's enable_script_security). Returns NULL, and in buf the file that path leads
 * to, which is what to execute: a link on the way may be another's. Or what is wrong with it, in
 * buf.
 */
const char *script_check(const char *path, uid_t uid, char *buf, size_t size);

/* Splits a command line at blanks; quotes '..' and ".." keep blanks. Returns words (one allocation,
 * NULL-terminated, freed by the caller), or NULL for an open quote or nothing. */
char **script_split(const char *command);

/* Tracked scripts that cannot run, as this host does not have their user (severity: a script that
 * cannot run is a fault, so a reload must not bring one), or as script_check refuses the file (a
 * warning): a message each, in msgs. */
void scripts_check(const struct conf *c, enum conf_severity severity, struct conf_msgs *msgs);

#endif
