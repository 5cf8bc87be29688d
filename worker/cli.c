/* SPDX-License-Identifier: ISC */
/* Connections to the control socket. Level-triggered events: a turn may stop anywhere and go on in
 * the next one. */
#include "worker/cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "worker/fair.h"

#define OUT_TURN   32768 /* bytes written a turn: about half a millisecond of a large table */
#define LINES_TURN 16    /* commands begun, and pieces of answers made, a turn */
#define POLL_MS    10    /* for commands that wait, besides the bell */

struct cli_conn {
	struct loop_fd f;
	struct loop_timer timer; /* without progress */
	struct loop_timer poll;  /* a command waits */
	struct fair fair;
	struct cli *cli;
	struct cli_conn *next;
	struct cli_conn **prev;
	uint32_t events;
	struct buf in;
	struct buf out;
	char *line;    /* the line being answered, NULL: none */
	char *command; /* its next command, NULL: none left */
	bool running;  /* a command has more to say */
	bool prompt;
	bool quit;
	bool eof; /* the client has ended its side */
	enum command_level level;
	int64_t timeout_ms;
	enum command_severity severities;
	bool begun;        /* part of the answer has gone */
	char name[112];    /* of its socket */
	struct mono moved; /* its last line came, or bytes of an answer went */
	struct command_run run;
};

static struct cli_conn *
of_timer(struct loop_timer *t, size_t offset)
{
	return (struct cli_conn *)((char *)t - offset);
}

static void
conn_close(struct cli_conn *c)
{
	struct cli *cli = c->cli;
	int fd = c->f.fd;
	char waste[4096];

	/* Bytes left unread would make the kernel tell the client of an error, after the answer. */
	for (int i = 0; i < 16 && recv(fd, waste, sizeof(waste), 0) > 0; i++)
		;
	if (c->running)
		command_end(&c->run);
	loop_timer_del(cli->loop, &c->timer);
	loop_timer_del(cli->loop, &c->poll);
	fair_del(&c->fair);
	loop_timer_unreserve(cli->loop, 3);
	loop_fd_forget(cli->loop, &c->f);
	close(fd);
	*c->prev = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	buf_free(&c->in);
	buf_free(&c->out);
	free(c->line);
	free(c);
	if (cli->closed != NULL)
		cli->closed(cli->ctx);
}

/* Its time runs anew. */
static void
alive(struct cli_conn *c)
{
	loop_timer_set(c->cli->loop, &c->timer, mono_add_ms(loop_now(c->cli->loop), c->timeout_ms));
}

/* Something was done for it: who sends a line byte by byte is as good as idle until it is whole. */
static void
progress(struct cli_conn *c)
{
	c->moved = loop_now(c->cli->loop);
	alive(c);
}

/* ---- commands ---------------------------------------------------------------------------------
 */

/* What a command works with, as fresh as this moment. */
static void
refresh(struct cli_conn *c)
{
	struct cli *cli = c->cli;

	c->run.src = (struct stat_source){
	    .shm = cli->shm,
	    .conf = cli->conf != NULL ? cli->conf(cli->ctx) : NULL,
	    .now = mono_now(),
	};
	c->run.ask = cli->ask;
	c->run.human_fd = cli->human != NULL ? cli->human(cli->ctx) : -1;
	c->run.wall_us = mono_wall_us();
}

static void
command_done(struct cli_conn *c)
{
	if (!c->begun)
		command_mark(&c->run);
	command_end(&c->run);
	c->running = false;
	loop_timer_del(c->cli->loop, &c->poll);
	if (c->quit)
		return; /* "quit" has no answer */
	buf_putc(&c->out, '\n');
	if (c->prompt)
		buf_puts(&c->out, "> ");
}

static void
run_piece(struct cli_conn *c)
{
	refresh(c);
	c->run.waits = false;
	if (!c->run.more(&c->run))
		command_done(c);
	else
		c->begun |= c->out.len > 0;
}

/* Cuts the next command off the line: up to a ';' that no backslash takes. */
static char *
next_command(struct cli_conn *c)
{
	char *start = c->command, *p;

	for (p = start; *p != '\0' && *p != ';'; p++)
		if (*p == '\\' && p[1] != '\0')
			p++;
	c->command = *p == ';' ? p + 1 : NULL;
	*p = '\0';
	return start;
}

