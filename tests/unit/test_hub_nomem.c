/* test_hub_nomem.c - when memory runs out in a decision, it happens as a whole or not at all, and the hub goes on.
 *
 * Each request is decided again and again, its n-th allocation failing, alone or with all behind it, until none fails. Allowed are:
 * the outbox has failed (then whoever was concerned is dropped, and read again he is as before), or nothing differs from the
 * decision with enough memory, or the request was refused and nothing has changed.
 */
#include <stdio.h>

#include "fail_alloc.h"
#include "hub_world.h"

#define QUERY "/?api-version=2021-04-12"

struct row {
    const char *what;
    enum request_kind kind;
    const char *id;    /* whose connection; "owner": the service client */
    const char *topic; /* or filter, or user name's query */
    const char *text;  /* payload or command */
    bool is_clean;
};

#define TWIN_GET REQUEST_PUBLISH, "dev1", "$iothub/twin/GET/?$rid=1", "", false
#define REPORT                                                                                                         \
    REQUEST_PUBLISH, "dev1", "$iothub/twin/PATCH/properties/reported/?$rid=1", "{\"a\":{\"b\":{\"c\":1}}}", false
#define DESIRE                                                                                                         \
    REQUEST_COMMAND, "owner", "",                                                                                      \
        "{'command':'twin.update','deviceId':'dev1','patch':{'properties':{'desired':{'a':{'c':{'d':1}}}}}}", false
#define TELL REQUEST_PUBLISH, "dev1", "devices/dev1/messages/events/a=b", "{\"t\":1}", false

