/* bag.c - see bag.h. Pairs are gathered, then sorted to find keys given twice: a bag of 64 KB may hold many thousands. */
#include "bag.h"

#include <stdlib.h>

#include "user_name.h" /* percent_decode */
#include "utf8.h"

struct pair {
    char *key;    /* the service-side name for system properties */
    cJSON *value; /* NULL: nothing to hand out */
    size_t order; /* as in the bag, from 0 */
    bool is_system;
};

/* Names: azure-iot-sdk-csharp's MessageSystemPropertyNames; content-* as routing queries and Event Hubs readers see them. */
static const struct {
    const char *wire, *service;
} NAMES[] = {
    {"$.mid", "message-id"},
    {"$.cid", "correlation-id"},
    {"$.uid", "user-id"},
    {"$.to", "to"},
    {"$.exp", "absolute-expiry-time"},
    {"$.ct", "content-type"},
    {"$.ce", "content-encoding"},
    {"$.ctime", "iothub-creation-time-utc"},
    {"$.on", "iothub-outputname"},
    {"$.sub", "dt-subject"},
    {"$.ifid", "iothub-interface-id"},
    {"$.schema", "iothub-message-schema"},
    {"$.diagid", "iothub-diag-id"},
    {"$.diagctx", "diag-correlation-context"},
    {"$.cdid", "iothub-connection-device-id"},
    {"$.cmid", "iothub-connection-module-id"},
};

const char *bag_system_name(struct str decoded_key)
{
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++)
        if (str_eq(decoded_key, str_from(NAMES[i].wire)))
            return NAMES[i].service;
    return NULL;
}

const char *bag_wire_key(struct str service_name)
{
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++)
        if (str_eq(service_name, str_from(NAMES[i].service)))
            return NAMES[i].wire;
    return NULL;
}

/* Who is connected is the hub's to say; a device that claims it is not heard. */
static bool is_hub_stamp(struct str decoded_key)
{
    return str_eq(decoded_key, STR("$.cdid")) || str_eq(decoded_key, STR("$.cmid"));
}

static bool is_text(struct str s)
{
    return utf8_is_valid(s) && str_find(s, '\0') == s.len;
}

/* Decode one side of a pair into text, which is emptied first. */
static enum rc side_read(struct str side, struct buf *text)
{
    enum rc rc;

    buf_reset(text);
    buf_add(text, STR("")); /* so that an empty side is a C string, too */
    rc = percent_decode(side, text);
    if (rc)
        return rc;
    return is_text(buf_view(text)) ? RC_OK : RC_SYNTAX;
}

/* Read "k=v", "k=" or "k". p->value stays NULL for a pair that is left out. */
static enum rc pair_read(struct str text, struct buf *scratch, struct pair *p)
{
    struct str value = text;
    struct str key = str_cut(&value, '=');
    const char *name;
    bool is_left_out;
    enum rc rc;

    if (key.len == 0)
        return RC_SYNTAX;
    rc = side_read(key, scratch);
    if (rc)
        return rc;
    name = bag_system_name(buf_view(scratch));
    p->is_system = str_starts(buf_view(scratch), STR("$."));
    is_left_out = is_hub_stamp(buf_view(scratch));
    p->key = str_dup(name ? str_from(name) : buf_view(scratch));
    if (!p->key)
        return RC_NOMEM;
    rc = value.at ? side_read(value, scratch) : RC_OK;
    if (rc || is_left_out)
        return rc;
    p->value = value.at ? cJSON_CreateString(scratch->at) : cJSON_CreateNull();
    return p->value ? RC_OK : RC_NOMEM;
}

static int by_order(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;

    return (x->order > y->order) - (x->order < y->order);
}

static int by_key(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    int diff = x->is_system - y->is_system;

    if (diff == 0)
        diff = strcmp(x->key, y->key);
    return diff ? diff : by_order(a, b);
}

static bool same_key(const struct pair *a, const struct pair *b)
{
    return a->is_system == b->is_system && strcmp(a->key, b->key) == 0;
}

/* Of a key given twice, keep the last value in the first one's place. */
static void pairs_settle(struct pair *pairs, size_t n)
{
    struct pair *first = pairs;

    if (n < 2)
        return;
    qsort(pairs, n, sizeof *pairs, by_key);
    for (size_t i = 1; i < n; i++) {
        if (!same_key(first, &pairs[i])) {
            first = &pairs[i];
            continue;
        }
        cJSON_Delete(first->value);
        first->value = pairs[i].value;
        pairs[i].value = NULL;
    }
    qsort(pairs, n, sizeof *pairs, by_order);
}

static void pairs_free(struct pair *pairs, size_t n)
{
    for (size_t i = 0; pairs && i < n; i++) {
        free(pairs[i].key);
        cJSON_Delete(pairs[i].value);
    }
    free(pairs);
}

static size_t count_pairs(struct str bag)
{
    size_t n = 1;

    for (size_t i = 0; i < bag.len; i++)
        n += bag.at[i] == '&';
    return n;
}

enum rc bag_read(struct str bag, cJSON **system, cJSON **properties)
{
    cJSON *sides[2] = {cJSON_CreateObject(), cJSON_CreateObject()}; /* application, system */
    size_t n = bag.len ? count_pairs(bag) : 0;
    struct pair *pairs = calloc(n ? n : 1, sizeof *pairs);
    struct buf scratch;
    enum rc rc = RC_NOMEM;

    buf_init(&scratch, 0);
    if (!sides[0] || !sides[1] || !pairs)
        goto done;
    for (size_t i = 0; i < n; i++) {
        pairs[i].order = i;
        rc = pair_read(str_cut(&bag, '&'), &scratch, &pairs[i]);
        if (rc)
            goto done;
    }
    pairs_settle(pairs, n);
    rc = RC_NOMEM;
    for (size_t i = 0; i < n; i++) {
        if (!pairs[i].value)
            continue;
        /* Not json_set: no key comes twice any more, so there is nothing to look for. */
        if (!cJSON_AddItemToObject(sides[pairs[i].is_system], pairs[i].key, pairs[i].value))
            goto done;
        pairs[i].value = NULL;
    }
    *system = sides[1];
    *properties = sides[0];
    sides[0] = sides[1] = NULL;
    rc = RC_OK;

done:
    buf_done(&scratch);
    pairs_free(pairs, n);
    cJSON_Delete(sides[0]);
    cJSON_Delete(sides[1]);
    return rc;
}
