/* test_hub_laws.c - random lives of devices and services, against a model of plain maps. Do the laws hold for what nobody thought of?
 *
 * After every step: what the journal folds to is what the model says, in documents, twins, counters and subscriptions; who is
 * connected is who the model says; memory and journal agree (world_check); a device that follows its notifications holds exactly
 * the desired properties. Some turns fail at the commit, and then nothing of them may be left.
 *
 * TWINSIM_SEED=n tries one seed. What fails is made shorter (by halves, then step by step, each try in a process of its own)
 * before it is shown.
 */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "feed.h"
#include "hub_world.h"

#define STEPS  160u
#define ROUNDS 16u

#define OPS(X)                                                                                                         \
    X(create)                                                                                                          \
    X(delete)                                                                                                          \
    X(status)                                                                                                          \
    X(renew)                                                                                                           \
    X(move)                                                                                                            \
    X(connect)                                                                                                         \
    X(connect_badly)                                                                                                   \
    X(end)                                                                                                             \
    X(subscribe)                                                                                                       \
    X(unsubscribe)                                                                                                     \
    X(get)                                                                                                             \
    X(report)                                                                                                          \
    X(report_badly)                                                                                                    \
    X(telemetry)                                                                                                       \
    X(update)                                                                                                          \
    X(update_badly)                                                                                                    \
    X(replace)                                                                                                         \
    X(fault)                                                                                                           \
    X(pass_time)                                                                                                       \
    X(listen)                                                                                                          \
    X(restart)

struct play;
struct step;
#define OP_FUNCTION(name) static void op_##name(struct play *p, const struct step *s);
OPS(OP_FUNCTION)

static const struct {
    const char *name;
    void (*run)(struct play *, const struct step *);
} ops[] = {
#define OP_ROW(name) {#name, op_##name},
    OPS(OP_ROW)};

/* One step is whole in itself, so that any may be left out. */
struct step {
    uint64_t random; /* all its choices come from here */
    unsigned op, who;
    bool fails; /* its turn's commit does */
};

static const char *const names[] = {"d0", "d1", "d2", "d0/m0", "d0/m1", "d1/m0"};
#define WHO COUNT(names)

/* What the test knows about an identity. Trees are plain: no metadata, no versions. */
struct model {
    bool exists, is_enabled;
    struct {
        int64_t turn;
        bool is_secondary;
    } key[2];
    int64_t key_turn;
    cJSON *tags, *desired, *reported; /* tags NULL: never set */
    int64_t etag, version, desired_version, reported_version;
    int answers, notes; /* 0 not subscribed, else QoS + 1 */
    struct conn conn;   /* no 0: not connected */
    int64_t token_ends_s;
    cJSON *
        replica; /* the desired properties as a device holds them that follows its notes; NULL: it has not read them yet */
};

struct play {
    struct world w;
    struct model m[WHO];
};

/* --- the model ---------------------------------------------------------------------------------------------------- */

static uint64_t *dice(const struct step *s)
{
    static uint64_t state; /* begun anew for each step */

    state = s->random | 1u;
    return &state;
}

static void forget_connection(struct model *m)
{
    m->conn.no = 0;
    cJSON_Delete(m->replica);
    m->replica = NULL;
}

static void end_model(struct model *m)
{
    forget_connection(m);
    cJSON_Delete(m->tags);
    cJSON_Delete(m->desired);
    cJSON_Delete(m->reported);
    memset(m, 0, sizeof *m);
}

static void begin_model(struct model *m)
{
    memset(m, 0, sizeof *m);
    m->exists = m->is_enabled = true;
    m->key[1].is_secondary = true;
    m->desired = cJSON_CreateObject();
    m->reported = cJSON_CreateObject();
    m->etag = m->desired_version = m->reported_version = 1;
    m->version = 2;
}

static size_t device_of(size_t who)
{
    return who < 3 ? who : who < 5 ? 0 : 1;
}

