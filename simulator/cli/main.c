/* main.c - twinsim: one verb, one exit code. */
#include <errno.h>
#include <stdio.h>

#include "cli.h"
#include "talk.h"

int main(int argc, char **argv)
{
    struct cli c;
    int code = args_read(&c, argc, (const char *const *)argv);

    if (!code)
        code = c.verb->run(&c);
    talk_close(&c);
    if ((fflush(stdout) || ferror(stdout)) && !code)
        code = cli_fail(&c, CLI_FILE, "standard output cannot be written: %s", strerror(errno));
    args_done(&c);
    return code;
}
