/* test_query_laws.c - random queries of random twins: printed and read again they are the same, asking never fails, and the laws of
 * logic hold. And bytes that are no query are refused, whatever they are. Seeded (seed.h).
 */
#include <stdio.h>

#include "feed.h"
#include "query.h"

#define ROUNDS 3000
#define TWINS  8

static uint64_t state_of_dice;

static size_t dice(size_t n)
{
    return seed_random(&state_of_dice, n);
}

static const char *pick(const char *const *from, size_t n)
{
    return from[dice(n)];
}
#define PICK(array) pick(array, COUNT(array))

/* --- random twins ----------------------------------------------------------------------------------------------------- */

static const char *const keys[] = {"a", "b", "A", "group", "x_1", "$", "\xC3\xA9", "k:1", "from"};

static void random_value(struct buf *b, int depth)
{
    static const char *const leaves[] = {"1", "2.50", "-3", "1e2", "0", "true", "false", "\"a\"", "\"b'\\\\\"", "\"\""};
    size_t n = dice(4);

    if (depth == 0 || dice(3) == 0) {
        buf_add(b, str_from(PICK(leaves)));
        return;
    }
    buf_add_char(b, '{');
    for (size_t k = 0; k < n; k++) {
        buf_addf(b, "%s\"%s\":", k ? "," : "", keys[k * 2]);
        random_value(b, depth - 1);
    }
    buf_add_char(b, '}');
}

static struct identity *random_twin(void)
{
    struct identity *i = NULL;
    struct refusal why;
    cJSON *doc = NULL;
    struct buf b;

    buf_init(&b, 0);
    buf_addf(&b, "{\"deviceId\":\"d%zu\",\"status\":\"%s\",\"twin\":{\"tags\":{\"a\":", dice(5),
             dice(2) ? "enabled" : "disabled");
    random_value(&b, 3);
    buf_add(&b, STR("},\"reported\":{\"b\":"));
    random_value(&b, 3);
    buf_add(&b, STR(",\"list\":[1,\"a\"]}}}"));
    assert_int_equal(json_read(buf_view(&b), &doc, NULL), RC_OK);
    assert_int_equal(identity_read(doc, 0, &i, &why), RC_OK);
    cJSON_Delete(doc);
    buf_done(&b);
    return i;
}

/* --- random queries --------------------------------------------------------------------------------------------------- */

static void blank(struct buf *b)
{
    static const char *const blanks[] = {" ", "  ", "\n", "\t ", "\r\n"};

    buf_add(b, str_from(PICK(blanks)));
}

static void random_property(struct buf *b)
{
    static const char *const roots[] = {"tags.a",
                                        "tags",
                                        "properties.reported",
                                        "properties.reported.b",
                                        "properties.reported.list[1]",
                                        "deviceId",
                                        "devices.id",
                                        "STATUS",
                                        "version",
                                        "properties.desired.$version",
                                        "nothing",
                                        "[[tags]]",
                                        "lastActivityTime",
                                        "capabilities.iotEdge",
                                        "properties.reported.$metadata",
                                        "moduleId",
                                        "d.tags.a",
                                        "devices.tags['a']",
                                        "devices.devices.x",
                                        "etag"};
    size_t n = dice(3);

    buf_add(b, str_from(PICK(roots)));
    for (size_t k = 0; k < n; k++)
        switch (dice(4)) {
        case 0:
            buf_addf(b, "[%zu]", dice(3));
            break;
        case 1:
            buf_addf(b, "['%s']", PICK(keys));
            break;
        default:
            buf_addf(b, ".[[%s]]", PICK(keys));
        }
}

