/* SPDX-License-Identifier: ISC */
/* The test server's options; see vback.h. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/vback.h"
#include "tests/lib/vmsg.h"

const char *const vback_mode_names[M_N] = {"msg", "echo", "name", "line", "http", "sink",
    "halfclose", "srvfin", "source", "close", "rst", "hold", "never"};
struct vback_opt vback_opt = {
    .name = "s", .addr = "127.0.0.1:0", .backlog = 4096, .ready_status = 200};

bool
vback_mode_parse(const char *s)
{
	for (int i = 0; i < M_N; i++)
		if (strcmp(s, vback_mode_names[i]) == 0) {
			vback_opt.mode = (enum vback_mode)i;
			return true;
		}
	return false;
}

static void
usage(void)
{
	fprintf(stderr,
	    "usage: vback [-m MODE] [-l ADDRESS:PORT] [-n NAME] [-b BYTES] [-r READ_RATE]\n"
	    "    [-w WRITE_RATE] [-R RCVBUF] [-S SNDBUF] [-B BACKLOG] [-s READYZ_STATUS]\n"
	    "    [-C CONTROL_SOCKET]\n"
	    "modes:");
	for (int i = 0; i < M_N; i++)
		fprintf(stderr, " %s", vback_mode_names[i]);
	fprintf(stderr, "\nSIGUSR1 flips /readyz between 200 and 503. SIGTERM: counts as JSON.\n");
	exit(2);
}

void
vback_options(int argc, char **argv)
{
	int o;

	while ((o = getopt(argc, argv, "m:l:n:b:r:w:R:S:B:s:C:")) != -1) {
		switch (o) {
		case 'm':
			if (!vback_mode_parse(optarg))
				usage();
			break;
		case 'l':
			vback_opt.addr = optarg;
			break;
		case 'n':
			vback_opt.name = optarg;
			break;
		case 'b':
			vback_opt.bytes = (uint64_t)tool_size(optarg);
			break;
		case 'r':
			vback_opt.read_rate = tool_size(optarg);
			break;
		case 'w':
			vback_opt.write_rate = tool_size(optarg);
			break;
		case 'R':
			vback_opt.rcvbuf = (int)tool_size(optarg);
			break;
		case 'S':
			vback_opt.sndbuf = (int)tool_size(optarg);
			break;
		case 'B':
			vback_opt.backlog = atoi(optarg);
			break;
		case 's':
			vback_opt.ready_status = atoi(optarg);
			break;
		case 'C':
			vback_opt.control = optarg;
			break;
		default:
			usage();
		}
	}
	if (optind != argc || vback_opt.read_rate < 0 || vback_opt.write_rate < 0)
		usage();
}
