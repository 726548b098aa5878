/* reference.c - print one page of the reference from the tables in simulator/core. For scripts/reference, which compiles and runs it.
 *
 * usage: reference limits|statuses|topics
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "hub_limits.h"
#include "statuses.h"
#include "throttle.h"
#include "topics.h"

#define MADE_BY "<!-- Made by scripts/reference from simulator/core/%s; changes here are lost. -->\n\n"

static void print_number(int64_t value)
{
    if (value >= 1000 || value <= -1000) {
        print_number(value / 1000);
        printf(",%03d", (int)(value < 0 ? -(value % 1000) : value % 1000));
    } else {
        printf("%" PRId64, value);
    }
}

static void print_limit(const char *name, int64_t value, const char *unit, const char *what, const char *beyond,
                        const char *facts)
{
    printf("| %s | ", what);
    print_number(value);
    printf(" %s | %s | %s | `%s` |\n", unit, beyond, strcmp(facts, "ours") == 0 ? "ours" : facts, name);
}

/* A rate as people say it: a second, or a minute where that is a whole number. */
static void print_rate(double least, double unit, const char *what)
{
    bool by_minute = unit > 0 && (double)(int64_t)unit != unit;
    double factor = strcmp(what, "bytes") == 0 ? 1 / 1024.0 : by_minute ? 60 : 1;
    const char *per = strcmp(what, "bytes") == 0 ? " KB/s" : by_minute ? "/min" : "/s";

    if (least > 0)
        printf(" %.0f%s%s", least * factor, per, unit > 0 ? ", or if more" : "");
    if (unit > 0)
        printf(" %.0f%s each unit", unit * factor, per);
    printf(" |");
}

static void print_throttles(void)
{
    printf("\n## Throttles, by tier\n\nOff unless a [profile](profiles.md) names a tier (facts L-01, L-15). A burst of "
           "%.0f seconds' worth passes "
           "at once; then requests wait, %.0f seconds' worth at most, and leave at the rate; then they are refused "
           "with 429001 (facts "
           "L-19).\n\n| what | word | F1, B1, S1 | B2, S2 | B3, S3 |\n|---|---|---|---|---|\n",
           THROTTLE_BURST_S, THROTTLE_BACKLOG_S);
#define ROW(name, word, what, unit, a1, u1, a2, u2, a3, u3)                                                            \
    printf("| %s | `%s` |", what, word);                                                                               \
    print_rate(a1, u1, unit);                                                                                          \
    print_rate(a2, u2, unit);                                                                                          \
    print_rate(a3, u3, unit);                                                                                          \
    printf("\n");
    THROTTLE_LIST(ROW)
#undef ROW
    printf("\n## Messages of a day, by tier\n\nBeyond: 403002; a device-to-cloud message ends its connection (facts "
           "L-09, L-18). A day ends at "
           "midnight, UTC, by the hub's clock.\n\n| tier | messages each unit | counts as one | most units "
           "|\n|---|---|---|---|\n");
#define ROW(name, column, units, messages, meter)                                                                      \
    printf("| `%s` | ", #name);                                                                                        \
    print_number(messages);                                                                                            \
    printf(" | %d bytes | %d |\n", meter, units);
    TIER_LIST(ROW)
#undef ROW
}

static void print_limits(void)
{
    printf("# Limits\n\n" MADE_BY, "hub_limits.h and throttle.h");
    printf("What a client can meet, what happens beyond, and how we know. *Ours*: the real hub has no such limit, or "
           "none that is known; "
           "ours keeps memory and time bounded.\n\n| what | limit | beyond | facts | in the code "
           "|\n|---|---|---|---|---|\n");
#define ROW(name, value, unit, what, beyond, facts) print_limit(#name, value, unit, what, beyond, facts);
    LIMIT_LIST(ROW)
#undef ROW
    print_limit("TWIN_INTEGER_MIN", TWIN_INTEGER_MIN, "", "an integer in a twin, at least", "400004", "T-16");
    print_limit("TWIN_INTEGER_MAX", TWIN_INTEGER_MAX, "", "an integer in a twin, at most", "400004", "T-16");
    print_throttles();
    printf("\n## Limits of the real hub that are not here\n\n| what | limit | why not |\n|---|---|---|\n");
#define ROW(what, limit, why) printf("| %s | %s | %s |\n", what, limit, why);
    LIMIT_ABSENT_LIST(ROW)
#undef ROW
}

static void print_statuses(void)
{
    printf("# Statuses and error codes\n\n" MADE_BY, "statuses.h");
    printf("A refusal is `{\"errorCode\":404001,\"trackingId\":\"…\",\"message\":\"…\",\"timestampUtc\":\"…\"}`: the "
           "body of a twin answer whose "
           "topic says the status, or of a command's answer. A profile [edge-hub](profiles.md) leaves the body of a "
           "twin answer empty.\n\n"
           "| status | errorCode | the service's word | when | facts |\n|---|---|---|---|---|\n");
#define ROW(code, status, word, when, facts) printf("| %d | %d | %s | %s | %s |\n", status, code, word, when, facts);
    STATUS_LIST(ROW)
#undef ROW
    printf("\nA good answer has 200 (twin GET, commands, methods whatever the device says) or 204 (a report). CONNACK "
           "is 0 or 5; whatever "
           "else a client may not do ends its connection (facts M-06, M-15). A fault `status` answers any status from "
           "200 to 599; one that is "
           "not in the table has the code status x 1000 + 1.\n");
}

static void print_topic(const char *who, const char *form, const char *what, const char *facts)
{
    printf("| `%s` | %s | %s | %s |\n", form, who, what, facts);
}

static void print_topics(void)
{
    static const char head[] = "| topic | who | what | facts |\n|---|---|---|---|\n";

    printf("# Topics\n\n" MADE_BY, "topics.h");
    printf("`{d}` and `{m}` are the ids as they stand; in the service's trees they are percent-encoded. Topics are "
           "matched from the first byte to "
           "the last; a PUBLISH to any other closes the connection (facts M-15), and so does a SUBSCRIBE to another "
           "filter (facts M-14), or it "
           "gets 0x80 by option and with the profile edge-hub.\n\n## A device or module publishes\n\n%s",
           head);
#define ROW(kind, who, form, example, what, facts) print_topic(who, form, what, facts);
    TOPIC_PUBLISHED_LIST(ROW)
    printf("\n## It subscribes to\n\n%s", head);
    TOPIC_FILTER_LIST(ROW)
    printf("\n## The hub publishes to it\n\n%s", head);
    TOPIC_SENT_LIST(ROW)
#undef ROW
    printf("\n## Service clients\n\n| topic | who publishes | what |\n|---|---|---|\n");
#define ROW(who, form, what) printf("| `%s` | %s | %s |\n", form, who, what);
    TOPIC_SERVICE_LIST(ROW)
#undef ROW
}

int main(int argc, char **argv)
{
    const char *page = argc == 2 ? argv[1] : "";

    if (strcmp(page, "limits") == 0)
        print_limits();
    else if (strcmp(page, "statuses") == 0)
        print_statuses();
    else if (strcmp(page, "topics") == 0)
        print_topics();
    else
        return 2;
    return ferror(stdout) != 0;
}
