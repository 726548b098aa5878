/* test_sas.c - does sas.h keep its promises? The vectors were computed with other people's code. */
#include <stdio.h>

#include "fail_alloc.h"
#include "feed.h"
#include "sas.h"
#include "test.h"
#include "user_name.h"

#define KEY  "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=" /* "0123456789abcdef" twice */
#define KEY2 "ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=" /* "fedcba9876543210" twice */
#define H    "myhub.azure-devices.net"
#define SE   "1893456000"
#define SCH  "SharedAccessSignature "

static const struct {
    const char *sr, *sig, *skn;
} VECTORS[] = {
    {H "%2Fdevices%2Fdev1", "MLMb9mfGGKt00TL7mIqeMsK/9ViHgXLyY2kJs/BSm/M=", NULL},
    {H "%2fdevices%2fdev1", "1HsygLjwjl/C+5MkgPBGyzihQepx9Em5hEXZ3o8k7hI=", NULL},
    {H "/devices/dev1", "HenFdM/DE+vK7Pk3+y/jZAJe6lpy5tBLFv1x9HbW+Fs=", NULL},
    {H "%2Fdevices%2Fdev1%2Fmodules%2Fmod1", "/5aAET7149MkuqorgSzpJA6cvpvox9GNAQnyIYJXju4=", NULL},
    {H, "khSw3Hu42nfiGmvv0z8UfhaVjclOsrYKOsP3H0wMCJU=", "service"},
    {"0ne000AAAAA%2Fregistrations%2Fdev1", "Gj6ffCJE256jSCbPmHEpihQd3CFDCn5gyRQwtv1dL5k=", "registration"},
};

static struct sas_key key_of(const char *base64)
{
    struct sas_key key;

    assert_int_equal(sas_key_read(str_from(base64), &key), RC_OK);
    return key;
}

/* "SharedAccessSignature sr={sr}&sig={sig, escaped but for keep}&se=..[&skn=..]"; the caller frees. */
static char *token_text(const char *sr, const char *sig, const char *keep, const char *skn)
{
    struct buf text;

    buf_init(&text, 0);
    buf_addf(&text, SCH "sr=%s&sig=", sr);
    buf_add_percent(&text, str_from(sig), str_from(keep));
    buf_addf(&text, "&se=" SE "%s%s", skn ? "&skn=" : "", skn ? skn : "");
    return buf_take(&text, NULL);
}

static bool is_good(const char *text)
{
    struct sas_key key = key_of(KEY);
    struct sas_token token;
    char *copy = copy_exact(text, strlen(text));
    bool ok;

    assert_int_equal(sas_token_read(str_of(copy, strlen(text)), &token), RC_OK);
    assert_int_equal(token.se_s, 1893456000);
    ok = sas_token_is_signed_by(&token, &key);
    free(copy);
    return ok;
}

/* facts A-01, A-17: '/' may stand raw in sig, '+' too, and is no blank */
static void every_vector_validates_escaped_or_not(void **state)
{
    static const char *const keeps[] = {"", "/", "/+="};

    (void)state;
    for (size_t i = 0; i < COUNT(VECTORS); i++) {
        for (size_t k = 0; k < COUNT(keeps); k++) {
            char *text = token_text(VECTORS[i].sr, VECTORS[i].sig, keeps[k], VECTORS[i].skn);

            print_message("  %s\n", text);
            assert_true(is_good(text));
            free(text);
        }
    }
    /* lower-case escapes, as the C SDK writes them (facts C-03) */
    assert_true(
        is_good(SCH "sr=" H "/devices/dev1&sig=HenFdM%2fDE%2bvK7Pk3%2by%2fjZAJe6lpy5tBLFv1x9HbW%2bFs%3d&se=" SE));
    assert_false(is_good(SCH "sr=" H "/devices/dev1&sig=HenFdM/DE vK7Pk3 y/jZAJe6lpy5tBLFv1x9HbW Fs%3d&se=" SE));
}

/* facts A-02: what is signed is sr as it stands */
static void a_signature_of_one_spelling_is_none_of_another(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) { /* three spellings of one resource */
        for (size_t k = 0; k < 3; k++) {
            char *text = token_text(VECTORS[i].sr, VECTORS[k].sig, "", NULL);

            assert_int_equal(is_good(text), i == k);
            free(text);
        }
    }
}

