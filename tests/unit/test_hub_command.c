/* test_hub_command.c - the control commands as a language: who may say what, how it is answered, and what is no command. */
#include <stdio.h>

#include "hub_world.h"

/* One good instance of every command, on a world with dev1 and dev1/m (see build). rights: who may, beside the owner. */
enum { READ = 1, READ_WRITE = 2, SERVICE = 4, EVERYBODY = 7 };

static const struct {
    const char *name, *members;
    int who;
    bool takes_module, needs_module;
} COMMANDS[] = {
    {"hub.status", "", EVERYBODY, false, false},
    {"device.create", "'deviceId':'new'", READ_WRITE, false, false},
    {"device.show", "'deviceId':'dev1'", READ | READ_WRITE, false, false},
    {"device.list", "", READ | READ_WRITE, false, false},
    {"device.update", "'deviceId':'dev1','iotEdge':true", READ_WRITE, false, false},
    {"device.delete", "'deviceId':'dev1'", READ_WRITE, false, false},
    {"device.renew-key", "'deviceId':'dev1','keyType':'both'", READ_WRITE, true, false},
    {"module.create", "'deviceId':'dev1','moduleId':'new'", READ_WRITE, true, true},
    {"module.show", "'deviceId':'dev1','moduleId':'m'", READ | READ_WRITE, true, true},
    {"module.list", "'deviceId':'dev1'", READ | READ_WRITE, false, false},
    {"module.delete", "'deviceId':'dev1','moduleId':'m'", READ_WRITE, true, true},
    {"twin.show", "'deviceId':'dev1'", SERVICE, true, false},
    {"twin.update", "'deviceId':'dev1','patch':{'tags':{'a':1}}", SERVICE, true, false},
    {"twin.replace", "'deviceId':'dev1','twin':{'tags':{'a':1}}", SERVICE, true, false},
    {"twin.history", "'deviceId':'dev1'", SERVICE, true, false},
    {"identity.export", "'deviceId':'dev1'", 0, true, false},
    {"identity.import", "'identity':{'deviceId':'new'}", 0, false, false},
    {"fault.add", "'deviceId':'dev1','type':'disconnect'", 0, true, false},
    {"fault.list", "", 0, false, false},
    {"fault.clear", "", 0, false, false},
    {"clock.show", "", EVERYBODY, false, false},
    {"clock.advance", "'by':'1s'", 0, false, false},
    {"clock.freeze", "", 0, false, false},
    {"clock.resume", "", 0, false, false},
};

static void build(struct world *w)
{
    world_create(w, "dev1");
    world_create(w, "dev1/m");
}

/* facts R-15 */
static void each_policy_may_do_what_is_its_own_and_nothing_else(void **state)
{
    static const struct {
        const char *policy;
        int who;
    } policies[] = {
        {"iothubowner", -1}, {"registryRead", READ}, {"registryReadWrite", READ_WRITE}, {"service", SERVICE}};

    (void)state;
    for (size_t p = 0; p < COUNT(policies); p++) {
        for (size_t n = 0; n < COUNT(COMMANDS); n++) {
            bool may = p == 0 || COMMANDS[n].who & policies[p].who;
            struct conn conn;
            struct world w;
            cJSON *response;
            char *before;

            world_init(&w);
            build(&w);
            before = world_print(&w, "dev1");
            world_service(&w, &conn, policies[p].policy);
            response = world_ask_as(&w, &conn, COMMANDS[n].name, COMMANDS[n].members);
            if (json_number(response, "status") != (may ? 200 : 401))
                print_error("%s %s: %d\n", policies[p].policy, COMMANDS[n].name, (int)json_number(response, "status"));
            assert_int_equal(json_number(response, "status"), may ? 200 : 401);
            if (!may) {
                char *after = world_print(&w, "dev1");

                assert_int_equal(json_number(response, "body.errorCode"), 401003);
                assert_int_equal(w.out.len, 1);
                assert_string_equal(before, after);
                free(after);
            }
            free(before);
            world_check(&w);
            world_done(&w);
        }
    }
}

