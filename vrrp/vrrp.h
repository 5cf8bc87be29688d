/* SPDX-License-Identifier: ISC */
/*
 * The vrrp process: talks to the other hosts, holds the addresses. vrrp_main is what the master
 * calls in the forked child.
 */
#ifndef VRRP_VRRP_H
#define VRRP_VRRP_H

#include "shm/child.h"

int vrrp_main(const struct child_start *st);

#endif
