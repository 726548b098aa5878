/* test_hub_identity.c - identities made, listed, changed, deleted, exported and brought back. */
#include <stdio.h>

#include "hub_world.h"

#define KEY_A "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
#define KEY_B "ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA="

static const char *key_text(struct world *w, const char *id, int64_t turn, bool is_secondary)
{
    struct sas_key key = world_key(id, turn, is_secondary);
    char text[SAS_KEY_TEXT_MAX + 2];

    text[0] = '"';
    sas_key_print(&key, text + 1);
    strcat(text, "\"");
    return world_json(w, text)->valuestring;
}

static void assert_keys(const cJSON *document, const char *primary, const char *secondary)
{
    assert_string_equal(json_word(document, "authentication.symmetricKey.primaryKey"), primary);
    assert_string_equal(json_word(document, "authentication.symmetricKey.secondaryKey"), secondary);
}

static const char *members_of(struct world *w, const cJSON *object)
{
    char text[1024] = "\"";

    for (const cJSON *m = object->child; m; m = m->next)
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%s ", m->string);
    (void)snprintf(text + strlen(text), sizeof text - strlen(text), "\"");
    return world_json(w, text)->valuestring;
}

/* --- creating ------------------------------------------------------------------------------------------------------ */

/* facts R-22 */
static void a_created_identity_has_the_members_of_the_real_one(void **state)
{
    struct world *w = *state;
    cJSON *device = world_ask(w, "device.create", "'deviceId':'dev1'"), *created = world_event(w, "created"), *module;

    assert_string_equal(members_of(w, device),
                        "deviceId generationId etag connectionState status statusUpdatedTime "
                        "connectionStateUpdatedTime lastActivityTime cloudToDeviceMessageCount authentication "
                        "capabilities ");
    assert_json(w, device, "status", "'enabled'");
    assert_json(w, device, "connectionState", "'Disconnected'");
    assert_json(w, device, "capabilities", "{'iotEdge':false}");
    assert_json(w, device, "authentication.type", "'sas'");
    assert_json(w, device, "authentication.x509Thumbprint", "{'primaryThumbprint':null,'secondaryThumbprint':null}");
    for (size_t n = 0; n < 3; n++) {
        const char *const never[] = {"statusUpdatedTime", "connectionStateUpdatedTime", "lastActivityTime"};

        assert_json(w, device, never[n], "'0001-01-01T00:00:00Z'");
    }
    assert_keys(device, key_text(w, "dev1", 0, false), key_text(w, "dev1", 0, true));
    assert_int_equal(strspn(json_word(device, "generationId"), "0123456789"), 18);
    assert_int_equal(strlen(json_word(device, "etag")), 12); /* base64 of nine digits */
    assert_string_equal(members_of(w, created), "seq time mono_us kind device cause status auth ");
    assert_json(w, created, "status", "'enabled'");
    assert_json(w, created, "auth", "'sas'");

    module = world_ask(w, "module.create", "'deviceId':'dev1','moduleId':'m'");
    assert_string_equal(members_of(w, module),
                        "moduleId managedBy deviceId generationId etag connectionState connectionStateUpdatedTime "
                        "lastActivityTime cloudToDeviceMessageCount authentication ");
    assert_json(w, world_event(w, "created"), "module", "'m'");
    assert_keys(module, key_text(w, "dev1/m", 0, false), key_text(w, "dev1/m", 0, true));
}

static void what_creation_says_is_what_is_made(void **state)
{
    struct world *w = *state;
    struct conn dev;
    cJSON *device;

    device = world_ask(w, "device.create",
                       "'deviceId':'dev1','status':'disabled','statusReason':'in the mail','iotEdge':true,"
                       "'primaryKey':'" KEY_A "','secondaryKey':'" KEY_B "',"
                       "'twin':{'tags':{'t':1},'properties':{'desired':{'a':1}}}");
    assert_keys(device, KEY_A, KEY_B);
    assert_json(w, device, "status", "'disabled'");
    assert_json(w, device, "statusReason", "'in the mail'");
    assert_json(w, device, "statusUpdatedTime", "'2030-01-01T00:00:00Z'");
    assert_json(w, device, "capabilities", "{'iotEdge':true}");
    assert_int_equal(world_count_events(w, "created"), 3); /* and the two modules of an edge device */
    assert_json(w, world_twin(w, "dev1"), "tags", "{'t':1}");
    assert_int_equal(world_login(w, &dev, "dev1", NULL), HUB_CLOSE);
    (void)world_ask(w, "module.create",
                    "'deviceId':'dev1','moduleId':'m','primaryKey':'" KEY_B "','secondaryKey':'" KEY_A "','twin':{}");
    (void)world_ask(w, "device.update", "'deviceId':'dev1','status':'enabled'");
    world_connect(w, &dev, "dev1");
    world_connect(w, &dev, "dev1/m");
}

