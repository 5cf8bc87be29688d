/* SPDX-License-Identifier: ISC */
/* Messages of one reading: they outlive the configuration, so each owns its words. */
#include "conf/msgs.h"

#include <stdlib.h>
#include <string.h>

void
msgs_add(
    struct conf_msgs *m, enum conf_severity severity, struct conf_where where, const char *text)
{
	size_t nf = where.file != NULL ? strlen(where.file) + 1 : 0, nt = strlen(text) + 1;
	char *block;

	if (m == NULL)
		return;
	if (m->n == m->cap) {
		size_t cap = m->cap == 0 ? 16 : 2 * m->cap;
		struct conf_msg *v = realloc(m->v, cap * sizeof(*v));

		if (v == NULL)
			abort();
		m->v = v;
		m->cap = cap;
	}
	block = malloc(nt + nf);
	if (block == NULL)
		abort();
	/* Parts of it may come from a string of the file: one line, nothing for the terminal. */
	for (size_t i = 0; i < nt; i++)
		block[i] = (text[i] > 0 && text[i] < ' ') || text[i] == 0x7f ? '?' : text[i];
	if (nf != 0)
		memcpy(block + nt, where.file, nf);
	m->v[m->n].severity = severity;
	m->v[m->n].where.file = nf != 0 ? block + nt : NULL;
	m->v[m->n].where.line = where.line;
	m->v[m->n].text = block;
	m->n++;
	if (severity == CONF_ERROR)
		m->n_errors++;
}

void
conf_msgs_free(struct conf_msgs *m)
{
	for (size_t i = 0; i < m->n; i++)
		free((void *)(uintptr_t)m->v[i].text);
	free(m->v);
	memset(m, 0, sizeof(*m));
}

void
conf_msgs_print(const struct conf_msgs *m, FILE *f)
{
	for (size_t i = 0; i < m->n; i++) {
		const struct conf_msg *msg = &m->v[i];

		if (msg->where.file != NULL)
			fprintf(f, "%s:", msg->where.file);
		if (msg->where.line != 0)
			fprintf(f, "%u:", msg->where.line);
		fprintf(f, "%s%s: %s\n", msg->where.file != NULL ? " " : "",
		    msg->severity == CONF_ERROR ? "error" : "warning", msg->text);
	}
}
