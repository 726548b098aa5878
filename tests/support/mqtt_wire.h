/* mqtt_wire.h - MQTT 3.1.1 packets by hand, over plain TCP, for tests and benchmarks that need every byte under control.
 *
 * Each function that fails says why on stderr and ends the program: a tool's trouble is no verdict.
 */
#ifndef TWINSIM_MQTT_WIRE_H
#define TWINSIM_MQTT_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_PACKET_MAX 65536u

struct wire_packet {
    unsigned char type; /* 2 CONNACK, 3 PUBLISH, 9 SUBACK, ... */
    unsigned char flags;
    const char *topic; /* PUBLISH: NUL-terminated, lent until the next read */
    const char *body;  /* PUBLISH: NUL-terminated too */
    size_t body_len;
    unsigned char code; /* CONNACK return code, first SUBACK grant */
    bool session_present;
};

struct wire {
    int fd;
    unsigned char in[WIRE_PACKET_MAX + 2];
    size_t n_in, n_taken;
    unsigned char scratch[WIRE_PACKET_MAX + 2];
};

_Noreturn void wire_die(const char *what);
int64_t wire_now_us(void);

/* Bytes of one packet at out (room enough given by the caller); returns its length. */
size_t wire_publish_bytes(unsigned char *out, const char *topic, const char *body, size_t len);
size_t wire_connect_bytes(unsigned char *out, const char *id, const char *user, const char *password, bool clean);
size_t wire_subscribe_bytes(unsigned char *out, const char *filter, unsigned char qos);
/* The length of the packet that starts at n bytes, or 0 when it is not whole yet. */
size_t wire_packet_length(const unsigned char *at, size_t n);

/* Open TCP to host:port. returns false if nobody listens. */
bool wire_open(struct wire *w, const char *host, int port);
void wire_close(struct wire *w);
void wire_send(struct wire *w, const unsigned char *at, size_t len);
/* CONNECT and wait for the CONNACK; user and password may be NULL. returns its code. */
unsigned char wire_connect(struct wire *w, const char *id, const char *user, const char *password, bool clean);
/* SUBSCRIBE to one filter and wait for the SUBACK. returns the grant. */
unsigned char wire_subscribe(struct wire *w, const char *filter, unsigned char qos);
/* PUBLISH at QoS 0. returns false when the connection is gone. */
bool wire_publish(struct wire *w, const char *topic, const char *body);
/* The next packet. returns false when the connection is gone or nothing came within timeout_ms. */
bool wire_next(struct wire *w, struct wire_packet *out, int timeout_ms);

#endif
