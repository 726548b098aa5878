/* test_hub_twin.c - twins as the service sees them and replaces them, and what the device hears of it. */
#include <stdio.h>

#include "hub_world.h"

#define DESIRED_TOPIC "$iothub/twin/PATCH/properties/desired/?$version="

static cJSON *replace(struct world *w, const char *document)
{
    return world_ask(w, "twin.replace", "'deviceId':'dev1','twin':%s", document);
}

/* What the last turn told the device, which must be told: topic by version, and the body. */
static void assert_told(struct world *w, int version, const char *want)
{
    char topic[96];

    (void)snprintf(topic, sizeof topic, DESIRED_TOPIC "%d", version);
    assert_json(w, world_read(w, assert_sent(w, "dev1", topic)), "", want);
    assert_false(world_out(w, OUT_PUBLISH, 0)->is_answer);
}

/* --- what a twin looks like ----------------------------------------------------------------------------------------- */

/* facts T-01 */
static void a_new_twin_is_at_its_first_versions_and_empty(void **state)
{
    static const char *const ids[] = {"dev1", "dev1/m"};
    struct world *w = *state;

    for (size_t n = 0; n < COUNT(ids); n++) {
        cJSON *twin;

        world_create(w, ids[n]);
        twin = world_twin(w, ids[n]);
        assert_json(w, twin, "etag", "'AAAAAAAAAAE='");
        assert_json(w, twin, "version", "2");
        assert_json(w, twin, "tags", NULL);
        assert_json(w, twin, "properties",
                    "{'desired':{'$metadata':{'$lastUpdated':'2030-01-01T00:00:00Z'},'$version':1},"
                    "'reported':{'$metadata':{'$lastUpdated':'2030-01-01T00:00:00Z'},'$version':1}}");
        assert_json(w, twin, "statusUpdateTime", "'0001-01-01T00:00:00Z'");
        assert_json(w, twin, "lastActivityTime", "'0001-01-01T00:00:00Z'");
    }
}

/* In the order of the captures. */
static void the_services_twin_has_the_members_of_the_real_one_in_their_order(void **state)
{
    static const char device[] = "deviceId etag deviceEtag status statusReason statusUpdateTime connectionState "
                                 "lastActivityTime cloudToDeviceMessageCount authenticationType x509Thumbprint modelId "
                                 "version tags properties capabilities deviceScope ";
    static const char module[] = "deviceId moduleId etag deviceEtag status statusUpdateTime connectionState "
                                 "lastActivityTime cloudToDeviceMessageCount authenticationType x509Thumbprint modelId "
                                 "version properties ";
    static const struct {
        const char *id, *members;
    } rows[] = {{"dev1", device}, {"dev1/m", module}};
    struct world *w = *state;

    world_create(w, "dev1");
    world_create(w, "dev1/m");
    (void)world_ask(w, "device.update", "'deviceId':'dev1','statusReason':'why not','iotEdge':true");
    world_tag(w, "{'a':1}");
    for (size_t n = 0; n < COUNT(rows); n++) {
        cJSON *twin = world_twin(w, rows[n].id);
        struct buf names;

        buf_init(&names, 0);
        for (const cJSON *m = twin->child; m; m = m->next)
            buf_addf(&names, "%s ", m->string);
        assert_string_equal(names.at, rows[n].members);
        buf_done(&names);
        assert_json(w, twin, "x509Thumbprint", "{'primaryThumbprint':null,'secondaryThumbprint':null}");
        assert_json(w, twin, "authenticationType", "'sas'");
        assert_json(w, twin, "status", "'enabled'");
        assert_json(w, twin, "cloudToDeviceMessageCount", "0");
    }
    assert_json(w, world_twin(w, "dev1"), "capabilities", "{'iotEdge':true}");
    assert_json(w, world_twin(w, "dev1"), "statusReason", "'why not'");
}

/* --- counters and notes ---------------------------------------------------------------------------------------------- */

