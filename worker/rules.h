/* SPDX-License-Identifier: ISC */
/*
 * Content rules of a frontend: which one takes a session, by what is known of its client so far.
 * Pure.
 */
#ifndef WORKER_RULES_H
#define WORKER_RULES_H

#include "lib/tlshello.h"
#include "worker/gen.h"

struct rules_facts {
	const struct sock_addr *client;
	const uint8_t *data; /* the client's first bytes, as far as they are there */
	size_t len;
	bool complete;                /* no more will come, or none is waited for */
	enum tlshello_result tls;     /* what data are; TLSHELLO_MORE while nothing was looked at */
	const struct tlshello *hello; /* TLSHELLO_OK */
};

enum rules_verdict {
	RULES_WAIT = 0, /* bytes are missing; never if they are complete */
	RULES_PASS,     /* to the default backend: accept, or no rule holds */
	RULES_REJECT,
	RULES_USE /* to the rule's backend */
};

/*
 * The first rule all of whose conditions hold. One that cannot be decided yet waits for more bytes,
 * also if a later one would hold (HAProxy, tcp-request content); a condition that does not hold
 * decides its rule, whatever the others are. *which: the rule, NULL for none.
 */
enum rules_verdict rules_decide(const struct gen_rule *rules, size_t n, const struct rules_facts *f,
    const struct gen_rule **which);

/* Does a name of len bytes match "db.example.com", "*.example.com" or "*"? */
bool rules_name_matches(const char *pattern, const char *name, size_t len);

#endif
