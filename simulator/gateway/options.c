/* options.c - see options.h. */
#include "options.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "bounds.h"
#include "mqtt_frame.h"

enum kind { TEXT, ADDRESS, SECONDS, BYTES, DESCRIPTOR, FLAG };

struct option {
    const char *name, *argument; /* NULL: takes none */
    enum kind kind;
    bool is_needed;
    size_t at;           /* offset in struct options */
    const char *initial; /* NULL: none */
    double min, max;
    const char *help;
};

/* A number of ours as the text that the table wants. */
#define TEXT_OF(number)  TEXT_OF_(number)
#define TEXT_OF_(number) #number
#define AT(member)       offsetof(struct options, member)

static const struct option table[] = {
    {"--listen", "HOST:PORT", ADDRESS, true, AT(listen), NULL, 0, 0,
     "take TLS connections of devices and services there; may be given several times"},
    {"--broker", "PATH", TEXT, true, AT(broker), NULL, 0, 0,
     "the Unix socket of the broker's listener for the gateway"},
    {"--cert", "FILE", TEXT, true, AT(cert), NULL, 0, 0, "the server's certificate and its chain, PEM"},
    {"--key", "FILE", TEXT, true, AT(key), NULL, 0, 0, "its private key, PEM"},
    {"--ca", "FILE", TEXT, false, AT(ca), NULL, 0, 0, "authorities that client certificates are looked at with, PEM"},
    {"--max-idle", "SECONDS", SECONDS, false, AT(max_idle_us), "1767", 0.1, 86400,
     "the longest silence of a client, whatever keep-alive it asked for"},
    {"--connect-timeout", "SECONDS", SECONDS, false, AT(connect_timeout_us), "60", 0.1, 3600,
     "how long a client may take until its CONNECT is there"},
    {"--max-packet", "BYTES", BYTES, false, AT(max_packet), TEXT_OF(BOUND_PACKET), 1024, MQTT_PACKET_MAX,
     "the largest packet that a client may send, until the hub says otherwise of this client"},
    {"--broker-wait", "SECONDS", SECONDS, false, AT(broker_wait_us), "10", 0.1, 3600,
     "how long to try to reach a broker that is away before giving up"},
    {"--ready-fd", "N", DESCRIPTOR, false, AT(ready_fd), "-1", 0, 1048576,
     "write \"ready\" and a newline to this descriptor when clients can come, then close it"},
    {"--help", NULL, FLAG, false, AT(wants_help), NULL, 0, 0, "print this"},
    {"--version", NULL, FLAG, false, AT(wants_version), NULL, 0, 0, "print the version"},
};

#define N_OPTIONS (sizeof table / sizeof table[0])

static const struct option *find(const char *name)
{
    for (size_t i = 0; i < N_OPTIONS; i++)
        if (strcmp(name, table[i].name) == 0)
            return &table[i];
    return NULL;
}

/* A number from text; not one, or out of bounds: false. */
static bool number(const char *text, double min, double max, double *out)
{
    char *end;
    double value = strtod(text, &end);

    if (end == text || *end || !isfinite(value) || value < min || value > max)
        return false;
    *out = value;
    return true;
}

static bool is_address(const char *text)
{
    const char *colon = strrchr(text, ':');
    uint64_t port;

    return colon && colon != text && str_to_u64(str_from(colon + 1), 65535, &port) == RC_OK;
}

static bool set(const struct option *o, const char *text, struct options *out)
{
    void *at = (char *)out + o->at;
    double value = 0;

    switch (o->kind) {
    case TEXT:
        memcpy(at, &text, sizeof text);
        return *text != '\0';
    case ADDRESS:
        if (out->n_listen == OPTIONS_LISTEN_MAX || !is_address(text))
            return false;
        out->listen[out->n_listen++] = text;
        return true;
    case FLAG:
        *(bool *)at = true;
        return true;
    case SECONDS:
        if (!number(text, o->min, o->max, &value))
            return false;
        *(int64_t *)at = (int64_t)(value * 1e6);
        return true;
    case BYTES:
        if (!number(text, o->min, o->max, &value))
            return false;
        *(size_t *)at = (size_t)value;
        return true;
    case DESCRIPTOR:
        if (!number(text, o->min, o->max, &value))
            return false;
        *(int *)at = (int)value;
        return true;
    }
    return false;
}

