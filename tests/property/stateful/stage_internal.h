/* stage_internal.h - the stage's state, and what its parts ask of each other.
 *
 *   stage.c         step after step, both sides held against each other
 *   stage_step.c    a step done to the real hub
 *   stage_outbox.c  what left it, in the model's words
 */
#ifndef STAGE_INTERNAL_H
#define STAGE_INTERNAL_H

#include "hub_world.h"
#include "model.h"
#include "stage.h"

struct stage {
    struct world w;
    struct model m;
    struct conn *conns[STORY_MAX + 1]; /* all there ever were */
    size_t n_conns;
    uint64_t ticket;
    struct request r;  /* of the step */
    bool has_answered; /* with a verdict */
    enum hub_answer answer;
    FILE *got;          /* what left, in the model's words */
    char rids[8][24];   /* of calls that have left */
    unsigned rid_of[8]; /* to whom */
    size_t n_rids;
    struct {
        uint64_t serial, number;
    } sent[FLOOD]; /* messages that the step's commands sent */
    size_t n_sent;
    struct tree *identity; /* the document that a command answered with; NULL: none */
};

/* A text to write into; its writer closes it, and frees the text. */
FILE *text_begin(char **text, size_t *len);
/* A leaf that is a text, without its quotes. */
const char *word_of(const struct tree *t, char out[KEY_TEXT]);
/* devices/d0[/modules/m0] */
const char *home_of(size_t who, char out[80]);

/* Do it, and write down what left (but for a step that fails: nothing does). */
void do_step(struct stage *st, const struct step *s);
/* Write down the verdict, if there was one, and what the outbox holds; what is learned by it stays in the stage. */
void print_outbox(struct stage *st);

#endif
