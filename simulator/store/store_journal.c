/* store_journal.c - a turn: what is appended between two commits lasts as a whole, or not at all.
 *
 *   process, power   a turn is an SQLite transaction
 *   memory           a turn is a savepoint in one long transaction, committed every STORE_LONG_ROWS changes and at close
 */
#include <assert.h>
#include <stdio.h>

#include "store_internal.h"

/* The numbers of the kinds are in files. */
_Static_assert(CHANGE_CREATED == 0 && CHANGE_UPDATED == 1 && CHANGE_REPORTED == 2 && CHANGE_PATCHED == 3 &&
                   CHANGE_REPLACED == 4 && CHANGE_DELETED == 5,
               "add new kinds at the end, or raise STORE_FORMAT");

/* After some failures SQLite has rolled back on its own. */
static void notice_rollback(struct store *s)
{
    if (!s->in_transaction || !sqlite3_get_autocommit(s->db))
        return;
    s->in_transaction = s->has_savepoint = false;
    if (s->lasting_changes) /* turns went with it that had been acknowledged: only a restart agrees with the disk again */
        s->is_healthy = false;
    s->lasting_changes = 0;
}

enum rc turn_undo(struct store *s)
{
    enum rc rc = RC_OK;

    if (!s->needs_undo)
        return RC_OK;
    s->needs_undo = false; /* what follows comes by here */
    notice_rollback(s);
    if (s->has_savepoint) {
        rc = sql_run(s, SQL_TURN_UNDO);
        if (!rc)
            rc = sql_run(s, SQL_TURN_KEEP);
        s->has_savepoint = rc != RC_OK;
    } else if (s->in_transaction && s->durability != DURABILITY_MEMORY) {
        rc = sql_run(s, SQL_ROLLBACK);
        s->in_transaction = rc != RC_OK;
    }
    s->needs_undo = rc != RC_OK;
    return rc;
}

static void turn_rollback(struct store *s)
{
    s->needs_undo = true;
    if (turn_undo(s)) {
        /* Out of memory even for that: nothing is read or written before it has been done (sql_row). */
    }
    s->next_id = s->turn_next_id;
    s->count = s->turn_count;
    s->indexed = s->turn_indexed;
    tail_cut(s, s->next_id);
    ids_clear(s);
    folding_drop(s);
    trimming_drop(s);
    s->is_open = s->has_failed = false;
}

enum rc turn_begin(struct store *s)
{
    enum rc rc;

    if (s->is_open)
        return s->has_failed ? RC_IO : RC_OK;
    s->is_open = true;
    s->turn_next_id = s->next_id;
    s->turn_count = s->count;
    s->turn_indexed = s->indexed;
    rc = s->is_healthy ? turn_undo(s) : RC_IO;
    if (!rc && !s->in_transaction) {
        rc = sql_run(s, SQL_BEGIN);
        s->in_transaction = !rc;
    }
    if (!rc && s->durability == DURABILITY_MEMORY) {
        rc = sql_run(s, SQL_TURN);
        s->has_savepoint = !rc;
    }
    s->has_failed = rc != RC_OK;
    return rc;
}

enum rc turn_flush(struct store *s)
{
    enum rc rc = RC_OK;

    if (s->in_transaction) {
        rc = sql_run(s, SQL_COMMIT);
        if (!rc) {
            s->in_transaction = false;
            s->lasting_changes = 0;
        }
        notice_rollback(s);
    }
    return rc;
}

static enum rc commit_turn(struct store *s)
{
    enum rc rc = s->has_failed ? RC_IO : RC_OK;

    if (!rc && (s->count != s->turn_count || s->indexed != s->turn_indexed)) {
        sql_i64(s, SQL_HUB_WRITE, 1, s->count);
        sql_i64(s, SQL_HUB_WRITE, 2, s->indexed);
        rc = sql_run(s, SQL_HUB_WRITE);
    }
    if (rc)
        return rc;
    if (s->durability != DURABILITY_MEMORY) {
        rc = sql_run(s, SQL_COMMIT);
        s->in_transaction = rc != RC_OK;
        return rc;
    }
    rc = sql_run(s, SQL_TURN_KEEP);
    if (rc)
        return rc;
    s->has_savepoint = false;
    s->lasting_changes += s->next_id - s->turn_next_id + 1;
    if (s->lasting_changes >= STORE_LONG_ROWS && turn_flush(s) && !s->in_transaction)
        return RC_IO;
    return RC_OK; /* a flush that failed and left the transaction open is tried again */
}

enum rc turn_commit(struct store *s)
{
    enum rc rc;

    if (!s->is_open)
        return RC_OK;
    rc = commit_turn(s);
    s->is_refusing = rc != RC_OK;
    if (rc) {
        turn_rollback(s);
        return RC_IO;
    }
    s->untrimmed += s->next_id - s->turn_next_id;
    s->is_open = false;
    return RC_OK;
}

enum rc store_commit(struct store *s)
{
    return turn_commit(s);
}

void store_rollback(struct store *s)
{
    if (!s->is_open)
        return;
    if (s->has_failed)
        s->is_refusing = true;
    turn_rollback(s);
}

