/* connection_string.c - reading connection strings. */
#include "connection_string.h"

#include <stddef.h>

struct member {
    const char *name;
    size_t offset;
    bool is_required;
};

static const struct member members[] = {
    {"HostName", offsetof(struct connection_string, host), true},
    {"GatewayHostName", offsetof(struct connection_string, gateway), false},
    {"DeviceId", offsetof(struct connection_string, device), true},
    {"ModuleId", offsetof(struct connection_string, module), true},
    {"SharedAccessKey", offsetof(struct connection_string, key), true},
};

static struct str *member_of(struct connection_string *cs, const struct member *m)
{
    return (struct str *)(void *)((char *)cs + m->offset);
}

static const struct member *member_find(struct str name)
{
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (str_is(name, members[i].name))
            return &members[i];
    return NULL;
}

enum rc connection_string_parse(struct str text, struct connection_string *out, const char **culprit)
{
    struct connection_string cs = {0};

    while (text.len) {
        struct str value = str_cut(&text, ';'), name, *slot;
        const struct member *m;
        if (!value.len)
            continue; /* a ; at the end is common */
        name = str_cut(&value, '=');
        m = member_find(name);
        if (!m) {
            *culprit = "an unknown member";
            return RC_INVALID;
        }
        slot = member_of(&cs, m);
        *culprit = m->name;
        if (slot->len || !value.len)
            return slot->len ? RC_SYNTAX : RC_NOT_FOUND;
        *slot = value;
    }
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        if (members[i].is_required && !member_of(&cs, &members[i])->len) {
            *culprit = members[i].name;
            return RC_NOT_FOUND;
        }
    }
    *out = cs;
    return RC_OK;
}
