/* message_queue.c - the messages that wait for one identity, in the order in which they came. See message.h. */
#include <stdlib.h>

#include "message.h"

void messages_push(struct messages *q, struct message *m)
{
    struct message **at = &q->first;

    assert(messages_are_here(q));
    while (*at)
        at = &(*at)->next;
    m->next = NULL;
    *at = m;
    q->n++;
    q->count++;
    q->bytes += message_heap(m);
}

void messages_remove(struct messages *q, struct message *m)
{
    struct message **at = &q->first;

    assert(messages_are_here(q));
    while (*at != m)
        at = &(*at)->next;
    *at = m->next;
    q->n--;
    q->count--;
    q->bytes -= message_heap(m);
    message_free(m);
}

void messages_drop(struct messages *q)
{
    while (q->first) {
        struct message *m = q->first;

        q->first = m->next;
        message_free(m);
    }
    q->n = q->bytes = 0;
}

bool messages_are_valid(const struct messages *q)
{
    size_t n = 0, bytes = 0;
    uint64_t number = 0;

    for (const struct message *m = q->first; m; m = m->next) {
        if (m->number <= number || m->body_len > MESSAGE_BODY_MAX)
            return false;
        number = m->number;
        bytes += message_heap(m);
        n++;
    }
    return n == q->n && bytes == q->bytes && (n == 0 || n == q->count) && q->count <= MESSAGE_QUEUE_MAX;
}
