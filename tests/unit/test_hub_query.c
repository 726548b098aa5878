/* test_hub_query.c - the command `query`: pages, what carries one to the next, and what is refused. */
#include <stdio.h>

#include "hub_world.h"

/* One page; continuation NULL: the first. Texts in the query are written with \". */
static cJSON *page(struct world *w, const char *query, int top, const char *continuation)
{
    cJSON *command = cJSON_CreateObject(), *answer;

    assert_non_null(command);
    assert_non_null(cJSON_AddStringToObject(command, "command", "query"));
    assert_non_null(cJSON_AddStringToObject(command, "query", query));
    if (top)
        assert_int_equal(json_set(command, "top", json_i64(top)), RC_OK);
    if (continuation)
        assert_non_null(cJSON_AddStringToObject(command, "continuation", continuation));
    answer = world_ask_tree(w, &w->owner, command);
    cJSON_Delete(command);
    return answer;
}

static const cJSON *page_ok(struct world *w, const char *query, int top, const char *continuation)
{
    const cJSON *answer = page(w, query, top, continuation);
    int64_t status = 0;

    assert_int_equal(json_get_i64(answer, "status", &status), RC_OK);
    if (status != 200)
        fail_msg("%s: %s", query, json_get_text(json_get(answer, "body"), "message"));
    return json_get(answer, "body");
}

/* All items of all pages as JSON, without their brackets; counts the pages. */
static void all(struct world *w, const char *query, int top, struct buf *out, int *pages)
{
    char *continuation = NULL;

    *pages = 0;
    buf_init(out, 0);
    do {
        const cJSON *body = page_ok(w, query, top, continuation), *item;
        const char *next = json_get_text(body, "continuation");

        assert_true(++*pages < 1000);
        assert_true(!top || cJSON_GetArraySize(json_get(body, "items")) <= top);
        cJSON_ArrayForEach(item, json_get(body, "items"))
        {
            if (out->len)
                buf_add_char(out, ',');
            json_print(out, item);
        }
        free(continuation);
        continuation = next ? str_dup(str_from(next)) : NULL;
    } while (continuation);
    buf_add_char(out, '\0');
}

static void assert_all(struct world *w, const char *query, int top, const char *want, int want_pages)
{
    struct buf got;
    int pages;

    all(w, query, top, &got, &pages);
    assert_string_equal(got.at, want);
    if (want_pages)
        assert_int_equal(pages, want_pages);
    buf_done(&got);
}

static void seven_devices(struct world *w)
{
    for (int k = 0; k < 7; k++) {
        (void)world_ask(w, "device.create",
                        "'deviceId':'d%d','twin':{'tags':{'n':%d,'odd':%s},'properties':{'reported':{'k':'%c'}}}", k, k,
                        k % 2 ? "true" : "false", "abc"[k % 3]);
        (void)world_ask(w, "module.create", "'deviceId':'d%d','moduleId':'m%d'", k, 6 - k);
    }
    (void)world_ask(w, "device.create", "'deviceId':'d-'");
    (void)world_ask(w, "module.create", "'deviceId':'d-','moduleId':'z'");
    (void)world_ask(w, "module.create", "'deviceId':'d0','moduleId':'!'");
}

/* facts */
static void items_come_in_pages_and_none_is_missed(void **state)
{
    struct world *w = *state;

    for (int k = 0; k < 5; k++)
        (void)world_ask(w, "device.create", "'deviceId':'d%d'", k);
    assert_all(w, "SELECT deviceId AS d FROM devices", 2,
               "{\"d\":\"d0\"},{\"d\":\"d1\"},{\"d\":\"d2\"},{\"d\":\"d3\"},{\"d\":\"d4\"}", 3);
    assert_all(w, "SELECT deviceId AS d FROM devices", 5,
               "{\"d\":\"d0\"},{\"d\":\"d1\"},{\"d\":\"d2\"},{\"d\":\"d3\"},{\"d\":\"d4\"}", 1);
    assert_all(w, "SELECT TOP 3 deviceId AS d FROM devices", 2, "{\"d\":\"d0\"},{\"d\":\"d1\"},{\"d\":\"d2\"}", 2);
    assert_all(w, "SELECT TOP 2 deviceId AS d FROM devices", 2, "{\"d\":\"d0\"},{\"d\":\"d1\"}", 1);
    assert_all(w, "SELECT * FROM devices WHERE false", 0, "", 1);
}

