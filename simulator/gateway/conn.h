/* conn.h - one client's connection: its two ends, where it stands, and how it ends.
 *
 *   HANDSHAKE --> FIRST --> OPEN --> ENDING --> CLOSED
 *       |           |                  ^  |
 *       +-----------+------------------+  conn_bury
 *
 * The broker's end is connected when the CONNECT is whole, so port scans and stalled handshakes never get there. However a connection ends,
 * conn_end tells the hub why, lets what is queued leave, shuts both ends and waits a little for the peers to close theirs: closing at
 * once would take back what a peer has not read yet. One function closes (conn_bury), one frees (conn_free), at the end of the turn.
 */
#ifndef TWINSIM_CONN_H
#define TWINSIM_CONN_H

#include "bounds.h"
#include "gateway.h"
#include "inflight.h"

#define LINGER_CLIENT_US 2000000  /* how long a client may take to read its last bytes and to close */
#define LINGER_BROKER_US 10000000 /* how long the broker may take to read ours */
#define PEER_MAX         64u

enum conn_state {
    CONN_HANDSHAKE, /* TLS */
    CONN_FIRST,     /* waits for the CONNECT */
    CONN_OPEN,      /* packets are passed on; the broker's end may still wait to be connected */
    CONN_ENDING,    /* nothing is passed on; what is queued leaves, and both ends are shut */
    CONN_CLOSED,    /* freed when the turn is over */
};

struct conn {
    TAILQ_ENTRY(conn) all;  /* gateway.conns */
    TAILQ_ENTRY(conn) turn; /* one of the lists of turns */
    enum waits_for waits_for;
    TAILQ_ENTRY(conn) dial; /* turns.dials */
    bool is_dialling;
    enum conn_state state;
    struct gateway *gw;
    char peer[PEER_MAX]; /* address:port */
    struct wire device, broker;
    SSL *ssl; /* NULL until the first byte */
    struct event timer;
    struct framer from_device, from_broker;
    struct inflight inflight;
    struct buf held;   /* CONNACK 0, and what comes behind it, until the hub's hello */
    size_t session_at; /* where in held session present stands; 0: no CONNACK is held */
    size_t largest;    /* bytes of the largest packet to the client since its queue was empty */
    int64_t began_us;  /* accepted; ENDING: since when */
    int64_t last_packet_us;
    int64_t idle_us;   /* the longest silence */
    bool is_paused;    /* the client is not read: the broker is behind */
    bool is_unread;    /* nor is it while it does not read itself: it asks no more than it takes */
    bool is_greeted;   /* hello came */
    bool is_answered;  /* the client has its CONNACK */
    bool is_present;   /* what hello said of the session */
    bool is_unchecked; /* MQTT 5: its packets are not ours to judge */
    bool is_tls_broken;
    bool has_said_end; /* TLS's close_notify is queued */
    bool should_end;   /* at the end of this turn, for: */
    enum ended end;
    const char *end_detail;
};

/* --- conn.c: how it begins, and its two ends --- */

/* From the listener: a connection was accepted. The socket is taken over; when there is no memory it is closed. */
void conn_accept(struct gateway *gw, int fd, const char *peer);

/* From turns.h. */
void conn_handshake(struct conn *c);
void conn_read_again(struct conn *c);
/* Packets of up to that many bytes may come from the client. */
void conn_allow(struct conn *c, size_t max_packet);
/* returns false when the broker's queue of newcomers is full, and c waits on */
bool conn_dial(struct conn *c);

/* From the bridge: the CONNECT has come and is queued for the broker; connect that end, those who came before first. */
void conn_open_broker(struct conn *c);
/* Read the client or not, by what waits on both sides. */
void conn_pace(struct conn *c);

/* --- conn_end.c: how long it may take, and how it ends --- */

/* Its time begins to count. */
void conn_watch(struct conn *c);
/* Look in that time whether it is over; with what happens meanwhile the timer is not moved. */
void conn_wake_in(struct conn *c, int64_t in_us);
/* End a connection: tell why, let go. detail may be NULL. Does nothing to one that is ending. */
void conn_end(struct conn *c, enum ended end, const char *detail);
/* The broker has closed: kicked, taken over, refused, or gone. What it said last still goes to the client. */
void conn_broker_ended(struct conn *c);
/* ENDING: one step further, when what is queued has left, a peer has closed, or the gateway stops. */
void conn_wind_down(struct conn *c);
/* Close both ends at once, and let it be freed. */
void conn_bury(struct conn *c);
void conn_free(struct conn *c);

#endif
