/* run_device.c - simulated devices: any identity connects, leaves, reports, sends and answers methods, played by the runner over a connection of its own.
 *
 * What they cause is on the hub's event stream like anybody's, and these steps leave the cursor: so a step behind them can expect it.
 */
#include "run_internal.h"

#include <stdio.h>
#include <time.h>

#include "alias.h"
#include "bag.h"
#include "base64.h"

#define TOKEN_S   3600
#define DEVICE_US (5 * US_PER_S) /* what the hub may take for one of these steps */

/* ---- who is there ---- */

static struct sim_device *device_find(const struct run *r, const char *who)
{
    for (size_t i = r->n_devices; i-- > 0;) /* the last one took over the earlier ones */
        if (strcmp(sim_device_id(r->devices[i]), who) == 0 && sim_device_state(r->devices[i]) == SIM_DEVICE_CONNECTED)
            return r->devices[i];
    return NULL;
}

static void drop(struct run *r, const struct sim_device *d)
{
    for (size_t i = 0; i < r->n_devices; i++) {
        if (r->devices[i] == d) {
            sim_device_free(r->devices[i]);
            r->devices[i] = r->devices[--r->n_devices];
            return;
        }
    }
}

static void drop_those_gone(struct run *r)
{
    for (size_t i = r->n_devices; i-- > 0;)
        if (sim_device_fd(r->devices[i]) < 0)
            drop(r, r->devices[i]);
}

void run_devices_turn(struct run *r)
{
    for (size_t i = 0; i < r->n_devices; i++)
        sim_device_turn(r->devices[i]);
}

void run_devices_end(struct run *r)
{
    while (r->n_devices)
        drop(r, r->devices[0]);
}

/* ---- waiting ---- */

/* Nobody is known by the name of one who was refused. */
static bool concerns(const cJSON *event, const char *who)
{
    const char *client = json_get_text(event, "clientId");

    return event_is_about(event, who) || (client && strcmp(client, who) == 0);
}

/* An event of one of these kinds (a NULL ends) about the identity, from number `from` on; with this rid, unless that is empty. */
static size_t find_event(const struct run *r, const char *who, const char *const *kinds, const char *rid, size_t from)
{
    for (size_t i = from; i < r->timeline.count; i++) {
        const cJSON *event = r->timeline.at[i].event;
        const char *kind = json_get_text(event, "kind"), *theirs = json_get_text(event, "rid");

        if (!kind || !concerns(event, who) || (rid[0] && (!theirs || strcmp(theirs, rid) != 0)))
            continue;
        for (const char *const *k = kinds; *k; k++)
            if (strcmp(*k, kind) == 0)
                return i;
    }
    return TIMELINE_NONE;
}

/* Wait until the device is no more connecting, or has its acknowledgements. */
static enum verdict wait_device(struct run *r, const struct sim_device *d, int64_t until_us)
{
    enum verdict v = VERDICT_PASSED;

    while (!v && (sim_device_state(d) == SIM_DEVICE_CONNECTING || sim_device_is_waiting(d))) {
        if (run_now_us() >= until_us)
            return run_error(r, "the hub does not answer %s, a device of the runner", sim_device_id(d));
        v = run_turn(r, until_us);
    }
    return v;
}

/* Wait until the hub tells what the device did. A fault may end its connection before it comes to that: *index TIMELINE_NONE. */
static enum verdict wait_event(struct run *r, const struct sim_device *d, const char *const *kinds, const char *rid,
                               size_t from, size_t *index)
{
    static const char *const fault[] = {"fault", NULL}, *const end[] = {"disconnected", "refused", NULL};
    const char *who = sim_device_id(d);
    int64_t until_us = run_deadline(r, DEVICE_US);
    enum verdict v = VERDICT_PASSED;

    for (;;) {
        bool is_over = sim_device_state(d) != SIM_DEVICE_CONNECTED &&
                       (!r->service || find_event(r, who, end, "", from) != TIMELINE_NONE);

        *index = find_event(r, who, kinds, rid, from);
        if (*index != TIMELINE_NONE || (is_over && find_event(r, who, fault, "", from) != TIMELINE_NONE))
            return VERDICT_PASSED;
        if (is_over)
            return run_failed(r, "the connection of %s, a device of the runner, ended too early", who);
        if (run_now_us() >= until_us)
            return run_error(r, "the hub never announced '%s' of %s, a device of the runner", kinds[0], who);
        v = run_turn(r, until_us);
        if (v)
            return v;
    }
}

