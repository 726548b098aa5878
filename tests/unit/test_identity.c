/* test_identity.c - does identity.h keep its promises: made, printed, read back, and folded from its rows? */
#include <stdio.h>

#include "identity.h"
#include "test.h"

#define DAY_US INT64_C(1893456000000000) /* 2030-01-01T00:00:00Z */
#define KEY_A  "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
#define KEY_B  "ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA="

static struct identity *made(const char *id)
{
    struct ident who;
    struct identity *i;

    assert_int_equal(ident_read(str_from(id), &who), RC_OK);
    i = identity_new(who);
    assert_non_null(i);
    return i;
}

static char *printed(const struct identity *i, void (*print)(struct buf *, const struct identity *))
{
    struct buf b;
    char *text;

    buf_init(&b, 0);
    print(&b, i);
    text = buf_take(&b, NULL);
    assert_non_null(text);
    return text;
}

static void print_whole(struct buf *b, const struct identity *i)
{
    identity_print(b, i, true);
}

static void print_alone(struct buf *b, const struct identity *i)
{
    identity_print(b, i, false);
}

/* Texts in the tests below write ' for ". */
static cJSON *tree_of(const char *text)
{
    char *copy = copy_exact(text, strlen(text) + 1);
    cJSON *tree = NULL;

    for (char *at = copy; *at; at++)
        if (*at == '\'')
            *at = '"';
    assert_int_equal(json_read(str_from(copy), &tree, NULL), RC_OK);
    free(copy);
    return tree;
}

static struct identity *read_text(const char *text)
{
    struct identity *i = NULL;
    struct refusal why;
    cJSON *doc = tree_of(text);

    assert_int_equal(identity_read(doc, DAY_US, &i, &why), RC_OK);
    cJSON_Delete(doc);
    return i;
}

static void fold_text(struct identity *i, enum change_kind kind, int64_t at_us, const char *text)
{
    cJSON *body = tree_of(text);

    assert_int_equal(identity_fold(i, kind, at_us, body), RC_OK);
    cJSON_Delete(body);
}

/* --- names ------------------------------------------------------------------------------------------------------- */

static void an_identity_knows_its_parts(void **state)
{
    struct identity *device = made("edge-1"), *module = made("edge-1/m");

    (void)state;
    assert_true(str_eq(identity_id(device), STR("edge-1")));
    assert_true(str_eq(identity_ident(device).device, STR("edge-1")));
    assert_false(ident_is_module(identity_ident(device)));
    assert_true(str_eq(identity_id(module), STR("edge-1/m")));
    assert_true(str_eq(identity_ident(module).device, STR("edge-1")));
    assert_true(str_eq(identity_ident(module).module, STR("m")));
    assert_true(device->is_enabled);
    assert_int_equal(device->conn, 0);
    assert_int_equal(device->token_ends_us, INT64_MAX);
    assert_null(device->twin);
    identity_free(device);
    identity_free(module);
    identity_free(NULL);
}

static void kinds_of_rows_have_their_names(void **state)
{
    static const char *const names[] = {"created", "updated", "reported", "patched", "replaced", "deleted"};

    (void)state;
    for (size_t n = 0; n < COUNT(names); n++)
        assert_string_equal(change_kind_name((enum change_kind)n), names[n]);
}

/* base64 of the decimal number, as captures show it */
static void the_etag_of_an_identity_is_a_number_in_base64(void **state)
{
    static const struct {
        int64_t tag;
        const char *etag;
    } rows[] = {{658817422, "NjU4ODE3NDIy"},
                {123456789, "MTIzNDU2Nzg5"},
                {7, "Nw=="},
                {INT64_MAX, "OTIyMzM3MjAzNjg1NDc3NTgwNw=="}};
    char etag[40];

    (void)state;
    for (size_t n = 0; n < COUNT(rows); n++) {
        char text[128];
        struct identity *i;

        identity_etag_print(rows[n].tag, etag);
        assert_string_equal(etag, rows[n].etag);
        (void)snprintf(text, sizeof text, "{'deviceId':'d','etag':'%s'}", etag);
        i = read_text(text);
        assert_int_equal(i->tag, rows[n].tag);
        identity_free(i);
    }
}

