/* user_name.c - see user_name.h.
 *
 * An id may hold '?' and '=', and a sloppy client's query may hold '/', so neither character alone says where the query
 * begins. But no id holds '&' or '/'. Behind "{host}/{device}/" stands R; A is R's first segment, B the rest of R:
 *   1. A is an id and B starts with '?'                          A is the module, B the query
 *   2. A starts with '?', or has the key api-version             all of R is the query, slashes included
 *   3. A is an id and B has the key api-version                  A is the module, B the query in the older form
 *   4. A is an id and there is no B                              A is the module, no query
 * Rule 1 stands first so that a module may be called "?m"; a query of two parameters or more is no id, since it holds '&'.
 */
#include "user_name.h"

static const struct str SERVICE_MARK = {"@sas.root.", 10};

/* Look a key up in "k=v&k=v"; the first one wins, even if its value is empty. */
static bool query_find(struct str query, struct str key, struct str *value)
{
    while (query.at) {
        struct str pair = str_cut(&query, '&');
        struct str name = str_cut(&pair, '=');

        if (pair.at && str_eq(name, key)) {
            *value = pair;
            return true;
        }
    }
    return false;
}

static struct str query_get(struct str query, struct str key)
{
    struct str value = {NULL, 0};

    (void)query_find(query, key, &value); /* absent is empty */
    return value;
}

static bool is_marked(struct str s)
{
    return str_starts(s, STR("?"));
}

static bool has_api_version(struct str s)
{
    struct str value;

    return query_find(is_marked(s) ? str_skip(s, 1) : s, STR("api-version"), &value);
}

/* Tell module and query apart in what follows "{host}/{device}/"; see the rules above. */
static bool tail_read(struct str tail, struct str *module, struct str *query)
{
    struct str rest = tail;
    struct str first = str_cut(&rest, '/');
    bool is_id = ident_part_is_valid(first);

    if (is_id && rest.at && is_marked(rest)) {
        *module = first;
        *query = rest;
    } else if (is_marked(first) || has_api_version(first)) {
        *module = str_first(first, 0);
        *query = tail;
    } else if (is_id && (!rest.at || has_api_version(rest))) {
        *module = first;
        *query = rest;
    } else {
        return false;
    }
    if (is_marked(*query))
        *query = str_skip(*query, 1);
    return true;
}

static enum rc service_read(struct str text, struct user_name *out)
{
    struct user_name name = {.kind = USER_NAME_SERVICE};

    for (size_t i = 1; i < text.len; i++) {
        if (str_starts(str_skip(text, i), SERVICE_MARK)) {
            name.policy = str_first(text, i);
            name.host = str_skip(text, i + SERVICE_MARK.len);
            break;
        }
    }
    if (name.host.len == 0)
        return RC_SYNTAX;
    *out = name;
    return RC_OK;
}

enum rc user_name_read(struct str text, struct user_name *out)
{
    struct user_name name = {.kind = USER_NAME_DEVICE};
    struct str rest = text;
    struct str query = {NULL, 0};

    name.host = str_cut(&rest, '/');
    if (!rest.at)
        return service_read(text, out);
    name.ident.device = str_cut(&rest, '/');
    if (name.host.len == 0 || !ident_part_is_valid(name.ident.device))
        return RC_SYNTAX;
    if (rest.at) {
        if (!tail_read(rest, &name.ident.module, &query))
            return RC_SYNTAX;
    } else if (is_marked(name.ident.device) || has_api_version(name.ident.device)) {
        return RC_SYNTAX; /* a query where the device should be */
    }
    name.api_version = query_get(query, STR("api-version"));
    name.model_id = query_get(query, STR("model-id"));
    name.client_type = query_get(query, STR("DeviceClientType"));
    *out = name;
    return RC_OK;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

enum rc percent_decode(struct str text, struct buf *out)
{
    for (size_t i = 0; i < text.len; i++) {
        int high = text.at[i] == '%' && i + 2 < text.len ? hex_value(text.at[i + 1]) : -1;
        int low = high >= 0 ? hex_value(text.at[i + 2]) : -1;

        if (low >= 0) {
            buf_add_char(out, (char)(high << 4 | low));
            i += 2;
        } else {
            buf_add_char(out, text.at[i]);
        }
    }
    return out->rc;
}