static void a_page_may_look_at_fewer_twins_than_there_are_and_nothing_changes(void **state)
{
    static const char *const queries[] = {
        "SELECT deviceId FROM devices WHERE tags.odd",
        "SELECT TOP 4 tags.n FROM devices",
        "SELECT deviceId, moduleId FROM devices.modules",
        "SELECT COUNT() AS n, SUM(tags.n) AS s, AVG(tags.n) AS a, MIN(tags.n) AS l, MAX(tags.n) AS m FROM devices",
        "SELECT properties.reported.k, COUNT() AS n, SUM(tags.n) AS s FROM devices GROUP BY properties.reported.k",
        "SELECT TOP 2 tags.odd, COUNT() AS n FROM devices GROUP BY tags.odd",
    };
    struct world *w = *state;

    seven_devices(w);
    for (size_t k = 0; k < COUNT(queries); k++) {
        struct buf whole;
        int pages;

        w->twins_at_once = 0;
        all(w, queries[k], 0, &whole, &pages);
        assert_int_equal(pages, 1);
        assert_true(whole.len > 10);
        for (size_t at_once = 1; at_once < 4; at_once++) {
            w->twins_at_once = at_once;
            assert_all(w, queries[k], 0, whole.at, 0);
        }
        buf_done(&whole);
    }
    w->twins_at_once = 0;
    assert_all(w,
               "SELECT deviceId AS d, moduleId AS m FROM devices.modules WHERE STARTSWITH(id, \"d0\") OR id = \"d-\"",
               1, "{\"d\":\"d-\",\"m\":\"z\"},{\"d\":\"d0\",\"m\":\"!\"},{\"d\":\"d0\",\"m\":\"m6\"}", 0);
}

static void large_twins_make_small_pages(void **state)
{
    struct world *w = *state;
    char text[4000];
    int pages;
    struct buf got;

    memset(text, 'x', sizeof text);
    for (int k = 0; k < 60; k++)
        (void)world_ask(w, "device.create",
                        "'deviceId':'d%d','twin':{'tags':{'a':'%.*s','b':'%.*s'},'properties':{"
                        "'reported':{'a':'%.*s','b':'%.*s','c':'%.*s','d':'%.*s'}}}",
                        k, 3900, text, 3900, text, 3900, text, 3900, text, 3900, text, 3900, text);
    all(w, "SELECT * FROM devices", 0, &got, &pages);
    assert_in_range(pages, 6, 12);
    buf_done(&got);
    assert_all(w, "SELECT COUNT() AS n FROM devices", 0, "{\"n\":60}", 0);
}

/* So that a page takes a millisecond or so, whatever twins there are (nothing holds up the broker's thread for long). */
static void a_page_of_large_twins_is_not_large(void **state)
{
    struct world *w = *state;
    char text[4000];
    char *continuation = NULL;
    size_t pages = 0;

    memset(text, 'x', sizeof text);
    for (int k = 0; k < 40; k++)
        (void)world_ask(
            w, "device.create",
            "'deviceId':'d%d','twin':{'properties':{'reported':{'a':'%.*s','b':'%.*s','c':'%.*s','d':'%.*s'}}}", k,
            3900, text, 3900, text, 3900, text, 3900, text);
    do {
        const cJSON *body = page_ok(w, "SELECT * FROM devices", 0, continuation);
        const char *next = json_get_text(body, "continuation");

        assert_in_range(cJSON_GetArraySize(json_get(body, "items")), next ? 10 : 1, 17); /* 16 KB each */
        free(continuation);
        continuation = next ? str_dup(str_from(next)) : NULL;
        pages++;
    } while (continuation);
    assert_in_range(pages, 3, 4);
}

