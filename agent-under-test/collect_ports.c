/* collect_ports.c - ListeningPorts: sockets that wait for somebody, from /proc/net. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "collect.h"

#define STATE_LISTEN 0x0A /* of a TCP socket */
#define STATE_OPEN   0x07 /* of a UDP or raw socket without a peer */

struct table {
    const char *protocol; /* the file's name, and what the event says */
    unsigned state;
};

static const struct table tables[] = {
    {"tcp", STATE_LISTEN}, {"tcp6", STATE_LISTEN}, {"udp", STATE_OPEN},
    {"udp6", STATE_OPEN},  {"raw", STATE_OPEN},    {"raw6", STATE_OPEN},
};

/* Turn the kernel's "0100007F" or its four words of an IPv6 address into the usual text. The words are in the
 * machine's byte order, each by itself. */
static bool address_text(const char *hex, char out[INET6_ADDRSTRLEN])
{
    size_t words = strlen(hex) / 8;
    uint32_t word[4];
    unsigned value;
    char part[9] = {0};

    if (words * 8 != strlen(hex) || (words != 1 && words != 4))
        return false;
    for (size_t i = 0; i < words; i++) {
        memcpy(part, hex + i * 8, 8);
        if (sscanf(part, "%8x", &value) != 1) /* NOLINT(cert-err34-c): eight hex digits cannot overflow */
            return false;
        word[i] = value;
    }
    return inet_ntop(words == 1 ? AF_INET : AF_INET6, word, out, INET6_ADDRSTRLEN) != NULL;
}

static void port_text(unsigned port, char out[8])
{
    if (port)
        (void)snprintf(out, 8, "%u", port & 0xffffu);
    else
        (void)snprintf(out, 8, "*");
}

/* Read "  0: 0100007F:22B3 00000000:0000 0A ..." and append an entry; a line of another shape or state is skipped. */
static bool line_take(const struct table *table, const char *line, cJSON *payload)
{
    char local_hex[33], remote_hex[33], local[INET6_ADDRSTRLEN], remote[INET6_ADDRSTRLEN], local_port[8],
        remote_port[8];
    unsigned port, peer_port, state;
    cJSON *entry;

    /* NOLINTNEXTLINE(cert-err34-c): the widths bound every number */
    if (sscanf(line, " %*[0-9]: %32[0-9A-Fa-f]:%4x %32[0-9A-Fa-f]:%4x %2x", local_hex, &port, remote_hex, &peer_port,
               &state) != 5 ||
        state != table->state || !address_text(local_hex, local) || !address_text(remote_hex, remote))
        return true;
    port_text(port, local_port);
    port_text(peer_port, remote_port);
    entry = cJSON_CreateObject();
    if (entry && cJSON_AddStringToObject(entry, "Protocol", table->protocol) &&
        cJSON_AddStringToObject(entry, "LocalAddress", local) &&
        cJSON_AddStringToObject(entry, "LocalPort", local_port) &&
        cJSON_AddStringToObject(entry, "RemoteAddress", remote) &&
        cJSON_AddStringToObject(entry, "RemotePort", remote_port) && cJSON_AddItemToArray(payload, entry))
        return true;
    cJSON_Delete(entry);
    return false;
}

static bool table_take(const struct collect_roots *roots, const struct table *table, cJSON *payload)
{
    char path[512], line[COLLECT_LINE_MAX];
    bool ok = true;
    FILE *f;

    (void)snprintf(path, sizeof path, "%s/net/%s", roots->proc, table->protocol);
    f = fopen(path, "re");
    if (!f)
        return true; /* a kernel without IPv6 has no such file */
    while (ok && fgets(line, sizeof line, f))
        ok = line_take(table, line, payload);
    (void)fclose(f); /* it was only read */
    return ok;
}

cJSON *collect_ports(const struct collect_roots *roots)
{
    cJSON *payload = cJSON_CreateArray();
    bool ok = payload != NULL;

    for (size_t i = 0; ok && i < sizeof tables / sizeof *tables; i++)
        ok = table_take(roots, &tables[i], payload);
    if (ok)
        return payload;
    cJSON_Delete(payload);
    return NULL;
}