/* facts R-21, T-38 */
static void an_edge_device_has_a_scope_and_the_modules_of_its_runtime(void **state)
{
    struct world *w = *state;
    char scope[64], want[64];

    cJSON *device = world_ask(w, "device.create", "'deviceId':'dev1','iotEdge':true");

    (void)snprintf(scope, sizeof scope, "%s", json_word(device, "deviceScope"));
    (void)snprintf(want, sizeof want, "ms-azure-iot-edge://dev1-%s", json_word(device, "generationId"));
    assert_string_equal(scope, want);
    assert_string_equal(json_word(world_twin(w, "dev1"), "deviceScope"), want);
    assert_json(w, world_twin(w, "dev1/$edgeAgent"), "version", "2");
    assert_json(w, world_twin(w, "dev1/$edgeHub"), "version", "2");
    (void)world_ask(w, "device.update", "'deviceId':'dev1','iotEdge':true");
    assert_int_equal(world_count_events(w, "created"), 0);
    (void)world_ask(w, "module.delete", "'deviceId':'dev1','moduleId':'$edgeHub'");
    (void)world_ask(w, "device.update", "'deviceId':'dev1','status':'disabled'");
    assert_int_equal(world_count_events(w, "created"), 0); /* only who says iotEdge asks for them */
    assert_int_equal(cJSON_GetArraySize(json_get(world_ask(w, "module.list", "'deviceId':'dev1'"), "items")), 1);
    assert_null(json_get(world_ask(w, "device.update", "'deviceId':'dev1','iotEdge':false"), "deviceScope"));
}

/* A twin file with $version is the state as it stands, one without begins at 1. */
static void a_twin_given_at_creation_is_taken_with_its_versions(void **state)
{
    struct world *w = *state;
    cJSON *twin;

    (void)world_ask(w, "device.create",
                    "'deviceId':'dev1','twin':{'etag':'AAAAAAAAAAk=','version':30,'tags':{'t':1},'properties':{"
                    "'desired':{'a':{'b':22.00},'$version':7},'reported':{'r':[1],'$version':20}}}");
    twin = world_twin(w, "dev1");
    assert_json(w, twin, "etag", "'AAAAAAAAAAk='");
    assert_json(w, twin, "version", "30");
    assert_json(w, twin, "properties.desired.$version", "7");
    assert_json(w, twin, "properties.reported.$version", "20");
    assert_json(w, twin, "properties.reported.r", "[1]");
    (void)world_ask(w, "twin.update", "'deviceId':'dev1','patch':{'properties':{'desired':{'a':{'c':1}}}}");
    assert_json(w, world_twin(w, "dev1"), "properties.desired.$version", "8");

    (void)world_ask(w, "device.create", "'deviceId':'dev2','twin':{'properties':{'desired':{'a':1}}}");
    twin = world_twin(w, "dev2");
    assert_json(w, twin, "etag", "'AAAAAAAAAAE='");
    assert_json(w, twin, "properties.desired.$version", "1");
    assert_json(w, twin, "properties.desired.a", "1");
    assert_json(w, twin, "properties.desired.$metadata.a.$lastUpdated", "'2030-01-01T00:00:00Z'");
}

static void what_exists_is_not_made_again(void **state)
{
    struct world *w = *state;
    struct conn dev;

    world_create(w, "dev1");
    world_create(w, "dev1/m");
    world_connect(w, &dev, "dev1");
    (void)world_refused(w, 409, 409001, "device.create", "'deviceId':'dev1'");
    (void)world_refused(w, 409, 409301, "module.create", "'deviceId':'dev1','moduleId':'m'");
    (void)world_refused(w, 404, 404001, "module.create", "'deviceId':'dev2','moduleId':'m'");
    (void)world_refused(w, 409, 409001, "identity.import", "'identity':{'deviceId':'dev1'}");
    (void)world_refused(w, 409, 409301, "identity.import", "'identity':{'deviceId':'dev1','moduleId':'m'}");
    (void)world_refused(w, 404, 404001, "identity.import", "'identity':{'deviceId':'dev2','moduleId':'m'}");
    assert_true(hub_is_live(w->hub, STR("dev1"), dev.no));
    world_create(w, "DEV1"); /* ids are case-sensitive: facts L-13 */
}

