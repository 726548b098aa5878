/* hub_client.c - devices and service clients of a world, and what tests ask of their answers. See hub_world.h. */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>

#include "hub_world.h"

/* --- JSON --------------------------------------------------------------------------------------------------------- */

static cJSON *keep(struct world *w, cJSON *tree)
{
    if (w->n_trees == w->cap_trees) {
        w->cap_trees = w->cap_trees ? w->cap_trees * 2 : 64;
        w->trees = realloc(w->trees, w->cap_trees * sizeof *w->trees);
        assert_non_null(w->trees);
    }
    return w->trees[w->n_trees++] = tree;
}

/* A text for as long as a tree. */
static const char *keep_text(struct world *w, struct buf *text)
{
    cJSON *node = json_str(buf_view(text));

    assert_true(buf_ok(text) && node);
    buf_done(text);
    return keep(w, node)->valuestring;
}

cJSON *world_json(struct world *w, const char *text)
{
    char *copy = copy_exact(text, strlen(text) + 1);
    cJSON *tree = NULL;
    enum rc rc;

    for (char *at = copy; *at; at++)
        if (*at == '\'')
            *at = '"';
    rc = json_read(str_from(copy), &tree, NULL);
    if (rc)
        print_error("not JSON: %s\n", copy);
    assert_int_equal(rc, RC_OK);
    free(copy);
    return keep(w, tree);
}

cJSON *world_read(struct world *w, const char *text)
{
    cJSON *tree = NULL;

    assert_int_equal(json_read(str_from(text), &tree, NULL), RC_OK);
    return keep(w, tree);
}

static const cJSON *at_path(const cJSON *node, const char *path)
{
    return path[0] ? json_at_path(node, str_from(path)) : node;
}

void assert_json(struct world *w, const cJSON *node, const char *path, const char *text)
{
    const cJSON *got = at_path(node, path);
    const cJSON *want = text ? world_json(w, text) : NULL;
    char *got_text;

    if (got ? want && json_eq(got, want) : !want)
        return;
    got_text = got ? json_text(got) : NULL;
    print_error("at '%s'\n  got  %s\n  want %s\n", path, got_text ? got_text : "nothing", text ? text : "nothing");
    free(got_text);
    fail();
}

int64_t json_number(const cJSON *node, const char *path)
{
    const cJSON *at = at_path(node, path);

    assert_true(cJSON_IsNumber(at));
    return (int64_t)at->valuedouble;
}

const char *json_word(const cJSON *node, const char *path)
{
    const cJSON *at = at_path(node, path);

    assert_true(cJSON_IsString(at));
    return at->valuestring;
}

/* --- tokens ------------------------------------------------------------------------------------------------------- */

static struct ident ident_of(const char *id)
{
    struct ident who;

    assert_int_equal(ident_read(str_from(id), &who), RC_OK);
    return who;
}

struct sas_key world_key(const char *id, int64_t turn, bool is_secondary)
{
    struct sas_key keys[2];

    hub_identity_keys(STR(WORLD_SEED), ident_of(id), turn, &keys[0], &keys[1]);
    return keys[is_secondary];
}

struct sas_key world_policy_key(const char *policy)
{
    struct sas_key key;

    assert_int_equal(hub_policy_key(STR(WORLD_SEED), str_from(policy), &key), RC_OK);
    return key;
}

const char *world_token(struct world *w, const char *sr, const struct sas_key *key, const char *skn, int64_t se_s)
{
    unsigned char mac[EVP_MAX_MD_SIZE], sig[64];
    char signed_text[1024];
    struct buf token;
    unsigned len = 0;
    int n = snprintf(signed_text, sizeof signed_text, "%s\n%lld", sr, (long long)se_s);

    assert_non_null(HMAC(EVP_sha256(), key->bytes, (int)key->len, (unsigned char *)signed_text, (size_t)n, mac, &len));
    (void)EVP_EncodeBlock(sig, mac, (int)len);
    buf_init(&token, 0);
    buf_addf(&token, "SharedAccessSignature sr=%s&sig=", sr);
    buf_add_percent(&token, str_from((char *)sig), STR(""));
    buf_addf(&token, "&se=%lld", (long long)se_s);
    if (skn)
        buf_addf(&token, "&skn=%s", skn);
    return keep_text(w, &token);
}

