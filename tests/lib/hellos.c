/* SPDX-License-Identifier: ISC */
#include "tests/lib/hellos.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HELLOS_FILE "tests/data/tls-hellos.txt"

static void
read_hex(struct hello_vector *v, const char *text)
{
	unsigned b;

	for (v->len = 0; v->len < sizeof(v->data) && sscanf(text, "%2x", &b) == 1; text += 2)
		v->data[v->len++] = (uint8_t)b;
}

static void
no_dash(char *s)
{
	if (strcmp(s, "-") == 0)
		s[0] = '\0';
}

size_t
hellos_load(struct hello_vector v[HELLOS_MOST])
{
	FILE *f = fopen(HELLOS_FILE, "r");
	static char line[4 * HELLO_ROOM], hex[2 * HELLO_ROOM + 1];
	size_t n = 0;

	if (f == NULL) {
		perror(HELLOS_FILE);
		exit(1);
	}
	while (n < HELLOS_MOST && fgets(line, sizeof(line), f) != NULL) {
		struct hello_vector *x = &v[n];

		if (line[0] == '#')
			continue;
		if (sscanf(line, "%63s %x %255s %1023s %16384s", x->name, &x->version, x->sni,
			x->alpn, hex) != 5) {
			fprintf(stderr, "%s: cannot read %s\n", HELLOS_FILE, line);
			exit(1);
		}
		no_dash(x->sni);
		no_dash(x->alpn);
		read_hex(x, hex);
		n++;
	}
	fclose(f);
	return n;
}
