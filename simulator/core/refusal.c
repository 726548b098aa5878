/* refusal.c - see refusal.h. */
#include "refusal.h"

#include <stdio.h>

#include "utf8.h"

void refusal_print(struct refusal *why, size_t at, const char *fmt, va_list args)
{
    const size_t room = sizeof why->message;
    int n = vsnprintf(why->message + at, room - at, fmt, args);

    if (n < 0)
        why->message[at] = '\0';
    else if ((size_t)n >= room - at) /* the last byte that found room may be within a character */
        why->message[utf8_first(str_of(why->message, room - 1), room - 2).len] = '\0';
}

void refuse(struct refusal *why, int status, int code, const char *fmt, ...)
{
    va_list args;

    why->status = status;
    why->code = code;
    why->where[0] = '\0';
    va_start(args, fmt);
    refusal_print(why, 0, fmt, args);
    va_end(args);
}
