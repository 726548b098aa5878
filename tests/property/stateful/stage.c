/* stage.c - see stage.h. */
#include "stage.h"

#include "hub_world.h"
#include "model.h"

#define LINES_MAX 512u

struct stage {
    struct world w;
    struct model m;
    struct conn *conns[STORY_MAX + 1]; /* all there ever were */
    size_t n_conns;
    uint64_t ticket;
    struct request r;  /* of the step */
    bool has_answered; /* with a verdict */
    enum hub_answer answer;
    FILE *got;          /* what left, in the model's words */
    char rids[8][24];   /* of calls that have left */
    unsigned rid_of[8]; /* to whom */
    size_t n_rids;
    struct {
        uint64_t serial, number;
    } sent[FLOOD]; /* messages that the step's commands sent */
    size_t n_sent;
    struct tree *identity; /* the document that a command answered with; NULL: none */
};

/* --- texts ------------------------------------------------------------------------------------------------------------ */

static FILE *text_begin(char **text, size_t *len)
{
    FILE *to = open_memstream(text, len);

    assert_non_null(to);
    return to;
}

/* A leaf that is a text, without its quotes. */
static const char *word_of(const struct tree *t, char out[KEY_TEXT])
{
    size_t len;

    assert_non_null(t);
    assert_non_null(t->leaf);
    len = strlen(t->leaf);
    if (t->leaf[0] == '"') {
        assert_true(len - 2 < KEY_TEXT);
        (void)snprintf(out, KEY_TEXT, "%.*s", (int)(len - 2), t->leaf + 1);
    } else {
        (void)snprintf(out, KEY_TEXT, "%s", t->leaf);
    }
    return out;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static size_t lines_of(char *text, char *lines[LINES_MAX])
{
    size_t n = 0;

    while (*text) {
        char *end = strchr(text, '\n');

        assert_true(end && n < LINES_MAX);
        *end = '\0';
        lines[n++] = text;
        text = end + 1;
    }
    qsort(lines, n, sizeof *lines, by_text);
    return n;
}

/* The same lines, in any order. Tells what differs. */
static bool are_same(char *want, char *got)
{
    char *wanted[LINES_MAX], *there[LINES_MAX];
    size_t n_wanted = lines_of(want, wanted), n_there = lines_of(got, there), n = 0, k = 0;
    bool is_same = true;

    while (n < n_wanted || k < n_there) {
        int order = n == n_wanted ? 1 : k == n_there ? -1 : strcmp(wanted[n], there[k]);

        if (order < 0)
            print_error("  by the book: %s\n", wanted[n]);
        if (order > 0)
            print_error("  by the hub:  %s\n", there[k]);
        is_same = is_same && order == 0;
        n += order <= 0;
        k += order >= 0;
    }
    return is_same;
}

/* devices/d0[/modules/m0] */
static const char *home_of(size_t who, char out[80])
{
    const char *module = strchr(who_names[who], '/');
    size_t len = module ? (size_t)(module - who_names[who]) : strlen(who_names[who]);

    (void)snprintf(out, 80, "devices/%.*s%s%s", (int)len, who_names[who], module ? "/modules" : "",
                   module ? module : "");
    return out;
}

/* --- what left -------------------------------------------------------------------------------------------------------- */

static void print_error_code(FILE *to, const struct tree *body, int64_t status)
{
    if (status == 400)
        (void)fputs("400*", to);
    else
        (void)fprintf(to, "%lld", (long long)tree_number(tree_get(body, "errorCode")));
}

/* The parts of a list, each a word; of a history those that no store forgets. */
static void print_items(FILE *to, const cJSON *body)
{
    const cJSON *item;
    unsigned shown = 0;

    cJSON_ArrayForEach(item, json_get(body, "items"))
    {
        const char *device = json_get_text(item, "deviceId"), *module = json_get_text(item, "moduleId");

        if (json_get(item, "inFlight"))
            (void)fprintf(to, " m%lld%s", (long long)json_number(item, "body.m"),
                          cJSON_IsTrue(json_get(item, "inFlight")) ? ":out" : "");
        else if (device)
            (void)fprintf(to, " %s%s%s", device, module ? "/" : "", module ? module : "");
        else if (shown++ < HISTORY_MIN)
            (void)fprintf(to, " %s:%lld:%lld:%lld", json_word(item, "kind"), (long long)json_number(item, "version"),
                          (long long)json_number(item, "desiredVersion"),
                          (long long)json_number(item, "reportedVersion"));
    }
}

/* Records of feedback, and rows of a query, a line each. */
static void print_records(FILE *to, const cJSON *body)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, json_get(body, "items"))
    {
        const char *device = json_get_text(item, "deviceId"), *module = json_get_text(item, "moduleId");

        if (!json_get(item, "statusCode")) {
            (void)fprintf(to, "row %s%s%s %lld\n", device, module ? "/" : "", module ? module : "",
                          (long long)json_number(item, "version"));
            continue;
        }
        (void)fprintf(to, "record %s %s\n", json_word(item, "originalMessageId"), json_word(item, "statusCode"));
    }
}

