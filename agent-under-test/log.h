/* log.h - one event, one line on stderr, made for grep:
 *
 *     2026-11-21T22:40:01.123Z info op=connect host=127.0.0.9 device=edge-1 module=azureiotsecurity
 *
 * Never a key, a token or a whole message. Control characters are replaced, so one event cannot look like two.
 */
#ifndef AGENT_LOG_H
#define AGENT_LOG_H

#include <stdio.h>

/* The real agent's numbers, as in its LocalConfiguration.json. */
enum severity { SEVERITY_DEBUG, SEVERITY_INFO, SEVERITY_WARNING, SEVERITY_ERROR, SEVERITY_FATAL };

struct log {
    FILE *to;
    enum severity least; /* quieter lines are left out */
    /* Is told every line, however quiet; NULL for nobody. What it logs itself it is not told. */
    void (*tap)(void *context, enum severity severity, const char *line);
    void *context;
};

/* Write one line, "op=" in front of the format's text. */
void log_line(const struct log *log, enum severity severity, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
