/* stage.h - a story played with a real hub on the real store, and the model beside it. After each step what left is what the model says, and so
 * is what the service is shown; in the end for everybody. What is not so is a failed assertion, with the step and both sides told. */
#ifndef STAGE_H
#define STAGE_H

#include "story.h"

/* dir: an empty folder, which is left with the hub's files in it. is_told: each step is printed before it is done. */
void stage_play(const struct story *s, const char *dir, bool is_told);

#endif
