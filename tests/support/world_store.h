/* world_store.h - the real store behind a world (hub_world.h): each call asserts that it went well. */
#ifndef TWINSIM_WORLD_STORE_H
#define TWINSIM_WORLD_STORE_H

#include "hub.h"

struct world_store;

/* twin_of, arg: as in struct store_options. */
struct world_store *world_store_open(const char *dir, const struct twin *(*twin_of)(void *arg, struct str id),
                                     void *arg);
void world_store_close(struct world_store *s); /* NULL is fine */
void world_store_reopen(struct world_store *s);

void world_store_append(struct world_store *s, const struct out *o);
void world_store_commit(struct world_store *s);
void world_store_rollback(struct world_store *s);
void world_store_idle(struct world_store *s);

/* NULL: not there. The caller frees. */
struct identity *world_store_load(struct world_store *s, struct str id, bool with_twin);
/* For messages_drop. */
void world_store_messages(struct world_store *s, struct str id, struct messages *out);
/* Ids of the list that is needed, in order, at most max. returns how many */
size_t world_store_list(struct world_store *s, const struct needs *needs, size_t max, char (*out)[IDENT_TEXT_MAX]);
void world_store_history(struct world_store *s, struct str id, const struct needs *needs, struct request *r);
/* What only the store knows of all messages. */
void world_store_state(struct world_store *s, struct message_state *out);
/* Whose messages have expired by now, at most max; *next_us: when the next one does. returns how many */
size_t world_store_due(struct world_store *s, int64_t now_us, int64_t *next_us, size_t max,
                       char (*out)[IDENT_TEXT_MAX]);
/* The oldest feedback, into the request, and out of it again. */
void world_store_feedback(struct world_store *s, struct request *r);
void world_store_feedback_done(struct request *r);

#endif
