/* json_write.h - writing JSON objects straight into a buffer, member by member, without a tree.
 *
 * json_key puts the comma where one is needed, by looking at the last byte: call it before each value inside {...}.
 */
#ifndef TWINSIM_JSON_WRITE_H
#define TWINSIM_JSON_WRITE_H

#include "iso_time.h"
#include "json.h"

static inline void json_comma(struct buf *b)
{
    if (b->len && b->at[b->len - 1] != '{' && b->at[b->len - 1] != '[')
        buf_add_char(b, ',');
}

static inline void json_key(struct buf *b, const char *key)
{
    json_comma(b);
    json_print_string(b, str_from(key));
    buf_add_char(b, ':');
}

static inline void json_put_text(struct buf *b, const char *key, struct str value)
{
    json_key(b, key);
    json_print_string(b, value);
}

static inline void json_put_i64(struct buf *b, const char *key, int64_t value)
{
    json_key(b, key);
    buf_add_i64(b, value);
}

static inline void json_put_bool(struct buf *b, const char *key, bool value)
{
    json_key(b, key);
    buf_add(b, value ? STR("true") : STR("false"));
}

/* value is JSON text already. */
static inline void json_put_raw(struct buf *b, const char *key, struct str value)
{
    json_key(b, key);
    buf_add(b, value);
}

static inline void json_put_node(struct buf *b, const char *key, const cJSON *value)
{
    json_key(b, key);
    json_print(b, value);
}

static inline void json_put_time(struct buf *b, const char *key, int64_t at_us)
{
    char text[ISO_TIME_MAX];
    size_t len = iso_time_print(at_us, text);

    json_put_text(b, key, str_of(text, len));
}

#endif
