/* verbs.h - every verb, one file each. */
#ifndef TWINSIM_VERBS_H
#define TWINSIM_VERBS_H

#include "cli.h"

/* The table, in the order of the help page. NULL behind the last. */
const struct verb *verbs_at(size_t i);
/* The verb of that name, or NULL. */
const struct verb *verbs_find(const char *name);

extern const struct verb verb_up, verb_down, verb_status, verb_health, verb_fsck;
extern const struct verb verb_device_create, verb_device_show, verb_device_list, verb_device_update, verb_device_delete,
    verb_device_renew_key;
extern const struct verb verb_module_create, verb_module_show, verb_module_list, verb_module_delete;
extern const struct verb verb_security_init;
extern const struct verb verb_connection_string, verb_sas_token, verb_env;
extern const struct verb verb_twin_show, verb_twin_update, verb_twin_replace, verb_twin_history;
extern const struct verb verb_method_invoke, verb_monitor;
extern const struct verb verb_message_send, verb_message_list, verb_message_purge, verb_message_feedback;
extern const struct verb verb_query;
extern const struct verb verb_fault_add, verb_fault_list, verb_fault_clear;
extern const struct verb verb_clock_now, verb_clock_advance, verb_clock_freeze, verb_clock_resume;
extern const struct verb verb_explore;
extern const struct verb verb_run, verb_lint, verb_timeline, verb_scenario_from, verb_replay;
extern const struct verb verb_export, verb_import;
extern const struct verb verb_completion, verb_version, verb_help;

#endif
