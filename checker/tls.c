/* SPDX-License-Identifier: ISC */
/* TLS contexts; see tls.h. All bytes come from the master's memfds: no path is opened. */
#include "checker/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/conf.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "checker/held.h"
#include "checker/probe_part.h"
#include "lib/log.h"
#include "lib/proc.h"

struct tls_ctx {
	struct tls_ctx *next;
	const struct conf_check *key; /* a check with these settings */
	SSL_CTX *ctx;
};

struct tls_set {
	const struct held *held;
	const struct held *coming;
	struct tls_ctx *first;
};

/* OpenSSL's configuration file, until it was carried out. */
static struct {
	char *text; /* NULL: there is none */
	size_t len;
	bool done;
} rules;

#define RULES_MAX (1 << 20)

/* As CONF_get1_default_config_file(3), which would load 300 KiB of the library. */
static int
rules_path(char *path, size_t size)
{
	const char *env = secure_getenv("OPENSSL_CONF"), *dir;

	dir = strchr(OpenSSL_version(OPENSSL_DIR), '"');
	if (env != NULL)
		return snprintf(path, size, "%s", env) < (int)size ? 0 : -1;
	if (dir == NULL)
		return -1;
	snprintf(path, size, "%.*s/openssl.cnf", (int)strcspn(dir + 1, "\""), dir + 1);
	return 0;
}

/* Whole, in few calls: a BIO of the descriptor would read it a byte a call. -1 with errno. */
static int
rules_read(int fd)
{
	size_t room = 16384;
	char *text = malloc(room), *more;
	ssize_t n = -1;

	while (text != NULL && (n = read(fd, text + rules.len, room - rules.len)) > 0) {
		rules.len += (size_t)n;
		if (rules.len < room)
			continue;
		room *= 2;
		errno = EFBIG;
		n = -1;
		more = room > RULES_MAX ? NULL : realloc(text, room);
		if (more == NULL)
			break;
		text = more;
	}
	if (n == -1) {
		free(text);
		return -1;
	}
	rules.text = text;
	return 0;
}

/* It has others opened: included files (as RHEL's has the host's policy), providers, engines. */
static bool
rules_name_files(void)
{
	static const char *const words[] = {
	    ".include", "activate", "dynamic_path", "module", "engines"};
	const char *p = rules.text, *end = p + rules.len, *eol;

	for (; p < end; p = eol + 1) {
		eol = memchr(p, '\n', (size_t)(end - p));
		if (eol == NULL)
			eol = end;
		while (p < eol && (*p == ' ' || *p == '\t'))
			p++;
		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
			if ((size_t)(eol - p) > strlen(words[i]) &&
			    strncmp(p, words[i], strlen(words[i])) == 0)
				return true;
	}
	return false;
}

/* The first error and what it is about. */
static const char *
rules_error(char *buf, size_t size)
{
	const char *data = "", *text;
	int flags = 0;
	unsigned long e = ERR_peek_error_data(&data, &flags);

	text = e == 0 ? NULL : ERR_reason_error_string(e);
	snprintf(buf, size, "%s%s%s", text == NULL ? "unknown error" : text,
	    (flags & ERR_TXT_STRING) != 0 && data[0] != '\0' ? ", " : "",
	    (flags & ERR_TXT_STRING) != 0 ? data : "");
	return buf;
}

/* What OPENSSL_init_crypto does by itself, from the text. */
static void
rules_load(void)
{
	char why[160] = "";
	CONF *conf;
	BIO *bio;
	long line = 0;

	if (rules.done)
		return;
	rules.done = true;
	if (rules.text == NULL)
		return;
	OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	ERR_clear_error();
	bio = BIO_new_mem_buf(rules.text, (int)rules.len);
	conf = NCONF_new(NULL);
	if (bio == NULL || conf == NULL || NCONF_load_bio(conf, bio, &line) != 1)
		log_warning("OpenSSL's configuration file, line %ld: %s: its rules do not hold for "
			    "probes",
		    line, rules_error(why, sizeof(why)));
	else if (CONF_modules_load(conf, NULL, CONF_MFLAGS_DEFAULT_SECTION) <= 0)
		log_warning(
		    "OpenSSL's configuration file: %s: not all of its rules hold for probes",
		    rules_error(why, sizeof(why)));
	NCONF_free(conf);
	BIO_free(bio);
	ERR_clear_error();
	free(rules.text);
	rules.text = NULL;
}

