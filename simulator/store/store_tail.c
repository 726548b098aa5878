/* store_tail.c - what the store knows in memory: rows the index lacks, heads of identities, ids lately used.
 *
 * All of it can be made again from the database; none of it is needed to be right after a crash.
 */
#include <assert.h>
#include <stdlib.h>

#include "store_internal.h"

#define STORE_IDS_BUCKETS 4096u

/* A larger array with the same content, or NULL when out of memory. */
static void *grow(void *at, size_t *cap, size_t size)
{
    size_t next = *cap ? *cap * 2 : 64;
    void *grown = realloc(at, next * size);

    if (grown)
        *cap = next;
    return grown;
}

enum rc id_list_add(struct id_list *l, int64_t id)
{
    if (l->len == l->cap) {
        int64_t *grown = grow(l->at, &l->cap, sizeof *l->at);

        if (!grown)
            return RC_NOMEM;
        l->at = grown;
    }
    l->at[l->len++] = id;
    return RC_OK;
}

void id_list_done(struct id_list *l)
{
    free(l->at);
    memset(l, 0, sizeof *l);
}

/* --- heads ---------------------------------------------------------------------------------------------------- */

static size_t head_slot(const struct heads *hs, int64_t identity)
{
    return (size_t)((uint64_t)identity * 0x9E3779B97F4A7C15u >> 32) & (hs->n_buckets - 1);
}

struct head *head_find(const struct store *s, int64_t identity)
{
    const struct heads *hs = &s->heads;
    struct head *h;

    if (!hs->n_buckets)
        return NULL;
    for (h = hs->bucket[head_slot(hs, identity)]; h && h->identity != identity; h = h->hash_next)
        ;
    return h;
}

static bool heads_grow(struct heads *hs)
{
    struct heads next = *hs;

    next.n_buckets = hs->n_buckets ? hs->n_buckets * 2 : 256;
    next.bucket = calloc(next.n_buckets, sizeof *next.bucket);
    if (!next.bucket)
        return false;
    for (size_t b = 0; b < hs->n_buckets; b++)
        for (struct head *h = hs->bucket[b], *after; h; h = after) {
            struct head **to = &next.bucket[head_slot(&next, h->identity)];

            after = h->hash_next;
            h->hash_next = *to;
            *to = h;
        }
    free(hs->bucket);
    hs->bucket = next.bucket;
    hs->n_buckets = next.n_buckets;
    return true;
}

struct head *head_get(struct store *s, int64_t identity)
{
    struct heads *hs = &s->heads;
    struct head *h = head_find(s, identity), **slot;

    if (h)
        return h;
    if (hs->len >= hs->n_buckets && !heads_grow(hs))
        return NULL;
    h = calloc(1, sizeof *h);
    if (!h)
        return NULL;
    h->identity = identity;
    slot = &hs->bucket[head_slot(hs, identity)];
    h->hash_next = *slot;
    *slot = h;
    hs->len++;
    return h;
}

void head_queue(struct store *s, enum queue q, struct head *h)
{
    struct heads *hs = &s->heads;

    if (h->is_queued[q])
        return;
    h->is_queued[q] = true;
    h->queue_next[q] = NULL;
    if (hs->first[q])
        hs->last[q]->queue_next[q] = h;
    else
        hs->first[q] = h;
    hs->last[q] = h;
}

void head_dequeue(struct store *s, enum queue q)
{
    struct head *h = s->heads.first[q];

    s->heads.first[q] = h->queue_next[q];
    h->is_queued[q] = false;
}

void head_set_weight(struct store *s, struct head *h, uint32_t weight)
{
    uint32_t overdue = s->fold_rows * STORE_OVERDUE;

    s->heads.n_overdue += weight >= overdue;
    s->heads.n_overdue -= h->weight >= overdue;
    h->weight = weight;
    if (weight >= s->fold_rows)
        head_queue(s, QUEUE_FOLD, h);
}

/* Let go of heads that hold nothing but a count below fold_rows. Loading the identity counts again. */
static void heads_forget(struct store *s)
{
    struct heads *hs = &s->heads;

    if (hs->len <= STORE_HEADS_MAX || hs->len < hs->forget_at)
        return;
    for (size_t b = 0; b < hs->n_buckets; b++)
        for (struct head **at = &hs->bucket[b], *h; (h = *at);) {
            if (h->is_queued[QUEUE_FOLD] || h->is_queued[QUEUE_TRIM] || h->last >= s->tail.first) {
                at = &h->hash_next;
                continue;
            }
            assert(h->weight < s->fold_rows); /* else it is queued */
            *at = h->hash_next;
            free(h);
            hs->len--;
        }
    hs->forget_at = hs->len * 2; /* not again for every few rows when most are needed */
}

/* --- the tail ------------------------------------------------------------------------------------------------- */

const struct tail_row *tail_at(const struct store *s, int64_t id)
{
    if (id < s->tail.first)
        return NULL;
    assert((uint64_t)(id - s->tail.first) < s->tail.len);
    return &s->tail.at[id - s->tail.first];
}

