/* fuzz_store_row.c - journal rows, and messages that wait: what the store folds and keeps is what the hub has in memory; a damaged row is
 * noticed. Input: a line for each thing that happens to one identity:
 *   rJSON   it reports             sJSON  a service's patch, {"tags":..,"desired":..}      pJSON  a replacement
 *   uTEXT   its document changes   dKIND BODY  a damaged row
 *   mJSON   it is sent a message, as the command has it          g  the first one is settled
 *   xDOC BODY   a message's row as it stands, damaged or not     fTEXT   feedback     k  all feedback is fetched
 *   c  commit    z  undo           i  a slice of upkeep    o  close and open
 */
#include "fuzz.h"

#include "store_world.h"

#define LINES_MAX 24u

static struct store_world world; /* one for all inputs; each leaves it empty */

#define FEEDBACK_MAX 32u

struct play {
    struct messages mail; /* what the hub has in memory */
    char *mail_committed; /* as printed at the last commit */
    bool is_mail_damaged;
    char *feedback[FEEDBACK_MAX];
    size_t n_feedback, n_feedback_committed;
    uint64_t last_number;
    struct identity *model; /* what the hub has in memory */
    char *committed;        /* what it printed at the last commit; NULL: it was not there */
    bool is_damaged;
    int64_t at_us;
};

static void close_world(void)
{
    store_world_close(&world);
}

static void open_world(void)
{
    assert_true((size_t)snprintf(world.dir, sizeof world.dir, "%s", fuzz_path("store")) < sizeof world.dir);
    assert_int_equal(mkdir(world.dir, 0700), 0);
    world.options.durability = DURABILITY_MEMORY;
    world.options.history = 4;
    world.options.fold_rows = 3;
    assert_int_equal(store_world_open(&world), RC_OK);
    assert_int_equal(atexit(close_world), 0);
}

static void send(struct play *p, enum change_kind kind, struct str body)
{
    struct out o = store_entry(p->model, kind, p->at_us);

    o.body = str_dup(body);
    assert_non_null(o.body);
    o.body_len = body.len;
    assert_int_equal(store_append(world.s, &o), RC_OK);
    free(o.body);
}

static void write_twin(struct play *p, enum change_kind kind, struct str line)
{
    struct twin *t = p->model->twin;
    cJSON *body = NULL, *tags, *desired;
    bool touched_tags, touched_desired;
    struct refusal why;
    struct buf text;

    if (json_read(line, &body, NULL))
        return;
    tags = json_get(body, "tags");
    desired = json_get(body, "desired");
    if (kind == CHANGE_REPORTED
            ? !twin_check_reported(t, body, &why)
            : !cJSON_IsObject(body) || !twin_check_service(t, tags, desired, kind == CHANGE_REPLACED, &why))
        goto done; /* as the hub does, and there is no row */
    if (kind == CHANGE_REPORTED)
        assert_int_equal(twin_write_reported(t, body, p->at_us), RC_OK);
    else
        assert_int_equal(
            twin_write_service(t, tags, desired, kind == CHANGE_REPLACED, p->at_us, &touched_tags, &touched_desired),
            RC_OK);
    assert_true(twin_is_valid(t));
    buf_init(&text, 0);
    json_print(&text, body);
    send(p, kind, buf_view(&text));
    buf_done(&text);

done:
    cJSON_Delete(body);
}

static void update(struct play *p, struct str text)
{
    if (!status_reason_is_valid(text) || str_find(text, '\0') < text.len)
        return;
    free(p->model->status_reason);
    p->model->status_reason = str_dup(text);
    p->model->is_enabled = !p->model->is_enabled;
    p->model->subscribed[0] ^= 1;
    assert_int_equal(store_update(world.s, p->model), RC_OK);
    assert_int_equal(store_subscribe(world.s, p->model), RC_OK);
}

/* returns CHANGE_DELETED also for what is no kind */
static enum change_kind kind_of(struct str name)
{
    int kind = CHANGE_CREATED;

    while (kind < CHANGE_DELETED && !str_eq(name, str_from(change_kind_name((enum change_kind)kind))))
        kind++;
    return (enum change_kind)kind;
}

/* A row that cannot be is refused by whoever folds it, and nobody falls over it. */
static void damage(struct play *p, struct str line)
{
    struct str body = line, name = str_cut(&body, ' ');
    enum change_kind kind = kind_of(name);
    cJSON *tree = NULL;

    if (!body.at || kind == CHANGE_CREATED || kind == CHANGE_DELETED)
        return;
    if (kind == CHANGE_UPDATED)
        kind = CHANGE_REPORTED; /* a document's row wants its document */
    if (json_read(body, &tree, NULL) == RC_OK) {
        enum rc rc = identity_fold(p->model, kind, p->at_us, tree);

        assert_true(rc == RC_OK || rc == RC_SYNTAX);
        assert_true(twin_is_valid(p->model->twin));
        cJSON_Delete(tree);
    }
    p->is_damaged = true;
    send(p, kind, body);
}

