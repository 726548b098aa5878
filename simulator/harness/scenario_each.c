/* scenario_each.c - one scenario for each row of a table. */
#include "scenario_internal.h"

#include "match.h"

#define NAME_SHORT 40u /* bytes of a value in a name */

/* Is it an object of variables, with the same names as the first row? */
static void check_row(struct reading *r, const cJSON *row, const cJSON *first)
{
    const cJSON *member;

    if (!cJSON_IsObject(row) || !row->child) {
        problems_at(r->problems, &r->source, row, "a row of 'each' is an object of variables, not empty");
        return;
    }
    check_var_names(r, row);
    if (!cJSON_IsObject(first))
        return; /* told */
    cJSON_ArrayForEach(member, first)
    {
        if (!json_get(row, member->string))
            problems_at(r->problems, &r->source, row, "this row of 'each' has no '%s', as the first one has",
                        member->string);
    }
    cJSON_ArrayForEach(member, row)
    {
        if (!json_get(first, member->string))
            problems_at_key(r->problems, &r->source, member, "the first row of 'each' has no '%s'", member->string);
    }
}

/* "name", or "name [2: P1W]" with the row's number and first value. NULL: no memory */
static char *name_of(const char *name, const cJSON *row, size_t number)
{
    struct buf text;
    char *copy;

    buf_init(&text, 0);
    buf_add(&text, str_from(name));
    if (row) {
        const cJSON *value = row->child;

        buf_addf(&text, " [%zu: ", number);
        if (cJSON_IsString(value) && strlen(value->valuestring) <= NAME_SHORT)
            buf_add(&text, str_from(value->valuestring));
        else
            match_print_short(&text, value, NAME_SHORT);
        buf_add_char(&text, ']');
    }
    copy = buf_ok(&text) ? str_dup(buf_view(&text)) : NULL;
    buf_done(&text);
    return copy;
}

enum rc each_read(struct reading *r, size_t row)
{
    struct scenario *s = r->s;
    const cJSON *table = json_get(s->tree, "each"), *one = NULL;
    const char *name = json_get_text(s->tree, "name");
    unsigned before = r->problems->count;

    s->n_rows = 1;
    if (table && (!cJSON_IsArray(table) || !table->child)) {
        problems_at(r->problems, &r->source, table, "'each' is a list of rows, not empty");
    } else if (table) {
        s->n_rows = 0;
        cJSON_ArrayForEach(one, table)
        {
            check_row(r, one, table->child);
            s->n_rows++;
        }
        one = cJSON_GetArrayItem(table, (int)row);
    }
    if (r->problems->count != before)
        one = NULL;
    s->row = one ? row + 1 : 0;
    s->name = name_of(name ? name : "", one, row + 1);
    return s->name ? add_missing(s->vars, one) : RC_NOMEM;
}
