/* options.c - see options.h. */
#include "options.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "json.h"
#include "suggest.h"

enum option_kind { TEXT, TEXTS, NUMBER, WORD, FLAG };

enum option_id {
    OPT_CACHE_BYTES,
    OPT_DATA_DIR,
    OPT_DURABILITY,
    OPT_FAULT_MESSAGES,
    OPT_FAULT_MESSAGE_PUBACK,
    OPT_FORBIDDEN_FILTER,
    OPT_FORBIDDEN_WILL,
    OPT_GATEWAY_SOCKET,
    OPT_HISTORY,
    OPT_HOSTS,
    OPT_KEY_SEED,
    OPT_KEY_SEED_FILE,
    OPT_LOG_REQUESTS,
    OPT_MESSAGE_DUP,
    OPT_MESSAGE_TTL_SECONDS,
    OPT_PROFILE,
    OPT_REQUIRE_API_VERSION,
    OPT_TOKEN_SKEW_SECONDS,
    OPT_VERSION
};

struct option {
    const char *name;
    enum option_kind kind;
    enum option_id id;
    uint64_t min, max;        /* NUMBER */
    const char *const *words; /* WORD; ends with NULL */
};

static const char *const durabilities[] = {"memory", "process", "power", NULL}; /* in the order of enum durability */
static const char *const refusals[] = {"close", "0x80", NULL};
static const char *const wills[] = {"refuse", "drop", NULL};

static const struct option table[] = {
    {"cacheBytes", NUMBER, OPT_CACHE_BYTES, 0, UINT64_C(1) << 40, NULL}, /* ceiling for cached twins; 0: 256 MB */
    {"dataDir", TEXT, OPT_DATA_DIR, 0, 0, NULL},                         /* required, absolute */
    {"durability", WORD, OPT_DURABILITY, 0, 0, durabilities}, /* what an acknowledged change survives; process */
    {"faultMessages", FLAG, OPT_FAULT_MESSAGES, 0, 0, NULL},  /* honour the SDKs' fault messages; false */
    {"faultMessagePuback", FLAG, OPT_FAULT_MESSAGE_PUBACK, 0, 0, NULL}, /* acknowledge them before they strike; true */
    {"forbiddenFilter", WORD, OPT_FORBIDDEN_FILTER, 0, 0, refusals},    /* what a bad SUBSCRIBE gets; close */
    {"forbiddenWill", WORD, OPT_FORBIDDEN_WILL, 0, 0, wills}, /* what a CONNECT with a bad will gets; refuse */
    {"gatewaySocket", TEXT, OPT_GATEWAY_SOCKET, 0, 0, NULL},  /* the listener of the gateway's connections; none */
    {"history", NUMBER, OPT_HISTORY, 1, 1000000, NULL},       /* versions kept of each twin; 1000 */
    {"hosts", TEXTS, OPT_HOSTS, 0, 0, NULL},                  /* required: the hub's name, then its addresses */
    {"keySeed", TEXT, OPT_KEY_SEED, 0, 0, NULL},              /* this or keySeedFile is required */
    {"keySeedFile", TEXT, OPT_KEY_SEED_FILE, 0, 0, NULL},     /* a file with the seed in its first line */
    {"logRequests", FLAG, OPT_LOG_REQUESTS, 0, 0, NULL},      /* one debug line a request; false */
    {"messageDup", FLAG, OPT_MESSAGE_DUP, 0, 0, NULL},        /* a message delivered again carries the DUP flag; true */
    {"messageTtlSeconds", NUMBER, OPT_MESSAGE_TTL_SECONDS, MESSAGE_TTL_MIN_S, MESSAGE_TTL_MAX_S,
     NULL},                                                               /* how long messages wait; 3600 */
    {"profile", TEXT, OPT_PROFILE, 0, 0, NULL},                           /* which hub it plays; gw-v2 */
    {"requireApiVersion", FLAG, OPT_REQUIRE_API_VERSION, 0, 0, NULL},     /* refuse user names without one; false */
    {"tokenSkewSeconds", NUMBER, OPT_TOKEN_SKEW_SECONDS, 0, 86400, NULL}, /* grace after a token's expiry; 0 */
    {"version", TEXT, OPT_VERSION, 0, 0, NULL}, /* who wrote the file: must be our own version */
};
#define TABLE_LEN (sizeof table / sizeof table[0])

