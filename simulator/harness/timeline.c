/* timeline.c - see timeline.h. */
#include "timeline.h"

#include <assert.h>
#include <stdlib.h>

void timeline_init(struct timeline *t)
{
    memset(t, 0, sizeof *t);
}

void timeline_done(struct timeline *t)
{
    for (size_t i = 0; i < t->count; i++)
        cJSON_Delete(t->at[i].event);
    free(t->at);
    timeline_init(t);
}

/* Roughly the memory that a tree takes. */
static size_t weight(const cJSON *node)
{
    size_t bytes =
        sizeof *node + (node->string ? strlen(node->string) : 0) + (node->valuestring ? strlen(node->valuestring) : 0);

    for (const cJSON *child = node->child; child; child = child->next)
        bytes += weight(child);
    return bytes;
}

enum rc timeline_add(struct timeline *t, const cJSON *event, int64_t at_us)
{
    size_t bytes = weight(event);
    cJSON *copy;

    if (t->count >= TIMELINE_MAX || bytes > TIMELINE_BYTES_MAX - t->bytes)
        return RC_LIMIT;
    if (t->count == t->cap) {
        size_t cap = t->cap ? 2 * t->cap : 64;
        struct moment *grown = realloc(t->at, cap * sizeof *grown);

        if (!grown)
            return RC_NOMEM;
        t->at = grown;
        t->cap = cap;
    }
    copy = cJSON_Duplicate(event, true);
    if (!copy)
        return RC_NOMEM;
    t->bytes += bytes;
    t->at[t->count++] = (struct moment){copy, at_us};
    return RC_OK;
}

const cJSON *event_content(const cJSON *event)
{
    const cJSON *content = json_get(event, "patch");

    if (!content)
        content = json_get(event, "body");
    if (!content)
        content = json_get(event, "payload");
    return content ? content : event;
}

bool event_is_about(const cJSON *event, const char *who)
{
    const char *device = json_get_text(event, "device"), *module = json_get_text(event, "module");
    struct str rest = str_from(who), wanted_device = str_cut(&rest, '/');

    if (!device || !str_eq(str_from(device), wanted_device))
        return false;
    return str_eq(str_from(module), rest.at ? rest : str_of("", 0));
}

/* Is it of the kind and about the identity, whatever it says? */
static bool wanted_is_akin(const struct wanted *w, const cJSON *event)
{
    const char *kind = json_get_text(event, "kind");

    return kind && strcmp(kind, w->kind) == 0 &&
           (!w->who || !json_get(event, "device") || event_is_about(event, w->who));
}

/* A request that the hub refused is not what it asked for, unless a scenario says that it wants the refusal. */
static bool was_refused(const struct wanted *w, const cJSON *event)
{
    const cJSON *status = json_get(event, "status");
    bool is_answer = strcmp(w->kind, "reported") == 0 || strcmp(w->kind, "twin-get") == 0;

    return is_answer && cJSON_IsNumber(status) && status->valuedouble >= 300 && !json_get(w->event, "status");
}

bool wanted_fits(const struct wanted *w, const cJSON *event, struct match_report *report)
{
    bool fits = true;

    if (!wanted_is_akin(w, event))
        return false;
    if (w->match)
        fits = match_fits(w->match, event_content(event), w->aliases, report);
    if (w->event && (fits || report))
        fits = match_fits(w->event, event, NULL, report) && fits;
    if (was_refused(w, event)) {
        fits = false;
        if (report) {
            report->leaves++;
            buf_add(&report->differences, STR("the hub refused it with status "));
            match_print_short(&report->differences, json_get(event, "status"), 16);
            buf_add_char(&report->differences, '\n');
        }
    }
    return fits;
}

bool timeline_is_connected(const struct timeline *t, const char *who)
{
    for (size_t i = t->count; i-- > 0;) {
        const char *kind = json_get_text(t->at[i].event, "kind");

        if (!kind || !event_is_about(t->at[i].event, who))
            continue;
        if (strcmp(kind, "connected") == 0)
            return true;
        if (strcmp(kind, "disconnected") == 0) /* a takeover's may come behind the new one */
            return !cJSON_IsString(json_get(t->at[i].event, "reason")) ||
                   strcmp(json_get_text(t->at[i].event, "reason"), "takeover") == 0;
    }
    return false;
}

size_t timeline_find(const struct timeline *t, const struct wanted *w, size_t from)
{
    for (size_t i = from; i < t->count; i++)
        if (wanted_fits(w, t->at[i].event, NULL))
            return i;
    return TIMELINE_NONE;
}

size_t timeline_find_own(const struct timeline *t, const char *cause, const char *const *kinds, size_t from)
{
    for (size_t i = from; i < t->count; i++) {
        const char *theirs = json_get_text(t->at[i].event, "cause"), *kind = json_get_text(t->at[i].event, "kind");

        if (!theirs || strcmp(theirs, cause) != 0 || !kind)
            continue;
        for (const char *const *k = kinds; *k; k++)
            if (strcmp(*k, kind) == 0)
                return i;
    }
    return TIMELINE_NONE;
}

size_t timeline_nearest(const struct timeline *t, const struct wanted *w, size_t from, struct match_report *report,
                        size_t *akin)
{
    size_t best = TIMELINE_NONE;
    unsigned best_fitting = 0;

    *akin = 0;
    for (size_t i = from; i < t->count; i++) {
        struct match_report one;

        if (!wanted_is_akin(w, t->at[i].event))
            continue;
        ++*akin;
        match_report_init(&one);
        (void)wanted_fits(w, t->at[i].event, &one);
        if (best == TIMELINE_NONE || one.fitting >= best_fitting) {
            best = i;
            best_fitting = one.fitting;
        }
        match_report_done(&one);
    }
    if (best != TIMELINE_NONE)
        (void)wanted_fits(w, t->at[best].event, report);
    return best;
}
