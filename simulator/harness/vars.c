/* vars.c - see vars.h. */
#include "vars.h"

#include <stdlib.h>

/* What stands in front of the next variable, plain or as an escaped "$${"; then the variable. */
struct piece {
    struct str plain; /* copied as it is */
    bool is_escape;   /* then "${" follows, plainly */
    bool is_var;
    bool is_closed;
    struct str name;
};

/* Cut the next piece off the text. returns false at its end. */
static bool take_piece(struct str *rest, struct piece *p)
{
    size_t n = 0;

    if (rest->len == 0)
        return false;
    memset(p, 0, sizeof *p);
    while (n < rest->len && !str_starts(str_skip(*rest, n), STR("${")) && !str_starts(str_skip(*rest, n), STR("$${")))
        n++;
    p->plain = str_first(*rest, n);
    *rest = str_skip(*rest, n);
    if (str_starts(*rest, STR("$${"))) {
        p->is_escape = true;
        *rest = str_skip(*rest, 3);
    } else if (str_starts(*rest, STR("${"))) {
        p->is_var = true;
        *rest = str_skip(*rest, 2);
        n = str_find(*rest, '}');
        p->is_closed = n < rest->len;
        p->name = p->is_closed ? str_first(*rest, n) : str_of("", 0);
        *rest = str_skip(*rest, p->is_closed ? n + 1 : n);
    }
    return true;
}

bool vars_next(struct str *rest, struct str *name)
{
    struct piece p;

    while (take_piece(rest, &p)) {
        if (p.is_var) {
            *name = p.name;
            return true;
        }
    }
    return false;
}

bool vars_used(struct str text)
{
    struct str name;

    return vars_next(&text, &name);
}

bool vars_name_is_valid(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';

        if (!is_letter && (i == 0 || c < '0' || c > '9'))
            return false;
    }
    return name.len > 0;
}

static enum rc find(const cJSON *vars, struct piece p, const cJSON **value)
{
    char name[128];

    if (!p.is_closed)
        return RC_SYNTAX;
    if (p.name.len == 0 || p.name.len >= sizeof name)
        return RC_NOT_FOUND;
    memcpy(name, p.name.at, p.name.len);
    name[p.name.len] = '\0';
    *value = json_get(vars, name);
    return *value ? RC_OK : RC_NOT_FOUND;
}

enum rc vars_fill_text(struct buf *out, struct str text, const cJSON *vars)
{
    struct piece p;

    while (take_piece(&text, &p)) {
        const cJSON *value = NULL;
        enum rc rc;

        buf_add(out, p.plain);
        if (p.is_escape)
            buf_add(out, STR("${"));
        if (!p.is_var)
            continue;
        rc = find(vars, p, &value);
        if (rc)
            return rc;
        if (cJSON_IsString(value))
            buf_add(out, str_from(value->valuestring));
        else
            json_print(out, value);
    }
    return out->rc;
}

/* Give a string node another text. */
static enum rc text_set(cJSON *node, struct str text)
{
    char *bytes = cJSON_malloc(text.len + 1);

    if (!bytes)
        return RC_NOMEM;
    memcpy(bytes, text.at, text.len);
    bytes[text.len] = '\0';
    cJSON_free(node->valuestring);
    node->valuestring = bytes;
    return RC_OK;
}

/* A copy of a variable's value, in the place (and under the key) of the text that asked for it. */
static enum rc value_copy(const cJSON *text_node, const cJSON *value, cJSON **out)
{
    cJSON *copy = cJSON_Duplicate(value, true);
    char *key = NULL;

    if (!copy)
        return RC_NOMEM;
    if (text_node->string) {
        key = cJSON_malloc(strlen(text_node->string) + 1);
        if (!key) {
            cJSON_Delete(copy);
            return RC_NOMEM;
        }
        memcpy(key, text_node->string, strlen(text_node->string) + 1);
    }
    cJSON_free(copy->string);
    copy->string = key;
    copy->type &= ~cJSON_StringIsConst;
    *out = copy;
    return RC_OK;
}

static enum rc fill_string(const cJSON *node, const cJSON *vars, cJSON **out)
{
    struct str text = str_from(node->valuestring), rest = text;
    struct piece p = {0};
    struct buf filled;
    enum rc rc;

    if (take_piece(&rest, &p) && p.is_var && p.plain.len == 0 && rest.len == 0) {
        const cJSON *value = NULL;

        rc = find(vars, p, &value);
        return rc ? rc : value_copy(node, value, out);
    }
    *out = cJSON_Duplicate(node, false);
    if (!*out)
        return RC_NOMEM;
    if (str_find(text, '$') == text.len)
        return RC_OK;
    buf_init(&filled, 0);
    rc = vars_fill_text(&filled, text, vars);
    if (!rc)
        rc = text_set(*out, buf_view(&filled));
    buf_done(&filled);
    return rc;
}

enum rc vars_fill(const cJSON *value, const cJSON *vars, cJSON **out)
{
    cJSON *copy = NULL;
    enum rc rc = RC_OK;

    if (cJSON_IsString(value)) {
        rc = fill_string(value, vars, &copy);
    } else {
        copy = cJSON_Duplicate(value, false);
        if (!copy)
            return RC_NOMEM;
    }
    for (const cJSON *child = value->child; child && !rc; child = child->next) {
        cJSON *filled = NULL;

        rc = vars_fill(child, vars, &filled);
        if (!rc && !cJSON_AddItemToArray(copy, filled)) { /* an object's members keep their keys */
            cJSON_Delete(filled);
            rc = RC_NOMEM;
        }
    }
    if (rc)
        cJSON_Delete(copy);
    else
        *out = copy;
    return rc;
}
