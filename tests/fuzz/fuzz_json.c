/* fuzz_json.c - reading, printing, comparing and merging JSON. Input: the text; of an array of two objects the second is merged into the first. */
#include "fuzz.h"

#include "iso_time.h"
#include "json.h"
#include "normalise.h"
#include "utf8.h"

static cJSON *read_ok(struct str text)
{
    cJSON *tree = NULL;

    assert_int_equal(json_read(text, &tree, NULL), RC_OK);
    return tree;
}

typedef void print_fn(struct buf *out, const cJSON *node);

static void print_sorted(struct buf *out, const cJSON *node)
{
    json_print_sorted(out, node);
}

/* What is printed reads back equal, and prints the same again. */
static void assert_prints(const cJSON *tree, print_fn *print)
{
    struct buf once, twice;
    cJSON *again;

    buf_init(&once, 0);
    buf_init(&twice, 0);
    print(&once, tree);
    assert_true(buf_ok(&once) && utf8_is_valid(buf_view(&once)));
    again = read_ok(buf_view(&once));
    assert_true(json_eq(tree, again) && json_eq(again, tree));
    print(&twice, again);
    assert_true(str_eq(buf_view(&once), buf_view(&twice)));
    cJSON_Delete(again);
    buf_done(&twice);
    buf_done(&once);
}

static void assert_offsets(const cJSON *node, struct str text, size_t at_least)
{
    unsigned line, column;

    assert_true(json_offset(node) >= at_least && json_offset(node) < text.len);
    json_position(text, json_offset(node), &line, &column);
    assert_true(line >= 1 && column >= 1 && line <= text.len && column <= text.len);
    for (const cJSON *child = node->child; child; child = child->next) {
        assert_offsets(child, text, json_offset(node) + 1);
        if (node->type == cJSON_Object)
            assert_non_null(json_get(node, child->string));
    }
}

/* A member per key, found in an index as without one. */
static void assert_indexed(const cJSON *object)
{
    struct json_index *index = json_index_new(object);

    assert_non_null(index);
    for (const cJSON *child = object->child; child; child = child->next) {
        assert_ptr_equal(json_get(object, child->string), child);
        assert_ptr_equal(json_index_get(index, child->string), child);
    }
    json_index_free(index);
}

static void assert_merges(const cJSON *target, const cJSON *patch)
{
    cJSON *once = cJSON_Duplicate(target, true), *twice;

    assert_int_equal(json_merge(once, patch), RC_OK);
    for (const cJSON *member = patch->child; member; member = member->next)
        assert_int_equal(json_get(once, member->string) == NULL, cJSON_IsNull(member));
    for (const cJSON *member = target->child; member; member = member->next)
        assert_true(json_get(patch, member->string) || json_eq(member, json_get(once, member->string)));
    twice = cJSON_Duplicate(once, true);
    assert_int_equal(json_merge(twice, patch), RC_OK);
    assert_true(json_eq(once, twice));
    cJSON_Delete(twice);
    cJSON_Delete(once);
}

static void check_tree(cJSON *tree, struct str text)
{
    const cJSON *first = tree->child;

    assert_offsets(tree, text, 0);
    assert_prints(tree, json_print);
    assert_prints(tree, json_print_pretty);
    assert_prints(tree, print_sorted);
    if (cJSON_IsObject(tree))
        assert_indexed(tree);
    if (cJSON_IsArray(tree) && first && first->next && cJSON_IsObject(first) && cJSON_IsObject(first->next))
        assert_merges(first, first->next);
}

/* What is JSON needs no comments to be taken from a file; but for a member given twice, which a printed tree has not. */
static void assert_written(const cJSON *tree)
{
    cJSON *again = NULL;
    struct buf b;

    buf_init(&b, 0);
    json_print(&b, tree);
    assert_int_equal(json_read_commented(buf_view(&b), &again, NULL), RC_OK);
    assert_true(json_eq(tree, again));
    cJSON_Delete(again);
    buf_done(&b);
}

/* Any bytes may be shown as a string, and be read again. Bytes that are text come back. */
static void check_string(struct str text)
{
    struct buf b;
    cJSON *string;

    buf_init(&b, 0);
    json_print_string(&b, text);
    assert_true(buf_ok(&b));
    string = read_ok(buf_view(&b));
    assert_true(cJSON_IsString(string));
    if (utf8_is_valid(text) && str_find(text, '\0') == text.len)
        assert_true(str_eq(str_from(string->valuestring), text));
    cJSON_Delete(string);
    buf_done(&b);
}

static void check_time(struct str text)
{
    char printed[ISO_TIME_MAX];
    int64_t at_us, again;

    if (iso_time_read(text, &at_us) == RC_OK) {
        size_t len = iso_time_print(at_us, printed);

        assert_int_equal(len, strlen(printed));
        assert_int_equal(iso_time_read(str_from(printed), &again), RC_OK);
        assert_int_equal(at_us, again);
    }
    if (duration_read(text, &at_us) == RC_OK)
        assert_true(at_us >= 0 && at_us < INT64_C(1) << 53);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = fuzz_text(data, size);
    struct json_error error = {0, NULL};
    cJSON *tree = NULL, *commented = NULL;
    enum rc rc = json_read(text, &tree, &error), rc_commented;

    check_string(text);
    check_time(text);
    rc_commented = json_read_commented(text, &commented, &error);
    if (rc_commented == RC_OK)
        check_tree(commented, text);
    else
        assert_true(!commented && error.what && error.offset <= text.len);
    if (rc == RC_OK) {
        check_tree(tree, text);
        if (rc_commented == RC_OK)
            assert_true(json_eq(tree, commented));
        assert_written(tree);
    } else {
        assert_true(!tree && (rc == RC_SYNTAX || rc == RC_LIMIT));
    }
    cJSON_Delete(tree);
    cJSON_Delete(commented);
    return 0;
}
