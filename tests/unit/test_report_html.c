/* The page of `run --html`: nothing that an agent, a twin or a scenario says becomes markup, a script or too large. */
#include "test.h"

#include "report.h"
#include "report_html.h"

/* What html_add makes of a text. */
static void html_is(struct str text, const char *want)
{
    char *exact = copy_exact(text.at, text.len);
    struct buf out;

    buf_init(&out, 0);
    buf_add(&out, STR(""));
    html_add(&out, str_of(exact, text.len));
    assert_string_equal(out.at ? out.at : "", want);
    buf_done(&out);
    free(exact);
}

static void text_is_escaped_for_elements_and_attributes(void **state)
{
    (void)state;
    html_is(STR(""), "");
    html_is(STR("plain \xC3\xA9 \xF0\x9F\x98\x80"), "plain \xC3\xA9 \xF0\x9F\x98\x80");
    html_is(STR("<script>alert('a' + \"b\") && c</script>"),
            "&lt;script&gt;alert(&#39;a&#39; + &quot;b&quot;) &amp;&amp; c&lt;/script&gt;");
    html_is(STR("a\tb\nc"), "a\tb\nc");
    html_is(STR("\x01\x1B[31m\r\x7F\0"), "\xEF\xBF\xBD\xEF\xBF\xBD[31m\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
}

static cJSON *read_json(const char *text)
{
    cJSON *tree = NULL;

    assert_int_equal(json_read(str_from(text), &tree, NULL), RC_OK);
    return tree;
}

/* The data of a result: safe in a <script> element, and JSON. */
static cJSON *data_of(const cJSON *result, bool with_events, struct buf *text)
{
    cJSON *data = NULL;

    buf_init(text, 0);
    html_add_data(text, result, with_events);
    assert_true(buf_ok(text));
    for (size_t i = 0; i < text->len; i++) {
        assert_null(strchr("<>&", text->at[i]));
        assert_false(str_starts(str_skip(buf_view(text), i), STR("\xE2\x80\xA8")));
        assert_false(str_starts(str_skip(buf_view(text), i), STR("\xE2\x80\xA9")));
    }
    assert_int_equal(json_read(buf_view(text), &data, NULL), RC_OK);
    return data;
}

static void data_cannot_end_its_script_and_reads_back_as_it_was(void **state)
{
    static const char hostile[] =
        "{\"verdict\":\"failed\",\"beganUs\":5,\"steps\":[{\"text\":\"</script><!--\",\"line\":1}],"
        "\"failure\":{\"message\":\"<b>&amp;\",\"output\":\"not told\",\"nearestEvent\":1},"
        "\"twins\":{\"</script>\":{\"before\":{\"tags\":{\"<img src=x onerror=alert(1)>\":\"&\"}}}},"
        "\"events\":[{\"kind\":\"reported\",\"mono_us\":12345678901234,\"patch\":{\"</SCRIPT >\":\"<!--<script>\","
        "\"lines\":\"a\xE2\x80\xA8\xE2\x80\xA9z\",\"near\":\"\xE2\x80\xA7\xE2\x80\xAA\",\"big\":4503599627370495}}]}";
    cJSON *result = read_json(hostile), *data;
    struct buf text;

    (void)state;
    data = data_of(result, true, &text);
    assert_true(json_eq(json_get(data, "events"), json_get(result, "events")));
    assert_true(json_eq(json_get(data, "twins"), json_get(result, "twins")));
    assert_true(json_eq(json_get(data, "steps"), json_get(result, "steps")));
    assert_string_equal(json_get_text(json_get(data, "failure"), "message"), "<b>&amp;");
    assert_null(json_get(json_get(data, "failure"), "output")); /* it stands in the page already */
    assert_non_null(strstr(text.at, "12345678901234"));
    cJSON_Delete(data);
    cJSON_Delete(result);
    buf_done(&text);
}

static void long_texts_and_large_events_are_cut_between_characters(void **state)
{
    cJSON *result = read_json("{\"verdict\":\"passed\",\"steps\":[],\"events\":[]}"), *data, *event;
    struct buf text, body;
    const char *got;

    (void)state;
    buf_init(&body, 0);
    buf_add_char(&body, 'x'); /* so that the limit falls into a character */
    while (body.len < 2 * HTML_TEXT_MAX)
        buf_add(&body, STR("\xE2\x82\xAC"));
    for (unsigned i = 0; i < 2; i++) { /* one event with one long text, and one with very many */
        event = read_json("{\"kind\":\"telemetry\",\"device\":\"d\",\"mono_us\":7,\"body\":{}}");
        for (unsigned k = 0; k < (i ? 20u : 1u); k++) {
            char key[8] = {(char)('a' + k)};

            assert_int_equal(json_set(json_get(event, "body"), key, json_str(buf_view(&body))), RC_OK);
        }
        assert_true(cJSON_AddItemToArray(json_get(result, "events"), event));
    }
    data = data_of(result, true, &text);
    event = json_get(data, "events")->child;
    got = json_get_text(json_get(event, "body"), "a");
    assert_true(strlen(got) < HTML_TEXT_MAX + 32);
    assert_non_null(strstr(got, "\xAC... (8194 bytes)"));
    event = event->next;
    assert_null(json_get(event, "body"));
    assert_string_equal(json_get_text(event, "kind"), "telemetry");
    assert_string_equal(json_get_text(event, "device"), "d");
    assert_true(json_get(event, "mono_us")->valuedouble == 7);
    assert_true(json_get(json_get(event, "cut"), "bytes")->valuedouble > 20.0 * HTML_TEXT_MAX);
    assert_non_null(json_get_text(json_get(event, "cut"), "begins"));
    assert_true(text.len < 3 * HTML_EVENT_MAX);
    cJSON_Delete(data);
    buf_done(&text);

    data = data_of(result, false, &text);
    assert_int_equal(cJSON_GetArraySize(json_get(data, "events")), 0);
    assert_true(json_get(data, "eventsLeftOff")->valuedouble == 2);
    cJSON_Delete(data);
    cJSON_Delete(result);
    buf_done(&text);
    buf_done(&body);
}

/* The page of results given as JSON. */
static char *page_of(const char *results)
{
    cJSON *tree = read_json(results);
    struct buf out;
    char *text;

    buf_init(&out, 0);
    report_html(&out, tree, 1500000);
    text = buf_take(&out, NULL);
    assert_non_null(text);
    cJSON_Delete(tree);
    return text;
}

static unsigned count(const char *text, const char *part)
{
    unsigned n = 0;

    for (; (text = strstr(text, part)); text += strlen(part))
        n++;
    return n;
}

#define FAILED                                                                                                         \
    "{\"file\":\"a<b>.jsonc\",\"name\":\"it's </title><script>alert(1)</script>\",\"verdict\":\"failed\",\"ms\":12,"   \
    "\"steps\":[{\"text\":\"wait 1s\",\"line\":3,\"verdict\":\"failed\",\"ms\":12}],\"notes\":[\"<i>\"],"              \
    "\"failure\":{\"line\":3,\"column\":5,\"step\":\"expect <x>\",\"message\":\"none & none\",\"nearest\":\"reported " \
    "#1\","                                                                                                            \
    "\"nearestContent\":\"{\\\"a\\\":1}\",\"differences\":[\"a.b: expected 1, got 2\",\"expected 3, got "              \
    "nothing\",\"<odd>\"],"                                                                                            \
    "\"hints\":[\"a <hint>\"],\"output\":\"</pre><script>\"},\"beganUs\":1,\"events\":[]}"

static void the_page_tells_what_explains_a_red_one_without_a_script(void **state)
{
    char *page = page_of("[" FAILED ",{\"file\":\"b\",\"name\":\"b\",\"verdict\":\"passed\",\"ms\":1,\"steps\":[]}]");

    (void)state;
    assert_true(str_starts(str_from(page), STR("<!doctype html>")));
    assert_non_null(strstr(page, "<title>2 scenarios: 1 passed, 1 failed"));
    assert_non_null(strstr(page, "a&lt;b&gt;.jsonc:3:5"));
    assert_non_null(strstr(page, "it&#39;s &lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert_non_null(strstr(page, "<code>expect &lt;x&gt;</code>"));
    assert_non_null(strstr(page, "none &amp; none"));
    assert_non_null(strstr(page, "<th scope=\"row\">a.b</th><td class=\"want\">1</td><td class=\"got\">2</td>"));
    assert_non_null(
        strstr(page, "<th scope=\"row\">(the whole)</th><td class=\"want\">3</td><td class=\"got\">nothing</td>"));
    assert_non_null(strstr(page, "<td colspan=\"3\">&lt;odd&gt;</td>"));
    assert_non_null(strstr(page, "<li>a &lt;hint&gt;</li>"));
    assert_non_null(strstr(page, "&lt;/pre&gt;&lt;script&gt;"));
    assert_int_equal(count(page, "<article"), 2);
    assert_true(strstr(page, "<section id=\"red\">") < strstr(page, "<section id=\"passed\">"));
    assert_int_equal(count(page, "<details open>"), 1); /* the red one */
    assert_int_equal(count(page, "</script>"), 2);      /* the data of the one, and our own */
    assert_non_null(strstr(page, "script-src 'sha256-"));
    assert_null(strstr(page, "unsafe-inline"));
    assert_null(strstr(page, "{{"));
    free(page);
}

static void a_page_of_every_verdict_and_of_none_is_whole(void **state)
{
    static const char *const verdicts[] = {"passed", "failed", "error", "skipped"};

    (void)state;
    for (size_t i = 0; i < COUNT(verdicts); i++) {
        char results[256], mark[64], *page;

        (void)snprintf(results, sizeof results,
                       "[{\"file\":\"f\",\"name\":\"n\",\"verdict\":\"%s\",\"ms\":0,\"steps\":[]}]", verdicts[i]);
        (void)snprintf(mark, sizeof mark, "<span class=\"mark %s\">", verdicts[i]);
        page = page_of(results);
        assert_int_equal(count(page, mark), 2); /* the head and the scenario; one needs no list */
        assert_int_equal(count(page, "</html>"), 1);
        free(page);
    }
    free(page_of("[]"));
}

static void events_of_what_passed_are_left_off_before_a_page_gets_too_large(void **state)
{
    cJSON *results = cJSON_CreateArray();
    struct buf body, out;

    (void)state;
    buf_init(&body, 0);
    while (body.len < HTML_TEXT_MAX)
        buf_add_char(&body, 'x');
    for (unsigned i = 0; i < 4; i++) { /* 10 MB each, the last one red */
        cJSON *result = read_json(
            i == 3 ? "{\"file\":\"f\",\"name\":\"n\",\"verdict\":\"failed\",\"ms\":0,\"steps\":[],\"events\":[]}"
                   : "{\"file\":\"f\",\"name\":\"n\",\"verdict\":\"passed\",\"ms\":0,\"steps\":[],\"events\":[]}");

        for (unsigned k = 0; k < 2500; k++) {
            cJSON *event = cJSON_CreateObject();

            assert_int_equal(json_set(event, "body", json_str(buf_view(&body))), RC_OK);
            assert_true(cJSON_AddItemToArray(json_get(result, "events"), event));
        }
        assert_true(cJSON_AddItemToArray(results, result));
    }
    buf_init(&out, (size_t)64 << 20);
    report_html(&out, results, 0);
    assert_true(buf_ok(&out));
    assert_int_equal(count(out.at, "\"eventsLeftOff\":2500"),
                     2); /* the red one comes first, then there is room for one */
    assert_int_equal(count(out.at, "</html>"), 1);
    buf_done(&out);
    buf_done(&body);
    cJSON_Delete(results);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_escaped_for_elements_and_attributes),
        cmocka_unit_test(data_cannot_end_its_script_and_reads_back_as_it_was),
        cmocka_unit_test(long_texts_and_large_events_are_cut_between_characters),
        cmocka_unit_test(the_page_tells_what_explains_a_red_one_without_a_script),
        cmocka_unit_test(a_page_of_every_verdict_and_of_none_is_whole),
        cmocka_unit_test(events_of_what_passed_are_left_off_before_a_page_gets_too_large),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
