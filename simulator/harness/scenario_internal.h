/* scenario_internal.h - what the files that read scenarios share: checking objects against tables of members. */
#ifndef TWINSIM_SCENARIO_INTERNAL_H
#define TWINSIM_SCENARIO_INTERNAL_H

#include <limits.h>

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

void check_nothing(struct reading *r, const cJSON *value);         /* what somebody else looks at */
void check_text(struct reading *r, const cJSON *value);            /* a text, not empty */
bool check_object(struct reading *r, const cJSON *value);          /* an object; else it is told, and false */
void check_duration(struct reading *r, const cJSON *value);        /* "5s", "PT5S" */
void check_signed_duration(struct reading *r, const cJSON *value); /* likewise, or "-5s" */
void check_id(struct reading *r, const cJSON *value);              /* "device" or "device/module" */
void check_device_id(struct reading *r, const cJSON *value);       /* "device" */
void check_written(struct reading *r, const cJSON *value);         /* an object with aliases in it */
void check_twin_given(struct reading *r, const cJSON *value);      /* a twin, or the name of a file that holds one */
void check_status(struct reading *r, const cJSON *value);          /* enabled or disabled */
void check_keys(struct reading *r, const cJSON *value);            /* {"primary":..,"secondary":..} */
void check_match(struct reading *r, const cJSON *value);           /* a pattern */
void check_command(struct reading *r, const cJSON *value);         /* words in one text */
void check_texts(struct reading *r, const cJSON *value);           /* a list of texts */

/* Read the table of "each": the members of a row are variables, and the first one is in the name.
 * returns RC_OK (there may be problems all the same), RC_NOMEM */
MUST_USE enum rc each_read(struct reading *r, size_t row);
/* Read the files that "include" names: their variables and aliases join the scenario's, but for names that it has itself.
 * returns RC_OK (there may be problems all the same), RC_NOMEM */
MUST_USE enum rc includes_read(struct reading *r);
/* The steps of a block and the file it stands in. NULL: no included file has it */
const cJSON *includes_block(const struct scenario *s, const char *name, const struct include **in);
void check_block(struct reading *r, const cJSON *value);     /* the name of a block */
void check_var_names(struct reading *r, const cJSON *value); /* an object of variables */
/* An object of aliases; problems are told at `at`, or at the alias itself when that is NULL. */
void check_alias_members(struct reading *r, const cJSON *aliases, const cJSON *at);
/* Read a file that a scenario names, its text into text. returns NULL after telling what is wrong. `at` is where it is named. */
cJSON *read_named_file(struct reading *r, const cJSON *at, const char *name, struct buf *text, char path[PATH_MAX]);
/* Add copies of the members that object has not. returns RC_OK, RC_NOMEM */
MUST_USE enum rc add_missing(cJSON *object, const cJSON *from);

/* Check that every step acts on somebody, and on nobody whom the scenario never makes.
 * returns RC_OK (there may be problems all the same), RC_NOMEM */
MUST_USE enum rc check_subjects(struct reading *r);

/* Everything that can be checked by the tables of scenario.c. */
void check_scenario(struct reading *r);

/* Tell every variable in a value that is not known at this point. */
void check_vars(struct reading *r, const cJSON *value);
/* A text with a variable in it is checked when it is filled. */
bool is_filled_later(const cJSON *value);

/* A whole number within these bounds, themselves among them. */
bool value_is_whole(const cJSON *value, double least, double most);
/* Check a step `fault` as a whole. */
void check_fault(struct reading *r, const cJSON *node);
/* Does any fault take this member? */
bool fault_takes(const char *member);

void check_gaps(struct reading *r, const cJSON *value);        /* {"grow":true,"min":..} */
void check_usage(struct reading *r, const cJSON *value);       /* {"cpuMs":pattern,..} */
void check_schema_file(struct reading *r, const cJSON *value); /* the name of a file with a JSON Schema */
/* Check that an expect counts as many events as it compares. */
void check_series(struct reading *r, const cJSON *node);
void check_body(struct reading *r, const cJSON *value);       /* of a message: a text, JSON, {"base64":..} */
void check_properties(struct reading *r, const cJSON *value); /* texts by name, or null */
void check_system(struct reading *r, const cJSON *value);     /* likewise, by names that the hub knows */

/* Members of steps (steps_check.c). */
void check_kind(struct reading *r, const cJSON *value);
void check_target(struct reading *r, const cJSON *value);
void check_of(struct reading *r, const cJSON *value);
void check_clear(struct reading *r, const cJSON *value);
void check_clock(struct reading *r, const cJSON *value);
void check_key_name(struct reading *r, const cJSON *value);
void check_new_twin(struct reading *r, const cJSON *value);
void check_twin_match(struct reading *r, const cJSON *value);
void check_exit(struct reading *r, const cJSON *value);
void check_count(struct reading *r, const cJSON *value);
void check_refused(struct reading *r, const cJSON *value);
void check_log(struct reading *r, const cJSON *value);
void check_exec(struct reading *r, const cJSON *value);
void check_save(struct reading *r, const cJSON *value);
void check_bool(struct reading *r, const cJSON *value);
void check_true(struct reading *r, const cJSON *value);
void check_how(struct reading *r, const cJSON *value);
void check_method(struct reading *r, const cJSON *value);        /* the name of a method */
void check_ack(struct reading *r, const cJSON *value);           /* about which ends feedback is wanted */
void check_expiry(struct reading *r, const cJSON *value);        /* of a message */
void check_messages(struct reading *r, const cJSON *value);      /* what a device does with them */
void check_answer_status(struct reading *r, const cJSON *value); /* of a method's answer */
void check_lanes(struct reading *r, const cJSON *value);

/* Read one step. returns RC_OK (*out written; there may be problems all the same), RC_SYNTAX (no step), RC_NOMEM */
MUST_USE enum rc step_read(struct reading *r, const cJSON *node, struct step *out);

#endif