/* What a device's client sends when nothing else is asked for: a token of its primary key as the journal has it. */
static const char *password_of(struct world *w, const char *id, int64_t seconds)
{
    struct identity *i = world_load(w, str_from(id), false);
    struct sas_key key = i && i->primary.len ? i->primary : world_key(id, 0, false);
    struct ident who = ident_of(id);
    struct buf token;

    identity_free(i);
    buf_init(&token, 0);
    sas_token_make(&token, STR(WORLD_HOST), &who, STR(""), &key, w->now.us / WORLD_SECOND + (seconds ? seconds : 3600));
    return keep_text(w, &token);
}

/* --- clients -------------------------------------------------------------------------------------------------------- */

enum hub_answer world_login(struct world *w, struct conn *conn, const char *id, const struct login *login)
{
    static const struct login defaults;
    const struct login *l = login ? login : &defaults;
    struct request r = {.kind = REQUEST_CONNECT, .conn = conn, .keep_alive_s = 240};
    char user_name[1024];

    memset(conn, 0, sizeof *conn);
    conn->no = ++w->last_conn;
    conn->has_gateway = l->has_gateway;
    r.peer = str_from(l->peer);
    r.has_will = l->will_topic != NULL;
    r.will_topic = str_from(l->will_topic);
    r.will_qos = l->will_qos;
    (void)snprintf(user_name, sizeof user_name, WORLD_HOST "/%s/%s", id,
                   l->query ? l->query : "?api-version=2021-04-12");
    r.client_id = str_from(l->client_id ? l->client_id : id);
    r.user_name = str_from(l->user_name ? l->user_name : user_name);
    r.password = str_from(l->password ? l->password : password_of(w, id, l->token_seconds));
    r.is_clean = l->is_clean;
    r.protocol = l->protocol ? l->protocol : 4;
    return world_turn(w, &r);
}

void world_connect(struct world *w, struct conn *conn, const char *id)
{
    assert_int_equal(world_login(w, conn, id, NULL), HUB_ACCEPT);
    assert_null(w->why);
    assert_true(hub_is_live(w->hub, str_from(id), conn->no));
}

void world_connect_with_will(struct world *w, struct conn *conn, const char *id, const char *topic, const char *payload)
{
    struct login login = {.has_gateway = true, .will_topic = topic};
    struct request r = {
        .kind = REQUEST_KEEP_WILL, .conn = conn, .topic = str_from(topic), .payload = str_from(payload)};

    assert_int_equal(world_login(w, conn, id, &login), HUB_ACCEPT);
    assert_int_equal(world_turn(w, &r), HUB_SWALLOW);
    assert_int_equal(world_count(w, OUT_EVENT), 0);
}

void world_service(struct world *w, struct conn *conn, const char *policy)
{
    struct sas_key key = world_policy_key(policy);
    char client_id[128], user_name[128];
    struct request r = {.kind = REQUEST_CONNECT, .conn = conn, .protocol = 4, .is_clean = true};

    memset(conn, 0, sizeof *conn);
    conn->no = ++w->last_conn;
    (void)snprintf(client_id, sizeof client_id, "service//%s-%u", policy, (unsigned)conn->no);
    (void)snprintf(user_name, sizeof user_name, "%s@sas.root.twinsim", policy);
    r.client_id = str_from(client_id);
    r.user_name = str_from(user_name);
    r.password = str_from(world_token(w, WORLD_HOST, &key, policy, w->now.us / WORLD_SECOND + 3600));
    assert_int_equal(world_turn(w, &r), HUB_ACCEPT);
    assert_true(conn->is_service);
}

void world_end(struct world *w, struct conn *conn, enum ended why)
{
    struct request r = {.kind = REQUEST_END, .conn = conn, .ended = why};

    (void)world_turn(w, &r);
    assert_false(hub_is_live(w->hub, str_from(conn->id), conn->no));
}

enum hub_answer world_subscribe(struct world *w, struct conn *conn, const char *filter, int qos)
{
    struct request r = {.kind = REQUEST_SUBSCRIBE, .conn = conn, .topic = str_from(filter), .qos = qos};