/* Merge as the documents say it, with nothing of the core's. */
static void model_merge(cJSON *target, const cJSON *patch)
{
    for (const cJSON *from = patch->child; from; from = from->next) {
        cJSON *there = cJSON_GetObjectItemCaseSensitive(target, from->string);

        if (cJSON_IsNull(from)) {
            cJSON_DeleteItemFromObjectCaseSensitive(target, from->string);
        } else if (cJSON_IsObject(from)) {
            if (!cJSON_IsObject(there)) {
                cJSON_DeleteItemFromObjectCaseSensitive(target, from->string);
                there = cJSON_AddObjectToObject(target, from->string);
            }
            model_merge(there, from);
        } else {
            cJSON_DeleteItemFromObjectCaseSensitive(target, from->string);
            cJSON_AddItemToObject(target, from->string, cJSON_Duplicate(from, true));
        }
    }
}

/* --- random JSON ----------------------------------------------------------------------------------------------------- */

static void put_random(struct buf *b, uint64_t *state, unsigned depth, bool may_be_null)
{
    static const char *const plain[] = {"1",     "22.00",    "-4503599627370496",  "1e-3",
                                        "\"\"",  "\"text\"", "\"\\u00e9\\n\"",     "true",
                                        "false", "[]",       "[1,[2],{\"x\":{}}]", "{}"};
    size_t members = depth < 3 ? feed_random(state, 4) : 0;

    if (depth && (members == 0 || feed_random(state, 3) == 0)) {
        if (may_be_null && feed_random(state, 3) == 0)
            buf_add(b, STR("null"));
        else
            buf_add(b, str_from(plain[feed_random(state, COUNT(plain))]));
        return;
    }
    buf_add_char(b, '{');
    for (size_t n = 0; n < members; n++) {
        buf_addf(b, "%s\"%c\":", n ? "," : "", (int)('a' + n + feed_random(state, 2) * 4));
        put_random(b, state, depth + 1, may_be_null);
    }
    buf_add_char(b, '}');
}

static cJSON *random_object(uint64_t *state, bool may_be_null, struct buf *text)
{
    cJSON *tree = NULL;

    buf_init(text, 0);
    put_random(text, state, 0, may_be_null);
    assert_true(buf_ok(text));
    assert_int_equal(json_read(buf_view(text), &tree, NULL), RC_OK);
    return tree;
}

/* --- turns ------------------------------------------------------------------------------------------------------------ */

/* Run the turn, or let it fail. returns whether it happened. */
static bool turn(struct play *p, const struct step *s, struct request *r, enum hub_answer *answer)
{
    world_begin(&p->w);
    *answer = world_decide(&p->w, r);
    if (!s->fails) {
        assert_true(world_commit(&p->w));
        return true;
    }
    world_fail(&p->w);
    for (size_t n = 0; n < WHO; n++) /* whoever was dropped has to connect again */
        if (p->m[n].conn.no && !hub_is_live(p->w.hub, str_from(names[n]), p->m[n].conn.no))
            forget_connection(&p->m[n]);
    return false;
}

/* returns the response, or NULL when the turn failed. */
static const cJSON *ask(struct play *p, const struct step *s, const char *name, const char *fmt, ...) PRINTF_LIKE(4, 5);
static const cJSON *ask(struct play *p, const struct step *s, const char *name, const char *fmt, ...)
{
    struct str module = str_from(names[s->who]), device = str_cut(&module, '/');
    struct request r = {.kind = REQUEST_COMMAND, .conn = &p->w.owner};
    enum hub_answer answer;
    struct buf text;
    va_list args;
    char rest[8192];

    va_start(args, fmt);
    assert_true((size_t)vsnprintf(rest, sizeof rest, fmt, args) < sizeof rest);
    va_end(args);
    buf_init(&text, 0);
    buf_addf(&text, "{\"command\":\"%s\",\"deviceId\":\"%.*s\"", name, STR_FMT(device));
    if (module.at)
        buf_addf(&text, ",\"moduleId\":\"%.*s\"", STR_FMT(module));
    buf_addf(&text, "%s}", rest);
    r.command = world_read(&p->w, text.at);
    buf_done(&text);
    if (!turn(p, s, &r, &answer))
        return NULL;
    assert_int_equal(answer, HUB_SWALLOW);
    for (size_t n = 0; n < p->w.out.len; n++)
        if (p->w.out.at[n].is_answer)
            return world_read(&p->w, p->w.out.at[n].body);
    fail();
    return NULL;
}

