/* test_ident.c - does ident.h keep its promises? */
#include "feed.h"
#include "ident.h"
#include "test.h"

/* facts L-13 */
static void every_byte_is_legal_in_an_id_or_not_as_the_list_says(void **state)
{
    static const char legal[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-:.+%_#*?!(),=@;$'";

    (void)state;
    for (unsigned c = 0; c < 256; c++) {
        char byte = (char)c;
        bool want = c != 0 && strchr(legal, byte);

        assert_int_equal(ident_part_is_valid(str_of(&byte, 1)), want);
    }
}

static void an_id_holds_1_to_128_characters(void **state)
{
    char text[IDENT_PART_MAX + 1];

    (void)state;
    memset(text, 'a', sizeof text);
    assert_false(ident_part_is_valid(str_of(text, 0)));
    assert_false(ident_part_is_valid(str_of(NULL, 0)));
    assert_true(ident_part_is_valid(str_of(text, 1)));
    assert_true(ident_part_is_valid(str_of(text, IDENT_PART_MAX)));
    assert_false(ident_part_is_valid(str_of(text, IDENT_PART_MAX + 1)));
}

static void a_client_id_names_a_device_or_a_module(void **state)
{
    static const struct {
        const char *text;
        enum rc rc;
        const char *device, *module;
    } rows[] = {
        {"dev1", RC_OK, "dev1", ""},
        {"dev1/mod1", RC_OK, "dev1", "mod1"},
        {"D/azureiotsecurity", RC_OK, "D", "azureiotsecurity"},
        {"edge-1/$edgeAgent", RC_OK, "edge-1", "$edgeAgent"},
        {"?a=b/%2F", RC_OK, "?a=b", "%2F"},
        {"", RC_SYNTAX, NULL, NULL},
        {"/", RC_SYNTAX, NULL, NULL},
        {"dev1/", RC_SYNTAX, NULL, NULL},
        {"/mod1", RC_SYNTAX, NULL, NULL},
        {"a/b/c", RC_SYNTAX, NULL, NULL},
        {"a b", RC_SYNTAX, NULL, NULL},
        {"a/b c", RC_SYNTAX, NULL, NULL},
        {"d&", RC_SYNTAX, NULL, NULL},
        {"d\xC3\xA9", RC_SYNTAX, NULL, NULL},
        {"service//0f0e", RC_SYNTAX, NULL, NULL}, /* a service client is nobody's module */
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ident id = {STR("before"), STR("before")};

        print_message("  %s\n", rows[i].text);
        assert_int_equal(ident_read(str_from(rows[i].text), &id), rows[i].rc);
        if (rows[i].rc) {
            assert_true(str_eq(id.device, STR("before")) && str_eq(id.module, STR("before")));
            continue;
        }
        assert_true(str_eq(id.device, str_from(rows[i].device)));
        assert_true(str_eq(id.module, str_from(rows[i].module)));
        assert_int_equal(ident_is_module(id), id.module.len > 0);
    }
}

static void the_longest_ident_prints_into_its_buffer(void **state)
{
    char text[2 * IDENT_PART_MAX + 1], printed[IDENT_TEXT_MAX];
    struct ident id;

    (void)state;
    memset(text, 'z', sizeof text);
    text[IDENT_PART_MAX] = '/';
    assert_int_equal(ident_read(str_of(text, sizeof text), &id), RC_OK);
    assert_int_equal(ident_print(id, printed), sizeof text);
    assert_memory_equal(printed, text, sizeof text);
    assert_int_equal(printed[sizeof text], '\0');
}

/* facts M-05 */
static void idents_are_equal_by_letter_case_too(void **state)
{
    const struct ident device = {STR("dev"), STR("")}, module = {STR("dev"), STR("m")};

    (void)state;
    assert_true(ident_eq(module, (struct ident){STR("dev"), STR("m")}));
    assert_false(ident_eq(module, device));
    assert_false(ident_eq(module, (struct ident){STR("dev"), STR("M")}));
    assert_false(ident_eq(device, (struct ident){STR("Dev"), STR("")}));
}

/* Whatever is read prints as the very text it was read from; whatever is refused touches nothing. */
static void read_any(struct str text)
{
    struct ident id, before;
    char printed[IDENT_TEXT_MAX];

    memset(&before, 0xA5, sizeof before);
    id = before;
    if (ident_read(text, &id)) {
        assert_memory_equal(&id, &before, sizeof id);
        return;
    }
    assert_true(ident_part_is_valid(id.device));
    assert_true(!ident_is_module(id) || ident_part_is_valid(id.module));
    assert_true(str_eq(str_of(printed, ident_print(id, printed)), text));
}

static void any_bytes_are_refused_or_print_as_they_came(void **state)
{
    (void)state;
    feed_prefixes(STR("edge-1/azureiotsecurity"), read_any);
    feed_mutations(STR("edge-1/azureiotsecurity"), read_any);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_is_legal_in_an_id_or_not_as_the_list_says),
        cmocka_unit_test(an_id_holds_1_to_128_characters),
        cmocka_unit_test(a_client_id_names_a_device_or_a_module),
        cmocka_unit_test(the_longest_ident_prints_into_its_buffer),
        cmocka_unit_test(idents_are_equal_by_letter_case_too),
        cmocka_unit_test(any_bytes_are_refused_or_print_as_they_came),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
