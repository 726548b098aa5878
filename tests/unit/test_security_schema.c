/* The published form of security messages, and the one with room for what the real agents are known to send. data/security_messages.json has
 * a good event of each name, and rows that change one thing. */
#include "test.h"

#include "schema.h"

#include <stdio.h>

#define FILE_MAX (512u * 1024)

struct world {
    char *texts[3];
    cJSON *strict, *real, *data;
};

static cJSON *file_read(const char *name, char **text)
{
    FILE *file = fopen(name, "re");
    cJSON *tree = NULL;
    size_t n;

    assert_non_null(file);
    *text = malloc(FILE_MAX);
    assert_non_null(*text);
    n = fread(*text, 1, FILE_MAX, file);
    assert_int_equal(fclose(file), 0);
    assert_true(n < FILE_MAX);
    (*text)[n] = '\0';
    assert_int_equal(json_read(str_from(*text), &tree, NULL), RC_OK);
    return tree;
}

static int world_open(void **state)
{
    static struct world w;

    w.strict = file_read(FIXTURES "/schema/security-message.schema.json", &w.texts[0]);
    w.real = file_read(FIXTURES "/schema/security-message.real.schema.json", &w.texts[1]);
    w.data = file_read(TEST_DATA "/security_messages.json", &w.texts[2]);
    *state = &w;
    return 0;
}

static int world_close(void **state)
{
    struct world *w = *state;

    cJSON_Delete(w->strict);
    cJSON_Delete(w->real);
    cJSON_Delete(w->data);
    for (size_t i = 0; i < COUNT(w->texts); i++)
        free(w->texts[i]);
    return 0;
}

/* A message with that event; with each of them when name is NULL. */
static cJSON *message_of(const struct world *w, const char *name)
{
    cJSON *message = cJSON_Duplicate(json_get(w->data, "envelope"), true), *events = json_get(message, "Events");
    const cJSON *event;

    assert_non_null(events);
    cJSON_ArrayForEach(event, json_get(w->data, "events"))
    {
        if (!name || strcmp(event->string, name) == 0)
            assert_true(cJSON_AddItemToArray(events, cJSON_Duplicate(event, true)));
    }
    return message;
}

/* Put a copy of value (NULL: nothing) at a path like Payload.0.Queue. */
static void change(cJSON *node, const char *path, const cJSON *value)
{
    struct str rest = str_from(path);

    while (rest.at) {
        struct str key = str_cut(&rest, '.');
        char *name = str_dup(key);
        cJSON *next = cJSON_IsArray(node) ? cJSON_GetArrayItem(node, atoi(name)) : json_get(node, name);

        assert_non_null(node);
        if (rest.at) {
            node = next;
        } else if (cJSON_IsArray(node)) {
            assert_true(cJSON_ReplaceItemInArray(node, atoi(name), cJSON_Duplicate(value, true)));
        } else if (value) {
            assert_int_equal(json_set(node, name, cJSON_Duplicate(value, true)), RC_OK);
        } else {
            assert_non_null(next);
            json_remove(node, name);
        }
        free(name);
    }
}

static cJSON *message_of_row(const struct world *w, const cJSON *row)
{
    const char *event = json_get_text(row, "event"), *also = json_get_text(row, "and");
    cJSON *message = message_of(w, event ? event : "Login");
    cJSON *node = event ? cJSON_GetArrayItem(json_get(message, "Events"), 0) : message;

    change(node, json_get_text(row, "at"), json_get(row, "value"));
    if (also)
        change(node, also, json_get(row, "andValue"));
    return message;
}

/* The first thing that is told is what the row says; nothing, when it says nothing. */
static void judge(const char *about, const char *profile, const cJSON *schema, const cJSON *message, const char *says)
{
    struct buf why;
    enum rc rc;
    struct str first = {NULL, 0};

    buf_init(&why, SCHEMA_WHY_MAX);
    rc = schema_check(schema, message, &why);
    if (why.len)
        first = str_first(buf_view(&why), str_find(buf_view(&why), '\n'));
    if (rc != (says ? RC_REFUSED : RC_OK) || (says && !str_eq(first, str_from(says))))
        fail_msg("%s, %s: %s\n%s", about, profile, rc_text(rc), why.len ? why.at : "");
    buf_done(&why);
}

static void both_forms_are_good_schemas(void **state)
{
    struct world *w = *state;
    const cJSON *schemas[] = {w->strict, w->real};

    for (size_t i = 0; i < COUNT(schemas); i++) {
        struct source source = {"schema", str_from(w->texts[i])};
        struct problems problems;

        problems_init(&problems);
        schema_examine(schemas[i], &source, &problems);
        if (problems.count)
            fail_msg("%s", problems.lines.at);
        problems_done(&problems);
    }
}

/* facts S-11, S-12 */
static void a_message_with_every_event_fits_both_forms(void **state)
{
    struct world *w = *state;
    cJSON *message = message_of(w, NULL);

    assert_int_equal(cJSON_GetArraySize(json_get(message, "Events")), 14);
    judge("all events", "strict", w->strict, message, NULL);
    judge("all events", "real", w->real, message, NULL);
    cJSON_Delete(message);
}

/* facts S-11, S-12, S-29 */
static void each_form_accepts_and_refuses_what_it_should(void **state)
{
    struct world *w = *state;
    const cJSON *row;
    unsigned breaches = 0;

    cJSON_ArrayForEach(row, json_get(w->data, "rows"))
    {
        const char *about = json_get_text(row, "about");
        cJSON *message = message_of_row(w, row);

        judge(about, "strict", w->strict, message, json_get_text(row, "strict"));
        judge(about, "real", w->real, message, json_get_text(row, "real"));
        breaches += json_get(row, "strict") && !json_get(row, "real");
        cJSON_Delete(message);
    }
    assert_int_equal(breaches, 11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_forms_are_good_schemas),
        cmocka_unit_test(a_message_with_every_event_fits_both_forms),
        cmocka_unit_test(each_form_accepts_and_refuses_what_it_should),
    };

    return cmocka_run_group_tests(tests, world_open, world_close);
}
