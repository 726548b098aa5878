/* hub_clock.c - the hub's own time: the world's, moved or standing still. Tokens end by it; faults, TLS and clients know nothing of it. */
#include "hub_internal.h"

#define YEAR_1971_US INT64_C(31536000000000)
#define YEAR_9999_US INT64_C(253370764800000000) /* the hub's texts end with that year */

struct now hub_now(const struct hub *h, struct now world)
{
    world.us = h->clock.is_frozen ? h->clock.frozen_us : world.us + h->clock.offset_us;
    return world;
}

void hub_end_expired(struct hub *h, struct now now, struct outbox *out)
{
    int64_t next = INT64_MAX;

    if (now.us < h->next_token_us)
        return;
    for (struct identity *i = h->oldest; i; i = i->newer) {
        if (!i->conn)
            continue;
        if (i->token_ends_us <= now.us)
            hub_end_session(h, i, ENDED_TOKEN, now, out);
        else if (i->token_ends_us < next)
            next = i->token_ends_us;
    }
    h->next_token_us = next;
}

int64_t hub_mono_of(const struct hub *h, int64_t at_us, struct now now)
{
    if (at_us <= now.us)
        return now.mono_us;
    if (at_us == INT64_MAX || h->clock.is_frozen || at_us - now.us >= INT64_MAX - now.mono_us)
        return INT64_MAX;
    return now.mono_us + (at_us - now.us);
}

/* How far it is from the world's now: while it stands still the world goes on. */
static int64_t offset(const struct hub *h, struct now now)
{
    return h->clock.offset_us - (h->clock.is_frozen ? now.mono_us - h->clock.frozen_mono_us : 0);
}

static void print_clock(const struct hub *h, struct now now, struct buf *b)
{
    buf_add_char(b, '{');
    json_put_time(b, "time", now.us);
    json_key(b, "offsetSeconds");
    buf_addf(b, "%.3f", (double)offset(h, now) / 1e6);
    json_put_bool(b, "frozen", h->clock.is_frozen);
    buf_add_char(b, '}');
}

static void tell(struct hub *h, struct now now, struct reply *reply, struct outbox *out)
{
    struct buf *b = event_begin(h, "clock", NULL, 0, now);

    json_put_i64(b, "offset_us", offset(h, now));
    json_put_bool(b, "frozen", h->clock.is_frozen);
    event_send(h, out);
    print_clock(h, now, &reply->body);
}

void clock_show(struct hub *h, struct request *r, struct reply *reply, struct outbox *out)
{
    (void)out;
    print_clock(h, r->now, &reply->body);
}

void clock_advance(struct hub *h, struct request *r, struct reply *reply, struct outbox *out)
{
    const char *text = json_get_text(r->command, "by");
    struct str by = str_from(text);
    bool is_back = str_starts(by, STR("-"));
    int64_t us;

    if (is_back || str_starts(by, STR("+")))
        by = str_skip(by, 1);
    if (!text || duration_read(by, &us)) {
        reply_refuse(reply, 400, 400004, "'by' is a duration: \"1h\", \"PT90S\", or \"-2h\" to go back");
        return;
    }
    us = is_back ? -us : us;
    if (r->now.us + us < YEAR_1971_US || r->now.us + us > YEAR_9999_US) {
        reply_refuse(reply, 400, 400004, "the hub's clock stays between the years 1971 and 9999");
        return;
    }
    h->clock.offset_us += us;
    h->clock.frozen_us += us;
    r->now.us += us;
    tell(h, r->now, reply, out);
    hub_end_expired(h, r->now, out);
}

void clock_freeze(struct hub *h, struct request *r, struct reply *reply, struct outbox *out)
{
    if (!h->clock.is_frozen) {
        h->clock.is_frozen = true;
        h->clock.frozen_us = r->now.us;
        h->clock.frozen_mono_us = r->now.mono_us;
    }
    tell(h, r->now, reply, out);
}

void clock_resume(struct hub *h, struct request *r, struct reply *reply, struct outbox *out)
{
    h->clock.offset_us = offset(h, r->now);
    h->clock.is_frozen = false;
    tell(h, r->now, reply, out);
}
