/* bench_query.c - what does a device notice while somebody else asks for every twin of a large hub, again and again? Not a test.
 *
 * A hub with many devices whose twins are nearly as large as twins may be. One device, over plain TCP, reads its twin and reports, in turns, every few
 * milliseconds: first with nobody beside it, then while another process pages through `SELECT * FROM devices` as fast as it is answered.
 *
 *   bench_query [DEVICES [SECONDS [wide]]]          2000 10; wide: twins of very many short members instead of a few long texts
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "hub.h"
#include "hub_process.h"
#include "json_write.h"
#include "mqtt_wire.h"
#include "remove_tree.h"
#include "service.h"

#define PORT     18851
#define EVERY_US 2000 /* a request */
#define MAX      1000000

static const char *shape(bool is_wide)
{
    static struct buf b;
    size_t counted = 0;

    buf_init(&b, 0);
    buf_add_char(&b, '{');
    for (size_t n = 0; counted + 64 < TWIN_SECTION_MAX - TWIN_VALUE_MAX; n++) {
        size_t len = is_wide ? 4 : TWIN_VALUE_MAX;

        counted += (size_t)snprintf(NULL, 0, "%zu", n) + 1 + len;
        if (is_wide)
            buf_addf(&b, "%s\"k%zu\":true", n ? "," : "", n);
        else
            buf_addf(&b, "%s\"k%zu\":\"%0*d\"", n ? "," : "", n, (int)len, 7);
    }
    buf_add_char(&b, '}');
    buf_add_char(&b, '\0');
    return buf_ok(&b) ? b.at : "{}";
}

static cJSON *ask(struct service *s, const char *text)
{
    cJSON *command = NULL, *body = NULL;
    int status = 0;

    if (json_read(str_from(text), &command, NULL) || service_command(s, command, 20000, &status, &body) ||
        status != 200) {
        (void)fprintf(stderr, "bench_query: refused with %d: %.200s\n", status, text);
        exit(1);
    }
    return body;
}

static struct service *connect_service(const struct hub_file *hub)
{
    struct service *s;
    char why[512];

    if (service_connect(hub, &s, why, sizeof why)) {
        (void)fprintf(stderr, "bench_query: %s\n", why);
        exit(1);
    }
    return s;
}

static void make(struct service *s, size_t devices, bool is_wide)
{
    const char *section = shape(is_wide);
    struct buf text;

    for (size_t i = 0; i < devices; i++) {
        buf_init(&text, 0);
        buf_addf(&text,
                 "{\"command\":\"device.create\",\"deviceId\":\"dev-%zu\",\"twin\":{\"properties\":{\"desired\":%s,"
                 "\"reported\":%s}}}",
                 i, section, section);
        buf_add_char(&text, '\0');
        cJSON_Delete(ask(s, text.at));
        buf_done(&text);
    }
    cJSON_Delete(ask(s, "{\"command\":\"device.create\",\"deviceId\":\"neighbour\"}"));
}

/* Page through all twins, for ever; a byte on the pipe for each page. */
static pid_t start_asker(const struct hub_file *hub, int told)
{
    pid_t pid = fork();
    struct service *s;
    struct buf text;

    if (pid)
        return pid;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    s = connect_service(hub);
    for (;;) {
        cJSON *body = NULL;

        do {
            const char *next = json_get_text(body, "continuation");

            buf_init(&text, 0);
            buf_add(&text, STR("{\"command\":\"query\",\"query\":\"SELECT * FROM devices\""));
            if (next)
                json_put_text(&text, "continuation", str_from(next));
            buf_add(&text, STR("}"));
            buf_add_char(&text, '\0');
            cJSON_Delete(body);
            body = ask(s, text.at);
            buf_done(&text);
            if (write(told, ".", 1) != 1)
                _exit(1);
        } while (json_get(body, "continuation"));
        cJSON_Delete(body);
    }
}

