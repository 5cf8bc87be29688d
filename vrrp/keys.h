/* SPDX-License-Identifier: ISC */
/*
 * The file with the keys of HMAC. A line is "ID HEX": a number from 1 to 255 and 32 to 128
 * hexadecimal digits; '#' begins a comment. Several keys, so that one can be replaced while
 * hosts still sign with the other. Pure.
 */
#ifndef VRRP_KEYS_H
#define VRRP_KEYS_H

#include <stddef.h>

#include "vrrp/hmac.h"

#define KEYS_MAX 8

struct keys {
	size_t n;
	struct hmac_key v[KEYS_MAX];
};

/* Returns 0, or -1 with a reason that names the line but no secret. */
int keys_parse(struct keys *out, const char *text, size_t len, char *reason, size_t size);
/* The same, for a host that signs with the key sign_id: it must be there. */
int keys_take(
    struct keys *out, uint8_t sign_id, const char *text, size_t len, char *reason, size_t size);
/* The key with this id, or NULL. */
const struct hmac_key *keys_find(const struct keys *k, uint8_t id);

#endif