struct reader {
    const char *path;
    struct str text;
    char *why;
    size_t why_size;
};

/* Say "path:line:column: ..." and return rc. */
PRINTF_LIKE(4, 5)
static enum rc complain(const struct reader *rd, enum rc rc, const cJSON *node, const char *fmt, ...)
{
    unsigned line = 1, column = 1;
    char text[OPTIONS_WHY_MAX];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (node)
        json_position(rd->text, json_offset(node), &line, &column);
    (void)snprintf(rd->why, rd->why_size, "%s:%u:%u: %s", rd->path, line, column, text);
    return rc;
}

static enum rc complain_unknown(const struct reader *rd, const cJSON *member)
{
    struct str name = str_first(str_from(member->string), 64);
    const char *names[TABLE_LEN], *meant;

    for (size_t i = 0; i < TABLE_LEN; i++)
        names[i] = table[i].name;
    meant = suggest(name, names, TABLE_LEN);
    if (meant)
        return complain(rd, RC_SYNTAX, member, "unknown option \"%.*s\"; did you mean \"%s\"?", STR_FMT(name), meant);
    return complain(rd, RC_SYNTAX, member, "unknown option \"%.*s\"; docs/reference/plugin-options.md lists them all",
                    STR_FMT(name));
}

/* Read a small file whole. RC_LIMIT: larger than max bytes. */
static enum rc file_read(const char *path, size_t max, struct buf *out)
{
    enum rc rc = RC_IO;
    char chunk[4096];
    FILE *f = fopen(path, "re");
    size_t n;

    if (!f)
        return RC_IO;
    buf_init(out, max);
    while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
        buf_add(out, str_of(chunk, n));
    if (!ferror(f))
        rc = out->rc;
    (void)fclose(f); /* it was only read */
    if (rc)
        buf_done(out);
    memset(chunk, 0, sizeof chunk);
    return rc;
}

static enum rc seed_from_file(const struct reader *rd, const cJSON *node, struct options *o)
{
    struct buf text;
    struct str rest, line;
    enum rc rc = file_read(node->valuestring, 4096, &text);

    if (rc)
        return complain(rd, rc, node, "the key seed %s cannot be read: %s", node->valuestring,
                        rc == RC_IO ? strerror(errno) : rc_text(rc));
    rest = buf_view(&text);
    line = str_cut(&rest, '\n');
    if (line.len && line.at[line.len - 1] == '\r')
        line.len--;
    if (!line.len) {
        rc = complain(rd, RC_SYNTAX, node, "the key seed %s is empty; it holds the seed in its first line",
                      node->valuestring);
    } else {
        o->key_seed = str_dup(line);
        rc = o->key_seed ? RC_OK : complain(rd, RC_NOMEM, node, "out of memory");
    }
    if (text.at)
        explicit_bzero(text.at, text.len);
    buf_done(&text);
    return rc;
}

static enum rc text_dup(const struct reader *rd, const cJSON *node, char **out)
{
    *out = str_dup(str_from(node->valuestring));
    return *out ? RC_OK : complain(rd, RC_NOMEM, node, "out of memory");
}

static enum rc hosts_from(const struct reader *rd, const cJSON *node, struct options *o)
{
    const cJSON *host;

    cJSON_ArrayForEach(host, node)
    {
        if (!cJSON_IsString(host) || !host->valuestring[0])
            return complain(rd, RC_SYNTAX, host, "a host is a text such as \"twinsim.azure-devices.test\"");
        if (o->n_hosts == HUB_HOSTS_MAX)
            return complain(rd, RC_SYNTAX, host, "more than %u hosts", HUB_HOSTS_MAX);
        o->hosts[o->n_hosts] = str_dup(str_from(host->valuestring));
        if (!o->hosts[o->n_hosts])
            return complain(rd, RC_NOMEM, host, "out of memory");
        o->n_hosts++;
    }
    return o->n_hosts ? RC_OK
                      : complain(rd, RC_SYNTAX, node, "\"hosts\" is empty; its first entry is the hub's own name");
}

