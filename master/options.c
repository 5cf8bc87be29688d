/* SPDX-License-Identifier: ISC */
/* vipd's command line. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "master/master.h"

static void
usage(FILE *f)
{
	fputs(
	    "usage: vipd -f FILE [-D] [-p PIDFILE] [-t] [--host NAME] [--all-hosts] [--demo]\n"
	    "       vipd -V | -h\n"
	    "  -f FILE      configuration, see vipd.conf(5)\n"
	    "  -D           detach when everything is ready\n"
	    "  -p PIDFILE   write the master's process number\n"
	    "  -t           check the configuration and exit with 0 (good) or 1\n"
	    "  --host NAME  be this member of the configuration (default: by this host's "
	    "addresses)\n"
	    "  --all-hosts  with -t: check for every member\n"
	    "  --demo       start a demo server for each server on loopback (quickstart)\n"
	    "  -V           version\n"
	    "signals: TERM stops, sessions may finish; INT ends at once; HUP reloads; USR1 writes\n"
	    "         statistics to stats_file\n",
	    f);
}

/* Arguments are copied: the process title is written over argv. */
int
options_parse(struct options *o, int argc, char **argv)
{
	static const struct option longs[] = {{"host", required_argument, NULL, 1},
	    {"all-hosts", no_argument, NULL, 2}, {"demo", no_argument, NULL, 3},
	    {"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'V'}, {0}};
	int c;

	while ((c = getopt_long(argc, argv, "f:Dp:tVh", longs, NULL)) != -1) {
		switch (c) {
		case 'f':
			o->file = strdup(optarg);
			break;
		case 'D':
			o->daemon = true;
			break;
		case 'p':
			o->pidfile = strdup(optarg);
			break;
		case 't':
			o->check = true;
			break;
		case 1:
			o->host = strdup(optarg);
			break;
		case 2:
			o->all_hosts = true;
			break;
		case 3:
			o->demo = true;
			break;
		case 'V':
			printf("vipd %s\n", VIPD_VERSION);
			return 0;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "vipd: unexpected argument: %s\n", argv[optind]);
		usage(stderr);
		return 2;
	}
	if (o->file == NULL) {
		fputs("vipd: no configuration: give -f FILE\n", stderr);
		usage(stderr);
		return 2;
	}
	return -1;
}
