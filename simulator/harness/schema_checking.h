/* schema_checking.h - one value being checked: what the keywords' functions (schema.c, schema_kinds.c) work with. */
#ifndef TWINSIM_SCHEMA_CHECKING_H
#define TWINSIM_SCHEMA_CHECKING_H

#include "schema_internal.h"

/* Where in the value we are: the keys from the outermost object to here. */
struct place {
    const struct place *outer; /* NULL: the value itself */
    const char *key;           /* NULL: element number index */
    size_t index;
    unsigned depth;
};

/* What is told of one trial. Without one, only yes or no is asked. */
struct complaints {
    struct buf lines;
    unsigned count;
    unsigned depth; /* of the deepest place that is complained about: the deeper, the nearer was the miss */
};

struct checking {
    const cJSON *root;
    unsigned depth, steps;
    enum rc rc;        /* our own failure; then every answer is no, at once */
    char problem[200]; /* in words */
};

/* One place of the value and of the schema. */
struct at {
    const struct place *place;
    const cJSON *schema; /* the object whose keywords are asked */
    struct complaints *told;
};

/* Does the value fit what the keyword's argument says? A function complains of what does not. */
typedef bool schema_fn(struct checking *c, const struct at *at, const cJSON *arg, const cJSON *value);

/* Those of objects, arrays, numbers and texts; NULL for the others. */
schema_fn *schema_kind_function(enum schema_keyword k);

/* Check a value at a place against another schema. */
bool schema_fits(struct checking *c, const cJSON *schema, const cJSON *value, const struct place *place,
                 struct complaints *told);
/* Add a line about this place, if somebody wants to know. returns false, always */
bool schema_complain(const struct at *at, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* The same: "expected WHAT WANTED, got VALUE"; wanted may be NULL. */
bool schema_expected(const struct at *at, const char *what, const cJSON *wanted, const cJSON *got);
/* Fail for a reason that is not the value's. The first failure counts. */
void schema_fail(struct checking *c, enum rc rc, const char *fmt, ...) PRINTF_LIKE(3, 4);

#endif
