/* SPDX-License-Identifier: ISC */
/* A server to be probed; see target.h. */
#include "tests/lib/target.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/mono.h"

#define HELD_MAX 64

static void
die(const char *what)
{
	perror(what);
	abort();
}

static void
bio_text(BIO *b, char *out, size_t size)
{
	int n = BIO_read(b, out, (int)size - 1);

	out[n > 0 ? n : 0] = '\0';
	BIO_free(b);
}

static void
add_ext(X509 *x, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *e;

	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	if (e == NULL || X509_add_ext(x, e, -1) != 1)
		die("extension");
	X509_EXTENSION_free(e);
}

void
target_make_pem(struct target_pem *out, const char *name)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	BIO *b;
	char alt[128];

	if (key == NULL || x == NULL)
		die("certificate");
	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -3600);
	X509_gmtime_adj(X509_getm_notAfter(x), 86400);
	X509_set_pubkey(x, key);
	X509_NAME_add_entry_by_txt(
	    X509_get_subject_name(x), "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(x));
	add_ext(x, NID_basic_constraints, "critical,CA:TRUE");
	snprintf(alt, sizeof(alt), "DNS:%s,IP:127.0.0.1", name);
	add_ext(x, NID_subject_alt_name, alt);
	if (X509_sign(x, key, EVP_sha256()) == 0)
		die("sign");
	b = BIO_new(BIO_s_mem());
	PEM_write_bio_X509(b, x);
	bio_text(b, out->cert, sizeof(out->cert));
	b = BIO_new(BIO_s_mem());
	PEM_write_bio_PrivateKey(b, key, NULL, NULL, 0, NULL, NULL);
	bio_text(b, out->key, sizeof(out->key));
	X509_free(x);
	EVP_PKEY_free(key);
}

static X509 *
read_cert(const struct target_pem *pem)
{
	BIO *b = BIO_new_mem_buf(pem->cert, -1);
	X509 *x = PEM_read_bio_X509(b, NULL, NULL, NULL);

	BIO_free(b);
	return x;
}

static SSL_CTX *
server_ctx(const struct target_pem *pem, const struct target_pem *ca)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	BIO *b = BIO_new_mem_buf(pem->key, -1);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(b, NULL, NULL, NULL);
	X509 *x = read_cert(pem);

	BIO_free(b);
	if (SSL_CTX_use_certificate(ctx, x) != 1 || SSL_CTX_use_PrivateKey(ctx, key) != 1)
		die("server certificate");
	X509_free(x);
	EVP_PKEY_free(key);
	if (ca != NULL) {
		x = read_cert(ca);
		X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), x);
		X509_free(x);
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	}
	return ctx;
}

static int
open_listener(struct target *t)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
	    .sin_port = htons(t->port),
	    .sin_addr.s_addr = htonl(0x7f000001)};
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&a, len) == -1 || listen(fd, 64) == -1 ||
	    getsockname(fd, (struct sockaddr *)&a, &len) == -1)
		die("listen");
	t->port = ntohs(a.sin_port);
	return fd;
}

struct conn {
	int fd;
	SSL *ssl;
};

static int
conn_read(struct conn *c, void *buf, size_t len)
{
	return c->ssl != NULL ? SSL_read(c->ssl, buf, (int)len) : (int)recv(c->fd, buf, len, 0);
}

/* False: the other side has had enough. */
static bool
conn_write(struct conn *c, const char *text)
{
	if (c->ssl != NULL)
		return SSL_write(c->ssl, text, (int)strlen(text)) > 0;
	return send(c->fd, text, strlen(text), MSG_NOSIGNAL) > 0;
}

static void
write_endless(struct conn *c)
{
	static const char one[] = "HTTP/1.1 100 Continue\r\n\r\n";
	static char many[600 * (sizeof(one) - 1) + 1];

	for (size_t i = 0; i < 600; i++)
		memcpy(many + i * (sizeof(one) - 1), one, sizeof(one));
	while (conn_write(c, many))
		;
}

static void
write_body(struct target *t, struct conn *c)
{
	static char many[16384];

	memset(many, 'x', sizeof(many) - 1);
	if (!conn_write(c, "HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n"))
		return;
	while (conn_write(c, many))
		atomic_fetch_add(&t->body, sizeof(many));
}

static bool
read_request(struct target *t, struct conn *c)
{
	size_t n = 0;

	while (n < sizeof(t->request) - 1) {
		int r = conn_read(c, t->request + n, sizeof(t->request) - 1 - n);

		if (r <= 0)
			return false;
		n += (size_t)r;
		t->request[n] = '\0';
		if (strstr(t->request, "\r\n\r\n") != NULL)
			return true;
	}
	return false;
}

/* Ends our side, then sees how the prober ends its own. */
static void
see_end(struct target *t, struct conn *c)
{
	char buf[256];
	int r;

	if (t->mode != TARGET_STAYS) {
		if (c->ssl != NULL)
			SSL_shutdown(c->ssl);
		shutdown(c->fd, SHUT_WR);
	}
	errno = 0;
	do
		r = conn_read(c, buf, sizeof(buf));
	while (r > 0);
	if (c->ssl != NULL ? SSL_get_error(c->ssl, r) == SSL_ERROR_ZERO_RETURN : r == 0)
		atomic_fetch_add(&t->clean, 1);
	else
		atomic_fetch_add(&t->dirty, 1);
}

