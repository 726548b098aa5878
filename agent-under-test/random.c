/* random.c - bytes from OpenSSL's generator. */
#include "random.h"

#include <openssl/rand.h>

uint32_t random_32(void)
{
    uint32_t bits;

    return RAND_bytes((unsigned char *)&bits, sizeof bits) == 1 ? bits : 0;
}
