/* SPDX-License-Identifier: ISC */
#include "tests/lib/decide_text.h"

#include <stdio.h>

const char *
decide_out_text(const struct decide_out *out, char *buf, size_t size)
{
	size_t n = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < out->n && n < size; i++) {
		const struct decide_action *a = &out->a[i];

		n += (size_t)snprintf(
		    buf + n, size - n, "%s%s", i > 0 ? " " : "", decide_do_text(a->kind));
		if (n >= size)
			break;
		if (a->kind == DECIDE_DO_SEND || a->kind == DECIDE_DO_SEND_LAST)
			n += (size_t)snprintf(buf + n, size - n, ":%u", a->priority);
		else if (a->kind == DECIDE_DO_ROLE)
			n += (size_t)snprintf(buf + n, size - n, ":%s>%s",
			    decide_role_text(a->from), decide_role_text(a->role));
		else if (a->kind == DECIDE_DO_ALARM)
			n += (size_t)snprintf(buf + n, size - n, ":%d", (int)a->alarm);
	}
	return buf;
}

const char *
decide_in_text(const struct decide_in *in, char *buf, size_t size)
{
	const char *name = decide_input_text(in->kind);

	switch (in->kind) {
	case DECIDE_IN_ADVERT:
		snprintf(buf, size, "%s .%u p%u%s", name, in->advert.src.b[3], in->advert.priority,
		    in->advert.differs ? " differs" : "");
		break;
	case DECIDE_IN_HEALTH:
		snprintf(
		    buf, size, "%s %s p%u", name, band_text(in->health.band), in->health.priority);
		break;
	case DECIDE_IN_LINK:
		snprintf(buf, size, "%s %s", name, in->link ? "up" : "down");
		break;
	case DECIDE_IN_FAULT:
		snprintf(buf, size, "%s %x", name, in->fault);
		break;
	case DECIDE_IN_FRESH:
		snprintf(buf, size, "%s %s", name, in->fresh ? "pass" : "fail");
		break;
	case DECIDE_IN_START:
		snprintf(buf, size, "%s%s%s", name, in->start.resumed ? " resumed as " : "",
		    in->start.resumed ? decide_role_text(in->start.saved.role) : "");
		break;
	default:
		snprintf(buf, size, "%s", name);
		break;
	}
	return buf;
}