/* ---- connect, leave ---- */

/* What the step says that the device does with messages: "acknowledge", "withhold"; NULL: it does not listen to them. */
static const char *messages_of(const struct run *r)
{
    return json_get_text(r->lane->node, "messages");
}

static bool withholds(const struct run *r)
{
    const char *messages = messages_of(r);

    return messages && strcmp(messages, "withhold") == 0;
}

static enum verdict begin(struct run *r, const char *who, bool is_clean, struct sim_device **out)
{
    static const char nobodys_key[] = "bm9ib2R5IGtub3dzIHRoaXMga2V5LCBzbyB0aGUgaHViIHJlZnVzZXM=";
    const char *key_text = json_get_text(r->keys, who);
    struct sim_device_options o = {
        .host = r->host, .is_clean = is_clean, .withholds = withholds(r), .expires_s = (int64_t)time(NULL) + TOKEN_S};
    struct sas_key key;
    enum rc rc;

    if (!r->service)
        return run_error(r, "the hub is not running; start it first: {\"start\":\"hub\"}");
    if (ident_read(str_from(who), &o.id) || sas_key_read(str_from(key_text ? key_text : nobodys_key), &key))
        return run_error(r, "'%s' is no identity", who);
    drop_those_gone(r);
    if (r->n_devices == RUN_DEVICES_MAX)
        return run_error(r, "more than %u devices of the runner at the same time", RUN_DEVICES_MAX);
    o.port = hub_process_file(r->hub)->mqtts_port;
    o.ca_file = hub_process_file(r->hub)->ca_file;
    o.key = &key;
    rc = sim_device_new(&o, out);
    explicit_bzero(&key, sizeof key);
    if (rc)
        return run_error(r, "%s, a device of the runner, cannot connect: %s", who, rc_text(rc));
    r->devices[r->n_devices++] = *out;
    return VERDICT_PASSED;
}

/* Listen to the messages of the cloud, at QoS 1. */
static enum rc listen(struct sim_device *d)
{
    struct ident id = {.device = STR("")};
    char filter[2 * IDENT_TEXT_MAX];

    (void)!ident_read(str_from(sim_device_id(d)), &id);
    if (ident_is_module(id))
        (void)snprintf(filter, sizeof filter, "devices/%.*s/modules/%.*s/messages/devicebound/#", STR_FMT(id.device),
                       STR_FMT(id.module));
    else
        (void)snprintf(filter, sizeof filter, "devices/%.*s/messages/devicebound/#", STR_FMT(id.device));
    return sim_device_subscribe(d, filter);
}

/* One that withholds its PUBACKs reads nothing, so all it does is to listen. */
static enum verdict listen_only(struct run *r, struct sim_device *d)
{
    enum rc rc = sim_device_had_session(d) ? RC_OK : listen(d);

    return rc == RC_NOMEM ? run_no_memory(r) : wait_device(r, d, run_deadline(r, DEVICE_US));
}

/* What a device does first: hear of its twin, and read it. A session that was kept holds its subscriptions (facts M-10). */
static enum verdict read_twin(struct run *r, struct sim_device *d, size_t from)
{
    static const char *const twin_get[] = {"twin-get", NULL};
    char topic[64], rid[24];
    int64_t until_us = run_deadline(r, DEVICE_US);
    size_t ignored;
    enum rc rc = RC_OK;
    enum verdict v;

