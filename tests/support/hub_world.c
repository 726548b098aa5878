/* hub_world.c - see hub_world.h. The journal, the turns, and the laws that hold in every turn. */
#include "hub_mail.h"

#include "world_store.h"

#include <ctype.h>
#include <stdio.h>

/* --- the journal ---------------------------------------------------------------------------------------------- */

static char *copy_text(const char *text)
{
    return text ? copy_exact(text, strlen(text) + 1) : NULL;
}

static void record_done(struct record *e)
{
    free(e->body);
    free(e->doc);
    free(e->twin);
}

/* Keep an entry of the outbox. An adapter's store takes it at once, and undoes it when the turn fails. */
static void record(struct world *w, const struct out *o)
{
    struct record *e;

    if (w->store)
        world_store_append(w->store, o);
    mail_record(w, o);
    if (o->kind != OUT_STORE && o->kind != OUT_SUBSCRIBED)
        return;
    if (w->n_records == w->cap_records) {
        w->cap_records = w->cap_records ? w->cap_records * 2 : 64;
        w->records = realloc(w->records, w->cap_records * sizeof *w->records);
        assert_non_null(w->records);
    }
    e = &w->records[w->n_records++];
    memset(e, 0, sizeof *e);
    (void)snprintf(e->id, sizeof e->id, "%s", o->to);
    e->is_subscription = o->kind == OUT_SUBSCRIBED;
    e->change = o->change;
    e->at_us = o->at_us;
    e->version = o->version;
    e->desired_version = o->desired_version;
    e->reported_version = o->reported_version;
    e->body = copy_text(o->body);
    e->doc = copy_text(o->doc);
    e->twin = copy_text(o->twin);
    memcpy(e->subscribed, o->subscribed, sizeof e->subscribed);
    if (o->kind == OUT_STORE && o->change != CHANGE_DELETED)
        assert_non_null(o->body);
}

/* Index of the row that made that identity, or n_records when it is not there. */
static size_t created_at(const struct world *w, struct str id)
{
    for (size_t n = w->n_records; n-- > 0;) {
        const struct record *e = &w->records[n];

        if (e->is_subscription || !str_eq(str_from(e->id), id))
            continue;
        if (e->change == CHANGE_CREATED)
            return n;
        if (e->change == CHANGE_DELETED)
            break;
    }
    return w->n_records;
}

static cJSON *tree_of(const char *text)
{
    cJSON *tree = NULL;

    assert_non_null(text);
    assert_int_equal(json_read(str_from(text), &tree, NULL), RC_OK);
    return tree;
}

static struct identity *identity_of(const char *doc, int64_t at_us)
{
    struct identity *i = NULL;
    struct refusal why;
    cJSON *tree = tree_of(doc);

    assert_int_equal(identity_read(tree, at_us, &i, &why), RC_OK);
    cJSON_Delete(tree);
    return i;
}

static void assert_counters(const struct twin *t, const struct record *e)
{
    assert_int_equal(t->version, e->version);
    assert_int_equal(t->desired_version, e->desired_version);
    assert_int_equal(t->reported_version, e->reported_version);
}

/* Fold one row into it; the counters it was stored with must come out. */
static void fold(struct identity *i, const struct record *e)
{
    cJSON *body = tree_of(e->body);

    assert_int_equal(identity_fold(i, e->change, e->at_us, body), RC_OK);
    if (e->change != CHANGE_UPDATED)
        assert_counters(i->twin, e);
    assert_true(twin_is_valid(i->twin));
    cJSON_Delete(body);
}

static char *printed(const struct identity *i, bool with_twin)
{
    struct buf b;
    char *text;

    buf_init(&b, 0);
    identity_print(&b, i, with_twin);
    text = buf_take(&b, NULL);
    assert_non_null(text);
    return text;
}

/* Equal in all that lasts. When somebody was last there is told with the next document only. */
static void assert_same(const struct identity *a, const struct identity *b, bool with_twin)
{
    struct identity copy = *b;
    char *one = printed(a, with_twin), *two;

    copy.state_updated_us = a->state_updated_us;
    copy.last_activity_us = a->last_activity_us;
    two = printed(&copy, with_twin);
    assert_string_equal(one, two);
    free(one);
    free(two);
}