/* facts A-03 and the order each client writes (C-03) */
static void fields_come_in_any_order_and_unknown_ones_are_ignored(void **state)
{
    static const char sr[] = "sr=" H, sig[] = "sig=khSw3Hu42nfiGmvv0z8UfhaVjclOsrYKOsP3H0wMCJU%3D";
    static const char se[] = "se=" SE, skn[] = "skn=service";
    const char *fields[] = {sr, sig, se, skn};

    (void)state;
    for (size_t i = 0; i < 256; i++) {
        size_t a = i & 3, b = i >> 2 & 3, c = i >> 4 & 3, d = i >> 6;
        struct sas_token token;
        char text[256];

        if (a == b || a == c || a == d || b == c || b == d || c == d)
            continue;
        (void)snprintf(text, sizeof text, SCH "%s&%s&x=1&%s&&%s", fields[a], fields[b], fields[c], fields[d]);
        assert_true(is_good(text));
        assert_int_equal(sas_token_read(str_from(text), &token), RC_OK);
        assert_true(str_eq(token.skn, STR("service")));
    }
}

static void a_field_given_twice_counts_as_first_given(void **state)
{
    (void)state;
    assert_true(is_good(SCH "sr=" H "&sig=khSw3Hu42nfiGmvv0z8UfhaVjclOsrYKOsP3H0wMCJU%3D&se=" SE "&sr=x&sig=y&se=1"));
}

static void an_empty_skn_counts_as_none(void **state)
{
    struct sas_token token;

    (void)state; /* the C SDK's upload and the agent's provisioning write it (C-03) */
    assert_int_equal(sas_token_read(STR(SCH "sr=h&sig=s&se=1&skn="), &token), RC_OK);
    assert_int_equal(token.skn.len, 0);
    assert_int_equal(sas_token_read(STR("sharedaccesssignature sr=h&sig=s&se=1"), &token), RC_OK);
    assert_int_equal(token.skn.len, 0);
}

static void what_is_no_token_is_refused_and_touches_nothing(void **state)
{
    static const char *const rows[] = {
        "",
        "SharedAccessSignature",
        SCH,
        "sr=h&sig=s&se=1",
        "Bearer sr=h&sig=s&se=1",
        SCH " sr=h&sig=s&se=1", /* a second blank: " sr" is no field of ours */
        "SharedAccessSignature\tsr=h&sig=s&se=1",
        SCH "sig=s&se=1",
        SCH "sr=h&se=1",
        SCH "sr=h&sig=s",
        SCH "sr=&sig=s&se=1",
        SCH "sr=h&sig=&se=1",
        SCH "sr=h&sig=s&se=",
        SCH "sr=h&sig=s&se",
        SCH "sr=h&sig=s&se=-1",
        SCH "sr=h&sig=s&se=1.5",
        SCH "sr=h&sig=s&se=soon",
        SCH "sr=h&sig=s&se=9223372036854775808",
        SCH "SR=h&SIG=s&SE=1",
    };
    struct sas_token token, before;

    (void)state;
    memset(&before, 0xA5, sizeof before);
    for (size_t i = 0; i < COUNT(rows); i++) {
        print_message("  %s\n", rows[i]);
        memcpy(&token, &before, sizeof token);
        assert_int_equal(sas_token_read(str_from(rows[i]), &token), RC_SYNTAX);
        assert_memory_equal(&token, &before, sizeof token);
    }
}

/* Turn any one character of a good token into another: it must not validate any more. */
static void no_changed_byte_validates(void **state)
{
    struct sas_key key = key_of(KEY);
    char *text = token_text(VECTORS[0].sr, VECTORS[0].sig, "/+=", NULL);

    (void)state;
    for (size_t i = sizeof SCH - 1; i < strlen(text); i++) {
        char kept = text[i];
        struct sas_token token;

        text[i] = kept == 'x' ? 'y' : 'x';
        if (sas_token_read(str_from(text), &token) == RC_OK)
            assert_false(sas_token_is_signed_by(&token, &key));
        text[i] = kept;
    }
    assert_true(is_good(text));
    free(text);
}

