/* test_message.c - a message from the cloud: what a command may say, and what then stands in the topic. Texts in JSON are written with '. */
#include <stdio.h>

#include "message.h"
#include "test.h"

#define NOW INT64_C(1893456000000000) /* 2030-01-01T00:00:00Z */
#define TTL INT64_C(3600000000)
#define TO  "%24.to=%2Fdevices%2Fd%2Fmessages%2FdeviceBound"

static cJSON *tree_of(const char *text)
{
    char *json = copy_exact(text, strlen(text) + 1);
    cJSON *tree = NULL;

    for (char *c = json; *c; c++)
        if (*c == '\'')
            *c = '"';
    assert_int_equal(json_read(str_from(json), &tree, NULL), RC_OK);
    free(json);
    return tree;
}

static enum rc read_for(struct ident to, const char *command, struct message **out, struct refusal *why)
{
    cJSON *tree = tree_of(command);
    enum rc rc = message_read(tree, to, NOW, TTL, out, why);

    cJSON_Delete(tree);
    return rc;
}

static const struct ident device = {{"d", 1}, {NULL, 0}}, module = {{"d", 1}, {"m", 1}};

static struct message *message_of(const char *command)
{
    struct message *m = NULL;
    struct refusal why;

    assert_int_equal(read_for(device, command, &m, &why), RC_OK);
    return m;
}

/* facts M-21, M-41 */
static void the_bag_spells_every_key_encoded_and_always_says_to_whom(void **state)
{
    static const struct {
        const char *command, *bag;
    } rows[] = {
        {"{}", TO},
        {"{'contentType':'application/json','contentEncoding':'utf-8','properties':{'prop':'value'}}",
         "%24.ct=application%2Fjson&%24.ce=utf-8&" TO "&prop=value"},
        {"{'messageId':'a:1','correlationId':'c d','userId':'u'}", "%24.mid=a%3A1&%24.cid=c%20d&%24.uid=u&" TO},
        {"{'properties':{'bare':null,'empty':'','%':'~'}}", TO "&bare&empty=&%25=~"},
        {"{'properties':{'$':'&=+/ '}}", NULL}, /* & is fine in a value, = is not: see below */
        {"{'properties':{'$x':'a&b+c'}}", TO "&%24x=a%26b%2Bc"},
        {"{'ack':'full'}", TO "&iothub-ack=full"},
        {"{'ack':'positive','properties':{'a':'b'}}", TO "&iothub-ack=positive&a=b"},
        {"{'ack':'negative'}", TO "&iothub-ack=negative"},
        {"{'ack':'none'}", TO},
        {"{'expiryTimeUtc':'2030-01-01T00:00:05Z'}", TO "&%24.exp=2030-01-01T00%3A00%3A05Z"},
        {"{'timeToLive':'PT2M'}", TO "&%24.exp=2030-01-01T00%3A02%3A00Z"},
    };

    (void)state;
    for (size_t n = 0; n < COUNT(rows); n++) {
        struct message *m = NULL;
        struct refusal why;
        enum rc rc = read_for(device, rows[n].command, &m, &why);

        assert_int_equal(rc, rows[n].bag ? RC_OK : RC_SYNTAX);
        if (rows[n].bag)
            assert_string_equal(m->bag, rows[n].bag);
        message_free(m);
    }
}

static void a_topic_names_its_device_or_module_and_ends_in_the_bag(void **state)
{
    struct message *m = NULL;
    struct refusal why;
    struct buf b;

    (void)state;
    buf_init(&b, 0);
    assert_int_equal(read_for(module, "{'messageId':'1'}", &m, &why), RC_OK);
    message_print_topic(&b, m, module);
    assert_string_equal(b.at, "devices/d/modules/m/messages/devicebound/"
                              "%24.mid=1&%24.to=%2Fdevices%2Fd%2Fmodules%2Fm%2Fmessages%2FdeviceBound");
    buf_reset(&b);
    message_print_input_topic(&b, m, module, STR("in")); /* facts M-46 */
    assert_string_equal(b.at, "devices/d/modules/m/inputs/in/%24.cdid=d&"
                              "%24.mid=1&%24.to=%2Fdevices%2Fd%2Fmodules%2Fm%2Fmessages%2FdeviceBound");
    message_free(m);
    m = message_of("{}");
    buf_reset(&b);
    message_print_topic(&b, m, device);
    assert_string_equal(b.at, "devices/d/messages/devicebound/" TO);
    message_free(m);
    buf_done(&b);
}

