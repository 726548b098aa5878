/* plugin.h - the adapter's own state, and the hops between a callback of the broker and its effects.
 *
 *   callbacks.c   the broker calls; each callback makes a request and turns the hub's answer into a return code
 *   gateway.c     who came through the gateway, and what it reports
 *   load.c        what a request needs comes into memory                       (hub_needs -> store -> hub_put)
 *   decide.c      one request: read, load, decide, record in the open transaction, one line in the log
 *   effects.c     the end of a turn: commit, then answers and events leave; connections are ended a turn later
 *   messages.c    whose messages have expired, and what else only the store knows of them
 *   control.c     messages on the control topic: several commands, one answer
 *
 * A turn is what the broker does between two ticks. Everything decided in it is committed together (what a SUBSCRIBE changed at once, with all that
 * stands before it), and nothing of it leaves before its end.
 * One thread, the broker's own. Everything we know about the broker stays in this folder.
 */
#ifndef TWINSIM_PLUGIN_H
#define TWINSIM_PLUGIN_H

#include <mosquitto_broker.h>

#include "connections.h"
#include "control.h"
#include "front_door.h"
#include "options.h"
#include "stop.h"
#include "store.h"
#include "wake.h"

#define SLOW_READER_MAX                                                                                                \
    900u /* messages to one client in one turn; the broker's queue holds 1000 by default (facts B-04) */
#define IDLE_EVERY_US 2000000 /* a slice of upkeep at least that often, also under load */

/* A connection to be ended: later, because what is published in a turn only leaves in the next (facts B-03, B-11). */
struct kick {
    char id[IDENT_TEXT_MAX];
    uint64_t conn, due; /* due: in the tick of that turn */
    enum ended why;
};

/* A WRITE check whose MESSAGE has not come yet. At shutdown it never comes: it was a will (facts B-08, B-23). */
struct pending_write {
    struct connection *from; /* NULL: none */
    struct buf topic, payload;
    int qos;
    bool retain;
};

struct plugin {
    struct options options;
    struct hub *hub;
    struct store *store;
    struct connections connections;
    struct control control;
    struct pending_write pending;
    struct wake wake;
    struct stop stop;
    int64_t started_mono_us;

    uint64_t turn;                    /* number of this turn */
    uint64_t last_conn;               /* connection numbers given so far */
    struct outbox out;                /* what this turn decided */
    size_t recorded;                  /* how many of its entries the store has been told of */
    size_t stored;                    /* how many of them were committed already; they leave at the end of the turn */
    enum rc turn_rc;                  /* first failure of this turn: then nothing of it may leave */
    char suspects[2][IDENT_TEXT_MAX]; /* identities of the request that failed */
    bool is_busy;                     /* something happened in this turn */
    bool
        is_reloading; /* RELOAD came: BASIC_AUTH until the end of the turn asks again about known clients (facts B-07) */
    bool is_kicking;  /* inside a kick the broker asks SUBSCRIBE again for what it has stored (facts B-28) */
    struct kick *kicks;
    size_t n_kicks, cap_kicks;
    int64_t last_idle_us; /* when upkeep last ran */
    /* Whose messages are due is looked for in turns: behind which place the next one goes on; what the hub was told meanwhile of when the
     * first message expires; and whether it has said an earlier time since: then there is one before that place. */
    struct due_place due_from;
    int64_t due_told_us;
    bool is_due_anew;
};

struct now clock_now(void);                   /* the world's */
struct now turn_now(const struct plugin *pl); /* the hub's */

/* Hops 2 and 3. Fills r->now; everything else of r is the caller's. After a failure in this turn nothing but the end of a
 * connection is decided any more: the answer is HUB_CLOSE. */
enum hub_answer decide(struct plugin *pl, struct request *r);

/* Bring what a request needs into memory. returns RC_OK (also when it does not exist), RC_CORRUPT, RC_IO, RC_NOMEM. */
MUST_USE enum rc load_needed(struct plugin *pl, const struct needs *needs, struct request *r);
/* Free what was loaded for one request only. */
void load_done(struct request *r);

/* Tell the store of new entries, in order, so that a later request of the turn reads them. */
void turn_record(struct plugin *pl);
/* Something failed that makes the whole turn fail. r may be NULL. */
void turn_fail(struct plugin *pl, enum rc rc, const struct request *r);
/* Commit what was decided so far, in the middle of a turn. It leaves at the turn's end all the same: until then its client id may become another
 * connection's. returns false, and the turn has failed, when it could not be stored */
bool turn_store(struct plugin *pl);
/* Commit, then let everything out; or, of what could not be stored, nothing but failures. */
void turn_end(struct plugin *pl);
/* End that connection in the next turn, unless it has ended by then. */
void kick_later(struct plugin *pl, const char *id, uint64_t conn, enum ended why);
/* End those that are due. */
void kick_due(struct plugin *pl);
/* Publish o's body, which is taken over in any case, to a connection that is open; in the gateway's way when it came through that. */
void publish_to(const struct connection *c, const char *topic, struct out *o);

/* --- gateway.c --- */
/* What a CONNECT's user name says when the gateway let the client in, with the memory behind its views. */
struct entrance {
    struct front_door door;
    struct buf texts;
};
/* Whom does this CONNECT come from? Fills r's parts of it and c's, all but the password and what only the broker knows.
 * false: refuse it; its reason was told. en is for entrance_done in any case. */
bool entrance_read(struct plugin *pl, const struct mosquitto *client, struct str user_name, struct connection *c,
                   struct request *r, struct entrance *en);
void entrance_done(struct entrance *en);
/* The gateway's own session asks to come in. returns what BASIC_AUTH is to return */
int entrance_of_gateway(struct plugin *pl, struct connection *c, const struct mosquitto *client);

/* Tell the hub how it stands with messages; is_committed: the turn that ends was stored. */
void messages_refresh(struct plugin *pl, bool is_committed);
/* The turn is over: the same, if something happened that only the store can count. */
void messages_turn_end(struct plugin *pl, bool is_committed);
/* End the messages whose time is over, or some of them: the next turn goes on. */
void messages_expire_due(struct plugin *pl, struct now now);

/* Callbacks, registered by plugin.c. */
int on_basic_auth(int event, void *event_data, void *userdata);
int on_acl_check(int event, void *event_data, void *userdata);
int on_message(int event, void *event_data, void *userdata);
int on_control(int event, void *event_data, void *userdata);
int on_report(int event, void *event_data, void *userdata);
int on_disconnect(int event, void *event_data, void *userdata);
int on_reload(int event, void *event_data, void *userdata);
int on_tick(int event, void *event_data, void *userdata);
/* A WRITE that never became a MESSAGE was a will; called at the broker's end. */
void pending_settle(struct plugin *pl);

#endif