static void random_expression(struct buf *b, int depth)
{
    static const char *const leaves[] = {"1",    "2.5",  "0x1F", "1e-3",  "'a'",       "\"b'\"", "'\\u00e9\\n'",
                                         "true", "NULL", "-1",   "false", "undefined", "''",     "'2030-01-01'"};
    static const char *const binary[] = {"+", "-", "*",  "/",  "%",   "=",  "!=",  "<>",
                                         "<", ">", "<=", ">=", "AND", "or", "And", "OR"};
    size_t n = dice(3);

    if (depth == 0 || dice(4) == 0) {
        if (dice(2))
            buf_add(b, str_from(PICK(leaves)));
        else
            random_property(b);
        return;
    }
    switch (dice(8)) {
    case 0:
        buf_add(b, STR("(NOT "));
        random_expression(b, depth - 1);
        buf_add_char(b, ')');
        break;
    case 1:
        buf_add(b, STR("IS_DEFINED("));
        random_property(b);
        buf_add_char(b, ')');
        break;
    case 2:
        buf_add(b, STR("startswith("));
        random_expression(b, depth - 1);
        buf_add_char(b, ',');
        random_expression(b, depth - 1);
        buf_add_char(b, ')');
        break;
    case 3:
        buf_add(b, STR("(("));
        random_expression(b, depth - 1);
        buf_addf(b, ") %s [", dice(2) ? "IN" : "nin");
        for (size_t k = 0; k < n; k++) {
            buf_add(b, k ? STR(", (") : STR("("));
            random_expression(b, depth - 1);
            buf_add_char(b, ')');
        }
        buf_add(b, STR("])"));
        break;
    case 4:
        buf_add(b, STR("-("));
        random_expression(b, depth - 1);
        buf_add_char(b, ')');
        break;
    default:
        buf_add_char(b, '(');
        random_expression(b, depth - 1);
        blank(b);
        buf_add(b, str_from(PICK(binary)));
        blank(b);
        random_expression(b, depth - 1);
        buf_add_char(b, ')');
    }
}

static void random_query(struct buf *b)
{
    static const char *const columns[] = {"*",
                                          "*",
                                          "deviceId, tags.a AS [[x y]]",
                                          "TOP 3 properties",
                                          "tags.a, COUNT() AS n, SUM(tags.a) AS s, min(version)",
                                          "status"};
    size_t which = dice(COUNT(columns));

    buf_addf(b, "select %s", columns[which]);
    blank(b);
    buf_add(b, STR("FROM devices AS d WHERE "));
    random_expression(b, 4);
    if (which == 4)
        buf_add(b, STR(" GROUP BY d.tags.a"));
    if (which == 5 && dice(2))
        buf_add(b, STR(" group by status, tags.b"));
}

/* --- laws ------------------------------------------------------------------------------------------------------------- */

static struct query *read_any(struct str text)
{
    struct refusal why = {0, 0, "", ""};
    struct query *q = NULL;
    enum rc rc = query_read(text, &q, &why);

    if (rc == RC_REFUSED) {
        assert_int_equal(why.status, 400);
        assert_true(why.message[0] != '\0');
        assert_null(q);
    } else {
        assert_int_equal(rc, RC_OK);
    }
    return q;
}

static void all_items(struct buf *out, const struct query *q, struct identity *const *twins)
{
    struct query_sums *sums = query_has_sums(q) ? query_sums_new(q) : NULL;

    for (size_t k = 0; k < TWINS; k++) {
        if (!query_matches(q, twins[k]))
            continue;
        if (sums)
            assert_int_equal(query_sums_add(sums, twins[k]), RC_OK);
        else
            query_print_item(out, q, twins[k]);
    }
    if (sums)
        query_sums_print(out, sums);
    query_sums_free(sums);
    buf_add_char(out, '\n');
}

/* Print, read, print: the same text, and the same answer. */
static void assert_round_trip(const struct query *q, struct identity *const *twins)
{
    struct buf first, second, had, has;
    struct query *again;

    buf_init(&first, 0);
    buf_init(&second, 0);
    buf_init(&had, 0);
    buf_init(&has, 0);
    query_print(&first, q);
    again = read_any(buf_view(&first));
    if (!again)
        fail_msg("refused: %s", first.at);
    query_print(&second, again);
    assert_string_equal(second.at, first.at);
    all_items(&had, q, twins);
    all_items(&has, again, twins);
    assert_string_equal(has.at, had.at);
    query_free(again);
    buf_done(&first);
    buf_done(&second);
    buf_done(&had);
    buf_done(&has);
}

