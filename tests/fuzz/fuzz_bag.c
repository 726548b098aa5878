/* fuzz_bag.c - the property bag of a message. Input: the bag. */
#include "fuzz.h"

#include "bag.h"

static void add_pairs(struct buf *b, const cJSON *object, bool is_system)
{
    const cJSON *member;

    cJSON_ArrayForEach(member, object)
    {
        const char *wire = is_system ? bag_wire_key(str_from(member->string)) : NULL;

        assert_true(cJSON_IsString(member) || cJSON_IsNull(member));
        assert_ptr_equal(json_get(object, member->string), member); /* no key comes twice */
        if (b->len)
            buf_add_char(b, '&');
        buf_add_percent(b, str_from(wire ? wire : member->string), STR(""));
        if (cJSON_IsNull(member))
            continue;
        buf_add_char(b, '=');
        buf_add_percent(b, str_from(member->valuestring), STR("/="));
    }
}

static void assert_same_text(const cJSON *a, const cJSON *b)
{
    char *one = json_text(a), *two = json_text(b);

    assert_non_null(one);
    assert_non_null(two);
    assert_string_equal(one, two);
    free(one);
    free(two);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str bag = fuzz_text(data, size);
    cJSON *system = NULL, *properties = NULL, *system_again = NULL, *properties_again = NULL;
    struct buf b;

    if (bag_read(bag, &system, &properties)) {
        assert_true(!system && !properties);
        return 0;
    }
    assert_null(json_get(system, "iothub-connection-device-id"));
    assert_null(json_get(system, "iothub-connection-module-id"));
    buf_init(&b, 0);
    add_pairs(&b, system, true);
    add_pairs(&b, properties, false);
    assert_true(buf_ok(&b));
    assert_int_equal(bag_read(buf_view(&b), &system_again, &properties_again), RC_OK);
    assert_same_text(system, system_again);
    assert_same_text(properties, properties_again);
    buf_done(&b);
    cJSON_Delete(system);
    cJSON_Delete(properties);
    cJSON_Delete(system_again);
    cJSON_Delete(properties_again);
    return 0;
}
