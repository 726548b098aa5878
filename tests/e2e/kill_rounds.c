/* kill_rounds.c - kill -9 of the hub between acknowledged writes, again and again.
 *
 * Each round: clients that once subscribed (session kept, clean 0) reconnect *without* subscribing, read their twin, hear a desired change, report as
 * fast as they are answered, and have the broker killed under them with requests in flight. The laws, checked after each round:
 *   - no acknowledged reported update is lost (durability "process"): the counter read back is the last one acknowledged, or the one in flight
 *   - who does not subscribe again still receives answers and desired changes: subscriptions are the hub's own state (facts C-01)
 *   - and those of kill_mail.h, about messages from the cloud
 *
 * usage: kill_rounds [ROUNDS [SEED]]
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "hub.h"
#include "hub_process.h"
#include "kill_mail.h"
#include "mqtt_wire.h"
#include "remove_tree.h"
#include "service.h"

#define PORT    18841
#define CLIENTS 4

struct writer {
    struct wire wire;
    char device[32];
    char user[128];
    char token[512];
    long long acknowledged; /* the highest counter the hub answered with 204 */
    long long sent;         /* the highest counter sent */
};

struct soak {
    struct hub_process *hub;
    struct service *service;
    const char *host;
    struct writer *writers;
    struct mail *mail;
    unsigned seed;
    unsigned long writes;
};

static void fail(const struct soak *s, int round, const char *device, const char *what, long long got, long long want)
{
    (void)fprintf(stderr, "kill_rounds: round %d, %s: %s: got %lld, wanted %lld (seed %u)\n", round, device, what, got,
                  want, s->seed);
    exit(1);
}

static cJSON *command(struct soak *s, const char *text)
{
    cJSON *tree, *body = NULL;
    int status;

    if (json_read(str_from(text), &tree, NULL))
        wire_die("command");
    if (service_command(s->service, tree, 5000, &status, &body) || status != 200) {
        (void)fprintf(stderr, "kill_rounds: refused with %d: %s\n", status, text);
        exit(1);
    }
    return body;
}

static void connect_service(struct soak *s)
{
    char why[512];

    if (service_connect(hub_process_file(s->hub), &s->service, why, sizeof why)) {
        (void)fprintf(stderr, "kill_rounds: %s\n", why);
        exit(1);
    }
}

static void init_writer(struct writer *w, const char *host, int i)
{
    struct sas_key primary, secondary;
    struct buf token;
    struct ident id;

    (void)snprintf(w->device, sizeof w->device, "soak-%d", i);
    (void)snprintf(w->user, sizeof w->user, "%s/%s/?api-version=2021-04-12", host, w->device);
    id = (struct ident){str_from(w->device), {NULL, 0}};
    hub_identity_keys(STR("twinsim-development-keys"), id, 0, &primary, &secondary);
    buf_init(&token, sizeof w->token);
    sas_token_make(&token, str_from(host), &id, STR(""), &primary, (int64_t)time(NULL) + 7200);
    (void)snprintf(w->token, sizeof w->token, "%s", token.at);
    buf_done(&token);
}

static void connect_writer(struct soak *s, struct writer *w, bool first)
{
    if (!wire_open(&w->wire, s->host, PORT))
        wire_die("connect");
    if (wire_connect(&w->wire, w->device, w->user, w->token, false) != 0) {
        errno = EACCES;
        wire_die("CONNECT");
    }
    if (first) {
        (void)wire_subscribe(&w->wire, "$iothub/twin/res/#", 0);
        (void)wire_subscribe(&w->wire, "$iothub/twin/PATCH/properties/desired/#", 0);
    }
}

/* The next message whose topic begins so. */
static void expect(const struct soak *s, struct writer *w, int round, const char *topic, struct wire_packet *p)
{
    do {
        if (!wire_next(&w->wire, p, 5000))
            fail(s, round, w->device, topic, 0, 1);
    } while (p->type != 3 || strncmp(p->topic, topic, strlen(topic)) != 0);
}

static void check_twin(const struct soak *s, struct writer *w, int round)
{
    struct wire_packet p;
    cJSON *twin;
    int64_t counter = 0;

    (void)wire_publish(&w->wire, "$iothub/twin/GET/?$rid=get", " ");
    expect(s, w, round, "$iothub/twin/res/200/", &p);
    if (json_read(str_of(p.body, p.body_len), &twin, NULL))
        fail(s, round, w->device, "the twin is no JSON", 0, 0);
    if (json_get_i64(json_get(twin, "reported"), "counter", &counter) && w->sent > 0 && w->acknowledged > 0)
        fail(s, round, w->device, "the counter is gone", 0, w->acknowledged);
    if (counter < w->acknowledged)
        fail(s, round, w->device, "an acknowledged update is lost: counter", counter, w->acknowledged);
    if (counter > w->sent)
        fail(s, round, w->device, "a counter nobody sent", counter, w->sent);
    w->acknowledged = w->sent = counter;
    cJSON_Delete(twin);
}

