/* show.h - what is printed: documents, tables, and one line an event. */
#ifndef TWINSIM_SHOW_H
#define TWINSIM_SHOW_H

#include "talk.h"

/* Print a document on standard output, indented. Returns CLI_OK, or CLI_HUB (told) when out of memory. */
int show_json(const struct cli *c, const cJSON *doc);

/* What a document is for a person. Returns an exit code. */
typedef int show_fn(const struct cli *c, const cJSON *doc);
/* Send a command and show its answer: for a person, or with --json (or when there is no other way: NULL) as it came. Takes the ask over.
 * Returns an exit code; all is told. */
int show_answer(struct cli *c, struct ask *ask, show_fn *for_person);

/* A JSON array that is printed while it grows. */
struct show_list {
    size_t n;
};
int show_list_add(const struct cli *c, struct show_list *list, const cJSON *doc);
void show_list_end(struct show_list *list);

/* The service's twin for a person: counters, tags, desired and reported without their metadata. */
int show_twin(const struct cli *c, const cJSON *twin);
/* An identity's document for a person, keys left out. */
int show_identity(const struct cli *c, const cJSON *document);

/* Print a text of somebody else's on standard output: what a terminal would obey, ends of lines and tabs aside, becomes '?'. */
void show_plain(struct str text);
/* Append a value as JSON in one line that moves no cursor: what a terminal would obey is escaped. */
void show_value(struct buf *out, const cJSON *value);
/* Append a member as name=value; bodyBase64 that is a text as bodyText=.. */
void show_member(struct buf *out, const char *before, const cJSON *m);
/* Append one event as a line for a person: time, identity, kind, the rest. Long values are cut; nothing can move the cursor. */
void show_event(struct buf *out, const cJSON *event);

#endif