static struct query *of_condition(const char *before, const struct buf *condition, const char *after)
{
    struct query *q;
    struct buf text;

    buf_init(&text, 0);
    buf_addf(&text, "SELECT * FROM devices AS d WHERE %s(%s)%s", before, condition->at, after);
    q = read_any(buf_view(&text));
    assert_non_null(q);
    buf_done(&text);
    return q;
}

/* x AND false is never true, x OR true always; a twin is taken by x or by NOT x, not by both; NOT NOT x is x as a condition. */
static void assert_logic(struct identity *const *twins)
{
    struct buf condition;
    struct query *yes, *no, *twice, *never, *ever;

    buf_init(&condition, 0);
    random_expression(&condition, 4);
    yes = of_condition("", &condition, "");
    no = of_condition("NOT ", &condition, "");
    twice = of_condition("NOT NOT ", &condition, "");
    never = of_condition("", &condition, " AND false");
    ever = of_condition("true OR ", &condition, "");
    for (size_t k = 0; k < TWINS; k++) {
        bool is = query_matches(yes, twins[k]);

        assert_false(is && query_matches(no, twins[k]));
        assert_int_equal(query_matches(twice, twins[k]), is);
        assert_false(query_matches(never, twins[k]));
        assert_true(query_matches(ever, twins[k]));
    }
    query_free(yes);
    query_free(no);
    query_free(twice);
    query_free(never);
    query_free(ever);
    buf_done(&condition);
}

static void a_random_query_is_the_same_when_it_is_read_again(void **state)
{
    struct identity *twins[TWINS];

    (void)state;
    for (size_t k = 0; k < TWINS; k++)
        twins[k] = random_twin();
    for (int round = 0; round < ROUNDS; round++) {
        struct query *q;
        struct buf text;

        buf_init(&text, 0);
        random_query(&text);
        q = read_any(buf_view(&text));
        if (!q)
            fail_msg("refused: %s", text.at);
        assert_round_trip(q, twins);
        query_free(q);
        buf_done(&text);
        assert_logic(twins);
    }
    for (size_t k = 0; k < TWINS; k++)
        identity_free(twins[k]);
}

static struct identity *the_twin;

/* Whatever the bytes are: refused with a reason, or a query that can be asked and printed. */
static void take_bytes(struct str text)
{
    struct query *q = read_any(text);
    struct identity *twins[TWINS];

    for (size_t k = 0; k < TWINS; k++)
        twins[k] = the_twin;
    if (q)
        assert_round_trip(q, twins);
    query_free(q);
}

static void any_bytes_are_a_query_or_refused(void **state)
{
    static const char *const good[] = {
        "SELECT TOP 2 tags.a['b'][0] AS [[x]], COUNT() FROM devices AS d WHERE NOT (d.a IN ['x', -1.5e3] OR b != 0x1F) "
        "AND "
        "STARTSWITH(id, \"\\u00e9\\\\\") GROUP BY tags.a['b'][0]",
        "select * from devices.modules where is_defined(properties.reported.[[group]]) and a + 1 * 2 % 3 <= -b / 4"};

    (void)state;
    the_twin = random_twin();
    for (size_t k = 0; k < COUNT(good); k++) {
        feed_prefixes(str_from(good[k]), take_bytes);
        feed_mutations(str_from(good[k]), take_bytes);
    }
    identity_free(the_twin);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_random_query_is_the_same_when_it_is_read_again),
        cmocka_unit_test(any_bytes_are_a_query_or_refused),
    };

    state_of_dice = seed_state(seed_first());
    return cmocka_run_group_tests(tests, NULL, NULL);
}
