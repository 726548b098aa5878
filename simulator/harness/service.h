/* service.h - a service client of the hub: commands in, answers and events out. One thread, one socket to poll.
 *
 * Everything the command line and the scenario runner want from a hub goes through here (control topic and event stream).
 */
#ifndef TWINSIM_SERVICE_H
#define TWINSIM_SERVICE_H

#include "hub_file.h"
#include "json.h"

struct service;

/* Where events in the real service's own shape come from (docs/reference/events.md). */
#define HUB_EVENT_SOURCES "twinChangeEvents", "deviceLifecycleEvents", "deviceConnectionStateEvents", "Telemetry"

/* Called for each event, in order. The event is lent. */
typedef void service_event_fn(void *arg, const cJSON *event);

/* Connect over the hub's Unix socket as iothubowner and wait for the CONNACK.
 * returns RC_OK, RC_REFUSED, RC_TIMEOUT, RC_IO (why: what to do), RC_NOMEM */
MUST_USE enum rc service_connect(const struct hub_file *hub, struct service **out, char *why, size_t why_size);
void service_free(struct service *s);

/* Listen to events: every event of the hub ("$twinsim/v1/#") or of one identity (id text). Waits for the SUBACK. */
MUST_USE enum rc service_listen(struct service *s, struct str id_or_empty, service_event_fn *on_event, void *arg);

/* The same for events in the real service's own shape. To each are added, in front, "kind" (its source), "device", "module", and the "mono_us"
 * of the last of the hub's own events, so that both can stand in one line. */
MUST_USE enum rc service_listen_hub_events(struct service *s, struct str id_or_empty, service_event_fn *on_event,
                                           void *arg);

/* Send one command and wait for its answer, handing out events meanwhile. Takes command over ({"command":..,...}; correlationData is
 * added when missing). On RC_OK *status and *body (for cJSON_Delete, may be NULL) are written.
 * returns RC_OK (whatever the status), RC_TIMEOUT, RC_IO (the hub was lost), RC_NOMEM */
MUST_USE enum rc service_command(struct service *s, cJSON *command, int timeout_ms, int *status, cJSON **body);

/* Send a command whose answer may take its time, and go on; it has a correlationData. Takes it over.
 * returns RC_OK, RC_IO (the hub was lost), RC_NOMEM */
MUST_USE enum rc service_post(struct service *s, cJSON *command);
/* Is the answer to a posted command there? Then it is handed out, once: *body for cJSON_Delete, may be NULL. */
bool service_take(struct service *s, const char *correlation, int *status, cJSON **body);

/* For a caller with a loop of its own: wait for POLLIN on the descriptor (and POLLOUT when service_wants_write), then call service_turn, and at least
 * once a second. returns RC_OK, RC_IO: the connection is gone */
int service_fd(const struct service *s);
bool service_wants_write(const struct service *s);
MUST_USE enum rc service_turn(struct service *s);
/* Wait up to timeout_ms for something to happen and deal with it. */
MUST_USE enum rc service_wait(struct service *s, int timeout_ms);

/* Sequence numbers that were missing so far; more than 0: this reader was too slow and what it saw is not the whole truth.
 * Only meaningful when listening to every event. */
uint64_t service_missed(const struct service *s);

#endif
