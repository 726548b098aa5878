/* collect.c - reading below the root. */
#include "collect.h"

#include <stdlib.h>
#include <string.h>

bool collect_path(const struct collect_roots *roots, const char *path, char out[COLLECT_PATH_MAX])
{
    int n = snprintf(out, COLLECT_PATH_MAX, "%s%s", roots->root, path);

    return n > 0 && (size_t)n < COLLECT_PATH_MAX;
}

FILE *collect_open(const struct collect_roots *roots, const char *path)
{
    char full[COLLECT_PATH_MAX];

    return collect_path(roots, path, full) ? fopen(full, "re") : NULL;
}

size_t collect_small(const struct collect_roots *roots, const char *path, char *out, size_t size)
{
    FILE *f = collect_open(roots, path);
    size_t n = 0;

    if (f) {
        n = fread(out, 1, size - 1, f);
        (void)fclose(f); /* it was only read */
    }
    out[n] = '\0';
    return n;
}

struct str collect_word(struct str *line)
{
    while (line->len && strchr(" \t\n", line->at[0]))
        *line = str_of(line->at + 1, line->len - 1);
    for (size_t n = 0; n < line->len; n++) {
        struct str word = str_of(line->at, n);
        if (!strchr(" \t\n", line->at[n]))
            continue;
        *line = str_of(line->at + n, line->len - n);
        return word;
    }
    return str_cut(line, '\n');
}

bool collect_add_text(cJSON *entry, const char *name, struct str value)
{
    char *copy = value.len ? strndup(value.at, value.len) : strdup("");
    bool ok = copy && cJSON_AddStringToObject(entry, name, copy);

    free(copy);
    return ok;
}