/* facts T-02 to T-05, M-34 */
static void each_kind_of_write_moves_its_own_counters(void **state)
{
    struct world *w = *state;
    struct conn dev;

    world_create(w, "dev1");
    world_twin_client(w, &dev, "dev1");
    assert_versions(w, "dev1", 1, 2, 1, 1);
    world_report(w, &dev, "{'a':1}", 204);
    assert_versions(w, "dev1", 1, 3, 1, 2);
    (void)world_desire(w, "{'a':1}");
    assert_told(w, 2, "{'a':1,'$version':2}");
    assert_versions(w, "dev1", 2, 4, 2, 2);
    world_tag(w, "{'site':'A'}");
    assert_nothing_sent(w);
    assert_json(w, world_event(w, "tags"), "patch", "{'site':'A'}");
    assert_json(w, world_event(w, "tags"), "etag", "'AAAAAAAAAAM='");
    assert_json(w, world_event(w, "tags"), "replace", "false");
    assert_int_equal(world_count_events(w, "desired"), 0);
    assert_versions(w, "dev1", 3, 5, 2, 2);
    (void)world_ask(w, "twin.update",
                    "'deviceId':'dev1','patch':{'tags':{'site':'B'},'properties':{'desired':{'b':2}}}");
    assert_told(w, 3, "{'b':2,'$version':3}");
    assert_int_equal(world_count_events(w, "tags"), 1);
    assert_json(w, world_event(w, "desired"), "version", "3");
    assert_json(w, world_event(w, "desired"), "patch", "{'b':2}");
    assert_json(w, world_event(w, "desired"), "replace", "false");
    assert_json(w, world_event(w, "desired"), "delivered", "true");
    assert_versions(w, "dev1", 4, 6, 3, 2);
    (void)world_desire(w, "{'b':2}"); /* a value that is there already counts, and is told */
    assert_told(w, 4, "{'b':2,'$version':4}");
    assert_versions(w, "dev1", 5, 7, 4, 2);
    world_report(w, &dev, "{}", 204);
    assert_versions(w, "dev1", 5, 8, 4, 3);
}

static void a_section_that_says_nothing_is_not_touched(void **state)
{
    static const char *const patches[] = {"{}",
                                          "{'tags':{}}",
                                          "{'properties':{}}",
                                          "{'properties':{'desired':{}}}",
                                          "{'tags':{},'properties':{'desired':{}}}",
                                          "{'properties':{'desired':{'$version':7}}}",
                                          "{'deviceId':'other','version':99,'etag':'x','status':'disabled'}"};
    struct world *w = *state;
    struct conn dev;

    world_create(w, "dev1");
    world_twin_client(w, &dev, "dev1");
    for (size_t n = 0; n < COUNT(patches); n++) {
        assert_json(w, world_ask(w, "twin.update", "'deviceId':'dev1','patch':%s", patches[n]), "version", "2");
        assert_int_equal(w->out.len, 1); /* the answer */
    }
    assert_versions(w, "dev1", 1, 2, 1, 1);
    assert_json(w, world_twin(w, "dev1"), "status", "'enabled'");
}

/* facts M-31 */
static void a_device_hears_the_patch_as_it_was_submitted_nulls_kept(void **state)
{
    static const struct {
        const char *patch, *told;
    } rows[] = {
        {"{'a':{'b':1,'c':2}}", "{'a':{'b':1,'c':2},'$version':2}"},
        {"{'a':{'b':null}}", "{'a':{'b':null},'$version':3}"},
        {"{'nothing':null}", "{'nothing':null,'$version':4}"},
        {"{'a':null}", "{'a':null,'$version':5}"},
        {"{'n':22.00,'big':4503599627370495,'u':'\\u00e9','l':[1,{'x':[]}]}",
         "{'n':22.00,'big':4503599627370495,'u':'\\u00e9','l':[1,{'x':[]}],'$version':6}"},
    };
    struct world *w = *state;
    struct conn dev;

    world_create(w, "dev1");
    world_twin_client(w, &dev, "dev1");
    for (size_t n = 0; n < COUNT(rows); n++) {
        (void)world_desire(w, rows[n].patch);
        assert_told(w, (int)n + 2, rows[n].told);
    }
    (void)world_desire(w, "{'f':22.00}");
    assert_string_equal(world_out(w, OUT_PUBLISH, 0)->body,
                        "{\"f\":22.00,\"$version\":7}"); /* numbers keep their text */
}

