/* schema_internal.h - what schema.c (values against schemas) and schema_examine.c (schemas themselves) share. */
#ifndef TWINSIM_SCHEMA_INTERNAL_H
#define TWINSIM_SCHEMA_INTERNAL_H

#include "schema.h"

/* Every keyword and what its argument is. The order is that in which problems are told. */
#define SCHEMA_KEYWORDS(X)                                                                                             \
    X(TYPE, "type", TYPES)                                                                                             \
    X(CONST, "const", ANY)                                                                                             \
    X(ENUM, "enum", LIST)                                                                                              \
    X(REF, "$ref", REF)                                                                                                \
    X(REQUIRED, "required", NAMES)                                                                                     \
    X(PROPERTIES, "properties", SCHEMA_MAP)                                                                            \
    X(PATTERN_PROPERTIES, "patternProperties", PATTERN_MAP)                                                            \
    X(ADDITIONAL_PROPERTIES, "additionalProperties", SCHEMA)                                                           \
    X(PROPERTY_NAMES, "propertyNames", SCHEMA)                                                                         \
    X(MIN_PROPERTIES, "minProperties", COUNT)                                                                          \
    X(MAX_PROPERTIES, "maxProperties", COUNT)                                                                          \
    X(ITEMS, "items", SCHEMA_OR_LIST)                                                                                  \
    X(ADDITIONAL_ITEMS, "additionalItems", SCHEMA)                                                                     \
    X(CONTAINS, "contains", SCHEMA)                                                                                    \
    X(MIN_ITEMS, "minItems", COUNT)                                                                                    \
    X(MAX_ITEMS, "maxItems", COUNT)                                                                                    \
    X(UNIQUE_ITEMS, "uniqueItems", BOOLEAN)                                                                            \
    X(MINIMUM, "minimum", NUMBER)                                                                                      \
    X(MAXIMUM, "maximum", NUMBER)                                                                                      \
    X(EXCLUSIVE_MINIMUM, "exclusiveMinimum", NUMBER)                                                                   \
    X(EXCLUSIVE_MAXIMUM, "exclusiveMaximum", NUMBER)                                                                   \
    X(MIN_LENGTH, "minLength", COUNT)                                                                                  \
    X(MAX_LENGTH, "maxLength", COUNT)                                                                                  \
    X(PATTERN, "pattern", PATTERN)                                                                                     \
    X(FORMAT, "format", FORMAT)                                                                                        \
    X(ALL_OF, "allOf", SCHEMA_LIST)                                                                                    \
    X(ANY_OF, "anyOf", SCHEMA_LIST)                                                                                    \
    X(ONE_OF, "oneOf", SCHEMA_LIST)                                                                                    \
    X(NOT, "not", SCHEMA)                                                                                              \
    X(IF, "if", SCHEMA)                                                                                                \
    X(THEN, "then", SCHEMA)                                                                                            \
    X(ELSE, "else", SCHEMA)                                                                                            \
    X(DEFS, "$defs", SCHEMA_MAP)                                                                                       \
    X(DEFINITIONS, "definitions", SCHEMA_MAP)                                                                          \
    X(SCHEMA, "$schema", TEXT)                                                                                         \
    X(ID, "$id", TEXT)                                                                                                 \
    X(COMMENT, "$comment", TEXT)                                                                                       \
    X(TITLE, "title", TEXT)                                                                                            \
    X(DESCRIPTION, "description", TEXT)                                                                                \
    X(DEFAULT, "default", ANY)                                                                                         \
    X(EXAMPLES, "examples", LIST)

#define SCHEMA_KEYWORD_ENUM(name, text, argument) SCHEMA_##name,
enum schema_keyword { SCHEMA_KEYWORDS(SCHEMA_KEYWORD_ENUM) SCHEMA_KEYWORD_COUNT };
#undef SCHEMA_KEYWORD_ENUM

enum schema_argument {
    ARGUMENT_ANY,
    ARGUMENT_BOOLEAN,
    ARGUMENT_COUNT, /* a whole number from 0 */
    ARGUMENT_FORMAT,
    ARGUMENT_LIST,  /* not empty */
    ARGUMENT_NAMES, /* a list of texts */
    ARGUMENT_NUMBER,
    ARGUMENT_PATTERN,
    ARGUMENT_PATTERN_MAP, /* patterns to schemas */
    ARGUMENT_REF,
    ARGUMENT_SCHEMA,
    ARGUMENT_SCHEMA_LIST, /* not empty */
    ARGUMENT_SCHEMA_MAP,  /* any keys to schemas */
    ARGUMENT_SCHEMA_OR_LIST,
    ARGUMENT_TEXT,
    ARGUMENT_TYPES, /* one name of a type, or a list of them */
};

struct schema_keyword_row {
    const char *name;
    enum schema_argument argument;
};

/* SCHEMA_KEYWORD_COUNT when there is none of that name. */
enum schema_keyword schema_keyword(const char *name);

/* Find what a $ref ("#", "#/$defs/a") names. NULL when it is not there, or in another document. */
const cJSON *schema_find(const cJSON *root, const char *ref);

/* Is the value of the type of that name? is_known (may be NULL) tells whether there is such a type. */
bool schema_has_type(const cJSON *value, const char *type, bool *is_known);

enum schema_format { SCHEMA_DATE_TIME, SCHEMA_UUID, SCHEMA_IPV4, SCHEMA_IPV6, SCHEMA_FORMAT_UNKNOWN };
enum schema_format schema_format(const char *name);

#endif