static void check_desired(struct soak *s, struct writer *w, int round)
{
    struct wire_packet p;
    char text[256], want[64];

    (void)snprintf(
        text, sizeof text,
        "{\"command\":\"twin.update\",\"deviceId\":\"%s\",\"patch\":{\"properties\":{\"desired\":{\"round\":%d}}}}",
        w->device, round);
    cJSON_Delete(command(s, text));
    expect(s, w, round, "$iothub/twin/PATCH/properties/desired/", &p);
    (void)snprintf(want, sizeof want, "{\"round\":%d,", round);
    if (strncmp(p.body, want, strlen(want)) != 0)
        fail(s, round, w->device, "another desired change than the one made", 0, round);
}

static void report(struct writer *w)
{
    char topic[96], body[64];

    w->sent++;
    (void)snprintf(topic, sizeof topic, "$iothub/twin/PATCH/properties/reported/?$rid=%lld", w->sent);
    (void)snprintf(body, sizeof body, "{\"counter\":%lld}", w->sent);
    (void)wire_publish(&w->wire, topic, body);
}

/* Take an answer in: a 204 acknowledges the counter that its rid names. */
static void note_answer(struct writer *w, const struct wire_packet *p)
{
    static const char prefix[] = "$iothub/twin/res/204/?$rid=";
    long long counter;

    if (p->type != 3 || strncmp(p->topic, prefix, sizeof prefix - 1) != 0)
        return;
    counter = strtoll(p->topic + sizeof prefix - 1, NULL, 10);
    if (counter > w->acknowledged)
        w->acknowledged = counter;
}

static void write_and_kill(struct soak *s, int round)
{
    int cycles = rand_r(&s->seed) % 20;
    struct timespec pause = {0, rand_r(&s->seed) % 400000};
    struct wire_packet p;

    for (int c = 0; c < cycles; c++)
        for (int i = 0; i < CLIENTS; i++) {
            struct writer *w = &s->writers[i];

            report(w);
            s->writes++;
            do {
                if (!wire_next(&w->wire, &p, 5000))
                    fail(s, round, w->device, "no answer to a report", w->acknowledged, w->sent);
                note_answer(w, &p);
            } while (w->acknowledged < w->sent);
        }
    mail_send(s->mail, s->service);
    for (int i = 0; i < CLIENTS; i++)
        report(&s->writers[i]);
    (void)nanosleep(&pause, NULL); /* NOLINT: the moment of death moves through the commit */
    hub_process_kill(s->hub);
    for (int i = 0; i < CLIENTS; i++) { /* an answer that got out counts, however late it is read */
        while (wire_next(&s->writers[i].wire, &p, 1000))
            note_answer(&s->writers[i], &p);
        wire_close(&s->writers[i].wire);
    }
    mail_end(s->mail, s->service);
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 20;
    unsigned seed = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : (unsigned)time(NULL);
    char dir[] = "/tmp/twinsim-kill-XXXXXX", host[64], why[512];
    struct hub_process_options options = {.mqtt_port = PORT};
    struct soak s = {.seed = seed, .host = host};
    int lock;

    if (rounds < 1) {
        (void)fprintf(stderr, "usage: kill_rounds [ROUNDS [SEED]]\n");
        return 2;
    }
    (void)printf("kill_rounds: %d rounds, seed %u\n", rounds, seed);
    s.writers = calloc(CLIENTS, sizeof *s.writers);
    if (!s.writers || !mkdtemp(dir) || loopback_take(8883, host, &lock))
        wire_die("a directory and an address");
    options.data_dir = dir;
    options.host = host;
    if (hub_process_start(&options, &s.hub, why, sizeof why)) {
        (void)fprintf(stderr, "kill_rounds: %s\n", why);
        return 1;
    }
    s.mail = mail_new(host, seed);
    for (int round = 1; round <= rounds; round++) {
        connect_service(&s);
        mail_begin(s.mail, s.service, round);
        for (int i = 0; i < CLIENTS; i++) {
            struct writer *w = &s.writers[i];

            if (round == 1) {
                char text[96];

                init_writer(w, host, i);
                (void)snprintf(text, sizeof text, "{\"command\":\"device.create\",\"deviceId\":\"%s\"}", w->device);
                cJSON_Delete(command(&s, text));
            }
            connect_writer(&s, w, round == 1);
            check_twin(&s, w, round);
            check_desired(&s, w, round);
        }
        write_and_kill(&s, round);
        service_free(s.service);
        if (hub_process_restart(s.hub, why, sizeof why)) {
            (void)fprintf(stderr, "kill_rounds: round %d: %s\n", round, why);
            return 1;
        }
        if (round % 100 == 0)
            (void)printf("kill_rounds: %d rounds, %lu acknowledged writes, %lu completed messages, none lost\n", round,
                         s.writes, mail_completed(s.mail));
    }
    (void)printf("kill_rounds: ok, %d rounds, %lu acknowledged writes, %lu completed messages, none lost\n", rounds,
                 s.writes, mail_completed(s.mail));
    hub_process_free(s.hub);
    mail_free(s.mail);
    free(s.writers);
    (void)close(lock);
    remove_tree(dir);
    return 0;
}
