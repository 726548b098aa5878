/* hub_cache.c - the identities a hub holds in memory: a hash table by id, and a list from least to most recently used. */
#include <stdlib.h>

#include "hub_internal.h"

bool hub_is_valid(const struct hub *h)
{
    size_t count = 0, bytes = 0, connected = 0, listed = 0;

    for (size_t s = 0; s < h->n_slots; s++)
        for (const struct identity *i = h->slots[s]; i; i = i->hash_next) {
            count++;
            bytes += i->counted;
            connected += i->conn != 0;
            if (i->counted != identity_bytes(i) || !hub_messages_are_valid(h, i) ||
                (i->twin && !twin_is_valid(i->twin)))
                return false;
        }
    for (const struct identity *i = h->oldest; i; i = i->newer) {
        listed++;
        if (i->newer ? i->newer->older != i : h->newest != i)
            return false;
    }
    return count == h->n_identities && listed == count && bytes == h->bytes && connected == h->connected &&
           hub_faults_are_valid(h) && hub_waiting_is_valid(h) && hub_methods_are_valid(h);
}

static struct identity **slot_of(const struct hub *h, struct str id)
{
    uint64_t hash = 1469598103934665603u; /* FNV-1a */

    for (size_t i = 0; i < id.len; i++)
        hash = (hash ^ (unsigned char)id.at[i]) * 1099511628211u;
    return &h->slots[(hash ^ (hash >> 32)) & (h->n_slots - 1)];
}

struct identity *hub_find(const struct hub *h, struct str id)
{
    struct identity *i = *slot_of(h, id);

    while (i && !str_eq(identity_id(i), id))
        i = i->hash_next;
    return i;
}

static void unlink_use(struct hub *h, struct identity *i)
{
    *(i->older ? &i->older->newer : &h->oldest) = i->newer;
    *(i->newer ? &i->newer->older : &h->newest) = i->older;
    i->older = i->newer = NULL;
}

static void link_newest(struct hub *h, struct identity *i)
{
    i->older = h->newest;
    i->newer = NULL;
    *(h->newest ? &h->newest->newer : &h->oldest) = i;
    h->newest = i;
}

void hub_touch(struct hub *h, struct identity *i)
{
    if (i == h->newest)
        return;
    unlink_use(h, i);
    link_newest(h, i);
}

/* Double the table when it is full; staying small is slower, never wrong, so a failure is passed over. */
static void grow(struct hub *h)
{
    struct identity **old = h->slots;
    size_t n_old = h->n_slots;
    struct identity **slots = calloc(n_old * 2, sizeof(struct identity *));

    if (!slots)
        return;
    h->slots = slots;
    h->n_slots = n_old * 2;
    for (size_t s = 0; s < n_old; s++)
        for (struct identity *i = old[s], *next; i; i = next) {
            struct identity **slot = slot_of(h, identity_id(i));

            next = i->hash_next;
            i->hash_next = *slot;
            *slot = i;
        }
    free(old);
}

void hub_account(struct hub *h, struct identity *i)
{
    size_t bytes = identity_bytes(i);

    h->bytes = h->bytes - i->counted + bytes;
    i->counted = bytes;
}

struct identity *hub_put(struct hub *h, struct identity *i)
{
    struct identity *there = hub_find(h, identity_id(i));
    struct identity **slot;

    if (there) {
        /* Loaded twice: what is in the cache is the newer truth, but it may lack its twin. */
        if (!there->twin) {
            there->twin = i->twin;
            i->twin = NULL;
            hub_account(h, there);
        }
        identity_free(i);
        return there;
    }
    if (h->n_identities >= h->n_slots)
        grow(h);
    slot = slot_of(h, identity_id(i));
    i->hash_next = *slot;
    *slot = i;
    i->counted = 0;
    link_newest(h, i);
    h->n_identities++;
    hub_account(h, i);
    return i;
}

void hub_forget(struct hub *h, struct identity *i)
{
    struct identity **at = slot_of(h, identity_id(i));

    if (i->conn)
        hub_waiting_end(h, i, (struct now){0, 0}, NULL);
    while (*at != i)
        at = &(*at)->hash_next;
    *at = i->hash_next;
    unlink_use(h, i);
    h->n_identities--;
    h->bytes -= i->counted;
    h->connected -= i->conn != 0;
    identity_free(i);
}

bool hub_drop(struct hub *h, struct str id, uint64_t *conn)
{
    struct identity *i = hub_find(h, id);
    bool was_connected = i && i->conn;

    *conn = was_connected ? i->conn : 0;
    if (i)
        hub_forget(h, i);
    return was_connected;
}

/* Its twin comes back when asked for, and so do its messages, as long as none is on its way. */
static void drop_what_comes_back(struct hub *h, struct identity *i)
{
    twin_free(i->twin);
    i->twin = NULL;
    if (!hub_message_is_out(i))
        messages_drop(&i->messages);
    hub_account(h, i);
}

void hub_trim(struct hub *h)
{
    struct identity *i = h->oldest;

    while (i && h->bytes > h->options.cache_bytes) {
        struct identity *next = i->newer;

        if (!i->conn && !hub_method_waits_for(h, i))
            hub_forget(h, i);
        else /* a live connection keeps its record, and so does a call under way */
            drop_what_comes_back(h, i);
        i = next;
    }
}

bool hub_is_live(const struct hub *h, struct str id, uint64_t conn)
{
    const struct identity *i = hub_find(h, id);

    return i && conn && i->conn == conn;
}
