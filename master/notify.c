/* SPDX-License-Identifier: ISC */
/* What the service manager is told. */
#include "master/notify.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/mono.h"

static struct sockaddr_un to;
static socklen_t to_len;
static long long watchdog_us;

static void
watchdog_read(void)
{
	const char *us = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");

	if (us != NULL && (pid == NULL || atoll(pid) == (long long)getpid()))
		watchdog_us = atoll(us);
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

void
notify_init(void)
{
	const char *path = getenv("NOTIFY_SOCKET");

	watchdog_read();
	if (path == NULL || (path[0] != '/' && path[0] != '@') ||
	    strlen(path) >= sizeof(to.sun_path))
		return;
	to.sun_family = AF_UNIX;
	strcpy(to.sun_path, path);
	to_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	if (path[0] == '@')
		to.sun_path[0] = '\0';
	unsetenv("NOTIFY_SOCKET");
}

void
notify_send(const char *fmt, ...)
{
	char text[512];
	va_list ap;
	int fd;

	if (to_len == 0)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return;
	/* A manager that does not listen is no reason for anything. */
	(void)!sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&to, to_len);
	close(fd);
}

bool
notify_wanted(void)
{
	return to_len != 0;
}

void
notify_reloading(void)
{
	notify_send("RELOADING=1\nMONOTONIC_USEC=%lld\n", (long long)(mono_now().ns / 1000));
}

long long
notify_watchdog_us(void)
{
	return watchdog_us;
}
