/* wire.h - all that the agent asks of the network, so that tests can be the network.
 *
 * Calls return at once. What came of them arrives later, as calls to agent_on_connack, agent_on_suback,
 * agent_on_message, agent_on_puback and agent_on_lost. After connect returned RC_OK there is exactly one
 * agent_on_lost, when the connection (or the attempt) is over; after drop there is none.
 */
#ifndef AGENT_WIRE_H
#define AGENT_WIRE_H

#include "str.h"

struct wire {
    void *link;
    /* Begin to connect: TCP, TLS, CONNECT. Unacknowledged QoS 1 messages are sent again by the link. */
    enum rc (*connect)(void *link, const char *user_name, const char *password);
    /* SUBSCRIBE to twin topics in one packet: WIRE_ANSWERS, WIRE_DESIRED or both. */
    enum rc (*subscribe)(void *link, unsigned topics);
    /* PUBLISH; mid, when given, is how agent_on_puback will name it. */
    enum rc (*publish)(void *link, const char *topic, struct str body, int qos, int *mid);
    /* DISCONNECT, then close. */
    void (*disconnect)(void *link);
    /* Close without a word: the peer does not answer. */
    void (*drop)(void *link);
};

#define WIRE_ANSWERS       1u
#define WIRE_DESIRED       2u
#define WIRE_SUBSCRIPTIONS 2u

#endif