static void each_query_says_what_its_items_are(void **state)
{
    static const struct {
        const char *query, *type;
    } rows[] = {{"SELECT * FROM devices", "Twin"},
                {"SELECT * FROM devices.modules", "Twin"},
                {"SELECT deviceId FROM devices", "Raw"},
                {"SELECT COUNT() FROM devices", "Raw"},
                {"SELECT * FROM devices.jobs", "DeviceJob"}};
    struct world *w = *state;

    world_create(w, "dev1");
    for (size_t k = 0; k < COUNT(rows); k++)
        assert_string_equal(json_get_text(page_ok(w, rows[k].query, 0, NULL), "type"), rows[k].type);
    assert_all(w, "SELECT * FROM devices.jobs", 0, "", 1);
}

static void a_query_sees_every_write_at_once(void **state)
{
    struct world *w = *state;
    struct conn conn;

    world_create(w, "dev1");
    world_twin_client(w, &conn, "dev1");
    world_report(w, &conn, "{'a':{'b':3}}", 204);
    (void)world_desire(w, "{'x':1}");
    assert_all(w, "SELECT properties.reported.a.b, properties.desired.x, connectionState FROM devices", 0,
               "{\"b\":3,\"x\":1,\"connectionState\":\"Connected\"}", 1);
    (void)world_ask(w, "device.delete", "'deviceId':'dev1'");
    assert_all(w, "SELECT * FROM devices", 0, "", 1);
}

/* What was looked at does not come again, whatever happens between two pages. */
static void a_query_goes_on_behind_what_is_gone(void **state)
{
    struct world *w = *state;
    const char *next;

    seven_devices(w);
    next = json_get_text(page_ok(w, "SELECT deviceId AS d FROM devices WHERE tags.n > 3", 1, NULL), "continuation");
    assert_non_null(next);
    (void)world_ask(w, "device.delete", "'deviceId':'d4'");
    (void)world_ask(w, "device.delete", "'deviceId':'d5'");
    assert_string_equal(
        json_get_text(json_get(page_ok(w, "select deviceId as d from devices where tags.n>3", 1, next), "items")->child,
                      "d"),
        "d6");
}

static void a_continuation_is_for_its_own_query(void **state)
{
    static const char *const rows[] = {"",
                                       "x",
                                       "1 5 - d0 ",
                                       "2 %s - d0 ",
                                       "1 %s",
                                       "1 %s -",
                                       "1 %s - ",
                                       "1 %s - a/b/c ",
                                       "1 %s 0 d0 ",
                                       "1 %s -1 d0 ",
                                       "1 %s x d0 ",
                                       "1 99999999999999999999999 - d0 ",
                                       "1 %s - d0 []",
                                       "1 %s - d0 x"};
    struct world *w = *state;
    const cJSON *body;
    char number[40], text[200];
    struct str rest, hash;

    seven_devices(w);
    body = page_ok(w, "SELECT * FROM devices", 1, NULL);
    rest = str_from(json_get_text(body, "continuation"));
    assert_true(str_eq(str_cut(&rest, ' '), STR("1")));
    hash = str_cut(&rest, ' ');
    (void)snprintf(number, sizeof number, "%.*s", STR_FMT(hash));
    for (size_t k = 0; k < COUNT(rows); k++) {
        const char *hole = strstr(rows[k], "%s");
        const cJSON *answer;

        (void)snprintf(text, sizeof text, "%.*s%s%s", hole ? (int)(hole - rows[k]) : 120, rows[k], hole ? number : "",
                       hole ? hole + 2 : "");
        answer = page(w, "SELECT * FROM devices", 1, text);
        assert_json(w, answer, "status", "400");
        assert_non_null(strstr(json_get_text(json_get(answer, "body"), "message"), "none of this query's"));
    }
    (void)snprintf(text, sizeof text, "1 %s - d0 ", number);
    assert_json(w, page(w, "SELECT * FROM devices", 1, text), "status", "200");
    assert_json(w, page(w, "SELECT * FROM devices WHERE true", 1, text), "status", "400");
}