/* facts L-05 */
static void a_device_holds_fifty_modules(void **state)
{
    struct world *w = *state;

    world_create(w, "dev1");
    world_create(w, "dev2");
    for (unsigned n = 0; n < HUB_MODULES_MAX; n++)
        (void)world_ask(w, "module.create", "'deviceId':'dev1','moduleId':'m%u'", n);
    (void)world_refused(w, 413, 413003, "module.create", "'deviceId':'dev1','moduleId':'m50'");
    (void)world_refused(w, 413, 413003, "identity.import", "'identity':{'deviceId':'dev1','moduleId':'m50'}");
    (void)world_refused(w, 409, 409301, "module.create", "'deviceId':'dev1','moduleId':'m49'");
    world_create(w, "dev2/m50");
    /* one that is there may be replaced */
    (void)world_ask(w, "identity.import", "'identity':{'deviceId':'dev1','moduleId':'m7'},'replace':true");
    assert_int_equal(cJSON_GetArraySize(json_get(world_ask(w, "module.list", "'deviceId':'dev1'"), "items")),
                     HUB_MODULES_MAX);
    (void)world_ask(w, "module.delete", "'deviceId':'dev1','moduleId':'m0'");
    /* two more, where only one fits */
    (void)world_refused(w, 413, 413003, "device.update", "'deviceId':'dev1','iotEdge':true,'status':'disabled'");
    assert_json(w, world_ask(w, "device.show", "'deviceId':'dev1'"), "status", "'enabled'");
    (void)world_ask(w, "module.delete", "'deviceId':'dev1','moduleId':'m1'");
    (void)world_ask(w, "device.update", "'deviceId':'dev1','iotEdge':true");
    (void)world_ask(w, "device.update", "'deviceId':'dev1','iotEdge':true");
    (void)world_refused(w, 413, 413003, "module.create", "'deviceId':'dev1','moduleId':'m50'");
    (void)world_ask(w, "module.delete", "'deviceId':'dev1','moduleId':'m2'");
    world_create(w, "dev1/m50");
}

/* --- listing --------------------------------------------------------------------------------------------------------- */

/* "id id " of a page; modules as device/module. */
static const char *ids_of(struct world *w, const cJSON *page)
{
    char text[4096] = "\"";

    for (const cJSON *item = json_get(page, "items")->child; item; item = item->next)
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s%s ", json_word(item, "deviceId"),
                       json_get(item, "moduleId") ? "/" : "",
                       json_get(item, "moduleId") ? json_word(item, "moduleId") : "");
    (void)snprintf(text + strlen(text), sizeof text - strlen(text), "\"");
    return world_json(w, text)->valuestring;
}

static void devices_are_listed_in_order_and_in_pages(void **state)
{
    static const char *const ids[] = {"b", "a-1", "B", "c", "a", "a/m", "b/x", "b/a", "a.2"};
    struct world *w = *state;
    cJSON *page;

    page = world_ask(w, "device.list", "'top':1");
    assert_json(w, page, "", "{'items':[]}");
    for (size_t n = 0; n < COUNT(ids); n++)
        if (!strchr(ids[n], '/'))
            world_create(w, ids[n]);
    for (size_t n = 0; n < COUNT(ids); n++)
        if (strchr(ids[n], '/'))
            world_create(w, ids[n]);
    page = world_ask(w, "device.list", "'top':100");
    assert_string_equal(ids_of(w, page), "B a a-1 a.2 b c ");
    assert_json(w, page, "next", NULL);
    page = world_ask(w, "device.list", "'top':4");
    assert_string_equal(ids_of(w, page), "B a a-1 a.2 ");
    assert_json(w, page, "next", "'a.2'");
    page = world_ask(w, "device.list", "'top':2,'after':'a.2'");
    assert_string_equal(ids_of(w, page), "b c ");
    assert_json(w, page, "next", NULL);
    assert_string_equal(ids_of(w, world_ask(w, "device.list", "'after':'aa'")), "b c ");
    assert_string_equal(ids_of(w, world_ask(w, "device.list", "'after':''")), "B a a-1 a.2 b c ");
    assert_string_equal(ids_of(w, world_ask(w, "device.list", "'after':'z'")), "");
    assert_string_equal(ids_of(w, world_ask(w, "module.list", "'deviceId':'b'")), "b/a b/x ");
    assert_string_equal(ids_of(w, world_ask(w, "module.list", "'deviceId':'c'")), "");
    page = world_ask(w, "device.list", "'top':1");
    assert_true(json_eq(cJSON_GetArrayItem(json_get(page, "items"), 0), world_ask(w, "device.show", "'deviceId':'B'")));
}

