/* security_model.h - fixtures/explore/security-agent.json, built in: what explore knows of the security agents' twin. */
#ifndef TWINSIM_SECURITY_MODEL_H
#define TWINSIM_SECURITY_MODEL_H

#include <stddef.h>

extern const unsigned char security_model[];
extern const size_t security_model_len;

#endif
