/* twin_write.h - what `twin update` and `twin replace` share: the document put together from --desired and --tags. */
#ifndef TWINSIM_TWIN_WRITE_H
#define TWINSIM_TWIN_WRITE_H

#include "talk.h"

/* Send command with {"tags":..,"properties":{"desired":..}} under `member` and show the twin. At least one section must be given. */
int twin_write(struct cli *c, const char *command, const char *member);

#endif