/* facts M-32, T-22 */
static void a_device_hears_of_a_replacement_what_is_there_and_what_is_gone(void **state)
{
    static const struct {
        const char *document, *told, *desired;
    } rows[] = {
        {"{'properties':{'desired':{'a':1,'b':2}}}", "{'a':1,'b':2}", "{'a':1,'b':2}"},
        {"{'properties':{'desired':{'a':1,'c':100}}}", "{'a':1,'b':null,'c':100}", "{'a':1,'c':100}"},
        {"{'properties':{'desired':{'a':{'x':1,'y':2},'c':100}}}", "{'a':{'x':1,'y':2},'c':100}",
         "{'a':{'x':1,'y':2},'c':100}"},
        {"{'properties':{'desired':{'a':{'x':1},'l':[1]}}}", "{'a':{'x':1,'y':null},'c':null,'l':[1]}",
         "{'a':{'x':1},'l':[1]}"},
        {"{'properties':{'desired':{'a':{'x':null},'l':[2],'n':null}}}", "{'a':{'x':null},'l':[2]}",
         "{'a':{},'l':[2]}"},
        {"{'properties':{'desired':{}}}", "{'a':null,'l':null}", "{}"},
        {"{'properties':{'desired':{'z':1}}}", "{'z':1}", "{'z':1}"},
        {"{'tags':{'t':1}}", "{'z':null}", "{}"}, /* a section that is missing becomes empty */
        {"{}", "{}", "{}"},
    };
    struct world *w = *state;
    struct conn dev;

    world_create(w, "dev1");
    world_twin_client(w, &dev, "dev1");
    for (size_t n = 0; n < COUNT(rows); n++) {
        cJSON *note;
        char topic[96];

        (void)replace(w, rows[n].document);
        (void)snprintf(topic, sizeof topic, DESIRED_TOPIC "%zu", n + 2);
        note = world_read(w, assert_sent(w, "dev1", topic));
        assert_int_equal(json_number(note, "$version"), n + 2);
        assert_json(w, world_event(w, "desired"), "patch", rows[n].told);
        assert_json(w, world_event(w, "desired"), "replace", "true");
        json_remove(note, "$version");
        assert_json(w, note, "", rows[n].told);
        assert_desired(w, rows[n].desired);
        assert_versions(w, "dev1", (int)n + 2, (int)n + 3, (int)n + 2, 1);
    }
}

static void a_replacement_replaces_tags_too(void **state)
{
    struct world *w = *state;

    world_create(w, "dev1");
    world_tag(w, "{'a':1,'b':{'c':2}}");
    (void)replace(w, "{'tags':{'b':{'d':3}}}");
    assert_json(w, world_event(w, "tags"), "replace", "true");
    assert_json(w, world_twin(w, "dev1"), "tags", "{'b':{'d':3}}");
    (void)replace(w, "{'properties':{'desired':{'a':1}}}");
    assert_json(w, world_event(w, "tags"), "patch", "{}");
    assert_json(w, world_twin(w, "dev1"), "tags", "{}");
    (void)replace(w, "{'tags':{'x':1},'properties':{'desired':null}}");
    assert_desired(w, "{}");
}

/* facts M-33 */
static void a_device_that_is_away_hears_nothing_later_and_gets_it_all(void **state)
{
    struct world *w = *state;
    struct conn dev;

    world_create(w, "dev1");
    world_twin_client(w, &dev, "dev1");
    world_end(w, &dev, ENDED_UNKNOWN);
    (void)world_desire(w, "{'a':1}");
    assert_nothing_sent(w);
    assert_json(w, world_event(w, "desired"), "delivered", "false");
    world_connect(w, &dev, "dev1");
    assert_nothing_sent(w);
    assert_int_equal(world_publish(w, &dev, "$iothub/twin/GET/?$rid=1", ""), HUB_SWALLOW);
    assert_string_equal(assert_sent(w, "dev1", "$iothub/twin/res/200/?$rid=1"),
                        "{\"desired\":{\"a\":1,\"$version\":2},\"reported\":{\"$version\":1}}");
    (void)world_desire(w, "{'a':2}"); /* the subscription has lived on */
    assert_told(w, 3, "{'a':2,'$version':3}");
    assert_int_equal(world_unsubscribe(w, &dev, "$iothub/twin/PATCH/properties/desired/#"), HUB_ACCEPT);
    (void)world_desire(w, "{'a':3}");
    assert_nothing_sent(w);
    assert_json(w, world_event(w, "desired"), "delivered", "false");
}

/* facts M-31 */
static void a_device_hears_nothing_of_its_own_reports(void **state)
{
    struct world *w = *state;
    struct conn dev;

    world_create(w, "dev1");
    world_twin_client(w, &dev, "dev1");
    world_report(w, &dev, "{'a':1}", 204);
    (void)assert_sent(w, "dev1", "$iothub/twin/res/204/?$rid=r&$version=2"); /* and only that */
}

