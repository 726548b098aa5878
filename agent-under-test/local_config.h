/* local_config.h - reading LocalConfiguration.json, in the form of the real C agent. */
#ifndef AGENT_LOCAL_CONFIG_H
#define AGENT_LOCAL_CONFIG_H

#include "settings.h"

/* Lay the file over settings that hold the defaults, and read the key file that it names.
 *
 * s        changed in part on failure too; the caller gives it to settings_done
 * failure  written on failure
 * returns  whether everything required was there and right
 * source   facts S-09
 */
MUST_USE bool local_config_take(const char *path, struct settings *s, struct failure *failure);

#endif
