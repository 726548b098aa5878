/* sockets.c - reading /proc/net and /proc/PID/fd. */
#include "sockets.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "process_info.h"

struct socket_owner {
    int64_t inode, pid;
};

/* Read a number of at most eight hexadecimal digits, all of s. */
static bool hex_read(struct str s, uint32_t *out)
{
    uint32_t n = 0;

    if (s.len == 0 || s.len > 8)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        const char *digits = "0123456789ABCDEF", *found = strchr(digits, s.at[i]);
        if (!found || !*found)
            return false;
        n = n << 4 | (uint32_t)(found - digits);
    }
    *out = n;
    return true;
}

/* Turn the kernel's "0100007F" or its four words of an IPv6 address into the usual text. The words are in the
 * machine's byte order, each by itself. */
static bool address_text(struct str hex, char out[INET6_ADDRSTRLEN])
{
    size_t words = hex.len / 8;
    uint32_t word[4] = {0};

    if (words * 8 != hex.len || (words != 1 && words != 4))
        return false;
    for (size_t i = 0; i < words; i++)
        if (!hex_read(str_of(hex.at + i * 8, 8), &word[i]))
            return false;
    return inet_ntop(words == 1 ? AF_INET : AF_INET6, word, out, INET6_ADDRSTRLEN) != NULL;
}

/* Cut "0100007F:22B3" off a line. */
static bool end_cut(struct str *line, struct socket_end *out)
{
    struct str text = collect_word(line), hex = str_cut(&text, ':');

    return address_text(hex, out->address) && hex_read(text, &out->port) && out->port <= UINT16_MAX;
}

/* Read "  0: 0100007F:22B3 00000000:0000 0A 00000000:00000000 00:00000000 00000000 1000 0 12345 ..." */
static bool row_read(struct str line, struct socket_row *out)
{
    int64_t user = 0;

    (void)collect_word(&line); /* the line's number */
    if (!end_cut(&line, &out->local) || !end_cut(&line, &out->remote) || !hex_read(collect_word(&line), &out->state))
        return false;
    for (int i = 0; i < 3; i++)
        (void)collect_word(&line); /* queues, timer, retransmits */
    out->inode = 0;
    if (str_to_number(collect_word(&line), UINT32_MAX, &user) == RC_OK) {
        (void)collect_word(&line); /* timeouts */
        if (str_to_number(collect_word(&line), INT64_MAX / 10, &out->inode))
            out->inode = 0;
    }
    out->user = (uint32_t)user;
    return true;
}

bool sockets_each(const struct collect_roots *roots, const char *protocol,
                  bool (*visit)(void *context, const struct socket_row *row), void *context)
{
    struct socket_row row = {.protocol = protocol};
    char path[64], line[COLLECT_LINE_MAX];
    bool ok = true;
    FILE *f;

    (void)snprintf(path, sizeof path, "/proc/net/%s", protocol);
    f = collect_open(roots, path);
    if (!f)
        return true; /* a kernel without IPv6 has no such file */
    while (ok && fgets(line, sizeof line, f))
        if (row_read(str_from(line), &row))
            ok = visit(context, &row);
    (void)fclose(f); /* it was only read */
    return ok;
}

/* Owners that grow while the processes are visited. */
struct list {
    const struct collect_roots *roots;
    struct socket_owners *owners;
    size_t room;
};

static bool list_add(struct list *l, int64_t inode, int64_t pid)
{
    struct socket_owners *o = l->owners;
    struct socket_owner *more;

    if (o->count == l->room) {
        more = realloc(o->all, (l->room ? l->room * 2 : 64) * sizeof *more);
        if (!more)
            return false;
        o->all = more;
        l->room = l->room ? l->room * 2 : 64;
    }
    o->all[o->count++] = (struct socket_owner){inode, pid};
    return true;
}

/* Look at what one process has open: links such as "socket:[12345]". */
static bool process_visit(void *context, int64_t pid)
{
    struct list *l = context;
    char path[64], full[COLLECT_PATH_MAX], target[64];
    struct dirent *entry;
    bool ok = true;
    DIR *dir;

    (void)snprintf(path, sizeof path, "/proc/%" PRId64 "/fd", pid);
    dir = collect_path(l->roots, path, full) ? opendir(full) : NULL;
    while (ok && dir && (entry = readdir(dir))) {
        ssize_t n = readlinkat(dirfd(dir), entry->d_name, target, sizeof target);
        struct str text = str_of(target, n > 0 ? (size_t)n : 0);
        int64_t inode;
        if (str_skip(&text, "socket:[") && str_to_number(str_cut(&text, ']'), INT64_MAX / 10, &inode) == RC_OK)
            ok = list_add(l, inode, pid);
    }
    if (dir)
        (void)closedir(dir);
    return ok;
}

static int owner_compare(const void *a, const void *b)
{
    const struct socket_owner *left = a, *right = b;

    return (left->inode > right->inode) - (left->inode < right->inode);
}

void socket_owners_init(struct socket_owners *o, const struct collect_roots *roots)
{
    struct list list = {.roots = roots, .owners = o};

    *o = (struct socket_owners){0};
    process_info_each(roots, process_visit, &list);
    if (o->count)
        qsort(o->all, o->count, sizeof *o->all, owner_compare);
}

void socket_owners_done(struct socket_owners *o)
{
    free(o->all);
    *o = (struct socket_owners){0};
}

int64_t socket_owners_find(const struct socket_owners *o, int64_t inode)
{
    const struct socket_owner wanted = {inode, 0}, *found = NULL;

    if (o->count && inode)
        found = bsearch(&wanted, o->all, o->count, sizeof wanted, owner_compare);
    return found ? found->pid : 0;
}