static enum rc word_from(const struct reader *rd, const struct option *opt, const cJSON *node, int *out)
{
    if (cJSON_IsString(node))
        for (int i = 0; opt->words[i]; i++)
            if (strcmp(opt->words[i], node->valuestring) == 0) {
                *out = i;
                return RC_OK;
            }
    return complain(rd, RC_SYNTAX, node, "\"%s\" is \"%s\", \"%s\"%s%s%s", opt->name, opt->words[0], opt->words[1],
                    opt->words[2] ? " or \"" : "", opt->words[2] ? opt->words[2] : "", opt->words[2] ? "\"" : "");
}

/* What an option was given, as its kind has it. */
struct given {
    const cJSON *node;
    uint64_t number; /* NUMBER */
    int word;        /* WORD: which */
    bool is_true;    /* FLAG */
};

static enum rc given_read(const struct reader *rd, const struct option *opt, const cJSON *node, struct given *out)
{
    *out = (struct given){.node = node};
    switch (opt->kind) {
    case TEXT:
        if (!cJSON_IsString(node) || !node->valuestring[0])
            return complain(rd, RC_SYNTAX, node, "\"%s\" is a text that is not empty", opt->name);
        break;
    case TEXTS:
        if (!cJSON_IsArray(node))
            return complain(rd, RC_SYNTAX, node, "\"%s\" is an array of texts", opt->name);
        break;
    case NUMBER:
        if (!cJSON_IsNumber(node) || str_to_u64(str_from(node->valuestring), opt->max, &out->number) ||
            out->number < opt->min)
            return complain(rd, RC_SYNTAX, node, "\"%s\" is a whole number from %llu to %llu", opt->name,
                            (unsigned long long)opt->min, (unsigned long long)opt->max);
        break;
    case FLAG:
        if (!cJSON_IsBool(node))
            return complain(rd, RC_SYNTAX, node, "\"%s\" is true or false", opt->name);
        out->is_true = cJSON_IsTrue(node);
        break;
    case WORD:
        return word_from(rd, opt, node, &out->word);
    }
    return RC_OK;
}

/* A path that is not taken from wherever the broker happens to be. */
static enum rc path_from(const struct reader *rd, const struct option *opt, const cJSON *node, char **out)
{
    if (node->valuestring[0] != '/')
        return complain(rd, RC_SYNTAX, node, "\"%s\" is an absolute path: the broker may change its directory",
                        opt->name);
    return text_dup(rd, node, out);
}

static enum rc seed_from(const struct reader *rd, const struct option *opt, const cJSON *node, struct options *o)
{
    if (o->key_seed)
        return complain(rd, RC_SYNTAX, node, "\"keySeed\" or \"keySeedFile\", not both");
    return opt->id == OPT_KEY_SEED ? text_dup(rd, node, &o->key_seed) : seed_from_file(rd, node, o);
}

static enum rc check_version(const struct reader *rd, const cJSON *node)
{
    if (strcmp(node->valuestring, TWINSIM_VERSION) == 0)
        return RC_OK;
    return complain(rd, RC_SYNTAX, node,
                    "written by twinsim %s, but this plugin is %s; start the hub with the twinsim of the same build",
                    node->valuestring, TWINSIM_VERSION);
}

