/* query.h - the hub's query language over twins: read once, then asked of one identity after another.
 *
 *   SELECT [TOP n] * | column, ... FROM devices | devices.modules | devices.jobs [WHERE condition] [GROUP BY property, ...]
 *
 * Pure: reading and asking touch no store, no clock and nothing of the hub's. A query is a fixed amount of memory for its text and
 * never recurses deeper than QUERY_DEPTH_MAX. What the real hub does not know is refused, with the place (facts Q-01..Q-18).
 * A value is undefined where a twin has none, and where an operator gets types it is not for; a row is taken when its condition is
 * exactly true, so undefined drops it and is never an error (facts Q-05).
 */
#ifndef TWINSIM_QUERY_H
#define TWINSIM_QUERY_H

#include "identity.h"

#define QUERY_DEPTH_MAX   100u         /* nested operators, calls and parentheses; our own cap */
#define QUERY_COLUMNS_MAX 100u         /* columns, and properties to group by; our own cap */
#define QUERY_GROUPS_MAX  (64u * 1024) /* bytes of all groups' values, kept from page to page; our own cap */

enum query_source { QUERY_DEVICES, QUERY_MODULES, QUERY_JOBS };

struct query;

/* Read a query.
 *
 * text     any bytes
 * why      written on RC_REFUSED: 400, and "line 1, column 8: what is wrong; what would do"
 * returns  RC_OK (*out is for query_free), RC_REFUSED, RC_NOMEM
 */
MUST_USE enum rc query_read(struct str text, struct query **out, struct refusal *why);
void query_free(struct query *q); /* NULL is fine */

enum query_source query_source(const struct query *q);
/* How many rows at most; 0: no limit. */
int64_t query_top(const struct query *q);
/* SELECT *: items are whole twins. */
bool query_is_star(const struct query *q);
/* With aggregates or GROUP BY: items are known only when every identity was looked at (query_sums). */
bool query_has_sums(const struct query *q);
/* Append the query in one spelling: keywords in capitals, one blank, parentheses only where they were needed or written. Reading that
 * gives the same query. */
void query_print(struct buf *out, const struct query *q);

/* Does the condition hold? The identity has its twin. */
bool query_matches(const struct query *q, const struct identity *i);
/* Append the item: the service's twin, or an object of the columns that are there (facts Q-10). Not for queries with sums. */
void query_print_item(struct buf *out, const struct query *q, const struct identity *i);

/* The sums of a query, group by group, in the order in which the groups were first met. They borrow the query. */
struct query_sums;

/* NULL: out of memory. */
struct query_sums *query_sums_new(const struct query *q);
void query_sums_free(struct query_sums *s); /* NULL is fine */
/* Count one identity in. returns RC_OK, RC_LIMIT (QUERY_GROUPS_MAX), RC_NOMEM */
MUST_USE enum rc query_sums_add(struct query_sums *s, const struct identity *i);
/* Append the items, with commas between; at most the query's TOP. Without GROUP BY it is one, whatever was counted. */
void query_sums_print(struct buf *out, const struct query_sums *s);
/* Append them as JSON for going on later, and read that back: from anybody, so it is checked.
 * returns RC_OK, RC_SYNTAX (not the sums of this query), RC_LIMIT, RC_NOMEM */
void query_sums_save(struct buf *out, const struct query_sums *s);
MUST_USE enum rc query_sums_load(const struct query *q, const cJSON *saved, struct query_sums **out);

#endif
