/* store_check_internal.h - what the two halves of the check share: store_check.c and store_check_identity.c. */
#ifndef TWINSIM_STORE_CHECK_INTERNAL_H
#define TWINSIM_STORE_CHECK_INTERNAL_H

#include "store_check.h"
#include "store_internal.h"

struct check {
    struct store *s;
    void (*each)(void *arg, const struct store_problem *problem);
    void *arg;
    char id[IDENT_TEXT_MAX]; /* whom the next problem is about; empty: nobody known */
    struct store_census census;
};

void check_say(struct check *k, const char *table, int64_t row, const char *fmt, ...) PRINTF_LIKE(4, 5);
void check_whom(struct check *k, struct str device, struct str module);
/* Statements of the check alone: a hub does not prepare them. *out is for sqlite3_finalize, on failure too. */
MUST_USE enum rc check_sql(struct check *k, const char *text, sqlite3_stmt **out);
/* returns RC_OK: there is a row, RC_NOT_FOUND: there is none left, or a fault */
MUST_USE enum rc check_step(struct check *k, sqlite3_stmt *q);
struct str check_column(sqlite3_stmt *q, int n);

/* Each identity: its document, its twin, its rows, its messages. */
MUST_USE enum rc check_identities(struct check *k);

#endif
