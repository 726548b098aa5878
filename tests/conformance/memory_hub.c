/* memory_hub.c - a hub behind a pipe, for the conformance vectors: one line of JSON in, one line out, and between them one turn of
 * hub_handle in the world of support/hub_world.h, with its laws. No broker, no socket, no clock.
 *
 * In, each with "op":
 *   reset {options}  connect {client, clientId, userName, password, clean, keepAlive, protocol, will}  subscribe {client, filters, qos}
 *   unsubscribe {client, filters}  publish {client, topic, payload: base64, qos, retain}  puback {client, nth}  leave {client, graceful}
 *   service {client, policy}  command {client, command}  pass {us}  restart {}
 * Out: {"out":[...]}, in order, of which each is a packet ({"to", "connack" | "suback" | "unsuback" | "puback" | "topic", "qos", "payload"
 * | "closed"}), an answer to a command ({"to", "response": text}) or an event ({"topic", "event": text}, in the service's own shape {"topic", "notice": text}). Payloads are base64.
 * Clients come through the front door, unless options.gateway is false. What gateway and broker do by themselves is done here by hand: acknowledgements, and the end of a connection that was taken over.
 */
#include <openssl/evp.h>
#include <stdio.h>

#include "memory_client.h"

static const char *text_of(const cJSON *op, const char *key)
{
    const char *text = json_get_text(op, key);

    if (!text)
        trouble(key);
    return text;
}

static int64_t number_of(const cJSON *op, const char *key, int64_t otherwise)
{
    int64_t n = otherwise;

    if (json_get(op, key) && json_get_i64(op, key, &n))
        trouble(key);
    return n;
}

static bool is_set(const cJSON *op, const char *key)
{
    return cJSON_IsTrue(json_get(op, key));
}

/* The bytes of a base64 text with not one to spare; the caller frees. */
static char *bytes_of(const char *base64, size_t *len)
{
    size_t n = strlen(base64);
    unsigned char *room = malloc(n + 4);
    int decoded = EVP_DecodeBlock(room, (const unsigned char *)base64, (int)n);
    char *exact;

    if (decoded < 0)
        trouble("not base64");
    *len = (size_t)decoded;
    for (; n && base64[n - 1] == '='; n--)
        --*len;
    exact = copy_exact(room, *len);
    free(room);
    return exact;
}

static struct client *client_of(struct glass *g, const cJSON *op)
{
    struct client *c = client_named(g, text_of(op, "client"));

    if (!c || !c->is_open)
        trouble("that client is not connected");
    return c;
}

/* The will comes right behind the CONNECT that was accepted. */
static void keep_will(struct glass *g, struct client *c, const cJSON *will)
{
    struct request r = {.kind = REQUEST_KEEP_WILL, .conn = &c->conn};
    char *bytes = bytes_of(text_of(will, "payload"), &r.payload.len);

    r.payload.at = bytes;
    r.topic = str_from(text_of(will, "topic"));
    r.qos = (int)number_of(will, "qos", 0);
    r.retain = is_set(will, "retain");
    turn(g, &r);
    free(bytes);
}

static bool is_session_present(const struct world *w)
{
    for (size_t n = 0; n < w->out.len; n++)
        if (w->out.at[n].kind == OUT_HELLO)
            return w->out.at[n].session_present;
    return false;
}

static void tell_connack(struct glass *g, const struct client *c, enum hub_answer answer)
{
    char text[64];

    if (answer != HUB_CUT) {
        (void)snprintf(text, sizeof text, "\"connack\":%d,\"present\":%d", answer == HUB_ACCEPT ? 0 : 5,
                       answer == HUB_ACCEPT && is_session_present(&g->world));
        tell(g, c, text);
    }
    if (answer != HUB_ACCEPT)
        tell(g, c, "\"closed\":true");
}

