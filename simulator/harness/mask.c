/* mask.c - see mask.h. */
#include "mask.h"

#include "base64.h"

#define SECRET_MIN 8u

void masks_init(struct masks *m)
{
    m->secrets = NULL;
}

void masks_done(struct masks *m)
{
    cJSON_Delete(m->secrets);
    m->secrets = NULL;
}

enum rc masks_add(struct masks *m, const char *secret)
{
    const cJSON *old;
    cJSON *node;

    if (!secret || strlen(secret) < SECRET_MIN)
        return RC_OK;
    if (!m->secrets)
        m->secrets = cJSON_CreateArray();
    if (!m->secrets)
        return RC_NOMEM;
    cJSON_ArrayForEach(old, m->secrets)
    {
        if (strcmp(old->valuestring, secret) == 0)
            return RC_OK;
    }
    node = cJSON_CreateString(secret);
    if (!node || !cJSON_AddItemToArray(m->secrets, node)) {
        cJSON_Delete(node);
        return RC_NOMEM;
    }
    return RC_OK;
}

/* Names whose values are secrets, and what ends a value. */
static const struct {
    struct str name;
    const char *ends;
} named[] = {
    {{"SharedAccessKey=", 16}, "; \t\r\n\"'\\"},
    {{"sig=", 4}, "& ;\t\r\n\"'\\"},
};

/* How many bytes at the beginning of text are secret; *kept are shown of them. 0: none. */
static size_t secret_at(const struct masks *m, struct str text, size_t *kept)
{
    const cJSON *secret;

    *kept = 0;
    cJSON_ArrayForEach(secret, m->secrets)
    {
        if (str_starts(text, str_from(secret->valuestring)))
            return strlen(secret->valuestring);
    }
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++) {
        size_t n = named[i].name.len;

        if (!str_starts(text, named[i].name))
            continue;
        *kept = n;
        while (n < text.len && text.at[n] && !strchr(named[i].ends, text.at[n]))
            n++;
        return n > *kept ? n : 0;
    }
    return 0;
}

void mask_text(const struct masks *m, struct buf *out, struct str text)
{
    size_t from = 0;

    for (size_t i = 0; i < text.len;) {
        size_t kept, n = secret_at(m, str_skip(text, i), &kept);

        if (n == 0) {
            i++;
            continue;
        }
        buf_add(out, str_of(text.at + from, i + kept - from));
        buf_add(out, STR("***"));
        i += n;
        from = i;
    }
    buf_add(out, str_skip(text, from));
}

/* Append base64 with the bytes behind it masked; unchanged when there is nothing to mask. */
static void mask_base64(const struct masks *m, struct buf *out, struct str text)
{
    struct buf bytes, masked;

    buf_init(&bytes, 0);
    buf_init(&masked, 0);
    base64_decode(&bytes, text);
    mask_text(m, &masked, buf_view(&bytes));
    if (!buf_ok(&bytes) || !buf_ok(&masked))
        out->rc = RC_NOMEM;
    else if (str_eq(buf_view(&bytes), buf_view(&masked)))
        buf_add(out, text);
    else
        base64_encode(out, buf_view(&masked));
    buf_done(&bytes);
    buf_done(&masked);
}

/* Mask a text that cJSON allocated. */
static enum rc mask_in_place(const struct masks *m, char **at, bool is_base64)
{
    struct str given = str_from(*at);
    struct buf masked;
    char *text;

    buf_init(&masked, 0);
    if (is_base64 && base64_is_valid(given))
        mask_base64(m, &masked, given);
    else
        mask_text(m, &masked, given);
    if (!buf_ok(&masked)) {
        buf_done(&masked);
        return RC_NOMEM;
    }
    if (!str_eq(buf_view(&masked), given)) {
        text = cJSON_malloc(masked.len + 1);
        if (!text) {
            buf_done(&masked);
            return RC_NOMEM;
        }
        memcpy(text, masked.at, masked.len + 1);
        cJSON_free(*at);
        *at = text;
    }
    buf_done(&masked);
    return RC_OK;
}

enum rc mask_json(const struct masks *m, cJSON *tree)
{
    bool is_base64 = tree->string && strcmp(tree->string, "bodyBase64") == 0;
    enum rc rc = cJSON_IsString(tree) ? mask_in_place(m, &tree->valuestring, is_base64) : RC_OK;

    if (!rc && tree->string && !(tree->type & cJSON_StringIsConst))
        rc = mask_in_place(m, &tree->string, false);
    for (cJSON *child = tree->child; child && !rc; child = child->next)
        rc = mask_json(m, child);
    return rc;
}