static void an_etag_of_somebody_else_counts_as_none(void **state)
{
    static const char *const etags[] = {"",
                                        "x",
                                        "****",
                                        "AAAA",
                                        "abcd",
                                        "LTE=",
                                        "OTIyMzM3MjAzNjg1NDc3NTgwOA==",
                                        "MTIzNDU2Nzg5MTIzNDU2Nzg5MTIzNDU2Nzg5MTIzNDU2Nzg5MTIzNDU2Nzg5"};

    (void)state;
    for (size_t n = 0; n < COUNT(etags); n++) {
        char text[128];
        struct identity *i;

        (void)snprintf(text, sizeof text, "{'deviceId':'d','etag':'%s'}", etags[n]);
        i = read_text(text);
        assert_int_equal(i->tag, 0);
        identity_free(i);
    }
}

/* facts L-14 */
static void a_status_reason_counts_characters(void **state)
{
    char text[4 * STATUS_REASON_MAX + 5] = "";

    (void)state;
    assert_true(status_reason_is_valid(STR("")));
    for (unsigned n = 0; n < STATUS_REASON_MAX; n++)
        strcat(text, n % 2 ? "\xf0\x9f\x98\x80" : "x");
    assert_true(status_reason_is_valid(str_from(text)));
    strcat(text, "x");
    assert_false(status_reason_is_valid(str_from(text)));
}

/* --- printing and reading ------------------------------------------------------------------------------------------ */

static const char whole[] =
    "{'deviceId':'d','generationId':'638000000000000000','etag':'Nw==','status':'disabled',"
    "'statusReason':'why \\u00e9','statusUpdatedTime':'2030-01-01T00:00:01.5Z',"
    "'connectionStateUpdatedTime':'2030-01-01T00:00:02Z','lastActivityTime':'0001-01-01T00:00:00Z',"
    "'modelId':'dtmi:x;1','authentication':{'symmetricKey':{'primaryKey':'" KEY_A "','secondaryKey':'" KEY_B "'},"
    "'x509Thumbprint':{'primaryThumbprint':null,'secondaryThumbprint':null},'type':'sas'},'keyTurn':3,"
    "'capabilities':{'iotEdge':true},'twin':{'etag':5,'version':9,'tags':{'t':1.50},'desired':{'a':{'b':22.00}},"
    "'reported':{}}}";

static void what_is_printed_reads_back_as_the_same_bytes(void **state)
{
    struct identity *i = read_text(whole), *again;
    char *one = printed(i, print_whole), *alone = printed(i, print_alone), *two;

    (void)state;
    assert_true(str_eq(identity_id(i), STR("d")));
    assert_false(i->is_enabled);
    assert_true(i->is_edge);
    assert_int_equal(i->key_turn, 3);
    assert_int_equal(i->tag, 7);
    assert_string_equal(i->status_reason, "why \xc3\xa9");
    assert_string_equal(i->model_id, "dtmi:x;1");
    assert_int_equal(i->status_updated_us, DAY_US + 1500000);
    assert_int_equal(i->last_activity_us, INSTANT_NONE);
    assert_int_equal(i->twin->version, 9);
    again = read_text(one);
    two = printed(again, print_whole);
    assert_string_equal(one, two);
    assert_null(strstr(alone, "\"twin\""));
    assert_memory_equal(alone, one, strlen(alone) - 1); /* the twin stands last */
    identity_free(again);
    again = read_text(alone);
    assert_null(again->twin);
    identity_free(again);
    identity_free(i);
    free(one);
    free(alone);
    free(two);
}

/* facts R-22 */
static void a_module_is_enabled_whatever_its_document_says(void **state)
{
    struct identity *i = read_text("{'deviceId':'d','moduleId':'m','status':'disabled','statusReason':'x'}");

    (void)state;
    assert_true(str_eq(identity_id(i), STR("d/m")));
    assert_true(i->is_enabled);
    assert_null(i->status_reason);
    identity_free(i);
}

