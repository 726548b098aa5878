/* test_fault_laws.c - random faults in a random life. Whatever goes wrong on purpose, nothing goes wrong by itself.
 *
 * After every turn the hub is valid (world_commit), memory and journal agree (world_check), each row of the journal is one that the
 * events tell of, and what is held back is in the list. When all faults are cleared, the hub is as if there had been none. And
 * faults that concern nobody change no byte. Seeded (seed.h).
 */
#include <stdio.h>

#include "hub_world.h"
#include "seed.h"

#define STEPS  250
#define ROUNDS 12

static const char *const names[] = {"d1", "d1/m", "d2"};
#define WHO COUNT(names)

struct play {
    struct world w;
    struct conn conn[WHO];
    bool is_there[WHO]; /* connected, as far as we know */
    uint64_t random;
};

static size_t dice(struct play *p, size_t n)
{
    return seed_random(&p->random, n);
}

/* --- random faults -------------------------------------------------------------------------------------------------- */

static const char *const faults[] = {
    "'type':'status','status':500",
    "'type':'status','status':429,'operation':'twin-get','body':'empty'",
    "'type':'status','status':202,'body':{'a':1}",
    "'type':'lose'",
    "'type':'lose','operation':'reported'",
    "'type':'lose','operation':'telemetry'",
    "'type':'delay','delay':'30ms'",
    "'type':'delay','delay':'300ms','operation':'desired'",
    "'type':'delay','delay':'0s','operation':'twin-get'",
    "'type':'hold'",
    "'type':'hold','operation':'desired'",
    "'type':'duplicate','copies':3",
    "'type':'duplicate','delay':'200ms','operation':'reported'",
    "'type':'reorder'",
    "'type':'reorder','operation':'twin-get'",
    "'type':'rid'",
    "'type':'rid','how':'missing','operation':'twin-get'",
    "'type':'version','by':-3",
    "'type':'version','by':7,'operation':'reported'",
    "'type':'version','by':1,'operation':'twin-get'",
    "'type':'malform','how':'truncated'",
    "'type':'malform','how':'array','operation':'desired'",
    "'type':'malform','how':'empty'",
    "'type':'malform','how':'duplicate-member','operation':'desired'",
    "'type':'malform','how':'not-json'",
    "'type':'malform','how':'metadata','operation':'desired'",
    "'type':'throttle','rate':3",
    "'type':'throttle','tier':'F1','operation':'telemetry'",
    "'type':'quota','messages':1",
    "'type':'disconnect','operation':'reported'",
    "'type':'disconnect','operation':'desired'",
    "'type':'disconnect','operation':'connect'",
    "'type':'expire','operation':'telemetry'",
    "'type':'takeover','operation':'subscribe'",
    "'type':'refuse'",
    "'type':'clock-skew','by':'-1h'",
};
static const char *const alone[] = {"'type':'disconnect'", "'type':'expire','at':'50ms'",
                                    "'type':'takeover','at':'1s'"};
static const char *const scopes[] = {"", ",'on':'*'", ",'on':'d1*'", ",'on':'*/m'", ",'deviceId':'d2'"};
static const char *const triggers[] = {"",
                                       ",'times':0",
                                       ",'times':3,'after':1",
                                       ",'every':2,'times':0",
                                       ",'probability':0.5,'seed':3,'times':0",
                                       ",'for':'400ms','times':0",
                                       ",'at':'100ms','for':'1s'"};

static void random_fault(struct play *p, char *text, size_t size)
{
    size_t n = dice(p, COUNT(faults) + COUNT(alone));

    (void)snprintf(text, size, "%s%s%s", n < COUNT(faults) ? faults[n] : alone[n - COUNT(faults)],
                   scopes[dice(p, COUNT(scopes))], n < COUNT(faults) ? triggers[dice(p, COUNT(triggers))] : "");
}

/* --- random steps ----------------------------------------------------------------------------------------------------- */

