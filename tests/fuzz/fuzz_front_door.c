/* fuzz_front_door.c - what comes over the gateway's socket. Input: a user name, and in the second line a report. */
#include "fuzz.h"

#include "front_door.h"

static void check_user_name(struct str text)
{
    struct front_door door, before;

    memset(&before, 0xA5, sizeof before);
    memcpy(&door, &before, sizeof door);
    if (front_door_read(text, &door)) {
        assert_memory_equal(&door, &before, sizeof door);
        return;
    }
    if (door.is_self)
        return;
    assert_true(door.keep_alive_s >= 0 && door.keep_alive_s <= 65535);
    assert_true(door.will_qos >= 0 && door.will_qos <= 2);
    assert_true(feed_is_inside(door.user_name, text) && feed_is_inside(door.peer, text) &&
                feed_is_inside(door.will_topic, text));
    assert_true(door.user_name.at == text.at + text.len - door.user_name.len); /* all the rest is the client's */
    assert_true(str_find(door.peer, ' ') == door.peer.len && str_find(door.will_topic, ' ') == door.will_topic.len);
}

static void check_report(struct str text)
{
    struct report r;
    uint64_t tag;

    if (report_read(text, &r))
        return;
    assert_true(r.kind == REPORT_WILL || r.payload.len == 0);
    assert_true(r.qos >= 0 && r.qos <= 2);
    while (report_next_tag(&r, &tag))
        assert_int_equal(r.kind, REPORT_PUBACK);
    report_done(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = fuzz_text(data, size), user_name = fuzz_line(&rest);

    check_user_name(user_name);
    if (rest.at)
        check_report(rest);
    return 0;
}