static void
start_command(struct cli_conn *c)
{
	c->running = true;
	refresh(c);
	c->begun = false;
	if (!command_start(&c->run, next_command(c)))
		command_done(c);
	else
		c->begun = c->out.len > 0;
}

static void
line_done(struct cli_conn *c)
{
	free(c->line);
	c->line = NULL;
	if (!c->prompt)
		c->quit = true;
}

/* Takes a line out of the input, the rest without an end when the client has ended. False: there is
 * none. */
static bool
take_line(struct cli_conn *c)
{
	char *end = c->in.len > 0 ? memchr(c->in.data, '\n', c->in.len) : NULL;
	size_t len = end != NULL ? (size_t)(end - c->in.data) : c->in.len;

	if (end == NULL && (!c->eof || len == 0))
		return false;
	c->line = strndup(c->in.data, len); /* a NUL ends it early: what is behind is no text */
	buf_consume(&c->in, end != NULL ? len + 1 : len);
	if (c->line == NULL) {
		c->out.failed = true;
		return true;
	}
	len = strlen(c->line);
	if (len > 0 && c->line[len - 1] == '\r')
		c->line[len - 1] = '\0';
	c->command = c->line;
	progress(c);
	return true;
}

/* ---- the connection ---------------------------------------------------------------------------
 */

/* Reads. False: nothing came now. The client's end sets eof, an error quit. */
static bool
fill(struct cli_conn *c)
{
	ssize_t n;

	if (c->eof)
		return false;
	if (c->in.len >= CLI_LINE) {
		buf_puts(&c->out, "Command line too long.\n\n");
		c->quit = true;
		return true;
	}
	if (buf_reserve(&c->in, CLI_LINE - c->in.len) == -1) {
		c->quit = true;
		return true;
	}
	n = recv(c->f.fd, c->in.data + c->in.len, CLI_LINE - c->in.len, 0);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0)
		c->eof = true;
	else
		c->in.len += (size_t)n;
	c->in.data[c->in.len] = '\0';
	alive(c);
	return true;
}

/* Writes what there is. False: the client takes no more now, or has gone (then out.failed). */
static bool
flush(struct cli_conn *c, size_t *left)
{
	while (c->out.len > 0) {
		ssize_t n;

		if (*left == 0)
			return false;
		n = send(c->f.fd, c->out.data, c->out.len, MSG_NOSIGNAL);
		if (n == -1 && errno == EAGAIN)
			return false;
		if (n == -1 && errno != EINTR)
			c->out.failed = true;
		if (c->out.failed)
			return false;
		if (n > 0) {
			buf_consume(&c->out, (size_t)n);
			*left -= (size_t)n < *left ? (size_t)n : *left;
			progress(c);
		}
	}
	return true;
}

enum step { STEP_AGAIN, STEP_READ, STEP_WRITE, STEP_WAIT, STEP_CLOSE };

static enum step
step(struct cli_conn *c, size_t *left, int *begun)
{
	if (c->out.failed)
		return STEP_CLOSE;
	if (!flush(c, left))
		return c->out.failed ? STEP_CLOSE : STEP_WRITE;
	if (c->running) {
		if (++*begun > LINES_TURN || (*begun > 1 && fair_over()))
			return STEP_WRITE;
		run_piece(c);
		return c->running && c->run.waits && c->out.len == 0 ? STEP_WAIT : STEP_AGAIN;
	}
	if (c->quit)
		return STEP_CLOSE;
	if (c->line != NULL && c->command != NULL) {
		if (++*begun > LINES_TURN || (*begun > 1 && fair_over()))
			return STEP_WRITE; /* writable: called again next turn */
		start_command(c);
		return c->running && c->run.waits && c->out.len == 0 ? STEP_WAIT : STEP_AGAIN;
	}
	if (c->line != NULL) {
		line_done(c);
		return STEP_AGAIN;
	}
	if (take_line(c))
		return STEP_AGAIN;
	if (c->eof)
		return STEP_CLOSE;
	return fill(c) ? STEP_AGAIN : STEP_READ;
}

