/* connections.c - see connections.h. */
#include "connections.h"

#include <assert.h>
#include <stdlib.h>

#define SLOTS_MIN 64u /* a power of two */

void connections_init(struct connections *cs)
{
    memset(cs, 0, sizeof *cs);
}

struct connection *connection_new(uint64_t no)
{
    struct connection *c = calloc(1, sizeof *c);

    if (c) {
        c->conn.no = no;
        c->ended = ENDED_UNKNOWN;
    }
    return c;
}

void connection_free(struct connection *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->n_filters; i++)
        free(c->filters[i]);
    free(c->filters);
    free(c);
}

void connections_done(struct connections *cs)
{
    for (size_t i = 0; i < cs->slots; i++)
        while (cs->by_client[i]) {
            struct connection *c = cs->by_client[i];

            cs->by_client[i] = c->next_by_client;
            connection_free(c);
        }
    free(cs->by_client);
    free(cs->by_id);
    connections_init(cs);
}

static size_t hash_pointer(const void *p)
{
    uint64_t x = (uint64_t)(uintptr_t)p;

    x ^= x >> 33;
    x *= UINT64_C(0xff51afd7ed558ccd);
    return (size_t)(x ^ (x >> 33));
}

static size_t hash_text(struct str s)
{
    uint64_t x = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < s.len; i++)
        x = (x ^ (unsigned char)s.at[i]) * UINT64_C(0x100000001b3);
    return (size_t)(x ^ (x >> 32));
}

struct table {
    struct connection **by_client, **by_id;
    size_t slots;
};

static void link_in(const struct table *t, struct connection *c)
{
    struct connection **a = &t->by_client[hash_pointer(c->client) & (t->slots - 1)];
    struct connection **b = &t->by_id[hash_text(str_from(c->conn.id)) & (t->slots - 1)];

    c->next_by_client = *a;
    *a = c;
    c->next_by_id = *b;
    *b = c;
}

static enum rc grow(struct connections *cs)
{
    struct table old = {cs->by_client, cs->by_id, cs->slots}, t;

    if (old.slots && cs->len < old.slots)
        return RC_OK;
    t.slots = old.slots ? old.slots * 2 : SLOTS_MIN;
    t.by_client = calloc(t.slots, sizeof(struct connection *));
    t.by_id = calloc(t.slots, sizeof(struct connection *));
    if (!t.by_client || !t.by_id) {
        free(t.by_client);
        free(t.by_id);
        return RC_NOMEM;
    }
    for (size_t i = 0; i < old.slots; i++) {
        struct connection *turned = NULL, *next;

        /* Turned round first, so that equal pointers keep their order: newest first. */
        for (struct connection *c = old.by_client[i]; c; c = next) {
            next = c->next_by_client;
            c->next_by_client = turned;
            turned = c;
        }
        for (struct connection *c = turned; c; c = next) {
            next = c->next_by_client;
            link_in(&t, c);
        }
    }
    cs->by_client = t.by_client;
    cs->by_id = t.by_id;
    cs->slots = t.slots;
    free(old.by_client);
    free(old.by_id);
    return RC_OK;
}

enum rc connections_add(struct connections *cs, struct connection *c, const struct mosquitto *client)
{
    struct str id = str_from(c->conn.id);
    enum rc rc = grow(cs);

    if (rc)
        return rc;
    for (struct connection *old = cs->by_id[hash_text(id) & (cs->slots - 1)]; old; old = old->next_by_id)
        if (str_eq(str_from(old->conn.id), id))
            old->is_superseded = true;
    c->client = client;
    link_in(&(struct table){cs->by_client, cs->by_id, cs->slots}, c);
    cs->len++;
    return RC_OK;
}

struct connection *connections_of(const struct connections *cs, const struct mosquitto *client)
{
    if (!cs->slots)
        return NULL;
    for (struct connection *c = cs->by_client[hash_pointer(client) & (cs->slots - 1)]; c; c = c->next_by_client)
        if (c->client == client)
            return c;
    return NULL;
}

struct connection *connections_open(const struct connections *cs, struct str id)
{
    if (!cs->slots)
        return NULL;
    for (struct connection *c = cs->by_id[hash_text(id) & (cs->slots - 1)]; c; c = c->next_by_id)
        if (!c->is_closed && !c->is_superseded && str_eq(str_from(c->conn.id), id))
            return c;
    return NULL;
}

/* It is one of those that are counted, or no more. */
static void count(bool is_one, bool *was_one, size_t *number)
{
    if (is_one == *was_one)
        return;
    assert(is_one || *number > 0);
    *number = is_one ? *number + 1 : *number - 1;
    *was_one = is_one;
}

static void unlisten_all(struct connections *cs, struct connection *c)
{
    count(false, &c->is_listener, &cs->listeners);
    count(false, &c->is_reader, &cs->readers);
}

/* Count it anew by the filters that it holds. */
static void recount(struct connections *cs, struct connection *c)
{
    bool listens = false, reads = false;

    for (size_t i = 0; i < c->n_filters; i++) {
        bool of_service = str_starts(str_from(c->filters[i]), STR(HUB_EVENTS_ROOT));

        listens |= !of_service;
        reads |= of_service;
    }
    count(listens, &c->is_listener, &cs->listeners);
    count(reads, &c->is_reader, &cs->readers);
}

void connections_close(struct connections *cs, struct connection *c)
{
    if (c->is_closed)
        return;
    c->is_closed = true;
    unlisten_all(cs, c);
    c->next_closed = cs->closed;
    cs->closed = c;
}

void connections_sweep(struct connections *cs)
{
    while (cs->closed) {
        struct connection *c = cs->closed;
        struct connection **at = &cs->by_client[hash_pointer(c->client) & (cs->slots - 1)];

        cs->closed = c->next_closed;
        while (*at != c)
            at = &(*at)->next_by_client;
        *at = c->next_by_client;
        at = &cs->by_id[hash_text(str_from(c->conn.id)) & (cs->slots - 1)];
        while (*at != c)
            at = &(*at)->next_by_id;
        *at = c->next_by_id;
        cs->len--;
        connection_free(c);
    }
}

void connections_count_listener(struct connections *cs, struct connection *c)
{
    if (c->is_closed)
        return;
    count(true, &c->is_listener, &cs->listeners);
    count(true, &c->is_reader, &cs->readers);
}

enum rc connections_listen(struct connections *cs, struct connection *c, struct str filter)
{
    char **grown;
    char *copy;

    for (size_t i = 0; i < c->n_filters; i++)
        if (str_eq(str_from(c->filters[i]), filter))
            return RC_OK;
    if (c->n_filters == HUB_FILTERS_MAX)
        return RC_LIMIT;
    copy = str_dup(filter);
    grown = realloc(c->filters, (c->n_filters + 1) * sizeof *grown);
    if (grown)
        c->filters = grown;
    if (!copy || !grown) {
        free(copy);
        return RC_NOMEM;
    }
    c->filters[c->n_filters++] = copy;
    if (c->conn.is_clean && !c->is_closed)
        recount(cs, c);
    else
        connections_count_listener(cs, c); /* a stored session may hold filters that we never saw */
    return RC_OK;
}

void connections_unlisten(struct connections *cs, struct connection *c, struct str filter)
{
    for (size_t i = 0; i < c->n_filters; i++)
        if (str_eq(str_from(c->filters[i]), filter)) {
            free(c->filters[i]);
            c->filters[i] = c->filters[--c->n_filters];
            /* A stored session may hold filters that we never saw: it stays a listener until its end. */
            if (c->conn.is_clean && !c->is_closed)
                recount(cs, c);
            return;
        }
}
