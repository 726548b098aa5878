/* bench_turns.c - how long the plugin holds up the broker's thread in one turn while somebody looks at many large twins. Not a test.
 *
 * The plugin runs against the tests' broker, so that nothing but its own work is measured, in processor time of the thread: what else the machine
 * does counts for nothing. A turn is everything from one tick to the end of the next.
 *
 *   bench_turns [DEVICES]
 * For twins of a few long texts and for twins of very many short members, one line for each thing asked: turns, answers, the median turn and
 * the longest, in microseconds. The first lines of each are the largest steps that nothing can divide: one twin read from the store, and one printed.
 */
#include <inttypes.h>
#include <mosquitto.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fake_broker.h"
#include "plugin.h"
#include "remove_tree.h"
#include "test.h"

#define HOST      "twinsim.azure-devices.test"
#define SEED      "twinsim-development-keys"
#define MAX_TURNS 1000000

static struct mosquitto service = {
    .id = "service//1", .username = "iothubowner@sas.root.twinsim", .clean = true, .protocol = 4};

static struct {
    int64_t *at; /* microseconds of each turn */
    size_t n;
} turns;

static int64_t cpu_us(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int by_number(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* Send one control message, and turn until its answer is there. What it says is valid until the next. */
static const char *ask(const char *message)
{
    const struct published *answer = NULL;

    broker_forget();
    for (bool is_sent = false; !answer; is_sent = true) {
        int64_t from = cpu_us();

        if (!is_sent && broker_publish(&service, CONTROL_TOPIC, message, NULL))
            abort();
        broker_tick();
        if (turns.n < MAX_TURNS)
            turns.at[turns.n++] = cpu_us() - from;
        answer = broker_sent(service.id, CONTROL_TOPIC, 0);
    }
    return answer->body;
}

static void report(const char *shape, const char *what, size_t answers)
{
    qsort(turns.at, turns.n, sizeof *turns.at, by_number);
    (void)printf("%-6s %-36.36s turns=%-6zu answers=%-6zu median_us=%-6" PRId64 " p99_us=%-6" PRId64
                 " longest_us=%" PRId64 "\n",
                 shape, what, turns.n, answers, turns.at[turns.n / 2], turns.at[(turns.n - 1) * 99 / 100],
                 turns.at[turns.n - 1]);
    (void)fflush(stdout);
    turns.n = 0;
}

/* --- twins ---------------------------------------------------------------------------------------------------------- */

/* A section a little under what one may hold: 7 texts of 4,096 bytes and one of what is left, or as many short members as there is room for. */
static void put_section(struct buf *b, bool is_wide)
{
    size_t counted = 0, n = 0;

    buf_add_char(b, '{');
    for (; counted + (is_wide ? 8 : 0) < TWIN_SECTION_MAX - 64; n++) {
        size_t len = is_wide ? 0 : TWIN_SECTION_MAX - 64 - counted;

        len = len > TWIN_VALUE_MAX ? TWIN_VALUE_MAX : len;
        counted += (size_t)snprintf(NULL, 0, "%zu", n) + 1 + (is_wide ? 4 : len);
        if (is_wide)
            buf_addf(b, "%s\"k%zu\":true", n ? "," : "", n);
        else
            buf_addf(b, "%s\"k%zu\":\"%0*d\"", n ? "," : "", n, (int)len, 7);
    }
    buf_add_char(b, '}');
}

static void make(const char *prefix, size_t devices, bool is_wide)
{
    struct buf message;

    for (size_t i = 0; i < devices; i++) {
        buf_init(&message, 0);
        buf_addf(&message, "{\"commands\":[{\"command\":\"device.create\",\"deviceId\":\"%s-%zu\",", prefix, i);
        buf_add(&message, STR("\"twin\":{\"properties\":{\"desired\":"));
        put_section(&message, is_wide);
        buf_add(&message, STR(",\"reported\":"));
        put_section(&message, is_wide);
        buf_add(&message, STR("}}}]}"));
        buf_add_char(&message, '\0');
        if (!buf_ok(&message) || !strstr(ask(message.at), "\"status\":200"))
            abort();
        buf_done(&message);
    }
}

/* --- what is asked -------------------------------------------------------------------------------------------------- */

static void show(const char *shape, size_t devices, bool is_cached)
{
    char message[256];
    size_t n = 0;

    if (is_cached) {
        (void)snprintf(message, sizeof message, "{\"commands\":[{\"command\":\"twin.show\",\"deviceId\":\"%s-0\"}]}",
                       shape);
        (void)ask(message);
        turns.n = 0;
    }
    for (; n < 50 && n < devices; n++) {
        (void)snprintf(message, sizeof message, "{\"commands\":[{\"command\":\"twin.show\",\"deviceId\":\"%s-%zu\"}]}",
                       shape, is_cached ? 0 : n);
        (void)ask(message);
    }
    report(shape, is_cached ? "one twin printed" : "one twin read and printed", n);
}

/* The bytes of a JSON text that begins here, as it stands. */
static int text_length(const char *at)
{
    int n = 0;

    while (at[n] != '"')
        n += at[n] == '\\' ? 2 : 1;
    return n;
}

static void query(const char *shape, const char *text)
{
    static const char mark[] = "\"continuation\":\"";
    struct buf message;
    size_t pages = 0;
    const char *next = NULL;

    do {
        const char *body;

        buf_init(&message, 0);
        buf_addf(&message, "{\"commands\":[{\"command\":\"query\",\"query\":\"%s\"", text);
        if (next)
            buf_addf(&message, ",\"continuation\":\"%.*s\"", text_length(next), next);
        buf_add(&message, STR("}]}"));
        buf_add_char(&message, '\0');
        if (!buf_ok(&message))
            abort();
        body = ask(message.at);
        buf_done(&message);
        if (!strstr(body, "\"status\":200")) {
            (void)fprintf(stderr, "bench_turns: %.300s\n", body);
            exit(1);
        }
        pages++;
        next = strstr(body, mark);
        next = next ? next + sizeof mark - 1 : NULL;
    } while (next);
    report(shape, text, pages);
}

/* A condition as long as a query may be, on members that stand last. */
static void query_long(const char *shape, bool is_wide)
{
    struct buf text;

    buf_init(&text, 0);
    buf_add(&text, STR("SELECT deviceId FROM devices WHERE status = 'none'"));
    while (text.len < QUERY_TEXT_MAX - 64)
        buf_addf(&text, " OR properties.reported.k%d = 1", is_wide ? 4000 : 7);
    buf_add_char(&text, '\0');
    if (!buf_ok(&text))
        abort();
    query(shape, text.at);
    buf_done(&text);
}

/* As many queries in one message as one may well send. */
static void query_many(const char *shape)
{
    struct buf message;

    buf_init(&message, 0);
    for (int n = 0; n < 30; n++)
        buf_addf(&message, "%s{\"command\":\"query\",\"query\":\"SELECT * FROM devices\"}",
                 n ? "," : "{\"commands\":[");
    buf_add(&message, STR("]}"));
    buf_add_char(&message, '\0');
    (void)ask(message.at);
    report(shape, "30 times SELECT * in one message", 1);
    buf_done(&message);
}

/* The same as a message each, in one turn of the broker. */
static void query_at_once(const char *shape)
{
    static const char message[] = "{\"commands\":[{\"command\":\"query\",\"query\":\"SELECT * FROM devices\"}]}";
    int64_t from = cpu_us();

    broker_forget();
    for (int n = 0; n < 30; n++)
        if (broker_publish(&service, CONTROL_TOPIC, message, NULL))
            abort();
    while (!broker_sent(service.id, CONTROL_TOPIC, 29)) {
        broker_tick();
        turns.at[turns.n++] = cpu_us() - from;
        from = cpu_us();
    }
    report(shape, "30 messages in one turn", 30);
}

/* A message for each, and an hour later. */
static void expire(const char *shape, size_t devices)
{
    struct buf message;
    size_t n = 0;

    for (size_t i = 0; i < devices; i++) {
        buf_init(&message, 0);
        buf_addf(&message,
                 "{\"commands\":[{\"command\":\"message.send\",\"deviceId\":\"%s-%zu\",\"timeToLive\":\"30m\"}]}",
                 shape, i);
        buf_add_char(&message, '\0');
        (void)ask(message.at);
        buf_done(&message);
    }
    turns.n = 0;
    (void)ask("{\"commands\":[{\"command\":\"clock.advance\",\"by\":\"1h\"}]}");
    while (n < devices) {
        int64_t from = cpu_us();
        struct message_state state;

        broker_tick();
        turns.at[turns.n++] = cpu_us() - from;
        if (store_message_state(((struct plugin *)broker.plugin)->store, &state) || state.next_expiry_us == INT64_MAX)
            n = devices;
        if (turns.n > 100000)
            abort();
    }
    report(shape, "messages of all expire at once", devices);
}

static void all(const char *shape, size_t devices, bool is_wide)
{
    make(shape, devices, is_wide);
    report(shape, "one twin made", devices);
    show(shape, devices, false);
    show(shape, devices, true);
    query(shape, "SELECT * FROM devices");
    query(shape, "SELECT deviceId FROM devices WHERE properties.reported.k7 = 1");
    query(shape, "SELECT COUNT() AS n FROM devices WHERE properties.desired.k7 != 1");
    query(shape, "SELECT properties.reported.k0 AS k, COUNT() AS n FROM devices GROUP BY properties.reported.k0");
    query_long(shape, is_wide);
    query_many(shape);
    query_at_once(shape);
    expire(shape, devices);
}

int main(int argc, char **argv)
{
    size_t devices = argc > 1 ? strtoul(argv[1], NULL, 10) : 2000;

    turns.at = malloc(MAX_TURNS * sizeof *turns.at);
    if (!turns.at || !devices)
        return 2;
    for (int is_wide = 0; is_wide < 2; is_wide++) {
        char dir[] = "/tmp/twinsim-turns-XXXXXX", config[128], password[1024];
        struct sas_key key;
        struct buf b;
        FILE *f;

        if (!mkdtemp(dir) || hub_policy_key(STR(SEED), STR("iothubowner"), &key))
            return 1;
        (void)snprintf(config, sizeof config, "%s/plugin.json", dir);
        f = fopen(config, "we");
        if (!f)
            return 1;
        (void)fprintf(f, "{\"dataDir\":\"%s\",\"hosts\":[\"" HOST "\"],\"keySeed\":\"" SEED "\"}", dir);
        if (fclose(f))
            return 1;
        buf_init(&b, 0);
        sas_token_make(&b, STR(HOST), NULL, STR("iothubowner"), &key, 4102444800);
        (void)snprintf(password, sizeof password, "%s", b.at);
        buf_done(&b);
        service.password = password;
        if (broker_start(config) || broker_connect(&service))
            return 1;
        all(is_wide ? "wide" : "text", devices, is_wide);
        broker_forget();
        broker_stop();
        remove_tree(dir);
    }
    free(turns.at);
    return 0;
}
