/* run_series.c - what an expect wants of the events it found, beside that each fits: when they came, in which order, of what form. */
#include "run_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "iso_time.h"
#include "schema.h"

#define GAPS_TOLD   20u
#define ALIKE_RATIO 1.05 /* gaps whose growth differs by less have no jitter */

/* The events that the step found: a part of the timeline. */
struct series {
    size_t *at;
    size_t count;
};

static int64_t mono_us(const struct run *r, size_t index)
{
    int64_t us = 0;

    (void)!json_get_i64(r->timeline.at[index].event, "mono_us", &us);
    return us;
}

/* Where the event in question is to be seen. */
static enum verdict red(struct run *r, size_t index, const char *what)
{
    enum verdict v = run_failed(r, "%s", what);

    run_explain_event(r, index);
    return v;
}

static enum verdict judge_start(struct run *r, size_t first)
{
    size_t cursor = r->lane->cursor;
    int64_t least_us, gap_us;
    char text[160];

    if (!json_get(r->lane->node, "notBefore") || cursor == 0)
        return VERDICT_PASSED;
    if (!run_duration(r, "notBefore", 0, &least_us))
        return VERDICT_ERROR;
    gap_us = mono_us(r, first) - mono_us(r, cursor - 1);
    if (gap_us >= least_us)
        return VERDICT_PASSED;
    (void)snprintf(text, sizeof text, "it came too early: %.3f s behind the event before the cursor (%s), not %.3f s",
                   (double)gap_us / 1e6, json_get_text(r->timeline.at[cursor - 1].event, "kind"),
                   (double)least_us / 1e6);
    return red(r, first, text);
}

/* ---- gaps ---- */

static void print_gaps(const struct run *r, const struct series *s, struct buf *out)
{
    size_t first = s->count - 1 > GAPS_TOLD ? s->count - 1 - GAPS_TOLD : 0;

    buf_addf(out, "%s", first ? "... " : "");
    for (size_t i = first; i + 1 < s->count; i++)
        buf_addf(out, "%s%.3f s", i == first ? "" : ", ",
                 (double)(mono_us(r, s->at[i + 1]) - mono_us(r, s->at[i])) / 1e6);
}

/* Later gaps are longer: those of the second half take longer than as many of the first. */
static bool gaps_grow(const struct run *r, const struct series *s)
{
    size_t half = (s->count - 1) / 2;

    return mono_us(r, s->at[s->count - 1]) - mono_us(r, s->at[s->count - 1 - half]) >
           mono_us(r, s->at[half]) - mono_us(r, s->at[0]);
}

/* Gaps that all grow by the same factor (which may be 1) are a pattern; these are none. */
static bool gaps_have_jitter(const struct run *r, const struct series *s)
{
    double least = 0, most = 0;

    for (size_t i = 0; i + 2 < s->count; i++) {
        double a = (double)(mono_us(r, s->at[i + 1]) - mono_us(r, s->at[i]));
        double b = (double)(mono_us(r, s->at[i + 2]) - mono_us(r, s->at[i + 1]));
        double growth = (b < 1 ? 1 : b) / (a < 1 ? 1 : a);

        least = i == 0 || growth < least ? growth : least;
        most = growth > most ? growth : most;
    }
    return most > ALIKE_RATIO * least;
}

/* A bound of the gaps. returns false when there is none */
static bool bound(const cJSON *gaps, const char *name, int64_t *out_us)
{
    const char *text = json_get_text(gaps, name);

    return text && duration_read(str_from(text), out_us) == RC_OK;
}

static const char *what_is_wrong(const struct run *r, const cJSON *gaps, const struct series *s)
{
    int64_t least_us = 0, most_us = INT64_MAX;

    (void)bound(gaps, "min", &least_us);
    (void)bound(gaps, "max", &most_us);
    for (size_t i = 0; i + 1 < s->count; i++) {
        int64_t gap_us = mono_us(r, s->at[i + 1]) - mono_us(r, s->at[i]);

        if (gap_us < least_us)
            return "are shorter than they may be";
        if (gap_us > most_us)
            return "are longer than they may be";
    }
    if (json_get(gaps, "grow") && !gaps_grow(r, s))
        return "do not grow";
    if (json_get(gaps, "jitter") && !gaps_have_jitter(r, s))
        return "have no jitter";
    return NULL;
}