static const struct row rows[] = {
    {"first connection", REQUEST_CONNECT, "dev2", QUERY, NULL, false},
    {"takeover with a model", REQUEST_CONNECT, "dev1", QUERY "&model-id=dtmi%3Ax%3B1", NULL, false},
    {"clean session", REQUEST_CONNECT, "dev1/m", QUERY, NULL, true},
    {"refused", REQUEST_CONNECT, "nobody", QUERY, NULL, false},
    {"service client", REQUEST_CONNECT, "owner", "", NULL, true},
    {"end", REQUEST_END, "dev1", "", "", false},
    {"subscribe", REQUEST_SUBSCRIBE, "dev1", "$iothub/methods/POST/#", "", false},
    {"subscribe to a forbidden filter", REQUEST_SUBSCRIBE, "dev1", "#", "", false},
    {"unsubscribe", REQUEST_UNSUBSCRIBE, "dev1", "$iothub/twin/res/#", "", false},
    {"twin get", REQUEST_PUBLISH, "dev1", "$iothub/twin/GET/?$rid=1", "", false},
    {"patch", REQUEST_PUBLISH, "dev1", "$iothub/twin/PATCH/properties/reported/?$rid=1",
     "{\"a\":{\"b\":{\"c\":1},\"d\":[1,{\"x\":2}]},\"r\":null,\"text\":\"t\"}", false},
    {"wide patch", REQUEST_PUBLISH, "dev1", "$iothub/twin/PATCH/properties/reported/?$rid=1",
     "{\"1\":1,\"2\":1,\"3\":1,\"4\":1,\"5\":1,\"6\":1,\"7\":1,\"8\":1,\"9\":1,\"10\":1,\"11\":1,\"12\":1,\"13\":1,"
     "\"14\":1,"
     "\"15\":1,\"16\":1,\"17\":1,\"18\":1,\"19\":1,\"20\":1}",
     false},
    {"bad patch", REQUEST_PUBLISH, "dev1", "$iothub/twin/PATCH/properties/reported/?$rid=1", "{\"a b\":1}", false},
    {"telemetry, JSON", REQUEST_PUBLISH, "dev1/m", "devices/dev1/modules/m/messages/events/a=b&%24.ct=x&flag",
     "{\"t\":[1,2]}", false},
    {"telemetry, bytes", REQUEST_PUBLISH, "dev1", "devices/dev1/messages/events/", "\xff\xfe", false},
    {"foreign topic", REQUEST_PUBLISH, "dev1", "foo", "x", false},
    {"will", REQUEST_WILL, "dev1", "devices/dev1/messages/events/a=b", "gone", false},
    {"status", REQUEST_COMMAND, "owner", "", "{'command':'hub.status'}", false},
    {"unknown command", REQUEST_COMMAND, "owner", "", "{'command':'x','correlationData':{'a':[1]}}", false},
    {"create device", REQUEST_COMMAND, "owner", "",
     "{'command':'device.create','correlationData':'c','deviceId':'new','statusReason':'r','status':'disabled',"
     "'twin':{'tags':{'t':1},'properties':{'desired':{'a':{'b':1}},'reported':{'c':[1]}}}}",
     false},
    {"create module", REQUEST_COMMAND, "owner", "", "{'command':'module.create','deviceId':'dev1','moduleId':'new'}",
     false},
    {"show device", REQUEST_COMMAND, "owner", "", "{'command':'device.show','deviceId':'dev1'}", false},
    {"list devices", REQUEST_COMMAND, "owner", "", "{'command':'device.list','top':1}", false},
    {"disable device", REQUEST_COMMAND, "owner", "",
     "{'command':'device.update','deviceId':'dev1','status':'disabled','statusReason':'why'}", false},
    {"renew key", REQUEST_COMMAND, "owner", "", "{'command':'device.renew-key','deviceId':'dev1','keyType':'primary'}",
     false},
    {"delete device", REQUEST_COMMAND, "owner", "", "{'command':'device.delete','deviceId':'dev1'}", false},
    {"delete module", REQUEST_COMMAND, "owner", "", "{'command':'module.delete','deviceId':'dev1','moduleId':'m'}",
     false},
    {"show twin", REQUEST_COMMAND, "owner", "", "{'command':'twin.show','deviceId':'dev1'}", false},
    {"update twin", REQUEST_COMMAND, "owner", "",
     "{'command':'twin.update','deviceId':'dev1','etag':'*','patch':{'tags':{'t':{'u':1}},'properties':{'desired':{'a':"
     "{'b':null,"
     "'c':{'d':1}},'l':[1]}}}}",
     false},
    {"clear twin", REQUEST_COMMAND, "owner", "",
     "{'command':'twin.update','deviceId':'dev1','patch':{'tags':null,'properties':{'desired':null}}}", false},
    {"replace twin", REQUEST_COMMAND, "owner", "",
     "{'command':'twin.replace','deviceId':'dev1','twin':{'tags':{'t':1},'properties':{'desired':{'z':{'y':1}}}}}",
     false},
    {"stale etag", REQUEST_COMMAND, "owner", "",
     "{'command':'twin.replace','deviceId':'dev1','etag':'x','twin':{'tags':{'t':1}}}", false},
    {"history", REQUEST_COMMAND, "owner", "", "{'command':'twin.history','deviceId':'dev1','top':2}", false},
    {"export", REQUEST_COMMAND, "owner", "", "{'command':'identity.export','deviceId':'dev1'}", false},
    {"import", REQUEST_COMMAND, "owner", "",
     "{'command':'identity.import','identity':{'deviceId':'new','modelId':'x','statusReason':'y','twin':{'desired':{'a'"
     ":1}}}}",
     false},
    {"replace device", REQUEST_COMMAND, "owner", "",
     "{'command':'identity.import','replace':true,'identity':{'deviceId':'dev1','status':'disabled','twin':{'desired':{"
     "'a':1}}}}",
     false},
    {"replace module", REQUEST_COMMAND, "owner", "",
     "{'command':'identity.import','replace':true,'identity':{'deviceId':'dev1','moduleId':'m'}}", false},
    {"call of somebody who is away", REQUEST_COMMAND, "owner", "",
     "{'command':'method.invoke','correlationData':'c','deviceId':'dev2','methodName':'m','payload':[1]}", false},
    {"call that waits", REQUEST_COMMAND, "owner", "",
     "{'command':'method.invoke','correlationData':{'c':1},'deviceId':'dev2','methodName':'m','payload':[1],"
     "'connectTimeoutInSeconds':9}",
     false},
    {"answer to nobody", REQUEST_PUBLISH, "dev1", "$iothub/methods/res/200/?$rid=1", "{}", false},
    {"query", REQUEST_COMMAND, "owner", "",
     "{'command':'query','query':'SELECT deviceId, tags FROM devices WHERE STARTSWITH(id, \\'d\\')','top':1}", false},
    {"query with sums", REQUEST_COMMAND, "owner", "",
     "{'command':'query','query':'SELECT status, COUNT() AS n FROM devices.modules GROUP BY status'}", false},
    {"query going on", REQUEST_COMMAND, "owner", "",
     "{'command':'query','query':'SELECT AVG(version) FROM devices','continuation':'1 0 - d []'}", false},
    {"fault", REQUEST_COMMAND, "owner", "", "{'command':'fault.add','deviceId':'dev1','type':'disconnect'}", false},
    {"a fault with everything", REQUEST_COMMAND, "owner", "",
     "{'command':'fault.add','on':'*','type':'status','status':500,'body':{'a':1},'topic':'a/#','after':1}", false},
};