/* SSL_CTX_new(3) has set what the file says, and is silent about what it does not know. This does
 * the same again and tells whether all was well, though not what was not. */
static void
rules_verify(SSL_CTX *ctx)
{
	static bool said;

	ERR_clear_error();
	if (!said && SSL_CTX_config(ctx, "system_default") != 1 &&
	    ERR_GET_REASON(ERR_peek_error()) != SSL_R_INVALID_CONFIGURATION_NAME) {
		said = true;
		log_warning("OpenSSL's configuration file: a command or value of its default "
			    "section for TLS is unknown: not all of its rules hold for probes");
	}
	ERR_clear_error();
}

void
tls_start(void)
{
	char path[PATH_MAX];
	int fd, r;

	if (rules_path(path, sizeof(path)) == -1)
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	r = fd == -1 ? -1 : rules_read(fd);
	if (r == -1 && errno != ENOENT)
		log_warning(
		    "%s: %s: OpenSSL's rules do not hold for probes", path, strerror(errno));
	if (fd != -1)
		close(fd);
	if (r == 0 && rules_name_files())
		rules_load();
}

struct tls_set *
tls_set_new(const struct held *held, const struct held *coming)
{
	struct tls_set *set = calloc(1, sizeof(*set));

	if (set != NULL) {
		set->held = held;
		set->coming = coming;
	}
	return set;
}

void
tls_set_seal(struct tls_set *set)
{
	set->held = set->coming = NULL;
}

void
tls_set_free(struct tls_set *set)
{
	struct tls_ctx *t;

	if (set == NULL)
		return;
	while ((t = set->first) != NULL) {
		set->first = t->next;
		SSL_CTX_free(t->ctx);
		free(t);
	}
	free(set);
}

/* A file's bytes as a memory BIO; the mapping must stay while it is read. NULL with a reason. */
static BIO *
file_open(
    struct tls_set *set, const char *path, const void **map, size_t *len, char *reason, size_t size)
{
	int fd = held_find(set->coming, PROTO_FD_FILE, path);
	BIO *bio;

	if (fd == -1)
		fd = held_find(set->held, PROTO_FD_FILE, path);
	if (fd == -1) {
		snprintf(reason, size, "%s: the master did not send it", path);
		return NULL;
	}
	*map = proc_memfd_map(fd, len);
	if (*map == NULL || *len > INT32_MAX) {
		snprintf(reason, size, "%s: %s", path, strerror(errno));
		return NULL;
	}
	bio = BIO_new_mem_buf(*map, (int)*len);
	if (bio == NULL) {
		snprintf(reason, size, "%s: out of memory", path);
		proc_memfd_unmap(*map, *len);
	}
	return bio;
}

static int
load_ca(SSL_CTX *ctx, struct tls_set *set, const char *path, char *reason, size_t size)
{
	X509_STORE *store = SSL_CTX_get_cert_store(ctx);
	const void *map;
	size_t len;
	BIO *bio = file_open(set, path, &map, &len, reason, size);
	X509 *x;
	int n = 0;

	if (bio == NULL)
		return -1;
	while ((x = PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL)) != NULL) {
		n += X509_STORE_add_cert(store, x) == 1;
		X509_free(x);
	}
	ERR_clear_error();
	BIO_free(bio);
	proc_memfd_unmap(map, len);
	if (n > 0)
		return 0;
	snprintf(reason, size, "%s: no certificate (PEM) in it", path);
	return -1;
}