/* facts T-27, T-28 */
static void a_whole_document_sent_back_is_taken_for_its_tags_and_desired_alone(void **state)
{
    struct world *w = *state;
    struct conn dev;
    cJSON *before, *after, *command;

    world_create(w, "dev1");
    world_twin_client(w, &dev, "dev1");
    world_report(w, &dev, "{'fw':'1.2','n':22.00}", 204);
    (void)world_ask(
        w, "twin.update",
        "'deviceId':'dev1','patch':{'tags':{'site':'A'},'properties':{'desired':{'cfg':{'rate':5.0},'l':[{'x':1}]}}}");
    before = world_twin(w, "dev1");
    for (int n = 0; n < 2; n++) {
        const char *const names[] = {"twin.update", "twin.replace"}, *const members[] = {"patch", "twin"};

        command = world_json(w, "{'deviceId':'dev1'}");
        assert_int_equal(json_set(command, "command", json_str(str_from(names[n]))), RC_OK);
        assert_int_equal(json_set(command, members[n], cJSON_Duplicate(before, true)), RC_OK);
        after = json_get(world_ask_tree(w, &w->owner, command), "body");
        assert_int_equal(json_number(after, "version"), json_number(before, "version") + 1 + n);
        assert_int_equal(json_number(after, "properties.desired.$version"), 3 + n);
        assert_true(
            json_eq(json_at_path(after, STR("properties.reported")), json_at_path(before, STR("properties.reported"))));
        assert_true(json_eq(json_get(after, "tags"), json_get(before, "tags")));
        assert_json(w, world_event(w, "desired"), "patch", "{'cfg':{'rate':5.0},'l':[{'x':1}]}");
        assert_desired(w, "{'cfg':{'rate':5.0},'l':[{'x':1}]}");
    }
    (void)world_ask(w, "twin.update", "'deviceId':'dev1','patch':{'properties':{'reported':{'fw':'evil','x':1}}}");
    (void)world_ask(w, "twin.replace", "'deviceId':'dev1','twin':{'properties':{'reported':{}}}");
    assert_json(w, world_twin(w, "dev1"), "properties.reported.fw", "'1.2'");
    assert_json(w, world_twin(w, "dev1"), "properties.reported.x", NULL);
    assert_json(w, world_twin(w, "dev1"), "properties.reported.$version", "2");
}

/* Known differences: null clears a section; both in one request. */
static void null_clears_a_section(void **state)
{
    struct world *w = *state;
    struct conn dev;

    world_create(w, "dev1");
    world_twin_client(w, &dev, "dev1");
    (void)world_ask(w, "twin.update",
                    "'deviceId':'dev1','patch':{'tags':{'a':1},'properties':{'desired':{'b':{'c':2},'d':3}}}");
    (void)world_ask(w, "twin.update", "'deviceId':'dev1','patch':{'tags':null,'properties':{'desired':{'d':4}}}");
    assert_told(w, 3, "{'d':4,'$version':3}");
    assert_json(w, world_event(w, "tags"), "patch", "null");
    assert_json(w, world_twin(w, "dev1"), "tags", "{}");
    assert_desired(w, "{'b':{'c':2},'d':4}");
    assert_versions(w, "dev1", 3, 4, 3, 1);
    (void)world_ask(w, "twin.update", "'deviceId':'dev1','patch':{'tags':{'t':1},'properties':{'desired':null}}");
    assert_told(w, 4, "{'b':null,'d':null,'$version':4}");
    assert_desired(w, "{}");
    assert_json(w, world_twin(w, "dev1"), "tags", "{'t':1}");
    assert_versions(w, "dev1", 4, 5, 4, 1);
    (void)world_ask(w, "twin.update", "'deviceId':'dev1','patch':{'tags':null,'properties':{'desired':null}}");
    assert_versions(w, "dev1", 5, 6, 5, 1);
}

/* --- whose twin ---------------------------------------------------------------------------------------------------------------- */

