/* credentials.h - what a client needs to log in: which key, which host, as whom. */
#ifndef TWINSIM_CREDENTIALS_H
#define TWINSIM_CREDENTIALS_H

#include "connection_string.h"
#include "sas.h"
#include "talk.h"

struct credentials {
    char id[IDENT_TEXT_MAX]; /* empty for a policy */
    struct ident who;        /* views into id */
    char policy[64];         /* empty for an identity */
    char key[SAS_KEY_TEXT_MAX];
    const char *host;         /* what clients call the hub */
    const char *gateway_host; /* the address to connect to when it is not host; NULL */
};

/* The options that say whose, as rows of a verb's table. */
#define OPTION_POLICY                                                                                                  \
    {                                                                                                                  \
        .name = "policy", .value = "NAME", .choices = "iothubowner|service|device|registryRead|registryReadWrite",     \
        .help = "of a shared access policy of the hub instead of an identity"                                          \
    }
#define OPTION_KEY                                                                                                     \
    {                                                                                                                  \
        .name = "key", .value = "WHICH", .choices = "primary|secondary", .help = "which key; default primary"          \
    }
#define OPTION_GATEWAY_HOST                                                                                            \
    {                                                                                                                  \
        .name = "gateway-host", .help = "name the hub by its own name, with its address as GatewayHostName"            \
    }

/* Find them: of the operand ID[/MODULE], or of the policy when it is not NULL; the verb has --key and --gateway-host. Views of
 * c->hub are lent. Says so when there are none. */
int credentials_find(struct cli *c, const char *policy, struct credentials *out);
void credentials_done(struct credentials *cr); /* wipes the key */

/* Append the connection string. */
void credentials_print(struct buf *out, const struct credentials *cr);

#endif
