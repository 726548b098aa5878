/* serve.h - a hub under our hands from start to end: started, seeded, announced, its events shown, stopped on a signal.
 *
 * Whoever reads what is printed cannot hold the hub up: when it is to stop, it stops.
 */
#ifndef TWINSIM_SERVE_H
#define TWINSIM_SERVE_H

#include "hub_process.h"
#include "identity_files.h"

/* Serve until SIGINT, SIGTERM or SIGHUP, or until the broker ends by itself. seeds are sent once the hub runs.
 * report   -1: the ready line and (without --quiet) the events go to standard output. Else a descriptor that gets the ready line and is then
 *          closed; later errors go to DIR/up.log, events nowhere
 * returns  an exit code: CLI_OK when asked to stop, CLI_HUB when the hub could not start or was lost, CLI_REFUSED for a seed */
int serve(struct cli *c, const struct hub_process_options *options, struct identity_files *seeds, int report);

#endif
