/* SPDX-License-Identifier: ISC */
/* What settings mean together: errors, and warnings about what has no effect. */
#ifndef CONF_CHECK_H
#define CONF_CHECK_H

#include "conf/read.h"

/* One object, when its settings have been read; s: where it stands. */
void check_backend(struct reader *, const struct conf_backend *, const config_setting_t *s);
void check_frontend(struct reader *, const struct conf_frontend *, const config_setting_t *s);
/* Content rules of a frontend of mode tcp. */
void check_rules(struct reader *, const struct conf_frontend *, const config_setting_t *s);
/* Do they leave nothing to default_backend? */
bool check_rules_take_all(const struct conf_frontend *);
/* The whole; also collects the files that it names. */
void check_conf(struct reader *, const config_setting_t *global);

#endif
