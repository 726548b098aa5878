/* verbs.c - the one table: parsing, help, the man page, completion and the tests walk it. */
#include "verbs.h"

static const struct verb *const verbs[] = {
    /* the hub */
    &verb_up,
    &verb_down,
    &verb_status,
    &verb_health,
    &verb_fsck,
    /* who may connect */
    &verb_device_create,
    &verb_device_show,
    &verb_device_list,
    &verb_device_update,
    &verb_device_delete,
    &verb_device_renew_key,
    &verb_module_create,
    &verb_module_show,
    &verb_module_list,
    &verb_module_delete,
    &verb_security_init,
    /* how they connect */
    &verb_connection_string,
    &verb_sas_token,
    &verb_env,
    /* what they are told, and what happens */
    &verb_twin_show,
    &verb_twin_update,
    &verb_twin_replace,
    &verb_twin_history,
    &verb_method_invoke,
    &verb_message_send,
    &verb_message_list,
    &verb_message_purge,
    &verb_message_feedback,
    &verb_query,
    &verb_monitor,
    /* what breaks, and when it is */
    &verb_fault_add,
    &verb_fault_list,
    &verb_fault_clear,
    &verb_clock_now,
    &verb_clock_advance,
    &verb_clock_freeze,
    &verb_clock_resume,
    /* scenarios */
    &verb_run,
    &verb_lint,
    &verb_explore,
    /* recordings */
    &verb_timeline,
    &verb_replay,
    &verb_scenario_from,
    /* as files */
    &verb_export,
    &verb_import,
    /* about twinsim */
    &verb_completion,
    &verb_version,
    &verb_help,
};

const struct verb *verbs_at(size_t i)
{
    return i < sizeof verbs / sizeof verbs[0] ? verbs[i] : NULL;
}

const struct verb *verbs_find(const char *name)
{
    const struct verb *v;

    for (size_t i = 0; (v = verbs_at(i)) != NULL; i++)
        if (strcmp(v->name, name) == 0)
            return v;
    return NULL;
}
