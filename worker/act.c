/* SPDX-License-Identifier: ISC */
/* Commands that change something. */
#include "worker/command.h"

const struct command act_commands[] = {
    {0},
};
