/* kill_mail.c - see kill_mail.h. */
#include "kill_mail.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hub.h"
#include "mqtt_wire.h"
#include "tls_client.h"

#define TLS_PORT 8883
#define WAIT_US  5000000
#define SENT_MAX 12 /* in a round, and answered; with three that are not. The window is 16 messages, the queue 50 */

enum fate {
    UNSURE,       /* sent, and not answered: it may be there */
    QUEUED,       /* the hub has it */
    ACKNOWLEDGED, /* the device has sent its PUBACK */
    COMPLETED,    /* that was told */
    NEVER,        /* the hub died before it had it */
};

static const char *const fates[] = {"unsure", "queued", "acknowledged", "completed", "never there"};

struct mail {
    const char *host;
    unsigned seed, seed_at_start;
    int round;
    SSL_CTX *context;
    struct tls_client tls;
    unsigned char in[WIRE_PACKET_MAX];
    size_t n_in;
    enum fate *fates; /* of message k, whose id is its number here */
    size_t n, cap;
    unsigned long completed;
};

static void fail(const struct mail *m, const char *what, size_t k)
{
    (void)fprintf(stderr, "kill_mail: round %d, message %zu (%s): %s (seed %u)\n", m->round, k,
                  k < m->n ? fates[m->fates[k]] : "?", what, m->seed_at_start);
    exit(1);
}

struct mail *mail_new(const char *host, unsigned seed)
{
    struct mail *m = calloc(1, sizeof *m);