/* The same with a fault that is there already. */
static const struct {
    const char *fault;
    struct row row;
} with_faults[] = {
    {"'type':'lose'", {"clear", REQUEST_COMMAND, "owner", "", "{'command':'fault.clear'}", false}},
    {"'type':'status','status':500,'times':0,'body':'x'", {"status with a body", REPORT}},
    {"'type':'status','operation':'twin-get','status':201,'times':0,'body':'x'", {"good status with a body", TWIN_GET}},
    {"'type':'hold','operation':'desired','times':0", {"hold", DESIRE}},
    {"'type':'duplicate','copies':2,'delay':'1s','times':0", {"late duplicate", DESIRE}},
    {"'type':'reorder','times':0", {"reorder", DESIRE}},
    {"'type':'version','operation':'twin-get','by':1,'times':0", {"version of a twin", TWIN_GET}},
    {"'type':'malform','how':'duplicate-member','times':0", {"twice", TWIN_GET}},
    {"'type':'malform','how':'metadata','times':0", {"leak", TWIN_GET}},
    {"'type':'throttle','rate':0.5", {"throttled telemetry", TELL}},
    {"'type':'quota','messages':0", {"quota", TELL}},
    {"'type':'disconnect','operation':'desired','times':0", {"cut by a notification", DESIRE}},
};

static const char *const ids[] = {"dev1", "dev1/m", "dev1/n", "dev2", "new", "dev1/new"};

/* --- making one fail ------------------------------------------------------------------------------------------------ */

static struct {
    long n; /* which allocation fails; LONG_MAX: none */
    bool is_once;
    bool has_failed;
} failing;

static void around_decide(bool is_before)
{
    if (is_before) {
        if (failing.is_once)
            fail_alloc_only(failing.n);
        else
            fail_alloc_after(failing.n);
    } else {
        failing.has_failed = failing.n != LONG_MAX && fail_alloc_left < 0;
        fail_alloc_never();
    }
}

/* --- the world, always the same ---------------------------------------------------------------------------------------- */

struct stage {
    bool reads; /* somebody reads events in the service\'s shape */
    struct world w;
    struct conn dev, mod;
    size_t n_records; /* of the world as it was built */
};

static void stage_init(struct stage *s)
{
    struct world *w = &s->w;

    world_init(w);
    world_create(w, "dev1");
    world_create(w, "dev1/m");
    world_create(w, "dev1/n");
    world_create(w, "dev2");
    world_twin_client(w, &s->dev, "dev1");
    world_report(w, &s->dev, "{'r':1,'a':{'b':5}}", 204);
    world_twin_client(w, &s->mod, "dev1/m");
    (void)world_ask(w, "twin.update",
                    "'deviceId':'dev1','patch':{'tags':{'t':0},'properties':{'desired':{'a':{'b':1},'x':2}}}");
    s->n_records = w->n_records;
    w->around_decide = around_decide;
    failing.n = LONG_MAX;
}

/* Back to where it was built, byte for byte: clock, numbers and random ids, too. */
static void stage_rewind(struct stage *s, bool listens)
{
    struct world *w = &s->w;

    w->n_committed = s->n_records;
    world_fail(w); /* forgets what stands behind */
    w->last_conn = 0;
    w->listens = listens;
    world_restart(w);
    world_connect(w, &s->dev, "dev1");
    world_connect(w, &s->mod, "dev1/m");
    hub_set_readers(w->hub, s->reads);
}

static struct conn *conn_of(struct stage *s, const struct row *row)
{
    return strcmp(row->id, "owner") == 0 ? &s->w.owner : strcmp(row->id, "dev1") == 0 ? &s->dev : &s->mod;
}

static void prepare(struct stage *s, const struct row *row, const char *fault, bool listens)
{
    stage_rewind(s, listens);
    if (!fault)
        return;
    (void)world_ask(&s->w, "fault.add", "%s", fault);
    if (strstr(fault, "throttle")) /* the first passes */
        (void)world_publish(&s->w, &s->dev, row->topic, "1");
}

