/* service_internal.h - the service client's state, and what its parts ask of each other. For service*.c alone.
 *
 *   service.c          driving it, listening, commands
 *   service_connect.c  the login
 *   service_receive.c  what comes
 */
#ifndef TWINSIM_SERVICE_INTERNAL_H
#define TWINSIM_SERVICE_INTERNAL_H

#include <mosquitto.h>

#include "service.h"

struct service {
    struct mosquitto *mosq;
    bool is_connected, is_refused, is_gone;
    int suback; /* message id whose SUBACK is awaited; 0: none */
    bool suback_refused;

    service_event_fn *on_event;
    void *arg;
    bool hears_all;
    int64_t last_seq; /* 0: none yet */
    int64_t last_us;  /* mono_us of the last event */
    uint64_t missed;

    /* Messages that libmosquitto handed over and we have not yet dealt with: handlers run outside of its loop, so they may command. */
    struct packet {
        struct packet *next;
        bool is_response, is_hub_event;
        cJSON *doc;
    } * first, **last;

    /* The one command whose answer is awaited. */
    const char *awaited_text; /* correlationData; NULL: none */
    int status;
    cJSON *body;
    uint64_t commands;

    /* Commands that somebody asks for later (service_post). */
    struct posted {
        struct posted *next;
        char *correlation;
        bool is_answered;
        int status;
        cJSON *body;
    } * posted;
};

/* libmosquitto's callback: keep a message until service_deal. arg: the service */
void service_keep(struct mosquitto *mosq, void *arg, const struct mosquitto_message *m);
/* Deal with what was kept: answers find who awaits them, events go to the handler. */
void service_deal(struct service *s);
/* The place of the posted command with that correlation; it holds NULL when there is none. */
struct posted **service_posted(struct service *s, const char *correlation);
int64_t service_mono_ms(void);

#endif
