/* SPDX-License-Identifier: ISC */
/* What the files of commands that change something share. */
#ifndef WORKER_ACT_H
#define WORKER_ACT_H

#include "worker/command.h"

/* Asks the checker about a server, with run->text; then done. */
bool act_ask_server(struct command_run *run, uint32_t kind, uint32_t srv, uint32_t argument,
    bool (*done)(struct command_run *, uint32_t result));
/* What a result means, for most commands about servers. */
bool act_server_done(struct command_run *run, uint32_t result);

/* actaddr.c; argv: behind the word "addr", "check-addr", "check-port". */
bool act_set_addr(struct command_run *run, uint32_t srv, int argc, char **argv);
bool act_set_check_addr(struct command_run *run, uint32_t srv, int argc, char **argv);
bool act_set_check_port(struct command_run *run, uint32_t srv, int argc, char **argv);

#endif
