/* preflight.c - see preflight.h. */
#include "preflight.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "words.h"

/* Why a path is no program; 0 when it is one. */
static int program_error(const char *path)
{
    struct stat st;

    if (stat(path, &st))
        return errno;
    if (S_ISDIR(st.st_mode))
        return EISDIR;
    return access(path, X_OK) ? errno : 0;
}

/* As execvp does: a name without a slash is looked for on PATH. */
static int find_program(const char *name)
{
    struct str rest = str_from(getenv("PATH"));
    int error = ENOENT;

    if (strchr(name, '/'))
        return program_error(name);
    while (rest.len && error) {
        struct str dir = str_cut(&rest, ':');
        char path[PATH_MAX];
        int n = snprintf(path, sizeof path, "%.*s/%s", STR_FMT(dir.len ? dir : STR(".")), name);

        if (n > 0 && n < PATH_MAX && program_error(path) == 0)
            error = 0;
    }
    return error;
}

int preflight_agent(struct cli *c)
{
    const char *command = cli_text(c, "agent");
    struct words words;
    int error, code = CLI_OK;
    enum rc rc;

    if (!command)
        return CLI_OK;
    rc = words_split(str_from(command), &words);
    if (rc == RC_NOMEM)
        return cli_no_memory(c);
    if (rc)
        return cli_fail(c, CLI_USAGE, "--agent is no command: %s",
                        rc == RC_LIMIT ? "too many words" : "a quote is not closed, or it ends with a lone backslash");
    if (words.count == 0) {
        code = cli_fail(c, CLI_USAGE, "--agent is no command: there is no word in it");
    } else if (!strstr(words.at[0], "${")) {
        error = find_program(words.at[0]);
        if (error)
            code = cli_fail(c, CLI_USAGE, "--agent: '%s' cannot be started%s: %s", words.at[0],
                            strchr(words.at[0], '/') ? "" : " (it is looked for on PATH; ./ means this folder)",
                            strerror(error));
    }
    words_done(&words);
    return code;
}

int preflight_file(struct cli *c, const char *option)
{
    const char *path = cli_text(c, option);
    enum rc rc = path ? report_check(path) : RC_OK;

    if (rc)
        return cli_fail(c, CLI_FILE, "--%s: %s cannot be written: %s", option, path,
                        rc == RC_IO ? strerror(errno) : rc_text(rc));
    return CLI_OK;
}