static void a_list_holds_a_hundred_at_most(void **state)
{
    struct world *w = *state;
    cJSON *page;

    for (int n = 0; n <= (int)HUB_PAGE_MAX; n++)
        (void)world_ask(w, "device.create", "'deviceId':'d%03d'", n);
    page = world_ask(w, "device.list", "'after':''");
    assert_int_equal(cJSON_GetArraySize(json_get(page, "items")), HUB_PAGE_MAX);
    assert_json(w, page, "next", "'d099'");
    assert_string_equal(ids_of(w, world_ask(w, "device.list", "'after':'d099'")), "d100 ");
}

/* --- changing ---------------------------------------------------------------------------------------------------------- */

/* facts L-14, T-39 */
static void an_update_changes_what_it_names_and_nothing_else(void **state)
{
    struct world *w = *state;
    cJSON *document;
    char reason[2 * STATUS_REASON_MAX + 4];

    document = world_ask(w, "device.create", "'deviceId':'dev1','status':'enabled','statusReason':null");
    assert_json(w, document, "statusUpdatedTime", "'0001-01-01T00:00:00Z'"); /* nothing was ever changed */
    world_pass(w, 1);
    document = world_ask(w, "device.update", "'deviceId':'dev1','statusReason':'why'");
    assert_json(w, document, "statusReason", "'why'");
    assert_json(w, document, "status", "'enabled'");
    assert_json(w, document, "statusUpdatedTime", "'2030-01-01T00:00:01Z'");
    assert_keys(document, key_text(w, "dev1", 0, false), key_text(w, "dev1", 0, true));
    world_pass(w, 1);
    document = world_ask(w, "device.update", "'deviceId':'dev1','primaryKey':'" KEY_A "','secondaryKey':'" KEY_B "'");
    assert_keys(document, KEY_A, KEY_B);
    assert_json(w, document, "statusReason", "'why'");
    assert_json(w, document, "statusUpdatedTime", "'2030-01-01T00:00:01Z'");
    document = world_ask(w, "device.update", "'deviceId':'dev1','iotEdge':true");
    assert_json(w, document, "capabilities", "{'iotEdge':true}");
    assert_keys(document, KEY_A, KEY_B);
    document = world_ask(w, "device.update", "'deviceId':'dev1','status':'enabled'"); /* as it is: no change of it */
    assert_json(w, document, "statusUpdatedTime", "'2030-01-01T00:00:01Z'");
    document = world_ask(w, "device.update", "'deviceId':'dev1','statusReason':null,'iotEdge':false");
    assert_json(w, document, "statusReason", NULL);
    assert_json(w, document, "capabilities", "{'iotEdge':false}");
    /* 128 characters, which are more bytes */
    reason[0] = '\0';
    for (unsigned n = 0; n < STATUS_REASON_MAX; n++)
        strcat(reason, "\xc3\xa9");
    document = world_ask(w, "device.update", "'deviceId':'dev1','statusReason':'%s'", reason);
    assert_string_equal(json_word(document, "statusReason"), reason);
    assert_string_equal(json_word(world_ask(w, "identity.export", "'deviceId':'dev1'"), "statusReason"), reason);
    (void)world_refused(w, 400, 400004, "device.update", "'deviceId':'dev1','statusReason':'%s.'", reason);
    (void)world_refused(w, 400, 400004, "device.create", "'deviceId':'dev2','statusReason':'%s.'", reason);
    (void)world_refused(w, 400, 400004, "identity.import", "'identity':{'deviceId':'dev2','statusReason':'%s.'}",
                        reason);
    (void)world_ask(w, "identity.import", "'identity':{'deviceId':'dev2','statusReason':'%s'}", reason);
}

