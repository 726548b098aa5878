/* test_query.c - the query language: what is read, what is refused and where, and what each query is of a few twins. */
#include <stdio.h>

#include "query.h"
#include "test.h"

/* --- a few twins ------------------------------------------------------------------------------------------------------ */

static const char *const documents[] = {
    "{\"deviceId\":\"dev1\",\"status\":\"enabled\",\"capabilities\":{\"iotEdge\":true},\"modelId\":\"dtmi:x;1\","
    "\"statusUpdatedTime\":\"2030-01-01T00:00:00Z\",\"lastActivityTime\":\"2030-01-02T03:04:05.5Z\","
    "\"twin\":{\"etag\":3,\"version\":7,\"tags\":{\"location\":{\"region\":\"US\",\"floor\":1},\"a\":1,\"group\":\"x\"}"
    ","
    "\"desired\":{\"$version\":2},"
    "\"reported\":{\"batteryLevel\":55.50,\"on\":true,\"list\":[1,\"two\",{\"three\":3}],\"group\":\"g\",\"ms:x-y\":1,"
    "\"$version\":4}}}",
    "{\"deviceId\":\"dev2\",\"status\":\"disabled\",\"statusReason\":\"r\\u00e4um\","
    "\"lastActivityTime\":\"2030-01-02T03:04:05Z\","
    "\"twin\":{\"version\":5,\"tags\":{\"location\":{\"region\":\"US\",\"floor\":2},\"A\":1,\"n\":10},"
    "\"reported\":{\"batteryLevel\":20,\"on\":false,\"group\":\"g\",\"$version\":1}}}",
    "{\"deviceId\":\"pump\",\"status\":\"enabled\","
    "\"twin\":{\"version\":2,\"tags\":{\"location\":{\"region\":\"it's\",\"floor\":1.0},\"n\":\"10\"},"
    "\"reported\":{\"batteryLevel\":\"full\",\"$version\":1}}}",
    "{\"deviceId\":\"dev1\",\"moduleId\":\"m\",\"twin\":{\"version\":3,\"reported\":{\"on\":true}}}",
};

static struct identity *twins[COUNT(documents)];

static int make_twins(void **state)
{
    (void)state;
    for (size_t k = 0; k < COUNT(documents); k++) {
        struct refusal why = {0, 0, "", ""};
        cJSON *doc = NULL;

        assert_int_equal(json_read(str_from(documents[k]), &doc, NULL), RC_OK);
        if (identity_read(doc, INT64_C(1893456000000000), &twins[k], &why))
            fail_msg("%s: %s", documents[k], why.message);
        cJSON_Delete(doc);
    }
    twins[1]->conn = 1;
    return 0;
}

static int free_twins(void **state)
{
    (void)state;
    for (size_t k = 0; k < COUNT(documents); k++)
        identity_free(twins[k]);
    return 0;
}

static struct query *read_ok(const char *text)
{
    char *copy = copy_exact(text, strlen(text));
    struct refusal why = {0, 0, "", ""};
    struct query *q = NULL;

    if (query_read(str_of(copy, strlen(text)), &q, &why))
        fail_msg("%s: %s", text, why.message);
    free(copy);
    return q;
}

/* What a query gives of those twins, as one JSON text. */
static char *answer(const char *text)
{
    struct query *q = read_ok(text);
    struct query_sums *sums = query_has_sums(q) ? query_sums_new(q) : NULL;
    struct buf out;

    buf_init(&out, 0);
    for (size_t k = 0; k < COUNT(twins); k++) {
        bool is_module = ident_is_module(identity_ident(twins[k]));

        if (query_source(q) == QUERY_JOBS || is_module != (query_source(q) == QUERY_MODULES) ||
            !query_matches(q, twins[k]))
            continue;
        if (sums) {
            assert_int_equal(query_sums_add(sums, twins[k]), RC_OK);
            continue;
        }
        if (out.len)
            buf_add_char(&out, ',');
        query_print_item(&out, q, twins[k]);
    }
    if (sums)
        query_sums_print(&out, sums);
    query_sums_free(sums);
    query_free(q);
    buf_add_char(&out, '\0');
    assert_int_equal(out.rc, RC_OK);
    return buf_take(&out, NULL);
}

static void assert_answer(const char *text, const char *want)
{
    char *got = answer(text);

    if (strcmp(got, want) != 0)
        fail_msg("%s\n  gives %s\n  not   %s", text, got, want);
    free(got);
}

/* Which twins a condition takes: "12p" of dev1, dev2, pump; "m" of the module. */
static void assert_takes(const char *from, const char *condition, const char *want)
{
    static const char letters[] = "12pm";
    char text[600], got[8];
    struct query *q;
    size_t n = 0;

    (void)snprintf(text, sizeof text, "SELECT * FROM %s WHERE %s", from, condition);
    q = read_ok(text);
    for (size_t k = 0; k < COUNT(twins); k++)
        if (ident_is_module(identity_ident(twins[k])) == (query_source(q) == QUERY_MODULES) &&
            query_matches(q, twins[k]))
            got[n++] = letters[k];
    got[n] = '\0';
    query_free(q);
    if (strcmp(got, want) != 0)
        fail_msg("%s takes %s, not %s", condition, got, want);
}

