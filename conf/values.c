/* SPDX-License-Identifier: ISC */
/* What strings must look like. Pure. */
#include "conf/values.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX_MOST 256
#define TOKEN       "!#$%&'*+-.^_`|~" /* besides letters and digits; RFC 9110 section 5.6.2 */

int
check_path(const char *s, const char **why)
{
	*why = "a path begins with /";
	return s[0] == '/' ? 0 : -1;
}

int
check_uri_path(const char *s, const char **why)
{
	*why = "it begins with / and has no blanks";
	if (s[0] != '/')
		return -1;
	for (; *s != '\0'; s++)
		if ((unsigned char)*s <= 0x20 || (unsigned char)*s >= 0x7f)
			return -1;
	return 0;
}

static size_t
token_len(const char *s)
{
	size_t n = 0;

	while (s[n] != '\0' && (isalnum((unsigned char)s[n]) || strchr(TOKEN, s[n]) != NULL))
		n++;
	return n;
}

int
check_token(const char *s, const char **why)
{
	*why = "a word such as GET or HEAD";
	return s[0] != '\0' && s[token_len(s)] == '\0' ? 0 : -1;
}

int
check_header_value(const char *s, const char **why)
{
	*why = "printable characters, not empty";
	if (*s == '\0')
		return -1;
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return -1;
	return 0;
}

int
check_header(const char *s, const char **why)
{
	size_t n = token_len(s);
	const char *ignored;

	if (n == 0 || s[n] != ':' || check_header_value(s, &ignored) == -1) {
		*why = "a header is written \"Name: value\"";
		return -1;
	}
	return 0;
}

int
check_secret(const char *s, const char **why)
{
	*why = "VRRP carries 8 bytes: shorten it (keepalived cuts it there)";
	return strlen(s) <= 8 ? 0 : -1;
}

int
check_interface(const char *s, const char **why)
{
	size_t n = strlen(s);

	*why = "a network interface has 1 to 15 characters, no blanks and no /";
	if (n == 0 || n > 15 || strpbrk(s, " \t/") != NULL)
		return -1;
	return 0;
}

int
check_sni(const char *s, const char **why)
{
	size_t n;

	*why = "a host's name such as \"db.example.com\", \"*.example.com\", or \"*\" for any";
	if (strcmp(s, "*") == 0)
		return 0;
	if (strncmp(s, "*.", 2) == 0)
		s += 2;
	n = strlen(s);
	if (n == 0 || n > 255 || s[0] == '.' || s[n - 1] == '.')
		return -1;
	for (; *s != '\0'; s++)
		if (!isalnum((unsigned char)*s) && strchr("-_.", *s) == NULL)
			return -1;
	return 0;
}

int
check_alpn(const char *s, const char **why)
{
	*why = "1 to 255 printable characters without blanks";
	if (*s == '\0' || strlen(s) > 255)
		return -1;
	for (; *s != '\0'; s++)
		if ((unsigned char)*s <= 0x20 || (unsigned char)*s >= 0x7f)
			return -1;
	return 0;
}

int
check_prefix(const char *s, const char **why)
{
	*why = "1 to 256 bytes of ASCII; write others as prefix_hex";
	if (*s == '\0' || strlen(s) > PREFIX_MOST)
		return -1;
	for (; *s != '\0'; s++)
		if ((unsigned char)*s >= 0x80)
			return -1;
	return 0;
}

int
check_prefix_hex(const char *s, const char **why)
{
	size_t n = strlen(s);

	*why = "1 to 256 bytes, each as two digits of hexadecimal";
	return n > 0 && n % 2 == 0 && n <= 2 * PREFIX_MOST &&
		       strspn(s, "0123456789abcdefABCDEF") == n
		   ? 0
		   : -1;
}

int
check_sync_group(const char *s, const char **why)
{
	static const char ok[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:";
	size_t n = strlen(s);

	*why = "a name has 1 to 63 letters, digits, - _ . and :";
	return n >= 1 && n <= 63 && strspn(s, ok) == n ? 0 : -1;
}

int
check_scope(const char *s, const char **why)
{
	*why = "global, link, host or a number to 255";
	if (strcmp(s, "global") == 0 || strcmp(s, "link") == 0 || strcmp(s, "host") == 0)
		return 0;
	return s[0] != '\0' && strlen(s) <= 3 && strspn(s, "0123456789") == strlen(s) &&
		       strtoul(s, NULL, 10) <= 255
		   ? 0
		   : -1;
}
