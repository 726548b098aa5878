/* fuzz_sas.c - tokens and keys. Input: an identity on the first line; all that follows is a token, and a key. */
#include "fuzz.h"
#include "sas.h"

#include <inttypes.h>
#include <stdio.h>

#define HOST "twinsim.azure-devices.test"

static const struct str hosts[] = {{"127.0.0.1", 9}, {HOST, sizeof HOST - 1}};

static bool key_eq(const struct sas_key *a, const struct sas_key *b)
{
    return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

static void check_token(struct str text, struct ident id, const struct sas_key *key)
{
    struct sas_token token, again, before;
    struct buf b;

    memset(&before, 0xA5, sizeof before);
    memcpy(&token, &before, sizeof token);
    if (sas_token_read(text, &token)) {
        assert_memory_equal(&token, &before, sizeof token);
        return;
    }
    assert_true(feed_is_inside(token.sr, text) && feed_is_inside(token.sig, text) && feed_is_inside(token.skn, text));
    assert_true(token.sr.len && token.sig.len && token.se_s >= 0);
    assert_false(sas_token_is_signed_by(&token, key)); /* nobody knows it */
    (void)sas_scope_covers(token.sr, hosts, COUNT(hosts), id);
    assert_true(!sas_scope_is_hub(token.sr, hosts, COUNT(hosts)) || !sas_scope_covers(token.sr, hosts, 0, id));
    buf_init(&b, 0);
    buf_add(&b, STR("sharedACCESSsignature skn="));
    buf_add(&b, token.skn);
    buf_addf(&b, "&se=%" PRId64 "&sig=", token.se_s);
    buf_add(&b, token.sig);
    buf_add(&b, STR("&sr="));
    buf_add(&b, token.sr);
    assert_true(buf_ok(&b));
    assert_int_equal(sas_token_read(buf_view(&b), &again), RC_OK);
    assert_true(str_eq(token.sr, again.sr) && str_eq(token.sig, again.sig) && str_eq(token.skn, again.skn));
    assert_int_equal(token.se_s, again.se_s);
    buf_done(&b);
}

static void check_key(struct str text)
{
    char printed[SAS_KEY_TEXT_MAX];
    struct sas_key key, again;

    if (sas_key_read(text, &key))
        return;
    assert_true(key.len >= SAS_KEY_MIN && key.len <= SAS_KEY_MAX);
    sas_key_print(&key, printed);
    assert_int_equal(sas_key_read(str_from(printed), &again), RC_OK);
    assert_true(key_eq(&key, &again));
}

/* A token that we make is one that we take: for whom it was made, and nobody else. */
static void check_made(struct ident id, const struct sas_key *key, int64_t se_s)
{
    const struct ident device = {id.device, {NULL, 0}};
    char longer[IDENT_PART_MAX + 2];
    struct ident other = {{longer, id.device.len + 1}, {NULL, 0}};
    struct sas_key wrong = *key;
    struct sas_token token;
    struct buf b;

    buf_init(&b, 0);
    sas_token_make(&b, STR(HOST), &id, STR("policy"), key, se_s);
    assert_true(buf_ok(&b));
    assert_int_equal(sas_token_read(buf_view(&b), &token), RC_OK);
    assert_int_equal(token.se_s, se_s);
    assert_true(str_eq(token.skn, STR("policy")));
    assert_true(sas_token_is_signed_by(&token, key));
    wrong.bytes[0] ^= 1;
    assert_false(sas_token_is_signed_by(&token, &wrong));
    assert_true(sas_scope_covers(token.sr, hosts, COUNT(hosts), id));
    assert_false(sas_scope_covers(token.sr, hosts, 1, id));
    if (ident_is_module(id))
        assert_false(sas_scope_covers(token.sr, hosts, COUNT(hosts), device));
    (void)snprintf(longer, sizeof longer, "%.*sx", STR_FMT(id.device));
    other.module = id.module;
    assert_false(sas_scope_covers(token.sr, hosts, COUNT(hosts), other));
    assert_false(sas_scope_is_hub(token.sr, hosts, COUNT(hosts)));
    buf_done(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = fuzz_text(data, size), line = fuzz_line(&rest);
    struct sas_key key;
    struct ident id;

    if (ident_read(line, &id))
        id = (struct ident){STR("dev1"), STR("m")};
    sas_key_derive(STR("seed"), line, &key);
    assert_int_equal(key.len, 32);
    if (!rest.at)
        rest = STR("");
    check_made(id, &key, (int64_t)(rest.len * 1000003));
    check_token(rest, id, &key);
    check_key(rest);
    return 0;
}
