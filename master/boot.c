/* SPDX-License-Identifier: ISC */
/* Counts the starts of vipd. */
#include "master/boot.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/log.h"
#include "master/statefile.h"

#define FILE_NAME "starts"

static uint32_t
last(const char *dir)
{
	struct buf b = BUF_MAX(64);
	unsigned long v =
	    statefile_read(dir, FILE_NAME, &b) == 0 ? strtoul(buf_text(&b), NULL, 10) : 0;

	buf_free(&b);
	return v < UINT32_MAX ? (uint32_t)v : 0;
}

uint32_t
boot_next(const char *dir)
{
	uint32_t was = last(dir), clock = (uint32_t)time(NULL), now = clock > was ? clock : was + 1;
	char b[16];
	int n = snprintf(b, sizeof(b), "%u\n", now);

	if (statefile_write(dir, FILE_NAME, b, (size_t)n, true) == -1)
		log_warning("cannot write %s/" FILE_NAME ": %s; after a restart with a wrong clock "
			    "other hosts may take our advertisements for old ones",
		    dir, strerror(errno));
	return now;
}

bool
boot_clock_ahead(int64_t *last_us, int64_t wall_us, int64_t boot_ns)
{
	int64_t was = *last_us;

	*last_us = wall_us - boot_ns / 1000;
	return was != 0 && *last_us - was > 60000000;
}