/* --- appending ------------------------------------------------------------------------------------------------ */

static enum rc write_row(struct store *s, const struct out *e, int64_t row)
{
    enum rc rc;

    sql_i64(s, SQL_APPEND, 1, s->next_id);
    sql_i64(s, SQL_APPEND, 2, row);
    sql_i64(s, SQL_APPEND, 3, (int64_t)e->change);
    sql_i64(s, SQL_APPEND, 4, e->at_us);
    sql_i64(s, SQL_APPEND, 5, e->version);
    sql_i64(s, SQL_APPEND, 6, e->desired_version);
    sql_i64(s, SQL_APPEND, 7, e->reported_version);
    sql_text(s, SQL_APPEND, 8, str_of(e->body, e->body_len));
    rc = sql_run(s, SQL_APPEND);
    if (!rc)
        rc = tail_push(s, row, e->version,
                       e->change == CHANGE_CREATED ? 0 : e->body_len); /* nothing to fold in that one */
    if (!rc)
        s->next_id++;
    return rc;
}

static enum rc create(struct store *s, const struct out *e)
{
    struct ident id;
    int64_t row;
    enum rc rc = ident_read(str_from(e->to), &id);

    assert(e->doc && e->twin);
    if (rc)
        return rc;
    sql_i64(s, SQL_CREATE, 1, ident_is_module(id));
    sql_text(s, SQL_CREATE, 2, id.device);
    sql_text(s, SQL_CREATE, 3, id.module);
    sql_text(s, SQL_CREATE, 4, str_from(e->doc));
    rc = sql_run(s, SQL_CREATE);
    if (rc)
        return rc;
    row = sqlite3_last_insert_rowid(s->db);
    sql_i64(s, SQL_SNAPSHOT_WRITE, 1, row);
    sql_i64(s, SQL_SNAPSHOT_WRITE, 2, s->next_id);
    sql_text(s, SQL_SNAPSHOT_WRITE, 3, str_from(e->twin));
    rc = sql_run(s, SQL_SNAPSHOT_WRITE);
    if (!rc)
        rc = write_row(s, e, row);
    if (rc)
        return rc;
    s->count++;
    ids_put(s, str_from(e->to), row);
    return RC_OK;
}

static enum rc update(struct store *s, const struct out *e, int64_t row)
{
    enum rc rc;

    assert(e->doc);
    sql_i64(s, SQL_DOCUMENT, 1, row);
    sql_text(s, SQL_DOCUMENT, 2, str_from(e->doc));
    rc = sql_run(s, SQL_DOCUMENT);
    return rc ? rc : write_row(s, e, row);
}

/* The rows of a deleted identity go when idle. Nobody sees them again: a new one of the same name gets a new number. */
static enum rc bury(struct store *s, const struct out *e, int64_t row)
{
    enum rc rc;

    sql_i64(s, SQL_REMOVE, 1, row);
    sql_i64(s, SQL_SNAPSHOT_REMOVE, 1, row);
    sql_i64(s, SQL_DEAD_ADD, 1, row);
    rc = sql_run(s, SQL_REMOVE);
    if (!rc)
        rc = sql_run(s, SQL_SNAPSHOT_REMOVE);
    if (!rc)
        rc = sql_run(s, SQL_DEAD_ADD);
    if (!rc)
        rc = message_bury(s, row);
    if (rc)
        return rc;
    s->count--;
    s->has_dead = true;
    ids_remove(s, str_from(e->to));
    folding_drop(s);
    return RC_OK;
}

static enum rc subscribe(struct store *s, const struct out *e, int64_t row)
{
    sql_i64(s, SQL_SUBSCRIBE, 1, row);
    sql_text(s, SQL_SUBSCRIBE, 2, str_of(e->subscribed, sizeof e->subscribed));
    return sql_run(s, SQL_SUBSCRIBE);
}

static enum rc append(struct store *s, const struct out *e)
{
    int64_t row;
    enum rc rc;

    if (e->kind == OUT_STORE && e->change == CHANGE_CREATED)
        return create(s, e);
    if (e->kind == OUT_FEEDBACK_GONE)
        return feedback_forget(s, e);
    rc = read_find(s, str_from(e->to), &row);
    if (rc == RC_NOT_FOUND && e->kind != OUT_STORE)
        return RC_OK; /* deleted a moment ago: nothing is left to write to */
    if (rc)
        return rc;
    if (e->kind == OUT_SUBSCRIBED)
        return subscribe(s, e, row);
    if (e->kind != OUT_STORE)
        return message_write(s, e, row);
    if (e->change == CHANGE_UPDATED)
        return update(s, e, row);
    if (e->change == CHANGE_DELETED)
        return bury(s, e, row);
    return write_row(s, e, row);
}

enum rc store_append(struct store *s, const struct out *entry)
{
    enum rc rc;

    assert(out_lasts(entry));
    rc = turn_begin(s);
    if (!rc)
        rc = append(s, entry);
    if (rc)
        s->has_failed = true;
    return rc;
}