/* --- messages and feedback ------------------------------------------------------------------------------------------ */

static char *mail_print(const struct messages *q)
{
    struct buf b;
    char *text;

    buf_init(&b, 0);
    for (const struct message *m = q->first; m; m = m->next) {
        buf_addf(&b, "%llu %lld %lld %s %s ", (unsigned long long)m->number, (long long)m->enqueued_us,
                 (long long)m->expires_us, m->id ? m->id : "-", m->bag);
        message_print_doc(&b, m);
        buf_add(&b, str_of(m->body, m->body_len));
        buf_add_char(&b, '\n');
    }
    buf_addf(&b, "%zu", q->count);
    text = buf_take(&b, NULL);
    assert_non_null(text);
    return text;
}

static void commit(struct play *p)
{
    assert_int_equal(store_commit(world.s), RC_OK);
    free(p->committed);
    p->committed = store_print(p->model, true);
    free(p->mail_committed);
    p->mail_committed = mail_print(&p->mail);
    p->n_feedback_committed = p->n_feedback;
}

static void append_message(struct play *p, struct message *m, struct str doc)
{
    struct out o = {.kind = OUT_MESSAGE, .to = "d", .tag = ++p->last_number, .at_us = p->at_us};

    m->number = o.tag;
    m->enqueued_us = o.at_us;
    o.expires_us = m->expires_us;
    o.doc = str_dup(doc);
    o.body = m->body;
    o.body_len = m->body_len;
    assert_non_null(o.doc);
    assert_int_equal(store_append(world.s, &o), RC_OK);
    free(o.doc);
}

static void send_message(struct play *p, struct str line)
{
    const struct ident to = {STR("d"), {NULL, 0}};
    struct message *m = NULL;
    cJSON *command = NULL;
    struct refusal why;
    struct buf doc;

    if (json_read(line, &command, NULL))
        return;
    if (message_read(command, to, p->at_us, INT64_C(3600000000), &m, &why) == RC_OK) {
        buf_init(&doc, 0);
        message_print_doc(&doc, m);
        append_message(p, m, buf_view(&doc));
        messages_push(&p->mail, m);
        buf_done(&doc);
    }
    cJSON_Delete(command);
}

/* A row that may be damaged: whoever loads it says so, and nobody falls over it. */
static void put_row(struct play *p, struct str line)
{
    struct str body = line, doc = str_cut(&body, ' ');
    struct message *m = NULL, raw = {.body = NULL};

    if (!body.at || str_find(doc, '\0') < doc.len)
        return;
    if (message_load(doc, body, &m) == RC_OK) {
        append_message(p, m, doc);
        messages_push(&p->mail, m);
        return;
    }
    assert_null(m);
    raw.body = str_dup(body);
    raw.body_len = body.len;
    assert_non_null(raw.body);
    append_message(p, &raw, doc);
    free(raw.body);
    p->is_mail_damaged = true;
}

static void settle_first(struct play *p)
{
    struct out o = {.kind = OUT_MESSAGE_GONE, .to = "d"};

    if (!p->mail.first)
        return;
    o.tag = p->mail.first->number;
    assert_int_equal(store_append(world.s, &o), RC_OK);
    messages_remove(&p->mail, p->mail.first);
}

static void add_feedback(struct play *p, struct str text)
{
    struct out o = {.kind = OUT_FEEDBACK, .to = "d", .tag = p->last_number + 1, .at_us = p->at_us};

    if (p->n_feedback == FEEDBACK_MAX || str_find(text, '\0') < text.len)
        return;
    p->last_number++;
    o.body = p->feedback[p->n_feedback++] = str_dup(text);
    o.body_len = text.len;
    assert_non_null(o.body);
    assert_int_equal(store_append(world.s, &o), RC_OK);
}

static void forget_feedback(struct play *p, size_t to)
{
    while (p->n_feedback > to)
        free(p->feedback[--p->n_feedback]);
}

static void fetch_feedback(struct play *p)
{
    struct out o = {.kind = OUT_FEEDBACK_GONE, .tag = p->last_number};

    commit(p);
    assert_int_equal(store_append(world.s, &o), RC_OK);
    forget_feedback(p, 0);
    commit(p);
}

