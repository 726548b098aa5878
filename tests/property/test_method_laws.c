/* test_method_laws.c - random calls in a random life of their devices. Every call is answered once, and in time.
 *
 * Whatever happens (connections, takeovers, subscriptions, answers right, wrong, late and twice, deletions, time), the hub is valid after
 * every turn (world_commit), a call is answered exactly once, at the latest when its two time-outs are over, a device hears it at most
 * once and only while it listens, and what the service hears is what the device said first. Seeded (seed.h).
 */
#include <stdio.h>
#include <stdlib.h>

#include "hub_world.h"
#include "seed.h"

#define STEPS  300
#define ROUNDS 12
#define CALLS  (STEPS + 1)

static const char *const names[] = {"d1", "d1/m", "d2"};
#define WHO COUNT(names)

struct call {
    size_t who;
    int64_t latest_us; /* mono: it is answered by then */
    bool is_over, was_heard;
    char rid[32];
    int said; /* status of the device's first answer; 0: none yet */
};

struct play {
    struct world w;
    struct conn conn[WHO];
    bool is_there[WHO], is_listening[WHO]; /* listening: subscribed, be it there or not */
    struct call calls[CALLS];
    size_t n_calls;
    uint64_t random;
};

static size_t dice(struct play *p, size_t n)
{
    return seed_random(&p->random, n);
}

static struct call *heard_as(struct play *p, const char *rid)
{
    for (size_t n = 0; n < p->n_calls; n++)
        if (p->calls[n].was_heard && strcmp(p->calls[n].rid, rid) == 0)
            return &p->calls[n];
    return NULL;
}

/* The oldest call to that one that has not been heard: they are sent in their order. */
static struct call *next_call(struct play *p, size_t who)
{
    for (size_t n = 0; n < p->n_calls; n++)
        if (p->calls[n].who == who && !p->calls[n].was_heard && !p->calls[n].is_over)
            return &p->calls[n];
    return NULL;
}

static void hear(struct play *p, const struct out *o)
{
    const char *rid = strstr(o->topic, "?$rid=");
    struct call *c = NULL;

    for (size_t who = 0; who < WHO; who++)
        if (strcmp(names[who], o->to) == 0) {
            assert_true(p->is_there[who] && p->is_listening[who]);
            c = next_call(p, who);
        }
    assert_non_null(rid);
    assert_non_null(c);
    if (!c) /* for the analyzer, which does not know that this never returns */
        return;
    assert_null(heard_as(p, rid + 6));
    c->was_heard = true;
    (void)snprintf(c->rid, sizeof c->rid, "%s", rid + 6);
}

static void end_call(struct play *p, const struct out *o)
{
    struct call *c = &p->calls[o->ticket - 1];
    cJSON *response = world_read(&p->w, o->body);

    assert_true(o->ticket >= 1 && o->ticket <= p->n_calls);
    assert_false(c->is_over);
    c->is_over = true;
    if (json_number(response, "status") == 200) {
        assert_int_not_equal(c->said, 0);
        assert_int_equal(json_number(response, "body.status"), c->said);
    } else {
        assert_int_equal(c->said, 0);
    }
}

/* Look through what the turn wanted done, and at who should have been answered by now. */
static void look(struct play *p)
{
    for (size_t n = 0; n < p->w.out.len; n++) {
        const struct out *o = &p->w.out.at[n];

        if (o->kind == OUT_PUBLISH && o->ticket)
            end_call(p, o);
        else if (o->kind == OUT_PUBLISH && strstr(o->topic, "/methods/"))
            hear(p, o);
    }
    world_forget(&p->w);
}

static void invoke(struct play *p)
{
    int64_t response_s = 5 + (int64_t)dice(p, 20), connect_s = dice(p, 2) ? (int64_t)dice(p, 20) : 0;
    size_t who = dice(p, WHO);
    struct request r = {.kind = REQUEST_COMMAND, .conn = &p->w.owner, .ticket = p->n_calls + 1};
    char text[256];

    (void)snprintf(text, sizeof text,
                   "{'command':'method.invoke',%s,'methodName':'m','payload':%zu,"
                   "'responseTimeoutInSeconds':%d,'connectTimeoutInSeconds':%d}",
                   world_ids(&p->w, names[who]), p->n_calls, (int)response_s, (int)connect_s);
    p->calls[p->n_calls++] =
        (struct call){.who = who, .latest_us = p->w.now.mono_us + (response_s + connect_s) * WORLD_SECOND};
    r.command = world_json(&p->w, text);
    assert_int_equal(world_turn(&p->w, &r), HUB_SWALLOW);
    look(p);
    assert_int_equal(p->calls[p->n_calls - 1].is_over, !r.is_later);
}

