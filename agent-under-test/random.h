/* random.h - unpredictable bytes, for jitter and ids. */
#ifndef AGENT_RANDOM_H
#define AGENT_RANDOM_H

#include <stdint.h>

/* 32 random bits; 0 when the system has none to give, which only costs the jitter. */
uint32_t random_32(void);

#endif
