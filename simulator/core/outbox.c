/* outbox.c - see outbox.h. */
#include "outbox.h"

#include <assert.h>
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

bool out_lasts(const struct out *o)
{
    switch (o->kind) {
    case OUT_STORE:
    case OUT_SUBSCRIBED:
    case OUT_MESSAGE:
    case OUT_MESSAGE_GONE:
    case OUT_FEEDBACK:
    case OUT_FEEDBACK_GONE:
        return true;
    case OUT_PUBLISH:
    case OUT_HELLO:
    case OUT_EVENT:
    case OUT_CLOSE:
        break;
    }
    return false;
}

void outbox_init(struct outbox *ob)
{
    memset(ob, 0, sizeof *ob);
}

void out_done(struct out *o)
{
    free(o->topic);
    free(o->body);
    free(o->doc);
    free(o->twin);
    memset(o, 0, sizeof *o);
}

void outbox_clear(struct outbox *ob)
{
    for (size_t i = 0; i < ob->len; i++)
        out_done(&ob->at[i]);
    out_done(&ob->scratch);
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
    struct out *o;

    if (!ob->rc && ob->len == ob->cap) {
        size_t cap = ob->cap ? ob->cap * 2 : 16;
        struct out *grown = cap <= OUTBOX_MAX ? realloc(ob->at, cap * sizeof *grown) : NULL;

        if (grown) {
            ob->at = grown;
            ob->cap = cap;
        } else {
            ob->rc = cap <= OUTBOX_MAX ? RC_NOMEM : RC_LIMIT;
        }
    }
    if (ob->rc) {
        o = &ob->scratch;
        out_done(o);
    } else {
        o = &ob->at[ob->len++];
        memset(o, 0, sizeof *o);
    }
    o->kind = kind;
    return o;
}

void outbox_take(struct outbox *ob, size_t at, struct out *into)
{
    assert(at < ob->len);
    *into = ob->at[at];
    ob->len--;
    memmove(&ob->at[at], &ob->at[at + 1], (ob->len - at) * sizeof *ob->at);
}
