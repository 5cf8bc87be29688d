/* SPDX-License-Identifier: ISC */
/*
 * Writes rows of comma separated fields; a field is quoted as in RFC 4180 only when it must be.
 * Rows end in LF. Failure shows in the buffer.
 */
#ifndef LIB_CSV_H
#define LIB_CSV_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"

struct csv {
	struct buf *out;
	bool some; /* the row has a field */
};

void csv_init(struct csv *, struct buf *out);
/* NULL: an empty field. */
void csv_text(struct csv *, const char *text);
void csv_int(struct csv *, int64_t);
void csv_uint(struct csv *, uint64_t);
void csv_end(struct csv *);

#endif
