/* test_message_laws.c - random messages in a random life of their devices. None is lost, none comes twice on one connection, none ends early.
 *
 * A simple model says which messages wait for whom, in which order, and which are on their way. Whatever happens (connections, takeovers,
 * subscriptions, PUBACKs right, wrong, late and twice, purges, deletions, time, restarts, turns that cannot be stored): a device hears
 * exactly what the model says, in its order, at most 16 unacknowledged; a message ends once, by its PUBACK on the live connection, by its
 * time, or by a purge; and the hub counts what the model counts. Seeded (seed.h).
 */
#include <stdio.h>
#include <stdlib.h>

#include "hub_world.h"
#include "seed.h"

#define STEPS    400
#define ROUNDS   12
#define WINDOW   16
#define MESSAGES 2000

static const char *const names[] = {"d1", "d1/m", "d2"};
static const char *const filters[] = {"devices/d1/messages/devicebound/#", "devices/d1/modules/m/#",
                                      "devices/+/messages/devicebound/#"};
#define WHO COUNT(names)

struct letter {
    size_t who;
    uint64_t number;
    int64_t expires_us;
    bool is_waiting, is_out;
};

struct play {
    struct world w;
    struct conn conn[WHO], older[WHO];
    bool is_there[WHO], is_listening[WHO];
    bool is_kept[WHO]; /* what it listens to outlives its connection */
    struct letter letters[MESSAGES];
    size_t n_letters;
    uint64_t random;
};

static size_t dice(struct play *p, size_t n)
{
    return seed_random(&p->random, n);
}

static size_t who_is(const char *id)
{
    for (size_t who = 0; who < WHO; who++)
        if (strcmp(names[who], id) == 0)
            return who;
    fail_msg("a message to nobody: %s", id);
    return 0;
}

static size_t count(const struct play *p, size_t who, bool only_out)
{
    size_t sum = 0;

    for (size_t n = 0; n < p->n_letters; n++)
        sum += p->letters[n].who == who && p->letters[n].is_waiting && (p->letters[n].is_out || !only_out);
    return sum;
}

static struct letter *letter_of(struct play *p, uint64_t number)
{
    for (size_t n = 0; n < p->n_letters; n++)
        if (p->letters[n].number == number)
            return &p->letters[n];
    fail_msg("a message that nobody sent: %d", (int)number);
    return NULL;
}

/* It must be the first that waits and is not on its way. */
static void hear(struct play *p, const struct out *o)
{
    size_t who = who_is(o->to), n = 0;

    assert_true(p->is_there[who] && p->is_listening[who]);
    assert_int_equal(o->conn, p->conn[who].no);
    while (n < p->n_letters && (p->letters[n].who != who || !p->letters[n].is_waiting || p->letters[n].is_out))
        n++;
    assert_true(n < p->n_letters);
    assert_int_equal(p->letters[n].number, o->tag);
    assert_true(p->letters[n].expires_us > p->w.now.us);
    p->letters[n].is_out = true;
    assert_true(count(p, who, true) <= WINDOW);
}

/* In the order in which it happened: a PUBACK makes room, then the next leaves. result: how a message may end in this turn. */
static void look(struct play *p, const char *result)
{
    for (size_t n = 0; n < p->w.out.len; n++) {
        const struct out *o = &p->w.out.at[n];
        cJSON *event;

        if (o->kind == OUT_PUBLISH && strstr(o->topic, "/devicebound/"))
            hear(p, o);
        if (o->kind != OUT_EVENT || !strstr(o->topic, "/message-settled"))
            continue;
        event = world_read(&p->w, o->body);
        if (strcmp(json_word(event, "result"), "expired") == 0) {
            struct letter *l = letter_of(p, (uint64_t)json_number(event, "sequenceNumber"));

            assert_true(l->is_waiting && !l->is_out && l->expires_us <= p->w.now.us);
            l->is_waiting = false;
        } else {
            assert_string_equal(json_word(event, "result"), result);
            assert_true(letter_of(p, (uint64_t)json_number(event, "sequenceNumber"))->is_waiting);
            letter_of(p, (uint64_t)json_number(event, "sequenceNumber"))->is_waiting = false;
        }
    }
    for (size_t who = 0; who < WHO; who++) /* nobody who listens is kept waiting */
        if (p->is_there[who] && p->is_listening[who])
            assert_true(count(p, who, true) == WINDOW || count(p, who, true) == count(p, who, false));
    world_forget(&p->w);
}