static void
answer(struct target *t, struct conn *c)
{
	char text[256];

	if (t->mode == TARGET_ENDLESS) {
		write_endless(c);
	} else if (t->mode == TARGET_BODY) {
		write_body(t, c);
	} else if (t->mode == TARGET_GARBAGE) {
		conn_write(c, "SSH-2.0-something\r\n");
	} else {
		if (t->mode == TARGET_INTERIM) {
			conn_write(c, "HTTP/1.1 100 Contin");
			usleep(20000);
			conn_write(c, "ue\r\n\r\nHTTP/1.1 ");
			usleep(20000);
			snprintf(text, sizeof(text), "%d Word\r\n\r\nrest", t->status);
		} else {
			snprintf(text, sizeof(text),
			    "HTTP/1.1 %d Word\r\nContent-Length: 3\r\nConnection: "
			    "close\r\n\r\nok\n",
			    t->status);
		}
		conn_write(c, text);
	}
	see_end(t, c);
}

static void
serve_one(struct target *t, int fd, SSL_CTX *ctx, bool http)
{
	struct timeval tv = {2, 0};
	struct conn c = {fd, NULL};

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	if (ctx != NULL) {
		c.ssl = SSL_new(ctx);
		SSL_set_fd(c.ssl, fd);
		if (SSL_accept(c.ssl) != 1) {
			atomic_fetch_add(&t->dirty, 1);
			SSL_free(c.ssl);
			return;
		}
		snprintf(t->sni, sizeof(t->sni), "%s",
		    SSL_get_servername(c.ssl, TLSEXT_NAMETYPE_host_name) != NULL
			? SSL_get_servername(c.ssl, TLSEXT_NAMETYPE_host_name)
			: "");
		if (SSL_get0_peer_certificate(c.ssl) != NULL)
			atomic_fetch_add(&t->client_certs, 1);
	}
	if (!http || !read_request(t, &c))
		see_end(t, &c);
	else
		answer(t, &c);
	SSL_free(c.ssl);
}

static void
handle(struct target *t, int fd, SSL_CTX *ctx, int *held, size_t *n_held)
{
	struct linger hard = {1, 0};
	char c;

	atomic_fetch_add(&t->conns, 1);
	switch ((enum target_mode)atomic_load(&t->mode)) {
	case TARGET_SILENT:
		if (*n_held < HELD_MAX) {
			held[(*n_held)++] = fd;
			return;
		}
		break;
	case TARGET_RESET:
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
		break;
	case TARGET_CUT:
		break;
	default: {
		/* A tcp probe sends nothing. */
		struct timeval tv = {2, 0};

		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
		if (recv(fd, &c, 1, MSG_PEEK) > 0)
			serve_one(t, fd, ctx, true);
		else
			serve_one(t, fd, NULL, false);
		break;
	}
	}
	close(fd);
}

static void
run(struct target *t, int listener, SSL_CTX *ctx)
{
	int held[HELD_MAX];
	size_t n_held = 0;

	for (;;) {
		struct pollfd p = {listener, POLLIN, 0};
		int mode = t->mode, fd;

		if (mode == TARGET_REFUSE && listener != -1) {
			close(listener);
			listener = -1;
		} else if (mode != TARGET_REFUSE && listener == -1) {
			listener = open_listener(t);
			p.fd = listener;
		}
		while (mode != TARGET_SILENT && n_held > 0)
			close(held[--n_held]);
		t->seen_mode = mode;
		if (poll(&p, 1, 5) != 1)
			continue;
		fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd != -1)
			handle(t, fd, ctx, held, &n_held);
	}
}

struct target *
target_start(const struct target_pem *tls, const struct target_pem *ca)
{
	struct target *t =
	    mmap(NULL, sizeof(*t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t parent = getpid(), pid;
	int fd;

	if (t == MAP_FAILED)
		die("mmap");
	t->status = 200;
	t->tls = tls != NULL;
	fd = open_listener(t);
	pid = fork(); /* not t->pid: both write there */
	if (pid == -1)
		die("fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		signal(SIGPIPE, SIG_IGN);
		run(t, fd, tls == NULL ? NULL : server_ctx(tls, ca));
	}
	t->pid = pid;
	close(fd);
	return t;
}

void
target_set(struct target *t, enum target_mode mode, int status)
{
	struct mono end = mono_add_ms(mono_now(), 20000);

	t->status = status;
	t->mode = (int)mode;
	while (t->seen_mode != (int)mode) {
		if (!mono_before(mono_now(), end))
			die("target does not follow");
		usleep(1000);
	}
}

void
target_stop(struct target *t)
{
	kill(t->pid, SIGKILL);
	waitpid(t->pid, NULL, 0);
	munmap(t, sizeof(*t));
}
