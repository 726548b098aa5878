/* fuzz_twin.c - one life of a twin. Input: a line for each thing that happens to it, a letter and JSON behind it:
 *   r  a reported patch     s  a service's patch, {"tags":..,"desired":..}     p  a service's replacement     n  a whole twin that is read
 */
#include "fuzz.h"

#include "twin.h"

#define LINES_MAX 24u

static char *text_of(const struct twin *t)
{
    struct buf b;
    char *text;

    buf_init(&b, 0);
    twin_print(&b, t);
    text = buf_take(&b, NULL);
    assert_non_null(text);
    return text;
}

static cJSON *read_ok(struct str text)
{
    cJSON *tree = NULL;

    assert_int_equal(json_read(text, &tree, NULL), RC_OK);
    return tree;
}

static struct twin *copy(const struct twin *t)
{
    char *text = text_of(t), *again;
    cJSON *doc = read_ok(str_from(text));
    struct twin *back = NULL;
    struct refusal why;

    assert_int_equal(twin_read(doc, 0, &back, &why), RC_OK);
    assert_true(twin_is_valid(back));
    again = text_of(back);
    assert_string_equal(text, again);
    free(again);
    free(text);
    cJSON_Delete(doc);
    return back;
}

/* What a device that knew the section makes of the note is the section as it is now. facts M-31, M-32 */
static void assert_note_tells_all(const struct twin *before, const cJSON *desired, bool replace, const struct twin *t)
{
    cJSON *known = cJSON_Duplicate(before->desired, true), *note;
    struct buf b;

    buf_init(&b, 0);
    twin_print_note(&b, before, desired, replace, t->desired_version);
    note = read_ok(buf_view(&b));
    assert_int_equal(json_get(note, "$version")->valuedouble, t->desired_version);
    json_remove(note, "$version");
    assert_int_equal(json_merge(known, note), RC_OK);
    assert_true(json_eq(known, t->desired));
    cJSON_Delete(note);
    cJSON_Delete(known);
    buf_done(&b);
}

static bool write_service(struct twin *t, cJSON *doc, bool replace, int64_t at_us)
{
    cJSON *tags = json_get(doc, "tags"), *desired = json_get(doc, "desired");
    bool touched_tags = false, touched_desired = false;
    struct twin *before;
    struct refusal why = {0, 0, "", ""};

    twin_strip_service_fields(tags);
    twin_strip_service_fields(desired);
    if (!twin_check_service(t, tags, desired, replace, &why)) {
        assert_true(why.status >= 400 && why.status < 500 && why.message[0]);
        return false;
    }
    before = copy(t);
    assert_int_equal(twin_write_service(t, tags, desired, replace, at_us, &touched_tags, &touched_desired), RC_OK);
    assert_int_equal(t->reported_version, before->reported_version);
    assert_true(json_eq(t->reported, before->reported)); /* what a service writes never bleeds into reported */
    assert_int_equal(t->desired_version, before->desired_version + touched_desired);
    assert_int_equal(t->version, before->version + (touched_tags || touched_desired));
    assert_int_equal(t->etag, before->etag + (touched_tags || touched_desired));
    if (touched_desired && (replace || cJSON_IsObject(desired)))
        assert_note_tells_all(before, desired, replace, t);
    twin_free(before);
    return true;
}

static bool write_reported(struct twin *t, const cJSON *patch, int64_t at_us)
{
    struct twin *before;
    struct refusal why = {0, 0, "", ""};

    if (!twin_check_reported(t, patch, &why)) {
        assert_true(why.status >= 400 && why.status < 500 && why.message[0]);
        return false;
    }
    before = copy(t);
    assert_int_equal(twin_write_reported(t, patch, at_us), RC_OK);
    assert_true(json_eq(t->desired, before->desired)); /* nor the other way round */
    assert_true(t->tags ? json_eq(t->tags, before->tags) : !before->tags);
    assert_int_equal(t->reported_version, before->reported_version + 1);
    assert_int_equal(t->version, before->version + 1);
    assert_true(t->etag == before->etag && t->desired_version == before->desired_version);
    /* The same again changes values no more. */
    if (twin_check_reported(t, patch, &why)) {
        cJSON *once = cJSON_Duplicate(t->reported, true);

        assert_int_equal(twin_write_reported(t, patch, at_us), RC_OK);
        assert_true(json_eq(t->reported, once));
        cJSON_Delete(once);
    }
    twin_free(before);
    return true;
}

/* A document that somebody wrote: a valid twin, or a reason. */
static void take(struct twin **t, const cJSON *doc, int64_t at_us)
{
    struct refusal why = {0, 0, "", ""};
    struct twin *other = NULL;

    if (twin_read(doc, at_us, &other, &why)) {
        assert_null(other);
        assert_true(why.message[0]);
        return;
    }
    twin_free(*t);
    *t = other;
}

static void check_views(struct twin *t)
{
    struct str view = twin_device_view(t);
    cJSON *doc = read_ok(view), *desired = json_get(doc, "desired"), *reported = json_get(doc, "reported");

    assert_int_equal(json_get(desired, "$version")->valuedouble, (double)t->desired_version);
    assert_int_equal(json_get(reported, "$version")->valuedouble, (double)t->reported_version);
    json_remove(desired, "$version");
    json_remove(reported, "$version");
    assert_true(json_eq(desired, t->desired) && json_eq(reported, t->reported));
    cJSON_Delete(doc);
    twin_free(copy(t));
}

static void happen(struct twin **t, char what, cJSON *doc, int64_t at_us)
{
    char *then = text_of(*t), *now;
    bool is_done = true;

    if (what == 'n')
        take(t, doc, at_us);
    else if (what == 'r')
        is_done = write_reported(*t, doc, at_us);
    else
        is_done = write_service(*t, doc, what == 'p', at_us);
    assert_true(twin_is_valid(*t));
    if (!is_done) {
        now = text_of(*t);
        assert_string_equal(then, now); /* refused: no trace. facts T-20 */
        free(now);
    }
    check_views(*t);
    free(then);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = fuzz_text(data, size);
    int64_t at_us = INT64_C(1893456000000000);
    struct twin *t = twin_new(at_us);

    assert_non_null(t);
    for (unsigned n = 0; rest.at && n < LINES_MAX; n++) {
        struct str line = fuzz_line(&rest);
        cJSON *doc = NULL;

        at_us += 1000001;
        if (line.len && strchr("rspn", line.at[0]) && json_read(str_skip(line, 1), &doc, NULL) == RC_OK)
            happen(&t, line.at[0], doc, at_us);
        cJSON_Delete(doc);
    }
    twin_free(t);
    return 0;
}
