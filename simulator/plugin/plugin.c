/* plugin.c - the broker's three entry points: start, stop, and which version of its interface we speak. */
#include "plugin.h"

#include <mosquitto.h>
#include <mosquitto_plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#define EXPORT __attribute__((visibility("default")))

EXPORT int mosquitto_plugin_version(int supported_version_count, const int *supported_versions);
EXPORT int mosquitto_plugin_init(mosquitto_plugin_id_t *identifier, void **userdata, struct mosquitto_opt *options,
                                 int option_count);
EXPORT int mosquitto_plugin_cleanup(void *userdata, struct mosquitto_opt *options, int option_count);

struct now clock_now(void)
{
    struct timespec utc, mono;

    (void)clock_gettime(CLOCK_REALTIME, &utc); /* cannot fail for these clocks */
    (void)clock_gettime(CLOCK_MONOTONIC, &mono);
    return (struct now){(int64_t)utc.tv_sec * 1000000 + utc.tv_nsec / 1000,
                        (int64_t)mono.tv_sec * 1000000 + mono.tv_nsec / 1000};
}

int mosquitto_plugin_version(int supported_version_count, const int *supported_versions)
{
    for (int i = 0; i < supported_version_count; i++)
        if (supported_versions[i] == MOSQ_PLUGIN_VERSION)
            return MOSQ_PLUGIN_VERSION;
    return -1;
}

/* Every one of these is needed: a broker that refuses one cannot carry the hub. */
static bool register_all(mosquitto_plugin_id_t *broker, struct plugin *pl)
{
    static const struct {
        int event;
        const char *name;
        MOSQ_FUNC_generic_callback callback;
        const char *data;
    } wanted[] = {
        {MOSQ_EVT_BASIC_AUTH, "BASIC_AUTH", on_basic_auth, NULL},
        {MOSQ_EVT_ACL_CHECK, "ACL_CHECK", on_acl_check, NULL},
        {MOSQ_EVT_MESSAGE, "MESSAGE", on_message, NULL},
        {MOSQ_EVT_CONTROL, "CONTROL", on_control, CONTROL_TOPIC},
        {MOSQ_EVT_CONTROL, "CONTROL", on_report, FRONT_DOOR_REPORTS},
        {MOSQ_EVT_DISCONNECT, "DISCONNECT", on_disconnect, NULL},
        {MOSQ_EVT_RELOAD, "RELOAD", on_reload, NULL},
        {MOSQ_EVT_TICK, "TICK", on_tick, NULL},
    };

    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        int rc = mosquitto_callback_register(broker, wanted[i].event, wanted[i].callback, wanted[i].data, pl);

        if (rc) {
            mosquitto_log_printf(MOSQ_LOG_ERR,
                                 "twinsim: the broker refuses the event %s (code %d); mosquitto 2.0.11 or later "
                                 "is needed, and no other plugin on " CONTROL_TOPIC " or " FRONT_DOOR_REPORTS,
                                 wanted[i].name, rc);
            return false;
        }
    }
    return true;
}

static void plugin_free(struct plugin *pl)
{
    if (!pl)
        return;
    stop_unhook(&pl->stop);
    wake_done(&pl->wake);
    control_done(&pl->control);
    connections_done(&pl->connections);
    outbox_done(&pl->out);
    buf_done(&pl->pending.topic);
    buf_done(&pl->pending.payload);
    hub_free(pl->hub);
    store_close(pl->store);
    options_done(&pl->options);
    free(pl->kicks);
    free(pl);
}

static struct hub *make_hub(const struct options *o)
{
    struct hub_options ho;

    memset(&ho, 0, sizeof ho);
    for (size_t i = 0; i < o->n_hosts; i++)
        ho.hosts[i] = str_from(o->hosts[i]);
    ho.n_hosts = o->n_hosts;
    ho.key_seed = str_from(o->key_seed);
    ho.cache_bytes = o->cache_bytes;
    ho.token_skew_us = o->token_skew_us;
    ho.forbidden_filter_is_0x80 = o->forbidden_filter_is_0x80;
    ho.require_api_version = o->require_api_version;
    ho.forbidden_will_is_dropped = o->forbidden_will_is_dropped;
    ho.profile = o->profile;
    ho.message_ttl_us = o->message_ttl_us;
    ho.message_without_dup = o->message_without_dup;
    ho.fault_messages = o->fault_messages;
    ho.fault_message_unanswered = o->fault_message_unanswered;
    if (getrandom(&ho.random, sizeof ho.random, 0) != (ssize_t)sizeof ho.random)
        ho.random = (uint64_t)clock_now().us; /* only has to differ from run to run */
    return hub_new(&ho);
}

