/* twin_internal.h - what the files behind twin.h share: computed sizes, metadata, and a section under change.
 *
 * Every metadata node begins with $lastUpdated, then $lastUpdatedVersion if it has one, then anything else with a '$', then the
 * members of what it describes. Both stamps have room to be overwritten in place, so only code here may make them.
 */
#ifndef TWINSIM_TWIN_INTERNAL_H
#define TWINSIM_TWIN_INTERNAL_H

#include "iso_time.h"
#include "json_internal.h"
#include "twin.h"

/* When, and at which desired $version, something was written. */
struct twin_stamp {
    char at[ISO_TIME_MAX];
    char version[24]; /* text; empty: no $lastUpdatedVersion (reported, and fresh twins) */
    double version_number;
};

/* version 0: none. */
void twin_stamp_init(struct twin_stamp *stamp, int64_t now_us, int64_t version);

/* Size of a value as the hub counts it: strings by their bytes without controls, numbers 8, booleans 4, null 0, objects and
 * arrays the sum of what they hold, keys included; null members of objects count nothing (facts T-18). */
size_t twin_value_size(const cJSON *value);
/* The same for a member with its key. */
size_t twin_member_size(const cJSON *member);
/* Rough heap use of a tree, key included; NULL has none. */
size_t twin_heap(const cJSON *tree);

/* A metadata node with its stamps alone; key NULL for a root. NULL: no memory. */
cJSON *twin_metadata_new(const char *key, const struct twin_stamp *stamp);
/* Overwrite a node's stamps; what it holds besides stays. bytes: raised by what a stamp it had not takes.
 * returns false when out of memory */
bool twin_metadata_stamp(cJSON *node, const struct twin_stamp *stamp, size_t *bytes);
/* The metadata of a section as a document gives it (NULL: not at all), made to mirror data: what is missing gets `fresh`,
 * what describes nothing is left out. NULL: no memory. */
cJSON *twin_metadata_adopt(const cJSON *given, const cJSON *data, const struct twin_stamp *fresh);
/* Has every node of data its node in the metadata, and no other? */
bool twin_metadata_mirrors(const cJSON *metadata, const cJSON *data);

/* Would this become a section? As twin_check_service with replace, for one section without $metadata and $version. */
bool twin_check_section(enum twin_section section, const cJSON *content, struct refusal *why);

#endif