static enum verdict judge_gaps(struct run *r, const struct series *s)
{
    const cJSON *gaps = json_get(r->lane->node, "gaps");
    const char *wrong;
    struct buf text;
    enum verdict v = VERDICT_PASSED;

    if (!gaps)
        return VERDICT_PASSED;
    if (s->count < (json_get(gaps, "jitter") ? 4u : json_get(gaps, "grow") ? 3u : 2u))
        return run_error(r, "'gaps' needs more events than 'count' says");
    wrong = what_is_wrong(r, gaps, s);
    buf_init(&text, 0);
    if (wrong) {
        buf_addf(&text, "the gaps between them %s: ", wrong);
        print_gaps(r, s, &text);
        v = buf_ok(&text) ? red(r, s->at[s->count - 1], text.at) : run_no_memory(r);
    }
    buf_done(&text);
    return v;
}

/* ---- order and form ---- */

static enum verdict judge_order(struct run *r, const struct series *s)
{
    const char *place = json_get_text(r->lane->node, "increasing");
    double before = 0;
    char text[320];

    for (size_t i = 0; place && i < s->count; i++) {
        const cJSON *event = r->timeline.at[s->at[i]].event;
        const cJSON *value = run_value_at(r, event, event_content(event), place);

        if (!cJSON_IsNumber(value)) {
            (void)snprintf(text, sizeof text, "there is no number at '%.200s'", place);
            return red(r, s->at[i], text);
        }
        if (i > 0 && value->valuedouble <= before) {
            (void)snprintf(text, sizeof text, "'%.200s' does not increase: %.15g behind %.15g", place,
                           value->valuedouble, before);
            return red(r, s->at[i], text);
        }
        before = value->valuedouble;
    }
    return VERDICT_PASSED;
}

static enum verdict tell_form(struct run *r, size_t index, const char *file, struct str problems)
{
    enum verdict v = run_failed(r, "it does not fit %s", file);

    run_explain_event(r, index);
    while (problems.len) {
        struct str line = str_cut(&problems, '\n');

        run_hint(r, "%.*s", STR_FMT(line));
    }
    return v;
}

static enum verdict judge_form(struct run *r, const struct series *s)
{
    const char *file = json_get_text(r->lane->node, "schema");
    const cJSON *schema = file ? json_get(r->s->files, file) : NULL;
    enum verdict v = VERDICT_PASSED;

    for (size_t i = 0; schema && i < s->count && !v; i++) {
        const cJSON *event = r->timeline.at[s->at[i]].event;
        struct buf why;
        enum rc rc;

        if (json_get(event, "bodyBase64"))
            return red(r, s->at[i], "its body is no JSON");
        buf_init(&why, SCHEMA_WHY_MAX);
        rc = schema_check(schema, event_content(event), &why);
        if (rc == RC_REFUSED)
            v = tell_form(r, s->at[i], file, buf_view(&why));
        else if (rc)
            v = run_error(r, "%s cannot judge it: %s", file, rc_text(rc));
        buf_done(&why);
    }
    return v;
}

enum verdict run_judge_series(struct run *r, const struct wanted *w, size_t count)
{
    struct series s = {.at = calloc(count, sizeof *s.at)};
    size_t from = r->lane->cursor, found;
    enum verdict v;

    if (!s.at)
        return run_no_memory(r);
    while (s.count < count && (found = timeline_find(&r->timeline, w, from)) != TIMELINE_NONE) {
        s.at[s.count++] = found;
        from = found + 1;
    }
    v = judge_start(r, s.at[0]);
    if (!v)
        v = judge_gaps(r, &s);
    if (!v)
        v = judge_order(r, &s);
    if (!v)
        v = judge_form(r, &s);
    free(s.at);
    return v;
}