static bool is_given(const struct option *o, const struct options *options)
{
    const char *text;

    if (o->kind == ADDRESS)
        return options->n_listen > 0;
    memcpy(&text, (const char *)options + o->at, sizeof text);
    return text != NULL;
}

static enum rc refuse(const struct option *o, char *why)
{
    switch (o->kind) {
    case ADDRESS:
        (void)snprintf(why, OPTIONS_WHY_MAX, "%s wants an address and a port such as 127.0.0.1:8883, %u times at most",
                       o->name, OPTIONS_LISTEN_MAX);
        break;
    case SECONDS:
    case BYTES:
    case DESCRIPTOR:
        (void)snprintf(why, OPTIONS_WHY_MAX, "%s wants a number from %g to %.10g", o->name, o->min, o->max);
        break;
    case TEXT:
    case FLAG:
        (void)snprintf(why, OPTIONS_WHY_MAX, "%s wants %s", o->name, o->argument ? o->argument : "nothing");
        break;
    }
    return RC_SYNTAX;
}

enum rc options_read(int argc, char *const *argv, struct options *out, char *why)
{
    struct options read = {.ready_fd = -1};

    for (size_t i = 0; i < N_OPTIONS; i++)
        if (table[i].initial && table[i].kind != DESCRIPTOR && !set(&table[i], table[i].initial, &read))
            return refuse(&table[i], why);
    for (int i = 1; i < argc; i++) {
        const struct option *o = find(argv[i]);

        if (!o) {
            (void)snprintf(why, OPTIONS_WHY_MAX, "there is no '%.64s'; see --help", argv[i]);
            return RC_SYNTAX;
        }
        if (o->argument && i + 1 == argc)
            return refuse(o, why);
        if (!set(o, o->argument ? argv[++i] : "", &read))
            return refuse(o, why);
    }
    for (size_t i = 0; i < N_OPTIONS && !read.wants_help && !read.wants_version; i++)
        if (table[i].is_needed && !is_given(&table[i], &read)) {
            (void)snprintf(why, OPTIONS_WHY_MAX, "%s %s is missing; see --help", table[i].name, table[i].argument);
            return RC_SYNTAX;
        }
    *out = read;
    return RC_OK;
}

void options_help(void)
{
    (void)printf("twinsim-gateway " TWINSIM_VERSION
                 " - the front door of a simulated hub: TLS and MQTT towards clients\n"
                 "\n"
                 "usage: twinsim-gateway --listen HOST:PORT --broker PATH --cert FILE --key FILE [OPTION...]\n"
                 "\n"
                 "`twinsim up` starts it; by hand it is started only to look at it alone.\n"
                 "\n");
    for (size_t i = 0; i < N_OPTIONS; i++) {
        char left[64];

        (void)snprintf(left, sizeof left, "%s%s%s", table[i].name, table[i].argument ? " " : "",
                       table[i].argument ? table[i].argument : "");
        (void)printf("  %-26s %s", left, table[i].help);
        if (table[i].initial && table[i].kind != DESCRIPTOR)
            (void)printf(" (default %s)", table[i].initial);
        (void)printf("\n");
    }
    (void)printf(
        "\n"
        "SIGTERM ends it: connections are told to the hub as ended by shutdown, the exit status is 0. SIGHUP loads\n"
        "certificate, key and authorities again, for connections to come. It ends by itself with its parent, and with\n"
        "status 1 when the broker stays away.\n");
}