static void a_text_is_sent_as_it_is_other_json_printed_and_base64_as_bytes(void **state)
{
    static const struct {
        const char *command, *body;
        size_t len;
    } rows[] = {
        {"{}", "", 0},
        {"{'body':null}", "", 0},
        {"{'body':''}", "", 0},
        {"{'body':'hi \\u00fc'}", "hi \xc3\xbc", 5},
        {"{'body':{'a' : [1, 2.50]}}", "{\"a\":[1,2.50]}", 14},
        {"{'body':7}", "7", 1},
        {"{'bodyBase64':''}", "", 0},
        {"{'bodyBase64':'AAEC/w=='}", "\0\1\2\xff", 4},
        {"{'bodyBase64':'aGk='}", "hi", 2},
    };

    (void)state;
    for (size_t n = 0; n < COUNT(rows); n++) {
        struct message *m = message_of(rows[n].command);

        assert_int_equal(m->body_len, rows[n].len);
        assert_memory_equal(m->body, rows[n].body, rows[n].len + 1);
        assert_int_equal(m->enqueued_us, NOW);
        assert_int_equal(m->expires_us, NOW + TTL); /* facts L-03 */
        message_free(m);
    }
}

/* facts L-03, M-45 */
static void a_command_that_makes_no_message_is_refused_and_leaves_nothing(void **state)
{
    static const struct {
        const char *command;
        int status;
        const char *says;
    } rows[] = {
        {"{'messageId':''}", 400, "messageId"},
        {"{'messageId':'a b'}", 400, "messageId"},
        {"{'messageId':'\\u00fc'}", 400, "messageId"},
        {"{'messageId':7}", 400, "messageId"},
        {"{'correlationId':''}", 400, "correlationId"},
        {"{'correlationId':{}}", 400, "correlationId"},
        {"{'contentType':1}", 400, "contentType"},
        {"{'ack':'all'}", 400, "ack"},
        {"{'ack':1}", 400, "ack"},
        {"{'properties':[]}", 400, "properties"},
        {"{'properties':{'a':1}}", 400, "properties"},
        {"{'properties':{'':'x'}}", 400, "property"},
        {"{'properties':{'a b':'x'}}", 400, "property"},
        {"{'properties':{'a/b':'x'}}", 400, "property"},
        {"{'properties':{'a':'b c'}}", 400, "property"},
        {"{'properties':{'a':'\\u00fc'}}", 400, "property"},
        {"{'properties':{'$.mid':'x'}}", 400, "property"},
        {"{'properties':{'iothub-ack':'full'}}", 400, "property"},
        {"{'expiryTimeUtc':'soon'}", 400, "expiryTimeUtc"},
        {"{'expiryTimeUtc':'0001-01-01T00:00:00Z'}", 400, "expiryTimeUtc"},
        {"{'expiryTimeUtc':5}", 400, "expiryTimeUtc"},
        {"{'timeToLive':'-5s'}", 400, "timeToLive"},
        {"{'timeToLive':5}", 400, "timeToLive"},
        {"{'timeToLive':'5s','expiryTimeUtc':'2030-01-01T00:00:05Z'}", 400, "not both"},
        {"{'body':'x','bodyBase64':'aGk='}", 400, "not both"},
        {"{'bodyBase64':'aGk'}", 400, "base64"},
        {"{'bodyBase64':'a$k='}", 400, "base64"},
        {"{'bodyBase64':7}", 400, "base64"},
    };

    (void)state;
    for (size_t n = 0; n < COUNT(rows); n++) {
        struct message *m = NULL;
        struct refusal why;

        assert_int_equal(read_for(device, rows[n].command, &m, &why), RC_SYNTAX);
        assert_null(m);
        assert_int_equal(why.status, rows[n].status);
        assert_int_equal(why.code, rows[n].status * 1000 + 4);
        if (!strstr(why.message, rows[n].says))
            fail_msg("%s: \"%s\" does not say \"%s\"", rows[n].command, why.message, rows[n].says);
    }
}

/* A command with one long text in it. */
static char *long_command(const char *before, size_t len, const char *after)
{
    struct buf b;
    char *text;

    buf_init(&b, 0);
    buf_add(&b, str_from(before));
    for (size_t n = 0; n < len; n++)
        buf_add_char(&b, 'x');
    buf_add(&b, str_from(after));
    text = buf_take(&b, NULL);
    assert_non_null(text);
    return text;
}

static void assert_length(const char *before, size_t len, const char *after, int code)
{
    char *command = long_command(before, len, after);
    struct message *m = NULL;
    struct refusal why = {0};

    assert_int_equal(read_for(device, command, &m, &why), code ? RC_SYNTAX : RC_OK);
    assert_int_equal(why.code, code);
    message_free(m);
    free(command);
}

/* facts L-03 */
static void a_body_may_be_64_KB_and_not_one_byte_more(void **state)
{
    (void)state;
    assert_length("{'body':'", 64 * 1024, "'}", 0);
    assert_length("{'body':'", 64 * 1024 + 1, "'}", 413001);
    assert_length("{'body':'", 200 * 1024, "'}", 413001);
    assert_length("{'bodyBase64':'", 64 * 1024 / 3 * 4 + 4, "'}", 413001);
    assert_length("{'messageId':'", 128, "'}", 0);
    assert_length("{'messageId':'", 129, "'}", 400004);
    assert_length("{'correlationId':'", 256, "'}", 0);
    assert_length("{'correlationId':'", 257, "'}", 400004);
    assert_length("{'properties':{'a':'", 61000, "'}}", 0);
    assert_length("{'properties':{'a':'", 62000, "'}}", 413001); /* no topic would hold it */
}

