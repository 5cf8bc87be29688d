/* SPDX-License-Identifier: ISC */
/* Small files in the state directory, replaced whole or not at all. Master. */
#ifndef MASTER_STATEFILE_H
#define MASTER_STATEFILE_H

#include <stdbool.h>

#include "lib/buf.h"

#define STATEFILE_MAX (4u << 20)

/* Appends what is in dir/name. Returns 0, or -1 with errno (ENOENT: no such file; EFBIG). */
int statefile_read(const char *dir, const char *name, struct buf *out);

/* whole: also when the power fails (waits for the disk). Returns 0, or -1 with errno. */
int statefile_write(const char *dir, const char *name, const char *text, size_t len, bool whole);

#endif
