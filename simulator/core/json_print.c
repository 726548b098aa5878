/* json_print.c - trees as text. */
#include "json_internal.h"
#include "utf8.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* The escape of a byte that may not stand in a string as it is. */
static void print_escape(struct buf *b, unsigned char c)
{
    static const char names[] = "\"\\bfnrt", values[] = "\"\\\b\f\n\r\t";
    static const char hex[] = "0123456789abcdef";
    const char *known = c ? strchr(values, c) : NULL;

    if (known) {
        char esc[2] = {'\\', names[known - values]};
        buf_add(b, str_of(esc, sizeof esc));
    } else {
        char esc[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
        buf_add(b, str_of(esc, sizeof esc));
    }
}

/* How many bytes at the front of s may stand in a string as they are. */
static size_t plain_run(struct str s)
{
    size_t run = 0;

    while (run < s.len) {
        unsigned char c = (unsigned char)s.at[run];
        size_t n;

        if (c < 0x80) {
            if (c < 0x20 || c == '"' || c == '\\')
                return run;
            run++;
        } else {
            n = utf8_char_len(str_skip(s, run));
            if (n == 0)
                return run;
            run += n;
        }
    }
    return run;
}

/* What does not go out as it is, piece by piece. */
static void print_escaped(struct buf *b, struct str s)
{
    while (s.len) {
        size_t run = plain_run(s);

        buf_add(b, str_first(s, run));
        s = str_skip(s, run);
        if (s.len == 0)
            break;
        if (s.at[0] != '\0' && (unsigned char)s.at[0] < 0x80)
            print_escape(b, (unsigned char)s.at[0]);
        else
            buf_add(b, STR("\xEF\xBF\xBD"));
        s = str_skip(s, 1);
    }
}

void json_print_string(struct buf *b, struct str s)
{
    size_t run = plain_run(s);
    char *to = buf_room(b, run + 2); /* nearly always that is all of it */

    if (!to)
        return;
    *to = '"';
    if (run)
        memcpy(to + 1, s.at, run);
    if (run == s.len) {
        to[run + 1] = '"';
        buf_added(b, run + 2);
        return;
    }
    buf_added(b, run + 1);
    print_escaped(b, str_skip(s, run));
    buf_add_char(b, '"');
}

/* A number without a text of its own, as short as reads back the same. */
static void print_double(struct buf *b, double value)
{
    char text[40];

    if (!isfinite(value)) {
        buf_add(b, STR("null"));
        return;
    }
    if (rint(value) == value && fabs(value) < 1e15) {
        buf_add_i64(b, (int64_t)value);
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, sizeof text, "%.*g", digits, value);
        if (digits == 17 || !(strtod(text, NULL) < value || strtod(text, NULL) > value))
            break;
    }
    buf_add(b, str_from(text));
}

/* Start a line for people; nothing when indent is -1, which means: compactly. */
static void print_line(struct buf *b, int indent)
{
    if (indent < 0)
        return;
    buf_add_char(b, '\n');
    for (int i = 0; i < indent; i++)
        buf_add(b, STR("  "));
}

static void print_node(struct buf *b, const cJSON *node, int indent);

static void print_children(struct buf *b, const cJSON *node, int indent)
{
    bool is_object = cJSON_IsObject(node);

    for (const cJSON *child = node->child; child; child = child->next) {
        if (child != node->child)
            buf_add_char(b, ',');
        print_line(b, indent);
        if (is_object) {
            json_print_string(b, str_from(child->string));
            buf_add(b, indent < 0 ? STR(":") : STR(": "));
        }
        print_node(b, child, indent);
    }
}

static void print_container(struct buf *b, const cJSON *node, int indent, char open, char close)
{
    buf_add_char(b, open);
    if (node->child) {
        print_children(b, node, indent < 0 ? indent : indent + 1);
        print_line(b, indent);
    }
    buf_add_char(b, close);
}

static void print_node(struct buf *b, const cJSON *node, int indent)
{
    switch (node ? node->type & 0xFF : cJSON_NULL) {
    case cJSON_Object:
        print_container(b, node, indent, '{', '}');
        break;
    case cJSON_Array:
        print_container(b, node, indent, '[', ']');
        break;
    case cJSON_String:
        json_print_string(b, str_from(node->valuestring));
        break;
    case cJSON_Number:
        if (node->valuestring)
            buf_add(b, str_from(node->valuestring));
        else
            print_double(b, node->valuedouble);
        break;
    case cJSON_Raw:
        buf_add(b, str_from(node->valuestring));
        break;
    case cJSON_True:
        buf_add(b, STR("true"));
        break;
    case cJSON_False:
        buf_add(b, STR("false"));
        break;
    default:
        buf_add(b, STR("null"));
        break;
    }
}

void json_print(struct buf *b, const cJSON *node)
{
    print_node(b, node, -1);
}

void json_print_pretty(struct buf *b, const cJSON *node)
{
    print_node(b, node, 0);
}

bool json_print_members(struct buf *b, const cJSON *object)
{
    print_children(b, object, -1);
    return object->child != NULL;
}
