/* stage_step.c - a step of a story, done to the real hub: as a client would, a service, or the world. */
#include "stage_internal.h"

static struct conn *conn_of(struct stage *st, uint64_t no)
{
    for (size_t n = 0; n < st->n_conns; n++)
        if (st->conns[n]->no == no)
            return st->conns[n];
    fail_msg("there is no connection %llu", (unsigned long long)no);
    return NULL;
}

static void turn(struct stage *st, const struct step *s)
{
    world_begin(&st->w);
    st->answer = world_decide(&st->w, &st->r);
    st->has_answered = true;
    if (s->fails) {
        world_fail(&st->w);
        if (st->r.is_later)
            hub_abandon(st->w.hub, st->r.ticket);
        return;
    }
    (void)world_tick_of_turn(&st->w);
    assert_true(world_commit(&st->w));
    print_outbox(st);
}

static void command(struct stage *st, const struct step *s, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
static void command(struct stage *st, const struct step *s, const char *name, const char *fmt, ...)
{
    char *text = NULL;
    va_list args;
    size_t len;
    FILE *to = text_begin(&text, &len);

    (void)fprintf(to, "{\"command\":\"%s\"", name);
    va_start(args, fmt);
    (void)vfprintf(to, fmt, args);
    va_end(args);
    (void)fputc('}', to);
    assert_int_equal(fclose(to), 0);
    st->r = (struct request){.kind = REQUEST_COMMAND, .conn = &st->w.owner, .ticket = st->ticket};
    st->r.command = world_read(&st->w, text);
    free(text);
    turn(st, s);
}

/* ,"deviceId":"d0","moduleId":"m0" */
static const char *ids_of(size_t who, char out[80])
{
    const char *module = strchr(who_names[who], '/');
    size_t len = module ? (size_t)(module - who_names[who]) : strlen(who_names[who]);

    (void)snprintf(out, 80, ",\"deviceId\":\"%.*s\"%s%s%s", (int)len, who_names[who], module ? ",\"moduleId\":\"" : "",
                   module ? module + 1 : "", module ? "\"" : "");
    return out;
}

static void do_create(struct stage *st, const struct step *s)
{
    struct tree *given = s->json ? tree_read(s->json) : NULL, *tags = tree_get(given, "tags"),
                *desired = tree_get(given, "desired");
    char *tags_text = tags ? tree_text(tags) : NULL, *desired_text = desired ? tree_text(desired) : NULL, ids[80];
    const char *name = is_module(s->who) ? "module.create" : "device.create";

    if (!given)
        command(st, s, name, "%s", ids_of(s->who, ids));
    else
        command(st, s, name, "%s,\"twin\":{\"properties\":{%s%s}%s%s}", ids_of(s->who, ids),
                desired ? "\"desired\":" : "", desired ? desired_text : "", tags ? ",\"tags\":" : "",
                tags ? tags_text : "");
    free(tags_text);
    free(desired_text);
    tree_free(given);
}

static void do_write(struct stage *st, const struct step *s)
{
    struct tree *given = tree_read(s->json), *tags = tree_get(given, "tags"), *desired = tree_get(given, "desired");
    char *tags_text = tags ? tree_text(tags) : NULL, *desired_text = desired ? tree_text(desired) : NULL, ids[80];
    char etag[16], match[40] = "", word[16];
    bool replace = s->kind == STEP_REPLACE;

    (void)step_a(s, word);
    etag_text(strcmp(word, "stale") == 0 ? 0 : st->m.at[s->who].etag, etag);
    if (strcmp(word, "star") == 0)
        (void)snprintf(match, sizeof match, ",\"etag\":\"*\"");
    else if (strcmp(word, "quoted") == 0)
        (void)snprintf(match, sizeof match, ",\"etag\":\"\\\"%s\\\"\"", etag);
    else if (s->a)
        (void)snprintf(match, sizeof match, ",\"etag\":\"%s\"", etag);
    command(st, s, replace ? "twin.replace" : "twin.update",
            "%s%s,\"%s\":{\"properties\":{\"reported\":{\"never\":1}%s%s}%s%s}", ids_of(s->who, ids), match,
            replace ? "twin" : "patch", desired ? ",\"desired\":" : "", desired ? desired_text : "",
            tags ? ",\"tags\":" : "", tags ? tags_text : "");
    free(tags_text);
    free(desired_text);
    tree_free(given);
}

static void do_move(struct stage *st, const struct step *s)
{
    char *text = json_text(world_ask(&st->w, "identity.export", "%s", world_ids(&st->w, who_names[s->who])));

    command(st, s, "identity.import", ",\"replace\":true,\"identity\":%s", text);
    free(text);
}

static void do_invoke(struct stage *st, const struct step *s)
{
    char ids[80];

    command(
        st, s, "method.invoke",
        "%s,\"methodName\":\"m\",\"payload\":{\"n\":1},\"responseTimeoutInSeconds\":%d,\"connectTimeoutInSeconds\":%d",
        ids_of(s->who, ids), s->b ? 5 : 30, s->a ? 10 : 0);
}

static void do_connect(struct stage *st, const struct step *s)
{
    struct conn *conn = calloc(1, sizeof *conn);
    struct sas_key key;
    char user_name[160], scope[160], home[80], will[128], word[16];
    bool is_bad;

    assert_non_null(conn);
    (void)step_a(s, word);
    is_bad = strcmp(word, "badwill") == 0;
    conn->no = ++st->w.last_conn;
    conn->has_gateway = strcmp(word, "plain") != 0;
    assert_int_equal(sas_key_read(str_from(token_key(&st->m, s)), &key), RC_OK);
    (void)snprintf(user_name, sizeof user_name, WORLD_HOST "/%s/?api-version=2021-04-12", who_names[s->who]);
    (void)snprintf(scope, sizeof scope, WORLD_HOST "/%s", home_of(s->who, home));
    st->r = (struct request){.kind = REQUEST_CONNECT, .conn = conn, .protocol = 4};
    st->r.is_clean = strcmp(word, "clean") == 0;
    st->r.has_will = is_bad || strcmp(word, "will") == 0;
    (void)snprintf(will, sizeof will, "%s/messages/events/w=1", is_bad ? "devices/nobody" : home_of(s->who, home));
    st->r.will_topic = str_from(will);
    st->r.will_qos = 1;
    st->r.client_id = str_from(who_names[s->who]);
    st->r.user_name = str_from(user_name);
    st->r.password = str_from(world_token(&st->w, scope, &key, NULL, token_end_s(&st->m, s)));
    st->conns[st->n_conns++] = conn;
    turn(st, s);
    if (!st->r.has_will || st->answer != HUB_ACCEPT || s->fails)
        return;
    st->r = (struct request){.kind = REQUEST_KEEP_WILL, .conn = conn, .topic = str_from(will), .qos = 1};
    st->r.payload = STR("{\"gone\":1}");
    assert_int_equal(world_turn(&st->w, &st->r), HUB_SWALLOW);
    st->has_answered = false;
    print_outbox(st);
}

static void do_packet(struct stage *st, const struct step *s, enum request_kind kind, uint64_t conn, const char *topic,
                      struct str payload)
{
    st->r = (struct request){.kind = kind, .conn = conn_of(st, conn), .topic = str_from(topic), .payload = payload};
    st->r.qos = kind == REQUEST_SUBSCRIBE ? (int)s->b : 1;
    turn(st, s);
}

static void do_end(struct stage *st, const struct step *s, uint64_t conn, enum ended why)
{
    st->r = (struct request){.kind = REQUEST_END, .conn = conn_of(st, conn), .ended = why};
    turn(st, s);
}

/* What closed its connection ends it: the broker tells so, in the same turn or later. */
static void do_what_may_close(struct stage *st, const struct step *s, enum request_kind kind, const char *topic,
                              struct str payload)
{
    uint64_t conn = st->m.at[s->who].conn;

    do_packet(st, s, kind, conn, topic, payload);
    if (st->answer != HUB_CLOSE)
        return;
    st->r = (struct request){.kind = REQUEST_END, .conn = conn_of(st, conn), .ended = ENDED_ERROR};
    assert_int_equal(world_turn(&st->w, &st->r), HUB_ACCEPT);
    st->has_answered = false;
    print_outbox(st);
}

static const char *filter_of(const struct step *s, char out[128])
{
    static const char *const filters[] = {"$iothub/twin/PATCH/properties/desired/#", "$iothub/twin/res/#",
                                          "$iothub/methods/POST/#"};
    char home[80];

    if (s->a < COUNT(filters))
        (void)snprintf(out, 128, "%s", filters[s->a]);
    else
        (void)snprintf(out, 128, "%s/messages/devicebound/#",
                       s->a == CLASSES ? "devices/nobody" : home_of(s->who, home));
    return out;
}

static void do_report(struct stage *st, const struct step *s)
{
    long long version = (long long)expected_version(&st->m, s);
    char topic[128], want[40] = "";

    if (version >= 0)
        (void)snprintf(want, sizeof want, "%s$version=%lld", s->a ? "?" : "&", version);
    (void)snprintf(topic, sizeof topic, "$iothub/twin/PATCH/properties/reported/%s%s", s->a ? "" : "?$rid=p", want);
    do_packet(st, s, REQUEST_PUBLISH, st->m.at[s->who].conn, topic, str_from(s->json));
}

static void do_answer(struct stage *st, const struct step *s)
{
    const struct call *c = s->a == 1 ? NULL : model_call_of(&st->m, s->who, s->a == 2);
    char topic[80];

    (void)snprintf(topic, sizeof topic, "$iothub/methods/res/%d/?$rid=%s", s->b == 1 ? 503 : 299, c ? c->rid : "fffff");
    do_packet(st, s, REQUEST_PUBLISH, st->m.at[s->who].conn, topic, s->b == 2 ? STR("{") : STR("{\"ok\":1}"));
}

static void do_ghost(struct stage *st, const struct step *s)
{
    uint64_t ghost = st->m.at[s->who].ghost;

    if (s->a == 0)
        do_end(st, s, ghost, ENDED_UNKNOWN);
    else if (s->a == 1)
        do_packet(st, s, REQUEST_PUBLISH, ghost, "$iothub/twin/GET/?$rid=g", STR(""));
    else
        do_packet(st, s, REQUEST_SUBSCRIBE, ghost, "$iothub/twin/res/#", STR(""));
}

static void do_send(struct stage *st, const struct step *s)
{
    char ids[80], word[16];

    command(st, s, "message.send",
            "%s,\"body\":{\"m\":%llu},\"messageId\":\"m%llu\",\"ack\":\"%s\",\"timeToLive\":\"%s\"",
            ids_of(s->who, ids), (unsigned long long)st->ticket, (unsigned long long)st->ticket, step_b(s, word),
            s->a ? "PT60S" : "PT1H");
}

static void do_puback(struct stage *st, const struct step *s)
{
    const struct person *p = &st->m.at[s->who];

    st->r = (struct request){.kind = REQUEST_PUBACK, .conn = conn_of(st, s->a == 3 ? p->ghost : p->conn)};
    st->r.tag = acknowledged(&st->m, s);
    turn(st, s);
}

static void do_tell(struct stage *st, const struct step *s)
{
    char topic[128], home[80];

    (void)snprintf(topic, sizeof topic, "%s/messages/events/a=b", s->a ? "devices/nobody" : home_of(s->who, home));
    do_what_may_close(st, s, REQUEST_PUBLISH, topic, STR("{\"t\":1}"));
}

void do_step(struct stage *st, const struct step *s)
{
    const char *verb = is_module(s->who) ? "module.delete" : "device.delete";
    uint64_t conn = st->m.at[s->who].conn;
    char ids[80], word[16], filter[128];
    static const char *const queries[] = {
        "SELECT deviceId, version FROM devices", "SELECT deviceId, moduleId, version FROM devices.modules",
        "SELECT deviceId, version FROM devices WHERE is_defined(properties.desired.a)",
        "SELECT deviceId, version FROM devices WHERE is_defined(tags.a)"};

    st->has_answered = false;
    switch (s->kind) {
    case STEP_CREATE:
        do_create(st, s);
        break;
    case STEP_DELETE:
        command(st, s, verb, "%s", ids_of(s->who, ids));
        break;
    case STEP_ENABLE:
    case STEP_DISABLE:
        command(st, s, "device.update", "%s,\"status\":\"%sd\"", ids_of(device_of(s->who), ids),
                s->kind == STEP_ENABLE ? "enable" : "disable");
        break;
    case STEP_RENEW:
        command(st, s, "device.renew-key", "%s,\"keyType\":\"%s\"", ids_of(s->who, ids), step_a(s, word));
        break;
    case STEP_MOVE:
        do_move(st, s);
        break;
    case STEP_CONNECT:
        do_connect(st, s);
        break;
    case STEP_LEAVE:
    case STEP_CUT:
        do_end(st, s, conn, s->kind == STEP_LEAVE ? ENDED_CLIENT : ENDED_LOST);
        break;
    case STEP_GHOST:
        do_ghost(st, s);
        break;
    case STEP_SUBSCRIBE:
        do_what_may_close(st, s, REQUEST_SUBSCRIBE, filter_of(s, filter), STR(""));
        break;
    case STEP_UNSUBSCRIBE:
        do_packet(st, s, REQUEST_UNSUBSCRIBE, conn, filter_of(s, filter), STR(""));
        break;
    case STEP_GET:
        do_what_may_close(st, s, REQUEST_PUBLISH, s->a ? "$iothub/twin/GET/" : "$iothub/twin/GET/?$rid=g%2f+%20",
                          STR(" "));
        break;
    case STEP_REPORT:
        do_report(st, s);
        break;
    case STEP_TELL:
        do_tell(st, s);
        break;
    case STEP_UPDATE:
    case STEP_REPLACE:
        do_write(st, s);
        break;
    case STEP_INVOKE:
        do_invoke(st, s);
        break;
    case STEP_ANSWER:
        do_answer(st, s);
        break;
    case STEP_SEND:
        do_send(st, s);
        break;
    case STEP_FLOOD:
        do_send(st, s);
        for (unsigned n = 1; n < FLOOD; n++) {
            st->ticket++;
            do_send(st, s);
        }
        break;
    case STEP_PUBACK:
        do_puback(st, s);
        break;
    case STEP_PURGE:
        command(st, s, "message.purge", "%s", ids_of(s->who, ids));
        break;
    case STEP_MAIL:
        command(st, s, "message.list", "%s", ids_of(s->who, ids));
        break;
    case STEP_FEEDBACK:
        command(st, s, "feedback.receive", "%s", "");
        break;
    case STEP_HISTORY:
        if (s->a)
            command(st, s, "twin.history", "%s,\"top\":2,\"before\":%lld", ids_of(s->who, ids),
                    (long long)(st->m.at[s->who].exists ? st->m.at[s->who].version : 1));
        else
            command(st, s, "twin.history", "%s", ids_of(s->who, ids));
        break;
    case STEP_FAULT:
        command(st, s, "fault.add", "%s,\"type\":\"disconnect\"", ids_of(s->who, ids));
        break;
    case STEP_LIST:
        command(st, s, s->a ? "module.list" : "device.list", "%s", s->a ? ids_of(0, ids) : "");
        break;
    case STEP_QUERY:
        command(st, s, "query", ",\"query\":\"%s\"", queries[s->a]);
        break;
    case STEP_PASS:
        world_pass(&st->w, seconds_of(s));
        (void)world_tick(&st->w);
        print_outbox(st);
        break;
    case STEP_ADVANCE:
        command(st, s, "clock.advance", ",\"by\":\"%s\"", step_a(s, word));
        break;
    case STEP_FREEZE:
        command(st, s, "clock.freeze", "%s", "");
        break;
    case STEP_RESUME:
        command(st, s, "clock.resume", "%s", "");
        break;
    case STEP_LISTEN:
        world_listen(&st->w, s->a == 0);
        break;
    case STEP_IDLE:
        world_idle(&st->w);
        break;
    case STEP_STOP:
        world_stop(&st->w);
        print_outbox(st);
        world_restart(&st->w);
        break;
    case STEP_RESTART:
        st->w.options.cache_bytes = s->a ? 1 : 0;
        st->w.options.profile.personality = s->b ? PROFILE_GW_V1 : PROFILE_GW_V2;
        world_restart(&st->w);
        break;
    case STEP_KINDS:
        break;
    }
}