/* facts T-29 */
static void a_modules_twin_is_its_own(void **state)
{
    struct world *w = *state;
    struct conn dev, mod;

    world_create(w, "dev1");
    world_create(w, "dev1/m");
    world_twin_client(w, &dev, "dev1");
    world_twin_client(w, &mod, "dev1/m");
    (void)world_ask(w, "twin.update",
                    "'deviceId':'dev1','moduleId':'m','patch':{'tags':{'x':1},'properties':{'desired':{'a':1}}}");
    assert_json(w, world_read(w, assert_sent(w, "dev1/m", DESIRED_TOPIC "2")), "", "{'a':1,'$version':2}");
    assert_json(w, world_event(w, "desired"), "module", "'m'");
    world_report(w, &mod, "{'r':1}", 204);
    assert_versions(w, "dev1", 1, 2, 1, 1);
    assert_versions(w, "dev1/m", 2, 4, 2, 2);
    world_report(w, &dev, "{'d':1}", 204);
    assert_json(w, world_twin(w, "dev1/m"), "properties.reported.d", NULL);
    assert_json(w, world_twin(w, "dev1"), "properties.reported.r", NULL);
    assert_json(w, world_twin(w, "dev1"), "tags", NULL);
}

/* facts T-25, T-26 */
static void a_deleted_twin_is_gone_and_one_made_again_begins_anew(void **state)
{
    static const char *const names[] = {"twin.show", "twin.update", "twin.replace", "twin.history"};
    static const char *const rest[] = {"", ",'patch':{}", ",'twin':{}", ""};
    struct world *w = *state;
    char *generation;

    world_create(w, "dev1");
    world_create(w, "dev1/m");
    (void)world_desire(w, "{'a':1}");
    generation = copy_exact(json_word(world_ask(w, "device.show", "'deviceId':'dev1'"), "generationId"), 19);
    (void)world_ask(w, "module.delete", "'deviceId':'dev1','moduleId':'m'");
    for (size_t n = 0; n < COUNT(names); n++)
        (void)world_refused(w, 404, 404010, names[n], "'deviceId':'dev1','moduleId':'m'%s", rest[n]);
    (void)world_ask(w, "device.delete", "'deviceId':'dev1'");
    for (size_t n = 0; n < COUNT(names); n++) {
        (void)world_refused(w, 404, 404001, names[n], "'deviceId':'dev1'%s", rest[n]);
        (void)world_refused(w, 404, 404001, names[n], "'deviceId':'dev1','moduleId':'m'%s", rest[n]);
    }
    world_pass(w, 5);
    world_create(w, "dev1");
    assert_versions(w, "dev1", 1, 2, 1, 1);
    assert_desired(w, "{}");
    assert_json(w, world_twin(w, "dev1"), "properties.desired.$metadata.$lastUpdated", "'2030-01-01T00:00:05Z'");
    assert_memory_not_equal(json_word(world_ask(w, "device.show", "'deviceId':'dev1'"), "generationId"), generation,
                            18);
    free(generation);
}

/* facts T-31 */
static void disabling_a_device_changes_its_own_etag_and_not_its_twins(void **state)
{
    struct world *w = *state;
    cJSON *before, *after;

    world_create(w, "dev1");
    (void)world_desire(w, "{'a':1}");
    before = world_twin(w, "dev1");
    world_pass(w, 7);
    (void)world_ask(w, "device.update", "'deviceId':'dev1','status':'disabled','statusReason':'lost'");
    after = world_twin(w, "dev1");
    assert_string_not_equal(json_word(before, "deviceEtag"), json_word(after, "deviceEtag"));
    assert_string_equal(json_word(before, "etag"), json_word(after, "etag"));
    assert_int_equal(json_number(before, "version"), json_number(after, "version"));
    assert_true(json_eq(json_get(before, "properties"), json_get(after, "properties")));
    assert_json(w, after, "status", "'disabled'");
    assert_json(w, after, "statusReason", "'lost'");
    assert_json(w, after, "statusUpdateTime", "'2030-01-01T00:00:07Z'");
    (void)world_desire(w, "{'a':2}"); /* a disabled device's twin can be read and written */
    before = world_twin(w, "dev1");
    assert_string_equal(json_word(before, "deviceEtag"), json_word(after, "deviceEtag"));
}

/* --- history ------------------------------------------------------------------------------------------------------------------ */

/* "kind version,.. " of the items of a page. */
static void assert_page(struct world *w, const cJSON *page, const char *want)
{
    struct buf b;

    buf_init(&b, 0);
    for (const cJSON *item = json_get(page, "items")->child; item; item = item->next)
        buf_addf(&b, "%s %d,%d,%d; ", json_word(item, "kind"), (int)json_number(item, "version"),
                 (int)json_number(item, "desiredVersion"), (int)json_number(item, "reportedVersion"));
    assert_string_equal(b.len ? b.at : "", want);
    buf_done(&b);
    (void)w;
}

