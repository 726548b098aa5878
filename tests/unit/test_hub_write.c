/* test_hub_write.c - what a service may write into a twin: merging, checks, sizes, etags. */
#include <stdio.h>

#include "hub_world.h"

/* --- merging ---------------------------------------------------------------------------------------------------------------- */

/* facts T-06 to T-10 */
static void patches_merge_as_the_hub_does_it(void **state)
{
    static const struct {
        const char *patch, *after;
    } rows[] = {
        {"{'a':{'b':1}}", "{'a':{'b':1}}"},
        {"{'a':{'c':2}}", "{'a':{'b':1,'c':2}}"},
        {"{'a':5}", "{'a':5}"},
        {"{'a':{'d':1}}", "{'a':{'d':1}}"},
        {"{'p':{'q':null}}", "{'a':{'d':1},'p':{}}"},
        {"{'unknown':null}", "{'a':{'d':1},'p':{}}"},
        {"{'a':null}", "{'p':{}}"},
        {"{'l':[1,[2],{'x':{}}]}", "{'p':{},'l':[1,[2],{'x':{}}]}"},
        {"{'l':[]}", "{'p':{},'l':[]}"},
        {"{'l':{'0':1}}", "{'p':{},'l':{'0':1}}"},
        {"{'l':[3],'p':{'q':{'r':{}}}}", "{'p':{'q':{'r':{}}},'l':[3]}"},
        {"{'p':{'q':null},'A':1,'a':2}", "{'p':{},'l':[3],'A':1,'a':2}"},
        {"{'l':null,'A':null,'a':null,'p':null}", "{}"},
    };
    struct world *w = *state;
    struct conn dev;

    world_create(w, "dev1");
    world_twin_client(w, &dev, "dev1");
    for (size_t n = 0; n < COUNT(rows); n++) {
        cJSON *view;

        (void)world_desire(w, rows[n].patch);
        assert_desired(w, rows[n].after);
        world_tag(w, rows[n].patch);
        assert_json(w, world_twin(w, "dev1"), "tags", rows[n].after);
        world_report(w, &dev, rows[n].patch, 204);
        assert_int_equal(world_publish(w, &dev, "$iothub/twin/GET/?$rid=1", ""), HUB_SWALLOW);
        view = world_read(w, assert_sent(w, "dev1", "$iothub/twin/res/200/?$rid=1"));
        json_remove(json_get(view, "reported"), "$version");
        assert_json(w, view, "reported", rows[n].after);
        world_check(w);
    }
}

/* facts T-06, T-21 */
static void metadata_says_when_each_value_was_last_written_and_in_which_version(void **state)
{
    struct world *w = *state;
    struct conn dev;
    cJSON *metadata;

    world_create(w, "dev1");
    world_twin_client(w, &dev, "dev1");
    world_pass(w, 1);
    (void)world_desire(w, "{'cfg':{'rate':5,'unit':'s'},'l':[1,{'x':1}]}");
    world_pass(w, 1);
    (void)world_desire(w, "{'cfg':{'rate':6},'gone':null}");
    metadata = json_at_path(world_twin(w, "dev1"), STR("properties.desired.$metadata"));
    assert_json(w, metadata, "",
                "{'$lastUpdated':'2030-01-01T00:00:02Z','$lastUpdatedVersion':3,"
                "'cfg':{'$lastUpdated':'2030-01-01T00:00:02Z','$lastUpdatedVersion':3,"
                "'rate':{'$lastUpdated':'2030-01-01T00:00:02Z','$lastUpdatedVersion':3},"
                "'unit':{'$lastUpdated':'2030-01-01T00:00:01Z','$lastUpdatedVersion':2}},"
                "'l':{'$lastUpdated':'2030-01-01T00:00:01Z','$lastUpdatedVersion':2}}");
    world_pass(w, 1);
    (void)world_desire(w, "{'cfg':{'rate':null},'l':null}");
    metadata = json_at_path(world_twin(w, "dev1"), STR("properties.desired.$metadata"));
    assert_json(w, metadata, "cfg.rate", NULL);
    assert_json(w, metadata, "l", NULL);
    assert_json(w, metadata, "cfg.$lastUpdatedVersion", "4");
    assert_json(w, metadata, "cfg.unit.$lastUpdatedVersion", "2");
    world_pass(w, 1);
    world_report(w, &dev, "{'fw':'1'}", 204);
    metadata = json_at_path(world_twin(w, "dev1"), STR("properties.reported.$metadata"));
    assert_json(w, metadata, "",
                "{'$lastUpdated':'2030-01-01T00:00:04Z','fw':{'$lastUpdated':'2030-01-01T00:00:04Z'}}");
    world_restart(w);
    assert_json(w, world_twin(w, "dev1"), "properties.desired.$metadata.cfg.unit.$lastUpdatedVersion", "2");
}

/* --- refusals --------------------------------------------------------------------------------------------------------------- */