static void sums_of_somebody_else_are_refused(void **state)
{
    static const char query[] = "SELECT SUM(tags.n) AS s FROM devices";
    static const char *const rows[] = {"", "[", "{}", "[[1]]", "[[[],1,[1,2,3]]]", "[[[],1,[1,2,3,4]],1]"};
    struct world *w = *state;
    const cJSON *body;
    struct str rest, hash;
    char number[40], text[200];

    seven_devices(w);
    w->twins_at_once = 1;
    body = page_ok(w, query, 0, NULL);
    rest = str_from(json_get_text(body, "continuation"));
    (void)str_cut(&rest, ' ');
    hash = str_cut(&rest, ' ');
    (void)snprintf(number, sizeof number, "%.*s", STR_FMT(hash));
    for (size_t k = 0; k < COUNT(rows); k++) {
        (void)snprintf(text, sizeof text, "1 %s - d0 %s", number, rows[k]);
        assert_json(w, page(w, query, 0, text), "status", "400");
    }
}

static void more_groups_than_fit_are_refused(void **state)
{
    struct world *w = *state;
    char text[4000];
    const cJSON *answer;

    memset(text, 'x', sizeof text);
    for (int k = 0; k < 20; k++)
        (void)world_ask(w, "device.create", "'deviceId':'d%d','twin':{'tags':{'a':'%d%.*s'}}", k, k, 3900, text);
    answer = page(w, "SELECT COUNT() FROM devices GROUP BY tags.a", 0, NULL);
    assert_json(w, answer, "status", "400");
    assert_non_null(strstr(json_get_text(json_get(answer, "body"), "message"), "more groups than"));
}

/* facts Q-13 */
static void what_is_no_query_is_refused(void **state)
{
    struct world *w = *state;

    assert_string_equal(world_refused(w, 400, 400004, "query", "'query':'SELECT * FROM devices ORDER BY x'"),
                        "line 1, column 23: queries over twins have no ORDER");
    (void)world_refused(w, 400, 400004, "query", "'top':5");
    (void)world_refused(w, 400, 400004, "query", "'query':5");
    (void)world_refused(w, 400, 400004, "query", "'query':'SELECT * FROM devices','continuation':5");
    (void)world_refused(w, 400, 400004, "query", "'query':'SELECT * FROM devices','top':0");
    (void)world_refused(w, 400, 400004, "query", "'query':'SELECT * FROM devices','top':101");
    (void)world_refused(w, 400, 400004, "query", "'query':'SELECT * FROM devices','deviceId':'x'");
}

/* facts A-15 */
static void a_query_is_for_who_may_read_twins(void **state)
{
    struct world *w = *state;
    struct conn conn;

    world_service(w, &conn, "registryReadWrite");
    assert_json(w, world_ask_as(w, &conn, "query", "'query':'SELECT * FROM devices'"), "status", "401");
    world_service(w, &conn, "service");
    assert_json(w, world_ask_as(w, &conn, "query", "'query':'SELECT * FROM devices'"), "status", "200");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(items_come_in_pages_and_none_is_missed),
        WORLD_TEST(a_page_may_look_at_fewer_twins_than_there_are_and_nothing_changes),
        WORLD_TEST(large_twins_make_small_pages),
        WORLD_TEST(a_page_of_large_twins_is_not_large),
        WORLD_TEST(each_query_says_what_its_items_are),
        WORLD_TEST(a_query_sees_every_write_at_once),
        WORLD_TEST(a_query_goes_on_behind_what_is_gone),
        WORLD_TEST(a_continuation_is_for_its_own_query),
        WORLD_TEST(sums_of_somebody_else_are_refused),
        WORLD_TEST(more_groups_than_fit_are_refused),
        WORLD_TEST(what_is_no_query_is_refused),
        WORLD_TEST(a_query_is_for_who_may_read_twins),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
