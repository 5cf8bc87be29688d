/* SPDX-License-Identifier: ISC */
/* TLS of a probe: handshake, reading, writing, a clean close (close_notify). */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "checker/probe_part.h"

const char *
probe_tls_error(char *buf, size_t size)
{
	unsigned long e = ERR_peek_last_error();
	const char *text = e == 0 ? NULL : ERR_reason_error_string(e);

	snprintf(buf, size, "%s", text == NULL ? "unknown error" : text);
	ERR_clear_error();
	return buf;
}

/* PROBE_AGAIN with the event waited for, 0 at the end, PROBE_ERROR. */
static ssize_t
tls_result(struct probe *p, int r)
{
	switch (SSL_get_error(p->ssl, r)) {
	case SSL_ERROR_WANT_READ:
		probe_wait(p, EPOLLIN);
		return PROBE_AGAIN;
	case SSL_ERROR_WANT_WRITE:
		probe_wait(p, EPOLLOUT);
		return PROBE_AGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	default:
		return PROBE_ERROR;
	}
}

ssize_t
probe_tls_read(struct probe *p, void *buf, size_t len)
{
	int r;

	ERR_clear_error();
	r = SSL_read(p->ssl, buf, (int)len);
	return r > 0 ? r : tls_result(p, r);
}

ssize_t
probe_tls_write(struct probe *p, const void *buf, size_t len)
{
	ssize_t n;
	int r;

	ERR_clear_error();
	r = SSL_write(p->ssl, buf, (int)len);
	if (r > 0)
		return r;
	n = tls_result(p, r);
	return n == 0 ? PROBE_ERROR : n;
}

/* RFC 6066, section 3: addresses are not asked for by name. SSL_set1_host(3) knows them. */
static bool
is_address(const char *name)
{
	struct sock_addr a;

	return name[0] != '/' && sock_addr_parse(&a, name, false) == 0;
}

static int
tls_open(struct probe *p)
{
	const char *name = p->spec->sni;

	p->ssl = SSL_new(p->spec->tls);
	if (p->ssl == NULL || SSL_set_fd(p->ssl, p->f.fd) != 1)
		return -1;
	if (name != NULL && !is_address(name) && SSL_set_tlsext_host_name(p->ssl, name) != 1)
		return -1;
	if (name != NULL && p->spec->check->verify && SSL_set1_host(p->ssl, name) != 1)
		return -1;
	SSL_set_connect_state(p->ssl);
	return 0;
}

static void
handshake_failed(struct probe *p, int error)
{
	long v = SSL_get_verify_result(p->ssl);
	char text[160];

	if (v != X509_V_OK && p->spec->check->verify)
		snprintf(text, sizeof(text), "certificate: %s", X509_verify_cert_error_string(v));
	else if (ERR_peek_last_error() != 0)
		probe_tls_error(text, sizeof(text));
	else
		snprintf(text, sizeof(text), "%s",
		    error == 0 ? "connection closed in the handshake" : strerror(error));
	ERR_clear_error();
	probe_finish(p, CHECK_L6RSP, 0, text);
}

void
probe_tls_step(struct probe *p)
{
	ssize_t n;
	int r, e;

	if (p->ssl == NULL && tls_open(p) == -1) {
		ERR_clear_error();
		probe_finish_own(p, ENOMEM);
		return;
	}
	ERR_clear_error();
	errno = 0;
	r = SSL_do_handshake(p->ssl);
	e = errno;
	if (r == 1) {
		probe_connected(p);
		return;
	}
	n = tls_result(p, r);
	if (n == PROBE_ERROR && probe_own_error(e))
		probe_finish_own(p, e);
	else if (n != PROBE_AGAIN)
		handshake_failed(p, n == 0 ? 0 : e);
}

void
probe_tls_close(struct probe *p)
{
	if (SSL_is_init_finished(p->ssl)) {
		ERR_clear_error();
		SSL_shutdown(p->ssl);
	}
	SSL_free(p->ssl);
	ERR_clear_error();
	p->ssl = NULL;
}