/* A JSON object of that many nested ones below its section: {"a":{"a":..}} */
static const char *nested(char *out, int depth, const char *innermost)
{
    char *at = out;

    for (int n = 0; n < depth; n++)
        at += sprintf(at, "{'a':");
    at += sprintf(at, "%s", innermost);
    for (int n = 0; n < depth; n++)
        *at++ = '}';
    *at = '\0';
    return out;
}

/* facts T-11 to T-16, T-19, T-20, T-23 */
static void a_write_is_checked_as_a_whole_in_tags_and_desired_alike(void **state)
{
    static const char *const forms[] = {"'deviceId':'dev1','patch':{'tags':%s}",
                                        "'deviceId':'dev1','patch':{'properties':{'desired':%s}}"};
    struct world *w = *state;
    char deep10[256], deep11[256], leaf11[256], list11[256], key1024[1100], key1025[1100], text4096[4200],
        text4097[4200], wide[1600];
    const struct {
        const char *section;
        bool ok;
    } rows[] = {
        {nested(deep10, 11, "1"), true}, /* ten objects below the section, and a value in the tenth */
        {nested(deep11, 11, "{}"), false},
        {nested(leaf11, 10, "{}"), true},
        {nested(list11, 11, "[]"), false},
        {key1024, true},
        {key1025, false},
        {wide, false}, /* 342 characters, 1026 bytes */
        {text4096, true},
        {text4097, false},
        {"{'i':4503599627370495,'j':-4503599627370496,'f':1e300}", true},
        {"{'i':4503599627370496}", false},
        {"{'i':-4503599627370497}", false},
        {"{'a.b':1}", false},
        {"{'a$b':1}", false},
        {"{'$a':1}", false},
        {"{'a b':1}", false},
        {"{'a\\u0007':1}", false},
        {"{'a\\u0085':1}", false},
        {"{'l':[1,null]}", false},
        {"{'l':[{'x':null}]}", false},
        {"5", false},
        {"[]", false},
        {"'x'", false},
        {"true", false},
    };

    (void)snprintf(key1024, sizeof key1024, "{'%01024d':1}", 0);
    (void)snprintf(key1025, sizeof key1025, "{'%01025d':1}", 0);
    (void)snprintf(text4096, sizeof text4096, "{'k':'%04096d'}", 0);
    (void)snprintf(text4097, sizeof text4097, "{'k':'%04097d'}", 0);
    strcpy(wide, "{'");
    for (int n = 0; n < 342; n++)
        strcat(wide, "\xe2\x82\xac");
    strcat(wide, "':1}");
    world_create(w, "dev1");
    (void)world_desire(w, "{'kept':{'x':1}}");
    world_tag(w, "{'kept':{'x':1}}");
    for (size_t n = 0; n < COUNT(rows); n++) {
        for (size_t f = 0; f < COUNT(forms); f++) {
            char members[8192], *before = world_print(w, "dev1"), *after;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
            (void)snprintf(members, sizeof members, forms[f], rows[n].section);
#pragma GCC diagnostic pop
            if (rows[n].ok)
                (void)world_ask(w, "twin.update", "%s", members);
            else
                (void)world_refused(w, 400, 400004, "twin.update", "%s", members);
            after = world_print(w, "dev1");
            assert_int_equal(strcmp(before, after) == 0, !rows[n].ok);
            free(before);
            free(after);
        }
    }
    /* a bad section spoils the good one beside it */
    (void)world_refused(w, 400, 400004, "twin.update",
                        "'deviceId':'dev1','patch':{'tags':{'good':1},'properties':{'desired':{'bad key':1}}}");
    assert_json(w, world_twin(w, "dev1"), "tags.good", NULL);
    (void)world_refused(w, 400, 400004, "twin.replace",
                        "'deviceId':'dev1','twin':{'tags':{'bad key':1},'properties':{'desired':{'good':1}}}");
}

/* facts T-17, T-18, L-07 */
static void sections_have_a_size_computed_without_metadata(void **state)
{
    struct world *w = *state;
    char text[4097];

    (void)snprintf(text, sizeof text, "%04096d", 0);
    world_create(w, "dev1");
    /* tags: 1 + 4096, 1 + 4096 - 4: 8190 of 8191 */
    (void)world_ask(w, "twin.update", "'deviceId':'dev1','patch':{'tags':{'a':'%s','b':'%s'}}", text, text + 4);
    assert_string_equal(world_refused(w, 403, 403100, "twin.update", "'deviceId':'dev1','patch':{'tags':{'cd':''}}"),
                        "'Tags' size should be less than 8192 bytes.");
    world_tag(w, "{'c':''}");
    (void)world_refused(w, 403, 403100, "twin.update", "'deviceId':'dev1','patch':{'tags':{'b':true,'bb':'%s'}}", text);
    world_tag(w, "{'b':null,'n':{'n':12345.678,'t':true}}"); /* what counts is what results: a number 8, a boolean 4 */
    for (int n = 0; n < 7; n++)
        (void)world_ask(w, "twin.update", "'deviceId':'dev1','patch':{'properties':{'desired':{'%d':'%s'}}}", n, text);
    /* desired: 7 x 4097 = 28679; 1 + 4087 more make 32767 */
    assert_string_equal(world_refused(w, 403, 403100, "twin.update",
                                      "'deviceId':'dev1','patch':{'properties':{'desired':{'x':'%s'}}}", text + 8),
                        "'Properties.Desired' size should be less than 32768 bytes.");
    (void)world_ask(w, "twin.update", "'deviceId':'dev1','patch':{'properties':{'desired':{'x':'%s'}}}", text + 9);
    (void)world_refused(w, 403, 403100, "twin.update", "'deviceId':'dev1','patch':{'properties':{'desired':{'y':1}}}");
    world_restart(w);
    (void)world_refused(w, 403, 403100, "twin.update", "'deviceId':'dev1','patch':{'properties':{'desired':{'y':1}}}");
}

