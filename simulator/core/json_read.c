/* json_read.c - strict RFC 8259 over valid UTF-8, into cJSON nodes. */
#include "json_internal.h"
#include "utf8.h"

#include <assert.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>

struct reader {
    const char *start, *at, *end;
    bool is_from_people; /* then a member given twice is a mistake */
    enum rc rc;          /* the first failure, what and where */
    const char *what;
    const char *where;
};

/* Stop reading. returns NULL, so that a failing reader of nodes can return it. */
static void *stop(struct reader *r, enum rc rc, const char *where, const char *what)
{
    r->rc = rc;
    r->where = where;
    r->what = what;
    return NULL;
}

static void skip_blanks(struct reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\r' || *r->at == '\t'))
        r->at++;
}

static bool next_is(const struct reader *r, char c)
{
    return r->at < r->end && *r->at == c;
}

static bool is_digit(const char *at, const char *end)
{
    return at < end && *at >= '0' && *at <= '9';
}

/* Note where a node begins, or that there was no memory for it. */
static cJSON *begun_at(struct reader *r, cJSON *node, const char *where)
{
    size_t offset = (size_t)(where - r->start);

    if (!node)
        return stop(r, RC_NOMEM, where, "out of memory");
    node->valueint = offset <= INT_MAX ? (int)offset : INT_MAX;
    return node;
}

static cJSON *node_at(struct reader *r, int type, const char *where)
{
    return begun_at(r, json_node(type), where);
}

/* Find the end of a string's bytes (its closing quote), and see that they are no controls and well-formed UTF-8. */
static const char *string_end(struct reader *r, const char *at, bool *has_escapes)
{
    *has_escapes = false;
    while (at < r->end) {
        unsigned char c = (unsigned char)*at;

        if (c == '"')
            return at;
        if (c < 0x20)
            return stop(r, RC_SYNTAX, at, "a control character in a string must be escaped");
        if (c == '\\') {
            *has_escapes = true;
            at++;
            if (at == r->end)
                break;
            if ((unsigned char)*at >= 0x20 && (unsigned char)*at < 0x80)
                at++; /* else the loop refuses it, or decoding does */
        } else if (c < 0x80) {
            at++;
        } else {
            size_t n = utf8_char_len(str_of(at, (size_t)(r->end - at)));

            if (n == 0)
                return stop(r, RC_SYNTAX, at, "not UTF-8");
            at += n;
        }
    }
    return stop(r, RC_SYNTAX, r->end, "the text ends inside a string");
}

