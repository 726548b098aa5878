/* schema.h - is this JSON what a JSON Schema says it is? And if not: where, and what is wrong.
 *
 * The part of JSON Schema that describes messages, over cJSON; drafts 7 and 2020-12 mean the same by it:
 *   any value   type enum const $ref allOf anyOf oneOf not if then else
 *   objects     required properties patternProperties additionalProperties propertyNames minProperties maxProperties
 *   arrays      items additionalItems contains minItems maxItems uniqueItems
 *   numbers     minimum maximum exclusiveMinimum exclusiveMaximum
 *   texts       minLength maxLength (in characters) pattern format (date-time, uuid, ipv4, ipv6)
 *   and what says nothing about a value: $schema $id $comment title description default examples $defs definitions
 * Strict where the standard is lenient: a keyword that is not in this list is a mistake of the schema, so a misspelt one is noticed,
 * and so is an unknown format. A $ref names a place in the same schema. Patterns are those of schema_pattern.h.
 *
 * Pure: no files, no clock. Bounded: SCHEMA_DEPTH_MAX schemas within one another, SCHEMA_STEPS_MAX keywords looked at.
 */
#ifndef TWINSIM_SCHEMA_H
#define TWINSIM_SCHEMA_H

#include "problems.h"

#define SCHEMA_DEPTH_MAX 500u
#define SCHEMA_STEPS_MAX 1000000u
#define SCHEMA_WHY_LINES 10u         /* problems told of one value; the rest is left out */
#define SCHEMA_WHY_MAX   (8u * 1024) /* bytes that suffice for them, to bound the buffer with */

/* Tell every mistake of the schema itself, with its place: an unknown keyword, an argument of the wrong type, a pattern that is none, a
 * $ref that leads nowhere. Nothing is added to problems for a good one. */
void schema_examine(const cJSON *schema, const struct source *source, struct problems *problems);

/* Check a value.
 *
 * schema   one that schema_examine found good; with another one the result may be RC_SYNTAX
 * why      added to, unless RC_OK: one line a problem, "Events[0].Name: expected a string, got 5"; may be NULL
 * returns  RC_OK
 *          RC_REFUSED  the value does not fit
 *          RC_SYNTAX   the schema is wrong, and why says how
 *          RC_LIMIT    the schema nests too deeply, turns in a circle, or asks for too much work
 *          RC_NOMEM
 */
MUST_USE enum rc schema_check(const cJSON *schema, const cJSON *value, struct buf *why);

#endif
