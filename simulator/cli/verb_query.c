/* verb_query.c - twinsim query */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "show.h"
#include "utf8.h"
#include "verbs.h"

#define COLUMNS_MAX 100 /* as the hub takes */
#define WIDTH_MAX   40u /* characters of a cell */

/* --- a table ------------------------------------------------------------------------------------------------------ */

static bool is_flat(const cJSON *items)
{
    const cJSON *item, *value;

    cJSON_ArrayForEach(item, items)
    {
        if (!cJSON_IsObject(item))
            return false;
        cJSON_ArrayForEach(value, item)
        {
            if (cJSON_IsObject(value) || cJSON_IsArray(value))
                return false;
        }
    }
    return true;
}

/* The names of all columns, in the order in which they are met. Returns how many. */
static size_t find_columns(const cJSON *items, const char *names[COLUMNS_MAX])
{
    const cJSON *item, *value;
    size_t n = 0;

    cJSON_ArrayForEach(item, items)
    {
        cJSON_ArrayForEach(value, item)
        {
            size_t k = 0;

            while (k < n && strcmp(names[k], value->string) != 0)
                k++;
            if (k == n && n < COLUMNS_MAX)
                names[n++] = value->string;
        }
    }
    return n;
}

static size_t characters(struct str text)
{
    size_t n = 0;

    for (size_t k = 0; k < text.len; k++)
        n += ((unsigned char)text.at[k] & 0xC0) != 0x80;
    return n;
}

/* A cell's text: words as they are, but for what would move the cursor. "-" where there is nothing. */
static void cell(struct buf *out, const cJSON *value)
{
    buf_reset(out);
    if (!value) {
        buf_add_char(out, '-');
    } else if (cJSON_IsString(value)) {
        for (struct str rest = str_from(value->valuestring); rest.len;) {
            size_t n = utf8_control_len(rest);

            buf_add_char(out, n ? ' ' : rest.at[0]);
            rest = str_skip(rest, n ? n : 1);
        }
    } else {
        show_value(out, value);
    }
    if (characters(buf_view(out)) > WIDTH_MAX) {
        size_t n = 0, at = 0;

        while (n < WIDTH_MAX - 1) {
            at += utf8_char_len(str_skip(buf_view(out), at));
            n++;
        }
        out->len = at;
        buf_add(out, STR("\xE2\x80\xA6"));
    }
}

static void print_cell(struct str text, size_t width, bool is_last)
{
    (void)printf("%.*s", STR_FMT(text));
    if (is_last)
        (void)putchar('\n');
    else
        (void)printf("%*s", (int)(width - characters(text) + 2), "");
}

static int show_table(const struct cli *c, const cJSON *items)
{
    const char *names[COLUMNS_MAX];
    size_t widths[COLUMNS_MAX], n = find_columns(items, names);
    const cJSON *item;
    struct buf text;
    bool ok;

    buf_init(&text, 0);
    for (size_t k = 0; k < n; k++) {
        widths[k] = characters(str_from(names[k]));
        cJSON_ArrayForEach(item, items)
        {
            cell(&text, json_get(item, names[k]));
            if (characters(buf_view(&text)) > widths[k])
                widths[k] = characters(buf_view(&text));
        }
    }
    for (size_t k = 0; k < n; k++)
        print_cell(str_from(names[k]), widths[k], k + 1 == n);
    cJSON_ArrayForEach(item, items)
    {
        for (size_t k = 0; k < n; k++) {
            cell(&text, json_get(item, names[k]));
            print_cell(buf_view(&text), widths[k], k + 1 == n);
        }
    }
    ok = buf_ok(&text);
    buf_done(&text);
    return ok ? CLI_OK : cli_no_memory(c);
}

/* --- the verb ----------------------------------------------------------------------------------------------------- */

static struct ask ask_page(const struct cli *c, const char *continuation, long left)
{
    struct ask ask = ask_new("query");

    ask_text(&ask, "query", c->operands[0]);
    ask_text(&ask, "continuation", continuation);
    if (left < 100)
        ask_i64(&ask, "top", left);
    return ask;
}

/* What is shown while it comes: with --json, and whole twins. The rest is kept for a table. */
struct rows {
    struct show_list list; /* --json */
    cJSON *kept;
    long left;
};

static int take_page(struct cli *c, cJSON *page, struct rows *rows)
{
    cJSON *items = json_get(page, "items"), *item;
    const char *type = json_get_text(page, "type");
    bool is_twin = type && strcmp(type, "Twin") == 0;
    int code = CLI_OK;

    while (!code && rows->left > 0 && (item = cJSON_DetachItemFromArray(items, 0)) != NULL) {
        rows->left--;
        if (!c->json && !is_twin) {
            (void)cJSON_AddItemToArray(rows->kept, item);
            continue;
        }
        code = c->json ? show_list_add(c, &rows->list, item) : show_twin(c, item);
        cJSON_Delete(item);
    }
    return code;
}

static int show_kept(const struct cli *c, const cJSON *kept)
{
    const cJSON *item;
    int code = CLI_OK;

    if (is_flat(kept))
        return show_table(c, kept);
    cJSON_ArrayForEach(item, kept)
    {
        if (!code)
            code = show_json(c, item);
    }
    return code;
}

static int run(struct cli *c)
{
    struct rows rows = {.kept = cJSON_CreateArray(), .left = cli_number(c, "top", LONG_MAX)};
    char *continuation = NULL;
    int code = CLI_OK;

    if (!rows.kept)
        return cli_no_memory(c);
    while (!code) {
        struct ask ask = ask_page(c, continuation, rows.left);
        const char *next;
        cJSON *page = NULL;

        code = talk(c, &ask, &page);
        if (!code)
            code = take_page(c, page, &rows);
        next = json_get_text(page, "continuation");
        free(continuation);
        continuation = next && rows.left > 0 ? str_dup(str_from(next)) : NULL;
        if (!code && next && rows.left > 0 && !continuation)
            code = cli_no_memory(c);
        cJSON_Delete(page);
        if (!continuation)
            break;
    }
    if (!code && c->json)
        show_list_end(&rows.list);
    else if (!code && rows.kept->child)
        code = show_kept(c, rows.kept);
    free(continuation);
    cJSON_Delete(rows.kept);
    return code;
}

static const struct option_spec options[] = {
    {.name = "top", .value = "N", .min = 1, .max = 1000000000, .help = "how many items at most; default all"},
    OPTIONS_END,
};

const struct verb verb_query = {
    .name = "query",
    .operands = "QUERY",
    .min = 1,
    .max = 1,
    .summary = "Ask the hub's query language about twins",
    .text = "Whole twins are shown like 'twin show' does, flat columns as a table, anything else as JSON. With --json "
            "an array.",
    .examples =
        "twinsim query \"SELECT * FROM devices WHERE tags.site = 'attic'\"\n"
        "twinsim query \"SELECT deviceId, connectionState FROM devices WHERE properties.reported.battery < 20\"\n"
        "twinsim query \"SELECT status, COUNT() AS n FROM devices GROUP BY status\" --json",
    .options = options,
    .has_data = true,
    .has_json = true,
    .run = run,
};