/* facts A-08 as far as it is a matter of keys */
static void another_key_or_none_signs_nothing(void **state)
{
    const struct sas_key wrong = key_of(KEY2), none = {.len = 0};
    char *text = token_text(VECTORS[0].sr, VECTORS[0].sig, "", NULL);
    struct sas_token token;

    (void)state;
    assert_int_equal(sas_token_read(str_from(text), &token), RC_OK);
    assert_false(sas_token_is_signed_by(&token, &wrong));
    assert_false(sas_token_is_signed_by(&token, &none));
    free(text);
}

static void a_signature_of_another_length_is_none(void **state)
{
    (void)state;
    assert_false(is_good(SCH "sr=" H "&sig=khSw3Hu42nfiGmvv0z8UfhaVjclOsrYKOsP3H0wMCJU&se=" SE));
    assert_false(is_good(SCH "sr=" H "&sig=khSw&se=" SE));
    assert_false(is_good(SCH "sr=" H "&sig=%3D%3D%3D%3D&se=" SE));
    assert_false(is_good(SCH "sr=" H "&sig=khSw3Hu42nfiGmvv0z8UfhaVjclOsrYKOsP3H0wMCJUA&se=" SE)); /* 33 bytes */
    assert_false(is_good(
        SCH "sr=" H "&sig=khSw3Hu42nfiGmvv0z8UfhaVjclOsrYKOsP3H0wMCJUkhSw3Hu42nfiGmvv0z8UfhaVjclOsrY%3D&se=" SE));
}

static void keys_are_base64_of_16_to_64_bytes(void **state)
{
    static const char *const syntax[] = {"====",
                                         "A===",
                                         "AAA",
                                         "AAAA AAAAAAAAAAAAAAAAAAA",
                                         "AAAAAAAAAAAAAAAAAAAAA-==",
                                         "AAAAAAAAAAAAAAAAAAAA=A==",
                                         "AAAAAAAAAAAAAAAAAAAAAA"};
    char text[SAS_KEY_TEXT_MAX], printed[SAS_KEY_TEXT_MAX];
    struct sas_key key = {.len = 0}, got;

    (void)state;
    for (size_t i = 0; i < sizeof key.bytes; i++)
        key.bytes[i] = (unsigned char)(i * 37);
    for (size_t len = 1; len <= SAS_KEY_MAX; len++) {
        char *copy;

        key.len = len;
        sas_key_print(&key, text);
        assert_int_equal(strlen(text), (len + 2) / 3 * 4);
        copy = copy_exact(text, strlen(text));
        assert_int_equal(sas_key_read(str_of(copy, strlen(text)), &got), len < SAS_KEY_MIN ? RC_LIMIT : RC_OK);
        free(copy);
        if (len < SAS_KEY_MIN)
            continue;
        assert_int_equal(got.len, len);
        assert_memory_equal(got.bytes, key.bytes, len);
        sas_key_print(&got, printed);
        assert_string_equal(printed, text);
    }
    key.len = 0;
    sas_key_print(&key, text);
    assert_string_equal(text, "");

    memset(&got, 0xA5, sizeof got);
    key = got;
    for (size_t i = 0; i < COUNT(syntax); i++)
        assert_int_equal(sas_key_read(str_from(syntax[i]), &got), RC_SYNTAX);
    assert_int_equal(sas_key_read(STR(""), &got), RC_LIMIT);
    memset(text, 'A', 88);
    assert_int_equal(sas_key_read(str_of(text, 88), &got), RC_LIMIT); /* 66 bytes */
    assert_int_equal(
        sas_key_read(STR("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
                         "AAAAAAAAAAAA"),
                     &got),
        RC_LIMIT);
    assert_memory_equal(&got, &key, sizeof got);
}

