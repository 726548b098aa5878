/* fake_broker.h - the broker as the plugin sees it, with a clock that we turn: callbacks are called by the test, effects are kept.
 *
 * It does what docs/facts.md says the real one does (facts B-03, B-06, B-11, B-28, B-29, B-30), no more.
 */
#ifndef TWINSIM_FAKE_BROKER_H
#define TWINSIM_FAKE_BROKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mosquitto { /* the broker's client, to the plugin a pointer */
    const char *id, *username, *password;
    bool clean;
    int protocol;
    const char *address; /* NULL: 127.0.0.1 */
};

struct published {
    char *to; /* NULL: to everybody */
    char *topic, *body;
    size_t len;
    int qos;
};

struct broker {
    struct published out[4096];
    size_t n_out;
    char *kicked[64];
    size_t n_kicked;
    char log[1 << 16];
    int refuse_event; /* registering that event fails */
    bool refuse_publish;
    struct mosquitto
        *stored; /* a client with a stored session: a kick asks SUBSCRIBE again for its filter (facts B-28) */
    const char *stored_filter;
    int stored_answer; /* what the plugin said to that */
    void *plugin;
};

extern struct broker broker;

/* Start the plugin with that options file; returns what it returned. */
int broker_start(const char *config);
void broker_stop(void);
void broker_forget(void); /* what was published, kicked and logged so far */

int broker_connect(struct mosquitto *c);
int broker_subscribe(struct mosquitto *c, const char *filter, int qos);
int broker_read(struct mosquitto *c, const char *topic);
/* The WRITE check and, unless it says no, MESSAGE or CONTROL. *retain may be NULL. */
int broker_publish(struct mosquitto *c, const char *topic, const char *body, bool *retain);
int broker_write(struct mosquitto *c, const char *topic, const char *body); /* the check alone: a will */
void broker_disconnect(struct mosquitto *c);
void broker_reload(void);
void broker_tick(void);

/* The n-th message to that client (NULL: to everybody) whose topic starts so, from 0; NULL: there is none. */
const struct published *broker_sent(const char *to, const char *topic, size_t n);

#endif
