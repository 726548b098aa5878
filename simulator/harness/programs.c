/* programs.c - see programs.h. */
#include "programs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files.h"
#include "str.h"
#include "why.h"

static bool find_on_path(char out[PATH_MAX])
{
    struct str rest = str_from(getenv("PATH"));
    static const char *const others[] = {"/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto"};

    while (rest.at) {
        struct str dir = str_cut(&rest, ':');

        if (dir.len && dir.at[0] == '/' && snprintf(out, PATH_MAX, "%.*s/mosquitto", STR_FMT(dir)) < PATH_MAX &&
            access(out, X_OK) == 0)
            return true;
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (access(others[i], X_OK) == 0) {
            memcpy(out, others[i], strlen(others[i]) + 1);
            return true;
        }
    }
    return false;
}

enum rc broker_find(const char *given, char out[PATH_MAX], char *why, size_t why_size)
{
    if (given ? realpath(given, out) != NULL : find_on_path(out))
        return RC_OK;
    return why_not(why, why_size, RC_NOT_FOUND,
                   "mosquitto was not found%s%s; install Debian's package mosquitto, or put it on PATH",
                   given ? " at " : " on PATH or in /usr/sbin", given ? given : "");
}

enum rc plugin_find(const char *given, char out[PATH_MAX], char *why, size_t why_size)
{
    static const char *const beside[] = {"../lib/twinsim_plugin.so",
                                         "../" TWINSIM_PLUGIN_LIBDIR "/twinsim/twinsim_plugin.so"};
    char exe[PATH_MAX], path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);

    if (given) {
        if (realpath(given, out))
            return RC_OK;
        return why_not(why, why_size, RC_NOT_FOUND, "there is no plugin at %s: %s", given, strerror(errno));
    }
    if (n > 0) {
        char *slash;

        exe[n] = '\0';
        slash = strrchr(exe, '/');
        if (slash)
            *slash = '\0';
        for (size_t i = 0; i < sizeof beside / sizeof beside[0]; i++)
            if (!path_join(path, exe, beside[i]) && realpath(path, out))
                return RC_OK;
    }
    if (realpath(TWINSIM_PLUGIN_FULL_LIBDIR "/twinsim/twinsim_plugin.so", out))
        return RC_OK;
    return why_not(why, why_size, RC_NOT_FOUND,
                   "twinsim_plugin.so is neither in ../lib beside %s nor in %s/twinsim; build or install it", exe,
                   TWINSIM_PLUGIN_FULL_LIBDIR);
}

enum rc gateway_find(const char *plugin, char out[PATH_MAX], char *why, size_t why_size)
{
    const char *slash = strrchr(plugin, '/');
    int n = snprintf(out, PATH_MAX, "%.*s/twinsim-gateway", slash ? (int)(slash - plugin) : 1, slash ? plugin : ".");

    if (n > 0 && n < PATH_MAX && access(out, X_OK) == 0)
        return RC_OK;
    return why_not(why, why_size, RC_NOT_FOUND,
                   "twinsim-gateway is not beside %s; build or install it, or go without: --gateway off", plugin);
}