/* A device has no rights, whatever its adapter lets through. Nothing is even read for it. */
static void what_nobody_may_ask_is_not_looked_up(void **state)
{
    struct world *w = *state;
    struct conn dev;

    build(w);
    world_connect(w, &dev, "dev1");
    for (size_t n = 0; n < COUNT(COMMANDS); n++) {
        struct request r = {.kind = REQUEST_COMMAND, .conn = &dev, .now = w->now};
        char text[256];
        struct needs needs;

        if (COMMANDS[n].who == EVERYBODY)
            continue;
        (void)snprintf(text, sizeof text, "{'command':'%s'%s%s}", COMMANDS[n].name, COMMANDS[n].members[0] ? "," : "",
                       COMMANDS[n].members);
        r.command = world_json(w, text);
        request_read(&r);
        hub_needs(w->hub, &r, &needs);
        assert_int_equal(needs.n_ids, 0);
        assert_false(needs.list || needs.modules || needs.history || needs.twins);
        assert_int_equal(hub_handle(w->hub, &r, &w->out), HUB_SWALLOW);
        assert_non_null(strstr(w->out.at[w->out.len - 1].body, "401003"));
    }
}

static void what_is_no_command_is_refused(void **state)
{
    static const char *const commands[] = {
        "{}",
        "{'command':null}",
        "{'command':5}",
        "{'command':''}",
        "{'command':'twin'}",
        "{'command':'twin.show '}",
        "{'command':'Twin.Show','deviceId':'dev1'}",
        "{'command':'twin.shows','deviceId':'dev1'}",
        "{'command':['twin.show']}",
        "{'command':'%s%n','deviceId':'dev1'}",
        "{'correlationData':'x'}",
        "5",
        "null",
        "'twin.show'",
        "[]",
        "[{'command':'twin.show','deviceId':'dev1'}]",
    };
    struct world *w = *state;

    build(w);
    for (size_t n = 0; n < COUNT(commands); n++) {
        cJSON *response = world_ask_tree(w, &w->owner, world_json(w, commands[n]));

        print_message("  %s: %s\n", commands[n], json_word(response, "body.message"));
        assert_json(w, response, "status", "400");
        assert_json(w, response, "body.errorCode", "400004");
        assert_int_equal(w->out.len, 1);
    }
}

static void a_member_that_a_command_does_not_have_is_refused_by_name(void **state)
{
    static const char *const strangers[] = {"x", "DeviceId", "deviceid", "patches", "", "command ", "top after"};
    struct world *w = *state;

    build(w);
    for (size_t n = 0; n < COUNT(COMMANDS); n++) {
        const char *comma = COMMANDS[n].members[0] ? "," : "";

        for (size_t k = 0; k < COUNT(strangers); k++) {
            const char *message =
                world_refused(w, 400, 400004, COMMANDS[n].name, "%s%s'%s':1", COMMANDS[n].members, comma, strangers[k]);
            char want[64];

            (void)snprintf(want, sizeof want, "'%s' has no member '%s'", COMMANDS[n].name, strangers[k]);
            assert_string_equal(message, want);
        }
        if (!COMMANDS[n].takes_module)
            (void)world_refused(w, 400, 400004, COMMANDS[n].name, "%s%s'moduleId':'m'", COMMANDS[n].members, comma);
    }
}

static void a_command_without_a_good_id_is_refused(void **state)
{
    static const char *const bad[] = {"'x':1",
                                      "'deviceId':5",
                                      "'deviceId':null",
                                      "'deviceId':''",
                                      "'deviceId':'a b'",
                                      "'deviceId':'a/b'",
                                      "'deviceId':'\\u00e9'",
                                      "'deviceId':['dev1']"};
    static const char *const bad_modules[] = {"5", "null", "''", "'a/b'", "{}"};
    struct world *w = *state;
    char long_id[2 * IDENT_PART_MAX];

    build(w);
    (void)snprintf(long_id, sizeof long_id, "%0129d", 0);
    for (size_t n = 0; n < COUNT(COMMANDS); n++) {
        const char *id = strstr(COMMANDS[n].members, "'deviceId'");
        bool is_import = strcmp(COMMANDS[n].name, "identity.import") == 0;

        if (!id)
            continue;
        for (size_t k = is_import ? 0 : 1; k < COUNT(bad); k++)
            (void)world_refused(w, 400, 400004, COMMANDS[n].name, is_import ? "'identity':{%s}" : "%s", bad[k]);
        (void)world_refused(w, 400, 400004, COMMANDS[n].name,
                            is_import ? "'identity':{'deviceId':'%s'}" : "'deviceId':'%s'", long_id);
        if (!is_import)
            (void)world_refused(w, 400, 400004, COMMANDS[n].name, "'correlationData':1");
        for (size_t k = 0; COMMANDS[n].takes_module && k < COUNT(bad_modules); k++)
            (void)world_refused(w, 400, 400004, COMMANDS[n].name, "'deviceId':'dev1','moduleId':%s", bad_modules[k]);
        if (COMMANDS[n].needs_module)
            (void)world_refused(w, 400, 400004, COMMANDS[n].name, "'deviceId':'dev1'");
    }
    (void)world_refused(w, 400, 400004, "identity.import", "'replace':true");
    (void)world_refused(w, 400, 400004, "identity.import", "'identity':5");
    (void)world_refused(w, 400, 400004, "identity.import", "'identity':null,'replace':true");
}