/* facts T-31 */
static void every_change_of_an_identity_gives_it_a_new_etag(void **state)
{
    static const struct {
        const char *name, *members;
    } rows[] = {{"device.update", "'deviceId':'dev1','iotEdge':true"},
                {"device.update", "'deviceId':'dev1','status':'disabled'"},
                {"device.renew-key", "'deviceId':'dev1','keyType':'swap'"},
                {"device.renew-key", "'deviceId':'dev1','keyType':'both'"}};
    struct world *w = *state;
    cJSON *before, *after;

    world_create(w, "dev1");
    before = world_ask(w, "device.show", "'deviceId':'dev1'");
    for (size_t n = 0; n < COUNT(rows); n++) {
        after = world_ask(w, rows[n].name, "%s", rows[n].members);
        assert_string_not_equal(json_word(before, "etag"), json_word(after, "etag"));
        assert_string_equal(json_word(before, "generationId"), json_word(after, "generationId"));
        assert_int_equal(world_count_events(w, "updated"), 1);
        assert_int_equal(world_out(w, OUT_STORE, 0)->change, CHANGE_UPDATED);
        before = after;
    }
    (void)world_ask(w, "twin.update", "'deviceId':'dev1','patch':{'tags':{'a':1}}");
    after = world_ask(w, "device.show", "'deviceId':'dev1'");
    assert_string_equal(json_word(before, "etag"), json_word(after, "etag"));
    assert_string_equal(json_word(world_twin(w, "dev1"), "deviceEtag"), json_word(after, "etag"));
}

static void a_bad_update_changes_nothing_of_the_good_beside_it(void **state)
{
    static const char *const rows[] = {
        "'status':'disabled','statusReason':5",
        "'status':'disabled','primaryKey':'" KEY_A "'",
        "'status':'disabled','primaryKey':'" KEY_A "','secondaryKey':'x'",
        "'status':'disabled','iotEdge':5",
        "'primaryKey':'" KEY_A "','secondaryKey':'" KEY_B "','status':'off'",
        "'iotEdge':true,'statusReason':'x','status':'off'",
        "'status':'disabled','twin':{}",
        "'statusReason':'x','authentication':{}",
    };
    struct world *w = *state;
    struct conn dev;
    char *before, *after;

    world_create(w, "dev1");
    world_twin_client(w, &dev, "dev1");
    before = world_print(w, "dev1");
    for (size_t n = 0; n < COUNT(rows); n++) {
        (void)world_refused(w, 400, 400004, "device.update", "'deviceId':'dev1',%s", rows[n]);
        assert_true(hub_is_live(w->hub, STR("dev1"), dev.no));
        world_check(w); /* neither in memory */
    }
    after = world_print(w, "dev1");
    assert_string_equal(before, after);
    free(before);
    free(after);
}

/* facts A-08 */
static void keys_are_renewed_one_by_one_both_or_swapped(void **state)
{
    static const struct {
        const char *type;
        int64_t turn[2];    /* primary, secondary */
        bool was_second[2]; /* derived as a secondary key */
    } rows[] = {
        {"primary", {1, 0}, {false, true}}, {"secondary", {1, 2}, {false, true}}, {"swap", {2, 1}, {true, false}},
        {"both", {3, 3}, {false, true}},    {"swap", {3, 3}, {true, false}},      {"primary", {4, 3}, {false, false}},
    };
    static const char *const ids[] = {"dev1", "dev1/m"};
    struct world *w = *state;

    world_create(w, "dev1");
    world_create(w, "dev1/m");
    for (size_t n = 0; n < COUNT(rows); n++)
        for (size_t k = 0; k < COUNT(ids); k++) {
            assert_keys(world_ask(w, "device.renew-key", "%s,'keyType':'%s'", world_ids(w, ids[k]), rows[n].type),
                        key_text(w, ids[k], rows[n].turn[0], rows[n].was_second[0]),
                        key_text(w, ids[k], rows[n].turn[1], rows[n].was_second[1]));
            if (n == 2)
                world_restart(w);
        }
}

