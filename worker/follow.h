/* SPDX-License-Identifier: ISC */
/*
 * Sessions that have no server yet follow the configuration: a reload that replaces servers
 * concerns those who wait for one. With a server a session keeps its generation to its end.
 */
#ifndef WORKER_FOLLOW_H
#define WORKER_FOLLOW_H

#include "worker/session.h"

#define FOLLOW_LOOK_MS 2 /* how often is looked again while a reload is under way */

/* Brings a session that holds no place and stands in no queue to the generation in force, if its
 * frontend is still there; else it goes on as it began. False: the frontend is there, but the
 * backend that a content rule chose is not: nothing is left for the session. */
bool follow(struct session *s);

/* There is no server, but a reload is under way (prepared here, or not yet carried out by the
 * checker, which publishes schedules) and it has not waited for too long: worth another look. */
bool follow_soon(const struct session *s);

/* After a commit: those that stand in queues. */
void follow_waiting(struct worker *w);

#endif
