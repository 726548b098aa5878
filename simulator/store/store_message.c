/* store_message.c - what waits for identities, and what became of it. See store_internal.h.
 *
 * A message is a row of its own, put in and taken out with the turn that did so: no journal, since nothing is ever folded from it. Nothing of
 * this is read before somebody needs it; of a million identities with messages the start looks at three indexes' ends.
 *
 * A row that cannot be read stays for whoever wants to look at it, but is nobody's any more and never due: its identity is negated.
 */
#include <stdlib.h>

#include "store_internal.h"

/* AUTOINCREMENT keeps the highest number that was ever given: none is given twice. */
const char message_schema[] =
    "CREATE TABLE message(id INTEGER PRIMARY KEY AUTOINCREMENT, identity INTEGER NOT NULL, enqueued INTEGER NOT NULL,"
    " expires INTEGER NOT NULL, doc TEXT NOT NULL, body BLOB NOT NULL);"
    "CREATE INDEX message_identity ON message(identity, id);"
    "CREATE INDEX message_expires ON message(expires);"
    "CREATE TABLE feedback(id INTEGER PRIMARY KEY AUTOINCREMENT, identity INTEGER NOT NULL, at INTEGER NOT NULL,"
    " doc TEXT NOT NULL);"
    "CREATE INDEX feedback_identity ON feedback(identity);"
    "CREATE INDEX feedback_at ON feedback(at);";

/* --- writing ------------------------------------------------------------------------------------------------------ */

enum rc message_write(struct store *s, const struct out *e, int64_t row)
{
    switch (e->kind) {
    case OUT_MESSAGE:
        sql_i64(s, SQL_MESSAGE_PUT, 1, (int64_t)e->tag);
        sql_i64(s, SQL_MESSAGE_PUT, 2, row);
        sql_i64(s, SQL_MESSAGE_PUT, 3, e->at_us);
        sql_i64(s, SQL_MESSAGE_PUT, 4, e->expires_us);
        sql_text(s, SQL_MESSAGE_PUT, 5, str_from(e->doc));
        sql_blob(s, SQL_MESSAGE_PUT, 6, str_of(e->body, e->body_len));
        return sql_run(s, SQL_MESSAGE_PUT);
    case OUT_MESSAGE_GONE: {
        enum sql q = e->is_damaged ? SQL_MESSAGE_ASIDE : SQL_MESSAGE_REMOVE;

        sql_i64(s, q, 1, (int64_t)e->tag);
        return sql_run(s, q);
    }
    case OUT_FEEDBACK:
        sql_i64(s, SQL_FEEDBACK_PUT, 1, (int64_t)e->tag);
        sql_i64(s, SQL_FEEDBACK_PUT, 2, row);
        sql_i64(s, SQL_FEEDBACK_PUT, 3, e->at_us);
        sql_text(s, SQL_FEEDBACK_PUT, 4, str_of(e->body, e->body_len));
        return sql_run(s, SQL_FEEDBACK_PUT);
    default:
        return RC_OK; /* store_append takes no other */
    }
}

enum rc feedback_forget(struct store *s, const struct out *e)
{
    enum rc rc;

    sql_i64(s, SQL_FEEDBACK_TAKE, 1, (int64_t)e->tag);
    rc = sql_run(s, SQL_FEEDBACK_TAKE);
    if (rc || !e->at_us)
        return rc;
    sql_i64(s, SQL_FEEDBACK_FORGET, 1, e->at_us);
    sql_i64(s, SQL_FEEDBACK_FORGET, 2, STORE_FORGET_MAX);
    return sql_run(s, SQL_FEEDBACK_FORGET);
}

enum rc message_bury(struct store *s, int64_t row)
{
    enum rc rc;

    sql_i64(s, SQL_MESSAGES_REMOVE, 1, row);
    sql_i64(s, SQL_FEEDBACK_REMOVE, 1, row);
    rc = sql_run(s, SQL_MESSAGES_REMOVE);
    return rc ? rc : sql_run(s, SQL_FEEDBACK_REMOVE);
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

/* One row. What is damaged in it is no failure of the whole. */
static enum rc read_message(struct store *s, struct messages *q, struct unreadable *bad)
{
    uint64_t number = (uint64_t)sqlite3_column_int64(s->sql[SQL_MESSAGES], 0);
    struct message *m = NULL;
    enum rc rc = message_load(sql_column(s, SQL_MESSAGES, 3), sql_column(s, SQL_MESSAGES, 4), &m);

    if (rc)
        rc = damaged(s, rc, "a message");
    if (rc == RC_CORRUPT) {
        if (bad->n < MESSAGE_QUEUE_MAX)
            bad->number[bad->n++] = number;
        return RC_OK;
    }
    if (rc)
        return rc;
    m->number = number;
    m->enqueued_us = sqlite3_column_int64(s->sql[SQL_MESSAGES], 1);
    m->expires_us = sqlite3_column_int64(s->sql[SQL_MESSAGES], 2);
    messages_push(q, m);
    return RC_OK;
}

enum rc store_load_messages(struct store *s, struct str id, struct messages *out, struct unreadable *bad)
{
    struct messages q = {0};
    int64_t row;
    enum rc rc = read_find(s, id, &row);

