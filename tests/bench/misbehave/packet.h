/* packet.h - MQTT packets by hand, one at a time, for devices that may be of any manners. */
#ifndef TWINSIM_PACKET_H
#define TWINSIM_PACKET_H

#include <stddef.h>

struct packet {
    unsigned char at[40000];
    size_t len;
};

/* CONNECT of that device, with a token of its derived key; clean session, keep-alive a minute. */
void make_connect(struct packet *p, const char *host, const char *id);
void make_subscribe(struct packet *p, const char *filter, unsigned char qos);
void make_publish(struct packet *p, const char *topic, const char *body, size_t len, int qos);

#endif