/* The usual refusals of a command about somebody who is not there; true: it was one. */
static bool is_missing(struct play *p, const struct step *s, const cJSON *response)
{
    bool has_device = p->m[device_of(s->who)].exists;

    if (p->m[s->who].exists)
        return false;
    if (response) {
        assert_int_equal(json_number(response, "status"), 404);
        assert_int_equal(json_number(response, "body.errorCode"), has_device ? 404010 : 404001);
    }
    return true;
}

/* The message the last turn sent to that identity, or NULL. At most one. */
static const struct out *sent_to(struct play *p, size_t who)
{
    const struct out *found = NULL;

    for (size_t n = 0; n < p->w.out.len; n++)
        if (p->w.out.at[n].kind == OUT_PUBLISH && strcmp(p->w.out.at[n].to, names[who]) == 0) {
            assert_null(found);
            found = &p->w.out.at[n];
        }
    return found;
}

/* --- identities -------------------------------------------------------------------------------------------------------- */

static const char *kind_of(const struct step *s, const char *verb, char out[32])
{
    (void)snprintf(out, 32, "%s.%s", s->who < 3 ? "device" : "module", verb);
    return out;
}

static void op_create(struct play *p, const struct step *s)
{
    struct model *m = &p->m[s->who];
    bool has_twin = feed_random(dice(s), 2);
    char name[32];
    const cJSON *response =
        ask(p, s, kind_of(s, "create", name), "%s",
            has_twin ? ",\"twin\":{\"tags\":{\"t\":1},\"properties\":{\"desired\":{\"a\":{\"x\":1}}}}" : "");

    if (!response)
        return;
    if (m->exists) {
        assert_int_equal(json_number(response, "status"), 409);
    } else if (s->who >= 3 && !p->m[device_of(s->who)].exists) {
        assert_int_equal(json_number(response, "body.errorCode"), 404001);
    } else {
        assert_int_equal(json_number(response, "status"), 200);
        begin_model(m);
        if (has_twin) {
            m->tags = cJSON_Parse("{\"t\":1}");
            model_merge(m->desired, world_read(&p->w, "{\"a\":{\"x\":1}}"));
        }
    }
}

static void op_delete(struct play *p, const struct step *s)
{
    char name[32];
    const cJSON *response = ask(p, s, kind_of(s, "delete", name), "%s", "");

    if (is_missing(p, s, response) || !response)
        return;
    assert_int_equal(json_number(response, "status"), 200);
    for (size_t n = 0; n < WHO; n++)
        if (n == s->who || (s->who < 3 && device_of(n) == s->who))
            end_model(&p->m[n]);
}

static void op_status(struct play *p, const struct step *s)
{
    bool enable = feed_random(dice(s), 2);
    const cJSON *response;

    if (s->who >= 3)
        return;
    response = ask(p, s, "device.update", ",\"status\":\"%s\"", enable ? "enabled" : "disabled");
    if (is_missing(p, s, response) || !response)
        return;
    assert_int_equal(json_number(response, "status"), 200);
    p->m[s->who].is_enabled = enable;
    for (size_t n = 0; n < WHO && !enable; n++)
        if (device_of(n) == s->who)
            forget_connection(&p->m[n]);
}

static void op_renew(struct play *p, const struct step *s)
{
    static const char *const types[] = {"primary", "secondary", "both", "swap"};
    struct model *m = &p->m[s->who];
    size_t type = feed_random(dice(s), COUNT(types));
    const cJSON *response = ask(p, s, "device.renew-key", ",\"keyType\":\"%s\"", types[type]);

    if (is_missing(p, s, response) || !response)
        return;
    assert_int_equal(json_number(response, "status"), 200);
    if (type == 3) {
        int64_t t = m->key[0].turn;
        bool is = m->key[0].is_secondary;

        m->key[0] = m->key[1];
        m->key[1].turn = t;
        m->key[1].is_secondary = is;
        return;
    }
    m->key_turn++;
    for (size_t k = 0; k < 2; k++)
        if (type == 2 || type == k) {
            m->key[k].turn = m->key_turn;
            m->key[k].is_secondary = k == 1;
        }
}

