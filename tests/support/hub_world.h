/* hub_world.h - a hub in a glass: the hub, its outbox, a clock that stands still, and an adapter whose store is a list in memory.
 *
 * Each helper is one turn as a real adapter runs it: read, load what hub_needs asks for, decide, commit, let the cache shrink.
 * The cache holds nearly nothing (1 byte), so whatever a decision forgets to ask for is missing. The store is the journal alone:
 * an identity is read back by folding its rows, and after every turn what the hub holds in memory must be the same.
 * Texts in JSON may be written with ' instead of ".
 *
 * What a turn wanted done stays in w->out until the next turn begins. Trees handed out belong to the world.
 */
#ifndef TWINSIM_HUB_WORLD_H
#define TWINSIM_HUB_WORLD_H

#include "hub.h"
#include "test.h"

#define WORLD_HOST        "twinsim.azure-devices.test"
#define WORLD_SEED        "a seed for tests"
#define WORLD_NOW_S       INT64_C(1893456000) /* 2030-01-01T00:00:00Z */
#define WORLD_MEMBERS_MAX (32u * 1024)        /* bytes of a command's text */
#define WORLD_SECOND      INT64_C(1000000)    /* us */

/* One entry of the outbox that lasts. */
struct record {
    char id[IDENT_TEXT_MAX];
    bool is_subscription;
    enum change_kind change;
    int64_t at_us, version, desired_version, reported_version;
    char *body, *doc, *twin;
    unsigned char subscribed[FILTER_CLASSES];
};

/* One thing that happened to a message or to feedback, or the end of an identity. */
struct mail {
    enum out_kind kind;
    char id[IDENT_TEXT_MAX];
    uint64_t number;
    int64_t at_us, expires_us;
    char *doc, *body;
    size_t body_len;
};

struct world {
    struct hub *hub;
    struct hub_options options;
    struct outbox out;
    struct now now;
    struct conn owner; /* a service client of policy iothubowner, always connected */
    uint64_t last_conn;
    uint64_t seq; /* of the last event seen */
    bool listens; /* default true; world_listen */
    struct record *records;
    size_t n_records, cap_records, n_committed;
    struct mail *mail;
    size_t n_mail, cap_mail, n_mail_committed;
    char suspects[3][IDENT_TEXT_MAX]; /* whom the requests of this turn were about */
    size_t recorded;                  /* entries of out that are records already */
    size_t n_requests;                /* of this turn */
    size_t twins_at_once; /* as many twins of a list are loaded for one request; 0: as many as it asks for */
    const char *why;      /* why the last request was refused, or NULL */
    char policy_keys[5][SAS_KEY_TEXT_MAX]; /* which no event may hold */
    cJSON **trees;
    size_t n_trees, cap_trees;
    void (*around_decide)(bool is_before); /* for tests that make allocations fail; NULL: none */
    struct world_store *store;             /* the real one, which holds the same (world_keep); NULL: none */
};

/* For cmocka: *state is a struct world. Teardown checks that memory and journal agree. */
int world_setup(void **state);
int world_teardown(void **state);
#define WORLD_TEST(fn) cmocka_unit_test_setup_teardown(fn, world_setup, world_teardown)

void world_init(struct world *w);
void world_done(struct world *w);
/* Stop the hub and start it again on the same journal and options; every connection is gone, but the owner's comes back. */
void world_restart(struct world *w);
/* The turn in which a hub that was asked to stop says so; world_restart starts it again. */
void world_stop(struct world *w);
/* From now on everything goes into the real store, too, in that empty folder: what decisions need is loaded from it, a restart opens it
 * again, and world_check wants it to hold what the list holds. The world must be fresh. */
void world_keep(struct world *w, const char *dir);
/* A slice of the store's upkeep. */
void world_idle(struct world *w);
void world_listen(struct world *w, bool any);
void world_pass(struct world *w, int64_t seconds);
/* Free the trees handed out so far. */
void world_forget(struct world *w);
/* Is everything the hub holds what the journal says? Asserts. */
void world_check(struct world *w);

/* --- turns, in pieces --- */
/* Forget what the turn before wanted. */
void world_begin(struct world *w);
/* Read, load, decide; nothing is committed. The request's conn and kind are the caller's. */
enum hub_answer world_decide(struct world *w, struct request *r);
/* The broker's tick, at the end of the turn under way: messages whose time is over, then hub_tick; what that returned. */
int64_t world_tick_of_turn(struct world *w);
/* The turn is over: everything in the outbox happened (false if the outbox failed: then nothing did, and whoever was concerned
 * was dropped and is read again). */
bool world_commit(struct world *w);
/* The same for a turn whose commit failed. */
void world_fail(struct world *w);
/* A turn in which only time passed: messages whose time is over, then hub_tick; what that returned. */
int64_t world_tick(struct world *w);
/* All of it: a new turn for one request. */
enum hub_answer world_turn(struct world *w, struct request *r);

