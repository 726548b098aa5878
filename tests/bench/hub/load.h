/* load.h - the clients of one side of a comparison, and what they see: answers a second, latencies, and what the side's processes spent.
 *
 * One thread drives all clients of all sides. Requests and answers are single PUBLISH packets; answers come in the order of the requests.
 */
#ifndef TWINSIM_BENCH_LOAD_H
#define TWINSIM_BENCH_LOAD_H

#include <openssl/ssl.h>
#include <sys/types.h>

#include "tls_client.h"

#define MAX_CLIENTS   1000
#define MAX_DEPTH     4 /* answers of 1 KB that wait at once fit a client's buffer */
#define MAX_ROUNDS    64
#define MAX_PROCESSES 2

struct client {
    int fd;                /* plain TCP; -1 with TLS */
    struct tls_client tls; /* its fd is -1 without */
    unsigned char in[16384];
    size_t n_in;
    int64_t sent_us[MAX_DEPTH]; /* of request k at k % MAX_DEPTH */
    unsigned asked, answered;
};

/* What client i sends for its k-th request; returns the bytes of one PUBLISH packet. */
typedef size_t request_fn(size_t i, unsigned k, unsigned char *out);

struct load {
    const char *name, *side;
    request_fn *request;
    size_t n;
    struct client clients[MAX_CLIENTS];
    int epoll;
    pid_t pids[MAX_PROCESSES]; /* the processes of this side */
    size_t n_pids;
    double rates[MAX_ROUNDS];  /* answers a second */
    double cpu_us[MAX_ROUNDS]; /* processor time of the side's processes for each answer */
    size_t n_rounds;
    uint32_t *latencies; /* us, of all rounds */
    size_t n_latencies;
};

/* A side with n clients, none connected yet. The program ends when there is no memory. */
struct load *load_new(const char *name, const char *side, size_t n, request_fn *request);
void load_free(struct load *l);

/* Connect client i and have it subscribe to filter at QoS 0; the program ends when it is refused.
 * tls       NULL: plain TCP
 * user      with password; both may be NULL */
void load_connect(struct load *l, size_t i, SSL_CTX *tls, const char *host, int port, const char *id, const char *user,
                  const char *password, const char *filter);

/* One round: every client keeps depth requests in flight, and the round ends when the last is answered. */
void load_flat_out(struct load *l, double seconds, size_t depth);
/* One round: the clients ask in turn, rate requests a second between them; one that still waits for its answer is passed over. */
void load_paced(struct load *l, double seconds, double rate);

void load_forget_rounds(struct load *l);
/* Over all rounds. */
double load_rate(struct load *l);
double load_cpu_us(struct load *l);
double load_p99_us(struct load *l);
/* Resident bytes of the side's processes. */
long load_memory(const struct load *l);

#endif
