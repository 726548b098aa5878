/* fuzz_user_name.c - user names, connection strings and percent-encoding. Input: the text. */
#include "fuzz.h"

#include "connection_string.h"
#include "user_name.h"

static void assert_same_user(const struct user_name *a, const struct user_name *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_true(str_eq(a->host, b->host) && ident_eq(a->ident, b->ident) && str_eq(a->policy, b->policy));
    assert_true(str_eq(a->api_version, b->api_version) && str_eq(a->model_id, b->model_id));
    assert_true(str_eq(a->client_type, b->client_type));
}

/* In today's form. "?&": a value may hold "/?", and what stands before it would then look like a module. */
static void print_user(struct buf *b, const struct user_name *user)
{
    if (user->kind == USER_NAME_SERVICE) {
        buf_add(b, user->policy);
        buf_add(b, STR("@sas.root."));
        buf_add(b, user->host);
        return;
    }
    buf_add(b, user->host);
    buf_add_char(b, '/');
    buf_add(b, user->ident.device);
    if (ident_is_module(user->ident)) {
        buf_add_char(b, '/');
        buf_add(b, user->ident.module);
    }
    buf_add(b, STR("/?&api-version="));
    buf_add(b, user->api_version);
    buf_add(b, STR("&DeviceClientType="));
    buf_add(b, user->client_type);
    buf_add(b, STR("&model-id="));
    buf_add(b, user->model_id);
}

static void check_user_name(struct str text)
{
    struct user_name user, again, before;
    struct buf b;

    memset(&before, 0xA5, sizeof before);
    memcpy(&user, &before, sizeof user);
    if (user_name_read(text, &user)) {
        assert_memory_equal(&user, &before, sizeof user);
        return;
    }
    assert_true(feed_is_inside(user.host, text) && user.host.len);
    assert_true(feed_is_inside(user.api_version, text) && feed_is_inside(user.model_id, text) &&
                feed_is_inside(user.client_type, text));
    if (user.kind == USER_NAME_DEVICE) {
        assert_true(ident_part_is_valid(user.ident.device));
        assert_true(!ident_is_module(user.ident) || ident_part_is_valid(user.ident.module));
        assert_int_equal(user.policy.len, 0);
    } else {
        assert_true(user.policy.len && !user.ident.device.len);
    }
    buf_init(&b, 0);
    print_user(&b, &user);
    assert_true(buf_ok(&b));
    assert_int_equal(user_name_read(buf_view(&b), &again), RC_OK);
    assert_same_user(&user, &again);
    buf_done(&b);
}

static void check_connection_string(struct str text)
{
    struct connection_string cs, again, before;
    struct buf b;

    memset(&before, 0xA5, sizeof before);
    memcpy(&cs, &before, sizeof cs);
    if (connection_string_read(text, &cs)) {
        assert_memory_equal(&cs, &before, sizeof cs);
        return;
    }
    buf_init(&b, 0);
    connection_string_print(&b, &cs);
    assert_true(buf_ok(&b));
    assert_int_equal(connection_string_read(buf_view(&b), &again), RC_OK);
    assert_true(str_eq(cs.host, again.host) && str_eq(cs.gateway_host, again.gateway_host));
    assert_true(str_eq(cs.device, again.device) && str_eq(cs.module, again.module));
    assert_true(str_eq(cs.key, again.key) && str_eq(cs.key_name, again.key_name));
    assert_true(str_eq(cs.signature, again.signature) && cs.x509 == again.x509);
    buf_done(&b);
}

/* Encoded and decoded: the same bytes. Decoded as it is: never longer. */
static void check_percent(struct str text)
{
    struct buf encoded, decoded;

    buf_init(&encoded, 0);
    buf_init(&decoded, 0);
    buf_add_percent(&encoded, text, STR("/"));
    assert_int_equal(percent_decode(buf_view(&encoded), &decoded), RC_OK);
    assert_true(str_eq(buf_view(&decoded), text));
    buf_reset(&decoded);
    assert_int_equal(percent_decode(text, &decoded), RC_OK);
    assert_true(decoded.len <= text.len);
    buf_done(&decoded);
    buf_done(&encoded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = fuzz_text(data, size);

    check_user_name(text);
    check_connection_string(text);
    check_percent(text);
    return 0;
}