    return world_turn(w, &r);
}

enum hub_answer world_unsubscribe(struct world *w, struct conn *conn, const char *filter)
{
    struct request r = {.kind = REQUEST_UNSUBSCRIBE, .conn = conn, .topic = str_from(filter)};

    return world_turn(w, &r);
}

void world_puback(struct world *w, struct conn *conn, uint64_t tag)
{
    struct request r = {.kind = REQUEST_PUBACK, .conn = conn, .tag = tag};

    assert_int_equal(world_turn(w, &r), HUB_SWALLOW);
}

enum hub_answer world_publish_bytes(struct world *w, struct conn *conn, struct str topic, struct str payload)
{
    struct request r = {.kind = REQUEST_PUBLISH, .conn = conn, .topic = topic, .payload = payload, .qos = 1};

    return world_turn(w, &r);
}

enum hub_answer world_publish(struct world *w, struct conn *conn, const char *topic, const char *payload)
{
    char *text = copy_exact(payload, strlen(payload));
    enum hub_answer answer;

    for (size_t n = 0; n < strlen(payload); n++)
        if (text[n] == '\'')
            text[n] = '"';
    answer = world_publish_bytes(w, conn, str_from(topic), str_of(text, strlen(payload)));
    free(text);
    return answer;
}

void world_twin_client(struct world *w, struct conn *conn, const char *id)
{
    world_connect(w, conn, id);
    assert_int_equal(world_subscribe(w, conn, "$iothub/twin/res/#", 1), HUB_ACCEPT);
    assert_int_equal(world_subscribe(w, conn, "$iothub/twin/PATCH/properties/desired/#", 1), HUB_ACCEPT);
}

void world_report(struct world *w, struct conn *conn, const char *patch, int status)
{
    char topic[64];

    assert_int_equal(world_publish(w, conn, "$iothub/twin/PATCH/properties/reported/?$rid=r", patch), HUB_SWALLOW);
    (void)snprintf(topic, sizeof topic, "$iothub/twin/res/%d/?$rid=r", status);
    assert_int_equal(world_count(w, OUT_PUBLISH), 1);
    assert_true(str_starts(str_from(world_out(w, OUT_PUBLISH, 0)->topic), str_from(topic)));
}

/* --- what the last turn wanted ---------------------------------------------------------------------------------------- */

size_t world_count(const struct world *w, enum out_kind kind)
{
    size_t n = 0;

    for (size_t k = 0; k < w->out.len; k++)
        n += w->out.at[k].kind == kind;
    return n;
}

const struct out *world_out(const struct world *w, enum out_kind kind, size_t nth)
{
    for (size_t k = 0; k < w->out.len; k++)
        if (w->out.at[k].kind == kind && nth-- == 0)
            return &w->out.at[k];
    fail_msg("no such entry in the outbox");
    return NULL;
}

static const struct out *event_of(const struct world *w, const char *kind, size_t *count)
{
    const struct out *found = NULL;

    *count = 0;
    for (size_t k = 0; k < w->out.len; k++) {
        const struct out *o = &w->out.at[k];
        size_t slash = o->topic ? strlen(o->topic) : 0;

        while (slash && o->topic[slash - 1] != '/')
            slash--;
        if (o->kind != OUT_EVENT || strcmp(o->topic + slash, kind) != 0)
            continue;
        found = o;
        ++*count;
    }
    return found;
}

size_t world_count_events(const struct world *w, const char *kind)
{
    size_t count;

    (void)event_of(w, kind, &count);
    return count;
}

cJSON *world_event(struct world *w, const char *kind)
{
    size_t count;
    const struct out *o = event_of(w, kind, &count);
    cJSON *tree = NULL;

    if (count != 1)
        print_error("%zu events '%s'\n", count, kind);
    assert_int_equal(count, 1);
    assert_int_equal(json_read(str_from(o->body), &tree, NULL), RC_OK);
    return keep(w, tree);
}