/* Decide one row. returns whether it happened. */
static bool perform(struct stage *s, const struct row *row, enum hub_answer *answer, struct conn *fresh)
{
    struct world *w = &s->w;
    struct request r = {.kind = row->kind, .conn = conn_of(s, row)};
    struct sas_key key = world_policy_key(strcmp(row->id, "owner") == 0 ? "iothubowner" : "device");
    char user_name[256];

    if (row->kind == REQUEST_COMMAND) {
        r.command = world_json(w, row->text);
    } else if (row->kind == REQUEST_CONNECT) {
        memset(fresh, 0, sizeof *fresh);
        fresh->no = ++w->last_conn;
        r.conn = fresh;
        r.protocol = 4;
        r.is_clean = row->is_clean;
        (void)snprintf(user_name, sizeof user_name, WORLD_HOST "/%s%s", row->id, row->topic);
        r.user_name = conn_of(s, row) == &w->owner ? STR("iothubowner@sas.root.twinsim") : str_from(user_name);
        r.client_id = conn_of(s, row) == &w->owner ? STR("service//1") : str_from(row->id);
        r.password = str_from(world_token(w, WORLD_HOST, &key, conn_of(s, row) == &w->owner ? "iothubowner" : "device",
                                          WORLD_NOW_S + 60));
    } else {
        r.topic = str_from(row->topic);
        r.payload = str_from(row->text);
        r.qos = 1;
    }
    world_begin(w);
    *answer = world_decide(w, &r);
    return world_commit(w);
}

/* All that lasts, and who is connected. The caller frees. */
static char *state_of(const struct stage *s, bool with_connections)
{
    struct buf b;

    buf_init(&b, 0);
    for (size_t n = 0; n < COUNT(ids); n++) {
        char *text = world_print(&s->w, ids[n]);
        const struct identity *i = hub_find(s->w.hub, str_from(ids[n]));

        buf_add(&b, str_from(text));
        if (with_connections)
            buf_addf(&b, " %d", i ? (int)i->conn : 0);
        buf_add_char(&b, '\n');
        free(text);
    }
    assert_true(buf_ok(&b));
    return buf_take(&b, NULL);
}

/* All that a turn wanted, without what is random in it. The caller frees. */
static char *wishes_of(const struct outbox *out)
{
    struct buf b;

    buf_init(&b, 0);
    for (size_t n = 0; n < out->len; n++) {
        const struct out *o = &out->at[n];

        buf_addf(&b, "%d %s %d %d %s %.*s %s %s %d\n", o->kind, o->to, (int)o->conn, o->qos, o->topic ? o->topic : "-",
                 (int)o->body_len, o->body ? o->body : "-", o->doc ? o->doc : "-", o->twin ? o->twin : "-", o->ended);
    }
    assert_true(buf_ok(&b));
    buf_add_char(&b, '\n');
    return buf_take(&b, NULL);
}

/* Refused for lack of memory: a 500 to whoever asked, or no entry but what tells of it. */
static bool is_refusal(const struct outbox *out, enum hub_answer answer)
{
    bool is_told = answer == HUB_CLOSE;

    for (size_t n = 0; n < out->len; n++) {
        const struct out *o = &out->at[n];

        if (out_lasts(o) || o->kind == OUT_CLOSE)
            return false;
        if (o->kind == OUT_PUBLISH)
            is_told = o->body && strstr(o->body, "\"errorCode\":500001") != NULL;
    }
    return is_told;
}

/* --- the test -------------------------------------------------------------------------------------------------------------- */

static void try_row(struct stage *s, const struct row *row, const char *fault, bool listens, bool is_once)
{
    char *before, *after, *wishes;
    enum hub_answer answer, got;
    struct conn fresh;
    unsigned failed = 0, refused = 0, same = 0;

    failing.n = LONG_MAX;
    failing.is_once = is_once;
    prepare(s, row, fault, listens);
    before = state_of(s, false);
    assert_true(perform(s, row, &answer, &fresh));
    after = state_of(s, true);
    wishes = wishes_of(&s->w.out);
    for (long n = 0;; n++) {
        char *state, *wanted;

        failing.n = LONG_MAX;
        prepare(s, row, fault, listens);
        failing.n = n;
        if (!perform(s, row, &got, &fresh)) {
            assert_true(failing.has_failed);
            failing.n = LONG_MAX;
            state = state_of(s, false);
            assert_string_equal(state, before);
            world_check(&s->w);
            failed++;
            free(state);
            if (!hub_is_live(s->w.hub, STR("dev1"), s->dev.no))
                world_connect(&s->w, &s->dev, "dev1");
            if (!hub_is_live(s->w.hub, STR("dev1/m"), s->mod.no))
                world_connect(&s->w, &s->mod, "dev1/m");
            assert_true(perform(s, row, &got, &fresh)); /* and now it works */
            assert_int_equal(got, answer);
        } else {
            wanted = wishes_of(&s->w.out);
            state = state_of(s, true);
            if (strcmp(wanted, wishes) == 0 && got == answer) {
                assert_string_equal(state, after);
                same++;
            } else {
                if (!is_refusal(&s->w.out, got))
                    print_error("%s, allocation %ld:\n%s\nwanted\n%s", row->what, n, wanted, wishes);
                assert_true(is_refusal(&s->w.out, got));
                free(state);
                state = state_of(s, false);
                assert_string_equal(state, before);
                refused++;
            }
            world_check(&s->w);
            free(wanted);
            free(state);
        }
        world_forget(&s->w);
        if (!failing.has_failed && failing.n != LONG_MAX)
            break;
    }
    if (getenv("TWINSIM_VERBOSE"))
        print_message("  %s%s%s: %u failed, %u refused, %u the same\n", row->what, listens ? "" : ", silent",
                      is_once ? ", once" : "", failed, refused, same);
    free(before);
    free(after);
    free(wishes);
}

