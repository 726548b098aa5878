/* scenario_set.c - see scenario_set.h. */
#include "scenario_set.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "scenario_files.h"

static int find_files(struct cli *c, struct words *files)
{
    int code = CLI_OK;

    for (size_t i = 0; i < c->n_operands; i++) {
        enum rc rc = scenario_files_find(c->operands[i], files);

        if (rc == RC_NOT_FOUND)
            code = cli_fail(c, CLI_FILE, "%s: there is no such file, or no scenario (*.json, *.jsonc) in that folder",
                            c->operands[i]);
        else if (rc)
            code = cli_fail(c, CLI_FILE, "%s: %s", c->operands[i], rc == RC_IO ? strerror(errno) : rc_text(rc));
    }
    return code;
}

/* Add a file's scenario, or one for each row of its table. */
static int add_file(struct cli *c, const char *file, struct scenario_set *set)
{
    size_t rows = 1;
    int code = CLI_OK;

    for (size_t row = 0; row < rows && !code; row++) {
        struct problems problems;
        struct scenario *s, **longer = realloc(set->at, (set->count + 1) * sizeof *set->at);
        enum rc rc = RC_NOMEM;

        if (!longer)
            return cli_no_memory(c);
        set->at = longer;
        problems_init(&problems);
        rc = scenario_read(file, row, &problems, &s);
        if (rc == RC_OK) {
            rows = s->n_rows;
            set->at[set->count++] = s;
        } else {
            code = rc == RC_NOMEM ? cli_no_memory(c) : CLI_FILE;
            if (problems.lines.at)
                (void)fputs(problems.lines.at, stderr);
            if (problems.count > PROBLEMS_MAX)
                (void)fprintf(stderr, "%s: %u more problems\n", file, problems.count - PROBLEMS_MAX);
        }
        problems_done(&problems);
    }
    return code;
}

int scenario_set_read(struct cli *c, struct scenario_set *set)
{
    struct words files = {0};
    int code = find_files(c, &files);

    for (size_t i = 0; i < files.count; i++) {
        int bad = add_file(c, files.at[i], set);

        code = bad ? bad : code;
    }
    words_done(&files);
    return code;
}

void scenario_set_done(struct scenario_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        scenario_free(set->at[i]);
    free(set->at);
    set->at = NULL;
    set->count = 0;
}