/* Who is connected according to the hub; a fault may have ended it. */
static void look_around(struct play *p)
{
    for (size_t n = 0; n < WHO; n++)
        p->is_there[n] = p->is_there[n] && hub_is_live(p->w.hub, str_from(names[n]), p->conn[n].no);
}

static void come(struct play *p, size_t who)
{
    p->is_there[who] = world_login(&p->w, &p->conn[who], names[who], NULL) == HUB_ACCEPT;
    if (p->is_there[who])
        p->is_there[who] = world_subscribe(&p->w, &p->conn[who], "$iothub/twin/res/#", 1) == HUB_ACCEPT;
    look_around(p);
    if (p->is_there[who])
        (void)world_subscribe(&p->w, &p->conn[who], "$iothub/twin/PATCH/properties/desired/#", 0);
}

static void say(struct play *p, size_t who, bool fails)
{
    char topic[96], body[64];
    struct request r = {.kind = REQUEST_PUBLISH, .conn = &p->conn[who], .qos = 1};
    struct str module = str_from(names[who]), device = str_cut(&module, '/');

    (void)snprintf(body, sizeof body, "{\"k%zu\":%zu}", dice(p, 3), dice(p, 100));
    switch (dice(p, 3)) {
    case 0:
        (void)snprintf(topic, sizeof topic, "$iothub/twin/GET/?$rid=%zu", dice(p, 1000));
        body[0] = '\0';
        break;
    case 1:
        (void)snprintf(topic, sizeof topic, "$iothub/twin/PATCH/properties/reported/?$rid=%zu", dice(p, 1000));
        break;
    default:
        (void)snprintf(topic, sizeof topic, "devices/%.*s%s%.*s/messages/events/", STR_FMT(device),
                       module.len ? "/modules/" : "", STR_FMT(module));
    }
    r.topic = str_from(topic);
    r.payload = str_from(body);
    world_begin(&p->w);
    (void)world_decide(&p->w, &r);
    if (fails)
        world_fail(&p->w);
    else
        assert_true(world_commit(&p->w));
}

static const char *target(size_t who)
{
    static const char *const members[] = {"'deviceId':'d1'", "'deviceId':'d1','moduleId':'m'", "'deviceId':'d2'"};

    return members[who];
}

static void ask(struct play *p, size_t who)
{
    char fault[256];

    switch (dice(p, 8)) {
    case 0:
    case 1:
        random_fault(p, fault, sizeof fault);
        (void)world_ask(&p->w, "fault.add", "%s", fault);
        break;
    case 2:
        if (dice(p, 4) == 0)
            (void)world_ask(&p->w, "fault.clear", "%s", "");
        break;
    case 3:
        (void)world_ask(&p->w, "clock.advance", "'by':'%s%zums'", dice(p, 2) ? "-" : "", dice(p, 900));
        break;
    default:
        (void)world_ask(&p->w, "twin.update", "%s,'patch':{'properties':{'desired':{'x':%zu}}}", target(who),
                        dice(p, 100));
    }
}

/* Each row of this turn is a change that an event tells of, and each change told is a row. */
static void check_rows(struct play *p)
{
    size_t rows = 0, told = 0;

    for (size_t n = 0; n < p->w.out.len; n++) {
        const struct out *o = &p->w.out.at[n];

        rows += o->kind == OUT_STORE && (o->change == CHANGE_REPORTED || o->change == CHANGE_PATCHED);
        if (o->kind == OUT_EVENT)
            told += strstr(o->body, "\"kind\":\"desired\"") != NULL ||
                    (strstr(o->body, "\"kind\":\"reported\"") && strstr(o->body, "\"version\":"));
    }
    assert_int_equal(rows, told);
}

