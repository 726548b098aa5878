/* store_world.h - a store in a directory of its own, and entries as the hub writes them, for tests.
 *
 * The identity handed in is the model: each change is made to it and appended, so that what is loaded later must print the same.
 */
#ifndef TWINSIM_STORE_WORLD_H
#define TWINSIM_STORE_WORLD_H

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store.h"
#include "test.h"

#define STORE_DAY_US INT64_C(1893456000000000) /* 2030-01-01T00:00:00Z */

struct store_world {
    char dir[64];
    char why[256];
    struct store_options options;
    struct store *s; /* NULL: closed */
};

static inline enum rc store_world_open(struct store_world *w)
{
    w->options.dir = w->dir;
    w->why[0] = '\0';
    return store_open(&w->options, &w->s, w->why, sizeof w->why);
}

static inline void store_world_close(struct store_world *w)
{
    store_close(w->s);
    w->s = NULL;
}

static inline void store_world_init(struct store_world *w)
{
    memset(w, 0, sizeof *w);
    (void)snprintf(w->dir, sizeof w->dir, "/tmp/twinsim-store-XXXXXX");
    if (!mkdtemp(w->dir))
        abort();
}

/* Call with each file of the directory: its whole path. */
static inline void store_world_files(const struct store_world *w, void (*each)(void *arg, const char *path), void *arg)
{
    DIR *dir = opendir(w->dir);
    struct dirent *e;

    while (dir && (e = readdir(dir))) {
        char path[512];

        (void)snprintf(path, sizeof path, "%s/%s", w->dir, e->d_name);
        if (e->d_name[0] != '.')
            each(arg, path);
    }
    if (dir)
        (void)closedir(dir);
}

static inline void store_world_unlink(void *arg, const char *path)
{
    (void)arg;
    (void)unlink(path);
}

static inline void store_world_done(struct store_world *w)
{
    store_world_close(w);
    store_world_files(w, store_world_unlink, NULL);
    (void)rmdir(w->dir);
}

static inline char *store_print(const struct identity *i, bool with_twin)
{
    struct buf b;
    char *text;

    buf_init(&b, 0);
    identity_print(&b, i, with_twin);
    text = buf_take(&b, NULL);
    if (!text)
        abort();
    return text;
}

/* An identity with keys and a fresh twin: a model, not stored yet. */
static inline struct identity *store_model(const char *id)
{
    struct ident who;
    struct identity *i = ident_read(str_from(id), &who) ? NULL : identity_new(who);

    if (!i || !(i->twin = twin_new(STORE_DAY_US)))
        abort();
    i->tag = 7;
    (void)snprintf(i->generation, sizeof i->generation, "638000000000000000");
    sas_key_derive(STR("seed"), identity_id(i), &i->primary);
    sas_key_derive(STR("other"), identity_id(i), &i->secondary);
    i->status_updated_us = STORE_DAY_US;
    return i;
}

static inline struct out store_entry(const struct identity *i, enum change_kind change, int64_t at_us)
{
    struct out o = {.kind = OUT_STORE, .change = change, .at_us = at_us};

    (void)snprintf(o.to, sizeof o.to, "%s", i->id);
    if (i->twin) {
        o.version = i->twin->version;
        o.desired_version = i->twin->desired_version;
        o.reported_version = i->twin->reported_version;
    }
    return o;
}

static inline enum rc store_send(struct store *s, struct out *o, const char *body)
{
    o->body = strdup(body ? body : "null");
    o->body_len = strlen(o->body);

    enum rc rc = store_append(s, o);

    free(o->body);
    free(o->doc);
    free(o->twin);
    return rc;
}

static inline enum rc store_create(struct store *s, const struct identity *i)
{
    struct out o = store_entry(i, CHANGE_CREATED, STORE_DAY_US);
    char *body = store_print(i, true);
    struct buf twin;
    enum rc rc;

    buf_init(&twin, 0);
    twin_print(&twin, i->twin);
    o.twin = buf_take(&twin, NULL);
    o.doc = store_print(i, false);
    rc = store_send(s, &o, body);
    free(body);
    return rc;
}

/* The document as the model says now. */
static inline enum rc store_update(struct store *s, const struct identity *i)
{
    struct out o = store_entry(i, CHANGE_UPDATED, STORE_DAY_US);
    char *body = store_print(i, false);
    enum rc rc;

    o.doc = store_print(i, false);
    rc = store_send(s, &o, body);
    free(body);
    return rc;
}

static inline enum rc store_delete(struct store *s, const char *id)
{
    struct out o = {.kind = OUT_STORE, .change = CHANGE_DELETED, .at_us = STORE_DAY_US};

    (void)snprintf(o.to, sizeof o.to, "%s", id);
    return store_send(s, &o, NULL);
}

static inline enum rc store_subscribe(struct store *s, const struct identity *i)
{
    struct out o = {.kind = OUT_SUBSCRIBED};

    (void)snprintf(o.to, sizeof o.to, "%s", i->id);
    memcpy(o.subscribed, i->subscribed, sizeof o.subscribed);
    return store_append(s, &o);
}

/* Change the model's twin as the hub does, and append the row. at_s: seconds after STORE_DAY_US. */
static inline enum rc store_write(struct store *s, struct identity *i, enum change_kind change, const char *body,
                                  int64_t at_s)
{
    int64_t at_us = STORE_DAY_US + at_s * 1000000;
    cJSON *tree = NULL;
    struct out o;

    if (json_read(str_from(body), &tree, NULL) || identity_fold(i, change, at_us, tree))
        abort();
    cJSON_Delete(tree);
    o = store_entry(i, change, at_us);
    return store_send(s, &o, body);
}

/* Load what is stored and compare it with the model, byte for byte. */
static inline void assert_stored(struct store *s, const struct identity *model)
{
    struct identity *got = NULL;
    char *have, *want = store_print(model, true);

    assert_int_equal(store_load(s, identity_id(model), true, &got), RC_OK);
    have = store_print(got, true);
    assert_string_equal(have, want);
    assert_memory_equal(got->subscribed, model->subscribed, sizeof got->subscribed);
    assert_true(got->conn == 0 && got->row > 0);
    free(have);
    free(want);
    identity_free(got);
}

/* Upkeep until there is none left; a ceiling, so that a store that never has enough fails the test. */
static inline void store_rest(struct store *s)
{
    unsigned slices = 0;

    while (store_idle(s))
        assert_true(++slices < 100000);
}

#endif