static void try_rows(bool listens, bool reads, bool is_once)
{
    struct stage *s = calloc(1, sizeof *s);

    assert_non_null(s);
    stage_init(s);
    s->reads = reads;
    for (size_t n = 0; n < COUNT(rows); n++)
        try_row(s, &rows[n], NULL, listens, is_once);
    for (size_t n = 0; listens && n < COUNT(with_faults); n++)
        try_row(s, &with_faults[n].row, with_faults[n].fault, listens, is_once);
    s->w.around_decide = NULL;
    world_done(&s->w);
    free(s);
}

static void a_decision_without_memory_happens_as_a_whole_or_not_at_all(void **state)
{
    (void)state;
    try_rows(true, false, false);
}

static void one_failed_allocation_is_not_forgotten_when_the_next_ones_succeed(void **state)
{
    (void)state;
    try_rows(true, false, true);
}

static void the_same_holds_when_nobody_listens(void **state)
{
    (void)state;
    try_rows(false, false, true);
}

static void the_same_holds_when_events_are_read_in_the_service_s_shape(void **state)
{
    (void)state;
    try_rows(false, true, true);
}

/* What only events would need is not even asked for. */
static void an_event_that_nobody_hears_takes_no_memory(void **state)
{
    static const struct row silent[] = {
        {"refused", REQUEST_CONNECT, "nobody", QUERY, NULL, false},
        {"takeover", REQUEST_END, "dev1", "", "", false},
        {"subscribe again", REQUEST_SUBSCRIBE, "dev1", "$iothub/twin/res/#", "", false},
        {"foreign topic", REQUEST_PUBLISH, "dev1", "foo", "x", false},
    };
    struct stage *s = calloc(1, sizeof *s);

    (void)state;
    assert_non_null(s);
    stage_init(s);
    for (size_t n = 0; n < COUNT(silent); n++) {
        enum hub_answer answer;
        struct conn fresh;

        failing.n = LONG_MAX;
        stage_rewind(s, false);
        failing.n = 0;
        assert_true(perform(s, &silent[n], &answer, &fresh));
        assert_false(failing.has_failed);
        assert_int_equal(s->w.out.len, 0);
    }
    s->w.around_decide = NULL;
    world_done(&s->w);
    free(s);
}

static void a_hub_that_can_not_be_made_is_null_and_leaks_nothing(void **state)
{
    struct hub_options options = {.n_hosts = 2, .key_seed = STR("seed")};
    struct hub *h = NULL;
    long n;

    (void)state;
    options.hosts[0] = STR("hub.example");
    options.hosts[1] = STR("127.0.0.1");
    for (n = 0; !h; n++) {
        fail_alloc_after(n);
        h = hub_new(&options);
        fail_alloc_never();
    }
    assert_true(n > 5);
    hub_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_decision_without_memory_happens_as_a_whole_or_not_at_all),
        cmocka_unit_test(one_failed_allocation_is_not_forgotten_when_the_next_ones_succeed),
        cmocka_unit_test(the_same_holds_when_nobody_listens),
        cmocka_unit_test(the_same_holds_when_events_are_read_in_the_service_s_shape),
        cmocka_unit_test(an_event_that_nobody_hears_takes_no_memory),
        cmocka_unit_test(a_hub_that_can_not_be_made_is_null_and_leaks_nothing),
    };

    fail_alloc_cjson();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
