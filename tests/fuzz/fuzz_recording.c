/* fuzz_recording.c - a recording is read, normalised, and a scenario is drafted from it. Input: the file. */
#include "fuzz.h"

#include "draft.h"
#include "scenario.h"

static char *timeline_of(const struct recording *rec)
{
    struct normal_timeline t;
    struct buf b;
    char *text;

    normal_init(&t);
    buf_init(&b, 0);
    assert_int_equal(recording_normalise(rec, &t), RC_OK);
    normal_print(&t, &b);
    buf_add_char(&b, '\n');
    text = buf_take(&b, NULL);
    assert_non_null(text);
    normal_done(&t);
    return text;
}

/* What is drafted prints as a file that reads the same, and that lint has nothing to say about. */
static void check_draft(const struct recording *rec, bool expects)
{
    char why[WHY_MAX] = "";
    struct problems problems;
    struct scenario *s = NULL;
    struct draft d;
    cJSON *again = NULL;
    struct buf b;
    const char *file;

    if (draft_make(rec, expects, &d, why, sizeof why)) {
        assert_true(why[0]);
        return;
    }
    for (size_t n = 0; n < d.n_steps; n++)
        assert_true(d.items[n] == SIZE_MAX || d.items[n] < rec->count);
    buf_init(&b, 0);
    draft_print(&d, "a comment", &b);
    assert_true(buf_ok(&b));
    assert_int_equal(json_read_commented(buf_view(&b), &again, NULL), RC_OK);
    assert_true(json_eq(again, d.scenario));
    cJSON_Delete(again);
    file = fuzz_file("d.jsonc", buf_view(&b));
    problems_init(&problems);
    assert_int_equal(scenario_read(file, 0, &problems, &s), problems.count ? RC_SYNTAX : RC_OK);
    scenario_free(s);
    problems_done(&problems);
    buf_done(&b);
    draft_done(&d);
}

static void check_whole(const struct recording *rec)
{
    char *once = timeline_of(rec), *twice = timeline_of(rec);
    size_t line = 0;

    assert_string_equal(once, twice);
    free(once);
    free(twice);
    for (size_t n = 0; n < rec->count; n++) {
        const struct recording_item *item = &rec->items[n];

        assert_true(item->value && item->offset_us >= 0 && item->line > 1);
        line += item->line;
        if (item->kind == RECORDING_COMMAND)
            assert_true(recording_is_action(item) && recording_refusal(rec, item) >= 0);
    }
    assert_int_equal(line, rec->count * (rec->count + 3) / 2); /* each line once, whatever the order */
    check_draft(rec, true);
    check_draft(rec, false);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *file = strdup(fuzz_file("r.jsonl", fuzz_text(data, size)));
    struct recording *rec[2] = {NULL, NULL};
    char why[2][WHY_MAX] = {"", ""};
    enum rc rc[2];

    assert_non_null(file);
    for (int cut = 0; cut < 2; cut++) {
        rc[cut] = recording_read(file, cut, &rec[cut], why[cut], WHY_MAX);
        if (rc[cut]) {
            assert_null(rec[cut]);
            assert_true(strncmp(why[cut], file, strlen(file)) == 0 && why[cut][strlen(file)] == ':');
        } else {
            check_whole(rec[cut]);
        }
    }
    if (rc[0] == RC_OK) { /* what is whole is taken either way */
        assert_true(rec[0]->verdict && rc[1] == RC_OK);
        assert_int_equal(rec[0]->count, rec[1]->count);
    } else if (rc[0] != RC_CORRUPT) {
        assert_int_equal(rc[0], rc[1]);
    }
    recording_free(rec[0]);
    recording_free(rec[1]);
    free(file);
    return 0;
}
