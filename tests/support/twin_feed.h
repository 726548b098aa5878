/* twin_feed.h - twins written and read in a line, for tests: every text is JSON, every helper asserts that it went well. */
#ifndef TWINSIM_TWIN_FEED_H
#define TWINSIM_TWIN_FEED_H

#include "test.h"
#include "twin.h"

/* 2030-01-01T00:00:00Z; every write of a test says how many seconds later it happens. */
#define TWIN_DAY_US INT64_C(1893456000000000)

static inline int64_t twin_second(int64_t s)
{
    return TWIN_DAY_US + s * 1000000;
}

/* NULL gives NULL: "not submitted". */
static inline cJSON *twin_tree(const char *text)
{
    cJSON *node = NULL;

    if (text)
        assert_int_equal(json_read(str_from(text), &node, NULL), RC_OK);
    return node;
}

/* A service write, checked and applied. */
static inline void twin_service(struct twin *t, const char *tags, const char *desired, bool replace, int64_t at_s)
{
    cJSON *tags_tree = twin_tree(tags), *desired_tree = twin_tree(desired);
    bool touched_tags, touched_desired;
    struct refusal why;

    assert_true(twin_check_service(t, tags_tree, desired_tree, replace, &why));
    assert_int_equal(
        twin_write_service(t, tags_tree, desired_tree, replace, twin_second(at_s), &touched_tags, &touched_desired),
        RC_OK);
    assert_true(twin_is_valid(t));
    cJSON_Delete(tags_tree);
    cJSON_Delete(desired_tree);
}

static inline void twin_reported(struct twin *t, const char *patch, int64_t at_s)
{
    cJSON *tree = twin_tree(patch);
    struct refusal why;

    assert_true(twin_check_reported(t, tree, &why));
    assert_int_equal(twin_write_reported(t, tree, twin_second(at_s)), RC_OK);
    assert_true(twin_is_valid(t));
    cJSON_Delete(tree);
}

/* The twin as a snapshot, on the heap. */
static inline char *twin_text(const struct twin *t)
{
    struct buf out;
    char *text;

    buf_init(&out, 0);
    twin_print(&out, t);
    text = buf_take(&out, NULL);
    assert_non_null(text);
    return text;
}

static inline void assert_section(const struct twin *t, enum twin_section section, const char *want)
{
    struct buf out;

    buf_init(&out, 0);
    twin_print_section(&out, t, section);
    assert_true(buf_ok(&out));
    assert_string_equal(out.at, want);
    buf_done(&out);
}

static inline void assert_counters(const struct twin *t, int64_t etag, int64_t version, int64_t desired,
                                   int64_t reported)
{
    assert_int_equal(t->etag, etag);
    assert_int_equal(t->version, version);
    assert_int_equal(t->desired_version, desired);
    assert_int_equal(t->reported_version, reported);
}

#endif
