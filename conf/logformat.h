/* SPDX-License-Identifier: ISC */
/*
 * log_format: HAProxy's language for lines about sessions (its configuration manual, custom log
 * formats), read into a program of a few parts that a worker runs for each session. Pure.
 */
#ifndef CONF_LOGFORMAT_H
#define CONF_LOGFORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Name, and what it is, for the manual. */
#define LOGFORMAT_VARS(X)                                                                        \
	X(CLIENT_IP, "ci", "client's address")                                                   \
	X(CLIENT_PORT, "cp", "client's port")                                                    \
	X(FRONTEND_IP, "fi", "address that the client called")                                   \
	X(FRONTEND_PORT, "fp", "port that the client called")                                    \
	X(SOURCE_IP, "bi", "own address towards the server")                                     \
	X(SOURCE_PORT, "bp", "own port towards the server")                                      \
	X(SERVER_IP, "si", "server's address")                                                   \
	X(SERVER_PORT, "sp", "server's port")                                                    \
	X(FRONTEND, "f", "frontend")                                                             \
	X(FRONTEND_TRANSPORT, "ft", "the same (HAProxy adds ~ when it decrypts)")                \
	X(BACKEND, "b", "backend")                                                               \
	X(SERVER, "s", "server, or <NOSRV>")                                                     \
	X(DATE, "t", "time of the accept, 05/Nov/2026:17:00:00.123")                             \
	X(DATE_LOCAL, "Tl", "the same without milliseconds and with the zone")                   \
	X(DATE_UTC, "T", "the same in UTC")                                                      \
	X(TIMESTAMP, "Ts", "the same in seconds since 1970")                                     \
	X(MILLISECONDS, "ms", "its milliseconds, three digits")                                  \
	X(HANDSHAKE_MS, "Th", "milliseconds until the PROXY header was there; 0: none expected") \
	X(WAIT_MS, "Tw",                                                                         \
	    "milliseconds after %Th until a server was chosen, or in the queue until it left; "  \
	    "-1: neither")                                                                       \
	X(CONNECT_MS, "Tc", "milliseconds of the connect; -1: not connected")                    \
	X(DATA_MS, "Td", "milliseconds from then to the end; -1: not connected")                 \
	X(TOTAL_MS, "Tt", "milliseconds from accept to the end")                                 \
	X(USER_MS, "Tu", "the same")                                                             \
	X(BYTES_OUT, "B", "bytes from server to client")                                         \
	X(BYTES_IN, "U", "bytes from client to server")                                          \
	X(STATE, "ts", "termination state")                                                      \
	X(STATE_COOKIE, "tsc", "the same and --, as without cookies")                            \
	X(ACTCONN, "ac", "sessions of all frontends")                                            \
	X(FECONN, "fc", "sessions of the frontend")                                              \
	X(BECONN, "bc", "sessions of the backend")                                               \
	X(SRV_CONN, "sc", "sessions of the server")                                              \
	X(RETRIES, "rc", "connects repeated; + in front: at another server")                     \
	X(SRV_QUEUE, "sq", "always 0: the queue is the backend's")                               \
	X(BE_QUEUE, "bq", "sessions that waited before it in the backend's queue")               \
	X(COUNTER, "rt", "number of the session, over all workers")                              \
	X(PID, "pid", "worker's process id")                                                     \
	X(HOST, "H", "this host's name")

enum logformat_what {
	LOGFORMAT_TEXT = 0,
	LOGFORMAT_SPACE, /* one blank, unless the line begins or ended with one */
#define LOGFORMAT_ENUM(id, name, text) LOGFORMAT_##id,
	LOGFORMAT_VARS(LOGFORMAT_ENUM)
#undef LOGFORMAT_ENUM
	    LOGFORMAT_N
};

enum {
	LOGFORMAT_QUOTE = 1, /* Q: "" around strings and addresses */
	LOGFORMAT_HEX = 2,   /* X: addresses, ports, %Ts, %rt, %pid */
	LOGFORMAT_ESCAPE = 4 /* E: \ before ", \ and ] in strings */
};

struct logformat_op {
	uint8_t what;  /* enum logformat_what */
	uint8_t flags; /* LOGFORMAT_QUOTE ... */
	uint16_t len;
	const char *text; /* LOGFORMAT_TEXT: a piece of what was read */
};

#define LOGFORMAT_OPS  256
#define LOGFORMAT_MOST 2048 /* bytes of a format */

struct logformat {
	bool json; /* the whole line is an object with all fields */
	bool ends; /* %bi, %bp, %fi or %fp: addresses of sockets are asked for */
	unsigned n;
	const struct logformat_op *op;
};

struct logformat_error {
	unsigned column; /* bytes from 1 */
	char text[160];
};

/*
 * Reads a format. Its parts lie in op[LOGFORMAT_OPS] and point into text: both live as long as out.
 * Returns 0, or -1 with what is wrong and where.
 */
int logformat_parse(
    const char *text, struct logformat_op *op, struct logformat *out, struct logformat_error *);

/* HAProxy's tcplog. */
#define LOGFORMAT_TCPLOG "%ci:%cp [%t] %ft %b/%s %Tw/%Tc/%Tt %B %ts %ac/%fc/%bc/%sc/%rc %sq/%bq"
const struct logformat *logformat_tcplog(void);

/* Name and meaning of a variable, for the manual; what: from LOGFORMAT_SPACE + 1. */
const char *logformat_name(unsigned what);
const char *logformat_meaning(unsigned what);

#endif
