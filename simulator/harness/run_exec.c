/* run_exec.c - the step `exec`: a program runs to its end. */
#include "run_internal.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

/* The words of an exec step. */
static enum verdict exec_words(struct run *r, struct words *out)
{
    const cJSON *value = r->lane->step->value, *word; /* unfilled: words first, variables afterwards */
    enum rc rc = RC_OK;

    if (cJSON_IsString(value))
        rc = words_split(str_from(value->valuestring), out);
    cJSON_ArrayForEach(word, value)
    {
        if (!rc)
            rc = words_add(out, str_from(word->valuestring));
    }
    if (rc || out->count == 0)
        return run_error(r, "'exec' holds no words: %s", rc_text(rc));
    return run_fill_words(r, out, r->s->dir);
}

static enum verdict start(struct run *r)
{
    struct lane *lane = r->lane;
    struct agent_process_options o = {.env = environ, .cwd = r->work, .tail = &lane->exec_output};
    struct words words = {0};
    char why[WHY_MAX] = "";
    enum verdict v = exec_words(r, &words);

    if (!v && tail_init(&lane->exec_output))
        v = run_no_memory(r);
    o.argv = words.at;
    if (!v)
        v = record_process(r, "exec", "exec", r->lane->step->value);
    if (!v && agent_process_start(&o, &lane->exec, why, sizeof why))
        v = run_error(r, "%s", why);
    if (v)
        tail_done(&lane->exec_output);
    words_done(&words);
    return v;
}

void run_exec_abandon(struct lane *lane)
{
    if (lane->exec.pid) {
        agent_process_signal(&lane->exec, SIGKILL);
        while (!agent_process_has_ended(&lane->exec))
            (void)poll(&(struct pollfd){lane->exec.pidfd, POLLIN, 0}, 1, 1000);
    }
    agent_process_done(&lane->exec);
    tail_done(&lane->exec_output);
}

static enum verdict judge(struct run *r)
{
    const cJSON *wanted = json_get(r->lane->node, "exit"), *what = r->lane->step->value;
    const char *name = cJSON_IsString(what) ? what->valuestring : what->child->valuestring;
    int code = agent_process_exit_code(&r->lane->exec);
    cJSON *got = json_i64(code);
    enum verdict v = VERDICT_PASSED;

    if (!got)
        v = run_no_memory(r);
    else if (wanted ? !match_fits(wanted, got, NULL, NULL) : code != 0)
        v = run_failed(r, "'%s' ended with exit code %d; its last output:\n%.*s", name, code,
                       STR_FMT(tail_lines(&r->lane->exec_output, 1000)));
    cJSON_Delete(got);
    return v;
}

enum verdict run_exec(struct run *r)
{
    struct lane *lane = r->lane;
    enum verdict v;

    if (!lane->look.has_begun) {
        if (!run_look(r, "within", EXEC_WITHIN_US))
            return VERDICT_ERROR;
        v = start(r);
        if (v)
            return v;
    }
    if (agent_process_has_ended(&lane->exec))
        v = judge(r);
    else if (run_now_us() < lane->look.until_us)
        return run_pending(r);
    else
        v = run_failed(r, "it did not end in time; it was killed");
    run_exec_abandon(lane);
    return v;
}