static void print_response(struct stage *st, const struct out *o)
{
    struct tree *response = tree_read(o->body), *body = tree_get(response, "body");
    int64_t status = tree_number(tree_get(response, "status"));
    char command[KEY_TEXT];
    const cJSON *records = NULL;

    (void)word_of(tree_get(response, "command"), command);
    (void)fprintf(st->got, "answer %llu %lld", (unsigned long long)o->ticket, (long long)status);
    if (status != 200) {
        (void)fputc(' ', st->got);
        print_error_code(st->got, body, status);
    } else if (strcmp(command, "method.invoke") == 0) {
        (void)fputc(' ', st->got);
        tree_print(st->got, body);
    } else if (strcmp(command, "message.purge") == 0) {
        (void)fprintf(st->got, " %s", tree_get(body, "totalMessagesPurged")->leaf);
    } else if (strcmp(command, "feedback.receive") == 0 || strcmp(command, "query") == 0) {
        records = json_get(world_read(&st->w, o->body), "body");
    } else {
        print_items(st->got, json_get(world_read(&st->w, o->body), "body"));
    }
    (void)fputc('\n', st->got);
    print_records(st->got, records);
    if (status == 200 && strcmp(command, "message.send") == 0) {
        assert_true(st->n_sent < FLOOD);
        st->sent[st->n_sent].serial = o->ticket;
        st->sent[st->n_sent++].number = (uint64_t)tree_number(tree_get(body, "sequenceNumber"));
    }
    if (status == 200 && tree_get(body, "authentication")) {
        tree_free(st->identity);
        st->identity = tree_copy(body);
    }
    tree_free(response);
}

static unsigned who_is(const char *id)
{
    unsigned who = 0;

    while (who < WHO && strcmp(who_names[who], id) != 0)
        who++;
    assert_true(who < WHO);
    return who;
}

/* A message from the cloud. Its topic is looked at elsewhere; but what was never out before is no duplicate. */
static void print_letter(struct stage *st, const struct out *o)
{
    uint64_t serial = (uint64_t)json_number(world_read(&st->w, o->body), "m");
    const struct letter *l = model_letter(&st->m, serial);
    char home[80];

    (void)home_of(who_is(o->to), home);
    assert_memory_equal(o->topic, home, strlen(home));
    if (o->tag)
        (void)fputs("tag ", st->got);
    if (o->is_dup && !(l && (l->was_out || l->is_out)))
        (void)fputs("dup ", st->got);
    (void)fprintf(st->got, "devicebound m%llu\n", (unsigned long long)serial);
}

static void print_sent(struct stage *st, const struct out *o)
{
    static const char call[] = "$iothub/methods/POST/m/?$rid=", twin[] = "$iothub/twin/res/";
    struct tree *body = o->body && o->body_len ? tree_read(o->body) : NULL;

    (void)fprintf(st->got, "to %s qos%d ", o->to, o->qos);
    if (strncmp(o->topic, call, sizeof call - 1) == 0) {
        assert_true(st->n_rids < COUNT(st->rids));
        st->rid_of[st->n_rids] = who_is(o->to);
        (void)snprintf(st->rids[st->n_rids++], sizeof st->rids[0], "%s", o->topic + sizeof call - 1);
        (void)fprintf(st->got, "%s* ", call);
    } else if (strncmp(o->topic, "devices/", 8) == 0) {
        print_letter(st, o);
        tree_free(body);
        return;
    } else {
        (void)fprintf(st->got, "%s ", o->topic);
    }
    if (!body) {
        (void)fputc('-', st->got);
    } else if (tree_get(body, "errorCode")) {
        assert_true(strncmp(o->topic, twin, sizeof twin - 1) == 0);
        (void)fputs("error ", st->got);
        print_error_code(st->got, body, strtoll(o->topic + sizeof twin - 1, NULL, 10));
    } else {
        tree_print(st->got, body);
    }
    (void)fputc('\n', st->got);
    tree_free(body);
}

