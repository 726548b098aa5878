/* explore_world.h - a small model and histories from texts, for the tests of explore. */
#ifndef TWINSIM_EXPLORE_WORLD_H
#define TWINSIM_EXPLORE_WORLD_H

#include "explore_history.h"
#include "test.h"

/* Three properties, and all that a model can say. */
static const char small_model[] =
    "{\"name\":\"small\",\"as\":\"edge-1/m\",\"aliases\":{\"s.*\":\"settings.*\",\"told.*\":\"state.*.value\"},"
    "\"set\":\"s.*\",\"objects\":[\"settings\"],\"ignored\":[\"else\",\"s.unknown\"],"
    "\"faults\":[{\"fault\":\"lose\",\"operation\":\"desired\"},{\"fault\":\"duplicate\",\"operation\":\"desired\"}],"
    "\"agent\":{\"env\":{\"A\":\"1\"}},\"within\":\"2s\",\"quiet\":\"300ms\",\"idleCpuMs\":100,"
    "\"properties\":{"
    "\"a\":{\"values\":[1,2,3],\"default\":0,\"invalid\":[\"x\",-1]},"
    "\"b\":{\"values\":[\"on\",\"off\"],\"default\":\"auto\",\"equal\":\"$nocase\"},"
    "\"c\":{\"values\":[true,{\"deep\":[1]}],\"reported\":\"told.*\"}}}";

static inline cJSON *json(const char *text)
{
    cJSON *tree = NULL;

    assert_int_equal(json_read(str_from(text), &tree, NULL), RC_OK);
    return tree;
}

static inline struct model *model_of(const char *text)
{
    struct problems problems;
    struct model *m = NULL;

    problems_init(&problems);
    if (model_read("model.json", str_from(text), &problems, &m))
        fail_msg("%s", problems.lines.at);
    problems_done(&problems);
    return m;
}

static inline struct history history_of(const char *start, const char *steps)
{
    return (struct history){json(start), json(steps), NULL};
}

#endif
