/* collect_ports.c - ListeningPorts: sockets that wait for somebody, from /proc/net. */
#include <inttypes.h>
#include <string.h>

#include "collect.h"
#include "sockets.h"

struct port_table {
    const char *protocol; /* the file's name, and what the event says */
    uint32_t state;
};

static const struct port_table tables[] = {
    {"tcp", SOCKET_LISTEN}, {"tcp6", SOCKET_LISTEN}, {"udp", SOCKET_OPEN},
    {"udp6", SOCKET_OPEN},  {"raw", SOCKET_OPEN},    {"raw6", SOCKET_OPEN},
};

struct gathering {
    cJSON *payload;
    const struct socket_owners *owners;
    uint32_t state;
    bool is_every_socket;
};

static bool add_port(cJSON *entry, const char *name, uint32_t port)
{
    char text[8] = "*";

    if (port)
        (void)snprintf(text, sizeof text, "%" PRIu32, port & 0xffffu);
    return cJSON_AddStringToObject(entry, name, text) != NULL;
}

static bool add_owner(cJSON *entry, int64_t pid)
{
    cJSON *extra = pid ? cJSON_AddObjectToObject(entry, "ExtraDetails") : NULL;
    char text[24];

    (void)snprintf(text, sizeof text, "%" PRId64, pid);
    return !pid || (extra && cJSON_AddStringToObject(extra, "Pid", text));
}

static bool row_take(void *context, const struct socket_row *row)
{
    struct gathering *g = context;
    cJSON *entry;

    if (!g->is_every_socket && row->state != g->state)
        return true;
    entry = cJSON_CreateObject();
    if (entry && cJSON_AddStringToObject(entry, "Protocol", row->protocol) &&
        cJSON_AddStringToObject(entry, "LocalAddress", row->local.address) &&
        add_port(entry, "LocalPort", row->local.port) &&
        cJSON_AddStringToObject(entry, "RemoteAddress", row->remote.address) &&
        add_port(entry, "RemotePort", row->remote.port) &&
        add_owner(entry, socket_owners_find(g->owners, row->inode)) && cJSON_AddItemToArray(g->payload, entry))
        return true;
    cJSON_Delete(entry);
    return false;
}

cJSON *collect_ports(const struct collect_roots *roots, bool is_every_socket)
{
    struct socket_owners owners;
    struct gathering g = {cJSON_CreateArray(), &owners, 0, is_every_socket};
    bool ok = g.payload != NULL;

    socket_owners_init(&owners, roots);
    for (size_t i = 0; ok && i < sizeof tables / sizeof *tables; i++) {
        g.state = tables[i].state;
        ok = sockets_each(roots, tables[i].protocol, row_take, &g);
    }
    socket_owners_done(&owners);
    if (ok)
        return g.payload;
    cJSON_Delete(g.payload);
    return NULL;
}