static void op_connect(struct glass *g, const cJSON *op)
{
    struct client *c = client_new(g, text_of(op, "client"));
    struct request r = {.kind = REQUEST_CONNECT, .conn = &c->conn};
    const cJSON *will = g->has_gateway ? json_get(op, "will") : NULL;
    uint64_t older = 0;
    enum hub_answer answer;

    r.client_id = str_from(text_of(op, "clientId"));
    r.user_name = str_from(json_get_text(op, "userName"));
    r.password = str_from(json_get_text(op, "password"));
    r.is_clean = is_set(op, "clean");
    r.keep_alive_s = (int)number_of(op, "keepAlive", 240);
    r.protocol = (int)number_of(op, "protocol", 4);
    r.has_will = will != NULL;
    r.will_topic = str_from(json_get_text(will, "topic"));
    r.will_qos = (int)number_of(will, "qos", 0);
    world_begin(&g->world);
    answer = world_decide(&g->world, &r);
    assert_true(world_commit(&g->world));
    for (size_t n = 0; answer == HUB_ACCEPT && n < g->n_clients; n++)
        if (&g->clients[n] != c && g->clients[n].is_open && strcmp(g->clients[n].conn.id, c->conn.id) == 0)
            older = g->clients[n].conn.no;
    c->is_open = answer == HUB_ACCEPT;
    c->acknowledges = !cJSON_IsFalse(json_get(op, "acknowledge"));
    tell_connack(g, c, answer);
    tell_turn(g);
    if (older && client_of_conn(g, older))
        shut(g, client_of_conn(g, older), ENDED_TAKEOVER);
    if (c->is_open && will)
        keep_will(g, c, will);
}

static void op_subscribe(struct glass *g, const cJSON *op, enum request_kind kind)
{
    struct client *c = client_of(g, op);
    const cJSON *filter;
    struct buf codes;
    bool is_closed = false;

    buf_init(&codes, 0);
    world_begin(&g->world);
    cJSON_ArrayForEach(filter, json_get(op, "filters"))
    {
        struct request r = {.kind = kind, .conn = &c->conn, .topic = str_from(filter->valuestring)};
        enum hub_answer answer;

        r.qos = (int)number_of(op, "qos", 0);
        answer = world_decide(&g->world, &r);
        is_closed = answer == HUB_CLOSE;
        if (is_closed)
            break;
        buf_addf(&codes, "%s%d", codes.len ? "," : "", answer == HUB_ACCEPT ? r.qos > 0 : 128);
    }
    assert_true(world_commit(&g->world));
    if (!is_closed && kind == REQUEST_SUBSCRIBE) {
        struct buf what;

        buf_init(&what, 0);
        buf_addf(&what, "\"suback\":[%s]", codes.len ? codes.at : "");
        tell(g, c, what.at);
        buf_done(&what);
    } else if (!is_closed) {
        tell(g, c, "\"unsuback\":true");
    }
    buf_done(&codes);
    tell_turn(g);
    if (is_closed)
        shut(g, c, ENDED_ERROR);
}

static void op_publish(struct glass *g, const cJSON *op)
{
    struct client *c = client_of(g, op);
    struct request r = {.kind = REQUEST_PUBLISH, .conn = &c->conn};
    char *bytes = bytes_of(text_of(op, "payload"), &r.payload.len);
    enum hub_answer answer;

    r.payload.at = bytes;
    r.topic = str_from(text_of(op, "topic"));
    r.qos = (int)number_of(op, "qos", 0);
    r.retain = is_set(op, "retain");
    world_begin(&g->world);
    answer = world_decide(&g->world, &r);
    assert_true(world_commit(&g->world));
    if (answer != HUB_CLOSE && r.qos == 1)
        tell(g, c, "\"puback\":true");
    tell_turn(g);
    if (answer == HUB_CLOSE)
        shut(g, c, ENDED_ERROR);
    free(bytes);
}

static void op_leave(struct glass *g, const cJSON *op)
{
    struct client *c = client_of(g, op);
    struct request r = {.kind = REQUEST_END, .conn = &c->conn};

    r.ended = !g->has_gateway ? ENDED_UNKNOWN : is_set(op, "graceful") ? ENDED_CLIENT : ENDED_LOST;
    c->is_open = false;
    turn(g, &r);
}

static void op_service(struct glass *g, const cJSON *op)
{
    struct client *c = client_new(g, text_of(op, "client"));

    world_service(&g->world, &c->conn, text_of(op, "policy"));
    c->is_open = true;
}

