/* topic.c - reading the hub's topics. */
#include "topic.h"

/* The request id of a query such as "?$rid=7&$version=2", or 0. */
static uint32_t query_rid(struct str query)
{
    int64_t rid;

    (void)str_skip(&query, "?");
    while (query.len) {
        struct str value = str_cut(&query, '&');
        if (str_skip(&value, "$rid="))
            return str_to_number(value, UINT32_MAX, &rid) ? 0 : (uint32_t)rid;
    }
    return 0;
}

enum rc topic_parse(struct str text, struct topic *out)
{
    int64_t status;

    if (str_skip(&text, "$iothub/twin/PATCH/properties/desired/")) {
        *out = (struct topic){.kind = TOPIC_DESIRED};
        return RC_OK;
    }
    if (!str_skip(&text, "$iothub/twin/res/"))
        return RC_NOT_OURS;
    if (str_to_number(str_cut(&text, '/'), 999, &status))
        return RC_SYNTAX;
    *out = (struct topic){.kind = TOPIC_ANSWER, .status = status, .rid = query_rid(text)};
    return RC_OK;
}