struct row {
    const char *condition, *takes;
};

static void assert_rows(const struct row *rows, size_t n)
{
    for (size_t k = 0; k < n; k++)
        assert_takes("devices", rows[k].condition, rows[k].takes);
}

/* --- conditions ------------------------------------------------------------------------------------------------------- */

/* facts */
static void comparisons_are_between_values_of_one_type(void **state)
{
    static const struct row rows[] = {
        {"tags.location.region = 'US' AND properties.reported.batteryLevel > 50", "1"},
        {"properties.reported.batteryLevel >= 20", "12"},
        {"properties.reported.batteryLevel < 55.5", "2"},
        {"properties.reported.batteryLevel <= 55.5", "12"},
        {"properties.reported.batteryLevel = 5.55e1", "1"},
        {"properties.reported.batteryLevel = 0x14", "2"},
        {"properties.reported.batteryLevel != 20", "1"},
        {"properties.reported.batteryLevel <> 20", "1"},
        {"properties.reported.batteryLevel = 'full'", "p"},
        {"20 < properties.reported.batteryLevel", "1"},
        {"tags.n > 'a'", ""},
        {"tags.n > '1'", "p"},
        {"tags.n = 10", "2"},
        {"tags.n != 10", ""},
        {"tags.nothing != 10", ""},
        {"tags.nothing = undefined", ""},
        {"NOT tags.nothing = 10", ""},
        {"tags.nothing = tags.nothing", ""},
        {"tags.location = tags.location", ""},
        {"properties.reported.list = [1]", ""},
        {"tags.a = null", ""},
        {"tags.a != null", ""},
        {"null = null", "12p"},
        {"properties.reported.on = true", "1"},
        {"properties.reported.on > false", "1"},
        {"properties.reported.on", "1"},
        {"tags.a", ""},
        {"'b' > 'ab'", "12p"},
        {"'ab' > 'a'", "12p"},
        {"'\xC3\xA9' > 'z'", "12p"},
    };

    (void)state;
    assert_rows(rows, COUNT(rows));
}

/* facts Q-03 */
static void words_take_any_letter_case_and_texts_both_quotes(void **state)
{
    static const struct row rows[] = {
        {"is_defined(tags.a)", "1"},
        {"Is_Defined(tags.n)", "2p"},
        {"IS_DEFINED(properties.reported.on)", "12"},
        {"IS_DEFINED(tags)", "12p"},
        {"IS_DEFINED(statusReason)", "2"},
        {"IS_DEFINED(no.such.thing)", ""},
        {"tags.location.region = \"US\"", "12"},
        {"tags.location.region = 'it\\'s'", "p"},
        {"tags.location.region = \"it's\"", "p"},
        {"tags.location.region = '\\u0055\\u0053'", "12"},
        {"statusReason = 'r\\u00e4um'", "2"},
        {"'\\ud83d\\ude00' = '\xF0\x9F\x98\x80'", "12p"},
        {"'\\\\\\/\\b\\f\\n\\r\\t' = \"\\\\/\\u0008\\u000c\\u000a\\u000D\\u0009\"", "12p"},
        {"tags.a = 1 Or tags.n = 10 aNd NoT tRue = False", "12"},
    };

    (void)state;
    assert_rows(rows, COUNT(rows));
    assert_answer(" \n select\ttop 1 deviceid\r\nfrom DEVICES where status='enabled' \n",
                  "{\"deviceId\":\"dev1\"},{\"deviceId\":\"pump\"}");
}

/* facts */
static void logic_knows_true_false_and_undefined(void **state)
{
    static const struct row rows[] = {
        {"NOT IS_DEFINED(tags.a) OR status IN ['enabled','other']", "12p"},
        {"status IN ['disabled']", "2"},
        {"status NIN ['disabled']", "1p"},
        {"status NIN ['disabled', 5, null]", "1p"},
        {"status IN []", ""},
        {"status NIN []", "12p"},
        {"tags.a IN [1]", "1"},
        {"tags.a NIN [2]", "1"},
        {"tags.a IN [2 - 1]", "1"},
        {"deviceId IN ['dev1', 'pump']", "1p"},
        {"tags.nothing = 1 OR true", "12p"},
        {"tags.nothing = 1 AND true", ""},
        {"NOT (tags.nothing = 1 AND true)", ""},
        {"NOT (tags.nothing = 1 AND false)", "12p"},
        {"NOT (tags.nothing = 1 OR false)", ""},
        {"NOT 5", ""},
        {"5 OR true", "12p"},
        {"5 AND true", ""},
        {"undefined", ""},
        {"true", "12p"},
        {"NOT NOT true", "12p"},
        {"NOT true = false", "12p"},
        {"true OR true AND false", "12p"},
        {"(true OR true) AND false", ""},
        {"NOT true OR true", "12p"},
        {"NOT (true OR true)", ""},
    };

    (void)state;
    assert_rows(rows, COUNT(rows));
}