/* Well-known keys are printed in the documents: they may never change. RFC 4231, case 2, fixes the algorithm. */
static void a_derived_key_is_the_hmac_of_its_text_for_ever(void **state)
{
    static const unsigned char want[] = {0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e, 0x6a, 0x04, 0x24,
                                         0x26, 0x08, 0x95, 0x75, 0xc7, 0x5a, 0x00, 0x3f, 0x08, 0x9d, 0x27,
                                         0x39, 0x83, 0x9d, 0xec, 0x58, 0xb9, 0x64, 0xec, 0x38, 0x43};
    struct sas_key key, other;

    (void)state;
    sas_key_derive(STR("Jefe"), STR("what do ya want for nothing?"), &key);
    assert_int_equal(key.len, sizeof want);
    assert_memory_equal(key.bytes, want, sizeof want);
    sas_key_derive(STR("Jefe"), STR("what do ya want for nothing!"), &other);
    assert_memory_not_equal(key.bytes, other.bytes, sizeof want);
    sas_key_derive(STR(""), str_of(NULL, 0), &other); /* empty is fine */
    assert_int_equal(other.len, sizeof want);
}

static bool covers(const char *sr, const char *device, const char *module)
{
    static const char *const names[] = {H, "127.0.0.9"};
    const struct str hosts[] = {str_from(names[0]), str_from(names[1])};
    char *copy = copy_exact(sr, strlen(sr));
    bool yes = sas_scope_covers(str_of(copy, strlen(sr)), hosts, COUNT(hosts),
                                (struct ident){str_from(device), str_from(module)});

    free(copy);
    return yes;
}