/* Export it and put what was exported in its place: the same again, but nobody is connected and nothing subscribed. */
static void op_move(struct play *p, const struct step *s)
{
    struct step whole = *s;
    struct model *m = &p->m[s->who];
    const cJSON *response;
    char *text;

    whole.fails = false;
    response = ask(p, &whole, "identity.export", "%s", "");
    if (is_missing(p, s, response))
        return;
    text = json_text(json_get(response, "body"));
    {
        struct request r = {.kind = REQUEST_COMMAND, .conn = &p->w.owner};
        enum hub_answer answer;
        struct buf b;

        buf_init(&b, 0);
        buf_addf(&b, "{\"command\":\"identity.import\",\"replace\":true,\"identity\":%s}", text);
        r.command = world_read(&p->w, b.at);
        buf_done(&b);
        if (turn(p, s, &r, &answer)) {
            forget_connection(m);
            m->answers = m->notes = 0;
            for (size_t n = 0; n < WHO && s->who < 3 && !m->is_enabled; n++)
                if (device_of(n) == s->who)
                    forget_connection(&p->m[n]);
        }
    }
    free(text);
}

/* --- connections --------------------------------------------------------------------------------------------------------- */

static enum hub_answer login(struct play *p, const struct step *s, struct conn *conn, struct sas_key key, bool is_clean,
                             int64_t se_s, bool *happened)
{
    struct request r = {.kind = REQUEST_CONNECT, .conn = conn, .protocol = 4, .is_clean = is_clean};
    struct ident who;
    enum hub_answer answer;
    struct buf password;
    char user_name[128];

    assert_int_equal(ident_read(str_from(names[s->who]), &who), RC_OK);
    memset(conn, 0, sizeof *conn);
    conn->no = ++p->w.last_conn;
    (void)snprintf(user_name, sizeof user_name, WORLD_HOST "/%s/?api-version=2021-04-12", names[s->who]);
    buf_init(&password, 0);
    sas_token_make(&password, STR(WORLD_HOST), &who, STR(""), &key, se_s);
    r.client_id = str_from(names[s->who]);
    r.user_name = str_from(user_name);
    r.password = buf_view(&password);
    *happened = turn(p, s, &r, &answer);
    buf_done(&password);
    return answer;
}

static void op_connect(struct play *p, const struct step *s)
{
    struct model *m = &p->m[s->who];
    uint64_t *state = dice(s);
    bool is_clean = feed_random(state, 4) == 0, happened;
    size_t which = feed_random(state, 2);
    int64_t se_s = p->w.now.us / WORLD_SECOND + (feed_random(state, 2) ? 100 : 3600);
    struct sas_key key = world_key(names[s->who], m->key[which].turn, m->key[which].is_secondary);
    bool may = m->exists && m->is_enabled && p->m[device_of(s->who)].is_enabled;
    struct conn conn;

    assert_int_equal(login(p, s, &conn, key, is_clean, se_s, &happened), may ? HUB_ACCEPT : HUB_CLOSE);
    if (!happened) {
        assert_false(hub_is_live(p->w.hub, str_from(names[s->who]), conn.no));
        return;
    }
    if (!may)
        return;
    forget_connection(m); /* a takeover */
    m->conn = conn;
    m->conn.who.device = str_of(m->conn.id, conn.who.device.len); /* views into the record itself */
    if (conn.who.module.len)
        m->conn.who.module = str_of(m->conn.id + conn.who.device.len + 1, conn.who.module.len);
    m->token_ends_s = se_s;
    if (is_clean)
        m->answers = m->notes = 0;
}

static void op_connect_badly(struct play *p, const struct step *s)
{
    struct sas_key key = world_key(names[s->who], p->m[s->who].key_turn + 1, false);
    struct conn conn;
    bool happened;

    assert_int_equal(login(p, s, &conn, key, true, WORLD_NOW_S * 2, &happened), HUB_CLOSE);
}

static void op_end(struct play *p, const struct step *s)
{
    struct request r = {.kind = REQUEST_END, .conn = &p->m[s->who].conn, .ended = ENDED_UNKNOWN};
    enum hub_answer answer;

    if (!p->m[s->who].conn.no)
        return;
    (void)turn(p, s, &r, &answer);
    forget_connection(&p->m[s->who]);
}

