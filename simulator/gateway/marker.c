/* marker.c - see marker.h. */
#include "marker.h"

#define TAG_DIGITS_MAX 16u

static bool tag_read(struct str text, uint64_t *out)
{
    uint64_t tag = 0;

    if (text.len == 0 || text.len > TAG_DIGITS_MAX)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];

        if (c >= '0' && c <= '9')
            tag = tag << 4 | (unsigned)(c - '0');
        else if (c >= 'a' && c <= 'f')
            tag = tag << 4 | (unsigned)(c - 'a' + 10);
        else
            return false;
    }
    *out = tag;
    return true;
}

enum rc marker_read(struct str topic, struct marker *out)
{
    struct str rest = str_skip(topic, sizeof FRONT_DOOR_MARK - 1), flags, tag;
    struct marker m = {0};

    if (!str_starts(topic, STR(FRONT_DOOR_MARK)))
        return RC_NOT_OURS;
    flags = str_cut(&rest, '/');
    if (!rest.at)
        return RC_SYNTAX;
    tag = str_cut(&rest, '/');
    if (!rest.at || rest.len == 0 || !tag_read(tag, &m.tag))
        return RC_SYNTAX;
    m.is_dup = str_eq(flags, STR("1d"));
    m.qos = m.is_dup || str_eq(flags, STR("1"));
    if (!m.qos && !str_eq(flags, STR("0")))
        return RC_SYNTAX;
    m.topic = rest;
    *out = m;
    return RC_OK;
}
