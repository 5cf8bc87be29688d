/* SPDX-License-Identifier: ISC */
/* Repeatable chance for the fuzz tests, and changes to bytes. One of it in a process. */
#ifndef TESTS_LIB_FUZZ_H
#define TESTS_LIB_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Begins with VIPD_FUZZ_SEED, else with seed, 0: another one each time; and says which it is. */
void fuzz_begin(uint64_t seed);
/* 0 ... below - 1; below 0: 0. */
uint32_t fuzz_below(uint32_t below);
/* One byte of buf, which has len of room bytes, the one at this place, is replaced by one of those
 * that the format likes, or has a bit flipped, or is taken out; or one comes before it. Returns the
 * length. */
size_t fuzz_byte(
    uint8_t *buf, size_t len, size_t room, size_t at, const uint8_t *liked, size_t n_liked);

#endif