    if (!sim_device_had_session(d))
        rc = sim_device_subscribe(d, "$iothub/twin/res/#");
    if (!rc && !sim_device_had_session(d))
        rc = sim_device_subscribe(d, "$iothub/twin/PATCH/properties/desired/#");
    if (!rc && messages_of(r))
        rc = listen(d);
    v = rc == RC_NOMEM ? run_no_memory(r) : wait_device(r, d, until_us);
    (void)snprintf(rid, sizeof rid, "%u", ++r->rids);
    (void)snprintf(topic, sizeof topic, "$iothub/twin/GET/?$rid=%s", rid);
    if (!v && sim_device_publish(d, topic, STR("")) == RC_NOMEM)
        v = run_no_memory(r);
    return v ? v : wait_event(r, d, twin_get, rid, from, &ignored);
}

static enum verdict connect_device(struct run *r, const char *who, bool is_clean, struct sim_device **out)
{
    static const char *const connected[] = {"connected", "refused", NULL};
    size_t from = r->timeline.count, index = TIMELINE_NONE;
    struct sim_device *d = NULL;
    const char *reason;
    enum verdict v = begin(r, who, is_clean, &d);
    bool is_refused;

    if (!v)
        v = wait_device(r, d, run_deadline(r, DEVICE_US));
    if (v)
        return v;
    is_refused = sim_device_state(d) == SIM_DEVICE_REFUSED;
    if (sim_device_state(d) == SIM_DEVICE_CONNECTED)
        v = withholds(r) ? listen_only(r, d) : read_twin(r, d, from);
    else
        v = wait_event(r, d, connected, "", from, &index);
    if (!v && is_refused && !json_get(r->lane->node, "refused")) {
        reason = index == TIMELINE_NONE ? NULL : json_get_text(r->timeline.at[index].event, "reason");
        v = run_failed(r, "the hub refused the connection of %s: %s", who, reason ? reason : "no reason given");
    } else if (!v && !is_refused && json_get(r->lane->node, "refused") && r->lane->step->type == STEP_CONNECT) {
        v = run_failed(r, "the hub accepted the connection of %s; a refusal was expected", who);
    }
    *out = d;
    return v;
}

static enum verdict inject_connect(struct run *r)
{
    struct sim_device *ignored;

    return connect_device(r, json_get_text(r->lane->node, "connect"), !cJSON_IsFalse(json_get(r->lane->node, "clean")),
                          &ignored);
}

static enum verdict inject_leave(struct run *r)
{
    static const char *const disconnected[] = {"disconnected", NULL};
    const char *who = json_get_text(r->lane->node, "leave"), *how = json_get_text(r->lane->node, "how");
    struct sim_device *d = device_find(r, who);
    size_t from = r->timeline.count;
    int64_t until_us = run_deadline(r, DEVICE_US);
    enum verdict v = VERDICT_PASSED;

    if (!d)
        return run_failed(r, "%s is not connected, as a device of the runner", who);
    if (how && strcmp(how, "cut") == 0)
        drop(r, d);
    else if (sim_device_disconnect(d))
        return run_error(r, "%s cannot take leave", who);
    while (!v && find_event(r, who, disconnected, "", from) == TIMELINE_NONE) {
        if (run_now_us() >= until_us)
            return run_error(r, "the hub never announced that %s left", who);
        v = run_turn(r, until_us);
    }
    return v;
}

/* ---- report, send ---- */

/* Has the hub told the end of the connection that it told last? Its packets may still be on their way to us. */
static bool is_told_ended(const struct run *r, const char *who)
{
    static const char *const connected[] = {"connected", NULL}, *const disconnected[] = {"disconnected", NULL};
    size_t at = TIMELINE_NONE, next = 0;
    int64_t conn = 0, theirs = 0;

    while ((next = find_event(r, who, connected, "", next)) != TIMELINE_NONE)
        at = next++;
    if (at == TIMELINE_NONE || json_get_i64(r->timeline.at[at].event, "conn", &conn))
        return false;
    for (next = at; (next = find_event(r, who, disconnected, "", next)) != TIMELINE_NONE; next++)
        if (json_get_i64(r->timeline.at[next].event, "conn", &theirs) == RC_OK && theirs == conn)
            return true;
    return false;
}