static void filter(struct play *p, const struct step *s, enum request_kind kind)
{
    struct model *m = &p->m[s->who];
    uint64_t *state = dice(s);
    bool is_notes = feed_random(state, 2);
    struct request r = {.kind = kind, .conn = &m->conn, .qos = (int)feed_random(state, 3)};
    enum hub_answer answer;
    int granted = kind == REQUEST_UNSUBSCRIBE ? 0 : r.qos ? 2 : 1;

    if (!m->conn.no)
        return;
    m->conn.filters = 0;
    r.topic = is_notes ? STR("$iothub/twin/PATCH/properties/desired/#") : STR("$iothub/twin/res/#");
    if (!turn(p, s, &r, &answer))
        return;
    assert_int_equal(answer, HUB_ACCEPT);
    if (!is_notes) {
        m->answers = granted;
        return;
    }
    if (!m->notes || !granted) { /* what it did not hear of it does not know */
        cJSON_Delete(m->replica);
        m->replica = NULL;
    }
    m->notes = granted;
}

static void op_subscribe(struct play *p, const struct step *s)
{
    filter(p, s, REQUEST_SUBSCRIBE);
}

static void op_unsubscribe(struct play *p, const struct step *s)
{
    filter(p, s, REQUEST_UNSUBSCRIBE);
}

/* --- devices -------------------------------------------------------------------------------------------------------------- */

static bool publish(struct play *p, const struct step *s, const char *topic, struct str payload, enum hub_answer want)
{
    struct request r = {
        .kind = REQUEST_PUBLISH, .conn = &p->m[s->who].conn, .topic = str_from(topic), .payload = payload};
    enum hub_answer answer;
    bool happened;

    if (!p->m[s->who].conn.no)
        return false;
    happened = turn(p, s, &r, &answer);
    assert_int_equal(answer, want);
    return happened;
}

static void assert_answer(struct play *p, const struct step *s, const char *topic)
{
    const struct out *o = sent_to(p, s->who);

    assert_int_equal(o != NULL, p->m[s->who].answers != 0);
    if (!o)
        return;
    assert_true(str_starts(str_from(o->topic), str_from(topic)));
    assert_int_equal(o->qos, p->m[s->who].answers - 1);
}

static void op_get(struct play *p, const struct step *s)
{
    struct model *m = &p->m[s->who];
    const struct out *o;
    cJSON *view;

    if (!publish(p, s, "$iothub/twin/GET/?$rid=g", STR(" "), HUB_SWALLOW))
        return;
    assert_answer(p, s, "$iothub/twin/res/200/?$rid=g");
    o = sent_to(p, s->who);
    if (!o)
        return;
    view = world_read(&p->w, o->body);
    assert_int_equal(json_number(view, "desired.$version"), m->desired_version);
    assert_int_equal(json_number(view, "reported.$version"), m->reported_version);
    json_remove(json_get(view, "desired"), "$version");
    json_remove(json_get(view, "reported"), "$version");
    assert_true(json_eq(json_get(view, "desired"), m->desired));
    assert_true(json_eq(json_get(view, "reported"), m->reported));
    if (m->notes) {
        cJSON_Delete(m->replica);
        m->replica = cJSON_Duplicate(json_get(view, "desired"), true);
    }
}

static void op_report(struct play *p, const struct step *s)
{
    struct model *m = &p->m[s->who];
    uint64_t *state = dice(s);
    bool has_version = feed_random(state, 2);
    struct buf text;
    cJSON *patch = random_object(state, true, &text);
    char topic[128];

    (void)snprintf(topic, sizeof topic, "$iothub/twin/PATCH/properties/reported/?$rid=p");
    if (has_version)
        (void)snprintf(topic + strlen(topic), 40, "&$version=%lld", (long long)m->reported_version);
    if (publish(p, s, topic, buf_view(&text), HUB_SWALLOW)) {
        model_merge(m->reported, patch);
        m->version++;
        m->reported_version++;
        (void)snprintf(topic, sizeof topic, "$iothub/twin/res/204/?$rid=p&$version=%lld",
                       (long long)m->reported_version);
        assert_answer(p, s, topic);
    }
    cJSON_Delete(patch);
    buf_done(&text);
}

