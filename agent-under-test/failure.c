/* failure.c - words for what went wrong at start-up. */
#include "failure.h"

#include <stdarg.h>
#include <stdio.h>

#define FAILURE_CODE_TEXT(name, text)    [FAILURE_##name] = text,
#define FAILURE_SUBCODE_TEXT(name, text) [FAILED_##name] = text,
static const char *const codes[] = {FAILURE_CODES(FAILURE_CODE_TEXT)};
static const char *const subcodes[] = {FAILURE_SUBCODES(FAILURE_SUBCODE_TEXT)};

void failure_set(struct failure *f, enum failure_code code, enum failure_subcode subcode, const char *format, ...)
{
    va_list args;

    f->code = code;
    f->subcode = subcode;
    va_start(args, format);
    (void)vsnprintf(f->detail, sizeof f->detail, format, args);
    va_end(args);
}

const char *failure_code_text(enum failure_code code)
{
    return codes[code];
}

const char *failure_subcode_text(enum failure_subcode subcode)
{
    return subcodes[subcode];
}
