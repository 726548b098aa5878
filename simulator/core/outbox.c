/* outbox.c - see outbox.h. */
#include "outbox.h"

#include <stdlib.h>

const char *ended_name(enum ended e)
{
    switch (e) {
#define ENDED_CASE(name, text)                                                                                         \
    case ENDED_##name:                                                                                                 \
        return text;
        ENDED_LIST(ENDED_CASE)
#undef ENDED_CASE
    }
    return "unknown";
}

void outbox_init(struct outbox *ob)
{
    memset(ob, 0, sizeof *ob);
}

static void out_done(struct out *o)
{
    free(o->topic);
    free(o->body);
    free(o->doc);
    free(o->twin);
    memset(o, 0, sizeof *o);
}

void outbox_clear(struct outbox *ob)
{
    /* After a failure one scratch entry beyond len may own something: see outbox_push. */
    size_t n = ob->rc && ob->cap ? ob->len + 1 : ob->len;

    for (size_t i = 0; i < n && i < ob->cap; i++)
        out_done(&ob->at[i]);
    ob->len = 0;
    ob->rc = RC_OK;
}

void outbox_done(struct outbox *ob)
{
    outbox_clear(ob);
    free(ob->at);
    outbox_init(ob);
}

struct out *outbox_push(struct outbox *ob, enum out_kind kind)
{
    /* One entry is always kept back as the scratch that a failed push lends. */
    static struct out nowhere; /* only when not even the first allocation succeeded; never read */
    struct out *o;

    if (!ob->rc && ob->len + 2 > ob->cap) {
        size_t cap = ob->cap ? ob->cap * 2 : 16;
        struct out *grown = cap <= OUTBOX_MAX ? realloc(ob->at, cap * sizeof *grown) : NULL;

        if (grown) {
            ob->at = grown;
            ob->cap = cap;
        } else {
            ob->rc = cap <= OUTBOX_MAX ? RC_NOMEM : RC_LIMIT;
            if (ob->cap)
                memset(&ob->at[ob->len], 0, sizeof *ob->at);
        }
    }
    if (ob->rc) {
        o = ob->cap ? &ob->at[ob->len] : &nowhere;
        out_done(o);
    } else {
        o = &ob->at[ob->len++];
        memset(o, 0, sizeof *o);
    }
    o->kind = kind;
    return o;
}
