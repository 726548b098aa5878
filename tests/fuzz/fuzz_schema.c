/* fuzz_schema.c - a JSON Schema and a value. Input: two lines, the schema and the value; without a second one the schema is its own value. */
#include "fuzz.h"

#include "schema.h"
#include "utf8.h"

static unsigned problems_of(const cJSON *schema, struct str text)
{
    struct source source = {"schema.json", text};
    struct problems problems;
    unsigned count;

    problems_init(&problems);
    schema_examine(schema, &source, &problems);
    count = problems.count;
    assert_int_equal(count > 0, problems.lines.len > 0);
    problems_done(&problems);
    return count;
}

/* Within another schema: {"not":..} says the contrary, {"allOf":[..]} the same. */
static void check_within(const cJSON *schema, const cJSON *value, enum rc rc)
{
    cJSON *not_it = cJSON_CreateObject(), *all_of = cJSON_CreateObject(), *list = cJSON_CreateArray();
    enum rc contrary, same;

    assert_true(cJSON_AddItemToArray(list, cJSON_Duplicate(schema, true)));
    assert_int_equal(json_set(not_it, "not", cJSON_Duplicate(schema, true)), RC_OK);
    assert_int_equal(json_set(all_of, "allOf", list), RC_OK);
    contrary = schema_check(not_it, value, NULL);
    same = schema_check(all_of, value, NULL);
    assert_true(contrary == RC_LIMIT || contrary == (rc == RC_OK ? RC_REFUSED : RC_OK));
    assert_true(same == RC_LIMIT || same == rc);
    cJSON_Delete(not_it);
    cJSON_Delete(all_of);
}

static unsigned count_lines(struct str text)
{
    unsigned n = 0;

    for (size_t i = 0; i < text.len; i++)
        n += text.at[i] == '\n';
    return n;
}

static void check(const cJSON *schema, struct str schema_text, const cJSON *value)
{
    bool is_good = problems_of(schema, schema_text) == 0;
    struct buf why;
    enum rc rc;

    buf_init(&why, SCHEMA_WHY_MAX);
    rc = schema_check(schema, value, &why);
    assert_true(rc == RC_OK || rc == RC_REFUSED || rc == RC_LIMIT || (rc == RC_SYNTAX && !is_good));
    if (is_good)
        assert_int_equal(schema_check(schema, value, NULL), rc); /* whether it is told why or not */
    assert_true(rc == RC_OK ? why.len == 0 : why.len > 0);
    assert_true(utf8_is_valid(buf_view(&why)) && buf_ok(&why));
    if (rc == RC_REFUSED)
        assert_true(count_lines(buf_view(&why)) <= SCHEMA_WHY_LINES + 1);
    buf_done(&why);
    /* A reference names a place from the root, so only a schema without one means the same elsewhere. */
    if (is_good && (rc == RC_OK || rc == RC_REFUSED) && !memmem(schema_text.at, schema_text.len, "ref", 3) &&
        !memmem(schema_text.at, schema_text.len, "\\u", 2))
        check_within(schema, value, rc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = fuzz_text(data, size), line = fuzz_line(&rest);
    cJSON *schema = NULL, *value = NULL;

    if (json_read(line, &schema, NULL) == RC_OK) {
        if (rest.at && json_read(rest, &value, NULL) == RC_OK)
            check(schema, line, value);
        else if (!rest.at)
            check(schema, line, schema);
    }
    cJSON_Delete(schema);
    cJSON_Delete(value);
    return 0;
}