static void what_is_stored_reads_back_as_the_same_message(void **state)
{
    static const char *const commands[] = {
        "{}",
        "{'body':{'a':1},'messageId':'m-1','ack':'full','properties':{'k':'v','n':null,'e':''},'timeToLive':'5m'}",
        "{'bodyBase64':'AAEC/w==','contentType':'x/y; charset=a','userId':'\\u00fc\\\\'}",
    };

    (void)state;
    for (size_t n = 0; n < COUNT(commands); n++) {
        struct message *m = message_of(commands[n]), *back = NULL;
        struct buf doc;

        buf_init(&doc, 0);
        message_print_doc(&doc, m);
        assert_int_equal(message_load(buf_view(&doc), str_of(m->body, m->body_len), &back), RC_OK);
        assert_string_equal(back->bag, m->bag);
        assert_string_equal(back->system, m->system);
        assert_string_equal(back->properties, m->properties);
        assert_int_equal(back->ack, m->ack);
        assert_int_equal(back->id != NULL, m->id != NULL);
        assert_int_equal(back->body_len, m->body_len);
        assert_memory_equal(back->body, m->body, m->body_len + 1);
        message_free(back);
        message_free(m);
        buf_done(&doc);
    }
}

static void a_damaged_document_is_no_message(void **state)
{
    static const char *const docs[] = {
        "",
        "{",
        "[]",
        "{}",
        "{\"ack\":\"none\",\"system\":{},\"properties\":{}}", /* to nobody */
        "{\"ack\":\"some\",\"system\":{\"to\":\"x\"},\"properties\":{}}",
        "{\"ack\":\"none\",\"system\":{\"to\":1},\"properties\":{}}",
        "{\"ack\":\"none\",\"system\":{\"to\":null},\"properties\":{}}",
        "{\"ack\":\"none\",\"system\":{\"to\":\"x\"},\"properties\":{\"a\":1}}",
        "{\"ack\":\"none\",\"system\":{\"to\":\"x\"}}",
    };
    struct message *m = NULL;

    (void)state;
    for (size_t n = 0; n < COUNT(docs); n++) {
        assert_int_equal(message_load(str_from(docs[n]), STR("body"), &m), RC_SYNTAX);
        assert_null(m);
    }
}

/* facts M-42 */
static void a_sender_hears_of_the_ends_that_it_asked_for(void **state)
{
    static const struct {
        const char *command;
        bool completed, expired, purged;
    } rows[] = {{"{}", false, false, false},
                {"{'ack':'none'}", false, false, false},
                {"{'ack':'positive'}", true, false, false},
                {"{'ack':'negative'}", false, true, true},
                {"{'ack':'full'}", true, true, true}};

    (void)state;
    for (size_t n = 0; n < COUNT(rows); n++) {
        struct message *m = message_of(rows[n].command);

        assert_int_equal(message_wants_feedback(m, MESSAGE_COMPLETED), rows[n].completed);
        assert_int_equal(message_wants_feedback(m, MESSAGE_EXPIRED), rows[n].expired);
        assert_int_equal(message_wants_feedback(m, MESSAGE_PURGED), rows[n].purged);
        message_free(m);
    }
}

static void nobody_whose_name_no_topic_may_hold_can_be_reached(void **state)
{
    static const struct {
        struct ident to;
        bool can;
    } rows[] = {{{{"d", 1}, {NULL, 0}}, true},
                {{{"d+", 2}, {NULL, 0}}, false},
                {{{"#d", 2}, {NULL, 0}}, false},
                {{{"d", 1}, {"m", 1}}, true},
                {{{"d", 1}, {"m#", 2}}, false}};

    (void)state;
    for (size_t n = 0; n < COUNT(rows); n++)
        assert_int_equal(message_can_reach(rows[n].to), rows[n].can);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bag_spells_every_key_encoded_and_always_says_to_whom),
        cmocka_unit_test(a_topic_names_its_device_or_module_and_ends_in_the_bag),
        cmocka_unit_test(a_text_is_sent_as_it_is_other_json_printed_and_base64_as_bytes),
        cmocka_unit_test(a_command_that_makes_no_message_is_refused_and_leaves_nothing),
        cmocka_unit_test(a_body_may_be_64_KB_and_not_one_byte_more),
        cmocka_unit_test(what_is_stored_reads_back_as_the_same_message),
        cmocka_unit_test(a_damaged_document_is_no_message),
        cmocka_unit_test(a_sender_hears_of_the_ends_that_it_asked_for),
        cmocka_unit_test(nobody_whose_name_no_topic_may_hold_can_be_reached),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