/* facts T-25 */
static void a_command_about_somebody_unknown_says_who_is_missing(void **state)
{
    struct world *w = *state;

    build(w);
    for (size_t n = 0; n < COUNT(COMMANDS); n++) {
        const char *rest = strstr(COMMANDS[n].members, "'keyType'");
        const char *name = COMMANDS[n].name;

        if (!strstr(COMMANDS[n].members, "'dev1'") || strstr(name, "create"))
            continue;
        rest = rest ? rest : strstr(COMMANDS[n].members, "'iotEdge'");
        rest = rest ? rest : strstr(COMMANDS[n].members, "'patch'");
        rest = rest ? rest : strstr(COMMANDS[n].members, "'twin'");
        rest = rest ? rest : strstr(COMMANDS[n].members, "'type'");
        if (!COMMANDS[n].needs_module)
            assert_string_equal(
                world_refused(w, 404, 404001, name, "'deviceId':'dev2'%s%s", rest ? "," : "", rest ? rest : ""),
                "Device dev2 not registered");
        if (!COMMANDS[n].takes_module)
            continue;
        assert_string_equal(world_refused(w, 404, 404001, name, "'deviceId':'dev2','moduleId':'m'%s%s", rest ? "," : "",
                                          rest ? rest : ""),
                            "Device dev2 not registered");
        assert_string_equal(world_refused(w, 404, 404010, name, "'deviceId':'dev1','moduleId':'n'%s%s", rest ? "," : "",
                                          rest ? rest : ""),
                            "Module dev1/n not registered");
    }
}

static void a_member_of_the_wrong_type_or_out_of_range_is_refused(void **state)
{
    static const struct {
        const char *name, *members;
    } rows[] = {
        {"device.list", "'top':0"},
        {"device.list", "'top':101"},
        {"device.list", "'top':-1"},
        {"device.list", "'top':1.5"},
        {"device.list", "'top':'10'"},
        {"device.list", "'top':null"},
        {"device.list", "'after':5"},
        {"device.list", "'after':null"},
        {"twin.history", "'deviceId':'dev1','top':0"},
        {"twin.history", "'deviceId':'dev1','before':0"},
        {"twin.history", "'deviceId':'dev1','before':'5'"},
        {"twin.history", "'deviceId':'dev1','before':1e30"},
        {"device.create", "'deviceId':'new','status':5"},
        {"device.create", "'deviceId':'new','status':'Enabled'"},
        {"device.create", "'deviceId':'new','status':null"},
        {"device.create", "'deviceId':'new','statusReason':5"},
        {"device.create", "'deviceId':'new','iotEdge':'yes'"},
        {"device.create", "'deviceId':'new','iotEdge':null"},
        {"device.create", "'deviceId':'new','iotEdge':1"},
        {"device.create", "'deviceId':'new','primaryKey':'MDEyMzQ1Njc4OWFiY2RlZg=='"},
        {"device.create", "'deviceId':'new','primaryKey':5,'secondaryKey':6"},
        {"device.create", "'deviceId':'new','primaryKey':'MDEyMzQ1Njc4OWFiY2RlZg==','secondaryKey':'short'"},
        {"device.create", "'deviceId':'new','primaryKey':'MDEyMzQ1Njc4OWFiY2Rl','secondaryKey':'MDEyMzQ1Njc4OWFiY2Rl'"},
        {"device.create", "'deviceId':'new','twin':5"},
        {"device.create", "'deviceId':'new','twin':null"},
        {"device.create", "'deviceId':'new','twin':{'tags':5}"},
        {"device.create", "'deviceId':'new','twin':{'properties':{'desired':{'a b':1}}}"},
        {"device.create", "'deviceId':'new','twin':{'properties':{'desired':{'$version':0}}}"},
        {"module.create", "'deviceId':'dev1','moduleId':'new','twin':[]"},
        {"module.create", "'deviceId':'dev1','moduleId':'new','secondaryKey':'MDEyMzQ1Njc4OWFiY2RlZg=='"},
        {"device.renew-key", "'deviceId':'dev1'"},
        {"device.renew-key", "'deviceId':'dev1','keyType':5"},
        {"device.renew-key", "'deviceId':'dev1','keyType':''"},
        {"device.renew-key", "'deviceId':'dev1','keyType':'primary secondary'"},
        {"device.renew-key", "'deviceId':'dev1','keyType':'Primary'"},
        {"identity.import", "'identity':{'deviceId':'new'},'replace':'yes'"},
        {"identity.import", "'identity':{'deviceId':'new'},'replace':null"},
        {"fault.add", "'deviceId':'dev1'"},
        {"fault.add", "'deviceId':'dev1','type':5"},
        {"fault.add", "'deviceId':'dev1','type':'explode'"},
    };
    struct world *w = *state;

    build(w);
    for (size_t n = 0; n < COUNT(rows); n++) {
        print_message("  %s %s\n", rows[n].name, rows[n].members);
        (void)world_refused(w, 400, 400004, rows[n].name, "%s", rows[n].members);
    }
    (void)world_refused(w, 404, 404001, "device.show", "'deviceId':'new'");
    (void)world_refused(w, 404, 404010, "module.show", "'deviceId':'dev1','moduleId':'new'");
}