/* As a store does it: the newest document, and the twin's first snapshot with all rows since. The whole fold must agree. */
struct identity *world_load(const struct world *w, struct str id, bool with_twin)
{
    size_t from = created_at(w, id);
    const struct record *made;
    struct identity *folded, *i;
    struct refusal why;
    const char *doc;
    cJSON *tree;

    if (from == w->n_records)
        return NULL;
    made = &w->records[from];
    folded = identity_of(made->body, made->at_us);
    doc = made->doc;
    for (size_t n = from + 1; n < w->n_records; n++) {
        const struct record *e = &w->records[n];

        if (!str_eq(str_from(e->id), id))
            continue;
        if (e->is_subscription) {
            memcpy(folded->subscribed, e->subscribed, sizeof folded->subscribed);
            continue;
        }
        fold(folded, e);
        if (e->change == CHANGE_UPDATED)
            doc = e->doc;
    }
    i = identity_of(doc, INSTANT_NONE);
    memcpy(i->subscribed, folded->subscribed, sizeof i->subscribed);
    assert_same(folded, i, false);
    tree = tree_of(made->twin);
    assert_int_equal(twin_read(tree, INSTANT_NONE, &i->twin, &why), RC_OK);
    assert_counters(i->twin, made);
    cJSON_Delete(tree);
    for (size_t n = from + 1; n < w->n_records; n++) {
        const struct record *e = &w->records[n];

        if (!e->is_subscription && e->change != CHANGE_UPDATED && str_eq(str_from(e->id), id))
            fold(i, e);
    }
    assert_same(folded, i, true);
    identity_free(folded);
    i->messages.count = mail_count(w, id);
    if (!with_twin) {
        twin_free(i->twin);
        i->twin = NULL;
    }
    return i;
}

char *world_print(const struct world *w, const char *id)
{
    struct identity *i = world_load(w, str_from(id), true);
    struct buf b;
    char *text;

    if (!i)
        return copy_text("none");
    buf_init(&b, 0);
    identity_print(&b, i, true);
    for (size_t c = 0; c < FILTER_CLASSES; c++)
        buf_addf(&b, " %d", i->subscribed[c]);
    text = buf_take(&b, NULL);
    assert_non_null(text);
    identity_free(i);
    return text;
}

/* --- loading what a decision needs ------------------------------------------------------------------------------ */

static struct identity *load_one(struct world *w, struct str id, bool with_twin)
{
    struct identity *i = hub_find(w->hub, id);

    if (i && (i->twin || !with_twin))
        return i;
    i = w->store ? world_store_load(w->store, id, with_twin) : world_load(w, id, with_twin);
    return i ? hub_put(w->hub, i) : NULL;
}

/* Byte order of the device's id, then of the module's. */
static int order_of(struct str a, struct str b)
{
    size_t n = 0;

    while (n < a.len && n < b.len && a.at[n] == b.at[n])
        n++;
    if (n == a.len || n == b.len)
        return (a.len > n) - (b.len > n);
    if (a.at[n] == '/' || b.at[n] == '/')
        return a.at[n] == '/' ? -1 : 1;
    return (unsigned char)a.at[n] - (unsigned char)b.at[n];
}

static int by_id(const void *a, const void *b)
{
    return order_of(str_from(*(const char *const *)a), str_from(*(const char *const *)b));
}

/* Ids that are there, in order: devices, or the modules of one, or all modules. Returns how many; at most max are written. */
static size_t ids_in_order(const struct world *w, struct str device, bool all_modules, const char **out, size_t max)
{
    size_t n = 0;

    for (size_t k = 0; k < w->n_records; k++) {
        const struct record *e = &w->records[k];
        struct str rest = str_from(e->id);
        struct str owner = str_cut(&rest, '/');

        if (e->is_subscription || e->change != CHANGE_CREATED || created_at(w, str_from(e->id)) != k)
            continue;
        if (all_modules ? rest.at != NULL : device.len ? rest.at && str_eq(owner, device) : !rest.at) {
            assert_true(n < max);
            out[n++] = e->id;
        }
    }
    qsort(out, n, sizeof *out, by_id);
    return n;
}

