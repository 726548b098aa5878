/* marker.c - see marker.h. */
#include "marker.h"

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
    if (!rest.at || rest.len == 0 || !front_door_tag(tag, &m.tag))
        return RC_SYNTAX;
    m.is_dup = str_eq(flags, STR("1d"));
    m.qos = m.is_dup || str_eq(flags, STR("1"));
    if (!m.qos && !str_eq(flags, STR("0")))
        return RC_SYNTAX;
    m.topic = rest;
    *out = m;
    return RC_OK;
}
