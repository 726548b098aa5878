/* collect_ports.c - ListeningPorts: sockets that wait for somebody, from /proc/net. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "collect.h"

#define STATE_LISTEN 0x0A /* of a TCP socket */
#define STATE_OPEN   0x07 /* of a UDP or raw socket without a peer */

struct table {
    const char *protocol; /* the file's name, and what the event says */
    uint32_t state;
};

static const struct table tables[] = {
    {"tcp", STATE_LISTEN}, {"tcp6", STATE_LISTEN}, {"udp", STATE_OPEN},
    {"udp6", STATE_OPEN},  {"raw", STATE_OPEN},    {"raw6", STATE_OPEN},
};

/* Read a number of at most eight hexadecimal digits, all of s. */
static bool hex_read(struct str s, uint32_t *out)
{
    uint32_t n = 0;

    if (s.len == 0 || s.len > 8)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        const char *digits = "0123456789ABCDEF", *found = strchr(digits, s.at[i]);
        if (!found || !*found)
            return false;
        n = n << 4 | (uint32_t)(found - digits);
    }
    *out = n;
    return true;
}

/* Turn the kernel's "0100007F" or its four words of an IPv6 address into the usual text. The words are in the
 * machine's byte order, each by itself. */
static bool address_text(struct str hex, char out[INET6_ADDRSTRLEN])
{
    size_t words = hex.len / 8;
    uint32_t word[4] = {0};

    if (words * 8 != hex.len || (words != 1 && words != 4))
        return false;
    for (size_t i = 0; i < words; i++)
        if (!hex_read(str_of(hex.at + i * 8, 8), &word[i]))
            return false;
    return inet_ntop(words == 1 ? AF_INET : AF_INET6, word, out, INET6_ADDRSTRLEN) != NULL;
}

static void port_text(uint32_t port, char out[8])
{
    if (port)
        (void)snprintf(out, 8, "%" PRIu32, port & 0xffffu);
    else
        (void)snprintf(out, 8, "*");
}

/* Cut the next word off a line; several blanks count as one. */
static struct str word_cut(struct str *line)
{
    while (str_skip(line, " "))
        continue;
    return str_cut(line, ' ');
}

/* Cut "0100007F:22B3" off a line, as text for address and port. */
static bool endpoint_cut(struct str *line, char address[INET6_ADDRSTRLEN], char port[8])
{
    struct str text = word_cut(line), hex = str_cut(&text, ':');
    uint32_t number;

    if (!address_text(hex, address) || !hex_read(text, &number))
        return false;
    port_text(number, port);
    return true;
}

/* Read "  0: 0100007F:22B3 00000000:0000 0A ..." and append an entry; a line of another shape or state is skipped. */
static bool line_take(const struct table *table, struct str line, cJSON *payload)
{
    char local[INET6_ADDRSTRLEN], remote[INET6_ADDRSTRLEN], local_port[8], remote_port[8];
    uint32_t state;
    cJSON *entry;

    (void)word_cut(&line); /* the line's number */
    if (!endpoint_cut(&line, local, local_port) || !endpoint_cut(&line, remote, remote_port) ||
        !hex_read(word_cut(&line), &state) || state != table->state)
        return true;
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
        ok = line_take(table, str_from(line), payload);
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
