/* tree.c - see tree.h. */
#include "tree.h"

#include <time.h>

#include "test.h"

static char *copy_of(const char *text, size_t len)
{
    char *copy = malloc(len + 1);

    assert_non_null(copy);
    memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

static struct tree *tree_new(void)
{
    struct tree *t = calloc(1, sizeof *t);

    assert_non_null(t);
    return t;
}

struct tree *tree_object(void)
{
    return tree_new();
}

void tree_free(struct tree *t)
{
    while (t) {
        struct tree *next = t->next;

        tree_free(t->first);
        free(t->name);
        free(t->leaf);
        free(t);
        t = next;
    }
}

/* --- reading ---------------------------------------------------------------------------------------------------------- */

/* Behind the string that begins here. */
static const char *string_end(const char *at)
{
    assert_int_equal(*at, '"');
    for (at++; *at != '"'; at++) {
        assert_int_not_equal(*at, '\0');
        at += *at == '\\';
    }
    return at + 1;
}

/* Behind the leaf that begins here: a string, an array, or a word. */
static const char *leaf_end(const char *at)
{
    int depth = 0;

    do {
        if (*at == '"') {
            at = string_end(at);
            continue;
        }
        assert_int_not_equal(*at, '\0');
        depth += *at == '[' || *at == '{';
        depth -= *at == ']' || *at == '}';
        at++;
    } while (depth > 0 || (at[-1] != ']' && at[-1] != '"' && *at && !strchr(",}", *at)));
    return at;
}

static struct tree *read_value(const char **at);

static void read_members(struct tree *t, const char **at)
{
    struct tree **end = &t->first;

    for (++*at; **at != '}'; *at += **at == ',') {
        const char *name = *at;
        char *kept;

        *at = string_end(name);
        kept = copy_of(name + 1, (size_t)(*at - name) - 2);
        assert_int_equal(**at, ':');
        ++*at;
        *end = read_value(at);
        (*end)->name = kept;
        end = &(*end)->next;
        assert_true(**at == ',' || **at == '}');
    }
    ++*at;
}

static struct tree *read_value(const char **at)
{
    struct tree *t = tree_new();
    const char *from = *at;

    if (*from == '{') {
        read_members(t, at);
    } else {
        *at = leaf_end(from);
        assert_true(*at > from);
        t->leaf = copy_of(from, (size_t)(*at - from));
    }
    return t;
}

struct tree *tree_read(const char *text)
{
    struct tree *t;

    assert_non_null(text);
    t = read_value(&text);
    assert_int_equal(*text, '\0');
    return t;
}

/* --- looking ---------------------------------------------------------------------------------------------------------- */

struct tree *tree_get(const struct tree *t, const char *name)
{
    struct tree *m = t ? t->first : NULL;

    while (m && strcmp(m->name, name) != 0)
        m = m->next;
    return m;
}

struct tree *tree_get2(const struct tree *t, const char *name, const char *below)
{
    return tree_get(tree_get(t, name), below);
}

bool tree_is_null(const struct tree *t)
{
    return t && t->leaf && strcmp(t->leaf, "null") == 0;
}

int64_t tree_number(const struct tree *t)
{
    char *end = NULL;
    int64_t number;

    assert_non_null(t);
    assert_non_null(t->leaf);
    number = strtoll(t->leaf, &end, 10);
    assert_int_equal(*end, '\0');
    return number;
}

struct tree *tree_copy(const struct tree *t)
{
    struct tree *copy, **end;

    if (!t)
        return NULL;
    copy = tree_new();
    copy->name = t->name ? copy_of(t->name, strlen(t->name)) : NULL;
    copy->leaf = t->leaf ? copy_of(t->leaf, strlen(t->leaf)) : NULL;
    copy->at_s = t->at_s;
    copy->version = t->version;
    end = &copy->first;
    for (const struct tree *m = t->first; m; m = m->next) {
        *end = tree_copy(m);
        end = &(*end)->next;
    }
    return copy;
}

/* --- printing --------------------------------------------------------------------------------------------------------- */

/* The member that comes behind that one in the order of names; NULL: the first. */
static const struct tree *next_by_name(const struct tree *t, const struct tree *behind)
{
    const struct tree *found = NULL;

    for (const struct tree *m = t->first; m; m = m->next)
        if ((!behind || strcmp(m->name, behind->name) > 0) && (!found || strcmp(m->name, found->name) < 0))
            found = m;
    return found;
}

void tree_print(FILE *to, const struct tree *t)
{
    const char *before = "";

    if (t->leaf) {
        (void)fputs(t->leaf, to);
        return;
    }
    (void)fputc('{', to);
    for (const struct tree *m = next_by_name(t, NULL); m; m = next_by_name(t, m)) {
        (void)fprintf(to, "%s\"%s\":", before, m->name);
        tree_print(to, m);
        before = ",";
    }
    (void)fputc('}', to);
}

char *tree_text(const struct tree *t)
{
    char *text = NULL;
    size_t len;
    FILE *to = open_memstream(&text, &len);

    assert_non_null(to);
    tree_print(to, t);
    assert_int_equal(fclose(to), 0);
    return text;
}

void tree_print_stamps(FILE *to, const struct tree *t)
{
    time_t at = (time_t)t->at_s;
    char text[32];
    struct tm utc;

    assert_non_null(gmtime_r(&at, &utc));
    assert_true(strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc) > 0);
    (void)fprintf(to, "{\"$lastUpdated\":\"%s\"", text);
    if (t->version)
        (void)fprintf(to, ",\"$lastUpdatedVersion\":%lld", (long long)t->version);
    for (const struct tree *m = next_by_name(t, NULL); m; m = next_by_name(t, m)) {
        (void)fprintf(to, ",\"%s\":", m->name);
        tree_print_stamps(to, m);
    }
    (void)fputc('}', to);
}