/* The real store gives what stands behind list_after; the list in memory gives all. */
static size_t ids_needed(struct world *w, const struct needs *needs, size_t top, const char **ids, size_t max)
{
    static char page[HUB_PAGE_MAX + 1][IDENT_TEXT_MAX];
    size_t n;

    if (!w->store)
        return ids_in_order(w, needs->list_device, needs->list_modules, ids, max);
    n = world_store_list(w->store, needs, top < HUB_PAGE_MAX ? top + 1 : COUNT(page), page);
    for (size_t k = 0; k < n; k++)
        ids[k] = page[k];
    return n;
}

static void load_list(struct world *w, const struct needs *needs, struct request *r)
{
    const char *ids[1024];
    size_t top = needs->list_twins && w->twins_at_once ? w->twins_at_once : needs->list_top;
    size_t n = ids_needed(w, needs, top, ids, COUNT(ids));

    for (size_t k = 0; k < n; k++) {
        struct str id = str_from(ids[k]);

        if (needs->list_after.len && order_of(id, needs->list_after) <= 0)
            continue;
        if (r->n_listed == top) {
            r->list_has_more = true;
            break;
        }
        r->listed[r->n_listed++] = load_one(w, id, needs->list_twins);
    }
}

/* The newest rows that made or changed the twin. */
static void load_history(struct world *w, struct str id, const struct needs *needs, struct request *r)
{
    size_t from = created_at(w, id);

    if (w->store) {
        world_store_history(w->store, id, needs, r);
        return;
    }
    r->rows = calloc(needs->history_top, sizeof *r->rows);
    assert_non_null(r->rows);
    for (size_t n = w->n_records; from < w->n_records && n-- > from;) {
        const struct record *e = &w->records[n];

        if (e->is_subscription || e->change == CHANGE_UPDATED || !str_eq(str_from(e->id), id) ||
            (needs->history_before && e->version >= needs->history_before))
            continue;
        if (r->n_rows == needs->history_top) {
            r->list_has_more = true;
            return;
        }
        r->rows[r->n_rows++] = (struct journal_row){
            e->change, e->at_us, e->version, e->desired_version, e->reported_version, copy_text(e->body)};
    }
}

static void load_needed(struct world *w, const struct needs *needs, struct request *r)
{
    char id[IDENT_TEXT_MAX];

    for (size_t k = 0; k < needs->n_ids; k++) {
        struct str name = str_of(id, ident_print(needs->ids[k], id));
        struct identity *i = load_one(w, name, needs->twins);

        if (k == 0 && i && needs->messages && !messages_are_here(&i->messages) && hub_needs_messages(w->hub, r, i)) {
            struct messages q;

            if (w->store)
                world_store_messages(w->store, name, &q);
            else
                mail_load(w, name, &q);
            hub_put_messages(w->hub, i, &q);
        }
    }
    if (needs->feedback && w->store)
        world_store_feedback(w->store, r);
    else if (needs->feedback)
        mail_load_feedback(w, r);
    if (needs->modules && needs->n_ids)
        load_list(w, &(struct needs){.list_device = needs->ids[0].device, .list_top = HUB_PAGE_MAX}, r);
    if (needs->list) {
        assert_true(needs->list_top >= 1 && needs->list_top <= HUB_PAGE_MAX);
        load_list(w, needs, r);
    }
    if (needs->history) {
        assert_true(needs->history_top >= 1);
        load_history(w, str_of(id, ident_print(needs->ids[0], id)), needs, r);
    }
}

/* --- the laws of every turn --------------------------------------------------------------------------------------- */

static void assert_no_secret(const struct world *w, const struct out *o, const char *id)
{
    struct identity *known = id ? hub_find(w->hub, str_from(id)) : NULL;
    struct identity *i = id && !known ? world_load(w, str_from(id), false) : known;
    char text[SAS_KEY_TEXT_MAX];

    for (int k = 0; i && k < 2; k++) {
        sas_key_print(k ? &i->primary : &i->secondary, text);
        if (text[0])
            assert_null(strstr(o->body, text));
    }
    if (!known)
        identity_free(i);
    for (size_t k = 0; k < COUNT(w->policy_keys); k++)
        assert_null(strstr(o->body, w->policy_keys[k]));
    assert_null(strstr(o->body, "SharedAccessSignature"));
}