/* facts A-05, A-06, C-03: Go signs the bare host with the device's key, and the prefix rule lets it in */
static void a_scope_covers_by_whole_segments(void **state)
{
    static const struct {
        const char *sr, *device, *module;
        bool yes;
    } rows[] = {
        {H, "dev1", NULL, true},
        {H, "dev1", "mod1", true},
        {"127.0.0.9%2Fdevices%2Fdev1", "dev1", NULL, true},
        {"MYHUB.azure-devices.NET/devices/dev1", "dev1", NULL, true},
        {H ":8883/devices/dev1", "dev1", NULL, true},
        {H "%3A8883%2Fdevices%2Fdev1", "dev1", NULL, true},
        {H "/devices", "dev1", NULL, true},
        {H "%2Fdevices", "dev1", "mod1", true},
        {H "%2Fdevices%2Fdev1", "dev1", NULL, true},
        {H "%2fdevices%2fdev1", "dev1", NULL, true},
        {H "/devices/dev1", "dev1", NULL, true},
        {H "/devices/dev1", "dev1", "mod1", true},
        {H "/devices/dev1/modules", "dev1", "mod1", true},
        {H "/devices/dev1/modules/mod1", "dev1", "mod1", true},
        {H "%2Fdevices%2Fdev1%2Fmodules%2Fmod1", "dev1", "mod1", true},
        {H "/devices/dev1/", "dev1", NULL, true},
        {H "/devices/dev1/api-version=2016-11-14", "dev1", NULL, true},
        {H "%2Fdevices%2Fdev1%2F%3Fapi-version%3D2016-11-14", "dev1", NULL, true},
        {H "/devices/DEV1", "dev1", NULL, true},

        {H "/devices/dev1", "dev10", NULL, false},
        {H "/devices/dev10", "dev1", NULL, false},
        {H "/devices/dev1", "dev", NULL, false},
        {H "/devices/dev2", "dev1", NULL, false},
        {H "/device", "dev1", NULL, false},
        {H "/devicesdev1", "dev1", NULL, false},
        {H "/devices/dev1/modules/mod1", "dev1", NULL, false}, /* a module's token is not its device's */
        {H "/devices/dev1/modules/mod1", "dev1", "mod10", false},
        {H "/devices/dev1/modules/mod2", "dev1", "mod1", false},
        {H "/devices/dev1/modules/mod1/x", "dev1", "mod1", false},
        {H "/devices/dev1/messages/events", "dev1", NULL, false},
        {H "/devices//modules/mod1", "dev1", "mod1", false},
        {H "/devices/dev1/api-version=1/x", "dev1", NULL, false},
        {H "/devices/api-version=1", "dev1", NULL, false}, /* an id's place */
        {"/devices/dev1", "dev1", NULL, false},
        {"", "dev1", NULL, false},
        {"/", "dev1", NULL, false},
        {"devices/dev1", "dev1", NULL, false},
        {"other.azure-devices.net/devices/dev1", "dev1", NULL, false},
        {H ".evil.example/devices/dev1", "dev1", NULL, false},
        {H ":port/devices/dev1", "dev1", NULL, false},
        {H ":70000/devices/dev1", "dev1", NULL, false},
        {"https://" H "/devices/dev1", "dev1", NULL, false},
        {H "/twins/dev1", "dev1", NULL, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        print_message("  %s for %s/%s\n", rows[i].sr, rows[i].device, rows[i].module ? rows[i].module : "");
        assert_int_equal(covers(rows[i].sr, rows[i].device, rows[i].module), rows[i].yes);
    }
    assert_false(sas_scope_covers(STR(H), NULL, 0, (struct ident){STR("dev1"), STR("")}));
    assert_false(sas_scope_covers(STR("/devices/dev1"), (const struct str[]){STR("")}, 1,
                                  (struct ident){STR("dev1"), STR("")})); /* a host without a name is nobody's */
}

/* facts A-16: raw (C SDK), encoded (most), and the id encoded before the whole (C#, embedded) */
static void odd_ids_are_covered_raw_encoded_and_encoded_twice(void **state)
{
    static const char *const ids[] = {"dev=1", "o'neil",  "a(b)",     "100%",   "50%25", "a%2Fb",
                                      "x#y",   "me@home", "d:1;2,3*", "$edge!", "?q=1",  "%41%zz%"};
    const struct str host = STR(H);

    (void)state;
    for (size_t i = 0; i < COUNT(ids); i++) {
        struct ident id = {.device = str_from(ids[i]), .module = str_from(ids[i])};
        struct buf raw, once, twice, part;

        print_message("  %s\n", ids[i]);
        assert_true(ident_part_is_valid(id.device));
        buf_init(&raw, 0);
        buf_init(&once, 0);
        buf_init(&twice, 0);
        buf_init(&part, 0);
        buf_addf(&raw, H "/devices/%s/modules/%s", ids[i], ids[i]);
        buf_add_percent(&once, buf_view(&raw), STR(""));
        buf_add_percent(&part, id.device, STR(""));
        buf_addf(&twice, H "/devices/%s/modules/%s", part.at, part.at);
        assert_true(sas_scope_covers(buf_view(&raw), &host, 1, id));
        assert_true(sas_scope_covers(buf_view(&once), &host, 1, id));
        assert_true(sas_scope_covers(buf_view(&twice), &host, 1, id));
        buf_reset(&raw);
        buf_add_percent(&raw, buf_view(&twice), STR(""));
        assert_true(sas_scope_covers(buf_view(&raw), &host, 1, id));
        id.device = STR("another");
        assert_false(sas_scope_covers(buf_view(&raw), &host, 1, id));
        assert_false(sas_scope_covers(buf_view(&once), &host, 1, id));
        buf_done(&raw);
        buf_done(&once);
        buf_done(&twice);
        buf_done(&part);
    }
}

static void the_hubs_own_scope_is_the_bare_host(void **state)
{
    const struct str hosts[] = {STR("127.0.0.9"), STR(H)};

    (void)state;
    assert_true(sas_scope_is_hub(STR(H), hosts, COUNT(hosts)));
    assert_true(sas_scope_is_hub(STR("MyHub.Azure-Devices.Net"), hosts, COUNT(hosts)));
    assert_true(sas_scope_is_hub(STR("127.0.0.9:443"), hosts, COUNT(hosts)));
    assert_true(sas_scope_is_hub(STR("127.0.0.9%3a443"), hosts, COUNT(hosts)));
    assert_false(sas_scope_is_hub(STR(H "/devices"), hosts, COUNT(hosts)));
    assert_false(sas_scope_is_hub(STR(H "%2Fdevices%2Fdev1"), hosts, COUNT(hosts)));
    assert_false(sas_scope_is_hub(STR("other"), hosts, COUNT(hosts)));
    assert_false(sas_scope_is_hub(STR(""), hosts, COUNT(hosts)));
    assert_false(sas_scope_is_hub(STR(H), hosts, 0));
    assert_false(sas_scope_is_hub(STR(""), (const struct str[]){STR("")}, 1));
}

static void a_made_token_is_the_vector_byte_for_byte(void **state)
{
    const struct ident device = {STR("dev1"), STR("")}, module = {STR("dev1"), STR("mod1")};
    const struct {
        size_t vector;
        const struct ident *id;
    } rows[] = {{0, &device}, {3, &module}, {4, NULL}};
    const struct sas_key key = key_of(KEY);

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        size_t v = rows[i].vector;
        char *want = token_text(VECTORS[v].sr, VECTORS[v].sig, "", VECTORS[v].skn);
        struct buf got;

        buf_init(&got, 0);
        sas_token_make(&got, STR(H), rows[i].id, str_from(VECTORS[v].skn), &key, 1893456000);
        assert_true(buf_ok(&got));
        assert_string_equal(got.at, want);
        buf_done(&got);
        free(want);
    }
}

