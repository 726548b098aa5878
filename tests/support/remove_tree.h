/* remove_tree.h - a test's own directory, and all in it, goes. */
#ifndef TWINSIM_REMOVE_TREE_H
#define TWINSIM_REMOVE_TREE_H

#include <ftw.h>
#include <stdio.h>

static inline int remove_entry(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

/* Symbolic links are removed, not followed. What cannot be removed is named on stderr. */
static inline void remove_tree(const char *dir)
{
    if (nftw(dir, remove_entry, 16, FTW_PHYS | FTW_DEPTH))
        (void)fprintf(stderr, "%s stays: it could not be removed\n", dir);
}

#endif