/* --- clients --- */
struct login {
    const char *client_id, *user_name, *password; /* NULL: as that identity's client writes them */
    bool is_clean;
    int protocol;          /* 0: 4 */
    const char *query;     /* NULL: "?api-version=2021-04-12" */
    int64_t token_seconds; /* lifetime of the default password's token; 0: an hour */
    bool has_gateway;
    const char *peer;       /* NULL: not known */
    const char *will_topic; /* NULL: no will */
    int will_qos;
};
/* CONNECT as that identity ("d" or "d/m"). login NULL: all defaults. */
enum hub_answer world_login(struct world *w, struct conn *conn, const char *id, const struct login *login);
/* The same, and it must be accepted. */
void world_connect(struct world *w, struct conn *conn, const char *id);
/* A service client of that policy; must be accepted. */
void world_service(struct world *w, struct conn *conn, const char *policy);
void world_end(struct world *w, struct conn *conn, enum ended why);
/* Through the gateway, with a will that comes right behind the CONNECT; must be accepted. */
void world_connect_with_will(struct world *w, struct conn *conn, const char *id, const char *topic,
                             const char *payload);
enum hub_answer world_subscribe(struct world *w, struct conn *conn, const char *filter, int qos);
enum hub_answer world_unsubscribe(struct world *w, struct conn *conn, const char *filter);
/* The client acknowledges the delivery with that tag. */
void world_puback(struct world *w, struct conn *conn, uint64_t tag);
enum hub_answer world_publish(struct world *w, struct conn *conn, const char *topic, const char *payload);
enum hub_answer world_publish_bytes(struct world *w, struct conn *conn, struct str topic, struct str payload);
/* Connect, and subscribe to twin answers and desired changes with QoS 1. */
void world_twin_client(struct world *w, struct conn *conn, const char *id);
/* PATCH reported, which must be answered with that status. The client must have subscribed to answers. */
void world_report(struct world *w, struct conn *conn, const char *patch, int status);

/* A token; sr is signed and written as it stands; skn NULL: none. The world frees it. */
const char *world_token(struct world *w, const char *sr, const struct sas_key *key, const char *skn, int64_t se_s);
/* The derived key of an identity nobody gave one. */
struct sas_key world_key(const char *id, int64_t turn, bool is_secondary);
struct sas_key world_policy_key(const char *policy);

/* --- commands --- */
/* Run {"command":name, members} as that client; the whole response object. The laws of a response are asserted. */
cJSON *world_ask_as(struct world *w, struct conn *conn, const char *name, const char *members);
/* The same for any JSON at all. */
cJSON *world_ask_tree(struct world *w, struct conn *conn, const cJSON *command);
/* As the owner, and it must succeed: the body. members is a printf format. */
cJSON *world_ask(struct world *w, const char *name, const char *members, ...) PRINTF_LIKE(3, 4);
/* As the owner, and it must be refused so, changing nothing: the message. */
const char *world_refused(struct world *w, int status, int code, const char *name, const char *members, ...)
    PRINTF_LIKE(5, 6);
/* device.create or module.create by id text. */
void world_create(struct world *w, const char *id);
/* "'deviceId':'d','moduleId':'m'" */
const char *world_ids(struct world *w, const char *id);
/* hub.status. */
cJSON *world_status(struct world *w);
/* twin.show by id text. */
cJSON *world_twin(struct world *w, const char *id);

/* A patch of dev1's desired properties or tags. */
cJSON *world_desire(struct world *w, const char *desired);
void world_tag(struct world *w, const char *tags);
/* dev1's desired properties without metadata and version. */
void assert_desired(struct world *w, const char *want);
/* etag's counter and versions of a twin as the service sees it. */
void assert_versions(struct world *w, const char *id, int etag, int version, int desired, int reported);
/* A CONNECT was refused: nothing but one event, which tells the true reason; the connection stays nobody's. */
void assert_login_refused(struct world *w, enum hub_answer answer, const struct conn *conn, const char *reason);

/* --- what the last turn wanted --- */
size_t world_count(const struct world *w, enum out_kind kind);
/* The nth entry of that kind; asserts that it is there. */
const struct out *world_out(const struct world *w, enum out_kind kind, size_t nth);
size_t world_count_events(const struct world *w, const char *kind);
/* The only event of that kind; asserts that there is exactly one. */
cJSON *world_event(struct world *w, const char *kind);
/* The only message of this turn to a device; asserts its addressee and topic. Its body: */
const char *assert_sent(const struct world *w, const char *to, const char *topic);
void assert_nothing_sent(const struct world *w);

/* --- JSON --- */
/* Read a text in which ' stands for "; the world frees the tree. */
cJSON *world_json(struct world *w, const char *text);
/* Read a text as it stands. */
cJSON *world_read(struct world *w, const char *text);
/* Equal as JSON; says both when not. text may use '. path: dotted, "" for the node itself; text NULL: absent. */
void assert_json(struct world *w, const cJSON *node, const char *path, const char *text);
int64_t json_number(const cJSON *node, const char *path);
const char *json_word(const cJSON *node, const char *path);

/* What an identity is, as a text: document with keys, twin with metadata, subscriptions; read from the journal. The caller frees. */
char *world_print(const struct world *w, const char *id);
/* Load from the journal; NULL: not there. The caller frees. */
struct identity *world_load(const struct world *w, struct str id, bool with_twin);

#endif