static void op_report_badly(struct play *p, const struct step *s)
{
    static const struct {
        const char *body;
        int status;
    } bad[] = {{"[1]", 400},
               {"{", 400},
               {"{\"a\":1,\"b c\":2}", 400},
               {"{\"a\":{\"$x\":1}}", 400},
               {"{\"a\":[null]}", 400},
               {"{\"a\":1}", 412}};
    size_t n = feed_random(dice(s), COUNT(bad));
    char topic[128];

    (void)snprintf(topic, sizeof topic, "$iothub/twin/PATCH/properties/reported/?$rid=p&$version=%lld",
                   (long long)p->m[s->who].reported_version + (bad[n].status == 412));
    if (!publish(p, s, topic, str_from(bad[n].body), HUB_SWALLOW))
        return;
    (void)snprintf(topic, sizeof topic, "$iothub/twin/res/%d/?$rid=p", bad[n].status);
    assert_answer(p, s, topic);
    assert_int_equal(world_count(&p->w, OUT_STORE), 0);
}

static void op_telemetry(struct play *p, const struct step *s)
{
    struct str module = str_from(names[s->who]), device = str_cut(&module, '/');
    char topic[128];

    (void)snprintf(topic, sizeof topic, "devices/%.*s%s%.*s/messages/events/a=b", STR_FMT(device),
                   module.at ? "/modules/" : "", STR_FMT(module));
    if (publish(p, s, topic, STR("{\"t\":1}"), HUB_ACCEPT))
        assert_int_equal(world_count(&p->w, OUT_STORE) + world_count(&p->w, OUT_PUBLISH), 0);
}

/* --- services -------------------------------------------------------------------------------------------------------------- */

/* A write of the service reached a device that listens: topic, and what it holds afterwards. */
static void assert_note(struct play *p, const struct step *s, bool is_touched)
{
    struct model *m = &p->m[s->who];
    const struct out *o = sent_to(p, s->who);
    char topic[128];
    cJSON *note;

    assert_int_equal(o != NULL, is_touched && m->conn.no && m->notes);
    if (!o)
        return;
    (void)snprintf(topic, sizeof topic, "$iothub/twin/PATCH/properties/desired/?$version=%lld",
                   (long long)m->desired_version);
    assert_string_equal(o->topic, topic);
    assert_int_equal(o->qos, m->notes - 1);
    if (!m->replica)
        return;
    note = world_read(&p->w, o->body);
    json_remove(note, "$version");
    model_merge(m->replica, note);
    assert_true(json_eq(m->replica, m->desired));
}

static void write_section(cJSON **section, const cJSON *submitted, bool replace)
{
    if (replace || cJSON_IsNull(submitted) || !*section) {
        cJSON_Delete(*section);
        *section = cJSON_CreateObject();
    }
    if (cJSON_IsObject(submitted))
        model_merge(*section, submitted);
}

static void service_write(struct play *p, const struct step *s, bool replace)
{
    struct model *m = &p->m[s->who];
    uint64_t *state = dice(s);
    struct buf tags_text, desired_text, text;
    cJSON *tags = random_object(state, true, &tags_text), *desired = random_object(state, true, &desired_text);
    size_t which = feed_random(state, 4); /* 0 tags, 1 desired, 2 both, 3 null for one of them */
    bool has_tags = which == 0 || which == 2, has_desired = which == 1 || which == 2, touches_tags, touches_desired;
    const cJSON *response;
    char etag[16];

    buf_init(&text, 0);
    buf_addf(&text, ",\"%s\":{", replace ? "twin" : "patch");
    if (which == 3) {
        cJSON_Delete(tags);
        tags = cJSON_CreateNull();
        has_tags = true;
        buf_reset(&tags_text);
        buf_add(&tags_text, STR("null"));
    }
    if (has_tags)
        buf_addf(&text, "\"tags\":%s,", tags_text.at);
    buf_addf(&text, "\"properties\":{\"reported\":{\"never\":1}");
    if (has_desired)
        buf_addf(&text, ",\"desired\":%s", desired_text.at);
    buf_addf(&text, "}}");
    if (feed_random(state, 2)) {
        twin_etag_print(m->etag, etag);
        buf_addf(&text, ",\"etag\":\"%s\"", etag);
    }
    response = ask(p, s, replace ? "twin.replace" : "twin.update", "%s", text.at);
    if (!is_missing(p, s, response) && response) {
        assert_int_equal(json_number(response, "status"), 200);
        touches_tags = replace || (has_tags && (cJSON_IsNull(tags) || tags->child));
        touches_desired = replace || (has_desired && desired->child);
        if (touches_tags && (has_tags || m->tags))
            write_section(&m->tags, has_tags ? tags : NULL, replace);
        if (touches_desired)
            write_section(&m->desired, has_desired ? desired : NULL, replace);
        m->version += touches_tags || touches_desired;
        m->etag += touches_tags || touches_desired;
        m->desired_version += touches_desired;
        assert_note(p, s, touches_desired);
        assert_int_equal(world_count(&p->w, OUT_STORE), touches_tags || touches_desired);
    }
    cJSON_Delete(tags);
    cJSON_Delete(desired);
    buf_done(&tags_text);
    buf_done(&desired_text);
    buf_done(&text);
}