    if (!m || !(m->context = SSL_CTX_new(TLS_client_method())))
        wire_die("mail");
    SSL_CTX_set_mode(m->context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    m->host = host;
    m->seed = m->seed_at_start = seed;
    m->tls.fd = -1;
    return m;
}

void mail_free(struct mail *m)
{
    tls_client_close(&m->tls, false);
    SSL_CTX_free(m->context);
    free(m->fates);
    free(m);
}

unsigned long mail_completed(const struct mail *m)
{
    return m->completed;
}

static void set(struct mail *m, size_t k, enum fate fate)
{
    m->completed += fate == COMPLETED && m->fates[k] != COMPLETED;
    m->fates[k] = fate;
}

/* --- the service's side ------------------------------------------------------------------------------------------- */

static cJSON *command(const struct mail *m, struct service *s, const char *text)
{
    cJSON *tree, *body = NULL;
    int status;

    if (json_read(str_from(text), &tree, NULL))
        wire_die("command");
    if (service_command(s, tree, WAIT_US / 1000, &status, &body) || status != 200) {
        (void)fprintf(stderr, "kill_mail: round %d: refused with %d: %s\n", m->round, status, text);
        exit(1);
    }
    return body;
}

/* message-settled: its id is its number here. */
static void on_event(void *arg, const cJSON *event)
{
    struct mail *m = arg;
    const char *kind = json_get_text(event, "kind"), *id = json_get_text(event, "messageId");
    const char *result = json_get_text(event, "result");
    uint64_t k = 0;

    if (!kind || strcmp(kind, "message-settled") != 0)
        return;
    if (!id || str_to_u64(str_from(id), m->n - 1, &k) || !result || strcmp(result, "completed") != 0)
        fail(m, "it ended in another way than by its PUBACK", m->n);
    if (m->fates[k] != ACKNOWLEDGED)
        fail(m, "it was completed, and the device had not acknowledged it", (size_t)k);
    set(m, (size_t)k, COMPLETED);
}

static void print_send(char text[256], size_t k)
{
    (void)snprintf(
        text, 256,
        "{\"command\":\"message.send\",\"correlationData\":\"s%zu\",\"deviceId\":\"mail\",\"messageId\":\"%zu\","
        "\"body\":{\"k\":%zu}}",
        k, k, k);
}

static size_t one_more(struct mail *m)
{
    if (m->n == m->cap) {
        size_t cap = m->cap ? 2 * m->cap : 64;
        enum fate *grown = realloc(m->fates, cap * sizeof *grown);

        if (!grown)
            wire_die("mail");
        m->fates = grown;
        m->cap = cap;
    }
    m->fates[m->n] = UNSURE;
    return m->n++;
}

/* What waits, by message.list, held against what is known of each. */
static void check_queue(struct mail *m, struct service *s)
{
    cJSON *body = command(m, s, "{\"command\":\"message.list\",\"deviceId\":\"mail\"}"), *item;
    size_t next = 0;

    cJSON_ArrayForEach(item, json_get(body, "items"))
    {
        int64_t k = -1;

        if (json_get_i64(json_get(item, "body"), "k", &k) || k < (int64_t)next || k >= (int64_t)m->n)
            fail(m, "it is out of order in the queue, or nobody sent it", (size_t)k);
        for (; next < (size_t)k; next++) {
            if (m->fates[next] == QUEUED)
                fail(m, "it is lost", next);
            set(m, next,
                m->fates[next] == UNSURE         ? NEVER
                : m->fates[next] == ACKNOWLEDGED ? COMPLETED
                                                 : m->fates[next]);
        }
        if (m->fates[k] == COMPLETED || m->fates[k] == NEVER)
            fail(m, "it came back", (size_t)k);
        set(m, (size_t)k, QUEUED);
        next++;
    }
    for (; next < m->n; next++) {
        if (m->fates[next] == QUEUED)
            fail(m, "it is lost", next);
        set(m, next, m->fates[next] == UNSURE ? NEVER : m->fates[next] == ACKNOWLEDGED ? COMPLETED : m->fates[next]);
    }
    cJSON_Delete(body);
}

/* --- the device's side ---------------------------------------------------------------------------------------------- */

/* The next packet, valid until the next call. timeout_us 0: if it is there. returns its length, or 0 */
static size_t next_packet(struct mail *m, int64_t timeout_us)
{
    int64_t until = wire_now_us() + timeout_us;
    size_t len;
    int n;

    for (;;) {
        len = wire_packet_length(m->in, m->n_in);
        if (len)
            return len;
        n = tls_client_read(&m->tls, m->in + m->n_in, sizeof m->in - m->n_in);
        if (n < 0)
            return 0;
        m->n_in += (size_t)n;
        if (n > 0)
            continue;
        if (wire_now_us() >= until)
            return 0;
        tls_client_wait(&m->tls, 20);
    }
}

static void drop_packet(struct mail *m, size_t len)
{
    memmove(m->in, m->in + len, m->n_in - len);
    m->n_in -= len;
}

/* A message for the device: which, and the packet id it wants acknowledged. */
static size_t read_message(const struct mail *m, size_t len, unsigned *id)
{
    size_t head = 2, topic, k;

    while (m->in[head - 1] & 128)
        head++;
    topic = (size_t)m->in[head] << 8 | m->in[head + 1];
    if (m->in[0] >> 4 != 3 || (m->in[0] & 6) != 2 || head + 2 + topic + 2 + 6 > len)
        fail(m, "the device got something else than a message of QoS 1", m->n);
    *id = (unsigned)m->in[head + 2 + topic] << 8 | m->in[head + 2 + topic + 1];
    k = strtoul((const char *)m->in + head + 2 + topic + 2 + strlen("{\"k\":"), NULL, 10);
    if (k >= m->n)
        fail(m, "nobody sent it", k);
    return k;
}

/* Take one message that is there, and acknowledge it if it is to be. returns which, or m->n when none came */
static size_t take(struct mail *m, int64_t timeout_us, bool acknowledges)
{
    size_t len = next_packet(m, timeout_us), k;
    unsigned id = 0;

    if (!len)
        return m->n;
    k = read_message(m, len, &id);
    drop_packet(m, len);
    if (m->fates[k] != QUEUED && m->fates[k] != UNSURE)
        fail(m, "it was delivered again", k);
    if (acknowledges) {
        unsigned char puback[] = {0x40, 2, (unsigned char)(id >> 8), (unsigned char)id};

        set(m, k, ACKNOWLEDGED);
        (void)tls_client_write(&m->tls, puback, sizeof puback); /* whether it arrived is what the next round looks at */
    }
    return k;
}

static void connect_device(struct mail *m)
{
    static unsigned char out[WIRE_PACKET_MAX];
    const struct ident id = {STR("mail"), {NULL, 0}};
    struct sas_key primary, secondary;
    struct buf token;
    char user[128];
    size_t len;

    hub_identity_keys(STR("twinsim-development-keys"), id, 0, &primary, &secondary);
    (void)snprintf(user, sizeof user, "%s/mail/?api-version=2021-04-12", m->host);
    buf_init(&token, 0);
    sas_token_make(&token, str_from(m->host), &id, STR(""), &primary, (int64_t)time(NULL) + 7200);
    m->n_in = 0;
    errno = 0;
    if (!tls_client_start(&m->tls, m->context, m->host, TLS_PORT) ||
        !tls_client_write(&m->tls, out, wire_connect_bytes(out, "mail", user, token.at, false)))
        wire_die("mail: connect");
    buf_done(&token);
    len = next_packet(m, WAIT_US);
    if (len != 4 || m->in[0] >> 4 != 2 || m->in[3] || (m->in[2] & 1) != (m->round > 1))
        fail(m, "the device is refused, or its session is not there", m->n);
    drop_packet(m, len);
    if (m->round > 1)
        return;
    len = wire_subscribe_bytes(out, "devices/mail/messages/devicebound/#", 1);
    if (!tls_client_write(&m->tls, out, len) || next_packet(m, WAIT_US) != 5 || m->in[0] >> 4 != 9 || m->in[4] != 1)
        fail(m, "the subscription is not granted", m->n);
    drop_packet(m, 5);
}

/* --- a round -------------------------------------------------------------------------------------------------------- */

/* What waits comes in order, by the session that was kept. All of it is acknowledged, or, now and then, the first half. */
static void take_what_waits(struct mail *m)
{
    size_t waiting = 0, taken = 0;

    for (size_t k = 0; k < m->n; k++)
        waiting += m->fates[k] == QUEUED;
    if (waiting && rand_r(&m->seed) % 3 == 0)
        waiting /= 2;
    for (size_t k = 0; k < m->n && taken < waiting; k++) {
        if (m->fates[k] != QUEUED)
            continue;
        if (take(m, WAIT_US, true) != k)
            fail(m, "it is not the next that the device gets", k);
        taken++;
    }
}

void mail_begin(struct mail *m, struct service *s, int round)
{
    m->round = round;
    if (round == 1)
        cJSON_Delete(command(m, s, "{\"command\":\"device.create\",\"deviceId\":\"mail\"}"));
    if (service_listen(s, STR("mail"), on_event, m))
        wire_die("mail: events");
    check_queue(m, s);
    connect_device(m);
    take_what_waits(m);
}

void mail_send(struct mail *m, struct service *s)
{
    int n = rand_r(&m->seed) % (SENT_MAX + 1);
    char text[256];
    cJSON *tree;

    while (n--) {
        size_t k = one_more(m);

        print_send(text, k);
        cJSON_Delete(command(m, s, text));
        if (m->fates[k] == UNSURE)
            set(m, k, QUEUED);
        while (take(m, 0, rand_r(&m->seed) % 2) != m->n)
            ;
    }
    for (n = 0; n < 3; n++) {
        print_send(text, one_more(m));
        if (json_read(str_from(text), &tree, NULL) || service_post(s, tree))
            wire_die("mail: send");
    }
}

void mail_end(struct mail *m, struct service *s)
{
    int64_t until = wire_now_us() + WAIT_US;
    char name[32];
    cJSON *body;
    int status;

    while (wire_now_us() < until && service_wait(s, 100) == RC_OK)
        ;
    for (size_t k = m->n - 3; k < m->n; k++) { /* an answer that got out counts */
        (void)snprintf(name, sizeof name, "s%zu", k);
        body = NULL;
        if (service_take(s, name, &status, &body) && status == 200 && m->fates[k] == UNSURE)
            set(m, k, QUEUED);
        cJSON_Delete(body);
    }
    tls_client_close(&m->tls, false);
}
