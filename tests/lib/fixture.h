/* SPDX-License-Identifier: ISC */
/*
 * A segment made by hand for tests of what reads it: two workers, frontends "fe" (tcp) and "mon"
 * (http), backend "be" with servers s1 .. s3, backend "web" without a usable server. Every counter
 * has a number of its own. The test process is the master and may write everywhere.
 */
#ifndef TESTS_LIB_FIXTURE_H
#define TESTS_LIB_FIXTURE_H

#include "lib/mono.h"
#include "shm/segment.h"

/* The time that the fixture's instants are before: 1,000 s after boot; started 100 s ago. */
#define FIXTURE_NOW ((struct mono){1000ll * 1000000000 + 500000000})

void fixture_make(struct shm *s);

/* Writable views. */
struct shm_worker *fixture_worker(const struct shm *s, unsigned w);
struct shm_health *fixture_health(const struct shm *s, uint32_t srv);
struct shm_sched *fixture_sched(const struct shm *s, uint32_t be);
struct shm_checker *fixture_checker(const struct shm *s);

/* Adds objects to the directory; id as given. Return the slot. */
uint32_t fixture_frontend(const struct shm *s, const char *name, uint32_t id, bool http);
uint32_t fixture_backend(const struct shm *s, const char *name, uint32_t id);
uint32_t fixture_server(
    const struct shm *s, uint32_t be, const char *name, uint32_t id, const char *addr);

#endif
