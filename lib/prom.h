/* SPDX-License-Identifier: ISC */
/*
 * Writes metrics in Prometheus' text format 0.0.4. All samples of a family come one after the
 * other, so the caller goes family by family. HELP and TYPE are written once, before the first
 * sample; a family without samples is not written. Failure shows in the buffer.
 */
#ifndef LIB_PROM_H
#define LIB_PROM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"

#define PROM_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

enum prom_type {
	PROM_COUNTER = 0, /* its name ends in _total */
	PROM_GAUGE
};

struct prom_label {
	const char *name;
	const char *value; /* NULL: the label is left out */
};

struct prom {
	struct buf *out;
	const char *name;
	const char *help;
	enum prom_type type;
	bool said;
};

void prom_init(struct prom *, struct buf *out);
/* Begins a family; the texts must live until the next one. The same name again goes on. */
void prom_family(struct prom *, const char *name, enum prom_type type, const char *help);

/* One sample of the family with n labels. Bytes in values that are not UTF-8 become U+FFFD. */
void prom_uint(struct prom *, const struct prom_label *labels, size_t n, uint64_t value);
void prom_int(struct prom *, const struct prom_label *labels, size_t n, int64_t value);
/* value / 1000, exactly. */
void prom_thousandths(struct prom *, const struct prom_label *labels, size_t n, uint64_t value);

#endif