/* --- writing ---------------------------------------------------------------------------------------------------------- */

void tree_remove(struct tree *t, const char *name)
{
    for (struct tree **at = &t->first; *at; at = &(*at)->next)
        if (strcmp((*at)->name, name) == 0) {
            struct tree *gone = *at;

            *at = gone->next;
            gone->next = NULL;
            tree_free(gone);
            return;
        }
}

static void add(struct tree *t, const char *name, struct tree *member)
{
    struct tree **end = &t->first;
    char *kept = copy_of(name, strlen(name)); /* it may be the member's own */

    while (*end)
        end = &(*end)->next;
    free(member->name);
    member->name = kept;
    *end = member;
}

static void stamp(struct tree *t, int64_t at_s, int64_t version)
{
    t->at_s = at_s;
    if (version)
        t->version = version;
}

void tree_stamp(struct tree *t, int64_t at_s, int64_t version)
{
    stamp(t, at_s, version);
    for (struct tree *m = t->first; m; m = m->next)
        tree_stamp(m, at_s, version);
}

void tree_merge(struct tree *target, const struct tree *patch, int64_t at_s, int64_t version)
{
    stamp(target, at_s, version);
    for (const struct tree *m = patch->first; m; m = m->next) {
        struct tree *there = tree_get(target, m->name);

        if (tree_is_null(m)) {
            tree_remove(target, m->name);
            continue;
        }
        if (!there || there->leaf || m->leaf) { /* nothing to merge into, or with */
            tree_remove(target, m->name);
            there = m->leaf ? tree_copy(m) : tree_object();
            add(target, m->name, there);
        }
        if (m->leaf)
            stamp(there, at_s, version);
        else
            tree_merge(there, m, at_s, version);
    }
}

struct tree *tree_difference(const struct tree *before, const struct tree *after)
{
    struct tree *t = tree_object();

    for (const struct tree *m = before->first; m; m = m->next)
        if (!tree_get(after, m->name))
            add(t, m->name, tree_read("null"));
    for (const struct tree *m = after->first; m; m = m->next) {
        const struct tree *was = tree_get(before, m->name);
        struct tree *told = m->leaf || !was || was->leaf ? tree_copy(m) : tree_difference(was, m);

        add(t, m->name, told);
    }
    return t;
}

/* --- making it small -------------------------------------------------------------------------------------------------- */

size_t tree_size(const struct tree *t)
{
    size_t n = 0;

    for (const struct tree *m = t ? t->first : NULL; m; m = m->next)
        n += 1 + tree_size(m);
    return n;
}

/* The node with that number, and what holds it. */
static struct tree *nth_of(struct tree *t, size_t *nth, struct tree **holder)
{
    for (struct tree *m = t->first; m; m = m->next) {
        struct tree *below;

        *holder = t;
        if ((*nth)-- == 0)
            return m;
        below = nth_of(m, nth, holder);
        if (below)
            return below;
    }
    return NULL;
}

bool tree_drop_nth(struct tree *t, size_t nth)
{
    struct tree *holder, *node = nth_of(t, &nth, &holder);

    if (!node)
        return false;
    tree_remove(holder, node->name);
    return true;
}

bool tree_lift_nth(struct tree *t, size_t nth)
{
    struct tree *holder, *node = nth_of(t, &nth, &holder), *members;

    if (!node || !node->first)
        return false;
    members = node->first;
    node->first = NULL;
    tree_remove(holder, node->name);
    while (members) {
        struct tree *m = members;

        members = m->next;
        m->next = NULL;
        if (tree_get(holder, m->name))
            tree_free(m);
        else
            add(holder, m->name, m);
    }
    return true;
}

bool tree_flatten_nth(struct tree *t, size_t nth)
{
    struct tree *holder, *node = nth_of(t, &nth, &holder);

    if (!node || (node->leaf && strcmp(node->leaf, "1") == 0) || tree_is_null(node))
        return false;
    tree_free(node->first);
    node->first = NULL;
    free(node->leaf);
    node->leaf = copy_of("1", 1);
    return true;
}
