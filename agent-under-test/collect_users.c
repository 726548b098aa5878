/* collect_users.c - LocalUsers: /etc/passwd, with the groups of each user from /etc/group. */
#include <string.h>

#include "buf.h"
#include "collect.h"

#define FILE_MAX (1024u * 1024u)

/* Read a whole file; one that is not there is empty. */
static struct buf file_text(const struct collect_roots *roots, const char *path)
{
    char block[4096];
    struct buf text;
    size_t n;
    FILE *f = collect_open(roots, path);

    buf_init(&text, FILE_MAX);
    if (!f)
        return text;
    while ((n = fread(block, 1, sizeof block, f)) > 0)
        buf_add(&text, str_of(block, n));
    (void)fclose(f); /* it was only read */
    return text;
}

static bool is_listed(struct str names, struct str name)
{
    while (names.len)
        if (str_equal(str_cut(&names, ','), name))
            return true;
    return false;
}

/* Gather the groups that a user is in: by the primary group's id, or by name among the members. */
static void groups_find(struct str groups, struct str user, struct str primary, struct buf *ids, struct buf *names)
{
    while (groups.len) {
        struct str line = str_cut(&groups, '\n');
        struct str name = str_cut(&line, ':'), id;
        (void)str_cut(&line, ':'); /* the password's place */
        id = str_cut(&line, ':');
        if (!name.len || !(str_equal(id, primary) || is_listed(line, user)))
            continue;
        buf_format(ids, "%s%.*s", ids->len ? ";" : "", STR_ARG(id));
        buf_format(names, "%s%.*s", names->len ? ";" : "", STR_ARG(name));
    }
}

/* Append one user. */
static bool user_take(struct str line, struct str groups, cJSON *payload)
{
    struct str name = str_cut(&line, ':'), id, primary;
    struct buf ids, names;
    cJSON *entry;
    bool ok;

    (void)str_cut(&line, ':'); /* the password's place */
    id = str_cut(&line, ':');
    primary = str_cut(&line, ':');
    if (!name.len || !id.len || name.at[0] == '#' || name.at[0] == '+')
        return true; /* no user: a comment, or a reference to a directory service */
    buf_init(&ids, FILE_MAX);
    buf_init(&names, FILE_MAX);
    groups_find(groups, name, primary, &ids, &names);
    entry = cJSON_CreateObject();
    ok = entry && !ids.rc && !names.rc && collect_add_text(entry, "UserId", id) &&
         collect_add_text(entry, "UserName", name) && collect_add_text(entry, "GroupIds", buf_str(&ids)) &&
         collect_add_text(entry, "GroupNames", buf_str(&names)) && cJSON_AddItemToArray(payload, entry);
    if (!ok)
        cJSON_Delete(entry);
    buf_done(&names);
    buf_done(&ids);
    return ok;
}

cJSON *collect_users(const struct collect_roots *roots)
{
    struct buf passwd = file_text(roots, "/etc/passwd"), group = file_text(roots, "/etc/group");
    struct str lines = buf_str(&passwd);
    cJSON *payload = cJSON_CreateArray();
    bool ok = payload && !passwd.rc && !group.rc;

    while (ok && lines.len)
        ok = user_take(str_cut(&lines, '\n'), buf_str(&group), payload);
    buf_done(&group);
    buf_done(&passwd);
    if (ok)
        return payload;
    cJSON_Delete(payload);
    return NULL;
}