/* Undo the percent-encoding of one level, which must hold nothing but unreserved characters and escapes. */
static void level_decode(struct str level, char out[IDENT_PART_MAX + 1])
{
    struct buf b;

    for (size_t n = 0; n < level.len; n++)
        assert_true(isalnum((unsigned char)level.at[n]) || strchr("-._~%", level.at[n]));
    buf_init(&b, IDENT_PART_MAX);
    assert_int_equal(percent_decode(level, &b), RC_OK);
    (void)snprintf(out, IDENT_PART_MAX + 1, "%.*s", (int)b.len, b.len ? b.at : "");
    buf_done(&b);
}

/* $twinsim/v1/events/{device}[/{module}]/{kind} or $twinsim/v1/hub/{kind}, and the object says the same. */
static void assert_event(struct world *w, const struct out *o)
{
    struct str rest = str_skip(str_from(o->topic), sizeof EVENTS_ROOT - 1), levels[4];
    char device[IDENT_PART_MAX + 1], id[IDENT_TEXT_MAX];
    cJSON *event = tree_of(o->body);
    const char *module = json_get_text(event, "module");
    size_t n = 0;
    int64_t seq;

    assert_int_equal(o->body_len, strlen(o->body));
    assert_int_equal(json_get_i64(event, "seq", &seq), RC_OK);
    assert_int_equal(seq, w->seq + 1); /* without a gap */
    w->seq++;
    assert_int_equal(json_number(event, "mono_us"), w->now.mono_us);
    while (rest.at) {
        assert_true(n < COUNT(levels));
        levels[n++] = str_cut(&rest, '/');
    }
    assert_true(str_eq(levels[n - 1], str_from(json_word(event, "kind"))));
    if (str_eq(levels[0], STR("hub"))) {
        assert_int_equal(n, 2);
        assert_null(json_get(event, "device"));
        assert_no_secret(w, o, NULL);
    } else {
        assert_true(str_eq(levels[0], STR("events")));
        assert_int_equal(n, module ? 4 : 3);
        level_decode(levels[1], device);
        assert_string_equal(device, json_word(event, "device"));
        if (module) {
            level_decode(levels[2], device);
            assert_string_equal(device, module);
        }
        (void)snprintf(id, sizeof id, "%s%s%s", json_word(event, "device"), module ? "/" : "", module ? module : "");
        assert_no_secret(w, o, id);
    }
    cJSON_Delete(event);
}

static void assert_message(struct world *w, const struct out *o)
{
    assert_non_null(o->topic);
    assert_true(o->qos == 0 || o->qos == 1);
    if (str_starts(str_from(o->to), STR("service//"))) {
        assert_string_equal(o->topic, CONTROL_TOPIC "/response");
        return;
    }
    if (w->n_requests == 1)
        assert_true(hub_is_live(w->hub, str_from(o->to), o->conn)); /* nobody left meanwhile */
    if (!str_starts(str_from(o->topic), STR("$iothub/"))) {
        struct buf own; /* "d/m" hears devices/d/modules/m/.., and nobody else's */
        struct str module = str_from(o->to), device = str_cut(&module, '/');

        buf_init(&own, 0);
        buf_addf(&own, "devices/%.*s/", STR_FMT(device));
        if (module.at)
            buf_addf(&own, "modules/%.*s/", STR_FMT(module));
        assert_true(str_starts(str_from(o->topic), buf_view(&own)));
        buf_done(&own);
    }
}

static void assert_laws(struct world *w)
{
    for (size_t n = 0; n < w->out.len; n++) {
        const struct out *o = &w->out.at[n];

        if (o->kind == OUT_EVENT && str_starts(str_from(o->topic), STR(EVENTS_ROOT))) {
            assert_true(w->listens);
            assert_event(w, o);
        } else if (o->kind == OUT_PUBLISH) {
            assert_message(w, o);
        } else if (o->kind == OUT_CLOSE) {
            assert_false(hub_is_live(w->hub, str_from(o->to), o->conn));
        }
    }
    if (!w->listens)
        w->seq = hub_seq(w->hub);
    assert_int_equal(hub_seq(w->hub), w->seq);
}

