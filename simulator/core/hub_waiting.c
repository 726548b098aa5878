/* hub_waiting.c - what has been decided and leaves later: a fault holds it back, or the tier's throttle does.
 *
 * One list, by due time, that hub_tick empties. What waits for a device belongs to one connection and goes with it; telemetry waits
 * for whoever reads it, and leaves at the latest when its connection ends.
 */
#include <stdlib.h>

#include "hub_internal.h"

static void free_one(struct waiting *w)
{
    out_done(&w->message);
    free(w);
}

bool hub_waiting_has_room(const struct hub *h)
{
    return h->n_waiting < HUB_WAITING_MAX && h->waiting_bytes < HUB_WAITING_BYTES;
}

static size_t bytes_of(const struct waiting *w)
{
    return (w->message.topic ? strlen(w->message.topic) : 0) + w->message.body_len;
}

/* It is out of the list: stop counting it. */
static void uncount(struct hub *h, const struct waiting *w)
{
    if (w->of)
        w->of->waiting--;
    h->n_waiting--;
    h->waiting_bytes -= bytes_of(w);
}

struct waiting *hub_waiting_enter(struct hub *h, struct fault *f, enum fault_operation op, int64_t due_us,
                                  struct out *message, struct outbox *out)
{
    struct waiting *w = calloc(1, sizeof *w), **at = &h->waiting;

    if (!w || !message->topic) {
        free(w);
        out_done(message);
        out->rc = RC_NOMEM;
        return NULL;
    }
    while (*at && (*at)->due_us <= due_us)
        at = &(*at)->next;
    w->next = *at;
    *at = w;
    w->of = f;
    w->operation = op;
    w->due_us = due_us;
    w->message = *message;
    w->message.is_answer = false; /* when that later turn cannot be stored, this one still could */
    if (f)
        f->waiting++;
    h->n_waiting++;
    h->waiting_bytes += bytes_of(w);
    return w;
}

void hub_waiting_release(struct hub *h, struct waiting *w, struct now now, struct outbox *out)
{
    const struct identity *i = hub_find(h, str_from(w->message.to));
    int64_t planned_us = w->due_us < now.mono_us ? w->due_us : now.mono_us;

    uncount(h, w);
    if (w->message.ticket || (i && i->conn == w->message.conn)) {
        if (w->of)
            hub_fault_tell(h, w->of, i, w->operation, "released", planned_us, now, out);
        if (w->operation == FAULT_TELEMETRY) {
            hub_telemetry_late(h, i, w, now, out);
        } else {
            w->message.is_late = !w->of;
            *outbox_push(out, OUT_PUBLISH) = w->message;
            memset(&w->message, 0, sizeof w->message);
        }
    }
    free_one(w);
}

void hub_waiting_end(struct hub *h, const struct identity *i, struct now now, struct outbox *out)
{
    struct waiting **at = &h->waiting;

    while (*at) {
        struct waiting *w = *at;

        if (w->message.conn != i->conn || !str_eq(str_from(w->message.to), identity_id(i))) {
            at = &w->next;
            continue;
        }
        *at = w->next;
        if (w->operation == FAULT_TELEMETRY && out) { /* it was acknowledged */
            hub_waiting_release(h, w, now, out);
        } else {
            uncount(h, w);
            free_one(w);
        }
    }
}

void hub_waiting_take(struct hub *h, size_t at, int64_t due_us, struct outbox *out)
{
    struct out message;

    outbox_take(out, at, &message);
    (void)hub_waiting_enter(h, NULL, FAULT_OPERATIONS, due_us, &message, out);
}

void hub_waiting_answers(struct hub *h, uint64_t ticket, struct now now, struct outbox *out)
{
    struct waiting **at = &h->waiting;

    while (*at) {
        struct waiting *w = *at;

        if (!w->message.ticket || (ticket && w->message.ticket != ticket)) {
            at = &w->next;
            continue;
        }
        *at = w->next;
        if (ticket) {
            uncount(h, w);
            free_one(w);
        } else {
            hub_waiting_release(h, w, now, out);
        }
    }
}

void hub_waiting_telemetry(struct hub *h, struct fault *f, int64_t wait_us, const struct identity *i,
                           const struct request *r, struct outbox *out)
{
    struct out message = {.conn = i->conn};
    struct waiting *w;

    memcpy(message.to, i->id, i->id_len + 1);
    message.topic = str_dup(r->topic);
    message.body = str_dup(r->payload);
    message.body_len = r->payload.len;
    if (!message.body) {
        out_done(&message);
        out->rc = RC_NOMEM;
        return;
    }
    w = hub_waiting_enter(h, f, FAULT_TELEMETRY, r->now.mono_us + wait_us, &message, out);
    if (w)
        w->retain = r->retain;
}

void hub_waiting_of(struct hub *h, const struct fault *f, struct now now, struct outbox *out)
{
    struct waiting **at = &h->waiting;

    while (*at) {
        struct waiting *w = *at;

        if (w->of != f) {
            at = &w->next;
            continue;
        }
        *at = w->next;
        hub_waiting_release(h, w, now, out);
    }
}

int64_t hub_waiting_tick(struct hub *h, struct now now, struct outbox *out)
{
    while (h->waiting && h->waiting->due_us <= now.mono_us) {
        struct waiting *w = h->waiting;

        h->waiting = w->next;
        hub_waiting_release(h, w, now, out);
    }
    return h->waiting ? h->waiting->due_us : INT64_MAX;
}

bool hub_waiting_is_valid(const struct hub *h)
{
    size_t n = 0, bytes = 0, of_faults = 0, owed = 0;
    int64_t due_us = 0;

    for (const struct waiting *w = h->waiting; w; w = w->next) {
        if (w->due_us < due_us || !w->message.topic ||
            !(w->message.ticket || hub_is_live(h, str_from(w->message.to), w->message.conn)))
            return false;
        due_us = w->due_us;
        n++;
        of_faults += w->of != NULL;
        bytes += bytes_of(w);
    }
    for (const struct fault *f = h->faults; f; f = f->next)
        owed += f->waiting;
    return n == h->n_waiting && owed == of_faults && bytes == h->waiting_bytes;
}

void hub_waiting_drop(struct hub *h)
{
    for (struct waiting *w = h->waiting, *next; w; w = next) {
        next = w->next;
        free_one(w);
    }
}