static void assert_mail(const struct play *p)
{
    struct messages got = {0};
    struct feedback_row *rows = NULL;
    size_t n = 0;
    struct unreadable damaged;
    char *want = mail_print(&p->mail), *have;

    assert_int_equal(store_load_messages(world.s, STR("d"), &got, &damaged), RC_OK);
    assert_true(messages_are_valid(&got));
    have = mail_print(&got);
    if (!p->is_mail_damaged) {
        assert_int_equal(damaged.n, 0);
        assert_string_equal(have, want);
    }
    free(have);
    messages_drop(&got);
    free(want);
    assert_int_equal(store_feedback(world.s, FEEDBACK_MAX, &rows, &n), RC_OK);
    assert_int_equal(n, p->n_feedback);
    for (size_t k = 0; k < n; k++)
        assert_string_equal(rows[k].text, p->feedback[k]);
    store_feedback_free(rows, n);
}

static void undo_mail(struct play *p)
{
    struct unreadable damaged;
    char *have;

    forget_feedback(p, p->n_feedback_committed);
    if (p->is_mail_damaged)
        return;
    messages_drop(&p->mail);
    p->mail = (struct messages){0};
    assert_int_equal(store_load_messages(world.s, STR("d"), &p->mail, &damaged), RC_OK);
    have = mail_print(&p->mail);
    assert_string_equal(have, p->mail_committed);
    free(have);
}

/* --- what happens --------------------------------------------------------------------------------------------------- */

static void assert_loads(const struct play *p)
{
    struct identity *got = NULL;
    enum rc rc;

    if (!p->is_damaged) {
        assert_stored(world.s, p->model);
        return;
    }
    rc = store_load(world.s, STR("d"), true, &got);
    assert_true(rc == RC_OK || rc == RC_CORRUPT);
    assert_true(rc ? !got : twin_is_valid(got->twin));
    identity_free(got);
}

/* Back to the last commit: what is stored is the model again. */
static void undo(struct play *p)
{
    struct identity *got = NULL;
    char *text;

    store_rollback(world.s);
    if (p->is_damaged)
        return;
    assert_int_equal(store_load(world.s, STR("d"), true, &got), RC_OK);
    text = store_print(got, true);
    assert_string_equal(text, p->committed);
    free(text);
    identity_free(p->model);
    p->model = got;
}

static void happen(struct play *p, struct str line)
{
    struct str rest = str_skip(line, 1);

    p->at_us += 1000001;
    switch (line.len ? line.at[0] : '\0') {
    case 'r':
        write_twin(p, CHANGE_REPORTED, rest);
        break;
    case 's':
        write_twin(p, CHANGE_PATCHED, rest);
        break;
    case 'p':
        write_twin(p, CHANGE_REPLACED, rest);
        break;
    case 'u':
        update(p, rest);
        break;
    case 'd':
        damage(p, rest);
        break;
    case 'm':
        send_message(p, rest);
        break;
    case 'x':
        put_row(p, rest);
        break;
    case 'g':
        settle_first(p);
        break;
    case 'f':
        add_feedback(p, rest);
        break;
    case 'k':
        fetch_feedback(p);
        break;
    case 'c':
        commit(p);
        break;
    case 'z':
        undo(p);
        undo_mail(p);
        break;
    case 'i':
        commit(p);
        (void)store_idle(world.s);
        break;
    case 'o':
        commit(p);
        store_world_close(&world);
        assert_int_equal(store_world_open(&world), RC_OK);
        break;
    default:
        return;
    }
    assert_true(store_is_healthy(world.s));
    assert_loads(p);
    assert_mail(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = fuzz_text(data, size);
    struct play p = {.at_us = STORE_DAY_US};
    struct message_state state;

    if (!world.s)
        open_world();
    assert_int_equal(store_message_state(world.s, &state), RC_OK);
    p.last_number = state.last_number;
    p.model = store_model("d");
    assert_int_equal(store_create(world.s, p.model), RC_OK);
    commit(&p);
    for (unsigned n = 0; rest.at && n < LINES_MAX; n++)
        happen(&p, fuzz_line(&rest));
    commit(&p);
    store_rest(world.s);
    assert_loads(&p);
    assert_mail(&p);
    assert_int_equal(store_delete(world.s, "d"), RC_OK);
    assert_int_equal(store_commit(world.s), RC_OK);
    store_rest(world.s);
    assert_int_equal(store_count(world.s), 0);
    assert_int_equal(store_message_state(world.s, &state), RC_OK);
    assert_true(state.next_expiry_us == INT64_MAX && state.feedback == 0); /* gone with the identity */
    messages_drop(&p.mail);
    forget_feedback(&p, 0);
    free(p.mail_committed);
    free(p.committed);
    identity_free(p.model);
    return 0;
}