const char *assert_sent(const struct world *w, const char *to, const char *topic)
{
    const struct out *found = NULL;

    for (size_t k = 0; k < w->out.len; k++) {
        const struct out *o = &w->out.at[k];

        if (o->kind != OUT_PUBLISH || str_starts(str_from(o->to), STR("service//")))
            continue;
        assert_null(found);
        found = o;
    }
    assert_non_null(found);
    assert_string_equal(found->to, to);
    assert_string_equal(found->topic, topic);
    assert_int_equal(found->body_len, found->body ? strlen(found->body) : 0);
    return found->body ? found->body : "";
}

void assert_nothing_sent(const struct world *w)
{
    for (size_t k = 0; k < w->out.len; k++)
        if (w->out.at[k].kind == OUT_PUBLISH)
            assert_true(str_starts(str_from(w->out.at[k].to), STR("service//")));
}

/* --- commands ----------------------------------------------------------------------------------------------------------- */

/* {"errorCode":..,"trackingId":..,"message":..,"timestampUtc":..}, as captures show it. */
static void assert_error(const struct world *w, const cJSON *body)
{
    const char *id = json_word(body, "trackingId");
    char now[ISO_TIME_MAX];

    assert_int_equal(cJSON_GetArraySize(body), 4);
    assert_true(json_number(body, "errorCode") >= 400000 && json_number(body, "errorCode") <= 503999);
    assert_true(strlen(json_word(body, "message")) > 0);
    assert_int_equal(strspn(id, "0123456789abcdef"), 32);
    assert_memory_equal(id + 32, "-G:1-TimeStamp:", 15);
    assert_int_equal(strlen(id + 47), strlen("01/01/2030 00:00:00"));
    (void)iso_time_print(hub_now(w->hub, w->now).us, now);
    assert_string_equal(json_word(body, "timestampUtc"), now);
}

/* One command, one response, to the asking client alone. */
static cJSON *assert_response(struct world *w, const struct conn *conn, const cJSON *command)
{
    const struct out *o = NULL;
    cJSON *response = NULL;
    const char *name = json_get_text(command, "command");

    for (size_t k = 0; k < w->out.len; k++)
        if (w->out.at[k].kind == OUT_PUBLISH && w->out.at[k].is_answer) {
            assert_null(o);
            o = &w->out.at[k];
        }
    assert_non_null(o);
    assert_string_equal(o->to, conn->id);
    assert_int_equal(o->conn, conn->no);
    assert_int_equal(o->qos, 1);
    assert_string_equal(o->topic, CONTROL_TOPIC "/response");
    assert_int_equal(json_read(str_of(o->body, o->body_len), &response, NULL), RC_OK);
    (void)keep(w, response);
    assert_string_equal(json_word(response, "command"), name ? name : "");
    assert_int_equal(cJSON_GetArraySize(response), json_get(command, "correlationData") ? 4 : 3);
    assert_true(json_get(command, "correlationData") == NULL ||
                json_eq(json_get(command, "correlationData"), json_get(response, "correlationData")));
    assert_true(cJSON_IsObject(json_get(response, "body")));
    if (json_number(response, "status") >= 300)
        assert_error(w, json_get(response, "body"));
    return response;
}

cJSON *world_ask_tree(struct world *w, struct conn *conn, const cJSON *command)
{
    struct request r = {.kind = REQUEST_COMMAND, .conn = conn, .command = command};

    assert_int_equal(world_turn(w, &r), HUB_SWALLOW);
    return assert_response(w, conn, command);
}

cJSON *world_ask_as(struct world *w, struct conn *conn, const char *name, const char *members)
{
    char text[WORLD_MEMBERS_MAX];

    assert_true((size_t)snprintf(text, sizeof text, "{'command':'%s','correlationData':'c-%s'%s%s}", name, name,
                                 members[0] ? "," : "", members) < sizeof text);
    return world_ask_tree(w, conn, world_json(w, text));
}

cJSON *world_ask(struct world *w, const char *name, const char *members, ...)
{
    char text[WORLD_MEMBERS_MAX];
    cJSON *response;
    va_list args;

    va_start(args, members);
    assert_true((size_t)vsnprintf(text, sizeof text, members, args) < sizeof text);
    va_end(args);
    response = world_ask_as(w, &w->owner, name, text);
    if (json_number(response, "status") != 200)
        print_error("%s %s: %s\n", name, text, json_word(response, "body.message"));
    assert_int_equal(json_number(response, "status"), 200);
    return json_get(response, "body");
}

