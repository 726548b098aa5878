/* fail_alloc.h - make one of our own allocations fail: the n-th from now on.
 *
 * For a test linked with FAIL_ALLOC_OPTIONS (core.cmake): the linker then sends malloc, calloc and realloc of our objects
 * here. Libraries keep theirs; cJSON is won over by fail_alloc_cjson. Include it in one source file of a test.
 */
#ifndef TWINSIM_FAIL_ALLOC_H
#define TWINSIM_FAIL_ALLOC_H

#include <cjson/cJSON.h>
#include <limits.h>
#include <stdbool.h>

#include "test.h"

static long fail_alloc_left = LONG_MAX; /* allocations that still succeed */
static bool fail_alloc_once;            /* the ones behind the failed one succeed again */

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);

static inline bool fail_alloc_is_due(void)
{
    fail_alloc_left--;
    return fail_alloc_once ? fail_alloc_left == -1 : fail_alloc_left < 0;
}

void *__wrap_malloc(size_t n)
{
    return fail_alloc_is_due() ? NULL : __real_malloc(n);
}
void *__wrap_calloc(size_t n, size_t size)
{
    return fail_alloc_is_due() ? NULL : __real_calloc(n, size);
}
void *__wrap_realloc(void *p, size_t n)
{
    return fail_alloc_is_due() ? NULL : __real_realloc(p, n);
}

/* Let n allocations succeed and fail every later one. */
static inline void fail_alloc_after(long n)
{
    fail_alloc_once = false;
    fail_alloc_left = n;
}
/* Let n allocations succeed, fail the next one, and let the rest succeed again. */
static inline void fail_alloc_only(long n)
{
    fail_alloc_once = true;
    fail_alloc_left = n;
}
static inline void fail_alloc_never(void)
{
    fail_alloc_left = LONG_MAX;
}

/* Send cJSON's allocations here, too. */
static inline void fail_alloc_cjson(void)
{
    cJSON_Hooks hooks = {__wrap_malloc, free};

    cJSON_InitHooks(&hooks);
}

#endif