/* --- deleting -------------------------------------------------------------------------------------------------------------- */

/* facts T-25, A-11 */
static void a_deleted_device_takes_its_modules_and_connections_with_it(void **state)
{
    struct world *w = *state;
    struct conn dev, mod, other, again;
    size_t stored;

    world_create(w, "dev1");
    world_create(w, "dev1/one");
    world_create(w, "dev1/two");
    world_create(w, "dev10");
    world_create(w, "dev10/one");
    world_twin_client(w, &dev, "dev1");
    world_twin_client(w, &mod, "dev1/two");
    world_connect(w, &other, "dev10/one");
    assert_json(w, world_ask(w, "device.delete", "'deviceId':'dev1'"), "", "{}");
    assert_int_equal(world_count_events(w, "deleted"), 3);
    assert_int_equal(world_count_events(w, "disconnected"), 2);
    assert_int_equal(world_count(w, OUT_CLOSE), 2);
    stored = world_count(w, OUT_STORE);
    assert_int_equal(stored, 3);
    for (size_t n = 0; n < stored; n++) {
        assert_int_equal(world_out(w, OUT_STORE, n)->change, CHANGE_DELETED);
        assert_true(str_starts(str_from(world_out(w, OUT_STORE, n)->to), STR("dev1")));
        assert_null(strstr(world_out(w, OUT_STORE, n)->to, "dev10"));
    }
    assert_int_equal(world_publish(w, &dev, "$iothub/twin/GET/?$rid=1", ""), HUB_CLOSE);
    assert_int_equal(world_publish(w, &mod, "devices/dev1/modules/two/messages/events/", "x"), HUB_CLOSE);
    world_end(w, &dev, ENDED_UNKNOWN);
    assert_int_equal(w->out.len, 0);
    assert_int_equal(world_login(w, &again, "dev1/two", NULL), HUB_CLOSE);
    assert_string_equal(w->why, "the hub has no such identity");
    assert_true(hub_is_live(w->hub, STR("dev10/one"), other.no));
    (void)world_refused(w, 404, 404001, "device.delete", "'deviceId':'dev1'");
    world_restart(w);
    world_create(w, "dev1");
    (void)world_refused(w, 404, 404010, "module.show", "'deviceId':'dev1','moduleId':'one'");
    assert_json(w, world_ask(w, "module.list", "'deviceId':'dev1'"), "items", "[]");
}

static void a_deleted_module_leaves_its_device_alone(void **state)
{
    struct world *w = *state;
    struct conn dev, mod;

    world_create(w, "dev1");
    world_create(w, "dev1/m");
    world_connect(w, &dev, "dev1");
    world_connect(w, &mod, "dev1/m");
    assert_json(w, world_ask(w, "module.delete", "'deviceId':'dev1','moduleId':'m'"), "", "{}");
    assert_json(w, world_event(w, "deleted"), "module", "'m'");
    assert_json(w, world_event(w, "disconnected"), "reason", "'identity'");
    assert_true(json_number(world_event(w, "deleted"), "seq") < json_number(world_event(w, "disconnected"), "seq"));
    assert_true(hub_is_live(w->hub, STR("dev1"), dev.no));
    (void)world_refused(w, 404, 404010, "module.delete", "'deviceId':'dev1','moduleId':'m'");
}

/* --- export and import -------------------------------------------------------------------------------------------------------- */

/* import it under the same name; the options are further members of the command. */
static cJSON *import_tree(struct world *w, const cJSON *identity, bool replace)
{
    cJSON *command = world_json(w, "{'command':'identity.import'}");

    assert_int_equal(json_set(command, "identity", cJSON_Duplicate(identity, true)), RC_OK);
    if (replace)
        assert_int_equal(json_set(command, "replace", cJSON_CreateTrue()), RC_OK);
    return world_ask_tree(w, &w->owner, command);
}

/* facts T-26: a cache with room forgets it just the same. */
static void a_deleted_identity_is_not_remembered(void **state)
{
    struct world *w = *state;

    w->options.cache_bytes = 0; /* the default, which holds all of this test */
    world_restart(w);
    world_create(w, "dev1");
    world_create(w, "dev1/m");
    (void)world_ask(w, "module.delete", "'deviceId':'dev1','moduleId':'m'");
    assert_null(hub_find(w->hub, STR("dev1/m")));
    world_create(w, "dev1/m");
    (void)world_ask(w, "device.delete", "'deviceId':'dev1'");
    assert_null(hub_find(w->hub, STR("dev1")));
    assert_null(hub_find(w->hub, STR("dev1/m")));
    world_create(w, "dev1");
}

