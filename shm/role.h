/* SPDX-License-Identifier: ISC */
/* Roles of a virtual router as shm_router.role has them; vrrp/decide.h decides them. */
#ifndef SHM_ROLE_H
#define SHM_ROLE_H

#include <stdint.h>

#define SHM_ROLES(X) X(INIT) X(BACKUP) X(MASTER) X(RESIGN) X(LEAVE) X(FAULT) X(STOPPED)

#define SHM_ROLE_ENUM(name) SHM_ROLE_##name,
enum shm_role { SHM_ROLES(SHM_ROLE_ENUM) SHM_ROLE_N };
#undef SHM_ROLE_ENUM

/* "MASTER" and so on; "?" for what is none. */
static inline const char *
shm_role_text(uint32_t role)
{
#define SHM_ROLE_TEXT(name) #name,
	static const char *const words[] = {SHM_ROLES(SHM_ROLE_TEXT)};
#undef SHM_ROLE_TEXT

	return role < SHM_ROLE_N ? words[role] : "?";
}

#endif
