/* SPDX-License-Identifier: ISC */
/* What the load generator saw; see vload.h. */
#include <errno.h>
#include <string.h>

#include "tests/lib/vload.h"

#define FAILURES_MAX 100 /* listed one by one */
#define SERVERS_MAX  1024

static const char *const phase_names[P_N] = {"connect", "send", "answer", "end", "hold"};
static const char *const fate_names[F_N] = {
    "timeout", "early_eof", "corrupt", "crossed", "order", "http"};

struct vload_count vcount;

static struct {
	char name[16];
	uint64_t n;
} servers[SERVERS_MAX];
static size_t n_servers;

static struct {
	uint64_t at_us, took_us;
	const char *phase, *what;
} failures[FAILURES_MAX];
static size_t n_failures;

void
vload_count_server(const char *name)
{
	char n[sizeof(servers[0].name)] = "";

	memcpy(n, name, strnlen(name, sizeof(n) - 1));
	for (size_t i = 0; i < n_servers; i++)
		if (strcmp(servers[i].name, n) == 0) {
			servers[i].n++;
			return;
		}
	if (n_servers == SERVERS_MAX)
		return;
	memcpy(servers[n_servers].name, n, sizeof(n));
	servers[n_servers++].n = 1;
}

void
vload_list(enum vload_phase phase, uint64_t at_us, uint64_t took_us, const char *what)
{
	if (n_failures == FAILURES_MAX)
		return;
	failures[n_failures].at_us = at_us;
	failures[n_failures].took_us = took_us;
	failures[n_failures].phase = phase_names[phase];
	failures[n_failures++].what = what;
}

const char *
vload_count_failure(enum vload_phase phase, int err, enum vload_fate fate)
{
	vcount.failed++;
	if (err != 0) {
		vcount.err[phase][err & 255]++;
		return strerrorname_np(err);
	}
	vcount.fate[phase][fate]++;
	return fate_names[fate];
}

void
vload_result(FILE *f, double seconds, uint32_t open)
{
	const char *sep = "";
	uint64_t resets = 0, fates[F_N] = {0};

	for (int p = 0; p < P_N; p++) {
		resets += vcount.err[p][ECONNRESET] + vcount.err[p][EPIPE];
		for (int i = 0; i < F_N; i++)
			fates[i] += vcount.fate[p][i];
	}
#define N(x) (unsigned long long)(x)
	fprintf(f,
	    "{\"mode\": \"%s\", \"started\": %llu, \"ok\": %llu, \"failed\": %llu, \"lost\": %llu, "
	    "\"requests\": %llu, \"bytes_in\": %llu, \"bytes_out\": %llu, \"seconds\": %.3f, "
	    "\"conn_rate\": %.1f, \"request_rate\": %.1f, \"resets\": %llu, \"open\": %u",
	    vload_mode_names[vopt.mode], N(vcount.started), N(vcount.ok), N(vcount.failed),
	    N(vcount.lost), N(vcount.requests), N(vcount.bytes_in), N(vcount.bytes_out), seconds,
	    (double)vcount.ok / seconds, (double)vcount.requests / seconds, N(resets), open);
	for (int i = 0; i < F_N; i++)
		fprintf(f, ", \"%s\": %llu", fate_names[i], N(fates[i]));
	fprintf(f, ", \"status\": {");
	for (int i = 1; i < 6; i++)
		fprintf(f, "%s\"%dxx\": %llu", i == 1 ? "" : ", ", i, N(vcount.status[i]));
	fprintf(f, "}, \"errors\": {");
	for (int p = 0; p < P_N; p++) {
		for (int e = 0; e < 256; e++)
			if (vcount.err[p][e] > 0) {
				fprintf(f, "%s\"%s %s\": %llu", sep, phase_names[p],
				    strerrorname_np(e), N(vcount.err[p][e]));
				sep = ", ";
			}
		for (int i = 0; i < F_N; i++)
			if (vcount.fate[p][i] > 0) {
				fprintf(f, "%s\"%s %s\": %llu", sep, phase_names[p], fate_names[i],
				    N(vcount.fate[p][i]));
				sep = ", ";
			}
	}
	fprintf(f, "}, \"servers\": {");
	for (size_t i = 0; i < n_servers; i++)
		fprintf(f, "%s\"%s\": %llu", i == 0 ? "" : ", ", servers[i].name, N(servers[i].n));
	fprintf(f, "}, \"failures\": [");
	for (size_t i = 0; i < n_failures; i++)
		fprintf(f,
		    "%s{\"at_ms\": %.1f, \"took_ms\": %.1f, \"phase\": \"%s\", \"what\": \"%s\"}",
		    i == 0 ? "" : ", ", (double)failures[i].at_us / 1e3,
		    (double)failures[i].took_us / 1e3, failures[i].phase, failures[i].what);
	fprintf(f, "], ");
#undef N
	hist_json(&vcount.connect, "connect_ms", f);
	fprintf(f, ", ");
	hist_json(&vcount.first, "first_byte_ms", f);
	fprintf(f, ", ");
	hist_json(&vcount.request, "request_ms", f);
	fprintf(f, ", ");
	hist_json(&vcount.whole, "total_ms", f);
	fprintf(f, "}\n");
	fflush(f);
}