static void a_made_token_is_signed_and_covers_who_it_was_made_for(void **state)
{
    const struct sas_key key = key_of(KEY2);
    const struct ident id = {STR("50%25=a?'"), STR("$m(1)#")};
    const struct str host = STR("127.0.0.9:8883"), bare = STR("127.0.0.9");
    struct sas_token token;
    struct buf text;

    (void)state;
    buf_init(&text, 0);
    sas_token_make(&text, host, &id, STR("my policy&co"), &key, INT64_MAX);
    assert_int_equal(sas_token_read(buf_view(&text), &token), RC_OK);
    assert_true(sas_token_is_signed_by(&token, &key));
    assert_true(sas_scope_covers(token.sr, &bare, 1, id));
    assert_true(str_eq(token.skn, STR("my%20policy%26co")));
    assert_true(token.se_s == INT64_MAX);
    buf_done(&text);
}

static void making_without_a_key_or_room_shows_in_the_buffer(void **state)
{
    const struct sas_key none = {.len = 0}, key = key_of(KEY);
    struct buf out;

    (void)state;
    buf_init(&out, 0);
    sas_token_make(&out, STR(H), NULL, STR(""), &none, 1);
    assert_int_equal(out.rc, RC_NOMEM);
    buf_done(&out);
    buf_init(&out, 30);
    sas_token_make(&out, STR(H), NULL, STR(""), &key, 1);
    assert_int_equal(out.rc, RC_LIMIT);
    buf_done(&out);
}

/* Out of memory never lets anybody in. */
static void no_failed_allocation_makes_a_token_good(void **state)
{
    const struct ident id = {STR("dev=1"), STR("")};
    const struct sas_key key = key_of(KEY), wrong = key_of(KEY2);
    const struct str host = STR(H);
    struct sas_token token;
    struct buf text;
    bool is_signed = false, is_covered = false;

    (void)state;
    buf_init(&text, 0);
    sas_token_make(&text, host, &id, STR(""), &key, 1893456000);
    assert_int_equal(sas_token_read(buf_view(&text), &token), RC_OK);
    for (long n = 0; !is_signed || !is_covered; n++) {
        const struct ident other = {STR("dev=2"), STR("")};
        struct buf out;

        assert_true(n < 100);
        fail_alloc_after(n);
        is_signed = sas_token_is_signed_by(&token, &key);
        fail_alloc_after(n);
        is_covered = sas_scope_covers(token.sr, &host, 1, id);
        fail_alloc_after(n);
        assert_false(sas_token_is_signed_by(&token, &wrong));
        fail_alloc_after(n);
        assert_false(sas_scope_covers(token.sr, &host, 1, other));
        fail_alloc_after(n);
        buf_init(&out, 0);
        sas_token_make(&out, host, &id, STR(""), &key, 1893456000);
        fail_alloc_never();
        assert_true(!buf_ok(&out) || str_eq(buf_view(&out), buf_view(&text)));
        assert_true(n > 0 || (!is_signed && !is_covered && out.rc == RC_NOMEM));
        buf_done(&out);
    }
    buf_done(&text);
}

/* Bytes from a network: whatever they are, they sign nothing with a key they were not made with. */
static void read_any(struct str text)
{
    const struct str host = STR(H);
    struct sas_token token, before;
    struct sas_key key;

    memset(&before, 0xA5, sizeof before);
    memcpy(&token, &before, sizeof token);
    if (sas_token_read(text, &token)) {
        assert_memory_equal(&token, &before, sizeof token);
        return;
    }
    assert_true(token.sr.len > 0 && feed_is_inside(token.sr, text) && feed_is_inside(token.sig, text));
    assert_true(feed_is_inside(token.skn, text) && token.se_s >= 0);
    sas_key_derive(STR("not"), STR("the key"), &key);
    assert_false(sas_token_is_signed_by(&token, &key));
    (void)sas_scope_covers(token.sr, &host, 1, (struct ident){STR("d%2F"), STR("m")});
    (void)sas_scope_is_hub(token.sr, &host, 1);
}

