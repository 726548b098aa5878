/* rc.c - the texts of the list in rc.h. */
#include "rc.h"

const char *rc_text(enum rc rc)
{
    switch (rc) {
#define RC_CASE(name, text)                                                                                            \
    case RC_##name:                                                                                                    \
        return text;
        RC_LIST(RC_CASE)
#undef RC_CASE
    }
    return "unknown failure";
}