static void op_update(struct play *p, const struct step *s)
{
    service_write(p, s, false);
}

static void op_replace(struct play *p, const struct step *s)
{
    service_write(p, s, true);
}

static void op_update_badly(struct play *p, const struct step *s)
{
    static const struct {
        const char *rest;
        int status;
    } bad[] = {
        {",\"patch\":{\"tags\":{\"good\":1},\"properties\":{\"desired\":{\"b d\":1}}}", 400},
        {",\"patch\":{\"tags\":[1]}", 400},
        {",\"patch\":{\"tags\":{\"a\":1}},\"etag\":\"AAAAAAAAAAA=\"", 412},
        {",\"patch\":5", 400},
        {",\"patch\":{},\"x\":1", 400},
    };
    size_t n = feed_random(dice(s), COUNT(bad));
    const cJSON *response = ask(p, s, "twin.update", "%s", bad[n].rest);

    if (!response || (n != 4 && is_missing(p, s, response)))
        return;
    assert_int_equal(json_number(response, "status"), bad[n].status);
    assert_int_equal(p->w.out.len, 1);
}

static void op_fault(struct play *p, const struct step *s)
{
    const cJSON *response = ask(p, s, "fault.add", "%s", ",\"type\":\"disconnect\"");

    if (is_missing(p, s, response) || !response)
        return;
    assert_int_equal(cJSON_IsTrue(json_at_path(response, STR("body.closed"))), p->m[s->who].conn.no != 0);
    forget_connection(&p->m[s->who]);
}

static void op_pass_time(struct play *p, const struct step *s)
{
    world_pass(&p->w, (int64_t)feed_random(dice(s), 120));
    (void)world_tick(&p->w);
    for (size_t n = 0; n < WHO; n++)
        if (p->m[n].conn.no && p->w.now.us / WORLD_SECOND > p->m[n].token_ends_s)
            forget_connection(&p->m[n]);
}

static void op_listen(struct play *p, const struct step *s)
{
    world_listen(&p->w, feed_random(dice(s), 3) > 0);
}

static void op_restart(struct play *p, const struct step *s)
{
    (void)s;
    world_restart(&p->w);
    for (size_t n = 0; n < WHO; n++)
        forget_connection(&p->m[n]);
}

/* --- the laws --------------------------------------------------------------------------------------------------------------- */

static void assert_like_model(struct play *p, size_t who)
{
    const struct model *m = &p->m[who];
    struct identity *i = world_load(&p->w, str_from(names[who]), true);
    struct sas_key key;

    assert_int_equal(i != NULL, m->exists);
    if (!i)
        return;
    assert_int_equal(i->is_enabled, m->is_enabled);
    for (size_t k = 0; k < 2; k++) {
        key = world_key(names[who], m->key[k].turn, m->key[k].is_secondary);
        assert_memory_equal(k ? &i->secondary : &i->primary, &key, sizeof key);
    }
    assert_int_equal(i->twin->etag, m->etag);
    assert_int_equal(i->twin->version, m->version);
    assert_int_equal(i->twin->desired_version, m->desired_version);
    assert_int_equal(i->twin->reported_version, m->reported_version);
    assert_int_equal(i->twin->tags != NULL, m->tags != NULL);
    assert_true(!m->tags || json_eq(i->twin->tags, m->tags));
    assert_true(json_eq(i->twin->desired, m->desired));
    assert_true(json_eq(i->twin->reported, m->reported));
    assert_int_equal(i->subscribed[FILTER_TWIN_RES], m->answers);
    assert_int_equal(i->subscribed[FILTER_TWIN_DESIRED], m->notes);
    identity_free(i);
}

