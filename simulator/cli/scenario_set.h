/* scenario_set.h - the scenarios that a command line names, read and checked. */
#ifndef TWINSIM_SCENARIO_SET_H
#define TWINSIM_SCENARIO_SET_H

#include "cli.h"
#include "scenario.h"

struct scenario_set {
    struct scenario **at;
    size_t count;
};

/* Read every scenario that the operands name; all problems go to stderr, a line each.
 * returns CLI_OK, CLI_FILE (something is wrong with one of them), CLI_HUB (no memory); set is for scenario_set_done in any case */
int scenario_set_read(struct cli *c, struct scenario_set *set);
void scenario_set_done(struct scenario_set *set);

#endif
