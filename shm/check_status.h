/* SPDX-License-Identifier: ISC */
/*
 * Words for the result of a probe, as HAProxy's "check_status" column and log lines know them.
 * shm_health.status is an index of this list.
 */
#ifndef SHM_CHECK_STATUS_H
#define SHM_CHECK_STATUS_H

#include <stdbool.h>
#include <stdint.h>

/* name, word, what it means, 1: the server passed */
#define CHECK_STATUS_LIST(X)                                      \
	X(UNK, "UNK", "Unknown", 0)                               \
	X(INI, "INI", "Initializing", 0)                          \
	X(SOCKERR, "SOCKERR", "Socket error", 0)                  \
	X(L4OK, "L4OK", "Layer4 check passed", 1)                 \
	X(L4TOUT, "L4TOUT", "Layer4 timeout", 0)                  \
	X(L4CON, "L4CON", "Layer4 connection problem", 0)         \
	X(L6OK, "L6OK", "Layer6 check passed", 1)                 \
	X(L6TOUT, "L6TOUT", "Layer6 timeout", 0)                  \
	X(L6RSP, "L6RSP", "Layer6 invalid response", 0)           \
	X(L7OK, "L7OK", "Layer7 check passed", 1)                 \
	X(L7OKC, "L7OKC", "Layer7 check conditionally passed", 1) \
	X(L7TOUT, "L7TOUT", "Layer7 timeout", 0)                  \
	X(L7RSP, "L7RSP", "Layer7 invalid response", 0)           \
	X(L7STS, "L7STS", "Layer7 wrong status", 0)

#define CHECK_STATUS_ENUM(name, word, text, pass) CHECK_##name,
enum check_status { CHECK_STATUS_LIST(CHECK_STATUS_ENUM) CHECK_STATUSES };
#undef CHECK_STATUS_ENUM

/* "L4OK" and so on; "UNK" for numbers outside the list. */
static inline const char *
check_status_word(uint32_t status)
{
#define CHECK_STATUS_WORD(name, word, text, pass) word,
	static const char *const words[] = {CHECK_STATUS_LIST(CHECK_STATUS_WORD)};
#undef CHECK_STATUS_WORD

	return words[status < CHECK_STATUSES ? status : 0];
}

/* The meaning in words, for logs and the statistics page. */
static inline const char *
check_status_text(uint32_t status)
{
#define CHECK_STATUS_TEXT(name, word, text, pass) text,
	static const char *const texts[] = {CHECK_STATUS_LIST(CHECK_STATUS_TEXT)};
#undef CHECK_STATUS_TEXT

	return texts[status < CHECK_STATUSES ? status : 0];
}

static inline bool
check_status_passed(uint32_t status)
{
#define CHECK_STATUS_PASS(name, word, text, pass) pass,
	static const bool passes[] = {CHECK_STATUS_LIST(CHECK_STATUS_PASS)};
#undef CHECK_STATUS_PASS

	return passes[status < CHECK_STATUSES ? status : 0];
}

#endif
