/* hub_connect.c - who may come in, and what happens when somebody leaves.
 *
 * Every refusal is CONNACK 5 to the client; the true reason goes to the event stream and the log only (facts M-06).
 */
#include <stdio.h>
#include <stdlib.h>

#include "hub_internal.h"
#include "utf8.h"

#define MQTT_3_1_1 4

static enum hub_answer refused(struct hub *h, struct request *r, const struct identity *i, const char *reason,
                               struct outbox *out)
{
    struct buf *b = event_begin(h, "refused", i, 0, r->now);

    json_put_text(b, "clientId", sas_without_secret(r->client_id));
    json_put_text(b, "userName", sas_without_secret(r->user_name));
    json_put_text(b, "reason", str_from(reason));
    if (r->peer.len)
        json_put_text(b, "peer", r->peer);
    event_send(h, out);
    r->why = reason;
    return HUB_CLOSE;
}

/* The first instant at which a token is good no more, for a CONNECT and for a live connection alike (facts ); saturating. */
static int64_t token_end_us(const struct hub *h, const struct sas_token *token)
{
    int64_t last_s = INT64_MAX / 1000000 - h->options.token_skew_us / 1000000 - 2;

    return token->se_s >= last_s ? INT64_MAX : token->se_s * 1000000 + h->options.token_skew_us + 1;
}

static bool has_expired(const struct hub *h, const struct sas_token *token, int64_t us)
{
    return us >= token_end_us(h, token);
}

/* The policy a token names; skn is percent-encoded. NULL: none that the hub has. */
static const struct policy *policy_of(const struct sas_token *token)
{
    const struct policy *policy = NULL;
    struct buf name;

    buf_init(&name, 64);
    if (percent_decode(token->skn, &name) == RC_OK)
        policy = policy_find(buf_view(&name));
    buf_done(&name);
    return policy;
}

/* A policy's token: may it act as any device (needed DeviceConnect), or as the service? NULL: it may, else why not. */
static const char *check_policy(const struct hub *h, const struct sas_token *token, unsigned needed)
{
    const struct policy *policy = policy_of(token);
    struct sas_key key;

    if (!policy)
        return "the token names a policy that the hub does not have";
    if (!(policy->rights & needed))
        return needed == RIGHT_DEVICE_CONNECT ? "the token's policy lacks DeviceConnect"
                                              : "the token's policy may not do this";
    if (hub_policy_key(h->options.key_seed, str_from(policy->name), &key) || !sas_token_is_signed_by(token, &key))
        return "the token's signature does not match the policy's key";
    return NULL;
}

/* Was the token made by who knows a key of the identity, or a policy's? NULL: yes, else why not. */
static const char *check_signature(const struct hub *h, const struct identity *i, const struct sas_token *token)
{
    if (token->skn.len)
        return check_policy(h, token, RIGHT_DEVICE_CONNECT);
    if (!sas_token_is_signed_by(token, &i->primary) && !sas_token_is_signed_by(token, &i->secondary))
        return "the token's signature matches neither key of the identity";
    return NULL;
}

bool hub_connect_is_signed(const struct hub *h, const struct request *r, const struct identity *i)
{
    struct sas_token token;

    return i->auth == AUTH_SAS && r->password.len && !sas_token_read(r->password, &token) &&
           !check_signature(h, i, &token);
}

/* Facts A-01..A-09; skew_us: a fault's error of the clock. NULL: the token is good, else the reason in words. */
static const char *check_device_token(const struct hub *h, const struct request *r, const struct identity *i,
                                      int64_t skew_us, struct sas_token *token)
{
    const char *why;

    if (i->auth != AUTH_SAS)
        return "the identity does not authenticate with a token";
    if (r->password.len == 0)
        return "no password: a SAS token is wanted";
    if (sas_token_read(r->password, token))
        return "the password is no SAS token (sr, sig and se are wanted)";
    if (has_expired(h, token, r->now.us + skew_us))
        return "the token has expired";
    why = check_signature(h, i, token);
    if (why)
        return why;
    if (!sas_scope_covers(token->sr, h->options.hosts, h->options.n_hosts, identity_ident(i)))
        return "the token's scope (sr) does not cover the identity";
    return NULL;
}

static bool is_our_host(const struct hub *h, struct str host)
{
    return sas_host_is_one_of(host, h->options.hosts, h->options.n_hosts);
}

/* The gateway holds the CONNACK back until this comes, and so until all that it promises is stored. */
static void say_hello(const struct conn *conn, bool session_present, struct outbox *out)
{
    struct out *o;

    if (!conn->has_gateway)
        return;
    o = outbox_push(out, OUT_HELLO);
    (void)snprintf(o->to, sizeof o->to, "%s", conn->id);
    o->conn = conn->no;
    o->session_present = session_present;
}

static enum hub_answer connect_service(struct hub *h, struct request *r, struct outbox *out)
{
    const struct policy *policy = policy_find(r->user.policy);
    struct sas_token token;
    const char *why = NULL;