static void connect_neighbour(struct wire *w, const char *host)
{
    const struct ident id = {STR("neighbour"), {NULL, 0}};
    struct sas_key primary, secondary;
    struct buf token;
    char user[128];

    hub_identity_keys(STR("twinsim-development-keys"), id, 0, &primary, &secondary);
    (void)snprintf(user, sizeof user, "%s/neighbour/?api-version=2021-04-12", host);
    buf_init(&token, 0);
    sas_token_make(&token, str_from(host), &id, STR(""), &primary, (int64_t)time(NULL) + 7200);
    if (!wire_open(w, host, PORT) || wire_connect(w, "neighbour", user, token.at, true) ||
        wire_subscribe(w, "$iothub/twin/res/#", 0)) {
        errno = EACCES;
        wire_die("neighbour");
    }
    buf_done(&token);
}

static int by_number(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static void measure(struct wire *w, const char *beside, double seconds)
{
    static int64_t took[2][MAX];
    static const char *const names[] = {"GET", "PATCH"};
    size_t n[2] = {0, 0};
    int64_t until = wire_now_us() + (int64_t)(seconds * 1e6), next = wire_now_us();
    struct wire_packet p;

    for (unsigned k = 0; wire_now_us() < until && n[k % 2] < MAX; k++) {
        int64_t from, left = next - wire_now_us();
        struct timespec pause = {0, left > 0 ? left * 1000 : 0};
        char topic[96], body[64] = "";

        (void)nanosleep(&pause, NULL); /* NOLINT: a device on a schedule */
        next += EVERY_US;
        (void)snprintf(topic, sizeof topic,
                       k % 2 ? "$iothub/twin/PATCH/properties/reported/?$rid=%u" : "$iothub/twin/GET/?$rid=%u", k);
        if (k % 2)
            (void)snprintf(body, sizeof body, "{\"counter\":%u}", k);
        from = wire_now_us();
        if (!wire_publish(w, topic, body) || !wire_next(w, &p, 20000))
            wire_die("no answer");
        took[k % 2][n[k % 2]++] = wire_now_us() - from;
    }
    for (size_t i = 0; i < 2; i++) {
        qsort(took[i], n[i], sizeof took[i][0], by_number);
        (void)printf("%-22s %-6s %6zu   median %5" PRId64 " us   p99 %5" PRId64 " us   longest %6" PRId64 " us\n",
                     beside, names[i], n[i], took[i][n[i] / 2], took[i][(n[i] - 1) * 99 / 100], took[i][n[i] - 1]);
    }
    (void)fflush(stdout);
}

int main(int argc, char **argv)
{
    size_t devices = argc > 1 ? strtoul(argv[1], NULL, 10) : 2000;
    double seconds = argc > 2 ? strtod(argv[2], NULL) : 10;
    bool is_wide = argc > 3 && strcmp(argv[3], "wide") == 0;
    char dir[] = "/tmp/twinsim-query-XXXXXX", host[64], why[512], pages[65536];
    struct hub_process_options options = {.mqtt_port = PORT};
    static struct wire w;
    struct hub_process *hub;
    struct service *s;
    ssize_t n_pages;
    int lock, told[2];
    pid_t asker;

    if (!devices || seconds <= 0 || !mkdtemp(dir) || loopback_take(8883, host, &lock) || pipe(told))
        return 2;
    options.data_dir = dir;
    options.host = host;
    if (hub_process_start(&options, &hub, why, sizeof why)) {
        (void)fprintf(stderr, "bench_query: %s\n", why);
        return 1;
    }
    s = connect_service(hub_process_file(hub));
    make(s, devices, is_wide);
    connect_neighbour(&w, host);
    measure(&w, "nobody beside it", seconds);
    asker = start_asker(hub_process_file(hub), told[1]);
    measure(&w, "beside SELECT *", seconds);
    (void)kill(asker, SIGKILL);
    (void)waitpid(asker, NULL, 0);
    n_pages = read(told[0], pages, sizeof pages);
    (void)printf("%zu devices, %zd pages in %.0f s\n", devices, n_pages, seconds);
    wire_close(&w);
    service_free(s);
    hub_process_free(hub);
    (void)close(lock);
    remove_tree(dir);
    return 0;
}
