/* fuzz_fault.c - a fault is read, strikes, and is added to a hub whose device goes on talking. Input: the fault; below it, a line for
 * each operation: a digit, an identity, a topic. */
#include "fuzz.h"

#include "hub_world.h"

#include "fault.h"

static char *print(const struct fault *f)
{
    struct buf b;
    char *text;

    buf_init(&b, 0);
    fault_print(&b, f);
    text = buf_take(&b, NULL);
    assert_non_null(text);
    return text;
}

/* What is listed can be given again, and is listed the same. */
static void assert_rereads(const struct fault *f)
{
    char *text = print(f), *again;
    struct fault *back = NULL;
    struct refusal why = {0, 0, "", ""};
    cJSON *tree = NULL;

    assert_int_equal(json_read(str_from(text), &tree, NULL), RC_OK);
    assert_int_equal(json_get(tree, "injected")->valuedouble, 0);
    json_remove(tree, "id");
    json_remove(tree, "injected");
    assert_int_equal(fault_read(tree, 1000, &back, &why), RC_OK);
    assert_true(fault_is_valid(back));
    again = print(back);
    assert_string_equal(text, again);
    free(again);
    free(text);
    fault_free(back);
    cJSON_Delete(tree);
}

static void strike(struct fault *f, struct str rest)
{
    int64_t now_us = 1000;

    while (rest.at) {
        struct str topic = fuzz_line(&rest), id = str_cut(&topic, ' ');
        enum fault_operation op = (enum fault_operation)((id.len ? (unsigned char)id.at[0] : 0u) % FAULT_OPERATIONS);
        int64_t seen = f->seen, injected = f->injected;
        bool was_spent = f->is_spent, does;

        id = str_skip(id, 1);
        does = fault_strikes(f, op, id, topic.at ? topic : STR(""), now_us);
        assert_true(f->injected == injected + does && f->seen >= seen + does);
        assert_true(!does || (!was_spent && fault_covers(f, id) && (f->operations & 1u << op)));
        assert_true(!f->times || f->injected <= f->times);
        assert_true(fault_is_valid(f));
        now_us += 10001;
    }
}

/* GET, report, send, hear of a change. Whatever goes wrong, the laws of the world hold. */
static void talk(struct world *w, struct conn *dev)
{
    if (!hub_is_live(w->hub, STR("dev1"), dev->no) && world_login(w, dev, "dev1", NULL) != HUB_ACCEPT)
        return;
    if (world_subscribe(w, dev, "$iothub/twin/res/#", 1) != HUB_ACCEPT ||
        world_subscribe(w, dev, "$iothub/twin/PATCH/properties/desired/#", 1) != HUB_ACCEPT)
        return;
    for (int n = 0; n < 3; n++) {
        static const char *const topics[] = {"$iothub/twin/GET/?$rid=1",
                                             "$iothub/twin/PATCH/properties/reported/?$rid=2",
                                             "devices/dev1/messages/events/a=b"};

        for (size_t t = 0; t < COUNT(topics); t++)
            if (hub_is_live(w->hub, STR("dev1"), dev->no))
                (void)world_publish(w, dev, topics[t], t == 0 ? "" : "{\"a\":1}");
        (void)world_desire(w, "{'x':{'y':1}}");
        w->now.us += WORLD_SECOND / 10;
        w->now.mono_us += WORLD_SECOND / 10;
        (void)world_tick(w);
    }
}

static void check_hub(const cJSON *fault, bool is_readable)
{
    static struct world w;
    cJSON *command = cJSON_Duplicate(fault, true), *response;
    struct conn dev;

    world_init(&w);
    world_create(&w, "dev1");
    world_twin_client(&w, &dev, "dev1");
    if (cJSON_IsObject(command))
        assert_int_equal(json_set(command, "command", json_str(STR("fault.add"))), RC_OK);
    response = world_ask_tree(&w, &w.owner, command);
    cJSON_Delete(command);
    /* What can be read may be refused for whom it names, and for nothing else; what cannot is refused. */
    if (json_number(response, "status") == 200)
        assert_true(is_readable);
    else
        assert_true(!is_readable || json_get(fault, "deviceId") || json_get(fault, "on"));
    talk(&w, &dev);
    world_check(&w);
    (void)world_ask(&w, "fault.clear", "%s", "");
    assert_null(json_get(world_ask(&w, "fault.list", "%s", ""), "items")->child);
    /* Without faults, all is well. */
    if (!hub_is_live(w.hub, STR("dev1"), dev.no))
        world_connect(&w, &dev, "dev1");
    assert_int_equal(world_subscribe(&w, &dev, "$iothub/twin/res/#", 1), HUB_ACCEPT);
    assert_int_equal(world_publish(&w, &dev, "$iothub/twin/GET/?$rid=9", ""), HUB_SWALLOW);
    assert_non_null(strstr(assert_sent(&w, "dev1", "$iothub/twin/res/200/?$rid=9"), "\"desired\""));
    world_check(&w);
    world_done(&w);
}

/* Both are views of texts that the command has checked before. */
static bool has_valid_ids(const cJSON *tree)
{
    static const char *const keys[] = {"deviceId", "moduleId"};

    for (size_t n = 0; n < COUNT(keys); n++) {
        const cJSON *id = json_get(tree, keys[n]);

        if (id && (!cJSON_IsString(id) || !ident_part_is_valid(str_from(id->valuestring))))
            return false;
    }
    return json_get(tree, "deviceId") || !json_get(tree, "moduleId");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = fuzz_text(data, size), line = fuzz_line(&rest);
    struct refusal why = {0, 0, "", ""};
    struct fault *f = NULL;
    cJSON *tree = NULL;

    if (json_read(line, &tree, NULL))
        return 0;
    if (!cJSON_IsObject(tree) || !has_valid_ids(tree)) {
        check_hub(tree, false);
    } else if (fault_read(tree, 1000, &f, &why) == RC_OK) {
        assert_true(fault_is_valid(f));
        assert_rereads(f);
        strike(f, rest);
        check_hub(tree, true);
        fault_free(f);
    } else {
        assert_true(!f && why.status == 400 && why.message[0]);
        check_hub(tree, false);
    }
    cJSON_Delete(tree);
    return 0;
}
