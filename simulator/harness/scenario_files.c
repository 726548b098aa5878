/* scenario_files.c - see scenario_files.h. */
#include "scenario_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "files.h"

#define DEPTH_MAX 32u

static bool is_scenario(struct str name)
{
    return str_ends(name, STR(".json")) || str_ends(name, STR(".jsonc"));
}

static bool is_passed_over(const char *name)
{
    return name[0] == '.' || strcmp(name, "include") == 0 || strcmp(name, "twins") == 0;
}

static enum rc look_into(const char *dir, unsigned depth, struct words *out)
{
    DIR *d = opendir(dir);
    const struct dirent *entry;
    enum rc rc = d ? RC_OK : RC_IO;

    while (!rc && (entry = readdir(d)) != NULL) {
        char path[PATH_MAX];
        struct stat st;

        if (is_passed_over(entry->d_name))
            continue;
        rc = path_join(path, dir, entry->d_name);
        if (rc || lstat(path, &st))
            continue; /* gone meanwhile: not there */
        if (S_ISDIR(st.st_mode))
            rc = depth < DEPTH_MAX ? look_into(path, depth + 1, out) : RC_LIMIT;
        else if (is_scenario(str_from(entry->d_name)) && stat(path, &st) == 0 && S_ISREG(st.st_mode))
            rc = words_add(out, str_from(path));
    }
    if (d)
        (void)closedir(d);
    return rc;
}

static int by_bytes(const void *a, const void *b)
{
    char *const *x = a, *const *y = b;

    return strcmp(*x, *y);
}

enum rc scenario_files_find(const char *path, struct words *out)
{
    size_t before = out->count;
    struct stat st;
    enum rc rc;

    if (stat(path, &st))
        return errno == ENOENT || errno == ENOTDIR ? RC_NOT_FOUND : RC_IO;
    if (!S_ISDIR(st.st_mode))
        return words_add(out, str_from(path));
    rc = look_into(path, 0, out);
    if (rc)
        return rc;
    if (out->count == before)
        return RC_NOT_FOUND;
    qsort(out->at + before, out->count - before, sizeof *out->at, by_bytes);
    return RC_OK;
}
