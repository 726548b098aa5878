/* Aliases: short names for long places in a twin, where values are written. */
#include "test.h"

#include "alias.h"

static cJSON *json(const char *text)
{
    cJSON *tree = NULL;

    assert_int_equal(json_read(str_from(text), &tree, NULL), RC_OK);
    return tree;
}

static const char aliases_text[] = "{\"config.*\":\"urn:Config.*.value\",\"raw.*\":\"urn:Config.*\","
                                   "\"config\":\"urn:Config\",\"pre*post\":\"p.*\",\"fixed\":\"a.b\"}";

static void a_name_stands_for_the_place_of_the_first_alias_that_fits(void **state)
{
    static const struct {
        const char *name, *want; /* NULL: no alias fits */
    } rows[] = {
        {"config.a", "urn:Config.a.value"},
        {"raw.a", "urn:Config.a"},
        {"config", "urn:Config"},
        {"preXpost", "p.X"},
        {"fixed", "a.b"},
        {"prepost", NULL}, /* a '*' takes at least a byte */
        {"config.", NULL},
        {"config.a.b", NULL}, /* and no dot */
        {"other", NULL},
        {"", NULL},
    };
    cJSON *aliases = json(aliases_text);

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct buf out;

        buf_init(&out, 0);
        assert_int_equal(alias_place(aliases, str_from(rows[i].name), &out), rows[i].want != NULL);
        if (rows[i].want)
            assert_string_equal(out.at, rows[i].want);
        else
            assert_int_equal(out.len, 0);
        buf_done(&out);
    }
    cJSON_Delete(aliases);
}

static void what_is_written_lands_in_its_place_and_meets_its_neighbours(void **state)
{
    static const struct {
        const char *written, *want; /* NULL: two names for one place */
    } rows[] = {
        {"{}", "{}"},
        {"{\"config.a\":\"PT1M\"}", "{\"urn:Config\":{\"a\":{\"value\":\"PT1M\"}}}"},
        {"{\"config.a\":1,\"config.b\":2,\"x\":3}",
         "{\"urn:Config\":{\"a\":{\"value\":1},\"b\":{\"value\":2}},\"x\":3}"},
        {"{\"raw.a\":null}", "{\"urn:Config\":{\"a\":null}}"},
        {"{\"config\":null}", "{\"urn:Config\":null}"},
        {"{\"config\":{\"a\":null},\"config.b\":1}", "{\"urn:Config\":{\"a\":null,\"b\":{\"value\":1}}}"},
        {"{\"other.key\":1}", "{\"other.key\":1}"}, /* only a key that fits an alias is a path */
        {"{\"fixed\":1,\"a\":{\"c\":2}}", "{\"a\":{\"b\":1,\"c\":2}}"},
        {"{\"k\":{\"config.a\":1}}", "{\"k\":{\"config.a\":1}}"}, /* outermost keys only */
        {"{\"config.a\":1,\"raw.a\":null}", NULL},
        {"{\"config\":1,\"config.a\":1}", NULL},
        {"{\"fixed\":1,\"a\":{\"b\":2}}", NULL},
    };
    cJSON *aliases = json(aliases_text);

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        cJSON *written = json(rows[i].written), *out = NULL;
        const cJSON *clash = NULL;

        if (rows[i].want) {
            char *text;

            assert_int_equal(alias_expand(written, aliases, &out, &clash), RC_OK);
            text = json_text(out);
            assert_string_equal(text, rows[i].want);
            free(text);
        } else {
            assert_int_equal(alias_expand(written, aliases, &out, &clash), RC_EXISTS);
            assert_ptr_equal(clash, written->child->next);
            assert_null(out);
        }
        cJSON_Delete(out);
        cJSON_Delete(written);
    }
    cJSON_Delete(aliases);
}

static void without_aliases_every_key_is_literal(void **state)
{
    cJSON *written = json("{\"config.a\":1}"), *out = NULL;
    const cJSON *clash = NULL;

    (void)state;
    assert_int_equal(alias_expand(written, NULL, &out, &clash), RC_OK);
    assert_true(json_eq(written, out));
    cJSON_Delete(out);
    cJSON_Delete(written);
}

static void a_malformed_alias_is_refused(void **state)
{
    static const struct {
        const char *pattern, *place;
        bool good;
    } rows[] = {
        {"a", "b", true},      {"a.*", "b.*.c", true}, {"a.*", "b", true},  {"", "b", false},
        {"a", "", false},      {"a..b", "c", false},   {"a.", "c", false},  {"a", ".c", false},
        {"*.*", "b.*", false}, {"a.*", "*.*", false},  {"a", "b.*", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *what = NULL;

        assert_int_equal(alias_is_valid(str_from(rows[i].pattern), str_from(rows[i].place), &what), rows[i].good);
        assert_int_equal(what == NULL, rows[i].good);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_stands_for_the_place_of_the_first_alias_that_fits),
        cmocka_unit_test(what_is_written_lands_in_its_place_and_meets_its_neighbours),
        cmocka_unit_test(without_aliases_every_key_is_literal),
        cmocka_unit_test(a_malformed_alias_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
