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
	return v > 0 && v < UINT32_MAX ? (uint32_t)v : 0;
}

uint32_t
boot_next(const char *dir)
{
	uint32_t was = last(dir), now = was != 0 ? was + 1 : (uint32_t)time(NULL);
	char b[16];
	int n = snprintf(b, sizeof(b), "%u\n", now);

	if (statefile_write(dir, FILE_NAME, b, (size_t)n, true) == -1)
		log_warning("cannot write %s/" FILE_NAME ": %s; after a restart with a wrong clock "
			    "other hosts may take our advertisements for old ones",
		    dir, strerror(errno));
	return now;
}