static void arithmetic_binds_as_usual_and_is_for_numbers_alone(void **state)
{
    static const struct row rows[] = {
        {"1 + 2 * 3 = 7", "12p"},
        {"(1 + 2) * 3 = 9", "12p"},
        {"10 - 4 - 3 = 3", "12p"},
        {"8 / 4 / 2 = 1", "12p"},
        {"7 % 4 = 3", "12p"},
        {"-7 % 4 = -3", "12p"},
        {"2 - -2 = 4", "12p"},
        {"-(1 + 1) = -2", "12p"},
        {"1 / 0 = 1 / 0", ""},
        {"1 % 0 = 1 % 0", ""},
        {"1e308 * 10 = 1e308 * 10", ""},
        {"'a' + 'b' = 'ab'", ""},
        {"-'a' = 1", ""},
        {"tags.location.floor + 1 = 2", "1p"},
        {"tags.nothing + 1 = 1", ""},
        {"properties.reported.batteryLevel * 2 = 111", "1"},
    };

    (void)state;
    assert_rows(rows, COUNT(rows));
}

/* facts */
static void names_are_found(void **state)
{
    static const struct row rows[] = {
        {"properties.reported.[[group]] = 'g'", "12"},
        {"tags.[[group]] = 'x'", "1"},
        {"tags['group'] = 'x'", "1"},
        {"[[tags]][\"group\"] = 'x'", "1"},
        {"properties.reported.[[ms:x-y]] = 1", "1"},
        {"properties.reported.list[0] = 1", "1"},
        {"properties.reported.list[1] = 'two'", "1"},
        {"properties.reported.list[2].three = 3", "1"},
        {"IS_DEFINED(properties.reported.list[3])", ""},
        {"IS_DEFINED(properties.reported.list.length)", ""},
        {"IS_DEFINED(tags[0])", ""},
        {"deviceId = 'dev1'", "1"},
        {"DEVICEID = 'dev1'", "1"},
        {"deviceId = 'DEV1'", ""},
        {"id = 'dev2'", "2"},
        {"devices.deviceId = 'dev2'", "2"},
        {"Devices.id = 'dev2'", "2"},
        {"tags.a = 1", "1"},
        {"tags.A = 1", "2"},
        {"TAGS.a = 1", "1"},
        {"properties.Reported.on = true", ""},
        {"STARTSWITH(devices.deviceId, 'dev')", "12"},
        {"STARTSWITH(id, 'dev')", "12"},
        {"startswith(id, 'p')", "p"},
        {"STARTSWITH(id, '')", "12p"},
        {"STARTSWITH(id, 'dev12')", ""},
        {"STARTSWITH(tags.n, '1')", "p"},
        {"NOT STARTSWITH(tags.n, '1')", ""},
        {"configurations.[[cfg-1]].status != 'Applied'", ""},
        {"NOT IS_DEFINED(configurations.[[cfg-1]].status)", "12p"},
    };

    (void)state;
    assert_rows(rows, COUNT(rows));
    assert_takes("devices AS d", "d.deviceId = 'pump' OR D.tags.n = 10", "2p");
    assert_takes("devices", "IS_DEFINED(d.deviceId)", "");
}

/* facts Q-12 */
static void what_the_hub_knows_of_an_identity_can_be_compared(void **state)
{
    static const struct row rows[] = {
        {"capabilities.iotEdge = true", "1"},
        {"connectionState = 'Connected'", "2"},
        {"version > 5", "1"},
        {"properties.reported.$version >= 2", "1"},
        {"properties.desired.$version = 2", "1"},
        {"etag = 'AAAAAAAAAAM='", "1"},
        {"status = 'enabled'", "1p"},
        {"modelId = 'dtmi:x;1'", "1"},
        {"authenticationType = 'sas'", "12p"},
        {"cloudToDeviceMessageCount = 0", "12p"},
        {"x509Thumbprint.primaryThumbprint = null", "12p"},
        {"IS_DEFINED(moduleId)", ""},
        {"lastActivityTime > '2019-01-01T00:00:00'", "12p"},
        {"lastActivityTime >= '2030-01-02T03:04:05.5Z'", "1"},
        {"lastActivityTime < '2030-01-02T03:04:05.25Z'", "2p"},
        {"lastActivityTime = '2030-01-02T04:04:05+01:00'", "2"},
        {"lastActivityTime > '2030-01-02'", "12"},
        {"lastActivityTime < '2030-01-02T03:05'", "12p"},
        {"statusUpdateTime = '2030-01-01'", "1"},
        {"statusUpdatedTime = '2030-01-01'", "1"},
        {"properties.reported.$metadata.batteryLevel.$lastUpdated >= '2030-01-01'", "12p"},
        {"properties.reported.$metadata.batteryLevel.$lastUpdated > '2030-01-01T00:00'", ""},
        {"'2030-01-01' = '2030-01-01T00:00:00Z'", ""},
    };

    (void)state;
    twins[2]->last_activity_us = INT64_C(1893456000000000);
    twins[1]->status_updated_us = twins[2]->status_updated_us = INT64_C(1893456000000001);
    assert_rows(rows, COUNT(rows));
}

