/* fuzz_query.c - a query is read, asked of three identities, and its sums are kept for later. Input: the query; behind the first line, what
 * somebody gives as the sums to go on with. */
#include "fuzz.h"

#include "query.h"

static struct identity *everybody[3];

static void meet_everybody(void)
{
    static const char *const docs[] = {"{\"deviceId\":\"d1\",\"twin\":{\"tags\":{\"site\":\"x\",\"n\":1},"
                                       "\"properties\":{\"desired\":{\"a\":{\"b\":[1,\"c\"]},"
                                       "\"t\":true},\"reported\":{\"v\":1.5,\"s\":\"text\"}}}}",
                                       "{\"deviceId\":\"d2\",\"status\":\"disabled\",\"twin\":{\"tags\":{\"site\":null}"
                                       ",\"properties\":{\"reported\":{\"v\":\"2\"}}}}",
                                       "{\"deviceId\":\"d1\",\"moduleId\":\"m\",\"twin\":{\"properties\":{\"desired\":{"
                                       "\"a\":5},\"reported\":{\"v\":-3}}}}"};

    for (size_t n = 0; n < COUNT(docs); n++) {
        struct refusal why;
        cJSON *doc = NULL;

        assert_int_equal(json_read(str_from(docs[n]), &doc, NULL), RC_OK);
        assert_int_equal(identity_read(doc, INT64_C(1893456000000000), &everybody[n], &why), RC_OK);
        cJSON_Delete(doc);
    }
}

static void assert_json(struct str text)
{
    cJSON *tree = NULL;

    assert_int_equal(json_read(text, &tree, NULL), RC_OK);
    cJSON_Delete(tree);
}

static char *sums_text(const struct query_sums *sums)
{
    struct buf b;
    char *text;

    buf_init(&b, 0);
    buf_add_char(&b, '[');
    query_sums_print(&b, sums);
    buf_add_char(&b, ']');
    text = buf_take(&b, NULL);
    assert_non_null(text);
    assert_json(str_from(text));
    return text;
}

/* Saved and loaded after any of them, the sums end the same. */
static void check_sums(const struct query *q, struct str given)
{
    struct query_sums *sums = query_sums_new(q), *other = NULL;
    cJSON *saved = NULL;
    char *at_once, *with_a_pause;

    assert_non_null(sums);
    for (size_t n = 0; n < COUNT(everybody); n++) {
        struct query_sums *back = NULL;
        struct buf b;

        if (query_matches(q, everybody[n]))
            assert_int_equal(query_sums_add(sums, everybody[n]), RC_OK);
        buf_init(&b, 0);
        query_sums_save(&b, sums);
        assert_int_equal(json_read(buf_view(&b), &saved, NULL), RC_OK);
        assert_int_equal(query_sums_load(q, saved, &back), RC_OK);
        at_once = sums_text(sums);
        with_a_pause = sums_text(back);
        assert_string_equal(at_once, with_a_pause);
        free(at_once);
        free(with_a_pause);
        cJSON_Delete(saved);
        buf_done(&b);
        query_sums_free(sums);
        sums = back;
    }
    if (json_read(given, &saved, NULL) == RC_OK) {
        if (query_sums_load(q, saved, &other) == RC_OK)
            free(sums_text(other));
        else
            assert_null(other);
        cJSON_Delete(saved);
    }
    query_sums_free(other);
    query_sums_free(sums);
}

static void check_item(const struct query *q, const struct identity *i)
{
    struct buf b;

    buf_init(&b, 0);
    query_print_item(&b, q, i);
    assert_true(buf_ok(&b));
    assert_json(buf_view(&b));
    buf_done(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = fuzz_text(data, size), text = fuzz_line(&rest);
    struct refusal why = {0, 0, "", ""};
    struct query *q = NULL, *again = NULL;
    struct buf once, twice;

    if (!everybody[0])
        meet_everybody();
    if (query_read(text, &q, &why)) {
        assert_true(!q && why.status == 400 && why.message[0]);
        return 0;
    }
    buf_init(&once, 0);
    buf_init(&twice, 0);
    query_print(&once, q);
    assert_true(buf_ok(&once));
    if (once.len > QUERY_TEXT_MAX) /* a-b is printed a - b, and may be too long to be read again */
        goto done;
    assert_int_equal(query_read(buf_view(&once), &again, &why), RC_OK);
    query_print(&twice, again);
    assert_string_equal(once.at, twice.at);
    assert_true(query_source(q) == query_source(again) && query_top(q) == query_top(again));
    assert_true(query_is_star(q) == query_is_star(again) && query_has_sums(q) == query_has_sums(again));
    for (size_t n = 0; n < COUNT(everybody); n++) {
        assert_int_equal(query_matches(q, everybody[n]), query_matches(again, everybody[n]));
        if (!query_has_sums(q))
            check_item(q, everybody[n]);
    }
    if (query_has_sums(q))
        check_sums(q, rest.at ? rest : STR(""));

done:
    buf_done(&twice);
    buf_done(&once);
    query_free(again);
    query_free(q);
    return 0;
}
