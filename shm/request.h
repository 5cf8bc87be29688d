/* SPDX-License-Identifier: ISC */
/*
 * Commands that a worker passes on to the process that owns the state (hard-parts 9).
 *
 * The worker writes shm_worker.request[(n - 1) % SHM_REQUESTS] for its n-th request (n from 1):
 * kind, object, value, text, then number = n, then request_head = n, and rings the owner's bell. It
 * keeps at most one request under way per owner, so that the owner's result[w] is that request's.
 * Each owner walks all numbers in order, skips what is for another owner, and publishes result[w],
 * then done[w] = n. A kind says its owner.
 */
#ifndef SHM_REQUEST_H
#define SHM_REQUEST_H

#include "shm/layout.h"

#define SHM_REQ_OWNER_SHIFT 8

enum shm_request_kind {
	SHM_REQ_NONE = 0,
	/* Checker; object: server slot, value: shm_request_value(epoch of the slot, argument). */
	SHM_REQ_SRV_STATE = SHM_CHECKER << SHM_REQ_OWNER_SHIFT, /* enum shm_req_state */
	SHM_REQ_SRV_WEIGHT,                                     /* 0..256 */
	SHM_REQ_SRV_WEIGHT_PERCENT, /* of the configured weight; the result is cut to 256 */
	SHM_REQ_SRV_HEALTH,         /* enum shm_req_health */
	SHM_REQ_SRV_MAXCONN,        /* 0: no limit */
	SHM_REQ_SRV_CHECK,          /* 1: probes run, 0: they pause */
	SHM_REQ_SRV_SHUTDOWN,       /* close all sessions on it, reason K */
	SHM_REQ_SRV_ADDR,           /* text: "192.0.2.1:80" */
	SHM_REQ_SRV_CHECK_ADDR,     /* text: the same; its port is not used */
	SHM_REQ_SRV_CHECK_PORT,     /* 1..65535; 0: as in the file */
	SHM_REQ_CLEAR,              /* object 0: counters of all servers' probes start again */
	/* Master */
	SHM_REQ_MASTER = SHM_MASTER << SHM_REQ_OWNER_SHIFT | 1,
	SHM_REQ_RELOAD = SHM_REQ_MASTER, /* answered when it has ended; shm_master.report tells */
	SHM_REQ_FE_STATE,    /* object: frontend slot; value: its epoch, enum shm_req_fe */
	SHM_REQ_FE_MAXCONN,  /* object: frontend slot; value: its epoch, 0: no limit */
	SHM_REQ_MAXCONN,     /* value: global limit, 0: as configured */
	SHM_REQ_CONN_RATE,   /* value: most sessions a second, 0: no limit */
	SHM_REQ_SESS_RATE,   /* the same; the lower one holds */
	SHM_REQ_MAINTENANCE, /* value: 1 on, 0 off */
	SHM_REQ_DUMP,        /* the statistics into stats_file */
	/* vrrp */
	SHM_REQ_VRRP = SHM_VRRP << SHM_REQ_OWNER_SHIFT,
	/* object: router's slot, value: its epoch. VALUE: it is not MASTER. */
	SHM_REQ_VRRP_RELEASE = SHM_REQ_VRRP | 1
};

/* What a worker asks of all workers, itself included: shm_worker.call_kind. */
enum shm_call_kind {
	SHM_CALL_NONE = 0,
	SHM_CALL_SHUTDOWN,  /* the session with this id */
	SHM_CALL_CLEAR_MAX, /* maxima start again */
	SHM_CALL_CLEAR      /* all counters start again */
};

enum shm_req_state { SHM_REQ_READY = 0, SHM_REQ_DRAIN, SHM_REQ_MAINT };
enum shm_req_fe { SHM_REQ_FE_ENABLE = 0, SHM_REQ_FE_DISABLE, SHM_REQ_FE_SHUTDOWN };
enum shm_req_health { SHM_REQ_UP = 0, SHM_REQ_STOPPING, SHM_REQ_DOWN };

enum shm_result {
	SHM_RES_DONE = 0,
	SHM_RES_UNKNOWN,  /* no such command */
	SHM_RES_GONE,     /* no such object, or the slot has another owner now */
	SHM_RES_VALUE,    /* argument out of range */
	SHM_RES_NO_CHECK, /* needs health checks, which the configuration has off */
	SHM_RES_ALREADY,  /* nothing to do */
	SHM_RES_STOPPED,  /* the frontend has been shut down */
	SHM_RES_UNSAVED,  /* done, but it will not survive a restart */
	SHM_RES_FAILED    /* the log says why */
};

static inline enum shm_kind
shm_request_owner(uint32_t kind)
{
	return (enum shm_kind)(kind >> SHM_REQ_OWNER_SHIFT);
}

static inline uint64_t
shm_request_value(uint32_t epoch, uint32_t argument)
{
	return (uint64_t)epoch << 32 | argument;
}

#endif
