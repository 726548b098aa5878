/* effects.c - the end of a turn: commit, then what was decided leaves, in order. */
#include "plugin.h"

#include <inttypes.h>
#include <limits.h>
#include <mosquitto.h>
#include <stdlib.h>

/* to NULL: to all. Takes the body over in any case. */
static void publish(const char *to, const char *topic, char *body, size_t len, int qos)
{
    int rc;

    if (len == 0) {
        free(body);
        body = NULL;
    }
    /* The broker takes the body over on success only, and frees it with free (facts B-30). */
    rc = len > INT_MAX ? MOSQ_ERR_PAYLOAD_SIZE : mosquitto_broker_publish(to, topic, (int)len, body, qos, false, NULL);
    if (rc) {
        free(body);
        mosquitto_log_printf(MOSQ_LOG_ERR, "twinsim: the broker does not publish %zu bytes on %s (code %d)", len, topic,
                             rc);
    }
}

void publish_to(const struct connection *c, const char *topic, struct out *o)
{
    struct buf marked;

    if (!c->conn.has_gateway) {
        publish(c->conn.id, topic, o->body, o->body_len, o->qos);
    } else {
        /* The gateway does the rest: so nothing is ever in flight in the broker, which would send it again by rules of its own. */
        buf_init(&marked, 0);
        front_door_mark(&marked, o->qos, o->is_dup, o->tag, str_from(topic));
        if (buf_ok(&marked)) {
            publish(c->conn.id, marked.at, o->body, o->body_len, 0);
        } else {
            free(o->body);
            mosquitto_log_printf(MOSQ_LOG_ERR, "twinsim: out of memory; %s misses a message", c->conn.id);
        }
        buf_done(&marked);
    }
    o->body = NULL;
}

/* --- ending connections --------------------------------------------------------------------------------------- */

void kick_later(struct plugin *pl, const char *id, uint64_t conn, enum ended why)
{
    struct kick *k;

    if (pl->n_kicks == pl->cap_kicks) {
        size_t cap = pl->cap_kicks ? pl->cap_kicks * 2 : 16;

        k = realloc(pl->kicks, cap * sizeof *k);
        if (!k) { /* the connection is dead to the hub: whatever it sends next closes it */
            mosquitto_log_printf(MOSQ_LOG_ERR, "twinsim: out of memory; %s is closed when it next sends something", id);
            return;
        }
        pl->kicks = k;
        pl->cap_kicks = cap;
    }
    k = &pl->kicks[pl->n_kicks++];
    (void)memcpy(k->id, id, strlen(id) + 1);
    k->conn = conn;
    k->why = why;
    k->due = pl->turn + 1;
}

void kick_due(struct plugin *pl)
{
    size_t kept = 0;

    /* A kick runs callbacks of ours before it returns; those may add kicks, never take any away. */
    for (size_t i = 0; i < pl->n_kicks; i++) {
        struct kick k = pl->kicks[i];
        struct connection *c;

        if (k.due > pl->turn) {
            pl->kicks[kept++] = k;
            continue;
        }
        c = connections_open(&pl->connections, str_from(k.id));
        if (!c || c->conn.no != k.conn)
            continue; /* gone already, or taken over: the id is another connection's now */
        c->ended = k.why;
        pl->is_busy = true;
        pl->is_kicking = true;
        (void)mosquitto_kick_client_by_clientid(k.id, true); /* not found: it has gone */
        pl->is_kicking = false;
    }
    pl->n_kicks = kept;
}

/* --- a committed turn ----------------------------------------------------------------------------------------- */

/* To a device: only while it is online, and never more than the broker can queue, since what it drops it leaks (facts B-04). */
static void publish_to_device(struct plugin *pl, struct out *o)
{
    struct connection *c = connections_open(&pl->connections, str_from(o->to));

    if (!c || c->conn.no != o->conn || !hub_is_live(pl->hub, str_from(o->to), o->conn))
        return;
    if (c->queued_turn != pl->turn) {
        c->queued_turn = pl->turn;
        c->queued = 0;
    }
    if (++c->queued > SLOW_READER_MAX) {
        if (c->queued == SLOW_READER_MAX + 1) {
            mosquitto_log_printf(MOSQ_LOG_WARNING, "twinsim: %s is sent more than %u messages at once; it is closed",
                                 o->to, SLOW_READER_MAX);
            kick_later(pl, o->to, o->conn, ENDED_ERROR);
        }
        return;
    }
    publish_to(c, o->topic, o);
}

static void publish_hello(struct plugin *pl, const struct out *o)
{
    const struct connection *c = connections_open(&pl->connections, str_from(o->to));
    struct buf body;
    size_t len = 0;
    char *text;

    if (!c || c->conn.no != o->conn)
        return;
    buf_init(&body, 0);
    buf_addf(&body, "{\"sessionPresent\":%d,\"maxPacket\":%d}", o->session_present,
             c->conn.is_service ? FRONT_DOOR_SERVICE_PACKET_MAX : FRONT_DOOR_PACKET_MAX);
    text = buf_take(&body, &len);
    if (text)
        publish(o->to, FRONT_DOOR_HELLO, text, len, 0);
    else
        kick_later(pl, o->to, o->conn, ENDED_ERROR); /* its CONNACK would never come */
}

