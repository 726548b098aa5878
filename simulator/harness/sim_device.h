/* sim_device.h - a device or module played by the harness: one MQTT connection over the hub's TLS port, as a real one makes it.
 *
 * Nobody here waits: the owner polls the descriptor, calls sim_device_turn, and looks at the state. What comes in is
 * acknowledged and dropped (or, by one that withholds, not even read, once it listens: so nothing is acknowledged), but for calls of methods that it answers; what it caused is on the hub's event stream.
 */
#ifndef TWINSIM_SIM_DEVICE_H
#define TWINSIM_SIM_DEVICE_H

#include "sas.h"

enum sim_device_state {
    SIM_DEVICE_CONNECTING, /* no CONNACK yet */
    SIM_DEVICE_CONNECTED,
    SIM_DEVICE_REFUSED, /* by its CONNACK */
    SIM_DEVICE_GONE,    /* the connection is over, or never came about */
};

struct sim_device_options {
    const char *host; /* address, which is also the hub's name in user name and token */
    int port;
    const char *ca_file;
    struct ident id;
    const struct sas_key *key;
    int64_t expires_s; /* Unix seconds, of the token */
    bool withholds;    /* read nothing more from its CONNACK on, if a session was kept, else from its first SUBACK on */
    bool is_clean;     /* clean session: what was subscribed before is forgotten (facts M-10, M-11) */
};

struct sim_device;

/* Begin to connect. returns RC_OK (*out for sim_device_free), RC_IO (nobody listens there), RC_NOMEM */
MUST_USE enum rc sim_device_new(const struct sim_device_options *options, struct sim_device **out);
/* Ends the connection without a DISCONNECT, if there still is one. NULL is fine. */
void sim_device_free(struct sim_device *d);

const char *sim_device_id(const struct sim_device *d); /* "device" or "device/module" */
enum sim_device_state sim_device_state(const struct sim_device *d);
bool sim_device_had_session(const struct sim_device *d); /* the hub said "session present" */
bool sim_device_is_waiting(const struct sim_device *d);  /* for SUBACKs or PUBACKs */

/* Poll for POLLIN (and POLLOUT when it wants to write), then take a turn, and at least once a second. -1: nothing to poll. */
int sim_device_fd(const struct sim_device *d);
bool sim_device_wants_read(const struct sim_device *d); /* false: do not poll for POLLIN */
bool sim_device_wants_write(const struct sim_device *d);
void sim_device_turn(struct sim_device *d);

/* Each is sent as soon as the socket takes it. returns RC_OK, RC_IO (there is no connection), RC_NOMEM, RC_LIMIT */
MUST_USE enum rc sim_device_subscribe(struct sim_device *d, const char *filter);
MUST_USE enum rc sim_device_publish(struct sim_device *d, const char *topic, struct str payload);
/* From now on answer calls of that method so, instead of as before; the device must listen to them. returns RC_OK, RC_NOMEM */
MUST_USE enum rc sim_device_answer(struct sim_device *d, const char *method, int status, struct str payload);
/* Does it answer any method? */
bool sim_device_answers(const struct sim_device *d);
MUST_USE enum rc sim_device_disconnect(struct sim_device *d);

#endif