static void key_any(struct str text)
{
    struct sas_key key;

    if (sas_key_read(text, &key) == RC_OK)
        assert_in_range(key.len, SAS_KEY_MIN, SAS_KEY_MAX);
}

static void scope_any(struct str text)
{
    const struct str host = STR("h");

    (void)sas_scope_covers(text, &host, 1, (struct ident){STR("d%2F"), STR("m")});
    assert_false(sas_scope_covers(text, &host, 1, (struct ident){STR("other"), STR("m")}) &&
                 sas_scope_covers(text, &host, 1, (struct ident){STR("another"), STR("m")}) &&
                 str_starts(text, STR("h/devices/d")) && str_ends(text, STR("/modules/m")));
}

static void any_bytes_are_refused_or_sign_nothing(void **state)
{
    char *good = token_text(H "%2Fdevices%2Fdev1", VECTORS[0].sig, "", "device");

    (void)state;
    feed_prefixes(str_from(good), read_any);
    feed_mutations(str_from(good), read_any);
    feed_prefixes(STR(KEY), key_any);
    feed_mutations(STR(KEY), key_any);
    feed_prefixes(STR("h/devices/d%252F/modules/m/api-version=1"), scope_any);
    feed_mutations(STR("h%2Fdevices%2Fd%252F%2Fmodules%2Fm"), scope_any);
    free(good);
}

static void a_text_loses_the_secret_that_stands_in_it(void **state)
{
    static const struct {
        const char *text, *left;
    } rows[] = {
        {"", ""},
        {"host/dev/?api-version=1", "host/dev/?api-version=1"},
        {"SharedAccessSignature sr=x&sig=abc%3D&se=1", "SharedAccessSignature sr=x&sig="},
        {"HostName=x;SharedAccessKeyName=p;sharedaccesskey=abc=;DeviceId=d",
         "HostName=x;SharedAccessKeyName=p;sharedaccesskey="},
        {"SIG=", "SIG="},
        {"sig", "sig"},
        {"SharedAccessKey", "SharedAccessKey"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char *exact = copy_exact(rows[i].text, strlen(rows[i].text));

        assert_true(str_eq(sas_without_secret(str_of(exact, strlen(rows[i].text))), str_from(rows[i].left)));
        free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_vector_validates_escaped_or_not),
        cmocka_unit_test(a_signature_of_one_spelling_is_none_of_another),
        cmocka_unit_test(fields_come_in_any_order_and_unknown_ones_are_ignored),
        cmocka_unit_test(a_field_given_twice_counts_as_first_given),
        cmocka_unit_test(an_empty_skn_counts_as_none),
        cmocka_unit_test(what_is_no_token_is_refused_and_touches_nothing),
        cmocka_unit_test(no_changed_byte_validates),
        cmocka_unit_test(another_key_or_none_signs_nothing),
        cmocka_unit_test(a_signature_of_another_length_is_none),
        cmocka_unit_test(keys_are_base64_of_16_to_64_bytes),
        cmocka_unit_test(a_derived_key_is_the_hmac_of_its_text_for_ever),
        cmocka_unit_test(a_scope_covers_by_whole_segments),
        cmocka_unit_test(odd_ids_are_covered_raw_encoded_and_encoded_twice),
        cmocka_unit_test(the_hubs_own_scope_is_the_bare_host),
        cmocka_unit_test(a_made_token_is_the_vector_byte_for_byte),
        cmocka_unit_test(a_made_token_is_signed_and_covers_who_it_was_made_for),
        cmocka_unit_test(making_without_a_key_or_room_shows_in_the_buffer),
        cmocka_unit_test(no_failed_allocation_makes_a_token_good),
        cmocka_unit_test(a_text_loses_the_secret_that_stands_in_it),
        cmocka_unit_test(any_bytes_are_refused_or_sign_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
