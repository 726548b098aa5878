/* test_twin_laws.c - do a twin's laws hold for documents nobody thought of?
 *
 * Seeded (seed.h). The model that twins are held against is naive on purpose: no index, no measures, no metadata.
 */
#include <stdio.h>

#include "seed.h"
#include "twin_feed.h"

#define ROUNDS 200

static uint64_t seed;

static size_t pick(size_t below)
{
    return seed_random(&seed, below);
}

/* A key: few, so that documents meet; now and then one that looks like another. */
static void add_key(struct buf *out, bool is_wide)
{
    static const char *const keys[] = {"a", "b", "c", "A", "", "aa", "\xC3\xA9", "#"};

    if (is_wide)
        buf_addf(out, "\"k%zu\":", pick(90));
    else
        buf_addf(out, "\"%s\":", keys[pick(COUNT(keys))]);
}

static void add_value(struct buf *out, unsigned depth, bool with_nulls);

static void add_object(struct buf *out, unsigned depth, bool with_nulls)
{
    bool is_wide = pick(12) == 0;
    size_t members = is_wide ? 20 + pick(60) : pick(5);

    buf_add_char(out, '{');
    for (size_t i = 0; i < members; i++) {
        if (i)
            buf_add_char(out, ',');
        add_key(out, is_wide);
        add_value(out, depth + 1, with_nulls);
    }
    buf_add_char(out, '}');
}

static void add_value(struct buf *out, unsigned depth, bool with_nulls)
{
    static const char *const leaves[] = {
        "1", "-0", "1.50", "1e3", "true", "false", "\"\"", "\"x\"", "\"\\n\xE2\x82\xAC\\u0085\""};
    size_t kind = pick(10);

    if (kind < 3 && depth < 4) {
        add_object(out, depth, with_nulls);
    } else if (kind == 3 && depth < 4) {
        buf_add_char(out, '[');
        for (size_t i = pick(4); i; i--) {
            add_value(out, depth + 1, false);
            if (i > 1)
                buf_add_char(out, ',');
        }
        buf_add_char(out, ']');
    } else if (kind < 6 && with_nulls) {
        buf_add(out, STR("null"));
    } else {
        buf_add(out, str_from(leaves[pick(COUNT(leaves))]));
    }
}

/* A random object. */
static cJSON *document(bool with_nulls)
{
    struct buf text;
    cJSON *node = NULL;

    buf_init(&text, 0);
    add_object(&text, 0, with_nulls);
    assert_int_equal(json_read(buf_view(&text), &node, NULL), RC_OK);
    buf_done(&text);
    return node;
}

/* The model: merge as the documents say it, member by member. */
static void naive_merge(cJSON *target, const cJSON *patch)
{
    for (const cJSON *member = patch->child; member; member = member->next) {
        cJSON *old = json_get(target, member->string);

        if (cJSON_IsNull(member)) {
            json_remove(target, member->string);
        } else if (cJSON_IsObject(member)) {
            if (!cJSON_IsObject(old)) {
                assert_int_equal(json_set(target, member->string, cJSON_CreateObject()), RC_OK);
                old = json_get(target, member->string);
            }
            naive_merge(old, member);
        } else {
            assert_int_equal(json_set(target, member->string, cJSON_Duplicate(member, true)), RC_OK);
        }
    }
}

/* One write: which section(s), how, and what came of it. */
struct step {
    cJSON *tags, *desired, *reported; /* NULL: not submitted */
    bool replace;
};

static struct step step_random(void)
{
    struct step s = {NULL, NULL, NULL, false};

    switch (pick(4)) {
    case 0:
        s.reported = document(true);
        break;
    case 1:
        s.tags = document(true);
        break;
    case 2:
        s.desired = document(true);
        break;
    default:
        s.replace = pick(2) == 0;
        s.tags = document(true);
        s.desired = pick(4) ? document(true) : NULL;
        break;
    }
    return s;
}

static void step_done(struct step *s)
{
    cJSON_Delete(s->tags);
    cJSON_Delete(s->desired);
    cJSON_Delete(s->reported);
}

/* returns false when the hub refuses it: then nothing happened */
static bool step_apply(struct twin *t, const struct step *s, int64_t at_us)
{
    struct refusal why;
    bool touched_tags, touched_desired;

    if (s->reported) {
        if (!twin_check_reported(t, s->reported, &why))
            return false;
        assert_int_equal(twin_write_reported(t, s->reported, at_us), RC_OK);
    } else {
        if (!twin_check_service(t, s->tags, s->desired, s->replace, &why))
            return false;
        assert_int_equal(twin_write_service(t, s->tags, s->desired, s->replace, at_us, &touched_tags, &touched_desired),
                         RC_OK);
    }
    return true;
}

static char *text_of(const cJSON *node)
{
    char *text = json_text(node);

    assert_non_null(text);
    return text;
}

static void assert_same_text(const cJSON *a, const cJSON *b)
{
    char *left = text_of(a), *right = text_of(b);

    assert_string_equal(left, right);
    free(left);
    free(right);
}

