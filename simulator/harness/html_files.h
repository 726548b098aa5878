/* html_files.h - the page's parts (html/page.*) as they were when twinsim was built. */
#ifndef TWINSIM_HTML_FILES_H
#define TWINSIM_HTML_FILES_H

#include <stddef.h>

extern const unsigned char page_html[], page_css[], page_js[];
extern const size_t page_html_len, page_css_len, page_js_len;

#endif
