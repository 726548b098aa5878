/* test_connection_string.c - does connection_string.h keep its promises? */
#include "connection_string.h"
#include "feed.h"
#include "test.h"

#define KEY "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

/* facts A-18; every kind of section 4 of the auth facts */
static void every_kind_is_read_and_prints_in_the_portals_order(void **state)
{
    const struct {
        const char *text, *printed; /* printed NULL: as text */
        struct connection_string want;
    } rows[] = {
        {"HostName=127.0.0.1;DeviceId=dev1;SharedAccessKey=" KEY,
         NULL,
         {.host = STR("127.0.0.1"), .device = STR("dev1"), .key = STR(KEY)}},
        {"HostName=h.x;DeviceId=dev1;ModuleId=mod1;SharedAccessKey=" KEY,
         NULL,
         {.host = STR("h.x"), .device = STR("dev1"), .module = STR("mod1"), .key = STR(KEY)}},
        {"HostName=h.x;DeviceId=dev1;x509=true", NULL, {.host = STR("h.x"), .device = STR("dev1"), .x509 = true}},
        {"HostName=h.x;DeviceId=dev1;x509=True",
         "HostName=h.x;DeviceId=dev1;x509=true",
         {.host = STR("h.x"), .device = STR("dev1"), .x509 = true}},
        {"x509=false;HostName=h.x", "HostName=h.x", {.host = STR("h.x")}},
        {"HostName=h.x;DeviceId=d;SharedAccessKey=" KEY ";GatewayHostName=localhost",
         NULL,
         {.host = STR("h.x"), .device = STR("d"), .key = STR(KEY), .gateway_host = STR("localhost")}},
        {"HostName=h.x;DeviceId=d;SharedAccessKeyName=device;SharedAccessKey=" KEY,
         NULL,
         {.host = STR("h.x"), .device = STR("d"), .key_name = STR("device"), .key = STR(KEY)}},
        {"HostName=h.x;SharedAccessKeyName=service;SharedAccessKey=" KEY,
         NULL,
         {.host = STR("h.x"), .key_name = STR("service"), .key = STR(KEY)}},
        {"HostName=h.x;DeviceId=d;SharedAccessSignature=SharedAccessSignature sr=h.x&sig=a%3D&se=1",
         NULL,
         {.host = STR("h.x"), .device = STR("d"), .signature = STR("SharedAccessSignature sr=h.x&sig=a%3D&se=1")}},
        {"SharedAccessKey=" KEY
         ";ModuleId=m=1;DeviceId==d=;HostName=h.x:8883", /* any order; only the first '=' splits */
         "HostName=h.x:8883;DeviceId==d=;ModuleId=m=1;SharedAccessKey=" KEY,
         {.host = STR("h.x:8883"), .device = STR("=d="), .module = STR("m=1"), .key = STR(KEY)}},
        {"HostName=h.x;DeviceId=", "HostName=h.x", {.host = STR("h.x")}},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char *text = copy_exact(rows[i].text, strlen(rows[i].text));
        struct connection_string got;
        struct buf printed;

        print_message("  %s\n", rows[i].text);
        assert_int_equal(connection_string_read(str_of(text, strlen(rows[i].text)), &got), RC_OK);
        assert_true(str_eq(got.host, rows[i].want.host));
        assert_true(str_eq(got.gateway_host, rows[i].want.gateway_host));
        assert_true(str_eq(got.device, rows[i].want.device));
        assert_true(str_eq(got.module, rows[i].want.module));
        assert_true(str_eq(got.key, rows[i].want.key));
        assert_true(str_eq(got.key_name, rows[i].want.key_name));
        assert_true(str_eq(got.signature, rows[i].want.signature));
        assert_int_equal(got.x509, rows[i].want.x509);
        buf_init(&printed, 0);
        connection_string_print(&printed, &got);
        assert_string_equal(printed.at, rows[i].printed ? rows[i].printed : rows[i].text);
        buf_done(&printed);
        free(text);
    }
}

static void what_is_none_is_refused_and_touches_nothing(void **state)
{
    static const char *const rows[] = {
        "",
        ";",
        "HostName",
        "HostName=",
        "HostName=;DeviceId=d",
        ("DeviceId=d;SharedAccessKey=" KEY), /* no HostName */
        "HostName=h.x;DeviceId",             /* no '=' */
        "HostName=h.x;",                     /* an empty part */
        "HostName=h.x;;DeviceId=d",          /* in the middle, too */
        "HostName=h.x;HostName=h.x",         /* given twice */
        "HostName=h.x;DeviceId=;DeviceId=d", /* even if it was empty before */
        "HostName=h.x;x509=true;x509=true",
        "HostName=h.x;x509=yes",
        "HostName=h.x;x509=",
        "HostName=h.x;Endpoint=sb://x", /* an unknown word */
        "hostname=h.x;DeviceId=d",      /* letter case counts */
        "HostName=h.x; DeviceId=d",
        "=h.x",
    };
    struct connection_string got, before;

    (void)state;
    memset(&before, 0xA5, sizeof before);
    for (size_t i = 0; i < COUNT(rows); i++) {
        print_message("  %s\n", rows[i]);
        memcpy(&got, &before, sizeof got);
        assert_int_equal(connection_string_read(str_from(rows[i]), &got), RC_SYNTAX);
        assert_memory_equal(&got, &before, sizeof got);
    }
}

/* Whatever is read prints as something that reads and prints the same again. */
static void read_any(struct str text)
{
    struct connection_string got, again;
    struct buf once, twice;

    if (connection_string_read(text, &got))
        return;
    assert_true(got.host.len > 0 && feed_is_inside(got.host, text) && feed_is_inside(got.key, text));
    buf_init(&once, 0);
    buf_init(&twice, 0);
    connection_string_print(&once, &got);
    assert_int_equal(connection_string_read(buf_view(&once), &again), RC_OK);
    connection_string_print(&twice, &again);
    assert_true(buf_ok(&once) && str_eq(buf_view(&once), buf_view(&twice)));
    buf_done(&once);
    buf_done(&twice);
}

static void any_bytes_are_refused_or_read_the_same_again(void **state)
{
    static const char good[] =
        "HostName=h.x;DeviceId=d;ModuleId=m;SharedAccessKeyName=p;SharedAccessKey=" KEY ";GatewayHostName=g;x509=false";

    (void)state;
    feed_prefixes(STR(good), read_any);
    feed_mutations(STR(good), read_any);
}

static void a_full_buffer_shows_in_the_buffer(void **state)
{
    const struct connection_string cs = {.host = STR("h.x"), .device = STR("dev1")};
    struct buf out;

    (void)state;
    buf_init(&out, 20);
    connection_string_print(&out, &cs);
    assert_int_equal(out.rc, RC_LIMIT);
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_is_read_and_prints_in_the_portals_order),
        cmocka_unit_test(what_is_none_is_refused_and_touches_nothing),
        cmocka_unit_test(any_bytes_are_refused_or_read_the_same_again),
        cmocka_unit_test(a_full_buffer_shows_in_the_buffer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