static void op_command(struct glass *g, const cJSON *op)
{
    const char *name = json_get_text(op, "client");
    struct conn *conn = name ? &client_of(g, op)->conn : &g->world.owner;
    struct request r = {.kind = REQUEST_COMMAND, .conn = conn, .command = json_get(op, "command")};

    r.ticket = ++g->ticket;
    turn(g, &r);
}

static void op_reset(struct glass *g, const cJSON *op)
{
    const cJSON *options = json_get(op, "options");
    const char *forbidden = json_get_text(options, "forbiddenFilter");
    const char *will = json_get_text(options, "forbiddenWill");

    world_done(&g->world);
    world_init(&g->world);
    g->world.options.cache_bytes = 0; /* as a hub is run: when somebody was last there is not forgotten */
    g->world.options.require_api_version = is_set(options, "requireApiVersion");
    g->world.options.fault_messages = is_set(options, "faultMessages");
    g->world.options.forbidden_filter_is_0x80 = forbidden && strcmp(forbidden, "0x80") == 0;
    g->world.options.forbidden_will_is_dropped = will && strcmp(will, "drop") == 0;
    g->world.options.message_without_dup = cJSON_IsFalse(json_get(options, "messageDup"));
    g->world.options.message_ttl_us = number_of(options, "messageTtlSeconds", 0) * WORLD_SECOND;
    g->has_gateway = !cJSON_IsFalse(json_get(options, "gateway"));
    g->world.options.token_skew_us = number_of(options, "tokenSkewSeconds", 0) * WORLD_SECOND;
    g->world.options.profile = (struct profile){0};
    if (json_get(options, "profile") && profile_read(str_from(text_of(options, "profile")), &g->world.options.profile))
        trouble("profile");
    world_restart(&g->world);
    hub_set_readers(g->world.hub, true);
    g->n_clients = 0;
}

static void op_restart(struct glass *g)
{
    for (size_t n = 0; n < g->n_clients; n++)
        if (g->clients[n].is_open) {
            g->clients[n].is_open = false;
            tell(g, &g->clients[n], "\"closed\":true");
        }
    world_restart(&g->world);
    hub_set_readers(g->world.hub, true);
}

static void run(struct glass *g, const cJSON *op)
{
    const char *name = text_of(op, "op");

    if (strcmp(name, "reset") == 0)
        op_reset(g, op);
    else if (strcmp(name, "connect") == 0)
        op_connect(g, op);
    else if (strcmp(name, "subscribe") == 0)
        op_subscribe(g, op, REQUEST_SUBSCRIBE);
    else if (strcmp(name, "unsubscribe") == 0)
        op_subscribe(g, op, REQUEST_UNSUBSCRIBE);
    else if (strcmp(name, "publish") == 0)
        op_publish(g, op);
    else if (strcmp(name, "puback") == 0)
        acknowledge(g, client_of(g, op), (size_t)number_of(op, "nth", 0));
    else if (strcmp(name, "leave") == 0)
        op_leave(g, op);
    else if (strcmp(name, "service") == 0)
        op_service(g, op);
    else if (strcmp(name, "command") == 0)
        op_command(g, op);
    else if (strcmp(name, "restart") == 0)
        op_restart(g);
    else if (strcmp(name, "pass") == 0)
        g->world.now.mono_us += number_of(op, "us", 0);
    else
        trouble(name);
    let_acknowledge(g);
    (void)world_tick(&g->world);
    tell_turn(g);
    let_acknowledge(g);
    world_check(&g->world);
}

int main(void)
{
    struct glass *g = calloc(1, sizeof *g);
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;

    assert_non_null(g);
    world_init(&g->world);
    buf_init(&g->reply, 0);
    while ((len = getline(&line, &cap, stdin)) > 0) {
        cJSON *op = NULL;

        if (json_read(str_of(line, (size_t)len), &op, NULL))
            trouble("not JSON");
        buf_add(&g->reply, STR("{\"out\":["));
        run(g, op);
        buf_add(&g->reply, STR("]}\n"));
        if (!buf_ok(&g->reply) || fwrite(g->reply.at, 1, g->reply.len, stdout) != g->reply.len || fflush(stdout))
            trouble("cannot answer");
        buf_reset(&g->reply);
        cJSON_Delete(op);
    }
    buf_done(&g->reply);
    free(line);
    world_done(&g->world);
    free(g);
    return 0;
}
