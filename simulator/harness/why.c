/* why.c - see why.h. */
#include "why.h"

#include <stdarg.h>
#include <stdio.h>

enum rc why_not(char *why, size_t why_size, enum rc rc, const char *fmt, ...)
{
    va_list args;

    if (!why || why_size == 0)
        return rc;
    va_start(args, fmt);
    (void)vsnprintf(why, why_size, fmt, args);
    va_end(args);
    return rc;
}
