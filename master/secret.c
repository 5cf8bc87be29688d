/* SPDX-License-Identifier: ISC */
/* Who may read the files with secrets. Runs in the master, when it reads a configuration. */
#include "master/secret.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "conf/msgs.h"

/* Everybody may read it and pass all folders above. */
static bool
is_open(const char *path)
{
	char real[PATH_MAX], *slash;
	mode_t bit = S_IROTH;
	struct stat st;

	if (realpath(path, real) == NULL)
		return false;
	for (;;) {
		if (stat(real[0] != '\0' ? real : "/", &st) == -1 || (st.st_mode & bit) == 0)
			return false;
		slash = strrchr(real, '/');
		if (slash == NULL)
			return true;
		*slash = '\0';
		bit = S_IXOTH;
	}
}

static void
warn(struct conf_msgs *msgs, struct conf_where where, const char *what, const char *path)
{
	char text[512];

	snprintf(text, sizeof(text), "%s stands in a file that everybody may read: chmod o-r %s",
	    what, path);
	msgs_add(msgs, CONF_WARNING, where, text);
}

void
secrets_look(const struct conf *c, struct conf_msgs *msgs)
{
	for (size_t i = 0; i < c->n_secrets; i++)
		if (is_open(c->secrets[i].file))
			warn(msgs, c->secrets[i], "this secret", c->secrets[i].file);
	for (size_t i = 0; i < c->n_files; i++)
		if ((c->files[i].kind == CONF_FILE_CRT || c->files[i].kind == CONF_FILE_KEY) &&
		    is_open(c->files[i].path))
			warn(msgs, (struct conf_where){c->files[i].path, 0}, "a key",
			    c->files[i].path);
}