static enum rc option_store(const struct reader *rd, const struct option *opt, const struct given *g, struct options *o)
{
    switch (opt->id) {
    case OPT_CACHE_BYTES:
        o->cache_bytes = (size_t)g->number;
        break;
    case OPT_DATA_DIR:
        return path_from(rd, opt, g->node, &o->data_dir);
    case OPT_DURABILITY:
        o->durability = (enum durability)g->word;
        break;
    case OPT_FAULT_MESSAGES:
        o->fault_messages = g->is_true;
        break;
    case OPT_FAULT_MESSAGE_PUBACK:
        o->fault_message_unanswered = !g->is_true;
        break;
    case OPT_FORBIDDEN_FILTER:
        o->forbidden_filter_is_0x80 = g->word == 1;
        break;
    case OPT_FORBIDDEN_WILL:
        o->forbidden_will_is_dropped = g->word == 1;
        break;
    case OPT_GATEWAY_SOCKET:
        return path_from(rd, opt, g->node, &o->gateway_socket);
    case OPT_HISTORY:
        o->history = (unsigned)g->number;
        break;
    case OPT_HOSTS:
        return hosts_from(rd, g->node, o);
    case OPT_KEY_SEED:
    case OPT_KEY_SEED_FILE:
        return seed_from(rd, opt, g->node, o);
    case OPT_LOG_REQUESTS:
        o->log_requests = g->is_true;
        break;
    case OPT_MESSAGE_DUP:
        o->message_without_dup = !g->is_true;
        break;
    case OPT_MESSAGE_TTL_SECONDS:
        o->message_ttl_us = (int64_t)g->number * 1000000;
        break;
    case OPT_PROFILE:
        if (profile_read(str_from(g->node->valuestring), &o->profile))
            return complain(rd, RC_SYNTAX, g->node, "\"profile\" is " PROFILE_WORDS);
        break;
    case OPT_REQUIRE_API_VERSION:
        o->require_api_version = g->is_true;
        break;
    case OPT_TOKEN_SKEW_SECONDS:
        o->token_skew_us = (int64_t)g->number * 1000000;
        break;
    case OPT_VERSION:
        return check_version(rd, g->node);
    }
    return RC_OK;
}

static enum rc options_from(const struct reader *rd, const cJSON *doc, struct options *o)
{
    const cJSON *member;

    if (!cJSON_IsObject(doc))
        return complain(rd, RC_SYNTAX, doc, "an object is expected: {\"dataDir\": ...}");
    cJSON_ArrayForEach(member, doc)
    {
        const struct option *opt = NULL;
        struct given given;
        enum rc rc;

        for (size_t i = 0; i < TABLE_LEN && !opt; i++)
            if (strcmp(table[i].name, member->string) == 0)
                opt = &table[i];
        rc = opt ? given_read(rd, opt, member, &given) : complain_unknown(rd, member);
        if (!rc)
            rc = option_store(rd, opt, &given, o);
        if (rc)
            return rc;
    }
    if (!o->data_dir)
        return complain(rd, RC_SYNTAX, doc, "\"dataDir\" is missing: the directory that holds the hub's state");
    if (!o->n_hosts)
        return complain(rd, RC_SYNTAX, doc, "\"hosts\" is missing: the hub's own name, then its addresses");
    if (!o->key_seed)
        return complain(rd, RC_SYNTAX, doc,
                        "\"keySeedFile\" is missing: the file with the seed that keys are made from");
    return RC_OK;
}

enum rc options_read(const char *path, struct options *out, char *why, size_t why_size)
{
    struct options o = {.durability = DURABILITY_PROCESS};
    struct reader rd = {.path = path, .why = why, .why_size = why_size};
    struct json_error err = {0, NULL};
    struct buf text;
    cJSON *doc = NULL;
    enum rc rc = file_read(path, OPTIONS_FILE_MAX, &text);

    if (rc) {
        (void)snprintf(why, why_size, "%s: %s", path, rc == RC_IO ? strerror(errno) : rc_text(rc));
        return rc == RC_IO ? RC_IO : RC_SYNTAX;
    }
    rd.text = buf_view(&text);
    rc = json_read(rd.text, &doc, &err);
    if (rc) {
        unsigned line, column;

        json_position(rd.text, err.offset, &line, &column);
        (void)snprintf(why, why_size, "%s:%u:%u: %s", path, line, column, err.what ? err.what : rc_text(rc));
        goto done;
    }
    rc = options_from(&rd, doc, &o);
    if (rc)
        goto done;
    *out = o;
    o = (struct options){.data_dir = NULL};

done:
    options_done(&o);
    cJSON_Delete(doc);
    if (text.at)
        explicit_bzero(text.at, text.len);
    buf_done(&text);
    return rc;
}

void options_done(struct options *o)
{
    free(o->data_dir);
    free(o->gateway_socket);
    for (size_t i = 0; i < o->n_hosts; i++)
        free(o->hosts[i]);
    if (o->key_seed)
        explicit_bzero(o->key_seed, strlen(o->key_seed));
    free(o->key_seed);
    memset(o, 0, sizeof *o);
}
