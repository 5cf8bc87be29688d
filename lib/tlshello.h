/* SPDX-License-Identifier: ISC */
/*
 * The first message of a TLS client (ClientHello: RFC 8446 section 4.1.2, RFC 5246
 * section 7.4.1.2): which name it asks for, which protocols it offers. Pure: bytes in, an answer
 * out; nothing is answered to the client and nothing is decrypted. With encrypted client hello the
 * name is the outer one.
 */
#ifndef LIB_TLSHELLO_H
#define LIB_TLSHELLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TLSHELLO_MOST 16384 /* bytes looked at, record headers included */

enum tlshello_result {
	TLSHELLO_MORE = 0, /* a beginning: ask again with more bytes */
	TLSHELLO_NONE,     /* no hello, one that breaks the rules, or longer than TLSHELLO_MOST */
	TLSHELLO_OK
};

struct tlshello {
	uint16_t version;           /* highest offered: 0x0301 TLS 1.0 .. 0x0304 TLS 1.3 */
	size_t sni_len;             /* 0: no name asked for */
	const char *sni;            /* as sent: no NUL in it and none behind it */
	size_t alpn_len;            /* 0: none offered */
	const char *alpn;           /* names, each behind a byte with its length */
	char joined[TLSHELLO_MOST]; /* a hello of several records, put together */
};

/*
 * Reads the hello at the beginning of data, which may come in several records; what follows it does
 * not matter. out is set with TLSHELLO_OK only; its pointers lead into data or into out itself.
 */
enum tlshello_result tlshello_parse(const void *data, size_t len, struct tlshello *out);

/* Is name (NUL-terminated) among the protocols offered? */
bool tlshello_offers(const struct tlshello *h, const char *name);

#endif
