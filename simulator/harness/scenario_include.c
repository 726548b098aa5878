/* scenario_include.c - files that several scenarios share: variables, aliases, and blocks of steps. */
#include "scenario_internal.h"

#include <stdlib.h>

#include "suggest.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define BLOCKS_MAX   64u /* that a suggestion is sought among */

/* ---- what may stand in such a file ---- */

static void check_aliases(struct reading *r, const cJSON *value)
{
    if (!check_object(r, value))
        return;
    check_alias_members(r, value, NULL);
}

/* The steps themselves are checked where a scenario does them, since they may use its variables. */
static void check_blocks(struct reading *r, const cJSON *value)
{
    const cJSON *block;

    if (!check_object(r, value))
        return;
    cJSON_ArrayForEach(block, value)
    {
        if (block->string[0] == '\0')
            problems_at_key(r->problems, &r->source, block, "a block has a name");
        if (!cJSON_IsArray(block) || !block->child)
            problems_at(r->problems, &r->source, block, "the block '%s' is a list of steps, not empty", block->string);
    }
}

static const struct member include_members[] = {
    {"$schema", check_text, false},    {"description", check_text, false}, {"vars", check_var_names, false},
    {"aliases", check_aliases, false}, {"blocks", check_blocks, false},
};

/* ---- reading ---- */

static enum rc read_include(struct reading *r, const cJSON *at)
{
    struct scenario *s = r->s;
    struct include *in = &s->includes[s->n_includes];
    struct source outer = r->source;
    unsigned before = r->problems->count;
    char path[PATH_MAX];
    enum rc rc = RC_OK;

    if (!cJSON_IsString(at) || at->valuestring[0] == '\0' || at->valuestring[0] == '/') {
        problems_at(r->problems, &r->source, at,
                    "'include' names a file from the scenario's folder, or a list of such");
        return RC_OK;
    }
    buf_init(&in->text, SCENARIO_FILE_MAX);
    s->n_includes++; /* from here on scenario_free sees to it */
    in->tree = read_named_file(r, at, at->valuestring, &in->text, path);
    if (!in->tree)
        return RC_OK; /* told */
    in->file = str_dup(str_from(path));
    if (!in->file)
        return RC_NOMEM;
    r->source = (struct source){.file = in->file, .text = buf_view(&in->text)};
    check_members(r, in->tree, "an included file", include_members, COUNT(include_members));
    r->source = outer;
    if (r->problems->count == before)
        rc = add_missing(s->vars, json_get(in->tree, "vars"));
    if (!rc && r->problems->count == before)
        rc = add_missing(s->aliases, json_get(in->tree, "aliases"));
    return rc;
}

enum rc includes_read(struct reading *r)
{
    const cJSON *given = json_get(r->s->tree, "include"), *one;
    enum rc rc = RC_OK;

    if (!given)
        return RC_OK;
    r->s->includes = calloc(cJSON_IsArray(given) ? (size_t)cJSON_GetArraySize(given) + 1 : 1, sizeof *r->s->includes);
    if (!r->s->includes)
        return RC_NOMEM;
    if (!cJSON_IsArray(given) || !given->child)
        return read_include(r, given);
    cJSON_ArrayForEach(one, given)
    {
        if (!rc)
            rc = read_include(r, one);
    }
    return rc;
}

/* ---- blocks ---- */

const cJSON *includes_block(const struct scenario *s, const char *name, const struct include **in)
{
    for (size_t i = 0; name && i < s->n_includes; i++) {
        const cJSON *block = json_get(json_get(s->includes[i].tree, "blocks"), name);

        *in = &s->includes[i];
        if (cJSON_IsArray(block))
            return block;
    }
    return NULL;
}

void check_block(struct reading *r, const cJSON *value)
{
    const char *names[BLOCKS_MAX];
    char meant[SUGGEST_TEXT_MAX];
    const struct include *in;
    const cJSON *block;
    size_t count = 0;

    if (!cJSON_IsString(value)) {
        problems_at(r->problems, &r->source, value, "'do' names a block of an included file");
        return;
    }
    if (includes_block(r->s, value->valuestring, &in))
        return;
    for (size_t i = 0; i < r->s->n_includes; i++) {
        cJSON_ArrayForEach(block, json_get(r->s->includes[i].tree, "blocks"))
        {
            if (count < BLOCKS_MAX)
                names[count++] = block->string;
        }
    }
    problems_at(r->problems, &r->source, value, "no block is called '%s'%s", value->valuestring,
                count ? suggest_text(str_from(value->valuestring), names, count, meant)
                      : "; blocks come from a file that 'include' names");
}