/* correlationData comes back as it is, whatever it is; events carry it when it is a text. */
static void correlation_data_comes_back_and_names_the_cause(void **state)
{
    static const char *const data[] = {"'x'", "''", "5", "null", "{'a':[1]}", "true", "'\\u00e9\\n'"};
    struct world *w = *state;

    world_create(w, "dev1");
    for (size_t n = 0; n < COUNT(data); n++) {
        char text[256];
        cJSON *response;

        (void)snprintf(text, sizeof text,
                       "{'command':'twin.update','correlationData':%s,'deviceId':'dev1','patch':{'tags':{'a':%zu}}}",
                       data[n], n);
        response = world_ask_tree(w, &w->owner, world_json(w, text));
        assert_json(w, response, "correlationData", data[n]);
        assert_json(w, world_event(w, "tags"), "cause", data[n][0] == '\'' ? data[n] : NULL);
    }
    (void)world_ask_tree(w, &w->owner, world_json(w, "{'command':'device.update','deviceId':'dev1'}"));
    assert_json(w, world_event(w, "updated"), "cause", NULL); /* none is left over */
}

static void an_answer_goes_to_the_asking_client_alone(void **state)
{
    struct world *w = *state;
    struct conn one, two;

    build(w);
    world_service(w, &one, "service");
    world_service(w, &two, "service");
    (void)world_ask_as(w, &two, "twin.show", "'deviceId':'dev1'"); /* asserts to whom */
    assert_int_equal(world_count(w, OUT_PUBLISH), 1);
    assert_string_not_equal(one.id, two.id);
}

static void the_status_tells_of_the_hub_and_of_what_the_adapter_knows(void **state)
{
    struct world *w = *state;
    struct request r = {.kind = REQUEST_COMMAND,
                        .conn = &w->owner,
                        .status_members = STR("\"identities\":1,\"durability\":\"process\",\"healthy\":true")};
    struct conn dev;
    cJSON *response;
    char want[256];

    hub_announce(w->hub, "hub-ready", w->now, &w->out);
    assert_true(world_commit(w));
    world_pass(w, 61);
    world_create(w, "dev1");
    world_connect(w, &dev, "dev1");
    r.command = world_json(w, "{'command':'hub.status'}");
    assert_int_equal(world_turn(w, &r), HUB_SWALLOW);
    response = world_read(w, world_out(w, OUT_PUBLISH, 0)->body);
    (void)snprintf(want, sizeof want,
                   "{'hostname':'" WORLD_HOST "','version':'" TWINSIM_VERSION
                   "','profile':'gw-v2','uptimeSeconds':61,'connected':1,"
                   "'listeners':true,'seq':%d,'identities':1,'durability':'process','healthy':true}",
                   (int)w->seq);
    assert_json(w, response, "body", want);
    world_listen(w, false);
    assert_json(w, world_status(w), "listeners", "false");
}

