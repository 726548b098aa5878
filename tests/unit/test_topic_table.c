/* test_topic_table.c - the table of topics, which the reference is made from, says what topic.c does. */
#include "topic.h"
#include "topics.h"

#include "test.h"

static const struct ident device = {{"dev1", 4}, {NULL, 0}}, module = {{"dev1", 4}, {"mod1", 4}},
                          stranger = {{"dev2", 4}, {NULL, 0}};

static bool is_for(const char *who, bool is_module)
{
    return strcmp(who, "both") == 0 || strcmp(who, is_module ? "module" : "device") == 0;
}

static void every_topic_that_is_published_to_is_read_as_what_the_table_says(void **state)
{
    static const struct {
        enum topic_kind kind;
        const char *who, *example;
    } rows[] = {
#define ROW(kind, who, form, example, what, facts) {TOPIC_##kind, who, example},
        TOPIC_PUBLISHED_LIST(ROW)
#undef ROW
    };

    (void)state;
    for (size_t n = 0; n < COUNT(rows); n++)
        for (int is_module = 0; is_module < 2; is_module++) {
            struct topic t;
            enum rc rc = topic_read(is_module ? module : device, str_from(rows[n].example), &t);

            assert_int_equal(rc == RC_OK, is_for(rows[n].who, is_module));
            if (!rc)
                assert_int_equal(t.kind, rows[n].kind);
        }
}

static void every_filter_is_of_the_class_that_the_table_says(void **state)
{
    static const struct {
        enum filter_class class;
        const char *who, *example;
    } rows[] = {
#define ROW(class, who, form, example, what, facts) {FILTER_##class, who, example},
        TOPIC_FILTER_LIST(ROW)
#undef ROW
    };

    (void)state;
    for (size_t n = 0; n < COUNT(rows); n++)
        for (int is_module = 0; is_module < 2; is_module++) {
            enum filter_class class;
            enum rc rc = filter_read(is_module ? module : device, str_from(rows[n].example), &class);

            assert_int_equal(rc == RC_OK, is_for(rows[n].who, is_module));
            if (!rc)
                assert_int_equal(class, rows[n].class);
            if (strstr(rows[n].example, "dev1"))
                assert_int_equal(filter_read(stranger, str_from(rows[n].example), &class), RC_REFUSED);
        }
}

/* The hub sends nothing that no filter of its class asks for. */
static void every_topic_that_the_hub_publishes_to_fits_a_filter_of_its_class(void **state)
{
    static const struct {
        enum filter_class class;
        const char *who, *example;
    } sent[] = {
#define ROW(class, who, form, example, what, facts) {FILTER_##class, who, example},
        TOPIC_SENT_LIST(ROW)
#undef ROW
    };
    static const struct {
        enum filter_class class;
        const char *who, *example;
    } filters[] = {
#define ROW(class, who, form, example, what, facts) {FILTER_##class, who, example},
        TOPIC_FILTER_LIST(ROW)
#undef ROW
    };

    (void)state;
    for (size_t n = 0; n < COUNT(sent); n++) {
        size_t fits = 0;

        for (size_t f = 0; f < COUNT(filters); f++)
            if (filters[f].class == sent[n].class && strcmp(filters[f].who, sent[n].who) == 0)
                fits += filter_fits(str_from(filters[f].example), str_from(sent[n].example));
        assert_true(fits > 0);
    }
}

static void what_the_hub_writes_has_the_form_that_the_table_says(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 0);
    topic_twin_answer(&b, 204, STR("8"), 4);
    assert_string_equal(b.at, "$iothub/twin/res/204/?$rid=8&$version=4");
    buf_reset(&b);
    topic_desired(&b, 5);
    assert_string_equal(b.at, "$iothub/twin/PATCH/properties/desired/?$version=5");
    buf_reset(&b);
    topic_method(&b, STR("reboot"), STR("1f"));
    assert_string_equal(b.at, "$iothub/methods/POST/reboot/?$rid=1f");
    buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_topic_that_is_published_to_is_read_as_what_the_table_says),
        cmocka_unit_test(every_filter_is_of_the_class_that_the_table_says),
        cmocka_unit_test(every_topic_that_the_hub_publishes_to_fits_a_filter_of_its_class),
        cmocka_unit_test(what_the_hub_writes_has_the_form_that_the_table_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
