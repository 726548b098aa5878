/* refusal.c - see refusal.h. */
#include "refusal.h"

#include <stdarg.h>
#include <stdio.h>

void refuse(struct refusal *why, int status, int code, const char *fmt, ...)
{
    va_list args;

    why->status = status;
    why->code = code;
    why->where[0] = '\0';
    va_start(args, fmt);
    (void)vsnprintf(why->message, sizeof why->message, fmt, args);
    va_end(args);
}