/* For the store's upkeep, which runs between turns: what is in memory is what was committed. */
static const struct twin *twin_of(void *arg, struct str id)
{
    const struct plugin *pl = arg;
    const struct identity *i = pl->hub ? hub_find(pl->hub, id) : NULL;

    return i ? i->twin : NULL;
}

static bool start(struct plugin *pl, const char *config)
{
    char why[OPTIONS_WHY_MAX] = "";
    struct store_options so;
    enum rc rc = options_read(config, &pl->options, why, sizeof why);

    if (rc) {
        mosquitto_log_printf(MOSQ_LOG_ERR, "twinsim: %s", why);
        return false;
    }
    so = (struct store_options){.dir = pl->options.data_dir,
                                .durability = pl->options.durability,
                                .history = pl->options.history,
                                .twin_of = twin_of,
                                .arg = pl};
    rc = store_open(&so, &pl->store, why, sizeof why);
    if (rc) {
        mosquitto_log_printf(MOSQ_LOG_ERR, "twinsim: %s", why[0] ? why : rc_text(rc));
        return false;
    }
    pl->hub = make_hub(&pl->options);
    if (!pl->hub) {
        mosquitto_log_printf(MOSQ_LOG_ERR, "twinsim: out of memory");
        return false;
    }
    messages_refresh(pl, true);
    if (wake_init(&pl->wake))
        mosquitto_log_printf(MOSQ_LOG_WARNING, "twinsim: no timer; a token's end is noticed up to 0.1 s late");
    return true;
}

int mosquitto_plugin_init(mosquitto_plugin_id_t *identifier, void **userdata, struct mosquitto_opt *options,
                          int option_count)
{
    const char *config = NULL;
    struct plugin *pl;

    *userdata = NULL;
    for (int i = 0; i < option_count; i++) {
        if (strcmp(options[i].key, "config") != 0) {
            mosquitto_log_printf(MOSQ_LOG_ERR,
                                 "twinsim: unknown option plugin_opt_%s; the only one is plugin_opt_config PATH",
                                 options[i].key);
            return MOSQ_ERR_INVAL;
        }
        config = options[i].value;
    }
    if (!config) {
        mosquitto_log_printf(MOSQ_LOG_ERR, "twinsim: plugin_opt_config PATH is missing below the plugin line");
        return MOSQ_ERR_INVAL;
    }
    pl = calloc(1, sizeof *pl);
    if (!pl)
        return MOSQ_ERR_NOMEM;
    control_init(&pl->control);
    connections_init(&pl->connections);
    outbox_init(&pl->out);
    buf_init(&pl->pending.topic, 0);
    buf_init(&pl->pending.payload, 0);
    pl->started_mono_us = clock_now().mono_us;
    if (!start(pl, config) || !register_all(identifier, pl)) {
        plugin_free(pl);
        return MOSQ_ERR_INVAL;
    }
    *userdata = pl;
    mosquitto_log_printf(MOSQ_LOG_INFO, "twinsim " TWINSIM_VERSION ": hub %s, %lld identities, data in %s",
                         pl->options.hosts[0], (long long)store_count(pl->store), pl->options.data_dir);
    return MOSQ_ERR_SUCCESS;
}

/* Nothing that is published here leaves any more; what is committed counts (facts B-23). */
int mosquitto_plugin_cleanup(void *userdata, struct mosquitto_opt *options, int option_count)
{
    struct plugin *pl = userdata;

    (void)options;
    (void)option_count;
    if (!pl)
        return MOSQ_ERR_SUCCESS;
    pending_settle(pl);
    turn_record(pl);
    if (!pl->turn_rc && store_commit(pl->store))
        mosquitto_log_printf(MOSQ_LOG_ERR, "twinsim: the last changes could not be stored; none of them was answered");
    plugin_free(pl);
    return MOSQ_ERR_SUCCESS;
}
