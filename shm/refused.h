/* SPDX-License-Identifier: ISC */
/*
 * Why advertisements are refused, as shm_router.refused counts them and metrics name them. In the
 * order of vrrp/packet.h (checked by tests/unit/vrrp_packet_test). Modes of HMAC that let a packet
 * pass count it here too.
 */
#ifndef SHM_REFUSED_H
#define SHM_REFUSED_H

/* clang-format off */
#define SHM_REFUSED(X)                                                                     \
	X(ok) X(short) X(ip_header) X(ip_checksum) X(ip_length) X(fragment) X(protocol)    \
	X(ah) X(ttl) X(destination) X(own) X(source) X(version) X(type) X(vrid) X(count)   \
	X(length) X(checksum) X(auth_type) X(auth_data) X(interval) X(addresses)           \
	X(hmac_missing) X(hmac_key) X(hmac_bad) X(hmac_replay)
/* clang-format on */

#define SHM_REFUSED_ENUM(name) SHM_REFUSED_##name,
enum shm_refused { SHM_REFUSED(SHM_REFUSED_ENUM) SHM_REFUSED_N };
#undef SHM_REFUSED_ENUM

/* NULL: no such reason. */
static inline const char *
shm_refused_name(unsigned i)
{
#define SHM_REFUSED_TEXT(name) #name,
	static const char *const names[] = {SHM_REFUSED(SHM_REFUSED_TEXT)};
#undef SHM_REFUSED_TEXT

	return i < sizeof(names) / sizeof(names[0]) ? names[i] : (const char *)0;
}

#endif
