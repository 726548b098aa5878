/* logins.h - Login: who came in, and who tried to, since the last look.
 *
 * Read from /var/log/wtmp and, where that may be read, /var/log/btmp; the real agents read the audit log, which takes
 * root. The first look only learns how far the files go. A file that became shorter was begun anew.
 */
#ifndef AGENT_LOGINS_H
#define AGENT_LOGINS_H

#include "aggregate.h"
#include "collect.h"

#define LOGINS_AT_ONCE 1000u /* records of one file in one look; the rest waits for the next one */

enum logins_file { LOGINS_GOOD, LOGINS_FAILED, LOGINS_FILES };

struct logins {
    bool has_looked;
    long at[LOGINS_FILES]; /* how far each file was read, bytes */
};

/* Start knowing none. There is nothing to free. */
void logins_init(struct logins *l);

/* Look, and emit a Triggered event for each login, good or failed. source: facts S-12 */
void logins_look(struct logins *l, const struct collect_roots *roots, event_sink *emit, void *context);

#endif
