/* scenario_internal.h - what scenario.c and steps.c share: checking objects against tables of members. */
#ifndef TWINSIM_SCENARIO_INTERNAL_H
#define TWINSIM_SCENARIO_INTERNAL_H

#include "scenario.h"

/* A scenario while it is being read. */
struct reading {
    struct scenario *s;
    struct source source;
    struct problems *problems;
    cJSON *known; /* variables known at this point, as keys */
};

typedef void check_fn(struct reading *r, const cJSON *value);

struct member {
    const char *name;
    check_fn *check;
    bool is_required;
};

/* Check an object: every member known and good, no required one missing. what: "an identity". */
void check_members(struct reading *r, const cJSON *object, const char *what, const struct member *members,
                   size_t count);
/* Tell that a name is not one of names, with a suggestion. */
void check_name(struct reading *r, const cJSON *value, const char *what, const char *const *names, size_t count);

void check_text(struct reading *r, const cJSON *value);       /* a text, not empty */
void check_object(struct reading *r, const cJSON *value);     /* an object */
void check_duration(struct reading *r, const cJSON *value);   /* "5s", "PT5S" */
void check_id(struct reading *r, const cJSON *value);         /* "device" or "device/module" */
void check_device_id(struct reading *r, const cJSON *value);  /* "device" */
void check_written(struct reading *r, const cJSON *value);    /* an object with aliases in it */
void check_twin_given(struct reading *r, const cJSON *value); /* a twin, or the name of a file that holds one */
void check_status(struct reading *r, const cJSON *value);     /* enabled or disabled */
void check_keys(struct reading *r, const cJSON *value);       /* {"primary":..,"secondary":..} */
void check_match(struct reading *r, const cJSON *value);      /* a pattern */
void check_command(struct reading *r, const cJSON *value);    /* words in one text */
void check_texts(struct reading *r, const cJSON *value);      /* a list of texts */

/* Tell every variable in a value that is not known at this point. */
void check_vars(struct reading *r, const cJSON *value);
/* A text with a variable in it is checked when it is filled. */
bool is_filled_later(const cJSON *value);

/* Read one step. returns RC_OK (*out written; there may be problems all the same), RC_SYNTAX (no step), RC_NOMEM */
MUST_USE enum rc step_read(struct reading *r, const cJSON *node, struct step *out);

#endif