    if (!str_starts(r->client_id, STR("service//")) || r->client_id.len >= sizeof r->conn->id)
        why = "a service client's id is service//{anything unique}";
    else if (!is_our_host(h, r->user.host) && !str_eq_nocase(r->user.host, str_from(h->name)))
        why = "the user name is of another hub";
    else if (!policy)
        why = "the hub has no such policy";
    else if (r->password.len == 0 || sas_token_read(r->password, &token))
        why = "the password is no SAS token";
    else if (has_expired(h, &token, r->now.us))
        why = "the token has expired";
    else if (policy_of(&token) != policy)
        why = "the token (skn) is of another policy than the user name";
    else if (!sas_scope_is_hub(token.sr, h->options.hosts, h->options.n_hosts))
        why = "the token's scope (sr) is not this hub";
    else
        why = check_policy(h, &token, RIGHT_SERVICE_CONNECT | RIGHT_REGISTRY_READ | RIGHT_REGISTRY_WRITE);
    if (why)
        return refused(h, r, NULL, why, out);

    r->conn->is_service = true;
    r->conn->rights = policy->rights;
    r->conn->is_clean = r->is_clean || r->conn->has_gateway; /* the gateway's sessions in the broker are clean */
    memcpy(r->conn->id, r->client_id.at, r->client_id.len);
    r->conn->id[r->client_id.len] = '\0';
    say_hello(r->conn, false, out); /* the broker keeps no session of whom the gateway lets in */
    return HUB_ACCEPT;
}

/* Is it a text that can be kept and printed as it is? */
static bool is_model(struct str text)
{
    return text.len && utf8_is_valid(text) && str_find(text, '\0') == text.len;
}

/* A model id is announced at every connect; the twin keeps the last (facts M-09). What is no text, or longer than any model's
 * name, is passed over. */
static void note_model(struct identity *i, struct request *r, struct outbox *out)
{
    struct buf model;
    char *text = NULL;

    buf_init(&model, 512);
    if (percent_decode(r->user.model_id, &model) == RC_NOMEM)
        out->rc = RC_NOMEM;
    else if (buf_ok(&model) && is_model(buf_view(&model)) && !str_eq(buf_view(&model), str_from(i->model_id)))
        text = buf_take(&model, NULL);
    buf_done(&model);
    if (!text)
        return;
    free(i->model_id);
    i->model_id = text;
    hub_store_document(i, CHANGE_UPDATED, r->now, out);
}

static void announce_connected(struct hub *h, const struct identity *i, const struct request *r, struct outbox *out)
{
    struct buf *b = event_begin(h, "connected", i, r->conn->no, r->now);

    json_put_bool(b, "clean", r->is_clean);
    json_put_i64(b, "keepAlive", r->keep_alive_s);
    json_put_text(b, "apiVersion", r->user.api_version);
    if (i->model_id)
        json_put_text(b, "modelId", str_from(i->model_id));
    if (r->user.client_type.len)
        json_put_text(b, "clientType", r->user.client_type);
    if (r->peer.len)
        json_put_text(b, "peer", r->peer);
    event_send(h, out);
    notice_connection(h, i, true, r->now, out);
}

/* Does this CONNECT take up a session that stands? What it does not take up is forgotten, for good (facts M-10, M-11). */
static bool take_session_up(struct identity *i, bool is_clean, struct outbox *out)
{
    static const unsigned char none[FILTER_CLASSES];
    bool is_empty = memcmp(i->subscribed, none, sizeof none) == 0;
    bool is_present = !is_clean && !is_empty && i->subscribed[FILTER_SESSION] != SESSION_CLEAN;
    unsigned char kind = is_clean ? SESSION_NONE : SESSION_KEPT; /* CLEAN when it first subscribes */

    if ((is_empty || is_present) && i->subscribed[FILTER_SESSION] == kind)
        return is_present;
    if (!is_present)
        memset(i->subscribed, 0, sizeof i->subscribed);
    i->subscribed[FILTER_SESSION] = kind;
    hub_store_subscriptions(i, out);
    return is_present;
}

static void open_session(struct hub *h, struct identity *i, struct request *r, int64_t ends_us, struct outbox *out)
{
    bool is_present;

    /* The older connection of the same identity is closed by the broker, which sees the same client id (facts M-08). */
    hub_note_end(h, i, ENDED_TAKEOVER, r->now, out);
    is_present = take_session_up(i, r->is_clean, out);
    i->conn = r->conn->no;
    i->has_gateway = r->conn->has_gateway;
    i->token_ends_us = ends_us;
    i->state_updated_us = i->last_activity_us = r->now.us;
    h->connected++;
    if (ends_us < h->next_token_us)
        h->next_token_us = ends_us;

    r->conn->is_service = false;
    r->conn->is_clean = r->is_clean;
    memcpy(r->conn->id, i->id, i->id_len + 1);
    r->conn->who.device = str_of(r->conn->id, i->device_len);
    r->conn->who.module = ident_is_module(identity_ident(i))
                              ? str_of(r->conn->id + i->device_len + 1, i->id_len - i->device_len - 1)
                              : (struct str){NULL, 0};
    say_hello(r->conn, is_present, out);
}

