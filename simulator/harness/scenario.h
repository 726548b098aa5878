/* scenario.h - a scenario file, read and checked: what hub, which agent, and what happens, step by step.
 *
 * Reading checks everything that can be known without running it (names, types, durations, variables, aliases, the files it
 * names), tells all problems with their place, and never executes anything. What the members mean is said once, in
 * docs/reference/scenario.md and the schema (fixtures/schema/scenario.schema.json); the tables are in scenario.c and steps.c.
 */
#ifndef TWINSIM_SCENARIO_H
#define TWINSIM_SCENARIO_H

#include "problems.h"

#define SCENARIO_FILE_MAX   (4u * 1024 * 1024) /* bytes, of each file a scenario is made of */
#define SCENARIO_TIMEOUT_US (60 * INT64_C(1000000))
#define PARALLEL_MAX        16u   /* lanes side by side */
#define AGENTS_MAX          16u   /* in one scenario */
#define STEP_COUNT_MAX      10000 /* events that one step waits for */

enum step_type {
    STEP_DESIRED,
    STEP_TAGS,
    STEP_REPLACE,
    STEP_CREATE,
    STEP_DISABLE,
    STEP_ENABLE,
    STEP_DELETE,
    STEP_ROTATE_KEY,
    STEP_EXPECT,
    STEP_NEVER,
    STEP_TWIN,
    STEP_WAIT,
    STEP_START,
    STEP_STOP,
    STEP_KILL,
    STEP_RESTART,
    STEP_EXIT,
    STEP_LOG,
    STEP_USAGE,
    STEP_EXEC,
    STEP_FAULT,
    STEP_CLEAR,
    STEP_CLOCK,
    STEP_CONNECT,
    STEP_LEAVE,
    STEP_REPORT,
    STEP_SEND,
    STEP_ANSWER,
    STEP_METHOD,
    STEP_MESSAGE,
    STEP_PARALLEL,
    STEP_DO, /* never in a scenario that was read: the steps of the block stand in its place */
};

struct step;

struct step_list {
    struct step *at;
    size_t count, cap;
};

struct step {
    enum step_type type;
    const char *name;        /* as written: "expect" */
    const cJSON *node;       /* the whole step */
    const cJSON *value;      /* node's member `name` */
    const cJSON *at;         /* where the scenario itself says it: node, or the `do` that stands for it */
    const char *block;       /* the block it is from; NULL: none */
    struct step_list *lanes; /* of a parallel step, which owns them */
    size_t n_lanes;
};

/* A file that gives a scenario variables, aliases and blocks. */
struct include {
    char *file; /* as messages name it */
    struct buf text;
    cJSON *tree;
};

/* A program under test, by the name that steps call it: "agent", unless "agents" gives it one. */
struct scenario_agent {
    const char *name;
    const cJSON *node;
};

struct scenario {
    char *file; /* as the user named it */
    char *dir;  /* the folder it lies in, absolute */
    struct buf text;
    cJSON *tree;
    cJSON *files; /* the JSON files it names, by name as written */
    struct include *includes;
    size_t n_includes;
    cJSON *aliases; /* pattern to place, those of included files among them */
    cJSON *vars;    /* likewise */
    char *name;
    size_t row;                    /* of "each", from 1; 0 without it */
    size_t n_rows;                 /* of "each"; 1 without it: so many scenarios the file stands for */
    const cJSON *identities, *hub; /* NULL when not given */
    struct scenario_agent agents[AGENTS_MAX];
    size_t n_agents;
    const cJSON *agent; /* the first of them, whom steps are about that name nobody; NULL: none */
    int64_t timeout_us; /* for all of it */
    struct step_list steps;
};

/* Read a scenario file and check all of it.
 *
 * row       0, or up to n_rows - 1: the row of "each" that gives its variables, and its name "[row: first value]"
 * problems  gets a line for each problem; the file is good when none was added
 * returns   RC_OK (*out for scenario_free), RC_SYNTAX (problems says what is wrong, also when the file cannot be read), RC_NOMEM */
MUST_USE enum rc scenario_read(const char *file, size_t row, struct problems *problems, struct scenario **out);
void scenario_free(struct scenario *s);

struct source scenario_source(const struct scenario *s);
/* The JSON value that a member names: itself, or the content of the file when it is a text. Lends. */
const cJSON *scenario_value(const struct scenario *s, const cJSON *value);

/* Say what a step does in one line, as short as it reads well: `expect reported {"config.a":1} within 5s`. */
void step_print(struct buf *out, const struct step *step);

/* True for what "count" may be: a whole number from 1 to STEP_COUNT_MAX. */
bool step_count_is_good(const cJSON *value);

/* True for the variables that every scenario has: connectionString, caFile, ... */
bool scenario_var_is_built_in(const char *name);
/* The names of those variables, one by one; NULL behind the last. */
const char *scenario_var_built_in(size_t i);

#endif