/* The device of the step, which connects when it is not there. */
static enum verdict device_of(struct run *r, struct sim_device **out)
{
    const char *who = json_get_text(r->lane->node, "on");

    run_devices_turn(r); /* the hub may have ended it meanwhile */
    *out = device_find(r, who);
    if (*out && is_told_ended(r, who)) {
        drop(r, *out);
        *out = NULL;
    }
    if (*out && !sim_device_wants_read(*out))
        return run_failed(r, "%s withholds its PUBACKs: it reads nothing, and does nothing else", who);
    return *out ? VERDICT_PASSED : connect_device(r, who, true, out);
}

static enum verdict publish(struct run *r, struct sim_device *d, const char *topic, struct str payload)
{
    enum rc rc = sim_device_publish(d, topic, payload);

    if (rc == RC_NOMEM)
        return run_no_memory(r);
    if (rc == RC_LIMIT)
        return run_error(r, "this is more than a client can send, or no text for a topic");
    return VERDICT_PASSED; /* a connection that has just ended shows below */
}

static enum verdict inject_report(struct run *r)
{
    static const char *const reported[] = {"reported", NULL};
    const cJSON *given = json_get(r->lane->node, "report"), *clash;
    cJSON *patch = NULL;
    struct sim_device *d = NULL;
    size_t from = r->timeline.count, index = TIMELINE_NONE;
    char topic[96], rid[24];
    struct buf text;
    enum verdict v;

    buf_init(&text, 0);
    if (!cJSON_IsObject(given))
        v = run_error(r, "'report' is an object, also when a variable gives it");
    else if (alias_expand(given, r->s->aliases, &patch, &clash))
        v = run_error(r, "'report' cannot be expanded");
    else
        v = device_of(r, &d);
    if (!v) {
        json_print(&text, patch);
        (void)snprintf(rid, sizeof rid, "%u", ++r->rids);
        (void)snprintf(topic, sizeof topic, "$iothub/twin/PATCH/properties/reported/?$rid=%s", rid);
        v = buf_ok(&text) ? publish(r, d, topic, buf_view(&text)) : run_no_memory(r);
    }
    if (!v)
        v = wait_event(r, d, reported, rid, from, &index);
    if (!v && index != TIMELINE_NONE) {
        const cJSON *event = r->timeline.at[index].event;
        int64_t status = 0;

        (void)!json_get_i64(event, "status", &status);
        v = run_judge_status(r, (int)status, 0, json_get_text(event, "error"));
    }
    buf_done(&text);
    cJSON_Delete(patch);
    return v;
}

/* Append "key=value", both percent-encoded. */
static void add_property(struct buf *topic, const char *key, const cJSON *value)
{
    if (topic->len && topic->at[topic->len - 1] != '/')
        buf_add_char(topic, '&');
    buf_add_percent(topic, str_from(key), STR("$"));
    if (cJSON_IsNull(value))
        return;
    buf_add_char(topic, '=');
    buf_add_percent(topic, str_from(value->valuestring), STR(""));
}

/* devices/{d}[/modules/{m}]/messages/events/{bag} (facts M-18) */
static enum verdict event_topic(struct run *r, const char *who, struct buf *topic)
{
    struct ident id = {.device = STR("")};
    const cJSON *one;