static void nobody_is_out(struct play *p, size_t who)
{
    for (size_t n = 0; n < p->n_letters; n++)
        if (p->letters[n].who == who)
            p->letters[n].is_out = false;
}

static void send(struct play *p)
{
    size_t who = dice(p, WHO);
    int64_t seconds = 1 + (int64_t)dice(p, 60);
    struct request r = {.kind = REQUEST_COMMAND, .conn = &p->w.owner};
    char text[256];
    cJSON *event = NULL;

    (void)snprintf(text, sizeof text, "{'command':'message.send',%s,'body':%zu,'ack':'full','timeToLive':'%ds'}",
                   world_ids(&p->w, names[who]), p->n_letters, (int)seconds);
    r.command = world_json(&p->w, text);
    assert_int_equal(world_turn(&p->w, &r), HUB_SWALLOW);
    for (size_t n = 0; n < p->w.out.len; n++)
        if (p->w.out.at[n].kind == OUT_EVENT && strstr(p->w.out.at[n].topic, "/message-queued"))
            event = world_read(&p->w, p->w.out.at[n].body);
    if (event) {
        assert_true(p->n_letters < MESSAGES);
        p->letters[p->n_letters++] = (struct letter){.who = who,
                                                     .number = (uint64_t)json_number(event, "sequenceNumber"),
                                                     .expires_us = p->w.now.us + seconds * WORLD_SECOND,
                                                     .is_waiting = true};
        assert_true(count(p, who, false) <= 50);
    }
    look(p, "none");
}

static void come_or_go(struct play *p)
{
    size_t who = dice(p, WHO);
    struct login login = {.is_clean = dice(p, 3) == 0, .has_gateway = true};

    nobody_is_out(p, who);
    p->older[who] = p->conn[who];
    if (p->is_there[who] && dice(p, 2)) {
        p->is_there[who] = false;
        world_end(&p->w, &p->conn[who], ENDED_ERROR);
    } else { /* perhaps a takeover */
        p->is_listening[who] = p->is_listening[who] && p->is_kept[who] && !login.is_clean;
        p->is_kept[who] = !login.is_clean;
        p->is_there[who] = true;
        assert_int_equal(world_login(&p->w, &p->conn[who], names[who], &login), HUB_ACCEPT);
    }
    look(p, "none");
}

static void listen_or_not(struct play *p)
{
    size_t who = dice(p, WHO);

    if (!p->is_there[who])
        return;
    p->is_listening[who] = dice(p, 4) > 0;
    assert_int_equal(p->is_listening[who] ? world_subscribe(&p->w, &p->conn[who], filters[who], 1)
                                          : world_unsubscribe(&p->w, &p->conn[who], filters[who]),
                     HUB_ACCEPT);
    look(p, "none");
}

/* Of one that is on its way or not, by its device or another, on the live connection or one before it; perhaps in a turn that is lost. */
static void acknowledge(struct play *p)
{
    const struct letter *l = p->n_letters ? &p->letters[dice(p, p->n_letters)] : NULL;
    size_t who = l && dice(p, 8) ? l->who : dice(p, WHO);
    bool is_late = dice(p, 6) == 0, is_right;
    struct request r = {.kind = REQUEST_PUBACK, .conn = is_late ? &p->older[who] : &p->conn[who]};

    if (!l || !p->is_there[who] || !r.conn->no)
        return;
    r.tag = l->number;
    is_right = !is_late && l->who == who && l->is_waiting && l->is_out;
    if (is_right && dice(p, 10) == 0) {
        world_begin(&p->w);
        assert_int_equal(world_decide(&p->w, &r), HUB_SWALLOW);
        world_fail(&p->w);
        p->is_there[who] = false; /* an adapter closes it */
        nobody_is_out(p, who);
        return;
    }
    assert_int_equal(world_turn(&p->w, &r), HUB_SWALLOW);
    assert_int_equal(world_count_events(&p->w, "message-settled"), is_right);
    look(p, "completed");
}

