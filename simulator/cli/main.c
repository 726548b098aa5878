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
    errno = 0; /* of what failed earlier only the fact is known */
    if ((fflush(stdout) || ferror(stdout)) && !code)
        code = cli_fail(&c, CLI_FILE, "standard output cannot be written%s%s", errno ? ": " : "",
                        errno ? strerror(errno) : "");
    args_done(&c);
    return code;
}
