/* SPDX-License-Identifier: ISC */
/* What strings must look like, for the rows of the table: 0, or -1 with the reason. */
#ifndef CONF_VALUES_H
#define CONF_VALUES_H

int check_path(const char *, const char **why);         /* an absolute path */
int check_uri_path(const char *, const char **why);     /* "/x" without blanks */
int check_token(const char *, const char **why);        /* an HTTP method */
int check_header(const char *, const char **why);       /* "Name: value" */
int check_header_value(const char *, const char **why); /* printable, not empty */
int check_secret(const char *, const char **why);       /* 1 to 8 bytes */
int check_interface(const char *, const char **why);    /* 1 to 15 bytes */
int check_sni(const char *, const char **why);          /* a name, "*.name" or "*" */
int check_alpn(const char *, const char **why);         /* 1 to 255 printable bytes */
int check_prefix(const char *, const char **why);       /* 1 to 256 bytes of ASCII */
int check_prefix_hex(const char *, const char **why);   /* 1 to 256 bytes, two digits each */
int check_scope(const char *, const char **why);        /* of an address */
int check_sync_group(const char *, const char **why);
int check_interface(const char *, const char **why); /* 1 to 15 bytes */
int check_scope(const char *, const char **why);     /* of an address */

#endif