/* facts */
static void modules_are_a_collection_of_their_own(void **state)
{
    (void)state;
    assert_takes("devices.modules", "moduleId = 'm'", "m");
    assert_takes("devices.modules", "devices.deviceId = 'dev1'", "m");
    assert_takes("Devices.Modules", "deviceId in ['dev1']", "m");
    assert_takes("devices.modules", "devices.modules.moduleId = 'm'", "m");
    assert_takes("devices.modules AS x", "x.properties.reported.on", "m");
    assert_takes("devices.modules", "IS_DEFINED(tags) OR IS_DEFINED(capabilities)", "");
    assert_answer("SELECT moduleId, deviceId FROM devices.modules", "{\"moduleId\":\"m\",\"deviceId\":\"dev1\"}");
}

/* --- columns ---------------------------------------------------------------------------------------------------------- */

/* facts Q-01 */
static void a_star_is_the_whole_twin_of_the_service(void **state)
{
    struct buf want;

    (void)state;
    buf_init(&want, 0);
    identity_print_twin(&want, twins[0]);
    assert_answer("SELECT * FROM devices WHERE deviceId = 'dev1'", want.at);
    assert_non_null(strstr(want.at, "\"$metadata\""));
    buf_done(&want);
}

/* Every member of the service's twin can be asked for, and is the same. */
static void each_member_of_a_twin_is_a_property(void **state)
{
    (void)state;
    for (size_t k = 0; k < COUNT(twins); k++) {
        struct buf text, want;
        cJSON *doc = NULL;

        buf_init(&text, 0);
        identity_print_twin(&text, twins[k]);
        assert_int_equal(json_read(buf_view(&text), &doc, NULL), RC_OK);
        for (const cJSON *m = doc->child; m; m = m->next) {
            char q[200];
            struct query *query;
            struct buf got;

            (void)snprintf(q, sizeof q, "SELECT %s FROM devices", m->string);
            query = read_ok(q);
            buf_init(&got, 0);
            query_print_item(&got, query, twins[k]);
            buf_init(&want, 0);
            buf_addf(&want, "{\"%s\":", m->string);
            json_print(&want, m);
            buf_add_char(&want, '}');
            assert_string_equal(got.at, want.at);
            buf_done(&got);
            buf_done(&want);
            query_free(query);
        }
        cJSON_Delete(doc);
        buf_done(&text);
    }
}

/* facts */
static void columns_come_back_under_their_names(void **state)
{
    (void)state;
    assert_answer(
        "SELECT DEVICEID, tags.location.floor, statusreason FROM devices",
        "{\"deviceId\":\"dev1\",\"floor\":1},{\"deviceId\":\"dev2\",\"floor\":2,\"statusReason\":\"r\xC3\xA4um\"},"
        "{\"deviceId\":\"pump\",\"floor\":1.0}");
    assert_answer("SELECT properties.reported.batteryLevel AS Level FROM devices",
                  "{\"Level\":55.50},{\"Level\":20},{\"Level\":\"full\"}");
    assert_answer("SELECT properties.reported.list, properties.reported.list[1], tags.location, "
                  "properties.reported.list[2] AS [[a b]] FROM devices WHERE id = 'dev1'",
                  "{\"list\":[1,\"two\",{\"three\":3}],\"$1\":\"two\",\"location\":{\"region\":\"US\",\"floor\":1},"
                  "\"a b\":{\"three\":3}}");
    assert_answer("SELECT tags.nothing, foo FROM devices WHERE id = 'pump'", "{}");
    assert_answer("SELECT\n deviceId as DeviceId,\n status as Status,\n lastActivityTime as LastActivityTime,\n "
                  "statusUpdatedTime as StatusUpdatedTime,\n authenticationType as AuthenticationType,\n "
                  "cloudToDeviceMessageCount as CloudToDeviceMessageCount,\n connectionState as ConnectionState,\n "
                  "capabilities.iotEdge as IotEdge, \n modelId as ModelId \nFROM devices WHERE id = 'dev1'",
                  "{\"DeviceId\":\"dev1\",\"Status\":\"enabled\",\"LastActivityTime\":\"2030-01-02T03:04:05.5Z\","
                  "\"StatusUpdatedTime\":\"2030-01-01T00:00:00Z\",\"AuthenticationType\":\"sas\","
                  "\"CloudToDeviceMessageCount\":0,\"ConnectionState\":\"Disconnected\",\"IotEdge\":true,"
                  "\"ModelId\":\"dtmi:x;1\"}");
}

