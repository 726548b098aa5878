/* log.c - lines for people and grep. */
#include "log.h"

#include <stdarg.h>
#include <time.h>

#define LINE_MAX_BYTES 1024

void log_line(const struct log *log, enum severity severity, const char *format, ...)
{
    static const char *const words[] = {"debug", "info", "warning", "error", "fatal"};
    char line[LINE_MAX_BYTES], when[32];
    struct timespec now = {0};
    struct tm utc;
    va_list args;

    if (!log->tap && (!log->to || severity < log->least))
        return;
    va_start(args, format);
    (void)vsnprintf(line, sizeof line, format, args);
    va_end(args);
    for (char *at = line; *at; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = '.';
    if (log->tap)
        log->tap(log->context, severity, line);
    if (!log->to || severity < log->least)
        return;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)gmtime_r(&now.tv_sec, &utc);
    (void)strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &utc);
    (void)fprintf(log->to, "%s.%03ldZ %s op=%s\n", when, now.tv_nsec / 1000000, words[severity], line);
}
