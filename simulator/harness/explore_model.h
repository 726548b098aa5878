/* explore_model.h - what explore must know of an agent's twin: which properties there are, where they live, what they may hold.
 *
 * A model is data, a JSON file (docs/reference/explore-model.md), so explore is good for any convention of twins. Names are places
 * in a twin as a scenario writes them: through the model's aliases, or literally. Reading checks everything and tells all problems
 * with their place. Pure but for reading its file.
 */
#ifndef TWINSIM_EXPLORE_MODEL_H
#define TWINSIM_EXPLORE_MODEL_H

#include "problems.h"

#define MODEL_FILE_MAX       (1u * 1024 * 1024) /* bytes */
#define MODEL_PROPERTIES_MAX 500u

struct model_property {
    const char *name;
    char *set, *remove, *reported; /* where it is written, what is nulled to remove it, where the agent shows it */
    const cJSON *values, *invalid; /* arrays; invalid may be NULL */
    const cJSON *otherwise;        /* what holds when it is not there; NULL: then it is not reported either */
    char *applied;                 /* where the agent shows the desired $version it has applied; NULL: it does not */
    const char *equal;             /* "$duration" or "$nocase"; NULL: equal is equal */
};

struct model {
    char *file; /* as messages name it */
    struct buf text;
    cJSON *tree;
    const char *as;       /* "device" or "device/module" */
    const cJSON *aliases; /* as in a scenario; NULL: none */
    const cJSON *objects; /* array of names that hold properties and may be removed as a whole; NULL: none */
    const cJSON *ignored; /* array of names that mean nothing to the agent; NULL: none */
    const cJSON *faults;  /* array of fault steps; NULL: only disconnects */
    const cJSON *agent;   /* further members of the scenario's agent: env, args, files; NULL: none */
    bool has_one_version; /* `applied` is one place for all properties, so it is always there */
    const char *within;   /* the longest that converging may take */
    const char *quiet;    /* for how long nothing happens when there is nothing to do; NULL: not checked */
    long idle_cpu_ms;     /* of CPU time that it may use in that time; 0: not checked */
    size_t count;
    struct model_property *at;
};

/* Read a model from a text. file names it in problems.
 *
 * returns  RC_OK (*out for model_free), RC_SYNTAX (problems says what is wrong), RC_NOMEM */
MUST_USE enum rc model_read(const char *file, struct str text, struct problems *problems, struct model **out);
/* The same from a file. A file that cannot be read is a problem too. */
MUST_USE enum rc model_read_file(const char *file, struct problems *problems, struct model **out);
void model_free(struct model *m);

/* Append the place that a name stands for, through the aliases or literally. */
void model_place(const struct model *m, const char *name, struct buf *out);
/* The value at a name ("config.a", through the aliases) of a section; NULL when it is not there. */
const cJSON *model_find(const struct model *m, const cJSON *section, const char *name);

#endif
