/* hub_fault_message.c - faults that change, lose, repeat or hold back what the hub sends. See docs/reference/faults.md.
 *
 * A message has just been pushed to the outbox. First it is changed (rid, version, malform), then repeated, then perhaps taken out
 * again: for good (lose), or to wait (delay, hold, reorder; hub_waiting.c).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "hub_internal.h"

#define CHANGES (FAULT_BIT(RID) | FAULT_BIT(VERSION) | FAULT_BIT(MALFORM))
#define REMOVES (FAULT_BIT(LOSE) | FAULT_BIT(DELAY) | FAULT_BIT(HOLD) | FAULT_BIT(REORDER))

#define NOT_JSON    "<html><body>502 Bad Gateway</body></html>"
#define WRONG_RID   "2147483647" /* nobody's, as a number too: some clients compare numbers */
#define RID_MARK    "$rid="
#define VERSION_KEY "$version="

/* --- changes -------------------------------------------------------------------------------------------------- */

/* Put a text in the place of what stands behind `mark` in the topic, up to the next '&'; NULL takes mark and all away. */
static void change_topic(struct out *o, const char *mark, const char *text, struct outbox *out)
{
    const char *at = strstr(o->topic, mark), *end;
    struct buf b;
    char *topic;

    if (!at)
        return;
    end = at + strlen(mark);
    end += strcspn(end, "&"); /* an id with a '&' in it cannot come in */
    buf_init(&b, 0);
    buf_add(&b, str_of(o->topic, (size_t)(at - o->topic)));
    if (text) {
        buf_add(&b, str_from(mark));
        buf_add(&b, str_from(text));
    } else if (*end == '&') {
        end++;
    }
    buf_add(&b, str_from(end));
    topic = buf_take(&b, NULL);
    if (!topic) {
        out->rc = RC_NOMEM;
        return;
    }
    free(o->topic);
    o->topic = topic;
}

/* Takes the text over. */
static void set_body(struct out *o, char *text, size_t len, struct outbox *out)
{
    if (!text) {
        out->rc = RC_NOMEM;
        return;
    }
    free(o->body);
    o->body = text;
    o->body_len = len;
}

static void set_body_tree(struct out *o, const cJSON *tree, struct outbox *out)
{
    struct buf b;
    size_t len = 0;
    char *text;

    buf_init(&b, 0);
    json_print(&b, tree);
    text = buf_take(&b, &len);
    set_body(o, text, len, out);
}

static int64_t shifted(int64_t version, int64_t by)
{
    return version + by < 0 ? 0 : version + by;
}

/* The number on the wire, wherever it stands: the topic of an answer or a notification, the body of what holds desired properties. */
static void change_version(struct out *o, enum fault_operation op, int64_t by, cJSON *tree, struct outbox *out)
{
    const char *at = strstr(o->topic, VERSION_KEY);
    cJSON *desired = op == FAULT_TWIN_GET ? json_get(tree, "desired") : tree;
    uint64_t told;
    int64_t version;
    char text[24];

    if (at && str_to_u64(str_from(at + strlen(VERSION_KEY)), INT64_MAX, &told) == RC_OK) {
        (void)snprintf(text, sizeof text, "%" PRId64, shifted((int64_t)told, by));
        change_topic(o, VERSION_KEY, text, out);
    }
    if (!cJSON_IsObject(desired) || json_get_i64(desired, "$version", &version))
        return;
    if (json_set(desired, "$version", json_i64(shifted(version, by))))
        out->rc = RC_NOMEM;
    else
        set_body_tree(o, tree, out);
}

/* Every member twice: first null, then what it is. */
static void double_members(struct out *o, const cJSON *tree, struct outbox *out)
{
    struct buf b;
    size_t len = 0;
    char *text;

    buf_init(&b, 0);
    buf_add_char(&b, '{');
    for (const cJSON *m = tree->child; m; m = m->next)
        json_put_raw(&b, m->string, STR("null"));
    for (const cJSON *m = tree->child; m; m = m->next)
        json_put_node(&b, m->string, m);
    buf_add_char(&b, '}');
    text = buf_take(&b, &len);
    set_body(o, text, len, out);
}

/* What the service sees and a device never should. */
static void leak_metadata(struct out *o, const struct twin *t, cJSON *tree, enum fault_operation op, struct outbox *out)
{
    cJSON *desired = op == FAULT_TWIN_GET ? json_get(tree, "desired") : tree;
    cJSON *reported = op == FAULT_TWIN_GET ? json_get(tree, "reported") : NULL;

    if (!t || !cJSON_IsObject(desired))
        return; /* a body of somebody's own */
    if (json_set(desired, "$metadata", cJSON_Duplicate(t->desired_metadata, true)) ||
        (cJSON_IsObject(reported) && json_set(reported, "$metadata", cJSON_Duplicate(t->reported_metadata, true))))
        out->rc = RC_NOMEM;
    else
        set_body_tree(o, tree, out);
}

static void malform(struct out *o, const struct fault *f, const struct twin *t, enum fault_operation op, cJSON *tree,
                    struct outbox *out)
{
    struct buf b;
    size_t len = 0;
    char *text;

