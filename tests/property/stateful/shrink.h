/* shrink.h - a story that fails, made as short and as plain as it can be while it goes on failing. */
#ifndef SHRINK_H
#define SHRINK_H

#include "story.h"

/* Does it fail? */
typedef bool shrink_fn(void *arg, const struct story *s);

/* Steps are left out (by halves, then one by one), then each is made plainer: it does not fail, the first word of each choice, the first
 * identity, less JSON. Until nothing more comes of it, or after `most` tries. */
void story_shrink(struct story *s, shrink_fn *fails, void *arg, unsigned most);

#endif
