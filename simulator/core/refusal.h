/* refusal.h - a device's or a service's mistake, as data: what they are told. Never a failure of ours. */
#ifndef TWINSIM_REFUSAL_H
#define TWINSIM_REFUSAL_H

#include <stdarg.h>
#include <stddef.h>

#include "rc.h"

struct refusal {
    int status; /* what the topic or the HTTP answer says: 400, 403, 404, 409, 412, ... */
    int code;   /* the hub's errorCode: 400004, 403100, 412001, ... */
    char message[256];
    char where[768]; /* path of the property that is meant, "properties.desired.a.list[2]"; empty: none in particular */
};

/* Write all but `where`, which is emptied; a long message is cut behind a whole character. */
void refuse(struct refusal *why, int status, int code, const char *fmt, ...) PRINTF_LIKE(4, 5);
/* Write the message from its byte `at` on; cut likewise. */
void refusal_print(struct refusal *why, size_t at, const char *fmt, va_list args);

#endif