static void what_was_exported_comes_back_byte_for_byte(void **state)
{
    static const char *const ids[] = {"dev1", "dev1/m"};
    struct world *w = *state;
    struct conn dev;

    world_create(w, "dev1");
    world_create(w, "dev1/m");
    for (size_t n = 0; n < COUNT(ids); n++) {
        world_twin_client(w, &dev, ids[n]);
        world_report(w, &dev, "{'fw':'1.2','n':22.00,'deep':{'l':[1,{'x':'\\u00e9\\\\'}]}}", 204);
        world_pass(w, 1);
        (void)world_ask(w, "twin.update",
                        "%s,'patch':{'tags':{'t':1.50},'properties':{'desired':{'cfg':{'a':1,'b':{}}}}}",
                        world_ids(w, ids[n]));
        (void)world_ask(w, "device.renew-key", "%s,'keyType':'primary'", world_ids(w, ids[n]));
        world_end(w, &dev, ENDED_CLIENT);
    }
    (void)world_ask(w, "device.update", "'deviceId':'dev1','statusReason':'r','iotEdge':true");
    for (size_t n = COUNT(ids); n-- > 0;) {
        struct login login = {.is_clean = true, .query = n ? NULL : "?model-id=dtmi:x;1"};
        cJSON *exported, *response;
        char *before, *after;

        assert_int_equal(world_login(w, &dev, ids[n], &login), HUB_ACCEPT);
        exported = world_ask(w, "identity.export", "%s", world_ids(w, ids[n]));
        before = json_text(exported);
        assert_int_equal(w->out.len, 1);
        response = import_tree(w, exported, false);
        assert_json(w, response, "status", "409");
        world_pass(w, 1000);
        response = import_tree(w, exported, true);
        assert_json(w, response, "status", "200");
        assert_int_equal(world_count_events(w, "deleted"), 1);
        assert_int_equal(world_count_events(w, "disconnected"), 1); /* who was connected authenticates again */
        assert_int_equal(world_count_events(w, "created"), 1);
        after = json_text(world_ask(w, "identity.export", "%s", world_ids(w, ids[n])));
        assert_string_equal(before, after);
        free(before);
        free(after);
        world_restart(w);
        assert_json(w, world_twin(w, "dev1/m"), "properties.reported.fw",
                    "'1.2'"); /* replacing a device keeps its modules */
        world_connect(w, &dev, ids[n]);
    }
}

static void a_document_written_by_hand_is_completed(void **state)
{
    struct world *w = *state;
    struct conn dev;
    cJSON *document;

    document = world_ask(w, "identity.import", "'identity':{'deviceId':'dev1'}");
    assert_keys(document, key_text(w, "dev1", 0, false), key_text(w, "dev1", 0, true));
    assert_int_equal(strlen(json_word(document, "generationId")), 18);
    assert_json(w, world_twin(w, "dev1"), "version", "2");
    world_connect(w, &dev, "dev1");
    document = world_ask(w, "identity.import",
                         "'identity':{'deviceId':'dev2','status':'disabled','authentication':{'symmetricKey':{"
                         "'primaryKey':'" KEY_A "','secondaryKey':'" KEY_B "'}},'capabilities':{'iotEdge':true},"
                         "'twin':{'properties':{'desired':{'a':1}}}}");
    assert_keys(document, KEY_A, KEY_B);
    assert_json(w, document, "status", "'disabled'");
    assert_json(w, document, "capabilities", "{'iotEdge':true}");
    assert_json(w, world_twin(w, "dev2"), "properties.desired.a", "1");
    /* as tools print what is absent */
    (void)world_ask(w, "identity.import",
                    "'identity':{'deviceId':'dev3','status':null,'statusReason':null,'modelId':null,'etag':null,"
                    "'generationId':null,'authentication':{'symmetricKey':{'primaryKey':null,'secondaryKey':null},"
                    "'type':'sas'},'capabilities':null,'lastActivityTime':null,'twin':null}");
    world_connect(w, &dev, "dev3");
}