    if (rc)
        return rc;
    bad->n = 0;
    sql_i64(s, SQL_MESSAGES, 1, row);
    while ((rc = sql_row(s, SQL_MESSAGES)) == RC_OK) {
        rc = read_message(s, &q, bad);
        if (rc) {
            sql_end(s, SQL_MESSAGES);
            break;
        }
    }
    if (rc == RC_NOT_FOUND) {
        *out = q;
        return RC_OK;
    }
    messages_drop(&q);
    return rc;
}

/* A number, or `none` where the database says NULL: of nothing. */
static int64_t number_of(struct store *s, enum sql q, int column, int64_t none)
{
    return sqlite3_column_type(s->sql[q], column) == SQLITE_NULL ? none : sqlite3_column_int64(s->sql[q], column);
}

enum rc store_next_expiry(struct store *s, int64_t after_us, int64_t *out)
{
    enum rc rc;

    sql_i64(s, SQL_NEXT_EXPIRY, 1, after_us);
    rc = sql_row(s, SQL_NEXT_EXPIRY);
    if (rc)
        return rc;
    *out = number_of(s, SQL_NEXT_EXPIRY, 0, INT64_MAX);
    sql_end(s, SQL_NEXT_EXPIRY);
    return RC_OK;
}

enum rc store_message_state(struct store *s, struct message_state *out)
{
    struct message_state state = {0};
    enum rc rc = store_next_expiry(s, INT64_MIN, &state.next_expiry_us);

    if (!rc)
        rc = sql_row(s, SQL_FEEDBACK_STATE);
    if (rc)
        return rc;
    state.feedback = (size_t)number_of(s, SQL_FEEDBACK_STATE, 0, 0);
    state.oldest_feedback_us = number_of(s, SQL_FEEDBACK_STATE, 1, INT64_MAX);
    sql_end(s, SQL_FEEDBACK_STATE);
    rc = sql_row(s, SQL_NUMBERS);
    if (rc)
        return rc;
    state.last_number = (uint64_t)number_of(s, SQL_NUMBERS, 0, 0);
    sql_end(s, SQL_NUMBERS);
    *out = state;
    return RC_OK;
}

enum rc store_due(struct store *s, struct due_place from, int64_t to_us,
                  bool (*each)(void *arg, struct str id, struct due_place at), void *arg)
{
    char text[IDENT_TEXT_MAX];
    enum rc rc;

    sql_i64(s, SQL_DUE, 1, from.expires_us);
    sql_i64(s, SQL_DUE, 2, (int64_t)from.number);
    sql_i64(s, SQL_DUE, 3, to_us);
    while ((rc = sql_row(s, SQL_DUE)) == RC_OK) {
        struct ident id = {sql_column(s, SQL_DUE, 0), sql_column(s, SQL_DUE, 1)};
        struct due_place at = {sqlite3_column_int64(s->sql[SQL_DUE], 2),
                               (uint64_t)sqlite3_column_int64(s->sql[SQL_DUE], 3)};

        if (!ident_part_is_valid(id.device) || (id.module.len && !ident_part_is_valid(id.module))) {
            sql_end(s, SQL_DUE);
            return damaged(s, RC_CORRUPT, "an identity's name");
        }
        if (!each(arg, str_of(text, ident_print(id, text)), at)) {
            sql_end(s, SQL_DUE);
            return RC_OK;
        }
    }
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

enum rc store_feedback(struct store *s, unsigned top, struct feedback_row **rows, size_t *n_rows)
{
    struct feedback_row *at = calloc(top ? top : 1, sizeof *at);
    size_t n = 0;
    enum rc rc = at ? RC_OK : RC_NOMEM;

    if (rc)
        return rc;
    sql_i64(s, SQL_FEEDBACK_READ, 1, top);
    while (n < top && (rc = sql_row(s, SQL_FEEDBACK_READ)) == RC_OK) {
        at[n].number = (uint64_t)sqlite3_column_int64(s->sql[SQL_FEEDBACK_READ], 0);
        at[n].at_us = sqlite3_column_int64(s->sql[SQL_FEEDBACK_READ], 1);
        at[n].text = str_dup(sql_column(s, SQL_FEEDBACK_READ, 2));
        if (!at[n].text) {
            rc = RC_NOMEM;
            break;
        }
        n++;
    }
    if (rc != RC_NOT_FOUND)
        sql_end(s, SQL_FEEDBACK_READ);
    if (rc && rc != RC_NOT_FOUND) {
        store_feedback_free(at, n);
        return rc;
    }
    *rows = at;
    *n_rows = n;
    return RC_OK;
}

void store_feedback_free(struct feedback_row *rows, size_t n_rows)
{
    for (size_t k = 0; rows && k < n_rows; k++)
        free(rows[k].text);
    free(rows);
}