    switch (f->how) {
    case FAULT_TRUNCATED: /* inside the document, whatever its length */
        o->body_len = o->body_len > 1 ? o->body_len / 2 : o->body_len;
        o->body[o->body_len] = '\0';
        break;
    case FAULT_ARRAY:
        buf_init(&b, 0);
        buf_add_char(&b, '[');
        buf_add(&b, str_of(o->body, o->body_len));
        buf_add_char(&b, ']');
        text = buf_take(&b, &len);
        set_body(o, text, len, out);
        break;
    case FAULT_EMPTY:
        o->body_len = 0;
        break;
    case FAULT_DUPLICATE_MEMBER:
        double_members(o, tree, out);
        break;
    case FAULT_METADATA:
        leak_metadata(o, t, tree, op, out);
        break;
    default:
        set_body(o, str_dup(STR(NOT_JSON)), sizeof NOT_JSON - 1, out);
    }
}

static void change(struct out *o, const struct fault *f, const struct identity *i, enum fault_operation op,
                   struct outbox *out)
{
    cJSON *tree = NULL;

    if (f->type == FAULT_TYPE_RID) {
        change_topic(o, RID_MARK, f->how == FAULT_WRONG ? WRONG_RID : NULL, out);
        return;
    }
    if (o->body_len && json_read(str_of(o->body, o->body_len), &tree, NULL) == RC_NOMEM)
        out->rc = RC_NOMEM;      /* what another fault spoiled already is no JSON: fine */
    if (!cJSON_IsObject(tree)) { /* nor is it the document any more */
        cJSON_Delete(tree);
        tree = NULL;
    }
    if (f->type == FAULT_TYPE_VERSION)
        change_version(o, op, f->by, tree, out);
    else if (o->body_len && (tree || (f->how != FAULT_DUPLICATE_MEMBER && f->how != FAULT_METADATA)))
        malform(o, f, i->twin, op, tree, out);
    cJSON_Delete(tree);
}

/* --- copies, and what is taken out ---------------------------------------------------------------------------- */

static bool copy_out(const struct out *from, struct out *to)
{
    *to = (struct out){.kind = OUT_PUBLISH, .conn = from->conn, .qos = from->qos, .body_len = from->body_len};
    memcpy(to->to, from->to, sizeof to->to);
    to->topic = str_dup(str_from(from->topic));
    to->body = from->body ? str_dup(str_of(from->body, from->body_len)) : NULL;
    if (to->topic && (to->body || !from->body))
        return true;
    out_done(to);
    return false;
}

static void duplicate(struct hub *h, struct fault *f, enum fault_operation op, size_t at, struct now now,
                      struct outbox *out)
{
    for (int n = 0; n < f->copies && hub_waiting_has_room(h) && !out->rc; n++) {
        struct out copy;

        if (!copy_out(&out->at[at], &copy))
            out->rc = RC_NOMEM;
        else if (f->delay_us)
            (void)hub_waiting_enter(h, f, op, now.mono_us + f->delay_us, &copy, out);
        else
            *outbox_push(out, OUT_PUBLISH) = copy;
    }
}

/* Does one of that identity and operation wait to be overtaken? */
static struct waiting **find_reordered(struct hub *h, const struct identity *i, enum fault_operation op)
{
    struct waiting **at = &h->waiting;

    while (*at && !((*at)->of && (*at)->of->type == FAULT_TYPE_REORDER && (*at)->operation == op &&
                    (*at)->message.conn == i->conn && str_eq(str_from((*at)->message.to), identity_id(i))))
        at = &(*at)->next;
    return *at ? at : NULL;
}

static int64_t due_of(const struct fault *f, struct now now)
{
    switch (f->type) {
    case FAULT_TYPE_DELAY:
        return now.mono_us + f->delay_us;
    case FAULT_TYPE_REORDER:
        return now.mono_us + HUB_REORDER_US;
    default:
        return f->until_us; /* hold */
    }
}

static void take_out(struct hub *h, struct fault *f, enum fault_operation op, size_t at, struct now now,
                     struct outbox *out)
{
    struct out message;

    outbox_take(out, at, &message);
    if (f->type == FAULT_TYPE_LOSE)
        out_done(&message);
    else
        (void)hub_waiting_enter(h, f, op, due_of(f, now), &message, out);
}

void hub_fault_message(struct hub *h, const struct identity *i, enum fault_operation op, struct str topic,
                       struct now now, struct outbox *out)
{
    size_t at = out->len - 1;
    unsigned removes = REMOVES;
    struct waiting **reordered;
    struct fault *f;

    if (!h->faults || out->rc)
        return;
    for (f = h->faults; f && !out->rc; f = f->next)
        if (CHANGES & 1u << f->type && fault_strikes(f, op, identity_id(i), topic, now.mono_us)) {
            hub_fault_tell(h, f, i, op, "injected", now.mono_us, now, out);
            if (!out->rc)
                change(&out->at[at], f, i, op, out);
        }
    if (out->rc)
        return;
    f = hub_fault_pick(h, FAULT_BIT(DUPLICATE), op, i, topic, now, out);
    if (f && !out->rc)
        duplicate(h, f, op, at, now, out);
    reordered = find_reordered(h, i, op);
    if (reordered)
        removes &= ~FAULT_BIT(REORDER); /* this is the one that overtakes */
    if (!hub_waiting_has_room(h))
        removes = FAULT_BIT(LOSE);
    f = hub_fault_pick(h, removes, op, i, topic, now, out);
    if (f && !out->rc) {
        take_out(h, f, op, at, now, out);
    } else if (reordered && !f && !out->rc) {
        struct waiting *w = *reordered;

        *reordered = w->next;
        hub_waiting_release(h, w, now, out);
    }
}