static void a_bad_document_is_refused_and_what_was_there_stays(void **state)
{
    static const char *const rows[] = {
        "'status':'off'",
        "'status':5",
        "'statusReason':5",
        "'generationId':'123456789012345678901234'",
        "'generationId':5",
        "'modelId':5",
        "'keyTurn':-1",
        "'keyTurn':'1'",
        "'statusUpdatedTime':'yesterday'",
        "'lastActivityTime':5",
        "'connectionStateUpdatedTime':'2030-13-01T00:00:00Z'",
        "'authentication':5",
        "'authentication':{'type':'magic'}",
        "'authentication':{'type':5}",
        "'authentication':{'symmetricKey':[]}",
        "'authentication':{'symmetricKey':{'primaryKey':'" KEY_A "'}}",
        "'authentication':{'symmetricKey':{'primaryKey':'short','secondaryKey':'short'}}",
        "'authentication':{'symmetricKey':{'primaryKey':5,'secondaryKey':6}}",
        "'capabilities':{'iotEdge':'yes'}",
        "'capabilities':5",
        "'twin':5",
        "'twin':{'tags':[]}",
        "'twin':{'properties':{'reported':{'a b':1}}}",
        "'twin':{'version':-1}",
        "'etag':5",
    };
    struct world *w = *state;
    struct conn dev;
    char *before, *after;

    world_create(w, "dev1");
    world_twin_client(w, &dev, "dev1");
    before = world_print(w, "dev1");
    for (size_t n = 0; n < COUNT(rows); n++) {
        print_message("  %s\n", rows[n]);
        (void)world_refused(w, 400, 400004, "identity.import", "'identity':{'deviceId':'dev1',%s},'replace':true",
                            rows[n]);
        (void)world_refused(w, 400, 400004, "identity.import", "'identity':{'deviceId':'dev2',%s}", rows[n]);
    }
    after = world_print(w, "dev1");
    assert_string_equal(before, after);
    assert_true(hub_is_live(w->hub, STR("dev1"), dev.no));
    free(before);
    free(after);
}

/* facts A-11 */
static void a_device_replaced_by_a_disabled_one_closes_its_modules_too(void **state)
{
    struct world *w = *state;
    struct conn dev, mod;

    world_create(w, "dev1");
    world_create(w, "dev1/m");
    world_connect(w, &dev, "dev1");
    world_connect(w, &mod, "dev1/m");
    (void)world_ask(w, "identity.import", "'identity':{'deviceId':'dev1','status':'disabled'},'replace':true");
    assert_false(hub_is_live(w->hub, STR("dev1"), dev.no));
    assert_false(hub_is_live(w->hub, STR("dev1/m"), mod.no));
    assert_int_equal(world_count(w, OUT_CLOSE), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_created_identity_has_the_members_of_the_real_one),
        WORLD_TEST(what_creation_says_is_what_is_made),
        WORLD_TEST(an_edge_device_has_a_scope_and_the_modules_of_its_runtime),
        WORLD_TEST(a_twin_given_at_creation_is_taken_with_its_versions),
        WORLD_TEST(what_exists_is_not_made_again),
        WORLD_TEST(a_device_holds_fifty_modules),
        WORLD_TEST(devices_are_listed_in_order_and_in_pages),
        WORLD_TEST(a_list_holds_a_hundred_at_most),
        WORLD_TEST(an_update_changes_what_it_names_and_nothing_else),
        WORLD_TEST(every_change_of_an_identity_gives_it_a_new_etag),
        WORLD_TEST(a_bad_update_changes_nothing_of_the_good_beside_it),
        WORLD_TEST(keys_are_renewed_one_by_one_both_or_swapped),
        WORLD_TEST(a_deleted_device_takes_its_modules_and_connections_with_it),
        WORLD_TEST(a_deleted_module_leaves_its_device_alone),
        WORLD_TEST(a_deleted_identity_is_not_remembered),
        WORLD_TEST(what_was_exported_comes_back_byte_for_byte),
        WORLD_TEST(a_document_written_by_hand_is_completed),
        WORLD_TEST(a_bad_document_is_refused_and_what_was_there_stays),
        WORLD_TEST(a_device_replaced_by_a_disabled_one_closes_its_modules_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
