/* stage_outbox.c - what left the hub, said in the model's words (model.h). */
#include "stage_internal.h"

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

void print_outbox(struct stage *st)
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
