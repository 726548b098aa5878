/* hub_fault_command.c - the commands fault.add, fault.list, fault.clear. See docs/reference/control.md. */
#include "hub_internal.h"

void fault_add(struct hub *h, struct request *r, struct reply *reply, struct outbox *out)
{
    struct fault *f = NULL;
    struct refusal why;
    bool by_itself;
    size_t struck;
    enum rc rc;

    if (r->target.device.len && !command_target(h, r, reply))
        return;
    if (h->n_faults >= HUB_FAULTS_MAX) {
        reply_refuse(reply, 403, 403004, "the hub has %u faults already; fault.clear forgets them", HUB_FAULTS_MAX);
        return;
    }
    rc = fault_read(r->command, r->now.mono_us, &f, &why);
    if (rc) {
        reply_unread(reply, rc, &why, out);
        return;
    }
    by_itself = f->operations == 0 && f->at_us <= r->now.mono_us;
    struck = hub_fault_enter(h, f, r->now, out);
    buf_add_char(&reply->body, '{');
    json_put_i64(&reply->body, "id", (int64_t)f->id);
    if (by_itself)
        json_put_bool(&reply->body, "closed", struck > 0);
    buf_add_char(&reply->body, '}');
}

void fault_list(struct hub *h, struct request *r, struct reply *reply, struct outbox *out)
{
    struct buf *b = &reply->body;

    (void)r;
    (void)out;
    buf_add(b, STR("{\"items\":["));
    for (const struct fault *f = h->faults; f; f = f->next)
        fault_print(b, f);
    buf_add(b, STR("]}"));
}

void fault_clear(struct hub *h, struct request *r, struct reply *reply, struct outbox *out)
{
    bool has_id = json_get(r->command, "id") != NULL;
    int64_t id = 0, cleared = 0;

    if (has_id && (json_get_i64(r->command, "id", &id) || id < 1)) {
        reply_refuse(reply, 400, 400004, "'id' is a fault's number");
        return;
    }
    for (struct fault *f = h->faults, *next; f; f = next) {
        next = f->next;
        if (has_id && f->id != (uint64_t)id)
            continue;
        hub_fault_clear(h, f, r->now, out);
        cleared++;
    }
    if (has_id && !cleared && id > (int64_t)h->last_fault) {
        reply_refuse(reply, 404, 404001, "there never was a fault %lld", (long long)id);
        return;
    }
    buf_add_char(&reply->body, '{');
    json_put_i64(&reply->body, "cleared", cleared);
    buf_add_char(&reply->body, '}');
}
