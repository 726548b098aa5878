/* security_default.h - fixtures/twins/security-default.json, built in: the published default twin of the security module. */
#ifndef TWINSIM_SECURITY_DEFAULT_H
#define TWINSIM_SECURITY_DEFAULT_H

#include <stddef.h>

extern const unsigned char security_default[];
extern const size_t security_default_len;

#endif
