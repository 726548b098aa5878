/* test.h - what every C test here includes: cmocka and a few helpers. */
#ifndef TWINSIM_TEST_H
#define TWINSIM_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A heap copy with not one byte to spare, so that the address sanitizer sees a read past the end. The caller frees. */
static inline char *copy_exact(const void *bytes, size_t len)
{
    char *copy = malloc(len ? len : 1);

    assert_non_null(copy);
    if (len)
        memcpy(copy, bytes, len);
    return copy;
}

#endif
