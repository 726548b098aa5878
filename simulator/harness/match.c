/* match.c - see match.h. The matchers themselves are in matchers.c. */
#include "match_internal.h"

#include "alias.h"

#include <assert.h>
#include <stdlib.h>

#include "utf8.h"

#define DIFFERENCES_MAX (64u * 1024) /* bytes: what a person might still read */
#define VALUE_SHORT     200u

void match_report_init(struct match_report *r)
{
    r->leaves = r->fitting = 0;
    buf_init(&r->differences, DIFFERENCES_MAX);
}

void match_report_done(struct match_report *r)
{
    buf_done(&r->differences);
}

bool match_is_matcher(const cJSON *want)
{
    const cJSON *member;

    if (!cJSON_IsObject(want) || !want->child)
        return false;
    cJSON_ArrayForEach(member, want)
    {
        const char *key = member->string;
        char c = key[0] == '$' ? key[1] : '\0';

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')))
            return false;
        if (strcmp(key, "$version") == 0 || strcmp(key, "$metadata") == 0)
            return false;
    }
    return true;
}

const cJSON *match_member(const cJSON *value, const char *key, const cJSON *aliases)
{
    const cJSON *found = json_get(value, key);
    struct buf place;

    if (found)
        return found;
    if (!strchr(key, '.') && !aliases)
        return NULL;
    buf_init(&place, 0);
    if (alias_place(aliases, str_from(key), &place) && buf_ok(&place))
        found = json_at_path(value, buf_view(&place));
    else if (strchr(key, '.'))
        found = json_at_path(value, str_from(key));
    buf_done(&place);
    return found;
}

void match_print_short(struct buf *out, const cJSON *value, size_t max)
{
    struct buf text;

    if (!value) {
        buf_add(out, STR("nothing"));
        return;
    }
    buf_init(&text, 0);
    json_print(&text, value);
    if (text.len > max) {
        buf_add(out, utf8_first(buf_view(&text), max));
        buf_add(out, STR("..."));
    } else {
        buf_add(out, buf_view(&text));
    }
    buf_done(&text);
}

static void print_place(struct buf *out, const struct match_place *at)
{
    if (!at)
        return;
    print_place(out, at->outer);
    if (!at->key)
        buf_addf(out, "[%zu]", at->index);
    else
        buf_addf(out, "%s%s", at->outer ? "." : "", at->key);
}

void match_print_difference(struct buf *out, const struct match_place *at, const cJSON *want, const cJSON *got)
{
    print_place(out, at);
    buf_addf(out, "%sexpected ", at ? ": " : "");
    match_print_short(out, want, VALUE_SHORT);
    buf_add(out, STR(", got "));
    match_print_short(out, got, VALUE_SHORT);
}

/* Note a leaf of the pattern. */
static bool leaf(bool fits, const struct match_place *at, const cJSON *want, const cJSON *got,
                 struct match_report *report)
{
    if (!report)
        return fits;
    report->leaves++;
    if (fits) {
        report->fitting++;
        return true;
    }
    match_print_difference(&report->differences, at, want, got);
    buf_add_char(&report->differences, '\n');
    return false;
}

static bool fits_at(const struct match_place *at, const cJSON *want, const cJSON *got, const cJSON *aliases,
                    struct match_report *report);

static bool object_fits(const struct match_place *at, const cJSON *want, const cJSON *got, const cJSON *aliases,
                        struct match_report *report)
{
    const cJSON *member;
    bool fits = true;

    cJSON_ArrayForEach(member, want)
    {
        struct match_place here = {.outer = at, .key = member->string};

        if (!fits_at(&here, member, match_member(got, member->string, aliases), NULL, report))
            fits = false;
        if (!fits && !report)
            return false;
    }
    return fits;
}

static bool array_fits(const struct match_place *at, const cJSON *want, const cJSON *got, struct match_report *report)
{
    const cJSON *element, *against = got->child;
    struct match_place here = {.outer = at};
    bool fits = true;

    cJSON_ArrayForEach(element, want)
    {
        if (!fits_at(&here, element, against, NULL, report))
            fits = false;
        against = against->next;
        here.index++;
    }
    return fits;
}

static bool fits_at(const struct match_place *at, const cJSON *want, const cJSON *got, const cJSON *aliases,
                    struct match_report *report)
{
    if (match_is_matcher(want))
        return leaf(matchers_fit(want, got, aliases), at, want, got, report);
    if (cJSON_IsObject(want) && want->child && (!got || cJSON_IsObject(got)))
        return object_fits(at, want, got, aliases, report);
    if (cJSON_IsObject(want))
        return leaf(cJSON_IsObject(got) && !want->child, at, want, got, report);
    if (cJSON_IsArray(want) && cJSON_IsArray(got) && cJSON_GetArraySize(want) == cJSON_GetArraySize(got))
        return array_fits(at, want, got, report);
    return leaf(got && !cJSON_IsArray(want) && json_eq(want, got), at, want, got, report);
}

bool match_fits(const cJSON *want, const cJSON *got, const cJSON *aliases, struct match_report *report)
{
    assert(want);
    return fits_at(NULL, want, got, aliases, report);
}
