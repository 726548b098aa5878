/* model_internal.h - what the parts of the model ask of each other; each part is a chapter of the book.
 *
 *   model.c             time, and which chapter a step concerns
 *   model_connection.c  who is let in, what they subscribe to, how they go
 *   model_identity.c    who there is
 *   model_twin.c        what is reported, written and shown
 *   model_method.c      calls under way
 *   model_message.c     messages, and feedback on them
 *   model_say.c         the lines that are said
 *
 * step_x() is what the book says of the step x; ticket: of its command.
 */
#ifndef MODEL_INTERNAL_H
#define MODEL_INTERNAL_H

#include "model.h"
#include "test.h"

/* --- what is said (model_say.c) --- */

__attribute__((format(printf, 3, 4))) void say_event(struct model *m, const char *whom, const char *fmt, ...);
void say_verdict(struct model *m, const char *word);
/* code: of the error; empty: none. */
void say_answer(struct model *m, uint64_t ticket, int status, const char *code);
/* Somebody is told of a change of its desired properties. */
void say_note(struct model *m, size_t who, const struct tree *note, int64_t version);
/* Answer with 404001 or 404010. returns false when it is there, and nothing need be said */
bool say_missing(struct model *m, size_t who, uint64_t ticket);
/* A section, its $version first. */
void print_versioned(FILE *to, const struct tree *section, int64_t version);

/* --- connections (model_connection.c) --- */

/* Whoever is not connected stays so. why: the event's reason. */
void end_connection(struct model *m, size_t who, const char *why, bool is_closed_by_hub);
/* It did what closes its connection (facts M-14, M-15); the client's end follows. */
void violate(struct model *m, size_t who);
/* Whose token has ended is cut (facts A-10). */
void end_expired(struct model *m);
void step_connect(struct model *m, const struct step *s, uint64_t conn);
void step_leave(struct model *m, const struct step *s);
void step_ghost(struct model *m, const struct step *s);
void step_subscribe(struct model *m, const struct step *s);
void step_unsubscribe(struct model *m, const struct step *s);
void step_tell(struct model *m, const struct step *s);
void step_fault(struct model *m, const struct step *s, uint64_t ticket);

/* --- identities (model_identity.c) --- */

void step_create(struct model *m, const struct step *s, uint64_t ticket);
void step_delete(struct model *m, const struct step *s, uint64_t ticket);
void step_status(struct model *m, const struct step *s, uint64_t ticket);
void step_renew(struct model *m, const struct step *s, uint64_t ticket);
void step_move(struct model *m, const struct step *s, uint64_t ticket);
void step_list(struct model *m, const struct step *s, uint64_t ticket);

/* --- twins (model_twin.c) --- */

void forget_twin(struct person *p);
/* The notes that an older hub keeps for it. */
void forget_missed(struct person *p);
/* A version of it, for its history. */
void note_row(struct person *p, const char *kind);
/* Whether a service may submit that: nothing, null, or a good object. */
bool is_good_section(const struct tree *given);
void step_get(struct model *m, const struct step *s);
void step_report(struct model *m, const struct step *s);
void step_write(struct model *m, const struct step *s, uint64_t ticket);
void step_history(struct model *m, const struct step *s, uint64_t ticket);
void step_query(struct model *m, const struct step *s, uint64_t ticket);

/* --- calls of methods (model_method.c) --- */

/* Call and answer with an error. */
void fail_call(struct model *m, size_t nth, int status, const char *code);
/* Those that were sent to it; all: those that wait, too. */
void fail_calls_of(struct model *m, size_t who, bool all, int status, const char *code);
/* What waits, if it listens now. */
void send_waiting(struct model *m, size_t who);
/* Whose time is over. */
void give_up_calls(struct model *m);
void step_invoke(struct model *m, const struct step *s, uint64_t ticket);
void step_answer(struct model *m, const struct step *s);

/* --- messages and feedback (model_message.c) --- */

void deliver_letters(struct model *m, size_t who);
/* What was on its way waits again. */
void lose_letters(struct person *p);
void expire_letters(struct model *m);
/* What nobody fetched in an hour (gone: WHO), or is about whoever is no more. */
void forget_feedback(struct model *m, size_t gone);
/* The end of a turn. */
void tick_feedback(struct model *m);
void step_send(struct model *m, const struct step *s, uint64_t ticket);
void step_puback(struct model *m, const struct step *s);
void step_purge(struct model *m, const struct step *s, uint64_t ticket);
void step_mail(struct model *m, const struct step *s, uint64_t ticket);
void step_feedback(struct model *m, uint64_t ticket);

#endif
