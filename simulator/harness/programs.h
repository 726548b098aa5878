/* programs.h - where the programs are that a hub is made of.
 */
#ifndef TWINSIM_PROGRAMS_H
#define TWINSIM_PROGRAMS_H

#include <limits.h>
#include <stddef.h>

#include "rc.h"

/* Find mosquitto: given, else on PATH, in /usr/sbin, in /usr/local/sbin. returns RC_OK, RC_NOT_FOUND */
MUST_USE enum rc broker_find(const char *given, char out[PATH_MAX], char *why, size_t why_size);
/* The plugin: given, else beside the binary (build tree, or an installed tree that was moved), else where it was installed.
 * returns RC_OK, RC_NOT_FOUND */
MUST_USE enum rc plugin_find(const char *given, char out[PATH_MAX], char *why, size_t why_size);
/* The gateway, which lies beside the plugin. returns RC_OK, RC_NOT_FOUND */
MUST_USE enum rc gateway_find(const char *plugin, char out[PATH_MAX], char *why, size_t why_size);

#endif
