/* inflight.c - see inflight.h. */
#include "inflight.h"

#include <stdlib.h>
#include <string.h>

void inflight_done(struct inflight *f)
{
    free(f->at);
    memset(f, 0, sizeof *f);
}

/* Room for one more behind the newest. */
static enum rc make_room(struct inflight *f)
{
    struct inflight_entry *grown;
    size_t cap = f->cap ? 2 * f->cap : 8;

    if (f->from + f->len < f->cap)
        return RC_OK;
    if (f->from) {
        memmove(f->at, f->at + f->from, f->len * sizeof *f->at);
        f->from = 0;
        if (f->len < f->cap)
            return RC_OK;
    }
    grown = realloc(f->at, cap * sizeof *f->at);
    if (!grown)
        return RC_NOMEM;
    f->at = grown;
    f->cap = cap;
    return RC_OK;
}

static struct inflight_entry *find(const struct inflight *f, uint16_t id)
{
    for (size_t i = 0; i < f->len; i++) /* clients acknowledge in order: the first fits */
        if (f->at[f->from + i].id == id)
            return &f->at[f->from + i];
    return NULL;
}

enum rc inflight_add(struct inflight *f, uint64_t tag, uint16_t *id)
{
    uint16_t next = f->last_id;
    enum rc rc;

    if (f->len == INFLIGHT_MAX)
        return RC_LIMIT;
    rc = make_room(f);
    if (rc)
        return rc;
    do
        next = next == UINT16_MAX || next < INFLIGHT_FIRST_ID ? INFLIGHT_FIRST_ID : (uint16_t)(next + 1);
    while (find(f, next));
    f->last_id = next;
    f->at[f->from + f->len++] = (struct inflight_entry){tag, next};
    *id = next;
    return RC_OK;
}

bool inflight_take(struct inflight *f, uint16_t id, uint64_t *tag)
{
    struct inflight_entry *entry = id >= INFLIGHT_FIRST_ID ? find(f, id) : NULL;
    struct inflight_entry *oldest;

    if (!entry)
        return false;
    oldest = f->at + f->from;
    *tag = entry->tag;
    memmove(oldest + 1, oldest, (size_t)(entry - oldest) * sizeof *oldest); /* nothing, when in order */
    f->from++;
    f->len--;
    if (f->len == 0)
        f->from = 0;
    return true;
}