static void assert_laws(struct play *p)
{
    size_t connected = 0;

    assert_true(hub_is_valid(p->w.hub));
    for (size_t n = 0; n < WHO; n++) {
        const struct identity *cached = hub_find(p->w.hub, str_from(names[n]));

        assert_like_model(p, n);
        assert_int_equal(cached ? cached->conn : 0, p->m[n].conn.no);
        connected += p->m[n].conn.no != 0;
    }
    world_check(&p->w);
    assert_int_equal(json_number(world_status(&p->w), "connected"), connected);
    world_forget(&p->w);
}

static void play(const struct step *steps, size_t n)
{
    struct play *p = calloc(1, sizeof *p);

    assert_non_null(p);
    world_init(&p->w);
    if (n && steps[0].random & 2) { /* half of the lives in a cache with room for all */
        p->w.options.cache_bytes = 0;
        world_restart(&p->w);
    }
    for (size_t k = 0; k < n; k++) {
        ops[steps[k].op].run(p, &steps[k]);
        assert_laws(p);
    }
    for (size_t k = 0; k < WHO; k++)
        end_model(&p->m[k]);
    world_done(&p->w);
    free(p);
}

/* --- making it short ---------------------------------------------------------------------------------------------------------- */

/* Play in a process of its own, where a failed assertion aborts. */
static bool plays_well(const struct step *steps, size_t n, bool is_silent)
{
    int status = 0;
    pid_t child;

    (void)fflush(NULL);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)setenv("CMOCKA_TEST_ABORT", "1", 1);
        if (is_silent && (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr)))
            _exit(2);
        play(steps, n);
        exit(0); /* not _exit: a leak is a failure, too */
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Leave out `len` steps from `at`, if it fails without them, too. */
static bool leave_out(struct step *steps, size_t *n, size_t at, size_t len)
{
    struct step rest[STEPS];

    memcpy(rest, steps, at * sizeof *steps);
    memcpy(rest + at, steps + at + len, (*n - at - len) * sizeof *steps);
    if (plays_well(rest, *n - len, true))
        return false;
    *n -= len;
    memcpy(steps, rest, *n * sizeof *steps);
    return true;
}

static void show_shortest(struct step *steps, size_t n)
{
    for (size_t len = n / 2; len > 0; len /= 2)
        for (size_t at = 0; at + len <= n;)
            if (!leave_out(steps, &n, at, len))
                at += len;
    for (size_t k = 0; k < n; k++)
        print_error("  %zu. %s %s%s (%llu)\n", k + 1, ops[steps[k].op].name, names[steps[k].who],
                    steps[k].fails ? ", and the commit fails" : "", (unsigned long long)steps[k].random);
    (void)plays_well(steps, n, false); /* once more, aloud */
}

static void try_seed(uint64_t seed)
{
    uint64_t state = seed * 2 + 1;
    struct step steps[STEPS];

    for (size_t n = 0; n < STEPS; n++) {
        steps[n].op = (unsigned)feed_random(&state, COUNT(ops));
        if (n < 12) /* somebody must be there first */
            steps[n].op = (unsigned)(n % 2 ? 5 : 0);
        else if (ops[steps[n].op].run == op_restart && feed_random(&state, 4))
            steps[n].op = (unsigned)feed_random(&state, COUNT(ops));
        steps[n].who = (unsigned)(n < 12 ? n / 2 : feed_random(&state, WHO));
        steps[n].fails = n >= 12 && feed_random(&state, 8) == 0;
        steps[n].random = state;
    }
    if (plays_well(steps, STEPS, true))
        return;
    print_error("TWINSIM_SEED=%llu fails; the shortest way there:\n", (unsigned long long)seed);
    show_shortest(steps, STEPS);
    fail();
}

static void a_hub_does_what_the_model_says_whatever_happens(void **state)
{
    const char *from_env = getenv("TWINSIM_SEED");
    uint64_t seed = from_env ? strtoull(from_env, NULL, 0) : 20300101u;

    (void)state;
    print_message("TWINSIM_SEED=%llu\n", (unsigned long long)seed);
    for (uint64_t n = 0; n < (from_env ? 1 : ROUNDS); n++)
        try_seed(seed + n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hub_does_what_the_model_says_whatever_happens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
