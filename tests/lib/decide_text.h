/* SPDX-License-Identifier: ISC */
/* Inputs and actions of the VRRP decision as short text, for tests and their traces. */
#ifndef TESTS_LIB_DECIDE_TEXT_H
#define TESTS_LIB_DECIDE_TEXT_H

#include <stddef.h>

#include "vrrp/decide.h"

/* "SEND:186 ROLE:BACKUP>MASTER ADD ARP_START". Returns buf. */
const char *decide_out_text(const struct decide_out *out, char *buf, size_t size);
/* "ADVERT 2 p186". Returns buf. */
const char *decide_in_text(const struct decide_in *in, char *buf, size_t size);

#endif