static void let_out(struct plugin *pl, struct out *o)
{
    switch (o->kind) {
    case OUT_PUBLISH:
        if (!o->ticket) /* the answer to a command leaves with its message (control_turn_end) */
            publish_to_device(pl, o);
        break;
    case OUT_EVENT:
        publish(NULL, o->topic, o->body, o->body_len, 0);
        o->body = NULL;
        break;
    case OUT_HELLO:
        publish_hello(pl, o);
        break;
    case OUT_CLOSE:
        kick_later(pl, o->to, o->conn, o->ended);
        break;
    default: /* the store's */
        break;
    }
}

/* --- a failed turn -------------------------------------------------------------------------------------------- */

/* "$iothub/twin/res/204/?$rid=7&$version=3": the request id in it. */
static struct str rid_of(struct str topic)
{
    static const char mark[] = "/?$rid=";
    size_t at = 0;

    while (at < topic.len && !str_starts(str_skip(topic, at), STR(mark)))
        at++;
    topic = str_skip(topic, at + sizeof mark - 1);
    for (size_t end = topic.len; end > 0; end--)
        if (str_starts(str_skip(topic, end), STR("&$version=")))
            return str_first(topic, end);
    return topic;
}

/* Instead of the answer that was decided: the device learns that nothing was stored. */
static void answer_failure(struct plugin *pl, struct out *o, struct now now)
{
    struct buf topic, body;

    buf_init(&topic, 0);
    buf_init(&body, 0);
    topic_twin_answer(&topic, 500, rid_of(str_from(o->topic)), -1);
    hub_print_failure(pl->hub, now, &body);
    if (buf_ok(&topic) && buf_ok(&body)) {
        free(o->topic);
        free(o->body);
        o->topic = buf_take(&topic, NULL);
        o->body = buf_take(&body, &o->body_len);
        publish_to_device(pl, o);
    }
    buf_done(&topic);
    buf_done(&body);
}

/* Memory may differ from what is stored: read it again when it is next needed. Who is connected as it, connects again. */
static void drop(struct plugin *pl, const char *id)
{
    uint64_t conn;

    if (id[0] && hub_drop(pl->hub, str_from(id), &conn))
        kick_later(pl, id, conn, ENDED_ERROR);
}

static void refuse_turn(struct plugin *pl)
{
    struct now now = turn_now(pl);

    for (size_t i = pl->stored; i < pl->out.len; i++) {
        struct out *o = &pl->out.at[i];

        if (o->kind == OUT_PUBLISH && o->is_answer && !o->ticket)
            answer_failure(pl, o, now);
        else if (o->kind == OUT_CLOSE)
            let_out(pl, o);
        else if (o->kind == OUT_HELLO) /* what its CONNACK would promise is not stored */
            kick_later(pl, o->to, o->conn, ENDED_ERROR);
    }
    for (size_t i = pl->stored; i < pl->out.len; i++)
        if (out_lasts(&pl->out.at[i]))
            drop(pl, pl->out.at[i].to);
    for (size_t i = 0; i < sizeof pl->suspects / sizeof pl->suspects[0]; i++)
        drop(pl, pl->suspects[i]);
    for (size_t i = pl->stored; i < pl->out.len;
         i++) { /* true whatever becomes of this turn; not for those just dropped */
        struct out *o = &pl->out.at[i];

        if (o->kind == OUT_PUBLISH && o->is_late && !o->ticket)
            publish_to_device(pl, o);
    }
}

/* --- both ----------------------------------------------------------------------------------------------------- */

static bool commit(struct plugin *pl)
{
    turn_record(pl);
    if (pl->turn_rc)
        store_rollback(pl->store);
    else if (store_commit(pl->store))
        turn_fail(pl, RC_IO, NULL);
    return !pl->turn_rc;
}

bool turn_store(struct plugin *pl)
{
    if (pl->turn_rc || !commit(pl))
        return false;
    control_collect(pl, pl->stored);
    control_settle(pl, true);
    pl->stored = pl->out.len;
    return true;
}

void turn_end(struct plugin *pl)
{
    bool is_committed = commit(pl);
    size_t leaving = is_committed ? pl->out.len : pl->stored;

    control_collect(pl, pl->stored);
    for (size_t i = 0; i < leaving; i++)
        let_out(pl, &pl->out.at[i]);
    if (!is_committed)
        refuse_turn(pl);
    messages_turn_end(pl, is_committed);
    control_turn_end(pl, is_committed);
    outbox_clear(&pl->out);
    pl->recorded = pl->stored = 0;
    pl->turn_rc = RC_OK;
    memset(pl->suspects, 0, sizeof pl->suspects);
}