/* facts Q-06 */
static void sums_are_of_the_numbers_that_are_there(void **state)
{
    (void)state;
    assert_answer("SELECT COUNT() AS n FROM devices", "{\"n\":3}");
    assert_answer("SELECT count() FROM devices WHERE id = 'nobody'", "{\"$1\":0}");
    assert_answer(
        "SELECT COUNT() AS n, SUM(properties.reported.batteryLevel) AS s, avg(properties.reported.batteryLevel) "
        "AS a, MIN(properties.reported.batteryLevel) AS least, MAX(properties.reported.batteryLevel) AS most, "
        "MAX(version) FROM devices",
        "{\"n\":3,\"s\":75.5,\"a\":37.75,\"least\":20,\"most\":55.5,\"$1\":7}");
    assert_answer("SELECT SUM(tags.nothing) AS s, AVG(tags.nothing) AS a, MIN(status), MAX(status) FROM devices",
                  "{\"s\":0}");
    assert_answer("SELECT tags.location.region AS region, COUNT() AS n FROM devices GROUP BY tags.location.region",
                  "{\"region\":\"US\",\"n\":2},{\"region\":\"it's\",\"n\":1}");
    assert_answer("SELECT TOP 1 COUNT() AS n, status FROM devices GROUP BY Status", "{\"n\":2,\"status\":\"enabled\"}");
    assert_answer("SELECT tags.location.floor, COUNT() AS n FROM devices GROUP BY tags.location.floor",
                  "{\"floor\":1,\"n\":2},{\"floor\":2,\"n\":1}");
    assert_answer("SELECT tags.n, COUNT() AS c FROM devices GROUP BY tags.n",
                  "{\"c\":1},{\"n\":10,\"c\":1},{\"n\":\"10\",\"c\":1}");
    assert_answer(
        "SELECT status, properties.reported.on FROM devices GROUP BY status, properties.reported.on",
        "{\"status\":\"enabled\",\"on\":true},{\"status\":\"disabled\",\"on\":false},{\"status\":\"enabled\"}");
    assert_answer("SELECT COUNT() AS n FROM devices WHERE id = 'nobody' GROUP BY status", "");
}

static void sums_go_on_where_they_were_saved(void **state)
{
    static const char text[] =
        "SELECT tags.n AS k, COUNT() AS n, SUM(version) AS s, MIN(properties.reported.batteryLevel) AS "
        "least FROM devices GROUP BY tags.n, status";
    struct query *q = read_ok(text);
    struct query_sums *sums = query_sums_new(q);
    struct buf got;
    char *want = answer(text);

    (void)state;
    for (size_t k = 0; k < 3; k++) {
        struct query_sums *again = NULL;
        struct buf saved;
        cJSON *doc = NULL;

        assert_int_equal(query_sums_add(sums, twins[k]), RC_OK);
        buf_init(&saved, 0);
        query_sums_save(&saved, sums);
        assert_int_equal(json_read(buf_view(&saved), &doc, NULL), RC_OK);
        assert_int_equal(query_sums_load(q, doc, &again), RC_OK);
        cJSON_Delete(doc);
        buf_done(&saved);
        query_sums_free(sums);
        sums = again;
    }
    buf_init(&got, 0);
    query_sums_print(&got, sums);
    assert_string_equal(got.at, want);
    buf_done(&got);
    free(want);
    query_sums_free(sums);
    query_free(q);
}

static void foreign_sums_are_refused(void **state)
{
    static const char *const rows[] = {"{}",
                                       "[1]",
                                       "[[]]",
                                       "[[[],1,[0,0,0,0]]]",
                                       "[[[[1,2]],1,[0,0,0,0]]]",
                                       "[[[[1]],-1,[0,0,0,0]]]",
                                       "[[[[1]],1]]",
                                       "[[[[1]],1,[0,0,0,0],[0,0,0,0]]]",
                                       "[[[[1]],1,[0,0,0]]]",
                                       "[[[[1]],1,[0,0,0,\"x\"]]]",
                                       "[[[[1]],1,[0,0,0,{}]]]",
                                       "[[[[1]],\"1\",[0,0,0,0]]]",
                                       "[[[[1]],1,[1e300,0,0,0]]]",
                                       "[[[[1]],1,[0,0,0,0]],[[[1.0]],1,[0,0,0,0]]]",
                                       "[[1,1,[0,0,0,0]]]",
                                       "[[[1],1,[0,0,0,0]]]"};
    struct query *q = read_ok("SELECT status, SUM(version) AS s FROM devices GROUP BY status");

    (void)state;
    for (size_t k = 0; k < COUNT(rows); k++) {
        struct query_sums *sums = NULL;
        cJSON *doc = NULL;

        assert_int_equal(json_read(str_from(rows[k]), &doc, NULL), RC_OK);
        if (query_sums_load(q, doc, &sums) != RC_SYNTAX)
            fail_msg("%s is taken", rows[k]);
        cJSON_Delete(doc);
    }
    query_free(q);
}

static void groups_have_a_ceiling(void **state)
{
    struct query *q = read_ok("SELECT COUNT() AS n FROM devices GROUP BY deviceId");
    struct query_sums *sums = query_sums_new(q);
    enum rc rc = RC_OK;
    int n = 0;

    (void)state;
    for (; !rc && n < 100000; n++) {
        char id[32];
        struct identity *i;

        (void)snprintf(id, sizeof id, "device-%08d", n);
        i = identity_new((struct ident){str_from(id), {NULL, 0}});
        assert_non_null(i);
        i->twin = twin_new(0);
        assert_non_null(i->twin);
        rc = query_sums_add(sums, i);
        identity_free(i);
    }
    assert_int_equal(rc, RC_LIMIT);
    assert_in_range(n, 1000, 3000);
    query_sums_free(sums);
    query_free(q);
}