/* What of an event is worth a word. */
static void print_detail(FILE *to, const struct tree *event, const char *kind)
{
    static const struct {
        const char *kind, *member;
    } details[] = {{"disconnected", "reason"},     {"message-settled", "result"}, {"reported", "status"},
                   {"twin-get", "status"},         {"desired", "version"},        {"method", "delivered"},
                   {"method-answer", "errorCode"}, {"method-answer", "status"}};
    char word[KEY_TEXT];

    if (tree_get2(event, "properties", "iothub-MessageType"))
        (void)fputs(" will", to);
    if (tree_get(event, "waited")) {
        (void)fputs(" unwaited", to);
        return;
    }
    for (size_t n = 0; n < COUNT(details); n++)
        if (strcmp(details[n].kind, kind) == 0 && tree_get(event, details[n].member))
            (void)fprintf(to, " %s", word_of(tree_get(event, details[n].member), word));
}

/* What the hub itself publishes where devices write. */
static void print_will(struct stage *st, const struct out *o)
{
    char topic[128], home[80];

    for (size_t who = 0; who < WHO; who++) {
        (void)snprintf(topic, sizeof topic, "%s/messages/events/w=1", home_of(who, home));
        if (strcmp(o->topic, topic) == 0)
            (void)fprintf(st->got, "will %s %s\n", who_names[who], o->body);
    }
}

static void print_event(struct stage *st, const struct out *o)
{
    struct tree *event, *device, *module;
    char word[KEY_TEXT], kind[KEY_TEXT];

    if (strncmp(o->topic, EVENTS_ROOT "events/", sizeof EVENTS_ROOT + 6) != 0 &&
        strncmp(o->topic, EVENTS_ROOT "hub/", sizeof EVENTS_ROOT + 3) != 0) {
        print_will(st, o);
        return;
    }
    event = tree_read(o->body);
    device = tree_get(event, "device");
    module = tree_get(event, "module");
    (void)fprintf(st->got, "event %s", device ? word_of(device, word) : "hub");
    if (module)
        (void)fprintf(st->got, "/%s", word_of(module, word));
    (void)fprintf(st->got, " %s", word_of(tree_get(event, "kind"), kind));
    print_detail(st->got, event, kind);
    (void)fputc('\n', st->got);
    tree_free(event);
}

static void print_outbox(struct stage *st)
{
    static const char *const verdicts[] = {"accept", "done", "deny", "close", "cut"};

    if (st->has_answered)
        (void)fprintf(st->got, "verdict %s\n", verdicts[st->answer]);
    for (size_t n = 0; n < st->w.out.len; n++) {
        const struct out *o = &st->w.out.at[n];

        if (o->kind == OUT_PUBLISH && o->ticket)
            print_response(st, o);
        else if (o->kind == OUT_PUBLISH)
            print_sent(st, o);
        else if (o->kind == OUT_EVENT)
            print_event(st, o);
        else if (o->kind == OUT_HELLO)
            (void)fprintf(st->got, "hello %s %s\n", o->to, o->session_present ? "present" : "fresh");
        else if (o->kind == OUT_CLOSE)
            (void)fprintf(st->got, "close %s\n", o->to);
    }
    world_forget(&st->w);
}

/* --- doing it --------------------------------------------------------------------------------------------------------- */

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

static void do_it(struct stage *st, const struct step *s)
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

/* --- holding both against each other ---------------------------------------------------------------------------------- */

/* What the service is shown of somebody, in the model's words. */
static void print_shown(FILE *to, struct stage *st, size_t who)
{
    const char *show = is_module(who) ? "module.show" : "device.show";
    cJSON *shown = world_ask_as(&st->w, &st->w.owner, "twin.show", world_ids(&st->w, who_names[who]));
    cJSON *identity = world_ask_as(&st->w, &st->w.owner, show, world_ids(&st->w, who_names[who]));
    struct tree *twin, *properties, *section, *metadata;
    static const char *const sections[] = {"desired", "reported"};
    char *text;

    assert_int_equal(json_number(shown, "status"), json_number(identity, "status"));
    if (json_number(shown, "status") == 404) {
        (void)fprintf(to, "%s is not there\n", who_names[who]);
        return;
    }
    (void)fprintf(to, "%s %s %s, %lld messages\nkeys %s %s\netag %s version %lld\ntags ", who_names[who],
                  json_word(shown, "body.status"), json_word(identity, "body.connectionState"),
                  (long long)json_number(shown, "body.cloudToDeviceMessageCount"),
                  json_word(identity, "body.authentication.symmetricKey.primaryKey"),
                  json_word(identity, "body.authentication.symmetricKey.secondaryKey"), json_word(shown, "body.etag"),
                  (long long)json_number(shown, "body.version"));
    text = json_text(json_get(shown, "body"));
    twin = tree_read(text);
    free(text);
    if (tree_get(twin, "tags"))
        tree_print(to, tree_get(twin, "tags"));
    properties = tree_get(twin, "properties");
    for (size_t n = 0; n < COUNT(sections); n++) {
        section = tree_get(properties, sections[n]);
        metadata = tree_copy(tree_get(section, "$metadata"));
        tree_remove(section, "$metadata");
        (void)fprintf(to, "\n%s ", sections[n]);
        tree_print(to, section);
        (void)fputc(' ', to);
        tree_print(to, metadata);
        tree_free(metadata);
    }
    (void)fputc('\n', to);
    tree_free(twin);
}

