/* SPDX-License-Identifier: ISC */
/* Who holds a port that is busy, for the message about it. Runs in the master. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "master/listener.h"

/* As the kernel prints an address in /proc/net/tcp and tcp6: words in this machine's order. */
static void
address_hex(const struct sock_addr *a, char *buf, size_t size)
{
	uint32_t w[4];

	memcpy(w, &a->in6.sin6_addr, sizeof(w));
	if (a->family == AF_INET)
		snprintf(buf, size, "%08X", a->in.sin_addr.s_addr);
	else
		snprintf(buf, size, "%08X%08X%08X%08X", w[0], w[1], w[2], w[3]);
}

/* Does a listener on this address, as printed, stand in the way of a bind to a? */
static bool
in_the_way(const char *hex, const struct sock_addr *a)
{
	char mine[33];

	if (strspn(hex, "0") == strlen(hex) || sock_addr_is_any(a))
		return true;
	address_hex(a, mine, sizeof(mine));
	/* One of IPv4 may be held by a socket of IPv6, mapped. */
	return strlen(hex) >= strlen(mine) && strcmp(hex + strlen(hex) - strlen(mine), mine) == 0;
}

/* Inode of a socket in a /proc/net table that listens where a would; 0: none. */
static unsigned long
port_inode(const char *table, const struct sock_addr *a)
{
	unsigned port = sock_addr_port(a);
	char line[512];
	unsigned long found = 0;
	FILE *f = fopen(table, "re");

	if (f == NULL)
		return 0;
	while (found == 0 && fgets(line, sizeof(line), f) != NULL) {
		unsigned p, st;
		unsigned long inode;
		char hex[33];

		if (sscanf(line,
			" %*d: %32[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*s %*s %*s %*s %*s %lu", hex,
			&p, &st, &inode) == 4 &&
		    st == 0x0a && p == port && in_the_way(hex, a))
			found = inode;
	}
	fclose(f);
	return found;
}

static bool
has_inode(const char *pid, unsigned long inode)
{
	char path[300], want[64], got[64];
	struct dirent *e;
	bool found = false;
	DIR *d;

	snprintf(want, sizeof(want), "socket:[%lu]", inode);
	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	d = opendir(path);
	if (d == NULL)
		return false;
	while (!found && (e = readdir(d)) != NULL) {
		ssize_t n = readlinkat(dirfd(d), e->d_name, got, sizeof(got) - 1);

		if (n > 0) {
			got[n] = '\0';
			found = strcmp(got, want) == 0;
		}
	}
	closedir(d);
	return found;
}

static void
comm_read(const char *pid, char *buf, size_t size)
{
	char path[300];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	f = fopen(path, "re");
	if (f == NULL || fgets(buf, (int)size, f) == NULL)
		snprintf(buf, size, "?");
	buf[strcspn(buf, "\n")] = '\0';
	if (f != NULL)
		fclose(f);
}

const char *
listener_holder(const struct sock_addr *a, char *buf, size_t size)
{
	unsigned long inode = port_inode("/proc/self/net/tcp", a);
	struct dirent *e;
	DIR *d;

	snprintf(buf, size, "another process");
	if (inode == 0)
		inode = port_inode("/proc/self/net/tcp6", a);
	d = inode != 0 ? opendir("/proc") : NULL;
	if (d == NULL)
		return buf;
	while ((e = readdir(d)) != NULL) {
		char comm[32];

		if (e->d_name[0] < '0' || e->d_name[0] > '9' || !has_inode(e->d_name, inode))
			continue;
		comm_read(e->d_name, comm, sizeof(comm));
		snprintf(buf, size, "%s (pid %s)", comm, e->d_name);
		break;
	}
	closedir(d);
	return buf;
}