/* The certificate, its chain, and the key, in any order as "cat" makes such files. */
static int
use_pem(SSL_CTX *ctx, BIO *certs, BIO *key)
{
	X509 *x = PEM_read_bio_X509_AUX(certs, NULL, NULL, NULL);
	EVP_PKEY *k = NULL;
	int ok = 0;

	if (x != NULL && SSL_CTX_use_certificate(ctx, x) == 1) {
		X509 *chain;

		while ((chain = PEM_read_bio_X509(certs, NULL, NULL, NULL)) != NULL)
			if (SSL_CTX_add0_chain_cert(ctx, chain) != 1)
				X509_free(chain);
		ERR_clear_error();
		k = PEM_read_bio_PrivateKey(key, NULL, NULL, NULL);
		ok = k != NULL && SSL_CTX_use_PrivateKey(ctx, k) == 1 &&
		     SSL_CTX_check_private_key(ctx) == 1;
	}
	X509_free(x);
	EVP_PKEY_free(k);
	return ok ? 0 : -1;
}

static int
load_crt(SSL_CTX *ctx, struct tls_set *set, const char *path, char *reason, size_t size)
{
	const void *map;
	size_t len;
	BIO *certs = file_open(set, path, &map, &len, reason, size), *key;
	char text[160];
	int r = -1;

	if (certs == NULL)
		return -1;
	key = BIO_new_mem_buf(map, (int)len);
	if (key != NULL)
		r = use_pem(ctx, certs, key);
	if (r == -1)
		snprintf(reason, size, "%s: no usable certificate and key (PEM) in it: %s", path,
		    probe_tls_error(text, sizeof(text)));
	BIO_free(key);
	BIO_free(certs);
	proc_memfd_unmap(map, len);
	return r;
}

static SSL_CTX *
make(struct tls_set *set, const struct conf_check *c, char *reason, size_t size)
{
	static const unsigned char alpn[] = "\x08http/1.1";
	SSL_CTX *ctx;

	rules_load();
	ctx = SSL_CTX_new(TLS_client_method());
	if (ctx == NULL) {
		snprintf(reason, size, "TLS: %s", probe_tls_error((char[160]){0}, 160));
		return NULL;
	}
	rules_verify(ctx);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_RELEASE_BUFFERS);
	/* What carries no data (tickets, say) ends a read: without end it would keep all other
	 * servers waiting. No server has a reason to negotiate anew within a probe. */
	SSL_CTX_clear_mode(ctx, SSL_MODE_AUTO_RETRY);
	SSL_CTX_set_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_alpn_protos(ctx, alpn, sizeof(alpn) - 1);
	SSL_CTX_set_verify(ctx, c->verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
	if (c->verify && c->ca_file == NULL)
		snprintf(reason, size, "verify needs ca_file (or verify = none)");
	else if ((!c->verify || load_ca(ctx, set, c->ca_file, reason, size) == 0) &&
		 (c->crt == NULL || load_crt(ctx, set, c->crt, reason, size) == 0))
		return ctx;
	SSL_CTX_free(ctx);
	return NULL;
}

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

struct ssl_ctx_st *
tls_set_get(struct tls_set *set, const struct conf_check *c, char *reason, size_t reason_size)
{
	struct tls_ctx *t;

	for (t = set->first; t != NULL; t = t->next)
		if (t->key->verify == c->verify && same_text(t->key->ca_file, c->ca_file) &&
		    same_text(t->key->crt, c->crt))
			return t->ctx;
	t = calloc(1, sizeof(*t));
	if (t == NULL) {
		snprintf(reason, reason_size, "out of memory");
		return NULL;
	}
	t->key = c;
	t->ctx = make(set, c, reason, reason_size);
	if (t->ctx == NULL) {
		free(t);
		return NULL;
	}
	t->next = set->first;
	set->first = t;
	return t->ctx;
}
