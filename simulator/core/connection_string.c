/* connection_string.c - see connection_string.h. One table of the words; reading and printing walk it. */
#include "connection_string.h"

/* In the order of printing. */
static const struct {
    const char *word;
    size_t offset; /* of a struct str in struct connection_string */
} PARTS[] = {
    {"HostName", offsetof(struct connection_string, host)},
    {"DeviceId", offsetof(struct connection_string, device)},
    {"ModuleId", offsetof(struct connection_string, module)},
    {"SharedAccessKeyName", offsetof(struct connection_string, key_name)},
    {"SharedAccessKey", offsetof(struct connection_string, key)},
    {"SharedAccessSignature", offsetof(struct connection_string, signature)},
    {"GatewayHostName", offsetof(struct connection_string, gateway_host)},
};
#define N_PARTS (sizeof PARTS / sizeof PARTS[0])

static struct str *part_of(struct connection_string *cs, size_t i)
{
    return (struct str *)((char *)cs + PARTS[i].offset);
}

static const struct str *part_in(const struct connection_string *cs, size_t i)
{
    return (const struct str *)((const char *)cs + PARTS[i].offset);
}

enum rc connection_string_read(struct str text, struct connection_string *out)
{
    struct connection_string cs = {.x509 = false};
    bool seen[N_PARTS + 1] = {false}; /* the last one is x509 */

    while (text.at) {
        struct str value = str_cut(&text, ';');
        struct str word = str_cut(&value, '=');
        size_t i = 0;

        while (i < N_PARTS && !str_eq(word, str_from(PARTS[i].word)))
            i++;
        if (!value.at || (i == N_PARTS && !str_eq(word, STR("x509"))) || seen[i])
            return RC_SYNTAX;
        seen[i] = true;
        if (i < N_PARTS)
            *part_of(&cs, i) = value;
        else if (str_eq_nocase(value, STR("true")))
            cs.x509 = true;
        else if (!str_eq_nocase(value, STR("false")))
            return RC_SYNTAX;
    }
    if (cs.host.len == 0)
        return RC_SYNTAX;
    *out = cs;
    return RC_OK;
}

void connection_string_print(struct buf *out, const struct connection_string *cs)
{
    const char *before = "";

    for (size_t i = 0; i < N_PARTS; i++) {
        const struct str *value = part_in(cs, i);

        if (value->len == 0)
            continue;
        buf_addf(out, "%s%s=", before, PARTS[i].word);
        buf_add(out, *value);
        before = ";";
    }
    if (cs->x509)
        buf_addf(out, "%sx509=true", before);
}