static void all_but_the_id_may_be_missing(void **state)
{
    struct identity *i = read_text("{'deviceId':'d'}");

    (void)state;
    assert_true(i->is_enabled);
    assert_false(i->is_edge);
    assert_int_equal(i->auth, AUTH_SAS);
    assert_int_equal(i->primary.len, 0);
    assert_int_equal(i->tag, 0);
    assert_string_equal(i->generation, "");
    assert_null(i->status_reason);
    assert_null(i->model_id);
    assert_null(i->twin);
    assert_int_equal(i->status_updated_us, INSTANT_NONE);
    identity_free(i);
    i = read_text("{'deviceId':'d','twin':{'properties':{'desired':{'a':1}}}}");
    assert_int_equal(i->twin->desired_version, 1);
    identity_free(i);
}

static void a_document_that_is_none_is_refused_and_nothing_written(void **state)
{
    static const char *const texts[] = {"5",
                                        "null",
                                        "[]",
                                        "{}",
                                        "{'deviceId':''}",
                                        "{'deviceId':'a/b'}",
                                        "{'deviceId':5}",
                                        "{'deviceId':'d','moduleId':''}",
                                        "{'deviceId':'d','moduleId':null}",
                                        "{'deviceId':'d','status':'on'}",
                                        "{'deviceId':'d','twin':{'tags':1}}"};
    struct identity *untouched = made("x");

    (void)state;
    for (size_t n = 0; n < COUNT(texts); n++) {
        struct identity *i = untouched;
        cJSON *doc = tree_of(texts[n]);
        struct refusal why = {0, 0, "", ""};

        assert_int_equal(identity_read(doc, DAY_US, &i, &why), RC_SYNTAX);
        assert_ptr_equal(i, untouched);
        assert_int_equal(why.status, 400);
        assert_true(why.message[0] != '\0');
        cJSON_Delete(doc);
    }
    identity_free(untouched);
}

/* Nobody connected, nothing announced: as short as it gets. */
static void the_services_documents_are_exactly_these(void **state)
{
    struct identity *i = read_text("{'deviceId':'d','generationId':'1','etag':'Nw=='}");
    char *text;

    (void)state;
    i->twin = twin_new(DAY_US);
    assert_non_null(i->twin);
    text = printed(i, identity_print_document);
    assert_string_equal(
        text, "{\"deviceId\":\"d\",\"generationId\":\"1\",\"etag\":\"Nw==\",\"connectionState\":\"Disconnected\","
              "\"status\":\"enabled\",\"statusUpdatedTime\":\"0001-01-01T00:00:00Z\","
              "\"connectionStateUpdatedTime\":\"0001-01-01T00:00:00Z\","
              "\"lastActivityTime\":\"0001-01-01T00:00:00Z\",\"cloudToDeviceMessageCount\":0,"
              "\"authentication\":{\"symmetricKey\":{\"primaryKey\":null,\"secondaryKey\":null},"
              "\"x509Thumbprint\":{\"primaryThumbprint\":null,\"secondaryThumbprint\":null},\"type\":\"sas\"},"
              "\"capabilities\":{\"iotEdge\":false}}");
    free(text);
    text = printed(i, identity_print_twin);
    assert_string_equal(text,
                        "{\"deviceId\":\"d\",\"etag\":\"AAAAAAAAAAE=\",\"deviceEtag\":\"Nw==\",\"status\":\"enabled\","
                        "\"statusUpdateTime\":\"0001-01-01T00:00:00Z\",\"connectionState\":\"Disconnected\","
                        "\"lastActivityTime\":\"0001-01-01T00:00:00Z\",\"cloudToDeviceMessageCount\":0,"
                        "\"authenticationType\":\"sas\",\"x509Thumbprint\":{\"primaryThumbprint\":null,"
                        "\"secondaryThumbprint\":null},\"modelId\":\"\",\"version\":2,\"properties\":{\"desired\":{"
                        "\"$metadata\":{\"$lastUpdated\":\"2030-01-01T00:00:00Z\"},\"$version\":1},\"reported\":{"
                        "\"$metadata\":{\"$lastUpdated\":\"2030-01-01T00:00:00Z\"},\"$version\":1}},"
                        "\"capabilities\":{\"iotEdge\":false}}");
    free(text);
    identity_free(i);
}

/* --- folding -------------------------------------------------------------------------------------------------------- */

