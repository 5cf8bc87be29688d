/* SPDX-License-Identifier: ISC */
/*
 * The quickstart's demo server: answers every HTTP request with its own name in the first line of
 * the body, and what it was asked in the second. Run by a forked child of the master.
 */
#ifndef WORKER_DEMO_H
#define WORKER_DEMO_H

/* Serves listen_fd (listening, non-blocking) until the parent dies. Returns an exit code, only on
 * failure. */
int demo_main(const char *name, int listen_fd);

#endif
