/* options.h - what the hub was started with, read from one JSON file ("plugin_opt_config PATH" in the broker's configuration).
 *
 * One table makes the reader and its messages: name, kind, default, bounds. An unknown or out-of-range option stops the start
 * and says what was meant. The file holds the key seed's path or the seed itself, so it is as secret as that.
 */
#ifndef TWINSIM_OPTIONS_H
#define TWINSIM_OPTIONS_H

#include "store.h"

#define OPTIONS_FILE_MAX (64u * 1024) /* bytes of the file */
#define OPTIONS_WHY_MAX  512u         /* bytes of a message */

struct options {
    char *data_dir;             /* where the store lives; absolute */
    char *hosts[HUB_HOSTS_MAX]; /* the hub's own name first, then its addresses */
    size_t n_hosts;
    char *key_seed; /* never printed */
    enum durability durability;
    unsigned history;   /* versions of each twin that are kept */
    size_t cache_bytes; /* 0: the hub's default */
    int64_t token_skew_us;
    int64_t message_ttl_us; /* 0: the hub's default */
    bool message_without_dup;
    bool forbidden_filter_is_0x80;
    bool require_api_version;
    bool fault_messages;
    bool fault_message_unanswered;
    bool forbidden_will_is_dropped;
    char *gateway_socket; /* path of the listener that the gateway alone connects to; NULL: there is no gateway */
    struct profile profile;
    bool log_requests; /* one debug line a request */
};

/* Read the options file.
 *
 * why      at least OPTIONS_WHY_MAX bytes: on failure what was wrong and what was meant, for a person
 * returns  RC_OK (*out is for options_done), RC_IO (not readable), RC_SYNTAX, RC_NOMEM; *out is untouched on failure
 */
MUST_USE enum rc options_read(const char *path, struct options *out, char *why, size_t why_size);
/* Free what it holds; the seed is wiped first. */
void options_done(struct options *o);

#endif
