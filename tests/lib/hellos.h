/* SPDX-License-Identifier: ISC */
/* First messages of TLS clients and what is to be read from them: tests/data/tls-hellos.txt. */
#ifndef TESTS_LIB_HELLOS_H
#define TESTS_LIB_HELLOS_H

#include <stddef.h>
#include <stdint.h>

#define HELLOS_MOST 32
#define HELLO_ROOM  8192

struct hello_vector {
	char name[64];
	unsigned version;
	char sni[256];   /* "": none */
	char alpn[1024]; /* with commas; "": none */
	size_t len;
	uint8_t data[HELLO_ROOM];
};

/* Reads the file; ends the program when it cannot. Returns how many there are. */
size_t hellos_load(struct hello_vector v[HELLOS_MOST]);

#endif
