/* stage.c - see stage.h: step after step, both sides held against each other. */
#include "stage.h"

#include "stage_internal.h"

#define LINES_MAX 512u

/* --- texts ------------------------------------------------------------------------------------------------------------ */

FILE *text_begin(char **text, size_t *len)
{
    FILE *to = open_memstream(text, len);

    assert_non_null(to);
    return to;
}

const char *word_of(const struct tree *t, char out[KEY_TEXT])
{
    size_t len;

    assert_non_null(t);
    assert_non_null(t->leaf);
    len = strlen(t->leaf);
    if (t->leaf[0] == '"') {
        assert_true(len - 2 < KEY_TEXT);
        (void)snprintf(out, KEY_TEXT, "%.*s", (int)(len - 2), t->leaf + 1);
    } else {
        (void)snprintf(out, KEY_TEXT, "%s", t->leaf);
    }
    return out;
}

const char *home_of(size_t who, char out[80])
{
    const char *module = strchr(who_names[who], '/');
    size_t len = module ? (size_t)(module - who_names[who]) : strlen(who_names[who]);

    (void)snprintf(out, 80, "devices/%.*s%s%s", (int)len, who_names[who], module ? "/modules" : "",
                   module ? module : "");
    return out;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static size_t lines_of(char *text, char *lines[LINES_MAX])
{
    size_t n = 0;

    while (*text) {
        char *end = strchr(text, '\n');

        assert_true(end && n < LINES_MAX);
        *end = '\0';
        lines[n++] = text;
        text = end + 1;
    }
    qsort(lines, n, sizeof *lines, by_text);
    return n;
}

/* The same lines, in any order. Tells what differs. */
static bool are_same(char *want, char *got)
{
    char *wanted[LINES_MAX], *there[LINES_MAX];
    size_t n_wanted = lines_of(want, wanted), n_there = lines_of(got, there), n = 0, k = 0;
    bool is_same = true;

    while (n < n_wanted || k < n_there) {
        int order = n == n_wanted ? 1 : k == n_there ? -1 : strcmp(wanted[n], there[k]);

        if (order < 0)
            print_error("  by the book: %s\n", wanted[n]);
        if (order > 0)
            print_error("  by the hub:  %s\n", there[k]);
        is_same = is_same && order == 0;
        n += order <= 0;
        k += order >= 0;
    }
    return is_same;
}

/* --- holding both against each other ---------------------------------------------------------------------------------- */

/* What the service is shown of somebody, in the model's words. */
static void print_shown(FILE *to, struct stage *st, size_t who)
{
    const char *show = is_module(who) ? "module.show" : "device.show";
    cJSON *shown = world_ask_as(&st->w, &st->w.owner, "twin.show", world_ids(&st->w, who_names[who]));
    cJSON *identity = world_ask_as(&st->w, &st->w.owner, show, world_ids(&st->w, who_names[who]));
    struct tree *twin, *properties, *section, *metadata;
    static const char *const sections[] = {"desired", "reported"};
    char *text;

    assert_int_equal(json_number(shown, "status"), json_number(identity, "status"));
    if (json_number(shown, "status") == 404) {
        (void)fprintf(to, "%s is not there\n", who_names[who]);
        return;
    }
    (void)fprintf(to, "%s %s %s, %lld messages\nkeys %s %s\netag %s version %lld\ntags ", who_names[who],
                  json_word(shown, "body.status"), json_word(identity, "body.connectionState"),
                  (long long)json_number(shown, "body.cloudToDeviceMessageCount"),
                  json_word(identity, "body.authentication.symmetricKey.primaryKey"),
                  json_word(identity, "body.authentication.symmetricKey.secondaryKey"), json_word(shown, "body.etag"),
                  (long long)json_number(shown, "body.version"));
    text = json_text(json_get(shown, "body"));
    twin = tree_read(text);
    free(text);
    if (tree_get(twin, "tags"))
        tree_print(to, tree_get(twin, "tags"));
    properties = tree_get(twin, "properties");
    for (size_t n = 0; n < COUNT(sections); n++) {
        section = tree_get(properties, sections[n]);
        metadata = tree_copy(tree_get(section, "$metadata"));
        tree_remove(section, "$metadata");
        (void)fprintf(to, "\n%s ", sections[n]);
        tree_print(to, section);
        (void)fputc(' ', to);
        tree_print(to, metadata);
        tree_free(metadata);
    }
    (void)fputc('\n', to);
    tree_free(twin);
}

static void assert_shown(struct stage *st, size_t who)
{
    char *want = NULL, *got = NULL;
    size_t len;
    FILE *to = text_begin(&want, &len);

    model_print(to, &st->m, who);
    assert_int_equal(fclose(to), 0);
    to = text_begin(&got, &len);
    print_shown(to, st, who);
    assert_int_equal(fclose(to), 0);
    assert_true(are_same(want, got));
    free(want);
    free(got);
    world_forget(&st->w);
}

static void learn(struct stage *st, const struct step *s)
{
    struct tree *keys = tree_get2(st->identity, "authentication", "symmetricKey");
    char primary[KEY_TEXT], secondary[KEY_TEXT];

    for (size_t n = 0; n < st->n_rids; n++)
        assert_true(model_learns_rid(&st->m, st->rid_of[n], st->rids[n]));
    st->n_rids = 0;
    for (size_t n = 0; n < st->n_sent; n++)
        model_learns_number(&st->m, st->sent[n].serial, st->sent[n].number);
    st->n_sent = 0;
    if (keys && (s->kind == STEP_CREATE || s->kind == STEP_RENEW || s->kind == STEP_MOVE))
        assert_true(model_learns_keys(&st->m, s, word_of(tree_get(keys, "primaryKey"), primary),
                                      word_of(tree_get(keys, "secondaryKey"), secondary)));
    tree_free(st->identity);
    st->identity = NULL;
}

/* Nothing of it happened. But a call that it ended is over, and whoever it concerned was dropped and has to connect again. */
static void undo(struct stage *st, struct model *after)
{
    struct model *m = &st->m;

    m->n_calls = 0;
    for (size_t n = 0; n < after->n_calls; n++)
        if (after->calls[n].ticket != st->ticket) {
            m->calls[m->n_calls] = after->calls[n];
            m->calls[m->n_calls++].is_new = false;
        }
    for (size_t n = 0; n < WHO; n++)
        if (m->at[n].conn && !hub_is_live(st->w.hub, str_from(who_names[n]), m->at[n].conn))
            model_loses(m, n);
}

static void play_step(struct stage *st, const struct step *s)
{
    struct model *after;
    char *want = NULL, *got = NULL;
    size_t len;

    if (model_is_moot(&st->m, s))
        return;
    after = malloc(sizeof *after);
    assert_non_null(after);
    model_copy(after, &st->m);
    st->ticket++;
    after->says = text_begin(&want, &len);
    model_step(after, s, st->w.last_conn + 1, st->ticket);
    assert_int_equal(fclose(after->says), 0);
    st->got = text_begin(&got, &len);
    do_step(st, s);
    if (!s->fails) { /* a turn in which nothing else happens */
        st->has_answered = false;
        (void)world_tick(&st->w);
        print_outbox(st);
    }
    assert_int_equal(fclose(st->got), 0);
    if (s->fails) {
        undo(st, after);
        model_done(after);
    } else {
        assert_true(are_same(want, got));
        model_done(&st->m);
        st->m = *after;
    }
    free(after);
    free(want);
    free(got);
    learn(st, s);
}

void stage_play(const struct story *s, const char *dir, bool is_told)
{
    struct stage *st = calloc(1, sizeof *st);

    assert_non_null(st);
    world_init(&st->w);
    world_keep(&st->w, dir);
    st->w.options.cache_bytes = 0;
    world_restart(&st->w);
    model_init(&st->m, st->w.now.us / WORLD_SECOND, st->w.now.mono_us / WORLD_SECOND);
    for (size_t n = 0; n < s->n; n++) {
        const struct step *step = &s->at[n];

        if (is_told) {
            (void)printf("%3zu  ", n + 1);
            step_print(stdout, step);
            (void)fflush(stdout); /* the step may end the process */
        }
        play_step(st, step);
        assert_shown(st, step->who);
        if (step->kind == STEP_RESTART || step->kind == STEP_STOP || step->kind == STEP_IDLE || n + 1 == s->n)
            for (size_t who = 0; who < WHO; who++)
                assert_shown(st, who);
    }
    world_check(&st->w);
    model_done(&st->m);
    for (size_t n = 0; n < st->n_conns; n++)
        free(st->conns[n]);
    world_done(&st->w);
    free(st);
}