/* facts T-23, T-24 */
static void an_etag_guards_against_writes_one_has_not_seen(void **state)
{
    static const struct {
        const char *etag;
        bool ok;
    } rows[] = {
        {"'AAAAAAAAAAE='", true},
        {"'AAAAAAAAAAI='", true},
        {"'\\\"AAAAAAAAAAM=\\\"'", true},
        {"'*'", true},
        {"'\\\"*\\\"'", true},
        {"'AAAAAAAAAAE='", false},
        {"'\\\"AAAAAAAAAAE=\\\"'", false},
        {"'AAAAAAAAAAc='", false},
        {"''", false},
        {"'\\\"'", false},
        {"'aaaaaaaaaay='", false},
        {"'\\\"AAAAAAAAAAY='", false},
        {"'**'", false},
    };
    struct world *w = *state;
    struct conn dev;

    world_create(w, "dev1");
    world_twin_client(w, &dev, "dev1");
    for (size_t n = 0; n < COUNT(rows); n++) {
        print_message("  %s\n", rows[n].etag);
        world_report(w, &dev, "{'n':1}", 204); /* a device's write does not spoil it */
        if (rows[n].ok) {
            (void)world_ask(w, n % 2 ? "twin.update" : "twin.replace",
                            "'deviceId':'dev1','etag':%s,'%s':{'tags':{'a':1}}", rows[n].etag,
                            n % 2 ? "patch" : "twin");
        } else {
            (void)world_refused(w, 412, 412001, "twin.update", "'deviceId':'dev1','etag':%s,'patch':{'tags':{'a':2}}",
                                rows[n].etag);
            (void)world_refused(w, 412, 412001, "twin.replace", "'deviceId':'dev1','etag':%s,'twin':{'tags':{'a':2}}",
                                rows[n].etag);
        }
    }
    assert_json(w, world_twin(w, "dev1"), "tags", "{'a':1}");
    /* an etag inside the document is not looked at */
    (void)world_ask(w, "twin.update", "'deviceId':'dev1','patch':{'etag':'AAAAAAAAAAE=','tags':{'a':3}}");
}

static void a_write_that_is_no_document_is_refused(void **state)
{
    static const struct {
        const char *name, *members;
    } rows[] = {
        {"twin.update", "'deviceId':'dev1'"},
        {"twin.update", "'deviceId':'dev1','patch':5"},
        {"twin.update", "'deviceId':'dev1','patch':null"},
        {"twin.update", "'deviceId':'dev1','patch':[]"},
        {"twin.update", "'deviceId':'dev1','patch':'{}'"},
        {"twin.update", "'deviceId':'dev1','patch':{'properties':5}"},
        {"twin.update", "'deviceId':'dev1','patch':{'properties':[]}"},
        {"twin.update", "'deviceId':'dev1','twin':{}"},
        {"twin.update", "'deviceId':'dev1','patch':{},'etag':5"},
        {"twin.update", "'deviceId':'dev1','patch':{},'etag':null"},
        {"twin.replace", "'deviceId':'dev1'"},
        {"twin.replace", "'deviceId':'dev1','patch':{}"},
        {"twin.replace", "'deviceId':'dev1','twin':'x'"},
        {"twin.replace", "'deviceId':'dev1','twin':{'tags':5}"},
        {"twin.replace", "'deviceId':'dev1','twin':{'properties':{'desired':[1]}}"},
    };
    struct world *w = *state;

    world_create(w, "dev1");
    for (size_t n = 0; n < COUNT(rows); n++) {
        print_message("  %s %s\n", rows[n].name, rows[n].members);
        (void)world_refused(w, 400, 400004, rows[n].name, "%s", rows[n].members);
    }
    assert_versions(w, "dev1", 1, 2, 1, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(patches_merge_as_the_hub_does_it),
        WORLD_TEST(a_write_is_checked_as_a_whole_in_tags_and_desired_alike),
        WORLD_TEST(sections_have_a_size_computed_without_metadata),
        WORLD_TEST(an_etag_guards_against_writes_one_has_not_seen),
        WORLD_TEST(a_write_that_is_no_document_is_refused),
        WORLD_TEST(metadata_says_when_each_value_was_last_written_and_in_which_version),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