/* What the real store holds is what the list holds. */
static void assert_stored_alike(struct world *w, struct str id, const struct identity *want)
{
    struct identity *got = world_store_load(w->store, id, true);

    assert_non_null(got);
    assert_same(want, got, true);
    assert_memory_equal(want->subscribed, got->subscribed, sizeof want->subscribed);
    assert_int_equal(want->messages.count, got->messages.count);
    identity_free(got);
}

void world_check(struct world *w)
{
    assert_true(hub_is_valid(w->hub));
    for (size_t n = 0; n < w->n_records; n++) {
        struct str id = str_from(w->records[n].id);
        struct identity *cached, *stored;

        if (w->records[n].is_subscription || w->records[n].change != CHANGE_CREATED)
            continue; /* everybody was made once; look at each then, and not for every row */
        cached = hub_find(w->hub, id);
        stored = world_load(w, id, true);

        if (cached) {
            assert_non_null(stored); /* nobody deleted stays in memory */
            assert_same(stored, cached, cached->twin != NULL);
            assert_memory_equal(stored->subscribed, cached->subscribed, sizeof cached->subscribed);
            assert_int_equal(stored->messages.count, cached->messages.count);
        }
        if (w->store && stored)
            assert_stored_alike(w, id, stored);
        identity_free(stored);
    }
}

/* --- turns ---------------------------------------------------------------------------------------------------------- */

static void suspect(char slot[IDENT_TEXT_MAX], struct str id)
{
    if (id.len < IDENT_TEXT_MAX && id.len) {
        memcpy(slot, id.at, id.len);
        slot[id.len] = '\0';
    }
}

/* Of a decision half made nothing is recorded. */
static void record_new(struct world *w)
{
    for (; !w->out.rc && w->recorded < w->out.len; w->recorded++)
        if (out_lasts(&w->out.at[w->recorded]))
            record(w, &w->out.at[w->recorded]);
}

enum hub_answer world_decide(struct world *w, struct request *r)
{
    char id[IDENT_TEXT_MAX];
    enum hub_answer answer;
    struct needs needs;

    w->n_requests++;
    r->now = hub_now(w->hub, w->now);
    r->why = NULL;
    request_read(r);
    hub_needs(w->hub, r, &needs);
    load_needed(w, &needs, r);
    suspect(w->suspects[0], str_from(r->conn ? r->conn->id : ""));
    if (r->target.device.len && ident_part_is_valid(r->target.device) &&
        (!r->target.module.len || ident_part_is_valid(r->target.module)))
        suspect(w->suspects[1], str_of(id, ident_print(r->target, id)));
    if (w->around_decide)
        w->around_decide(true);
    answer = hub_handle(w->hub, r, &w->out);
    if (w->around_decide)
        w->around_decide(false);
    for (size_t n = 0; n < r->n_rows; n++)
        free(r->rows[n].body);
    free(r->rows);
    r->rows = NULL;
    r->n_rows = 0;
    if (w->store)
        world_store_feedback_done(r);
    else
        free(r->feedback); /* the texts are the list's */
    r->feedback = NULL;
    r->n_feedback = 0;
    record_new(w);
    w->why = r->why;
    return answer;
}

static void begin(struct world *w)
{
    outbox_clear(&w->out);
    w->recorded = 0;
    w->n_requests = 0;
    memset(w->suspects, 0, sizeof w->suspects);
}

void world_fail(struct world *w)
{
    uint64_t conn;

    while (w->n_records > w->n_committed)
        record_done(&w->records[--w->n_records]);
    if (w->store)
        world_store_rollback(w->store);
    mail_undo(w, w->n_mail_committed);
    for (size_t n = 0; n < w->out.len; n++)
        if (out_lasts(&w->out.at[n]))
            (void)hub_drop(w->hub, str_from(w->out.at[n].to), &conn);
    for (size_t n = 0; n < COUNT(w->suspects); n++)
        if (w->suspects[n][0])
            (void)hub_drop(w->hub, str_from(w->suspects[n]), &conn);
    assert_true(hub_is_valid(w->hub));
    hub_trim(w->hub);
    w->seq = hub_seq(w->hub); /* those of the failed turn never left */
    mail_tell_state(w);
    begin(w);
}

