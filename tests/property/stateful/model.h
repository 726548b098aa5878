/* model.h - the hub by the book: who there is, what their twins hold, who listens, which calls are under way.
 *
 * Plain and slow on purpose, and written from the documents (docs/facts.md), not from the hub's code. A step changes the model and says what
 * a hub must do: a line for everything that leaves, in any order.
 *
 *   verdict done                                  what becomes of a packet: accept, done, close
 *   to d0 qos1 {topic} {body}                     a message; "error 400004" for an error's body, "-" for none; * for a method's rid
 *   answer 7 404 404001                           the answer to command 7 (and the error's code; 400* is any 400004-like one)
 *   to d0 qos1 tag devicebound m7                 the message that command 7 sent; tag: its PUBACK counts
 *   record m7 Success                             a record of feedback on it
 *   row d0 5                                      of a query: a twin, and its version
 *   close d0                                      its connection is to be closed
 *   event d0 disconnected takeover                on the event stream, while somebody listens
 *   hello d0 present                              the gateway may let it in; or fresh: no session stood
 *   will d0 {body}                                for who reads telemetry
 */
#ifndef MODEL_H
#define MODEL_H

#include "story.h"
#include "tree.h"

#define KEY_TEXT    96u
#define LETTERS_MAX 50u /* facts M-22 */
#define MISSED_MAX  32u /* facts M-47 */
#define HISTORY_MIN 4u  /* versions that a store keeps, at least (world_store.c) */

enum class { CLASS_DESIRED, CLASS_TWIN, CLASS_METHODS, CLASS_MESSAGES, CLASSES };

struct row {
    int64_t version, desired_version, reported_version;
    const char *kind;
};

/* A message from the cloud. */
struct letter {
    uint64_t serial, number; /* of the command that sent it; the hub's own, 0: not known yet */
    int64_t expires_s;
    unsigned ack; /* the step's word */
    bool is_out, was_out;
};

struct record_of {
    size_t who;
    uint64_t serial;
    const char *code;
    int64_t at_s;
};

struct person {
    bool exists, is_enabled;
    char key[2][KEY_TEXT];                  /* as the hub told */
    char older[KEY_TEXT];                   /* one that was replaced; empty: none */
    struct tree *tags, *desired, *reported; /* tags NULL: never set */
    int64_t etag, version, desired_version, reported_version;
    struct tree *missed[MISSED_MAX]; /* notes on changes that an older hub delivers late */
    int64_t missed_version[MISSED_MAX];
    size_t n_missed;
    int subscribed[CLASSES]; /* 0: not; else QoS + 1 */
    struct letter letters[LETTERS_MAX];
    size_t n_letters;
    bool has_gateway, has_session, has_will; /* of clean 0, which stands without a connection, too */
    uint64_t conn, ghost;                    /* numbers of its live connection and of an earlier one; 0: none */
    int64_t token_ends_s;
    struct row rows[STORY_MAX + 1];
    size_t n_rows;
};

struct call {
    uint64_t ticket;
    unsigned who;
    bool is_sent, is_new; /* new: sent in this step, so its rid is not known yet */
    char rid[24];
    int64_t answer_s, due_s; /* how long it may take, and when (mono) somebody gives up */
};

struct model {
    struct person at[WHO];
    struct call calls[STORY_MAX];
    size_t n_calls;
    struct record_of feedback[STORY_MAX * FLOOD];
    size_t n_feedback;
    int64_t world_s, mono_s; /* the world's clocks */
    int64_t offset_s, frozen_s, frozen_mono_s;
    bool is_frozen, listens, is_older, is_feedback_told;
    FILE *says;
};

void model_init(struct model *m, int64_t world_s, int64_t mono_s);
void model_done(struct model *m);
void model_copy(struct model *to, const struct model *from); /* but for what it says */
/* The hub's time. */
int64_t model_now_s(const struct model *m);
/* conn: of the connection that a CONNECT would make; ticket: of the command. */
void model_step(struct model *m, const struct step *s, uint64_t conn, uint64_t ticket);
/* Whether the step is one that comes to nothing, so that nobody need be asked. */
bool model_is_moot(const struct model *m, const struct step *s);
/* The hub told these keys of somebody; returns false when they cannot be right. */
bool model_learns_keys(struct model *m, const struct step *s, const char *primary, const char *secondary);
/* The next call to that one that has just been sent has this rid. returns false when there is none. */
bool model_learns_rid(struct model *m, size_t who, const char *rid);
/* The call that an answer of that one would be for: the oldest that was sent, or else the oldest that was sent to somebody else; NULL: none. */
const struct call *model_call_of(const struct model *m, size_t who, bool is_others);
/* The message of that command has that number. */
void model_learns_number(struct model *m, uint64_t serial, uint64_t number);
/* The message of that command; NULL: it is none, or settled. */
const struct letter *model_letter(const struct model *m, uint64_t serial);
/* The number that a step acknowledges. */
uint64_t acknowledged(const struct model *m, const struct step *s);
/* Its connection went without anybody being told. */
void model_loses(struct model *m, size_t who);
/* What the service must be shown of it, as a text. */
void model_print(FILE *to, const struct model *m, size_t who);
void etag_text(int64_t etag, char out[16]);
/* A token's end, and its key. */
int64_t token_end_s(const struct model *m, const struct step *s);
const char *token_key(const struct model *m, const struct step *s);
/* $version in a report's topic; -1: none */
int64_t expected_version(const struct model *m, const struct step *s);
int64_t seconds_of(const struct step *s);

#endif
