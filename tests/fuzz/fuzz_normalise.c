/* fuzz_normalise.c - events become a normalised timeline. Input: a line for each event; an empty line is a mark. */
#include "fuzz.h"

#include "normalise.h"

#define EVENTS_MAX 48u

struct events {
    cJSON *at[EVENTS_MAX]; /* NULL: a mark */
    size_t count;
};

static void print(const struct normal_timeline *t, struct buf *out)
{
    buf_init(out, 0);
    buf_add(out, STR(""));
    normal_print(t, out);
    assert_true(buf_ok(out));
}

/* The laws of what is kept. */
static void check(const struct normal_timeline *t, size_t added)
{
    size_t bytes = 0;

    assert_int_equal(t->events, added);
    for (size_t n = 0; n < t->n_groups; n++) {
        struct normal_group *g = t->groups[n];

        assert_true(n == 0 || strcmp(t->groups[n - 1]->name, g->name) < 0);
        assert_ptr_equal(normal_find(t, g->name), g);
        assert_true(normal_settled(g) <= g->count);
        for (size_t k = 0; k < g->count; k++) {
            cJSON *tree = NULL;
            struct buf b;

            assert_true(g->at[k].event < added && (k == 0 || g->at[k - 1].event <= g->at[k].event));
            assert_int_equal(json_read(str_from(g->at[k].text), &tree, NULL), RC_OK);
            buf_init(&b, 0);
            json_print_sorted(&b, tree);
            assert_string_equal(b.at, g->at[k].text); /* canonical */
            buf_done(&b);
            cJSON_Delete(tree);
            bytes += strlen(g->at[k].text) + sizeof g->at[k];
        }
    }
    assert_int_equal(t->bytes, bytes);
}

static void add(struct normal_timeline *t, const cJSON *event)
{
    assert_int_equal(normal_add(t, event, NULL), RC_OK);
}

/* Step by step: what is said not to change it does not. */
static void run_slowly(const struct events *events, struct buf *out)
{
    struct normal_timeline t;
    size_t added = 0;

    normal_init(&t);
    print(&t, out);
    for (size_t n = 0; n < events->count; n++) {
        struct buf then = *out;
        bool changed = true;

        if (events->at[n]) {
            assert_int_equal(normal_add(&t, events->at[n], &changed), RC_OK);
            added++;
        } else {
            normal_mark(&t);
            changed = false;
        }
        print(&t, out);
        if (!changed)
            assert_string_equal(then.at, out->at);
        buf_done(&then);
        check(&t, added);
    }
    normal_done(&t);
}

/* Other numbers, times and ids: the same timeline. */
static void run_with_noise(const struct events *events, struct buf *out)
{
    static const char *const noise[] = {"seq",  "time", "mono_us",    "conn",      "rid",
                                        "etag", "id",   "planned_us", "actual_us", "ms"};
    struct normal_timeline t;

    normal_init(&t);
    for (size_t n = 0; n < events->count; n++) {
        cJSON *copy = events->at[n] ? cJSON_Duplicate(events->at[n], true) : NULL;

        for (size_t k = 0; copy && k < COUNT(noise); k++)
            assert_int_equal(json_set(copy, noise[k], json_i64((int64_t)(n * 31 + k))), RC_OK);
        if (copy)
            add(&t, copy);
        else
            normal_mark(&t);
        cJSON_Delete(copy);
    }
    print(&t, out);
    normal_done(&t);
}

static unsigned side_of(const cJSON *event)
{
    const char *device = json_get_text(event, "device"), *client = json_get_text(event, "clientId");
    const char *who = device ? device : client ? client : "";

    return (unsigned char)who[0] & 1;
}

/* Between identities there is no order: first all of one half, then all of the other. */
static void run_apart(const struct events *events, struct buf *out)
{
    struct normal_timeline t;

    normal_init(&t);
    for (unsigned side = 0; side < 2; side++)
        for (size_t n = 0; n < events->count; n++)
            if (side_of(events->at[n]) == side)
                add(&t, events->at[n]);
    print(&t, out);
    normal_done(&t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = fuzz_text(data, size);
    struct events events = {.count = 0};
    bool has_marks = false, may_part = true;
    struct buf once, again;

    while (rest.at && events.count < EVENTS_MAX) {
        struct str line = fuzz_line(&rest);
        cJSON *event = NULL;
        const char *device;

        if (line.len && (json_read(line, &event, NULL) || !cJSON_IsObject(event))) {
            cJSON_Delete(event);
            continue;
        }
        has_marks = has_marks || !event;
        device = json_get_text(event, "device");
        may_part =
            may_part && (!device || !strchr("c-", device[0])); /* "client x" and "-": those the hub does not know */
        events.at[events.count++] = event;
    }
    run_slowly(&events, &once);
    run_with_noise(&events, &again);
    assert_string_equal(once.at, again.at);
    buf_done(&again);
    if (!has_marks && may_part) {
        run_apart(&events, &again);
        assert_string_equal(once.at, again.at);
        buf_done(&again);
    }
    buf_done(&once);
    for (size_t n = 0; n < events.count; n++)
        cJSON_Delete(events.at[n]);
    return 0;
}