static void come_or_go(struct play *p)
{
    size_t who = dice(p, WHO);

    struct login login = {.is_clean = dice(p, 2)};

    if (p->is_there[who] && dice(p, 2)) {
        p->is_there[who] = false;
        world_end(&p->w, &p->conn[who], ENDED_ERROR);
    } else { /* perhaps a takeover; a session that was kept listens at once */
        assert_int_equal(world_login(&p->w, &p->conn[who], names[who], &login), HUB_ACCEPT);
        p->is_there[who] = true;
        p->is_listening[who] = p->is_listening[who] && !login.is_clean;
    }
    look(p);
}

static void listen_or_not(struct play *p)
{
    size_t who = dice(p, WHO);

    if (!p->is_there[who])
        return;
    if (dice(p, 4)) {
        p->is_listening[who] = true;
        assert_int_equal(world_subscribe(&p->w, &p->conn[who], "$iothub/methods/POST/#", 0), HUB_ACCEPT);
    } else {
        p->is_listening[who] = false;
        assert_int_equal(world_unsubscribe(&p->w, &p->conn[who], "$iothub/methods/POST/#"), HUB_ACCEPT);
    }
    look(p);
}

/* Right, wrong, late, twice, or somebody else's. */
static void answer(struct play *p)
{
    size_t who = dice(p, WHO), n = dice(p, p->n_calls + 1);
    int status = 1 + (int)dice(p, 600);
    struct call *c = n < p->n_calls && p->calls[n].was_heard ? &p->calls[n] : NULL;
    char topic[96];

    if (c && dice(p, 8))
        who = c->who;
    if (!p->is_there[who])
        return;
    (void)snprintf(topic, sizeof topic, "$iothub/methods/res/%d/?$rid=%s", status, c ? c->rid : "fffff");
    if (c && c->who == who && !c->is_over)
        c->said = status;
    assert_int_equal(world_publish(&p->w, &p->conn[who], topic, "{}"), HUB_SWALLOW);
    look(p);
}

static void pass(struct play *p)
{
    world_pass(&p->w, 1 + (int64_t)dice(p, 6));
    (void)world_tick(&p->w);
    look(p);
    for (size_t n = 0; n < p->n_calls; n++)
        assert_true(p->calls[n].is_over || p->w.now.mono_us < p->calls[n].latest_us);
}

static void make_anew(struct play *p)
{
    struct request r = {.kind = REQUEST_COMMAND, .conn = &p->w.owner};

    if (dice(p, 6))
        return;
    r.command = world_json(&p->w, "{'command':'module.delete','deviceId':'d1','moduleId':'m'}");
    assert_int_equal(world_turn(&p->w, &r), HUB_SWALLOW);
    p->is_there[1] = p->is_listening[1] = false;
    look(p);
    for (size_t n = 0; n < p->n_calls; n++)
        assert_true(p->calls[n].is_over || p->calls[n].who != 1);
    world_create(&p->w, "d1/m");
    world_forget(&p->w);
}

static void one_life(uint64_t seed)
{
    static void (*const steps[])(struct play *) = {invoke, invoke, come_or_go, listen_or_not, listen_or_not,
                                                   answer, answer, answer,     pass,          make_anew};
    struct play *p = calloc(1, sizeof *p);

    assert_non_null(p);
    p->random = seed_state(seed);
    world_init(&p->w);
    world_create(&p->w, "d1");
    world_create(&p->w, "d1/m");
    world_create(&p->w, "d2");
    for (size_t n = 0; n < STEPS; n++)
        steps[dice(p, COUNT(steps))](p);
    for (size_t n = 0; n < 20; n++)
        pass(p);
    for (size_t n = 0; n < p->n_calls; n++)
        assert_true(p->calls[n].is_over);
    world_done(&p->w);
    free(p);
}

static void every_call_is_answered_once_and_in_time(void **state)
{
    (void)state;
    seed_each(ROUNDS, one_life);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_call_is_answered_once_and_in_time)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
