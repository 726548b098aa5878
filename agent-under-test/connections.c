/* connections.c - comparing two looks at /proc/net/tcp and tcp6. */
#include "connections.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "process_info.h"
#include "sockets.h"

static const char *const protocols[] = {"tcp", "tcp6"};

/* A whole connection, compared byte for byte: always zeroed first. */
struct connection_key {
    struct socket_end local, remote;
};

/* One look. */
struct look {
    struct socket_row *rows; /* connections */
    size_t count, room;
    uint32_t *ports; /* that somebody listens on */
    size_t port_count, port_room;
};

void connections_init(struct connections *c)
{
    *c = (struct connections){0};
}

void connections_done(struct connections *c)
{
    free(c->known);
    connections_init(c);
}

/* Make room for one more; false without memory. */
static bool grow(void **items, size_t count, size_t *room, size_t size)
{
    size_t wanted = *room ? *room * 2 : 64;
    void *more;

    if (count < *room)
        return true;
    more = realloc(*items, wanted * size);
    if (!more)
        return false;
    *items = more;
    *room = wanted;
    return true;
}

static bool row_take(void *context, const struct socket_row *row)
{
    struct look *l = context;
    void *items;
    bool ok = true;

    if (row->state == SOCKET_LISTEN) {
        items = l->ports;
        ok = grow(&items, l->port_count, &l->port_room, sizeof *l->ports);
        l->ports = items;
        if (ok)
            l->ports[l->port_count++] = row->local.port;
    } else if (row->state == SOCKET_ESTABLISHED) {
        items = l->rows;
        ok = grow(&items, l->count, &l->room, sizeof *l->rows);
        l->rows = items;
        if (ok)
            l->rows[l->count++] = *row;
    }
    return ok;
}

static bool is_incoming(const struct look *l, const struct socket_row *row)
{
    for (size_t i = 0; i < l->port_count; i++)
        if (l->ports[i] == row->local.port)
            return true;
    return false;
}

static struct connection_key key_of(const struct socket_row *row)
{
    struct connection_key key;

    memset(&key, 0, sizeof key);
    (void)snprintf(key.local.address, sizeof key.local.address, "%s", row->local.address);
    (void)snprintf(key.remote.address, sizeof key.remote.address, "%s", row->remote.address);
    key.local.port = row->local.port;
    key.remote.port = row->remote.port;
    return key;
}

static int key_compare(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct connection_key));
}

static bool is_known(const struct connections *c, const struct connection_key *key)
{
    return c->known_count && bsearch(key, c->known, c->known_count, sizeof *key, key_compare);
}

static bool add_port(cJSON *entry, const char *name, uint32_t port)
{
    char text[16];

    (void)snprintf(text, sizeof text, "%" PRIu32, port);
    return cJSON_AddStringToObject(entry, name, text) != NULL;
}

/* The peer's port. Aggregated, the one that the peer happened to have does not count. */
static bool add_remote_port(cJSON *entry, const struct connections_form *form, const struct socket_row *row, bool is_in,
                            bool is_single)
{
    if (is_in && !is_single && form->port_is_number)
        return cJSON_AddNumberToObject(entry, "RemotePort", 0) != NULL;
    return add_port(entry, "RemotePort", is_in && !is_single ? 0 : row->remote.port);
}

static bool add_local(cJSON *entry, const struct socket_row *row, bool is_in, bool is_single)
{
    return cJSON_AddStringToObject(entry, "LocalAddress", row->local.address) &&
           add_port(entry, "LocalPort", is_in || is_single ? row->local.port : 0);
}

/* Make an event's only entry; NULL without memory. */
static cJSON *entry_new(const struct connections_form *form, const struct socket_row *row, bool is_in,
                        const struct process_info *owner, bool is_single)
{
    cJSON *entry = cJSON_CreateObject();
    char user[16];

    (void)snprintf(user, sizeof user, "%" PRIu32, row->user);
    if (entry && cJSON_AddStringToObject(entry, "Protocol", "tcp") &&
        cJSON_AddStringToObject(entry, "Direction", is_in ? "In" : "Out") &&
        cJSON_AddStringToObject(entry, "RemoteAddress", row->remote.address) &&
        add_remote_port(entry, form, row, is_in, is_single) &&
        (!form->tells_local || add_local(entry, row, is_in, is_single)) &&
        cJSON_AddStringToObject(entry, "Executable", owner->executable) &&
        cJSON_AddStringToObject(entry, "CommandLine", owner->command_line) &&
        cJSON_AddNumberToObject(entry, "ProcessId", is_single ? (double)owner->pid : 0) &&
        cJSON_AddStringToObject(entry, "UserId", user))
        return entry;
    cJSON_Delete(entry);
    return NULL;
}

/* Where events go. */
struct telling {
    const struct connections_form *form;
    struct aggregate *aggregate;
    struct instant now;
    event_sink *emit;
    void *context;
};

static void tell(const struct telling *to, const struct socket_row *row, bool is_in, const struct process_info *owner)
{
    cJSON *entry = to->aggregate ? entry_new(to->form, row, is_in, owner, false) : NULL, *payload;
    bool is_counted = entry && aggregate_add(to->aggregate, entry, to->now.wall_ms);

    cJSON_Delete(entry);
    if (is_counted)
        return;
    payload = cJSON_CreateArray();
    entry = entry_new(to->form, row, is_in, owner, true);
    if (!payload || !entry || !cJSON_AddItemToArray(payload, entry)) {
        cJSON_Delete(entry);
        cJSON_Delete(payload);
        payload = NULL;
    }
    to->emit(to->context, EVENT_TRIGGERED, payload);
}

/* Tell of the new ones. Owners are looked for only when there is anything to tell: it means reading all of /proc. */
static void news_tell(const struct connections *c, const struct collect_roots *roots, const struct look *l,
                      const struct telling *to)
{
    struct socket_owners owners = {0};
    bool has_owners = false;

    for (size_t i = 0; i < l->count; i++) {
        struct connection_key key = key_of(&l->rows[i]);
        struct process_info owner = {0};
        if (is_known(c, &key))
            continue;
        if (!has_owners)
            socket_owners_init(&owners, roots);
        has_owners = true;
        owner.pid = socket_owners_find(&owners, l->rows[i].inode);
        if (owner.pid)
            process_info_details(roots, &owner);
        tell(to, &l->rows[i], is_incoming(l, &l->rows[i]), &owner);
    }
    socket_owners_done(&owners);
}

/* Remember what is there now. Without memory what was known stays so. */
static void learn(struct connections *c, const struct look *l)
{
    struct connection_key *known = l->count ? malloc(l->count * sizeof *known) : NULL;

    if (l->count && !known)
        return;
    for (size_t i = 0; i < l->count; i++)
        known[i] = key_of(&l->rows[i]);
    if (l->count)
        qsort(known, l->count, sizeof *known, key_compare);
    free(c->known);
    c->known = known;
    c->known_count = l->count;
}

void connections_look(struct connections *c, const struct collect_roots *roots, const struct connections_form *form,
                      struct aggregate *aggregate, struct instant now, event_sink *emit, void *context)
{
    const struct telling to = {form, aggregate, now, emit, context};
    struct look look = {0};

    for (size_t i = 0; i < sizeof protocols / sizeof *protocols; i++)
        if (!sockets_each(roots, protocols[i], row_take, &look))
            break;
    if (c->has_looked)
        news_tell(c, roots, &look, &to);
    learn(c, &look);
    c->has_looked = true;
    free(look.rows);
    free(look.ports);
}