static void pass(struct play *p)
{
    world_pass(&p->w, 1 + (int64_t)dice(p, 6));
    (void)world_tick(&p->w);
    look(p, "none");
    for (size_t n = 0; n < p->n_letters; n++)
        assert_true(!p->letters[n].is_waiting || p->letters[n].is_out || p->letters[n].expires_us > p->w.now.us);
}

/* What came back in a turn that failed may be over: it expires before anything else happens to it. */
static size_t overdue(const struct play *p, size_t who)
{
    size_t sum = 0;

    for (size_t n = 0; n < p->n_letters; n++)
        sum += p->letters[n].who == who && p->letters[n].is_waiting && !p->letters[n].is_out &&
               p->letters[n].expires_us <= p->w.now.us;
    return sum;
}

static void throw_away(struct play *p)
{
    size_t who = dice(p, WHO), had = count(p, who, false) - overdue(p, who);
    cJSON *body;

    if (dice(p, 6))
        return;
    body = world_ask(&p->w, "message.purge", "%s", world_ids(&p->w, names[who]));
    assert_int_equal(json_number(body, "totalMessagesPurged"), had);
    look(p, "purged");
    assert_int_equal(count(p, who, false), 0);
}

static void make_anew(struct play *p)
{
    struct request r = {.kind = REQUEST_COMMAND, .conn = &p->w.owner};

    if (dice(p, 8))
        return;
    r.command = world_json(&p->w, "{'command':'module.delete','deviceId':'d1','moduleId':'m'}");
    assert_int_equal(world_turn(&p->w, &r), HUB_SWALLOW);
    assert_int_equal(world_count_events(&p->w, "message-settled"), 0);
    for (size_t n = 0; n < p->n_letters; n++)
        if (p->letters[n].who == 1)
            p->letters[n].is_waiting = false;
    p->is_there[1] = p->is_listening[1] = false;
    look(p, "none");
    world_create(&p->w, "d1/m");
    world_forget(&p->w);
}

static void start_anew(struct play *p)
{
    if (dice(p, 6))
        return;
    world_restart(&p->w);
    for (size_t who = 0; who < WHO; who++) {
        p->is_there[who] = false;
        nobody_is_out(p, who);
    }
    world_forget(&p->w);
}

static void compare(struct play *p)
{
    for (size_t who = 0; who < WHO; who++)
        assert_int_equal(json_number(world_twin(&p->w, names[who]), "cloudToDeviceMessageCount"), count(p, who, false));
    world_forget(&p->w);
}

static void one_life(uint64_t seed)
{
    static void (*const steps[])(struct play *) = {
        send,        send,        send, send,        come_or_go, listen_or_not, listen_or_not, acknowledge,
        acknowledge, acknowledge, pass, acknowledge, throw_away, make_anew,     start_anew,    acknowledge};
    struct play *p = calloc(1, sizeof *p);

    assert_non_null(p);
    p->random = seed_state(seed);
    world_init(&p->w);
    for (size_t who = 0; who < WHO; who++)
        world_create(&p->w, names[who]);
    for (size_t n = 0; n < STEPS; n++) {
        steps[dice(p, COUNT(steps))](p);
        if (n % 16 == 0)
            compare(p);
    }
    compare(p);
    world_check(&p->w);
    world_done(&p->w);
    free(p);
}

static void no_message_is_lost_or_comes_twice_or_ends_early(void **state)
{
    (void)state;
    seed_each(ROUNDS, one_life);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(no_message_is_lost_or_comes_twice_or_ends_early)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