static void step(struct play *p)
{
    size_t who = dice(p, WHO), what = dice(p, 10);

    if (what < 4 && p->is_there[who])
        say(p, who, dice(p, 12) == 0);
    else if (what < 7)
        ask(p, who);
    else if (what == 7 && p->is_there[who])
        world_end(&p->w, &p->conn[who], ENDED_CLIENT);
    else if (what == 8)
        come(p, who);
    else
        (void)world_tick(&p->w);
    check_rows(p);
    p->w.now.us += 1000 * (int64_t)dice(p, 120);
    p->w.now.mono_us += 1000 * (int64_t)dice(p, 120);
    look_around(p);
}

static void begin(struct play *p, uint64_t seed)
{
    memset(p, 0, sizeof *p);
    p->random = seed_state(seed);
    world_init(&p->w);
    for (size_t n = 0; n < WHO; n++) {
        world_create(&p->w, names[n]);
        come(p, n);
    }
}

/* --- the laws ----------------------------------------------------------------------------------------------------------- */

static void live_with_faults(uint64_t seed)
{
    struct play p;

    begin(&p, seed);
    for (int k = 0; k < STEPS; k++) {
        step(&p);
        if (k % 25 == 0)
            world_check(&p.w);
        world_forget(&p.w);
    }
    (void)world_ask(&p.w, "fault.clear", "%s", "");
    assert_json(&p.w, world_ask(&p.w, "fault.list", "%s", ""), "items", "[]");
    for (size_t who = 0; who < WHO; who++) {
        world_twin_client(&p.w, &p.conn[who], names[who]); /* nothing of it is left */
        world_report(&p.w, &p.conn[who], "{'end':true}", 204);
        assert_int_equal(world_count_events(&p.w, "fault"), 0);
    }
    world_check(&p.w);
    world_done(&p.w);
}

static void whatever_strikes_the_hub_stays_sound_and_forgets_no_change(void **state)
{
    (void)state;
    seed_each(ROUNDS, live_with_faults);
}

static void assert_same_wishes(const struct outbox *a, const struct outbox *b)
{
    assert_int_equal(a->len, b->len);
    for (size_t n = 0; n < a->len; n++) {
        const struct out *x = &a->at[n], *y = &b->at[n];

        assert_int_equal(x->kind, y->kind);
        assert_string_equal(x->to, y->to);
        assert_string_equal(x->topic ? x->topic : "", y->topic ? y->topic : "");
        assert_int_equal(x->body_len, y->body_len);
        if (x->body_len)
            assert_memory_equal(x->body, y->body, x->body_len);
    }
}

static void live_side_by_side(uint64_t seed)
{
    struct play a, b;

    begin(&a, seed);
    begin(&b, seed);
    for (size_t k = 0; k < COUNT(faults); k++) {
        (void)world_ask(&a.w, "fault.add", "%s,'on':'nobody*'", faults[k]);
        (void)world_ask(&b.w, "hub.status", "%s", ""); /* as many turns */
    }
    for (int k = 0; k < 100; k++) {
        size_t who = dice(&a, WHO);

        (void)dice(&b, WHO);
        say(&a, who, false);
        say(&b, who, false);
        assert_same_wishes(&a.w.out, &b.w.out);
        (void)world_ask(&a.w, "twin.update", "%s,'patch':{'properties':{'desired':{'x':%d}}}", target(who), k);
        (void)world_ask(&b.w, "twin.update", "%s,'patch':{'properties':{'desired':{'x':%d}}}", target(who), k);
        assert_same_wishes(&a.w.out, &b.w.out);
        world_pass(&a.w, 1);
        world_pass(&b.w, 1);
        (void)world_tick(&a.w);
        (void)world_tick(&b.w);
        assert_same_wishes(&a.w.out, &b.w.out);
    }
    world_done(&a.w);
    world_done(&b.w);
}

static void faults_that_concern_nobody_change_no_byte(void **state)
{
    (void)state;
    seed_each(ROUNDS, live_side_by_side);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_strikes_the_hub_stays_sound_and_forgets_no_change),
        cmocka_unit_test(faults_that_concern_nobody_change_no_byte),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