/* Goes on as far as it can. */
static void
serve(struct cli_conn *c)
{
	struct loop *loop = c->cli->loop;
	size_t left = OUT_TURN;
	uint32_t events;
	enum step s;
	int begun = 0;

	do
		s = step(c, &left, &begun);
	while (s == STEP_AGAIN);
	if (s == STEP_CLOSE) {
		conn_close(c);
		return;
	}
	if (s == STEP_WAIT) {
		loop_timer_set(loop, &c->poll, mono_add_ms(loop_now(loop), POLL_MS));
		progress(c); /* bounded by the command itself */
	}
	events = s == STEP_READ ? EPOLLIN : s == STEP_WRITE ? EPOLLOUT : 0;
	if (events != c->events) {
		c->events = events;
		if (loop_fd_mod(loop, &c->f, events) == -1)
			conn_close(c);
	}
}

static void
on_event(struct loop_fd *f, uint32_t events)
{
	struct cli_conn *c = (struct cli_conn *)((char *)f - offsetof(struct cli_conn, f));

	/* The other end is closed altogether: nobody reads an answer. */
	if ((events & (EPOLLERR | EPOLLHUP)) != 0 && (events & EPOLLIN) == 0)
		conn_close(c);
	else
		fair_add(c->cli->loop, &c->fair);
}

static void
on_turn(struct fair *f)
{
	serve((struct cli_conn *)((char *)f - offsetof(struct cli_conn, fair)));
}

static void
on_timeout(struct loop_timer *t)
{
	conn_close(of_timer(t, offsetof(struct cli_conn, timer)));
}

static void
on_poll(struct loop_timer *t)
{
	struct cli_conn *c = of_timer(t, offsetof(struct cli_conn, poll));

	fair_add(c->cli->loop, &c->fair);
}

int
cli_open(struct cli *cli, int fd, const char *name, enum command_level level, int64_t timeout_ms)
{
	struct cli_conn *c = calloc(1, sizeof(*c));

	if (c == NULL || loop_timer_reserve(cli->loop, 3) == -1)
		goto fail;
	c->f.cb = on_event;
	c->timer.cb = on_timeout;
	c->poll.cb = on_poll;
	c->fair.cb = on_turn;
	c->cli = cli;
	c->level = level;
	c->timeout_ms = timeout_ms;
	c->events = EPOLLIN;
	snprintf(c->name, sizeof(c->name), "%s", name);
	c->run.socket = c->name;
	c->run.level = &c->level;
	c->run.prompt = &c->prompt;
	c->run.quit = &c->quit;
	c->run.severities = &c->severities;
	c->run.timeout_ms = &c->timeout_ms;
	c->run.out = &c->out;
	c->run.limit = CLI_PIECE;
	if (loop_fd_add(cli->loop, &c->f, fd, EPOLLIN) == -1) {
		loop_timer_unreserve(cli->loop, 3);
		goto fail;
	}
	c->next = cli->conns;
	c->prev = &cli->conns;
	if (c->next != NULL)
		c->next->prev = &c->next;
	cli->conns = c;
	progress(c);
	return 0;
fail:
	free(c);
	close(fd);
	return -1;
}

void
cli_bell(struct cli *cli)
{
	for (struct cli_conn *c = cli->conns; c != NULL; c = c->next)
		if (c->running && c->run.waits)
			fair_add(cli->loop, &c->fair);
}

void
cli_close_all(struct cli *cli)
{
	while (cli->conns != NULL)
		conn_close(cli->conns);
}

static bool
is_idle(const struct cli_conn *c)
{
	return !c->running && c->line == NULL && c->out.len == 0;
}

/* It has more of an answer, which its client does not take; what there was may all have gone. */
static bool
is_stalled(const struct cli_conn *c)
{
	return !is_idle(c) && !(c->running && c->run.waits);
}

bool
cli_evict(struct cli *cli, bool stalled, int64_t min_ms)
{
	struct cli_conn *oldest = NULL;

	for (struct cli_conn *c = cli->conns; c != NULL; c = c->next)
		if ((stalled ? is_stalled(c) : is_idle(c)) &&
		    (oldest == NULL || mono_before(c->moved, oldest->moved)))
			oldest = c;
	if (oldest == NULL || mono_diff_ms(loop_now(cli->loop), oldest->moved) < min_ms)
		return false;
	conn_close(oldest);
	return true;
}

void
cli_drain(struct cli *cli)
{
	struct cli_conn *next;

	for (struct cli_conn *c = cli->conns; c != NULL; c = next) {
		next = c->next;
		if (is_idle(c))
			conn_close(c);
	}
}
