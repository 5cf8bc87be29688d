/* SPDX-License-Identifier: ISC */
/* The load generator's options; see vload.h. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/vload.h"

const char *const vload_mode_names[M_N] = {"short", "req", "half", "name", "http", "idle"};
struct vload_opt vopt = {
    .conns = 1, .per_conn = 1, .size = 100, .want = 100, .timeout_us = 10000000, .path = "/"};

static void
usage(void)
{
	fprintf(stderr,
	    "usage: vload [-m MODE] [-c CONNS] [-n TOTAL] [-t SECONDS] [-i EVERY_MS] [-k "
	    "PER_CONN]\n"
	    "    [-s SEND_BYTES] [-S ANSWER_BYTES] [-T TIMEOUT_MS] [-l SLOW_MS] [-p THINK_MS]\n"
	    "    [-q EVERY_MS] [-r READ_RATE] [-B RCVBUF] [-a SOURCES] [-u PATH] [-x] [-e] [-R] "
	    "TARGET...\n"
	    "  -i  a fresh connection each so many ms, whatever the others do (at most -c at "
	    "once)\n"
	    "  -q  a message each so many ms on one of the connections (mode req)\n"
	    "  -a  spread over so many source addresses 127.1.0.x    -x  close by RST\n"
	    "  -e  the server closes    -R  do not make and look at bodies, do not await the "
	    "connect (measuring)\n"
	    "  -l  list sessions slower than that    TARGET  ADDRESS:PORT or path, taken in turn\n"
	    "modes:");
	for (int i = 0; i < M_N; i++)
		fprintf(stderr, " %s", vload_mode_names[i]);
	fprintf(stderr, "\n");
	exit(2);
}

void
vload_options(int argc, char **argv)
{
	int o;

	while ((o = getopt(argc, argv, "m:c:n:t:i:k:q:s:S:T:l:p:r:B:a:u:xeR")) != -1) {
		switch (o) {
		case 'm':
			for (vopt.mode = 0; vopt.mode < M_N; vopt.mode++)
				if (strcmp(optarg, vload_mode_names[vopt.mode]) == 0)
					break;
			if (vopt.mode == M_N)
				usage();
			break;
		case 'c':
			vopt.conns = (uint32_t)atoi(optarg);
			break;
		case 'n':
			vopt.total = strtoull(optarg, NULL, 10);
			break;
		case 't':
			vopt.seconds = atof(optarg);
			break;
		case 'i':
			vopt.every_us = (uint64_t)(atof(optarg) * 1e3);
			break;
		case 'k':
			vopt.per_conn = (uint32_t)atoi(optarg);
			break;
		case 's':
			vopt.size = (uint64_t)tool_size(optarg);
			break;
		case 'S':
			vopt.want = (uint64_t)tool_size(optarg);
			break;
		case 'T':
			vopt.timeout_us = strtoull(optarg, NULL, 10) * 1000;
			break;
		case 'l':
			vopt.slow_us = strtoull(optarg, NULL, 10) * 1000;
			break;
		case 'q':
			vopt.pace_us = (uint64_t)(atof(optarg) * 1e3);
			break;
		case 'p':
			vopt.think_us = strtoull(optarg, NULL, 10) * 1000;
			break;
		case 'r':
			vopt.read_rate = tool_size(optarg);
			break;
		case 'B':
			vopt.rcvbuf = (int)tool_size(optarg);
			break;
		case 'a':
			vopt.spread = (uint32_t)atoi(optarg);
			break;
		case 'u':
			vopt.path = optarg;
			break;
		case 'x':
			vopt.rst = true;
			break;
		case 'e':
			vopt.server_closes = true;
			break;
		case 'R':
			vopt.raw = true;
			break;
		default:
			usage();
		}
	}
	if (optind == argc || vopt.conns == 0 || argc - optind > VLOAD_TARGETS ||
	    (vopt.total == 0 && vopt.seconds <= 0 && vopt.mode != M_IDLE))
		usage();
	for (; optind < argc; optind++, vopt.n_targets++)
		if (tool_address(argv[optind], &vopt.targets[vopt.n_targets],
			&vopt.target_len[vopt.n_targets]) == -1)
			usage();
	if (vopt.mode == M_IDLE)
		vopt.total = vopt.conns;
	if (vopt.mode != M_REQ && vopt.mode != M_HTTP)
		vopt.per_conn = 1;
}
