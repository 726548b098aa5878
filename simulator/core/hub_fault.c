/* hub_fault.c - which fault strikes, those that end a connection, and time. See docs/reference/faults.md. */
#include <stdlib.h>

#include "hub_internal.h"

void hub_fault_tell(struct hub *h, const struct fault *f, const struct identity *i, enum fault_operation op,
                    const char *phase, int64_t planned_us, struct now now, struct outbox *out)
{
    struct buf *b = event_begin(h, "fault", i, i ? i->conn : 0, now);

    json_put_i64(b, "id", (int64_t)f->id);
    json_put_text(b, "layer", str_from(fault_type_layer(f->type)));
    json_put_text(b, "type", str_from(fault_type_name(f->type)));
    if (op != FAULT_OPERATIONS)
        json_put_text(b, "operation", str_from(fault_operation_name(op)));
    json_put_text(b, "phase", str_from(phase));
    json_put_i64(b, "planned_us", planned_us);
    json_put_i64(b, "actual_us", now.mono_us);
    if (f->is_sdk)
        json_put_bool(b, "sdk", true);
    if (f->is_mapped)
        json_put_bool(b, "mapped", true);
    event_send(h, out);
}

struct fault *hub_fault_pick(struct hub *h, unsigned types, enum fault_operation op, const struct identity *i,
                             struct str topic, struct now now, struct outbox *out)
{
    for (struct fault *f = h->faults; f; f = f->next) {
        if (!(types & 1u << f->type) || !fault_strikes(f, op, identity_id(i), topic, now.mono_us))
            continue;
        hub_fault_tell(h, f, i, op, "injected", now.mono_us, now, out);
        return f;
    }
    return NULL;
}

enum ended hub_fault_ended(enum fault_type type)
{
    switch (type) {
    case FAULT_TYPE_EXPIRE:
        return ENDED_TOKEN;
    case FAULT_TYPE_TAKEOVER:
        return ENDED_TAKEOVER;
    default:
        return ENDED_FAULT;
    }
}

/* --- those that strike by themselves -------------------------------------------------------------------------- */

static void strike_one(struct hub *h, const struct fault *f, struct identity *i, int64_t planned_us, struct now now,
                       struct outbox *out)
{
    hub_fault_tell(h, f, i, FAULT_OPERATIONS, "injected", planned_us, now, out);
    hub_end_session(h, i, hub_fault_ended(f->type), now, out);
}

/* Whoever is connected and concerned; when nobody is, that is told as well. returns how many */
static size_t strike(struct hub *h, struct fault *f, int64_t planned_us, struct now now, struct outbox *out)
{
    size_t struck = 0;

    fault_struck(f);
    for (struct identity *i = h->oldest; i; i = i->newer)
        if (i->conn && fault_covers(f, identity_id(i))) {
            strike_one(h, f, i, planned_us, now, out);
            struck++;
        }
    if (!struck)
        hub_fault_tell(h, f, f->on_is_exact ? hub_find(h, str_from(f->on)) : NULL, FAULT_OPERATIONS, "injected",
                       planned_us, now, out);
    return struck;
}

/* --- the list ------------------------------------------------------------------------------------------------- */

size_t hub_fault_enter(struct hub *h, struct fault *f, struct now now, struct outbox *out)
{
    struct fault **at = &h->faults;

    while (*at)
        at = &(*at)->next;
    *at = f;
    f->id = ++h->last_fault;
    h->n_faults++;
    return f->operations == 0 && f->at_us <= now.mono_us ? strike(h, f, f->at_us, now, out) : 0;
}

static void unlink_fault(struct hub *h, struct fault *f)
{
    struct fault **at = &h->faults;

    while (*at != f)
        at = &(*at)->next;
    *at = f->next;
    h->n_faults--;
    fault_free(f);
}

void hub_fault_clear(struct hub *h, struct fault *f, struct now now, struct outbox *out)
{
    hub_waiting_of(h, f, now, out);
    unlink_fault(h, f);
}

void hub_fault_sweep(struct hub *h)
{
    for (struct fault *f = h->faults, *next; f; f = next) {
        next = f->next;
        if (f->is_spent && f->waiting == 0)
            unlink_fault(h, f);
    }
}

/* --- time ----------------------------------------------------------------------------------------------------- */

int64_t hub_fault_tick(struct hub *h, struct now now, struct outbox *out)
{
    int64_t next;

    for (struct fault *f = h->faults; f; f = f->next) {
        if (f->operations == 0 && !f->is_spent && f->at_us <= now.mono_us)
            (void)strike(h, f, f->at_us, now, out);
        if (f->until_us <= now.mono_us)
            f->is_spent = true;
    }
    next = hub_waiting_tick(h, now, out);
    hub_fault_sweep(h);
    for (const struct fault *f = h->faults; f; f = f->next) {
        int64_t at = f->operations == 0 ? f->at_us : f->until_us;

        if (!f->is_spent && at < next)
            next = at;
    }
    return next;
}

/* --- the invariant -------------------------------------------------------------------------------------------- */

bool hub_faults_are_valid(const struct hub *h)
{
    size_t n = 0;
    uint64_t id = 0;

    for (const struct fault *f = h->faults; f; f = f->next) {
        if (!fault_is_valid(f) || f->id <= id || f->id > h->last_fault)
            return false;
        id = f->id;
        n++;
    }
    return n == h->n_faults;
}

void hub_faults_free(struct hub *h)
{
    for (struct fault *f = h->faults, *next; f; f = next) {
        next = f->next;
        fault_free(f);
    }
}