    (void)!ident_read(str_from(who), &id);
    buf_addf(topic, "devices/%.*s/", STR_FMT(id.device));
    if (ident_is_module(id))
        buf_addf(topic, "modules/%.*s/", STR_FMT(id.module));
    buf_add(topic, STR("messages/events/"));
    cJSON_ArrayForEach(one, json_get(r->lane->node, "system"))
    {
        const char *wire = bag_wire_key(str_from(one->string));

        add_property(topic, wire ? wire : one->string, one);
    }
    cJSON_ArrayForEach(one, json_get(r->lane->node, "properties"))
    {
        add_property(topic, one->string, one);
    }
    return buf_ok(topic) ? VERDICT_PASSED : run_no_memory(r);
}

/* {"base64":".."} is these bytes, a text itself, all else JSON. */
static enum verdict body_of(struct run *r, const cJSON *body, struct buf *out)
{
    const char *base64 = json_get_text(body, "base64");

    if (base64 && !base64_is_valid(str_from(base64)))
        return run_error(r, "'base64' is no base64");
    if (base64 && !body->child->next)
        base64_decode(out, str_from(base64));
    else if (cJSON_IsString(body))
        buf_add(out, str_from(body->valuestring));
    else
        json_print(out, body);
    return out->rc ? run_no_memory(r) : VERDICT_PASSED;
}

static enum verdict inject_send(struct run *r)
{
    static const char *const kinds[] = {"telemetry", "fault", "disconnected", NULL};
    struct sim_device *d = NULL;
    size_t from, ignored;
    struct buf topic, body;
    enum verdict v = device_of(r, &d);

    from = r->timeline.count;
    buf_init(&topic, 64 * 1024);
    buf_init(&body, 0);
    if (!v)
        v = event_topic(r, json_get_text(r->lane->node, "on"), &topic);
    if (!v)
        v = body_of(r, json_get(r->lane->node, "send"), &body);
    if (!v)
        v = publish(r, d, topic.at, buf_view(&body));
    if (!v)
        v = wait_event(r, d, kinds, "", from, &ignored);
    buf_done(&body);
    buf_done(&topic);
    return v;
}

/* From now on, for as long as it is connected, the device answers calls of that method so. */
static enum verdict inject_answer(struct run *r)
{
    static const char *const subscribed[] = {"subscribed", NULL};
    const cJSON *payload = json_get(r->lane->node, "payload");
    const char *name = json_get_text(r->lane->node, "answer");
    int64_t status = 200;
    struct sim_device *d;
    struct buf text;
    size_t from, ignored;
    bool is_first;
    enum rc rc = RC_OK;
    enum verdict v;

    if (!name || (json_get(r->lane->node, "status") && json_get_i64(r->lane->node, "status", &status)))
        return run_error(r, "'answer' is a method's name and 'status' a number, also when a variable gives it");
    v = device_of(r, &d);
    if (v)
        return v;
    is_first = !sim_device_answers(d);
    from = r->timeline.count;
    buf_init(&text, 0);
    if (payload)
        json_print(&text, payload);
    rc = text.rc ? text.rc : sim_device_answer(d, name, (int)status, buf_view(&text));
    buf_done(&text);
    if (!rc && is_first)
        rc = sim_device_subscribe(d, "$iothub/methods/POST/#");
    if (rc == RC_NOMEM)
        return run_no_memory(r);
    v = wait_device(r, d, run_deadline(r, DEVICE_US));
    return v || !is_first ? v : wait_event(r, d, subscribed, "", from, &ignored);
}

enum verdict run_inject_device(struct run *r)
{
    bool is_named = r->lane->step->type == STEP_CONNECT || r->lane->step->type == STEP_LEAVE;
    const char *who = json_get_text(r->lane->node, is_named ? r->lane->step->name : "on");
    struct ident id;

    if (!who || ident_read(str_from(who), &id))
        return run_error(r, "'%s' is no identity", who ? who : "");
    record_device(r);
    switch (r->lane->step->type) {
    case STEP_CONNECT:
        return inject_connect(r);
    case STEP_LEAVE:
        return inject_leave(r);
    case STEP_REPORT:
        return inject_report(r);
    case STEP_ANSWER:
        return inject_answer(r);
    default:
        return inject_send(r);
    }
}