bool world_commit(struct world *w)
{
    if (w->out.rc) {
        world_fail(w);
        return false;
    }
    assert_true(hub_is_valid(w->hub));
    w->n_committed = w->n_records;
    if (w->store)
        world_store_commit(w->store);
    w->n_mail_committed = w->n_mail;
    if (mail_has_news(w))
        mail_tell_state(w);
    assert_laws(w);
    hub_trim(w->hub);
    assert_true(hub_is_valid(w->hub));
    return true;
}

enum hub_answer world_turn(struct world *w, struct request *r)
{
    enum hub_answer answer;

    begin(w);
    answer = world_decide(w, r);
    assert_true(world_commit(w));
    return answer;
}

void world_begin(struct world *w)
{
    begin(w);
}

int64_t world_tick_of_turn(struct world *w)
{
    int64_t next;

    mail_expire(w);
    next = hub_tick(w->hub, hub_now(w->hub, w->now), &w->out);
    record_new(w);
    return next;
}

int64_t world_tick(struct world *w)
{
    int64_t next;

    begin(w);
    next = world_tick_of_turn(w);
    assert_true(world_commit(w));
    return next;
}

void world_stop(struct world *w)
{
    begin(w);
    hub_announce(w->hub, "hub-stopping", hub_now(w->hub, w->now), &w->out);
    hub_end_all(w->hub, hub_now(w->hub, w->now), &w->out);
    record_new(w);
    assert_true(world_commit(w));
}

void world_pass(struct world *w, int64_t seconds)
{
    w->now.us += seconds * WORLD_SECOND;
    w->now.mono_us += seconds * WORLD_SECOND;
}

void world_listen(struct world *w, bool any)
{
    w->listens = any;
    hub_set_listeners(w->hub, any);
}

/* --- life ------------------------------------------------------------------------------------------------------------- */

static void start(struct world *w)
{
    w->hub = hub_new(&w->options);
    assert_non_null(w->hub);
    outbox_init(&w->out);
    w->seq = 0;
    hub_set_listeners(w->hub, w->listens);
    mail_tell_state(w);
    world_service(w, &w->owner, "iothubowner");
}

void world_init(struct world *w)
{
    static const char *const policies[] = {"iothubowner", "service", "device", "registryRead", "registryReadWrite"};

    memset(w, 0, sizeof *w);
    w->options.hosts[0] = STR(WORLD_HOST);
    w->options.hosts[1] = STR("127.0.0.9");
    w->options.n_hosts = 2;
    w->options.key_seed = STR(WORLD_SEED);
    w->options.cache_bytes = 1;
    w->options.random = 7;
    w->now.us = WORLD_NOW_S * WORLD_SECOND;
    w->now.mono_us = 5000 * WORLD_SECOND;
    w->listens = true;
    for (size_t p = 0; p < COUNT(policies); p++) {
        struct sas_key key = world_policy_key(policies[p]);

        sas_key_print(&key, w->policy_keys[p]);
    }
    start(w);
}

static void stop(struct world *w)
{
    outbox_done(&w->out);
    hub_free(w->hub);
}

void world_restart(struct world *w)
{
    stop(w);
    if (w->store)
        world_store_reopen(w->store);
    start(w);
}

static const struct twin *twin_in_memory(void *arg, struct str id)
{
    const struct world *w = arg;
    const struct identity *i = hub_find(w->hub, id);

    return i ? i->twin : NULL;
}

void world_keep(struct world *w, const char *dir)
{
    assert_int_equal(w->n_records, 0);
    w->store = world_store_open(dir, twin_in_memory, w);
}

void world_idle(struct world *w)
{
    if (w->store)
        world_store_idle(w->store);
}

void world_forget(struct world *w)
{
    for (size_t n = 0; n < w->n_trees; n++)
        cJSON_Delete(w->trees[n]);
    w->n_trees = 0;
}

void world_done(struct world *w)
{
    stop(w);
    world_store_close(w->store);
    world_forget(w);
    free(w->trees);
    for (size_t n = 0; n < w->n_records; n++)
        record_done(&w->records[n]);
    free(w->records);
    mail_undo(w, 0);
    free(w->mail);
}

int world_setup(void **state)
{
    struct world *w = malloc(sizeof *w);

    assert_non_null(w);
    world_init(w);
    *state = w;
    return 0;
}

int world_teardown(void **state)
{
    struct world *w = *state;

    world_check(w);
    world_done(w);
    free(w);
    return 0;
}
