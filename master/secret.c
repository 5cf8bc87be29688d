/* SPDX-License-Identifier: ISC */
/* Who may read the files with secrets. Runs in the master, when it reads a configuration. */
#include "master/secret.h"

#include <stdio.h>
#include <sys/stat.h>

#include "conf/msgs.h"

static bool
is_open(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && (st.st_mode & S_IROTH) != 0;
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