/* --- refusals --------------------------------------------------------------------------------------------------------- */

/* facts */
static void what_the_hub_does_not_know_is_refused_with_its_place(void **state)
{
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"", "line 1, column 1: expected SELECT, not the end of the query"},
        {"x", "line 1, column 1: expected SELECT, not 'x'"},
        {"SELECT", "line 1, column 7: expected a name, not the end"},
        {"SELECT * ", "line 1, column 10: expected FROM, not the end"},
        {"SELECT a", "expected ',' or FROM"},
        {"SELECT FROM devices", "line 1, column 8: 'FROM' is a word of the language; as a name it is written [[FROM]]"},
        {"SELECT *, a FROM devices", "expected FROM, not ','"},
        {"SELECT TOP 0 * FROM devices", "expected a whole number from 1, not '0'"},
        {"SELECT TOP x * FROM devices", "expected a whole number from 1, not 'x'"},
        {"SELECT TOP 1.5 * FROM devices", "expected a whole number from 1"},
        {"SELECT 5 FROM devices", "expected a name, not '5'"},
        {"SELECT a + 1 FROM devices", "expected ',' or FROM, not '+'"},
        {"SELECT IS_DEFINED(a) FROM devices", "a column is a property, or COUNT"},
        {"SELECT COUNT(*) FROM devices", "expected ')', not '*'"},
        {"SELECT AVG() FROM devices", "expected a name, not ')'"},
        {"SELECT a AS 'b' FROM devices", "expected a name, not ''b''"},
        {"SELECT a AS select FROM devices", "'select' is a word of the language"},
        {"SELECT a b FROM devices", "expected ',' or FROM, not 'b'"},
        {"SELECT tags.x, properties.reported.x FROM devices",
         "two columns are called 'x'; give one another name with AS"},
        {"SELECT * FROM things", "expected devices, devices.modules or devices.jobs, not 'things'"},
        {"SELECT * FROM devices.twins", "expected modules or jobs, not 'twins'"},
        {"SELECT * FROM devices ORDER BY deviceId", "line 1, column 23: queries over twins have no ORDER"},
        {"SELECT * FROM devices JOIN x", "have no JOIN"},
        {"SELECT * FROM devices d", "expected an operator, WHERE, GROUP BY or the end, not 'd'"},
        {"SELECT * FROM devices WHERE", "expected a value, not the end"},
        {"SELECT * FROM devices\nWHERE a = ", "line 2, column 11: expected a value"},
        {"SELECT * FROM devices WHERE a == 1", "expected a value, not '='"},
        {"SELECT * FROM devices WHERE a = 1 b", "expected an operator"},
        {"SELECT * FROM devices WHERE (a = 1", "expected an operator or ')'"},
        {"SELECT * FROM devices WHERE a = 1)", "expected an operator, WHERE, GROUP BY or the end, not ')'"},
        {"SELECT * FROM devices WHERE a = b = c", "comparisons do not follow each other"},
        {"SELECT * FROM devices WHERE a = NOT b", "NOT needs parentheses"},
        {"SELECT * FROM devices WHERE a IN 5", "expected an array, as in ['a','b'], not '5'"},
        {"SELECT * FROM devices WHERE a IN ('x')", "expected an array"},
        {"SELECT * FROM devices WHERE a NOT IN ['x']", "expected an operator, WHERE, GROUP BY or the end, not 'NOT'"},
        {"SELECT * FROM devices WHERE a IN ['x'", "expected ',' or ']'"},
        {"SELECT * FROM devices WHERE a LIKE 'x'", "queries over twins have no LIKE"},
        {"SELECT * FROM devices WHERE CONTAINS(a, 'x')",
         "have no function CONTAINS; they have IS_DEFINED and STARTSWITH"},
        {"SELECT * FROM devices WHERE STARTS_WITH(a, 'x')", "have no function STARTS_WITH"},
        {"SELECT * FROM devices WHERE COUNT() > 1", "COUNT() stands behind SELECT only"},
        {"SELECT * FROM devices WHERE STARTSWITH(a)", "expected ',', not ')'"},
        {"SELECT * FROM devices WHERE STARTSWITH(a, 'b', 'c')", "expected ')'"},
        {"SELECT * FROM devices WHERE IS_DEFINED('a')", "expected a name"},
        {"SELECT * FROM devices WHERE IS_DEFINED(a = 1)", "expected ')'"},
        {"SELECT * FROM devices WHERE tags.group = 1",
         "'group' is a word of the language; as a name it is written [[group]]"},
        {"SELECT * FROM devices WHERE tags. = 1", "expected a name, not '='"},
        {"SELECT * FROM devices WHERE tags[x] = 1", "expected a name in quotes or a whole number"},
        {"SELECT * FROM devices WHERE tags['x' = 1", "expected ']'"},
        {"SELECT * FROM devices WHERE devices = 1", "line 1, column 29: a collection is named here, not a property"},
        {"SELECT * FROM devices AS d WHERE d = 1", "a collection is named here"},
        {"SELECT * FROM devices WHERE a = 'x", "column 33: the text has no closing '"},
        {"SELECT * FROM devices WHERE a = 'x\\q'", "column 35: an unknown escape"},
        {"SELECT * FROM devices WHERE a = '\\u00'", "an unknown escape"},
        {"SELECT * FROM devices WHERE a = '\\u0000'", "column 34: that escape stands for no character"},
        {"SELECT * FROM devices WHERE a = '\\ud800x'", "that escape stands for no character"},
        {"SELECT * FROM devices WHERE a = 12ab", "not a number"},
        {"SELECT * FROM devices WHERE a = 1e999", "the number is too large"},
        {"SELECT * FROM devices WHERE [[a = 1", "'[[' has no ']]'"},
        {"SELECT * FROM devices WHERE [[]] = 1", "'[[]]' names nothing"},
        {"SELECT * FROM devices WHERE a & b", "'&' has no meaning here"},
        {"SELECT * FROM devices WHERE a = 1;", "';' has no meaning here"},
        {"SELECT * FROM devices GROUP BY status", "GROUP BY needs columns, not *"},
        {"SELECT status FROM devices GROUP status", "expected BY"},
        {"SELECT status FROM devices GROUP BY", "expected a name"},
        {"SELECT status FROM devices GROUP BY status WHERE true", "expected ',' or the end, not 'WHERE'"},
        {"SELECT status, COUNT() FROM devices", "beside an aggregate, a column is a property of GROUP BY"},
        {"SELECT tags.b, COUNT() FROM devices GROUP BY tags.B", "beside an aggregate"},
        {"SELECT COUNT() FROM devices.jobs", "devices.jobs can only be asked SELECT *"},
        {"SELECT jobId FROM devices.jobs", "devices.jobs can only be asked SELECT *"},
        {"SELECT * FROM devices.jobs WHERE tags.a = 1", "a job has no 'tags'"},
    };

    (void)state;
    for (size_t k = 0; k < COUNT(rows); k++) {
        char *copy = copy_exact(rows[k].text, strlen(rows[k].text));
        struct refusal why = {0, 0, "", ""};
        struct query *q = NULL;

        if (query_read(str_of(copy, strlen(rows[k].text)), &q, &why) != RC_REFUSED)
            fail_msg("%s is not refused", rows[k].text);
        free(copy);
        assert_int_equal(why.status, 400);
        assert_int_equal(why.code, 400004);
        if (!strstr(why.message, rows[k].message))
            fail_msg("%s\n  says %s\n  not  %s", rows[k].text, why.message, rows[k].message);
    }
}