/* Four hex digits at `at`, which lie before `end`; or -1. */
static int hex4(const char *at, const char *end)
{
    int value = 0;

    if (end - at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        char c = at[i];
        int digit;

        if (c >= '0' && c <= '9')
            digit = c - '0';
        else if (c >= 'a' && c <= 'f')
            digit = c - 'a' + 10;
        else if (c >= 'A' && c <= 'F')
            digit = c - 'A' + 10;
        else
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

static char *utf8_put(char *to, unsigned c)
{
    if (c < 0x80) {
        *to++ = (char)c;
    } else if (c < 0x800) {
        *to++ = (char)(0xC0 | (c >> 6));
        *to++ = (char)(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        *to++ = (char)(0xE0 | (c >> 12));
        *to++ = (char)(0x80 | ((c >> 6) & 0x3F));
        *to++ = (char)(0x80 | (c & 0x3F));
    } else {
        *to++ = (char)(0xF0 | (c >> 18));
        *to++ = (char)(0x80 | ((c >> 12) & 0x3F));
        *to++ = (char)(0x80 | ((c >> 6) & 0x3F));
        *to++ = (char)(0x80 | (c & 0x3F));
    }
    return to;
}

/* Decode \uXXXX, a pair of them for a character beyond U+FFFF. at: behind the 'u'. returns where to go on, or NULL */
static const char *escape_u(struct reader *r, const char *at, const char *end, char **to)
{
    int high = hex4(at, end), low;
    unsigned c;

    if (high < 0)
        return stop(r, RC_SYNTAX, at, "expected four hex digits");
    if (high == 0)
        return stop(r, RC_SYNTAX, at, "\\u0000 is not supported");
    c = (unsigned)high;
    if (c >= 0xDC00 && c <= 0xDFFF)
        return stop(r, RC_SYNTAX, at, "half of a surrogate pair");
    if (c >= 0xD800 && c <= 0xDBFF) {
        low = end - at >= 6 && at[4] == '\\' && at[5] == 'u' ? hex4(at + 6, end) : -1;
        if (low < 0xDC00 || low > 0xDFFF)
            return stop(r, RC_SYNTAX, at, "half of a surrogate pair");
        c = 0x10000 + ((c - 0xD800) << 10) + ((unsigned)low - 0xDC00);
        at += 6;
    }
    *to = utf8_put(*to, c);
    return at + 4;
}

/* Decode the bytes of a string. to: room for end - at bytes, for no escape grows. returns behind the last, or NULL */
static char *string_decode(struct reader *r, const char *at, const char *end, char *to)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";

    while (at < end) {
        const char *name;

        if (*at != '\\') {
            *to++ = *at++;
            continue;
        }
        at++;
        if (*at == 'u') {
            at = escape_u(r, at + 1, end, &to);
            if (!at)
                return NULL;
            continue;
        }
        name = strchr(names, *at);
        if (!name || !*name)
            return stop(r, RC_SYNTAX, at - 1, "no such escape");
        *to++ = values[name - names];
        at++;
    }
    return to;
}

/* Read a string, from its quote, to memory of cJSON's. */
static char *read_text(struct reader *r)
{
    const char *begin = r->at + 1, *end;
    bool has_escapes;
    char *text, *stop_at;
    size_t len;

    end = string_end(r, begin, &has_escapes);
    if (!end)
        return NULL;
    len = (size_t)(end - begin);
    text = cJSON_malloc(len + 1);
    if (!text)
        return stop(r, RC_NOMEM, r->at, "out of memory");
    if (has_escapes) {
        stop_at = string_decode(r, begin, end, text);
        if (!stop_at) {
            cJSON_free(text);
            return NULL;
        }
        *stop_at = '\0';
    } else {
        memcpy(text, begin, len);
        text[len] = '\0';
    }
    r->at = end + 1;
    return text;
}

static cJSON *read_string(struct reader *r)
{
    cJSON *node = node_at(r, cJSON_String, r->at);

    if (!node)
        return NULL;
    node->valuestring = read_text(r);
    if (!node->valuestring) {
        cJSON_Delete(node);
        return NULL;
    }
    return node;
}

/* The end of the number that begins at r->at, or NULL. */
static const char *number_end(struct reader *r, bool *is_short_integer)
{
    const char *at = r->at, *digits;

    if (*at == '-')
        at++;
    digits = at;
    if (!is_digit(at, r->end))
        return stop(r, RC_SYNTAX, at, "expected a digit");
    if (*at == '0')
        at++;
    else
        while (is_digit(at, r->end))
            at++;
    if (is_digit(at, r->end))
        return stop(r, RC_SYNTAX, at, "a number has no leading zeros");
    *is_short_integer = at - digits <= 15;
    if (at < r->end && *at == '.') {
        *is_short_integer = false;
        at++;
        if (!is_digit(at, r->end))
            return stop(r, RC_SYNTAX, at, "expected a digit");
        while (is_digit(at, r->end))
            at++;
    }
    if (at < r->end && (*at == 'e' || *at == 'E')) {
        *is_short_integer = false;
        at++;
        if (at < r->end && (*at == '+' || *at == '-'))
            at++;
        if (!is_digit(at, r->end))
            return stop(r, RC_SYNTAX, at, "expected a digit");
        while (is_digit(at, r->end))
            at++;
    }
    return at;
}

/* The value of an integer of at most 15 digits, which every double can hold. */
static double short_integer(const char *text)
{
    bool is_negative = *text == '-';
    int64_t value = 0;

    for (text += is_negative; *text; text++)
        value = value * 10 + (*text - '0');
    return is_negative ? -(double)value : (double)value;
}

static cJSON *read_number(struct reader *r)
{
    bool is_short_integer = false;
    const char *end = number_end(r, &is_short_integer);
    size_t len;
    cJSON *node;

    if (!end)
        return NULL;
    len = (size_t)(end - r->at);
    node = begun_at(r, json_node_with_room(cJSON_Number, len), r->at);
    if (!node)
        return NULL;
    memcpy(node->valuestring, r->at, len);
    node->valuestring[len] = '\0';
    /* strtod follows the locale; no program of ours sets one. */
    node->valuedouble = is_short_integer ? short_integer(node->valuestring) : strtod(node->valuestring, NULL);
    if (!isfinite(node->valuedouble)) {
        cJSON_Delete(node);
        return stop(r, RC_LIMIT, r->at, "a number outside the range of a double");
    }
    r->at = end;
    return node;
}

static cJSON *read_word(struct reader *r, struct str word, int type)
{
    cJSON *node;

    if (!str_starts(str_of(r->at, (size_t)(r->end - r->at)), word))
        return stop(r, RC_SYNTAX, r->at, "expected a value");
    node = node_at(r, type, r->at);
    if (node)
        r->at += word.len;
    return node;
}

static cJSON *read_value(struct reader *r, unsigned depth);

/* Add a child to a node whose last child is known, without asking cJSON for every one. */
static void append(cJSON *parent, cJSON *child)
{
    if (parent->child) {
        child->prev = parent->child->prev;
        child->prev->next = child;
    } else {
        parent->child = child;
    }
    parent->child->prev = child; /* cJSON's lists: the first knows the last */
}

/* Where the key of a member stands whose value begins there. Between the two are a colon and blanks. */
static const char *key_begin(const char *value)
{
    const char *at = value - 1;
    bool is_escaped = true;

    while (*at != '"')
        at--;
    while (is_escaped) {
        is_escaped = false;
        for (at--; *at != '"';)
            at--;
        for (const char *before = at - 1; *before == '\\'; before--)
            is_escaped = !is_escaped;
    }
    return at;
}

/* The second of two members would silently win. returns whether every member is the only one of its name */
static bool check_names(struct reader *r, const cJSON *object)
{
    struct json_index *ix = json_index_if_wide(object);
    const cJSON *member = object->child;

    while (member && json_lookup(ix, object, member->string) == member)
        member = member->next;
    json_index_free(ix);
    if (member)
        stop(r, RC_SYNTAX, key_begin(r->start + json_offset(member)), "this member is given twice");
    return !member;
}

/* One "key": value of an object. */
static bool read_member(struct reader *r, cJSON *object, unsigned depth)
{
    cJSON *value;
    char *key;

    if (!next_is(r, '"')) {
        stop(r, RC_SYNTAX, r->at, "expected a key in quotes");
        return false;
    }
    key = read_text(r);
    if (!key)
        return false;
    skip_blanks(r);
    if (!next_is(r, ':')) {
        cJSON_free(key);
        stop(r, RC_SYNTAX, r->at, "expected ':'");
        return false;
    }
    r->at++;
    value = read_value(r, depth);
    if (!value) {
        cJSON_free(key);
        return false;
    }
    value->string = key;
    append(object, value);
    return true;
}

static bool read_element(struct reader *r, cJSON *array, unsigned depth)
{
    cJSON *value = read_value(r, depth);

    if (!value)
        return false;
    append(array, value);
    return true;
}

/* An object or an array, from its opening to its closing bracket. depth: how many surround it. */
static cJSON *read_container(struct reader *r, unsigned depth)
{
    bool is_object = *r->at == '{';
    char close = is_object ? '}' : ']';
    cJSON *node;

    if (depth >= JSON_DEPTH_MAX)
        return stop(r, RC_LIMIT, r->at, "nested too deeply");
    node = node_at(r, is_object ? cJSON_Object : cJSON_Array, r->at);
    if (!node)
        return NULL;
    r->at++;
    skip_blanks(r);
    if (next_is(r, close)) {
        r->at++;
        return node;
    }
    while (is_object ? read_member(r, node, depth + 1) : read_element(r, node, depth + 1)) {
        skip_blanks(r);
        if (next_is(r, ',')) {
            r->at++;
            skip_blanks(r);
            continue;
        }
        if (!next_is(r, close)) {
            stop(r, RC_SYNTAX, r->at, is_object ? "expected ',' or '}'" : "expected ',' or ']'");
            break;
        }
        r->at++;
        if (is_object && r->is_from_people && !check_names(r, node))
            break;
        if (!is_object || json_drop_duplicates(node) == RC_OK)
            return node;
        stop(r, RC_NOMEM, r->at, "out of memory");
        break;
    }
    cJSON_Delete(node);
    return NULL;
}

static cJSON *read_value(struct reader *r, unsigned depth)
{
    skip_blanks(r);
    if (r->at == r->end)
        return stop(r, RC_SYNTAX, r->at, "the text ends where a value was expected");
    switch (*r->at) {
    case '{':
    case '[':
        return read_container(r, depth);
    case '"':
        return read_string(r);
    case 't':
        return read_word(r, STR("true"), cJSON_True);
    case 'f':
        return read_word(r, STR("false"), cJSON_False);
    case 'n':
        return read_word(r, STR("null"), cJSON_NULL);
    default:
        if (*r->at == '-' || is_digit(r->at, r->end))
            return read_number(r);
        return stop(r, RC_SYNTAX, r->at, "expected a value");
    }
}

enum rc json_read_text(struct str text, bool is_from_people, cJSON **out, struct json_error *err)
{
    const char *start = text.len ? text.at : "";
    struct reader r = {.start = start, .at = start, .end = start + text.len, .is_from_people = is_from_people};
    cJSON *tree = read_value(&r, 0);

    if (tree) {
        skip_blanks(&r);
        if (r.at == r.end) {
            *out = tree;
            return RC_OK;
        }
        cJSON_Delete(tree);
        stop(&r, RC_SYNTAX, r.at, "expected nothing more");
    }
    assert(r.rc && r.what);
    if (err)
        *err = (struct json_error){(size_t)(r.where - r.start), r.what};
    return r.rc;
}

enum rc json_read(struct str text, cJSON **out, struct json_error *err)
{
    return json_read_text(text, false, out, err);
}
