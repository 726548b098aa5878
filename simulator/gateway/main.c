/* main.c - twinsim-gateway: the command line, and the exit status: 0 told to stop, 1 could not start or the broker is gone, 2 usage. */
#include <stdio.h>

#include "gateway.h"

int main(int argc, char **argv)
{
    struct options options;
    char why[OPTIONS_WHY_MAX];

    if (options_read(argc, argv, &options, why)) {
        (void)fprintf(stderr, "twinsim-gateway: %s\n", why);
        return 2;
    }
    if (options.wants_help) {
        options_help();
        return 0;
    }
    if (options.wants_version) {
        (void)puts("twinsim-gateway " TWINSIM_VERSION);
        return 0;
    }
    return gateway_run(&options);
}