/* facts Q-09 */
static void jobs_can_be_asked_and_there_are_none(void **state)
{
    (void)state;
    assert_answer("SELECT * FROM devices.jobs", "");
    assert_answer(
        "SELECT * FROM devices.jobs WHERE devices.jobs.status = 'completed' AND devices.jobs.createdTimeUtc > "
        "'2016-09-01'",
        "");
}

/* A query of so many characters: a text of them, in the condition. */
static enum rc read_long(size_t characters, const char *character)
{
    static const char head[] = "SELECT * FROM devices WHERE a = '";
    struct refusal why = {0, 0, "", ""};
    struct query *q = NULL;
    struct buf text;
    enum rc rc;

    buf_init(&text, 0);
    buf_add(&text, STR(head));
    for (size_t k = sizeof head; k < characters; k++)
        buf_add(&text, str_from(character));
    buf_add_char(&text, '\'');
    rc = query_read(buf_view(&text), &q, &why);
    query_free(q);
    buf_done(&text);
    return rc;
}

/* facts L-16 */
static void a_query_has_at_most_8192_characters(void **state)
{
    (void)state;
    assert_int_equal(read_long(QUERY_TEXT_MAX, "x"), RC_OK);
    assert_int_equal(read_long(QUERY_TEXT_MAX, "\xC3\xA9"), RC_OK);
    assert_int_equal(read_long(QUERY_TEXT_MAX + 1, "x"), RC_REFUSED);
    assert_int_equal(read_long(QUERY_TEXT_MAX + 1, "\xC3\xA9"), RC_REFUSED);
}

static enum rc read_repeated(const char *before, const char *repeated, size_t times, const char *after)
{
    struct refusal why = {0, 0, "", ""};
    struct query *q = NULL;
    struct buf text;
    enum rc rc;

    buf_init(&text, 0);
    buf_add(&text, STR("SELECT * FROM devices WHERE "));
    buf_add(&text, str_from(before));
    for (size_t k = 0; k < times; k++)
        buf_add(&text, str_from(repeated));
    buf_add(&text, str_from(after));
    rc = query_read(buf_view(&text), &q, &why);
    if (!rc)
        (void)query_matches(q, twins[0]);
    query_free(q);
    buf_done(&text);
    return rc;
}