/* What faults make of it. returns HUB_ACCEPT when it goes on; then *skew_us is how wrong the clock is that judges the token */
static enum hub_answer strike(struct hub *h, struct request *r, const struct identity *i, int64_t *skew_us,
                              struct outbox *out)
{
    const struct fault *f =
        hub_fault_pick(h, FAULT_BIT(REFUSE) | FAULT_BIT(DISCONNECT), FAULT_CONNECT, i, STR(""), r->now, out);

    if (f && f->type == FAULT_TYPE_DISCONNECT) {
        r->why = "a fault";
        return HUB_CUT;
    }
    if (f)
        return refused(h, r, i, f->reason, out);
    f = hub_fault_pick(h, FAULT_BIT(CLOCK_SKEW), FAULT_CONNECT, i, STR(""), r->now, out);
    *skew_us = f ? f->by : 0;
    return HUB_ACCEPT;
}

/* NULL: it may come in (and *token is read), else why not. i NULL: nobody. */
static const char *check_device(const struct hub *h, const struct request *r, const struct identity *i, int64_t skew_us,
                                struct sas_token *token)
{
    const struct identity *device = hub_find(h, r->target.device);
    char id[IDENT_TEXT_MAX];
    const char *why;

    if (!str_eq(r->client_id, str_of(id, ident_print(r->target, id))))
        return "the client id is not the identity of the user name";
    if (!is_our_host(h, r->user.host))
        return "the user name names another hub";
    if (!i || !device)
        return "the hub has no such identity";
    if (!device->is_enabled || !i->is_enabled)
        return "the device is disabled";
    if ((h->options.require_api_version || HUB_IS_EDGE(h)) && r->user.api_version.len == 0)
        return "the user name has no api-version";
    why = check_device_token(h, r, i, skew_us, token);
    return why ? why : hub_will_refusal(h, r);
}

static enum hub_answer connect_device(struct hub *h, struct request *r, struct outbox *out)
{
    char id[IDENT_TEXT_MAX];
    struct identity *i = hub_find(h, str_of(id, ident_print(r->target, id)));
    struct sas_token token;
    int64_t skew_us = 0, ends_us, wait_us;
    enum hub_answer answer = i ? strike(h, r, i, &skew_us, out) : HUB_ACCEPT;
    const char *why;

    if (answer != HUB_ACCEPT)
        return answer;
    why = check_device(h, r, i, skew_us, &token);
    if (why)
        return refused(h, r, i, why, out);
    if (hub_throttle(h, THROTTLE_CONNECT, 1, r->now, &wait_us) == THROTTLE_REFUSES) {
        (void)refused(h, r, i, "throttled: more new connections than a hub of this tier takes", out);
        return HUB_CUT; /* a client may try again, which it would not behind a 5 */
    }
    note_model(i, r, out);
    ends_us = token_end_us(h, &token);
    if (ends_us < INT64_MAX - FAULT_SKEW_MAX)
        ends_us -= skew_us; /* that clock judges it to its end */
    open_session(h, i, r, ends_us, out);
    i->by_policy = token.skn.len > 0;
    announce_connected(h, i, r, out);
    hub_missed_settle(h, i, r->now, out);
    hub_method_online(h, i, r->now, out); /* a session that was kept listens already (facts M-10) */
    hub_message_deliver(h, i, r->now, out);
    return HUB_ACCEPT;
}

enum hub_answer hub_connect(struct hub *h, struct request *r, struct outbox *out)
{
    if (r->read_rc)
        return refused(h, r, NULL, "the user name is not {host}/{device}[/{module}]/?api-version=..", out);
    if (r->protocol != MQTT_3_1_1)
        return refused(h, r, NULL, "only MQTT 3.1.1 is served (protocol level 4)", out);
    return r->user.kind == USER_NAME_SERVICE ? connect_service(h, r, out) : connect_device(h, r, out);
}

void hub_end(struct hub *h, struct request *r, struct outbox *out)
{
    struct identity *i = r->conn->is_service ? NULL : hub_find(h, str_from(r->conn->id));

    if (!i || i->conn != r->conn->no)
        return; /* an older connection of the identity; its end was told at the takeover */
    hub_note_end_so(h, i, r->ended, r->detail, r->now, out); /* the broker ended it: nothing is left to close */
}

void hub_turned_away(struct hub *h, struct request *r, struct outbox *out)
{
    struct buf *b = event_begin(h, "refused", NULL, 0, r->now);

    json_put_text(b, "reason", str_from(ended_name(r->ended)));
    if (r->detail.len)
        json_put_text(b, "detail", r->detail);
    if (r->peer.len)
        json_put_text(b, "peer", r->peer);
    event_send(h, out);
}