const char *world_refused(struct world *w, int status, int code, const char *name, const char *members, ...)
{
    char text[WORLD_MEMBERS_MAX];
    cJSON *response;
    uint64_t seq;
    va_list args;

    va_start(args, members);
    assert_true((size_t)vsnprintf(text, sizeof text, members, args) < sizeof text);
    va_end(args);
    seq = hub_seq(w->hub);
    response = world_ask_as(w, &w->owner, name, text);
    if (json_number(response, "status") != status)
        print_error("%s %s: status %d\n", name, text, (int)json_number(response, "status"));
    assert_int_equal(json_number(response, "status"), status);
    assert_int_equal(json_number(response, "body.errorCode"), code);
    assert_int_equal(w->out.len, 1); /* the response, and nothing else */
    assert_int_equal(hub_seq(w->hub), seq);
    return json_word(response, "body.message");
}

const char *world_ids(struct world *w, const char *id)
{
    struct buf text;

    buf_init(&text, 0);
    buf_add(&text, STR("'deviceId':'"));
    for (const char *at = id; *at; at++)
        if (*at == '/')
            buf_add(&text, STR("','moduleId':'"));
        else if (*at == '\'')
            buf_add(&text, STR("\\u0027"));
        else
            buf_add_char(&text, *at);
    buf_add_char(&text, '\'');
    return keep_text(w, &text);
}

void world_create(struct world *w, const char *id)
{
    (void)world_ask(w, strchr(id, '/') ? "module.create" : "device.create", "%s", world_ids(w, id));
}

cJSON *world_twin(struct world *w, const char *id)
{
    return world_ask(w, "twin.show", "%s", world_ids(w, id));
}

cJSON *world_status(struct world *w)
{
    cJSON *response = world_ask_as(w, &w->owner, "hub.status", "");

    assert_int_equal(json_number(response, "status"), 200);
    return json_get(response, "body");
}

/* --- what several tests assert ------------------------------------------------------------------------------------------ */

/* Refused: nothing but one event, which tells the true reason; the connection stays nobody's. */
void assert_login_refused(struct world *w, enum hub_answer answer, const struct conn *conn, const char *reason)
{
    cJSON *event;

    assert_int_equal(answer, HUB_CLOSE);
    assert_non_null(w->why);
    if (strcmp(w->why, reason) != 0)
        print_error("refused because %s, not because %s\n", w->why, reason);
    assert_string_equal(w->why, reason);
    assert_int_equal(w->out.len, 1);
    event = world_event(w, "refused");
    assert_string_equal(json_word(event, "reason"), reason);
    (void)json_word(event, "clientId");
    (void)json_word(event, "userName");
    assert_string_equal(conn->id, "");
    assert_false(conn->is_service);
    assert_int_equal(conn->rights, 0);
}

/* etag n, version, desired and reported version of a twin as the service sees it. */
void assert_versions(struct world *w, const char *id, int etag, int version, int desired, int reported)
{
    char want[16];
    cJSON *twin = world_twin(w, id);

    twin_etag_print(etag, want);
    assert_string_equal(json_word(twin, "etag"), want);
    assert_int_equal(json_number(twin, "version"), version);
    assert_int_equal(json_number(twin, "properties.desired.$version"), desired);
    assert_int_equal(json_number(twin, "properties.reported.$version"), reported);
}

cJSON *world_desire(struct world *w, const char *desired)
{
    return world_ask(w, "twin.update", "'deviceId':'dev1','patch':{'properties':{'desired':%s}}", desired);
}

void world_tag(struct world *w, const char *tags)
{
    (void)world_ask(w, "twin.update", "'deviceId':'dev1','patch':{'tags':%s}", tags);
}

/* Desired without metadata and version, as the device GETs it. */
void assert_desired(struct world *w, const char *want)
{
    cJSON *desired = json_at_path(world_twin(w, "dev1"), STR("properties.desired"));

    json_remove(desired, "$metadata");
    json_remove(desired, "$version");
    assert_json(w, desired, "", want);
}