static void depth_has_a_ceiling_and_length_has_none(void **state)
{
    (void)state;
    assert_int_equal(read_repeated("true", " OR a=1", 1000, ""), RC_OK);
    assert_int_equal(read_repeated("a IN [1", ",1", 3000, "]"), RC_OK);
    assert_int_equal(read_repeated("1", " + 1", QUERY_DEPTH_MAX - 2, " = 1"), RC_OK);
    assert_int_equal(read_repeated("1", " + 1", 1000, " = 1"), RC_REFUSED);
    assert_int_equal(read_repeated("", "(", QUERY_DEPTH_MAX - 1, "true))"), RC_REFUSED);
    assert_int_equal(read_repeated("", "(", 8000, ""), RC_REFUSED);
    assert_int_equal(read_repeated("", "NOT ", 2000, "true"), RC_REFUSED);
    assert_int_equal(read_repeated("", "-", 8000, "1"), RC_REFUSED);
    assert_int_equal(read_repeated("", "STARTSWITH(", 500, ""), RC_REFUSED);
}

static void text_that_is_no_text_is_refused(void **state)
{
    static const char nul[] = "SELECT * FROM devices\0 WHERE true", bad[] = "SELECT * FROM devices WHERE a='\xC3'";
    struct refusal why = {0, 0, "", ""};
    struct query *q = NULL;

    (void)state;
    assert_int_equal(query_read(str_of(nul, sizeof nul - 1), &q, &why), RC_REFUSED);
    assert_int_equal(query_read(str_of(bad, sizeof bad - 1), &q, &why), RC_REFUSED);
    assert_int_equal(query_read(str_of(NULL, 0), &q, &why), RC_REFUSED);
    assert_null(q);
}

/* --- in one spelling -------------------------------------------------------------------------------------------------- */

static void a_query_is_printed_in_one_spelling(void **state)
{
    static const char *const rows[][2] = {
        {"select * from DEVICES", "SELECT * FROM devices"},
        {"select top 5 deviceId as x,tags . a from devices as d where d.b=\"it's\" group by deviceId, tags.a",
         "SELECT TOP 5 deviceId AS x, tags.a FROM devices WHERE b = 'it\\'s' GROUP BY deviceId, tags.a"},
        {"select count(), avg( version ) as [[a b]] from devices.modules where (a=1 or b<>2) and not "
         "is_defined(devices.c)",
         "SELECT COUNT(), AVG(version) AS [[a b]] FROM devices.modules WHERE (a = 1 OR b != 2) AND NOT IS_DEFINED(c)"},
        {"select * from devices where ((((a))) nin [ 'x' ,-1,0x1F]) and startswith( [[b]] , 'c')",
         "SELECT * FROM devices WHERE (a NIN ['x', -1, 0x1F]) AND STARTSWITH(b, 'c')"},
        {"select * from devices where a.[[group]][3]['x y']['a]'] = 1-(2-3)*-4%5",
         "SELECT * FROM devices WHERE a.[[group]][3].[[x y]]['a]'] = 1 - (2 - 3) * -4 % 5"},
        {"select * from devices where devices.devices.x and devices['a]'] = '\n\\\\'",
         "SELECT * FROM devices WHERE devices.devices.x AND devices['a]'] = '\\u000a\\\\'"},
    };

    (void)state;
    for (size_t k = 0; k < COUNT(rows); k++) {
        const char *text = rows[k][0];

        for (int again = 0; again < 2; again++, text = rows[k][1]) {
            struct query *q = read_ok(text);
            struct buf got;

            buf_init(&got, 0);
            query_print(&got, q);
            assert_string_equal(got.at, rows[k][1]);
            buf_done(&got);
            query_free(q);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comparisons_are_between_values_of_one_type),
        cmocka_unit_test(words_take_any_letter_case_and_texts_both_quotes),
        cmocka_unit_test(logic_knows_true_false_and_undefined),
        cmocka_unit_test(arithmetic_binds_as_usual_and_is_for_numbers_alone),
        cmocka_unit_test(names_are_found),
        cmocka_unit_test(modules_are_a_collection_of_their_own),
        cmocka_unit_test(a_star_is_the_whole_twin_of_the_service),
        cmocka_unit_test(each_member_of_a_twin_is_a_property),
        cmocka_unit_test(columns_come_back_under_their_names),
        cmocka_unit_test(sums_are_of_the_numbers_that_are_there),
        cmocka_unit_test(sums_go_on_where_they_were_saved),
        cmocka_unit_test(foreign_sums_are_refused),
        cmocka_unit_test(groups_have_a_ceiling),
        cmocka_unit_test(what_the_hub_does_not_know_is_refused_with_its_place),
        cmocka_unit_test(jobs_can_be_asked_and_there_are_none),
        cmocka_unit_test(a_query_has_at_most_8192_characters),
        cmocka_unit_test(depth_has_a_ceiling_and_length_has_none),
        cmocka_unit_test(text_that_is_no_text_is_refused),
        cmocka_unit_test(a_query_is_printed_in_one_spelling),
        cmocka_unit_test(what_the_hub_knows_of_an_identity_can_be_compared), /* last: it changes the twins */
    };

    return cmocka_run_group_tests(tests, make_twins, free_twins);
}