static void history_tells_every_write_newest_first_without_keys(void **state)
{
    struct world *w = *state;
    struct conn dev;
    cJSON *page, *items;

    world_create(w, "dev1");
    world_twin_client(w, &dev, "dev1");
    world_pass(w, 1);
    world_report(w, &dev, "{'fw':1.0}", 204);
    (void)world_ask(w, "device.renew-key", "'deviceId':'dev1','keyType':'both'");
    world_pass(w, 1);
    (void)world_ask(
        w, "twin.update",
        "'deviceId':'dev1','patch':{'tags':{'t':1},'properties':{'desired':{'a':null},'reported':{'x':1}}}");
    (void)world_ask(w, "device.update", "'deviceId':'dev1','status':'disabled'");
    (void)replace(w, "{'properties':{'desired':{'a':2}}}");
    page = world_ask(w, "twin.history", "'deviceId':'dev1'");
    assert_page(w, page, "replaced 5,3,2; patched 4,2,2; reported 3,1,2; created 2,1,1; ");
    assert_json(w, page, "next", NULL);
    items = json_get(page, "items");
    assert_json(w, cJSON_GetArrayItem(items, 0), "body", "{'desired':{'a':2}}");
    assert_json(w, cJSON_GetArrayItem(items, 1), "body", "{'tags':{'t':1},'desired':{'a':null}}");
    assert_json(w, cJSON_GetArrayItem(items, 1), "at", "'2030-01-01T00:00:02Z'");
    assert_json(w, cJSON_GetArrayItem(items, 2), "body", "{'fw':1.0}");
    assert_json(w, cJSON_GetArrayItem(items, 3), "body", NULL); /* it would hold the keys */
}

static void history_comes_in_pages_that_miss_nothing(void **state)
{
    struct world *w = *state;
    int64_t next = 0;
    int seen = 0, pages = 0;

    world_create(w, "dev1");
    for (int n = 0; n < 5; n++) {
        (void)world_desire(w, "{'a':1}");
        for (int k = 0; k < 3; k++)
            (void)world_ask(w, "device.renew-key", "'deviceId':'dev1','keyType':'swap'");
    }
    do {
        char before[48] = "";
        cJSON *page;

        if (next)
            (void)snprintf(before, sizeof before, ",'before':%d", (int)next);
        page = world_ask(w, "twin.history", "'deviceId':'dev1','top':2%s", before);
        for (const cJSON *item = json_get(page, "items")->child; item; item = item->next)
            assert_int_equal(json_number(item, "version"), 7 - seen++);
        next = json_get(page, "next") ? json_number(page, "next") : 0;
        assert_true(++pages <= 3);
    } while (next);
    assert_int_equal(seen, 6);
    assert_page(w, world_ask(w, "twin.history", "'deviceId':'dev1','before':3"), "created 2,1,1; ");
    assert_page(w, world_ask(w, "twin.history", "'deviceId':'dev1','before':1"), "");
    assert_page(w, world_ask(w, "twin.history", "'deviceId':'dev1','before':100,'top':1"), "patched 7,6,1; ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_new_twin_is_at_its_first_versions_and_empty),
        WORLD_TEST(the_services_twin_has_the_members_of_the_real_one_in_their_order),
        WORLD_TEST(each_kind_of_write_moves_its_own_counters),
        WORLD_TEST(a_section_that_says_nothing_is_not_touched),
        WORLD_TEST(a_device_hears_the_patch_as_it_was_submitted_nulls_kept),
        WORLD_TEST(a_device_hears_of_a_replacement_what_is_there_and_what_is_gone),
        WORLD_TEST(a_replacement_replaces_tags_too),
        WORLD_TEST(a_device_that_is_away_hears_nothing_later_and_gets_it_all),
        WORLD_TEST(a_device_hears_nothing_of_its_own_reports),
        WORLD_TEST(a_whole_document_sent_back_is_taken_for_its_tags_and_desired_alone),
        WORLD_TEST(null_clears_a_section),
        WORLD_TEST(a_modules_twin_is_its_own),
        WORLD_TEST(a_deleted_twin_is_gone_and_one_made_again_begins_anew),
        WORLD_TEST(disabling_a_device_changes_its_own_etag_and_not_its_twins),
        WORLD_TEST(history_tells_every_write_newest_first_without_keys),
        WORLD_TEST(history_comes_in_pages_that_miss_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
