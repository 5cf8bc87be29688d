/* SPDX-License-Identifier: ISC */
/* TLS contexts of a generation's probes, one per combination of settings. */
#ifndef CHECKER_TLS_H
#define CHECKER_TLS_H

#include <stddef.h>

#include "checker/state.h"

/* Reads OpenSSL's configuration file (the host's rules for TLS) while that is still possible; it is
 * carried out when the first probe needs it, so that OpenSSL costs no memory without one, or at
 * once when it names other files. */
void tls_start(void);

/* Certificates and keys come from coming, else from held; both must stay until tls_set_seal. NULL
 * when memory is short. */
struct tls_set *tls_set_new(const struct held *held, const struct held *coming);
/* The context for these settings, the set's; NULL with a reason. */
struct ssl_ctx_st *tls_set_get(
    struct tls_set *set, const struct conf_check *c, char *reason, size_t reason_size);
/* No more contexts will be asked for. */
void tls_set_seal(struct tls_set *set);
void tls_set_free(struct tls_set *set);

#endif
