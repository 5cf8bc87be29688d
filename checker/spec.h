/* SPDX-License-Identifier: ISC */
/* From a server's check settings to what its probe does. */
#ifndef CHECKER_SPEC_H
#define CHECKER_SPEC_H

#include "checker/state.h"

/* Fills s->spec. Returns 0, or -1 with a reason. */
int spec_build(struct server *s, struct tls_set *tls, char *reason, size_t reason_size);
/* Aims the probes at where commands and the file want them. True when that is another address than
 * before; a probe under way must not be. */
bool spec_aim(struct server *s);
void spec_fini(struct probe_spec *spec);

#endif
