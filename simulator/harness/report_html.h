/* report_html.h - text and data as they may stand in a page of HTML: nothing that an agent said becomes markup.
 *
 * What the report_html*.c files share; report.h has the report itself.
 */
#ifndef TWINSIM_REPORT_HTML_H
#define TWINSIM_REPORT_HTML_H

#include "json.h"

#define HTML_TEXT_MAX  4096u /* bytes of one text in the data; of a longer one its beginning is told */
#define HTML_EVENT_MAX (16u * 1024)
#define HTML_TWIN_MAX  (256u * 1024)

/* Append text with its markup escaped and control characters replaced; also good inside a quoted attribute. */
void html_add(struct buf *out, struct str text);

/* Append what explains a red result: place, step, outcome, differences as a table, the nearest event, hints, the agent's last words.
 * Nothing for a result without failure. */
void html_add_failure(struct buf *out, const cJSON *result);

/* Where a text begins in another, or the length of the other when it is not in there. */
size_t html_find(struct str text, struct str part);

/* Append one result as JSON in which no '<', '>', '&', U+2028 or U+2029 stands: safe in a <script> element, whatever it holds.
 * Only what the picture needs, and what is very long is cut: a text to HTML_TEXT_MAX, with "... (N bytes)" behind it; an event or
 * twin to {"kind","device",..,"cut":{"bytes":N,"begins":text}}.
 *
 * with_events  false: they are left off, and "eventsLeftOff" says how many */
void html_add_data(struct buf *out, const cJSON *result, bool with_events);

#endif
