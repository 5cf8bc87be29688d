/* SPDX-License-Identifier: ISC */
/*
 * rtnetlink: addresses and links of this network namespace. One struct nl for requests (it waits
 * for the answer, for a bounded time), another for events (it never waits). libmnl underneath.
 * Runs in the process that has CAP_NET_ADMIN; dumps and events need no privilege.
 */
#ifndef LIB_NL_H
#define LIB_NL_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mnl_socket;
struct nlmsghdr;

struct nl {
	struct mnl_socket *sock; /* NULL: closed */
	uint32_t seq;
	char error[96]; /* the kernel's words for the last refusal, or "" */
};

#define NL_WAIT_MS 1000       /* bound for one answer */
#define NL_FOREVER UINT32_MAX /* a lifetime without end */
#define NL_MAC_MAX 32

struct nl_addr {
	uint8_t family; /* AF_INET, AF_INET6 */
	uint8_t prefix; /* bits */
	uint8_t scope;  /* RT_SCOPE_* */
	uint8_t proto;  /* IFA_PROTO, who put it there; 0: none. Linux < 5.18 does not keep it */
	uint32_t ifindex;
	uint8_t addr[16];     /* the local address, network order */
	uint8_t peer[16];     /* all 0: none; otherwise prefix is the peer's */
	uint8_t broadcast[4]; /* IPv4; all 0: none */
	uint32_t flags;       /* IFA_F_*: NODAD, NOPREFIXROUTE; read: TENTATIVE, DADFAILED ... */
	uint32_t metric;      /* of the prefix route; 0: the kernel's */
	uint32_t preferred_s; /* lifetimes, seconds; NL_FOREVER; both 0 in a request: for ever */
	uint32_t valid_s;
	char label[IF_NAMESIZE]; /* IPv4; "": none */
};

struct nl_link {
	uint32_t index;
	uint32_t flags; /* IFF_* */
	uint32_t mtu;
	uint32_t parent; /* index of the link below (VLAN, macvlan); 0: none */
	uint16_t type;   /* ARPHRD_* */
	uint8_t mac_len; /* 0: none */
	uint8_t mac[NL_MAC_MAX];
	char name[IF_NAMESIZE];
};

/* Up, and with carrier. */
bool nl_link_is_running(const struct nl_link *);

enum nl_event_kind {
	NL_EVENT_LINK_NEW = 0, /* or changed */
	NL_EVENT_LINK_GONE,
	NL_EVENT_ADDR_NEW, /* or changed */
	NL_EVENT_ADDR_GONE,
	NL_EVENT_OVERRUN /* events were lost: dump everything again */
};

struct nl_event {
	enum nl_event_kind kind;
	union {
		struct nl_link link;
		struct nl_addr addr;
	};
};

/* Opens the socket for requests or for events. Returns 0, or -1 with errno. */
int nl_open(struct nl *);
int nl_open_events(struct nl *);
/* Idempotent. */
void nl_close(struct nl *);
int nl_fd(const struct nl *);

/*
 * Adds (EEXIST if it is there), adds or changes (lifetimes, metric, flags), or removes (by family,
 * address, prefix and link; EADDRNOTAVAIL if it is not there). Return 0 when the kernel said yes,
 * or -1 with its errno (nl->error may hold its words); ETIMEDOUT: no answer within NL_WAIT_MS.
 */
int nl_addr_add(struct nl *, const struct nl_addr *);
int nl_addr_replace(struct nl *, const struct nl_addr *);
int nl_addr_del(struct nl *, const struct nl_addr *);

/*
 * Calls cb for each address (family AF_UNSPEC: both; ifindex 0: all links) or link. Returns 0, or
 * -1 with errno (ENODEV: no such link); EINTR: things changed meanwhile, what came may be
 * incomplete, so start again.
 */
int nl_addr_dump(struct nl *, uint8_t family, uint32_t ifindex,
    void (*cb)(const struct nl_addr *, void *), void *arg);
int nl_link_dump(struct nl *, void (*cb)(const struct nl_link *, void *), void *arg);

/* Calls cb for each event that waits, at most some hundred in a call. Returns 0, or -1 with errno
 * when the socket is of no use any more. */
int nl_events_read(struct nl *, void (*cb)(const struct nl_event *, void *), void *arg);

/* Pure: one message, whole within its nlmsg_len. False: of no interest, or malformed. */
bool nl_event_parse(const struct nlmsghdr *, struct nl_event *);

#endif
