/* tree.h - JSON as the documents speak of it: objects, and what is none. Nothing of the hub's own code is in it.
 *
 * What is no object is a leaf, kept as the text it stands as, arrays too. Objects can be stamped with when and at which version they
 * were last written. Texts are our own or the hub's, so what cannot be read is a failed assertion.
 */
#ifndef TREE_H
#define TREE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct tree {
    char *name; /* as a member of an object; else NULL */
    char *leaf; /* NULL: an object */
    struct tree *first, *next;
    int64_t at_s, version; /* last written; version 0: never by a write that counts */
};

struct tree *tree_read(const char *text);
struct tree *tree_copy(const struct tree *t); /* NULL gives NULL */
void tree_free(struct tree *t);               /* NULL is fine */
struct tree *tree_object(void);

/* A member, or NULL; also of NULL. */
struct tree *tree_get(const struct tree *t, const char *name);
/* A member's member. */
struct tree *tree_get2(const struct tree *t, const char *name, const char *below);
bool tree_is_null(const struct tree *t);
void tree_remove(struct tree *t, const char *name);
/* A leaf's whole number; a failed assertion when it is none. */
int64_t tree_number(const struct tree *t);

/* Write with members in the order of their names, so that equal trees are equal texts. */
void tree_print(FILE *to, const struct tree *t);
char *tree_text(const struct tree *t); /* the caller frees */

/* Merge as the documents say it: null removes, objects merge, all else replaces; stamp the objects on the way and what is written. */
void tree_merge(struct tree *target, const struct tree *patch, int64_t at_s, int64_t version);
/* Stamp it and all below. */
void tree_stamp(struct tree *t, int64_t at_s, int64_t version);
/* As $metadata shows the stamps. */
void tree_print_stamps(FILE *to, const struct tree *t);

/* What a device is told of a replacement: every key of the new one, null for each that is gone, at every level. */
struct tree *tree_difference(const struct tree *before, const struct tree *after);

/* Nodes below the root, in their order: how many; and one of them taken away, or its members put in its place, or made a leaf 1.
 * returns false when that changes nothing */
size_t tree_size(const struct tree *t);
bool tree_drop_nth(struct tree *t, size_t nth);
bool tree_lift_nth(struct tree *t, size_t nth);
bool tree_flatten_nth(struct tree *t, size_t nth);

#endif