/* A section of the model after a step: what was submitted is merged into it, or into nothing. */
static void model_apply(cJSON **section, const cJSON *submitted, bool replace)
{
    if (replace) {
        cJSON_Delete(*section);
        *section = cJSON_CreateObject();
    }
    if (submitted)
        naive_merge(*section, submitted);
}

/* versions only rise, and by the table: facts T-01 to T-05 */
static void assert_counted(const struct twin *t, const struct twin *before, const struct step *s)
{
    bool tags = s->replace || (s->tags && s->tags->child), desired = s->replace || (s->desired && s->desired->child);
    bool service = tags || desired, reported = s->reported != NULL;

    assert_int_equal(t->etag, before->etag + service);
    assert_int_equal(t->version, before->version + (service || reported));
    assert_int_equal(t->desired_version, before->desired_version + desired);
    assert_int_equal(t->reported_version, before->reported_version + reported);
}

/* What a device that knew the section before the write makes of what it hears must be the section after it. facts M-31, M-32 */
static void assert_note_tells_all(const struct twin *before, const struct step *s, const struct twin *after)
{
    cJSON *copy = cJSON_Duplicate(before->desired, true), *note = NULL;
    struct buf out;

    buf_init(&out, 0);
    twin_print_note(&out, before, s->desired, s->replace, after->desired_version);
    assert_int_equal(json_read(buf_view(&out), &note, NULL), RC_OK);
    assert_int_equal(json_get(note, "$version")->valuedouble, after->desired_version);
    json_remove(note, "$version");
    naive_merge(copy, note);
    assert_true(json_eq(copy, after->desired));
    cJSON_Delete(note);
    cJSON_Delete(copy);
    buf_done(&out);
}

static struct twin *reread(const struct twin *t)
{
    char *text = twin_text(t), *again;
    struct twin *back = NULL;
    struct refusal why;
    cJSON *doc = twin_tree(text);

    assert_int_equal(twin_read(doc, 0, &back, &why), RC_OK);
    assert_true(twin_is_valid(back));
    again = twin_text(back);
    assert_string_equal(text, again);
    free(text);
    free(again);
    cJSON_Delete(doc);
    return back;
}

/* One life of a twin: writes at random, every law after every one. */
static void live(void)
{
    struct twin *t = twin_new(TWIN_DAY_US);
    cJSON *tags = cJSON_CreateObject(), *desired = cJSON_CreateObject(), *reported = cJSON_CreateObject();
    int64_t at_us = TWIN_DAY_US;

    for (size_t writes = 1 + pick(12); writes; writes--) {
        struct step s = step_random();
        struct twin *before = reread(t); /* print, read, print: the same */
        char *then = twin_text(t), *now;

        at_us += (int64_t)pick(5000000);
        if (!step_apply(t, &s, at_us)) {
            now = twin_text(t);
            assert_string_equal(then, now); /* refused: no trace. facts T-20 */
            free(now);
        } else {
            assert_true(twin_is_valid(t));
            assert_counted(t, before, &s);
            model_apply(&tags, s.tags, s.replace);
            model_apply(&desired, s.desired, s.replace);
            if (s.reported)
                model_apply(&reported, s.reported, false);
            if (t->tags)
                assert_same_text(t->tags, tags);
            assert_same_text(t->desired, desired);   /* so a device's write never bleeds into desired, */
            assert_same_text(t->reported, reported); /* nor the other way round */
            if (t->desired_version > before->desired_version)
                assert_note_tells_all(before, &s, t);
            assert_true(step_apply(before, &s, at_us)); /* what was read back behaves alike */
            now = twin_text(before);
            free(then);
            then = twin_text(t);
            assert_string_equal(then, now);
            free(now);
        }
        free(then);
        twin_free(before);
        step_done(&s);
    }
    cJSON_Delete(tags);
    cJSON_Delete(desired);
    cJSON_Delete(reported);
    twin_free(t);
}

/* The same patch twice leaves what once leaves, and merging is what the naive model does, with its texts and its order. */
static void merge_twice(void)
{
    cJSON *target = document(false), *patch = document(true), *model = cJSON_Duplicate(target, true), *once;

    assert_int_equal(json_merge(target, patch), RC_OK);
    naive_merge(model, patch);
    assert_same_text(target, model);
    once = cJSON_Duplicate(target, true);
    assert_int_equal(json_merge(target, patch), RC_OK);
    assert_same_text(target, once);
    for (const cJSON *member = patch->child; member; member = member->next) /* null removes */
        assert_int_equal(json_get(target, member->string) == NULL, cJSON_IsNull(member));
    cJSON_Delete(target);
    cJSON_Delete(patch);
    cJSON_Delete(model);
    cJSON_Delete(once);
}

static void one_life(uint64_t of)
{
    seed = seed_state(of);
    live();
}

static void one_merge(uint64_t of)
{
    seed = seed_state(of);
    merge_twice();
}

static void twins_obey_the_laws_all_their_lives(void **state)
{
    (void)state;
    seed_each(ROUNDS, one_life);
}

static void merging_is_what_the_naive_model_does(void **state)
{
    (void)state;
    seed_each(ROUNDS, one_merge);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(twins_obey_the_laws_all_their_lives),
        cmocka_unit_test(merging_is_what_the_naive_model_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
