/* story.h - what happened, one step a line: made at random, written down, read again.
 *
 *   # a comment
 *   create d0 {"desired":{"a":1},"tags":{}}
 *   connect d0 keep primary
 *   subscribe d0 desired qos1
 *   report d0 rid any {"a":null}
 *   update d0 any {"desired":{"a":{"b":1}}} !        (!: its turn cannot be stored)
 *   restart tight today                              (its cache then has room for nearly nothing; before, for all)
 *
 * A restart is one after a kill; behind a stop, which says what it does, the hub starts again as it was.
 * Each step is whole in itself and can be done in any situation (it may then come to nothing), so any may be left out. A line is the step's
 * name, whom it concerns, a word for each choice it leaves (the first one is the plainest), and a JSON object where it has one.
 */
#ifndef STORY_H
#define STORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define STORY_MAX 64u /* steps */
#define FLOOD     17u /* messages sent in one step */

/* Whom a step can concern: devices and modules. Stories of few are about the first ones. */
#define WHO 6u
extern const char *const who_names[WHO];
size_t device_of(size_t who);
static inline bool is_module(size_t who)
{
    return device_of(who) != who;
}

/* name, how often (of 1000), concerns somebody, has JSON, choices */
#define STEPS(X)                                                                                                       \
    X(CREATE, "create", 70, true, JSON_MAYBE, NULL, NULL)                                                              \
    X(DELETE, "delete", 25, true, JSON_NONE, NULL, NULL)                                                               \
    X(ENABLE, "enable", 15, true, JSON_NONE, NULL, NULL)                                                               \
    X(DISABLE, "disable", 12, true, JSON_NONE, NULL, NULL)                                                             \
    X(RENEW, "renew", 25, true, JSON_NONE, "primary secondary both swap", NULL)                                        \
    X(MOVE, "move", 20, true, JSON_NONE, NULL, NULL)                                                                   \
    X(CONNECT, "connect", 120, true, JSON_NONE, "keep clean will badwill plain",                                       \
      "primary secondary older parents short expired")                                                                 \
    X(LEAVE, "leave", 20, true, JSON_NONE, NULL, NULL)                                                                 \
    X(CUT, "cut", 20, true, JSON_NONE, NULL, NULL)                                                                     \
    X(GHOST, "ghost", 20, true, JSON_NONE, "ends publishes subscribes", NULL)                                          \
    X(SUBSCRIBE, "subscribe", 110, true, JSON_NONE, "desired twin methods messages foreign", "qos0 qos1 qos2")         \
    X(UNSUBSCRIBE, "unsubscribe", 30, true, JSON_NONE, "desired twin methods messages", NULL)                          \
    X(GET, "get", 50, true, JSON_NONE, "rid norid", NULL)                                                              \
    X(REPORT, "report", 100, true, JSON_PATCH, "rid norid", "any right stale future")                                  \
    X(TELL, "tell", 20, true, JSON_NONE, "own foreign", NULL)                                                          \
    X(UPDATE, "update", 110, true, JSON_SECTIONS, "any right quoted star stale", NULL)                                 \
    X(REPLACE, "replace", 50, true, JSON_SECTIONS, "any right quoted star stale", NULL)                                \
    X(INVOKE, "invoke", 55, true, JSON_NONE, "now wait10s", "answer30s answer5s")                                      \
    X(ANSWER, "answer", 45, true, JSON_NONE, "right unknown others", "good refused bad")                               \
    X(SEND, "send", 60, true, JSON_NONE, "1h 60s", "none full positive negative")                                      \
    X(FLOOD, "flood", 4, true, JSON_NONE, "1h 60s", "none full positive negative")                                     \
    X(PUBACK, "puback", 45, true, JSON_NONE, "first last unknown ghost", NULL)                                         \
    X(PURGE, "purge", 8, true, JSON_NONE, NULL, NULL)                                                                  \
    X(MAIL, "mail", 8, true, JSON_NONE, NULL, NULL)                                                                    \
    X(FEEDBACK, "feedback", 10, false, JSON_NONE, NULL, NULL)                                                          \
    X(HISTORY, "history", 20, true, JSON_NONE, "newest below", NULL)                                                   \
    X(FAULT, "fault", 10, true, JSON_NONE, NULL, NULL)                                                                 \
    X(LIST, "list", 12, false, JSON_NONE, "devices modules", NULL)                                                     \
    X(QUERY, "query", 15, false, JSON_NONE, "devices modules desired tags", NULL)                                      \
    X(PASS, "pass", 35, false, JSON_NONE, "1s 4s 6s 31s 101s 3601s", NULL)                                             \
    X(ADVANCE, "advance", 15, false, JSON_NONE, "10s 120s 7200s -10s -7200s", NULL)                                    \
    X(FREEZE, "freeze", 8, false, JSON_NONE, NULL, NULL)                                                               \
    X(RESUME, "resume", 10, false, JSON_NONE, NULL, NULL)                                                              \
    X(LISTEN, "listen", 10, false, JSON_NONE, "yes no", NULL)                                                          \
    X(IDLE, "idle", 20, false, JSON_NONE, NULL, NULL)                                                                  \
    X(STOP, "stop", 8, false, JSON_NONE, NULL, NULL)                                                                   \
    X(RESTART, "restart", 30, false, JSON_NONE, "roomy tight", "today older")

enum json_kind { JSON_NONE, JSON_MAYBE, JSON_PATCH, JSON_SECTIONS };
#define STEP_ENUM(id, name, weight, has_who, json, a, b) STEP_##id,
enum step_kind { STEPS(STEP_ENUM) STEP_KINDS };
#undef STEP_ENUM

struct step {
    enum step_kind kind;
    unsigned who;
    unsigned a, b; /* which of its words */
    char *json;    /* NULL: none; owned by the story */
    bool fails;    /* what it changes cannot be stored */
};

struct story {
    struct step at[STORY_MAX];
    size_t n;
};

/* The same seed makes the same story. */
void story_make(struct story *s, uint64_t seed, size_t n);
void story_print(FILE *to, const struct story *s);
void step_print(FILE *to, const struct step *s);
/* returns false with *why and *line when it is none. */
bool story_read(FILE *from, struct story *s, const char **why, unsigned *line);
void story_copy(struct story *to, const struct story *from);
void story_done(struct story *s);
/* The word that was chosen. */
const char *step_a(const struct step *s, char out[16]);
const char *step_b(const struct step *s, char out[16]);
bool step_has_who(enum step_kind kind);

#endif
