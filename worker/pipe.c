/* SPDX-License-Identifier: ISC */
/* Pool of pipes for splice. */
#include "worker/pipe.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#ifdef VIPD_SANITIZE
#include <assert.h>
#include <sys/ioctl.h>
#endif

#define PIPE_REST 256 /* a refusal costs system calls: not at every turn */

uint32_t
pipe_next_size(uint64_t left, uint64_t budget)
{
	if (left >= PIPE_HUGE && left - PIPE_HUGE >= budget / 2)
		return PIPE_HUGE;
	if (left >= PIPE_BIG && left - PIPE_BIG >= budget / 4)
		return PIPE_BIG;
	return left >= PIPE_SMALL ? PIPE_SMALL : 0;
}

void
pipe_pool_init(struct pipe_pool *p, uint64_t budget)
{
	*p = (struct pipe_pool){.left = budget, .budget = budget};
}

static void
pair_close(struct pipe_pool *p, struct pipe_pair *x)
{
	close(x->r);
	close(x->w);
	p->left += x->size;
	p->n--;
	free(x);
}

void
pipe_pool_trim(struct pipe_pool *p)
{
	while (p->free != NULL) {
		struct pipe_pair *x = p->free;

		p->free = x->next;
		pair_close(p, x);
	}
	p->n_free = 0;
}

void
pipe_pool_fini(struct pipe_pool *p)
{
	pipe_pool_trim(p);
}

static struct pipe_pair *
pair_new(struct pipe_pool *p)
{
	uint32_t want = pipe_next_size(p->left, p->budget);
	struct pipe_pair *x;
	int fds[2], size;

	if (want == 0)
		return NULL;
	x = malloc(sizeof(*x));
	if (x == NULL)
		return NULL;
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) == -1) {
		free(x);
		return NULL;
	}
	/* Refused, or two pages only: the uid's own limit is nearer than our budget says. */
	size = fcntl(fds[1], F_SETPIPE_SZ, (int)want);
	if (size == -1)
		size = fcntl(fds[1], F_GETPIPE_SZ);
	if (size < (int)PIPE_SMALL || (uint64_t)size > p->left) {
		close(fds[0]);
		close(fds[1]);
		free(x);
		return NULL;
	}
	*x = (struct pipe_pair){.r = fds[0], .w = fds[1], .size = (uint32_t)size};
	p->left -= x->size;
	p->n++;
	return x;
}

struct pipe_pair *
pipe_get(struct pipe_pool *p)
{
	struct pipe_pair *x = p->free;

	if (x == NULL) {
		if (p->rest > 0) {
			p->rest--;
			return NULL;
		}
		x = pair_new(p);
		if (x == NULL)
			p->rest = PIPE_REST;
		return x;
	}
	p->free = x->next;
	p->n_free--;
	x->next = NULL;
	return x;
}

void
pipe_put(struct pipe_pool *p, struct pipe_pair *x)
{
	if (x == NULL)
		return;
	if (x->bytes != 0) {
		pair_close(p, x);
		return;
	}
#ifdef VIPD_SANITIZE
	int in_it = -1;

	assert(ioctl(x->r, FIONREAD, &in_it) == 0 && in_it == 0);
#endif
	x->next = p->free;
	p->free = x;
	p->n_free++;
}
