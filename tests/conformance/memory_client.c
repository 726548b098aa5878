/* memory_client.c - see memory_client.h. */
#include <openssl/evp.h>
#include <stdio.h>

#include "memory_client.h"

void trouble(const char *what)
{
    (void)fprintf(stderr, "memory_hub: %s\n", what);
    exit(2);
}

/* --- what goes out ------------------------------------------------------------------------------------------------ */

struct buf *entry(struct glass *g)
{
    if (g->reply.at[g->reply.len - 1] != '[')
        buf_add_char(&g->reply, ',');
    return &g->reply;
}

void put_text(struct buf *b, const char *key, struct str text)
{
    buf_addf(b, "\"%s\":", key);
    json_print_string(b, text);
}

void tell(struct glass *g, const struct client *c, const char *what)
{
    struct buf *b = entry(g);

    buf_add_char(b, '{');
    put_text(b, "to", str_from(c->name));
    buf_addf(b, ",%s}", what);
}

static void put_base64(struct buf *b, struct str bytes)
{
    buf_add_char(b, '"');
    for (size_t at = 0; at < bytes.len; at += 57) {
        char chunk[80];
        size_t n = bytes.len - at < 57 ? bytes.len - at : 57;

        buf_add(b, str_of(chunk, (size_t)EVP_EncodeBlock((unsigned char *)chunk, (const unsigned char *)bytes.at + at,
                                                         (int)n)));
    }
    buf_add_char(b, '"');
}

struct client *client_of_conn(struct glass *g, uint64_t no)
{
    for (size_t n = 0; n < g->n_clients; n++)
        if (g->clients[n].is_open && g->clients[n].conn.no == no)
            return &g->clients[n];
    return NULL;
}

static void tell_publish(struct glass *g, const struct out *o)
{
    struct client *c = client_of_conn(g, o->conn);
    struct buf *b;

    if (!c) {
        if (o->ticket) { /* the world's own service client */
            b = entry(g);
            buf_add(b, STR("{\"to\":\"service\","));
            put_text(b, "response", str_of(o->body, o->body_len));
            buf_add_char(b, '}');
        }
        return;
    }
    b = entry(g);
    buf_add_char(b, '{');
    put_text(b, "to", str_from(c->name));
    buf_add_char(b, ',');
    if (o->ticket) {
        put_text(b, "response", str_of(o->body, o->body_len));
    } else {
        put_text(b, "topic", str_from(o->topic));
        buf_addf(b, ",\"qos\":%d,\"dup\":%s,\"payload\":", o->qos, o->is_dup ? "true" : "false");
        put_base64(b, str_of(o->body, o->body_len));
    }
    buf_add_char(b, '}');
    if (o->tag && o->qos && c->n_tags == TAGS_MAX)
        trouble("too many messages without a PUBACK");
    if (o->tag && o->qos)
        c->tags[c->n_tags++] = o->tag;
}

static void tell_event(struct glass *g, const char *key, const struct out *o)
{
    struct buf *b = entry(g);

    buf_add_char(b, '{');
    put_text(b, "topic", str_from(o->topic));
    buf_add_char(b, ',');
    put_text(b, key, str_of(o->body, o->body_len));
    buf_add_char(b, '}');
}

void tell_turn(struct glass *g)
{
    struct world *w = &g->world;
    uint64_t closing[CLIENTS_MAX];
    size_t n_closing = 0;

    for (size_t n = 0; n < w->out.len; n++) {
        const struct out *o = &w->out.at[n];

        if (o->kind == OUT_PUBLISH) {
            tell_publish(g, o);
        } else if (o->kind == OUT_EVENT && str_starts(str_from(o->topic), STR(EVENTS_ROOT))) {
            tell_event(g, "event", o);
        } else if (o->kind == OUT_EVENT && str_starts(str_from(o->topic), STR(HUB_EVENTS_ROOT))) {
            tell_event(g, "notice", o);
        } else if (o->kind == OUT_CLOSE && n_closing < CLIENTS_MAX) {
            closing[n_closing++] = o->conn;
        }
    }
    for (size_t n = 0; n < n_closing; n++) {
        struct client *c = client_of_conn(g, closing[n]);

        if (c)
            shut(g, c, ENDED_UNKNOWN); /* the hub has told its end */
    }
}

void acknowledge(struct glass *g, struct client *c, size_t nth)
{
    uint64_t tag;

    if (nth >= c->n_tags)
        trouble("so many do not wait for a PUBACK");
    tag = c->tags[nth];
    memmove(c->tags + nth, c->tags + nth + 1, (--c->n_tags - nth) * sizeof c->tags[0]);
    world_puback(&g->world, &c->conn, tag);
    tell_turn(g);
}

void let_acknowledge(struct glass *g)
{
    for (size_t n = 0; n < g->n_clients; n++)
        while (g->clients[n].is_open && g->clients[n].acknowledges && g->clients[n].n_tags)
            acknowledge(g, &g->clients[n], 0);
}

void turn(struct glass *g, struct request *r)
{
    (void)world_turn(&g->world, r);
    tell_turn(g);
}

void shut(struct glass *g, struct client *c, enum ended why)
{
    struct request r = {.kind = REQUEST_END, .conn = &c->conn, .ended = why};

    c->is_open = false;
    tell(g, c, "\"closed\":true");
    turn(g, &r);
}

/* --- clients ------------------------------------------------------------------------------------------------------ */

struct client *client_named(struct glass *g, const char *name)
{
    for (size_t n = 0; n < g->n_clients; n++)
        if (strcmp(g->clients[n].name, name) == 0)
            return &g->clients[n];
    return NULL;
}

struct client *client_new(struct glass *g, const char *name)
{
    struct client *c = client_named(g, name);

    if (c && c->is_open)
        trouble("that client is connected already");
    if (!c && g->n_clients == CLIENTS_MAX)
        trouble("too many clients");
    c = c ? c : &g->clients[g->n_clients++];
    memset(c, 0, sizeof *c);
    (void)snprintf(c->name, sizeof c->name, "%s", name);
    c->conn.no = ++g->world.last_conn;
    c->conn.has_gateway = g->has_gateway;
    return c;
}
