/* verb_env.c - twinsim env */
#include <stdio.h>

#include "credentials.h"
#include "verbs.h"

/* One line for a POSIX shell; single quotes keep every byte but themselves. */
static void add_export(struct buf *out, const char *name, struct str value)
{
    buf_addf(out, "export %s='", name);
    for (size_t i = 0; i < value.len; i++) {
        if (value.at[i] == '\'')
            buf_add(out, STR("'\\''"));
        else
            buf_add_char(out, value.at[i]);
    }
    buf_add(out, STR("'\n"));
}

static int run(struct cli *c)
{
    static const char *const ca[] = {"SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE",
                                     "AZ_IOT_DEVICE_X509_TRUST_PEM_FILE_PATH"};
    struct credentials cr;
    struct buf login, text;
    int code = credentials_find(c, NULL, &cr);

    if (code)
        return code;
    buf_init(&login, 0);
    buf_init(&text, 0);
    credentials_print(&login, &cr);
    add_export(&text, "IOTHUB_DEVICE_CONNECTION_STRING", buf_view(&login));
    add_export(&text, "IOTHUB_DEVICE_SECURITY_TYPE", STR("connectionString"));
    for (size_t i = 0; i < sizeof ca / sizeof ca[0]; i++)
        add_export(&text, ca[i], str_from(c->hub.ca_file));
    if (buf_ok(&text) && buf_ok(&login))
        (void)fputs(text.at, stdout);
    else
        code = cli_no_memory(c);
    buf_done(&login);
    buf_done(&text);
    credentials_done(&cr);
    return code;
}

static const struct option_spec options[] = {
    OPTION_KEY,
    OPTION_GATEWAY_HOST,
    OPTIONS_END,
};

const struct verb verb_env = {
    .name = "env",
    .operands = "DEVICE[/MODULE]",
    .min = 1,
    .max = 1,
    .summary = "Print export lines for a shell: the connection string, and the CA for the usual SDKs",
    .examples = "eval \"$(twinsim env edge-1)\"\neval \"$(twinsim env edge-1/azureiotsecurity)\" && ./my-agent",
    .options = options,
    .has_data = true,
    .run = run,
};