enum rc tail_push(struct store *s, int64_t identity, int64_t version, size_t body_len)
{
    struct tail *t = &s->tail;
    struct head *h = head_get(s, identity);
    uint32_t weight = 1 + (uint32_t)(body_len / STORE_ROW_BYTES);

    if (!h)
        return RC_NOMEM;
    if (t->len == t->cap) {
        struct tail_row *grown = grow(t->at, &t->cap, sizeof *t->at);

        if (!grown)
            return RC_NOMEM;
        t->at = grown;
    }
    t->at[t->len] = (struct tail_row){identity, h->last, version, weight};
    h->last = t->first + (int64_t)t->len++;
    head_set_weight(s, h, h->weight + weight);
    return RC_OK;
}

void tail_cut(struct store *s, int64_t from_id)
{
    struct tail *t = &s->tail;

    while (t->len && t->first + (int64_t)t->len > from_id) {
        struct tail_row *row = &t->at[--t->len];
        struct head *h = head_find(s, row->identity);

        assert(h); /* a head stays while the tail has rows of it */
        h->last = row->prev;
        head_set_weight(s, h, h->weight > row->weight ? h->weight - row->weight : 0);
    }
}

void tail_drop(struct store *s, size_t n)
{
    struct tail *t = &s->tail;

    assert(n <= t->len);
    memmove(t->at, t->at + n, (t->len - n) * sizeof *t->at);
    t->len -= n;
    t->first += (int64_t)n;
    heads_forget(s);
}

enum rc tail_load(struct store *s)
{
    enum rc rc;

    s->tail.first = s->indexed + 1;
    sql_i64(s, SQL_TAIL, 1, s->indexed);
    while ((rc = sql_row(s, SQL_TAIL)) == RC_OK) {
        int64_t id = sqlite3_column_int64(s->sql[SQL_TAIL], 0);
        int64_t identity = sqlite3_column_int64(s->sql[SQL_TAIL], 1);

        if (id != s->tail.first + (int64_t)s->tail.len) {
            sql_end(s, SQL_TAIL);
            return RC_CORRUPT; /* rows behind the index are never removed */
        }
        rc = tail_push(s, identity, sqlite3_column_int64(s->sql[SQL_TAIL], 2),
                       0); /* not worth reading bodies for; loading the identity counts again */
        if (rc) {
            sql_end(s, SQL_TAIL);
            return rc;
        }
    }
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

void tail_forget(struct store *s)
{
    free(s->tail.at);
    free(s->trimming.at);
    for (size_t b = 0; b < s->heads.n_buckets; b++)
        for (struct head *h = s->heads.bucket[b], *after; h; h = after) {
            after = h->hash_next;
            free(h);
        }
    free(s->heads.bucket);
    ids_clear(s);
    free(s->ids.bucket);
}

/* --- ids ------------------------------------------------------------------------------------------------------ */

static uint64_t hash_of(struct str id)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a */

    for (size_t k = 0; k < id.len; k++)
        hash = (hash ^ (unsigned char)id.at[k]) * 1099511628211u;
    return hash;
}

/* Where the entry hangs, or the end of its chain. The buckets must be there. */
static struct id_entry **ids_slot(const struct store *s, struct str id, uint64_t hash)
{
    struct id_entry **at = &s->ids.bucket[hash % STORE_IDS_BUCKETS];

    while (*at && !((*at)->hash == hash && str_eq(str_of((*at)->text, (*at)->len), id)))
        at = &(*at)->next;
    return at;
}

int64_t ids_find(const struct store *s, struct str id)
{
    const struct id_entry *e = s->ids.bucket ? *ids_slot(s, id, hash_of(id)) : NULL;

    return e ? e->row : 0;
}

void ids_put(struct store *s, struct str id, int64_t row)
{
    uint64_t hash = hash_of(id);
    struct id_entry **at, *e;

    if (s->ids.len >= STORE_IDS_MAX)
        ids_clear(s);
    if (!s->ids.bucket && !(s->ids.bucket = calloc(STORE_IDS_BUCKETS, sizeof(struct id_entry *))))
        return; /* slower, not wrong */
    at = ids_slot(s, id, hash);
    if (*at) {
        (*at)->row = row;
        return;
    }
    e = malloc(sizeof *e + id.len);
    if (!e)
        return;
    *e = (struct id_entry){.row = row, .hash = hash, .len = id.len};
    memcpy(e->text, id.at, id.len);
    *at = e;
    s->ids.len++;
}

void ids_remove(struct store *s, struct str id)
{
    struct id_entry **at = s->ids.bucket ? ids_slot(s, id, hash_of(id)) : NULL;
    struct id_entry *e = at ? *at : NULL;

    if (!e)
        return;
    *at = e->next;
    free(e);
    s->ids.len--;
}

void ids_clear(struct store *s)
{
    if (!s->ids.len)
        return;
    for (size_t b = 0; b < STORE_IDS_BUCKETS; b++) {
        for (struct id_entry *e = s->ids.bucket[b], *after; e; e = after) {
            after = e->next;
            free(e);
        }
        s->ids.bucket[b] = NULL;
    }
    s->ids.len = 0;
}