static void rows_fold_into_what_they_say(void **state)
{
    struct identity *i = read_text(whole);
    char *text;

    (void)state;
    fold_text(i, CHANGE_REPORTED, DAY_US, "{'r':{'x':1}}");
    fold_text(i, CHANGE_PATCHED, DAY_US, "{'tags':{'u':2},'desired':{'a':{'c':1}}}");
    fold_text(i, CHANGE_PATCHED, DAY_US, "{'tags':{'u':null}}");
    assert_int_equal(i->twin->version, 12);
    assert_int_equal(i->twin->etag, 7);
    fold_text(i, CHANGE_REPLACED, DAY_US, "{'desired':{'z':1}}");
    assert_int_equal(i->twin->etag, 8);
    text = json_text(i->twin->desired);
    assert_string_equal(text, "{\"z\":1}");
    free(text);
    text = json_text(i->twin->reported);
    assert_string_equal(text, "{\"r\":{\"x\":1}}");
    free(text);

    /* a document takes the place of the older one, and leaves the twin and what is not stored alone */
    i->conn = 5;
    i->subscribed[FILTER_TWIN_RES] = 2;
    i->last_activity_us = DAY_US;
    fold_text(i, CHANGE_UPDATED, DAY_US, "{'deviceId':'d','moduleId':'m','etag':'Nw=='}");
    assert_true(i->is_enabled);
    assert_null(i->status_reason);
    assert_null(i->model_id);
    assert_int_equal(i->key_turn, 0);
    assert_string_equal(i->generation, "");
    assert_int_equal(i->status_updated_us, INSTANT_NONE);
    assert_false(i->is_edge);
    assert_int_equal(i->primary.len, 0);
    assert_int_equal(i->twin->etag, 8);
    assert_int_equal(i->conn, 5);
    assert_int_equal(i->subscribed[FILTER_TWIN_RES], 2);
    assert_int_equal(i->last_activity_us, DAY_US);
    identity_free(i);
}

static void a_row_that_can_not_be_is_told(void **state)
{
    static const struct {
        enum change_kind kind;
        const char *body;
    } rows[] = {{CHANGE_REPORTED, "5"},   {CHANGE_REPORTED, "null"},
                {CHANGE_PATCHED, "[]"},   {CHANGE_REPLACED, "'x'"},
                {CHANGE_UPDATED, "{}"},   {CHANGE_UPDATED, "{'deviceId':'d','status':'x'}"},
                {CHANGE_DELETED, "null"}, {CHANGE_CREATED, "{'deviceId':'d'}"}};
    struct identity *i = read_text(whole);
    char *before = printed(i, print_whole), *after;

    (void)state;
    for (size_t n = 0; n < COUNT(rows); n++) {
        cJSON *body = tree_of(rows[n].body);

        assert_int_equal(identity_fold(i, rows[n].kind, DAY_US, body), RC_SYNTAX);
        cJSON_Delete(body);
    }
    after = printed(i, print_whole);
    assert_string_equal(before, after);
    free(before);
    free(after);
    identity_free(i);
}

static void its_size_follows_its_twin(void **state)
{
    struct identity *i = made("d");
    size_t alone = identity_bytes(i), small;

    (void)state;
    assert_true(alone >= sizeof *i);
    i->twin = twin_new(DAY_US);
    assert_non_null(i->twin);
    small = identity_bytes(i);
    assert_true(small > alone);
    fold_text(i, CHANGE_REPORTED, DAY_US, "{'a':'0123456789012345678901234567890123456789'}");
    assert_true(identity_bytes(i) > small + 40);
    identity_free(i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_identity_knows_its_parts),
        cmocka_unit_test(kinds_of_rows_have_their_names),
        cmocka_unit_test(the_etag_of_an_identity_is_a_number_in_base64),
        cmocka_unit_test(an_etag_of_somebody_else_counts_as_none),
        cmocka_unit_test(a_status_reason_counts_characters),
        cmocka_unit_test(what_is_printed_reads_back_as_the_same_bytes),
        cmocka_unit_test(a_module_is_enabled_whatever_its_document_says),
        cmocka_unit_test(all_but_the_id_may_be_missing),
        cmocka_unit_test(a_document_that_is_none_is_refused_and_nothing_written),
        cmocka_unit_test(the_services_documents_are_exactly_these),
        cmocka_unit_test(rows_fold_into_what_they_say),
        cmocka_unit_test(a_row_that_can_not_be_is_told),
        cmocka_unit_test(its_size_follows_its_twin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