/* The store could not give the twin: told as our failure, and only of the commands that want it. */
static void a_twin_that_could_not_be_read_is_a_500(void **state)
{
    static const struct {
        const char *name, *members;
        int status;
    } rows[] = {{"twin.show", "", 500},
                {"twin.update", ",'patch':{}", 500},
                {"identity.export", "", 500},
                {"device.show", "", 200},
                {"twin.history", "", 200}};
    struct world *w = *state;

    world_create(w, "dev1");
    for (size_t n = 0; n < COUNT(rows); n++) {
        struct request r = {.kind = REQUEST_COMMAND, .conn = &w->owner, .now = w->now};
        char text[256];
        cJSON *response;

        (void)snprintf(text, sizeof text, "{'command':'%s','deviceId':'dev1'%s}", rows[n].name, rows[n].members);
        r.command = world_json(w, text);
        hub_trim(w->hub);
        (void)hub_put(w->hub, world_load(w, STR("dev1"), false));
        world_begin(w);
        request_read(&r);
        (void)hub_handle(w->hub, &r, &w->out);
        response = world_read(w, world_out(w, OUT_PUBLISH, 0)->body);
        assert_int_equal(json_number(response, "status"), rows[n].status);
        if (rows[n].status == 500)
            assert_json(w, response, "body.errorCode", "500001");
        assert_int_equal(w->out.len, 1);
    }
}

/* --- faults ------------------------------------------------------------------------------------------------------- */

static void a_fault_disconnects_whoever_is_there(void **state)
{
    struct world *w = *state;
    struct conn dev, mod;
    cJSON *body, *fault;

    build(w);
    world_connect(w, &dev, "dev1");
    world_connect(w, &mod, "dev1/m");
    body = world_ask(w, "fault.add", "'deviceId':'dev1','moduleId':'m','type':'disconnect'");
    assert_json(w, body, "", "{'id':1,'closed':true}");
    fault = world_event(w, "fault");
    assert_json(w, fault, "id", "1");
    assert_json(w, fault, "layer", "'identity'");
    assert_json(w, fault, "type", "'disconnect'");
    assert_json(w, fault, "module", "'m'");
    assert_json(w, fault, "cause", "'c-fault.add'");
    assert_int_equal(json_number(fault, "conn"), mod.no);
    assert_int_equal(json_number(fault, "planned_us"), w->now.mono_us);
    assert_int_equal(json_number(fault, "actual_us"), w->now.mono_us);
    assert_json(w, world_event(w, "disconnected"), "reason", "'fault'");
    assert_int_equal(world_out(w, OUT_CLOSE, 0)->conn, mod.no);
    assert_int_equal(world_out(w, OUT_CLOSE, 0)->ended, ENDED_FAULT);
    assert_true(hub_is_live(w->hub, STR("dev1"), dev.no));
    body = world_ask(w, "fault.add", "'deviceId':'dev1','moduleId':'m','type':'disconnect'");
    assert_json(w, body, "", "{'id':2,'closed':false}");
    assert_int_equal(world_count(w, OUT_CLOSE), 0);
    assert_json(w, world_event(w, "fault"), "conn", NULL);
    world_connect(w, &mod, "dev1/m"); /* and it may come again */
}

/* A message that is too long for its place ends behind a whole character: a JSON text is UTF-8. */
static void a_long_mistake_is_told_in_whole_characters(void **state)
{
    struct world *w = *state;
    const char *const replaced = "\xef\xbf\xbd"; /* what half a character is read as */
    char letters[2 * 200 + 1], id[2 * 200 + 8];

    for (size_t n = 0; n < 200; n++)
        memcpy(letters + 2 * n, "\xc3\xa9", 3); /* e with an accent */
    for (size_t shift = 0; shift < 2; shift++) {
        const char *const before[] = {"", "x"};
        const char *why;

        (void)snprintf(id, sizeof id, "%s%s", before[shift], letters);
        why = world_refused(w, 400, 400004, id, "'deviceId':'dev1'");
        assert_true(strlen(why) > 250 && !strstr(why, replaced));
        why = world_refused(w, 400, 400004, "query", "'query':'SELECT * FROM %s%s'", before[shift], letters);
        assert_true(!strstr(why, replaced));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_policy_may_do_what_is_its_own_and_nothing_else),
        WORLD_TEST(a_long_mistake_is_told_in_whole_characters),
        WORLD_TEST(what_nobody_may_ask_is_not_looked_up),
        WORLD_TEST(what_is_no_command_is_refused),
        WORLD_TEST(a_member_that_a_command_does_not_have_is_refused_by_name),
        WORLD_TEST(a_command_without_a_good_id_is_refused),
        WORLD_TEST(a_command_about_somebody_unknown_says_who_is_missing),
        WORLD_TEST(a_member_of_the_wrong_type_or_out_of_range_is_refused),
        WORLD_TEST(correlation_data_comes_back_and_names_the_cause),
        WORLD_TEST(an_answer_goes_to_the_asking_client_alone),
        WORLD_TEST(the_status_tells_of_the_hub_and_of_what_the_adapter_knows),
        WORLD_TEST(a_twin_that_could_not_be_read_is_a_500),
        WORLD_TEST(a_fault_disconnects_whoever_is_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
