/* fuzz_scenario.c - a scenario file. Input: its text. */
#include "fuzz.h"

#include "scenario.h"

/* One line a problem: "file:line:column: what". */
static void assert_told(const struct problems *problems)
{
    struct str rest = buf_view(&problems->lines);
    unsigned lines = 0;

    assert_true(buf_ok(&problems->lines));
    assert_int_equal(rest.len > 0, problems->count > 0);
    while (rest.len) {
        struct str line = fuzz_line(&rest);

        assert_true(line.len > 0);
        lines++;
    }
    assert_true(lines == problems->count || (problems->count > PROBLEMS_MAX && lines >= PROBLEMS_MAX));
}

static void assert_steps(const struct step_list *steps)
{
    for (size_t n = 0; n < steps->count; n++) {
        const struct step *step = &steps->at[n];
        struct buf line;

        buf_init(&line, 0);
        step_print(&line, step);
        assert_true(buf_ok(&line) && line.len);
        assert_int_equal(str_find(buf_view(&line), '\n'), line.len);
        buf_done(&line);
        assert_true(step->type != STEP_DO && step->value);
        for (size_t k = 0; k < step->n_lanes; k++)
            assert_steps(&step->lanes[k]);
    }
}

/* returns how many rows it has; 0 when it is refused */
static size_t check_row(const char *file, size_t row, struct problems *problems)
{
    struct scenario *s = NULL;
    size_t rows;
    enum rc rc;

    problems_init(problems);
    rc = scenario_read(file, row, problems, &s);
    assert_true(rc == RC_OK || rc == RC_SYNTAX);
    assert_int_equal(rc == RC_OK, problems->count == 0);
    assert_told(problems);
    if (rc) {
        assert_null(s);
        return 0;
    }
    assert_true(s->name && s->name[0] && s->steps.count && s->timeout_us > 0);
    assert_true(s->n_rows >= 1 && s->n_agents <= AGENTS_MAX);
    assert_steps(&s->steps);
    rows = s->n_rows;
    scenario_free(s);
    return rows;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *file = fuzz_file("s.jsonc", fuzz_text(data, size));
    struct problems problems, again;
    size_t rows = check_row(file, 0, &problems);

    assert_int_equal(check_row(file, 0, &again), rows); /* said twice, it is the same */
    assert_true(str_eq(buf_view(&problems.lines), buf_view(&again.lines)));
    problems_done(&again);
    problems_done(&problems);
    for (size_t row = 1; row < rows && row < 4; row++) {
        (void)check_row(file, row, &problems);
        problems_done(&problems);
    }
    return 0;
}
