/* fuzz_store_row.c - journal rows: what the store folds is what the hub has in memory; a damaged row is noticed. Input: a line for each
 * thing that happens to one identity:
 *   rJSON   it reports             sJSON  a service's patch, {"tags":..,"desired":..}      pJSON  a replacement
 *   uTEXT   its document changes   dKIND BODY  a damaged row
 *   c  commit    z  undo           i  a slice of upkeep    o  close and open
 */
#include "fuzz.h"

#include "store_world.h"

#define LINES_MAX 24u

static struct store_world world; /* one for all inputs; each leaves it empty */

struct play {
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

/* A row that cannot be is refused by whoever folds it, and nobody falls over it. */
static void damage(struct play *p, struct str line)
{
    struct str body = line, name = str_cut(&body, ' ');
    enum change_kind kind;
    cJSON *tree = NULL;

    if (!body.at || change_kind_read(name, &kind) || kind == CHANGE_CREATED || kind == CHANGE_DELETED)
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

static void commit(struct play *p)
{
    assert_int_equal(store_commit(world.s), RC_OK);
    free(p->committed);
    p->committed = store_print(p->model, true);
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
    case 'c':
        commit(p);
        break;
    case 'z':
        undo(p);
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
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = fuzz_text(data, size);
    struct play p = {.at_us = STORE_DAY_US};

    if (!world.s)
        open_world();
    p.model = store_model("d");
    assert_int_equal(store_create(world.s, p.model), RC_OK);
    commit(&p);
    for (unsigned n = 0; rest.at && n < LINES_MAX; n++)
        happen(&p, fuzz_line(&rest));
    commit(&p);
    store_rest(world.s);
    assert_loads(&p);
    assert_int_equal(store_delete(world.s, "d"), RC_OK);
    assert_int_equal(store_commit(world.s), RC_OK);
    store_rest(world.s);
    assert_int_equal(store_count(world.s), 0);
    free(p.committed);
    identity_free(p.model);
    return 0;
}