static void assert_shown(struct stage *st, size_t who)
{
    char *want = NULL, *got = NULL;
    size_t len;
    FILE *to = text_begin(&want, &len);

    model_print(to, &st->m, who);
    assert_int_equal(fclose(to), 0);
    to = text_begin(&got, &len);
    print_shown(to, st, who);
    assert_int_equal(fclose(to), 0);
    assert_true(are_same(want, got));
    free(want);
    free(got);
    world_forget(&st->w);
}

static void learn(struct stage *st, const struct step *s)
{
    struct tree *keys = tree_get2(st->identity, "authentication", "symmetricKey");
    char primary[KEY_TEXT], secondary[KEY_TEXT];

    for (size_t n = 0; n < st->n_rids; n++)
        assert_true(model_learns_rid(&st->m, st->rid_of[n], st->rids[n]));
    st->n_rids = 0;
    for (size_t n = 0; n < st->n_sent; n++)
        model_learns_number(&st->m, st->sent[n].serial, st->sent[n].number);
    st->n_sent = 0;
    if (keys && (s->kind == STEP_CREATE || s->kind == STEP_RENEW || s->kind == STEP_MOVE))
        assert_true(model_learns_keys(&st->m, s, word_of(tree_get(keys, "primaryKey"), primary),
                                      word_of(tree_get(keys, "secondaryKey"), secondary)));
    tree_free(st->identity);
    st->identity = NULL;
}

/* Nothing of it happened. But a call that it ended is over, and whoever it concerned was dropped and has to connect again. */
static void undo(struct stage *st, struct model *after)
{
    struct model *m = &st->m;

    m->n_calls = 0;
    for (size_t n = 0; n < after->n_calls; n++)
        if (after->calls[n].ticket != st->ticket) {
            m->calls[m->n_calls] = after->calls[n];
            m->calls[m->n_calls++].is_new = false;
        }
    for (size_t n = 0; n < WHO; n++)
        if (m->at[n].conn && !hub_is_live(st->w.hub, str_from(who_names[n]), m->at[n].conn))
            model_loses(m, n);
}

static void play_step(struct stage *st, const struct step *s)
{
    struct model *after;
    char *want = NULL, *got = NULL;
    size_t len;

    if (model_is_moot(&st->m, s))
        return;
    after = malloc(sizeof *after);
    assert_non_null(after);
    model_copy(after, &st->m);
    st->ticket++;
    after->says = text_begin(&want, &len);
    model_step(after, s, st->w.last_conn + 1, st->ticket);
    assert_int_equal(fclose(after->says), 0);
    st->got = text_begin(&got, &len);
    do_it(st, s);
    if (!s->fails) { /* a turn in which nothing else happens */
        st->has_answered = false;
        (void)world_tick(&st->w);
        print_outbox(st);
    }
    assert_int_equal(fclose(st->got), 0);
    if (s->fails) {
        undo(st, after);
        model_done(after);
    } else {
        assert_true(are_same(want, got));
        model_done(&st->m);
        st->m = *after;
    }
    free(after);
    free(want);
    free(got);
    learn(st, s);
}

void stage_play(const struct story *s, const char *dir, bool is_told)
{
    struct stage *st = calloc(1, sizeof *st);

    assert_non_null(st);
    world_init(&st->w);
    world_keep(&st->w, dir);
    st->w.options.cache_bytes = 0;
    world_restart(&st->w);
    model_init(&st->m, st->w.now.us / WORLD_SECOND, st->w.now.mono_us / WORLD_SECOND);
    for (size_t n = 0; n < s->n; n++) {
        const struct step *step = &s->at[n];

        if (is_told) {
            (void)printf("%3zu  ", n + 1);
            step_print(stdout, step);
            (void)fflush(stdout); /* the step may end the process */
        }
        play_step(st, step);
        assert_shown(st, step->who);
        if (step->kind == STEP_RESTART || step->kind == STEP_STOP || step->kind == STEP_IDLE || n + 1 == s->n)
            for (size_t who = 0; who < WHO; who++)
                assert_shown(st, who);
    }
    world_check(&st->w);
    model_done(&st->m);
    for (size_t n = 0; n < st->n_conns; n++)
        free(st->conns[n]);
    world_done(&st->w);
    free(st);
}
