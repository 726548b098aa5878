/* story.c - see story.h. */
#include "story.h"

#include "seed.h"
#include "str.h"

const char *const who_names[WHO] = {"d0", "d0/m0", "d1", "d1/m0", "d0/m1", "d2"};

static const struct {
    const char *name;
    unsigned weight;
    bool has_who;
    enum json_kind json;
    const char *a, *b;
} kinds[] = {
#define STEP_ROW(id, name, weight, has_who, json, a, b) {name, weight, has_who, json, a, b},
    STEPS(STEP_ROW)
#undef STEP_ROW
};

size_t device_of(size_t who)
{
    static const size_t devices[WHO] = {0, 0, 2, 2, 0, 5};

    return devices[who];
}

/* --- choices ---------------------------------------------------------------------------------------------------------- */

static unsigned count_words(const char *words)
{
    unsigned n = words != NULL;

    for (; words && *words; words++)
        n += *words == ' ';
    return n;
}

static const char *nth_word(const char *words, unsigned nth, char out[16])
{
    size_t len;

    for (; nth; nth--)
        words = strchr(words, ' ') + 1;
    len = strcspn(words, " ");
    assert_true(len < 16);
    memcpy(out, words, len);
    out[len] = '\0';
    return out;
}

const char *step_a(const struct step *s, char out[16])
{
    return nth_word(kinds[s->kind].a, s->a, out);
}

const char *step_b(const struct step *s, char out[16])
{
    return nth_word(kinds[s->kind].b, s->b, out);
}

/* How many choices it has. */
static unsigned step_as(enum step_kind kind)
{
    return count_words(kinds[kind].a);
}

static unsigned step_bs(enum step_kind kind)
{
    return count_words(kinds[kind].b);
}

bool step_has_who(enum step_kind kind)
{
    return kinds[kind].has_who;
}

/* May its turn fail? */
static bool step_may_fail(enum step_kind kind)
{
    switch (kind) {
    case STEP_CREATE:
    case STEP_DELETE:
    case STEP_ENABLE:
    case STEP_DISABLE:
    case STEP_RENEW:
    case STEP_MOVE:
    case STEP_CONNECT:
    case STEP_SUBSCRIBE:
    case STEP_UNSUBSCRIBE:
    case STEP_REPORT:
    case STEP_UPDATE:
    case STEP_REPLACE:
    case STEP_INVOKE:
    case STEP_SEND:
    case STEP_PUBACK:
    case STEP_PURGE:
        return true;
    default:
        return false;
    }
}

/* --- at random -------------------------------------------------------------------------------------------------------- */

struct dice {
    uint64_t state;
    bool may_be_null, may_be_bad;
};

static size_t roll(struct dice *d, size_t below)
{
    return seed_random(&d->state, below);
}

static void put_leaf(FILE *to, struct dice *d)
{
    static const char *const plain[] = {"1",        "2",        "22.50", "-4503599627370496",  "1e-3", "\"\"",
                                        "\"text\"", "\"é\\n\"", "true",  "[1,[2],{\"x\":{}}]", "[]",   "{}"};

    if (d->may_be_null && roll(d, 3) == 0)
        (void)fputs("null", to);
    else if (d->may_be_bad && roll(d, 40) == 0)
        (void)fputs("[null]", to);
    else
        (void)fputs(plain[roll(d, COUNT(plain))], to);
}

static void put_object(FILE *to, struct dice *d, unsigned depth)
{
    const char *before = "";

    (void)fputc('{', to);
    for (int key = 'a'; key < 'e'; key++) {
        bool is_bad = d->may_be_bad && roll(d, 200) == 0;

        if (roll(d, 5) >= (depth ? 2 : 3))
            continue;
        (void)fprintf(to, "%s\"%s%c\":", before, is_bad ? "x " : "", key);
        before = ",";
        if (is_bad)
            (void)fputc('1', to);
        else if (depth < 2 && roll(d, 5) < 2)
            put_object(to, d, depth + 1);
        else
            put_leaf(to, d);
    }
    (void)fputc('}', to);
}

static void put_sections(FILE *to, struct dice *d)
{
    static const char *const names[] = {"desired", "tags"};
    size_t which = roll(d, 5); /* 3, 4: both */
    const char *before = "";

    (void)fputc('{', to);
    for (size_t n = 0; n < COUNT(names); n++) {
        if (which < 3 && (which == 2) != (n == 1))
            continue;
        (void)fprintf(to, "%s\"%s\":", before, names[n]);
        before = ",";
        if (d->may_be_null && roll(d, 12) == 0)
            (void)fputs("null", to);
        else
            put_object(to, d, 0);
    }
    (void)fputc('}', to);
}

static char *make_json(enum json_kind kind, struct dice *d)
{
    char *text = NULL;
    size_t len;
    FILE *to;

    if (kind == JSON_NONE || (kind == JSON_MAYBE && roll(d, 2)))
        return NULL;
    to = open_memstream(&text, &len);
    assert_non_null(to);
    d->may_be_null = d->may_be_bad = kind != JSON_MAYBE;
    if (kind == JSON_PATCH)
        put_object(to, d, 0);
    else
        put_sections(to, d);
    assert_int_equal(fclose(to), 0);
    return text;
}

static enum step_kind roll_kind(struct dice *d)
{
    size_t all = 0, at;
    enum step_kind kind = STEP_CREATE;

    for (size_t n = 0; n < COUNT(kinds); n++)
        all += kinds[n].weight;
    at = roll(d, all);
    while (at >= kinds[kind].weight)
        at -= kinds[kind++].weight;
    return kind;
}

/* The plainest choice is the likeliest. */
static unsigned roll_word(struct dice *d, unsigned words)
{
    return words < 2 || roll(d, 3) == 0 ? 0 : (unsigned)roll(d, words);
}

/* What only happens in a certain order; chance puts other steps between, and changes a choice now and then. */
static const struct {
    size_t n;
    struct {
        enum step_kind kind;
        unsigned a, b;
        bool is_other; /* somebody else does it */
    } at[6];
} scenes[] = {
    /* somebody comes and listens */
    {3, {{STEP_CONNECT, 0, 0, false}, {STEP_SUBSCRIBE, 0, 1, false}, {STEP_SUBSCRIBE, 1, 1, false}}},
    /* a call, answered in time; one that waits for its device, which then takes its time */
    {4,
     {{STEP_CONNECT, 0, 0, false},
      {STEP_SUBSCRIBE, 2, 0, false},
      {STEP_INVOKE, 0, 0, false},
      {STEP_ANSWER, 0, 0, false}}},
    {5,
     {{STEP_INVOKE, 1, 1, false},
      {STEP_PASS, 1, 0, false},
      {STEP_CONNECT, 0, 0, false},
      {STEP_SUBSCRIBE, 2, 0, false},
      {STEP_PASS, 1, 0, false}}},
    {6,
     {{STEP_CONNECT, 0, 0, true},
      {STEP_CONNECT, 0, 0, false},
      {STEP_SUBSCRIBE, 2, 0, false},
      {STEP_INVOKE, 0, 0, false},
      {STEP_ANSWER, 2, 0, true},
      {STEP_ANSWER, 0, 1, false}}},
    {4,
     {{STEP_SUBSCRIBE, 2, 0, false}, {STEP_CUT, 0, 0, false}, {STEP_INVOKE, 1, 1, false}, {STEP_CONNECT, 0, 0, false}}},
    /* what was changed while nobody was there */
    {4,
     {{STEP_SUBSCRIBE, 0, 0, false}, {STEP_CUT, 0, 0, false}, {STEP_UPDATE, 0, 0, false}, {STEP_CONNECT, 0, 0, false}}},
    {6,
     {{STEP_RESTART, 0, 1, false},
      {STEP_CONNECT, 0, 0, false},
      {STEP_SUBSCRIBE, 0, 1, false},
      {STEP_CUT, 0, 0, false},
      {STEP_UPDATE, 0, 0, false},
      {STEP_CONNECT, 0, 0, false}}},
    /* who listens no more does so behind a restart, too */
    {5,
     {{STEP_SUBSCRIBE, 0, 1, false},
      {STEP_UNSUBSCRIBE, 0, 0, false},
      {STEP_RESTART, 0, 0, false},
      {STEP_CONNECT, 0, 0, false},
      {STEP_UPDATE, 0, 0, false}}},
    {3, {{STEP_DISABLE, 0, 0, false}, {STEP_CONNECT, 0, 0, false}, {STEP_ENABLE, 0, 0, false}}},
    {4,
     {{STEP_CONNECT, 0, 3, false}, {STEP_RENEW, 0, 0, false}, {STEP_CONNECT, 0, 2, false}, {STEP_PASS, 4, 0, false}}},
    {3, {{STEP_CONNECT, 0, 0, false}, {STEP_CONNECT, 0, 0, false}, {STEP_GHOST, 0, 0, false}}},
    {4, {{STEP_SUBSCRIBE, 1, 1, false}, {STEP_GET, 0, 0, false}, {STEP_REPORT, 0, 1, false}, {STEP_GET, 0, 0, false}}},
    /* messages: handed over and acknowledged, found again, or too late */
    {4,
     {{STEP_SUBSCRIBE, 3, 1, false}, {STEP_SEND, 0, 1, false}, {STEP_SEND, 0, 0, false}, {STEP_PUBACK, 0, 0, false}}},
    {6,
     {{STEP_CONNECT, 0, 0, false},
      {STEP_SUBSCRIBE, 3, 1, false},
      {STEP_SEND, 0, 0, false},
      {STEP_CUT, 0, 0, false},
      {STEP_CONNECT, 0, 0, false},
      {STEP_PUBACK, 0, 0, false}}},
    {5,
     {{STEP_SUBSCRIBE, 3, 1, false},
      {STEP_CUT, 0, 0, false},
      {STEP_SEND, 0, 0, false},
      {STEP_RESTART, 0, 0, false},
      {STEP_CONNECT, 0, 0, false}}},
    {4,
     {{STEP_SUBSCRIBE, 3, 1, false}, {STEP_SEND, 1, 1, false}, {STEP_PASS, 4, 0, false}, {STEP_PUBACK, 0, 0, false}}},
    {5,
     {{STEP_SUBSCRIBE, 3, 1, false},
      {STEP_FLOOD, 0, 1, false},
      {STEP_PUBACK, 1, 0, false},
      {STEP_PUBACK, 0, 0, false},
      {STEP_CONNECT, 0, 0, false}}},
    {4,
     {{STEP_SUBSCRIBE, 3, 1, false},
      {STEP_SEND, 0, 0, false},
      {STEP_CONNECT, 0, 0, false},
      {STEP_PUBACK, 3, 0, false}}},
    {4, {{STEP_FLOOD, 0, 0, false}, {STEP_FLOOD, 0, 0, false}, {STEP_FLOOD, 0, 0, false}, {STEP_MAIL, 0, 0, false}}},
    {4, {{STEP_SEND, 1, 1, false}, {STEP_PASS, 4, 0, false}, {STEP_PASS, 3, 0, false}, {STEP_FEEDBACK, 0, 0, false}}},
    /* enough for a snapshot */
    {6,
     {{STEP_UPDATE, 0, 0, false},
      {STEP_REPORT, 0, 0, false},
      {STEP_REPLACE, 0, 0, false},
      {STEP_IDLE, 0, 0, false},
      {STEP_UPDATE, 0, 0, false},
      {STEP_RESTART, 0, 0, false}}},
};

static void add_step(struct story *s, size_t n, struct step step, struct dice *d)
{
    if (s->n == n)
        return;
    step.json = make_json(kinds[step.kind].json, d);
    if (!kinds[step.kind].has_who)
        step.who = 0;
    s->at[s->n++] = step;
}

static void add_any(struct story *s, size_t n, size_t crowd, struct dice *d)
{
    struct step step = {.kind = roll_kind(d)};

    step.who = (unsigned)roll(d, roll(d, 4) ? crowd : WHO);
    step.a = step.kind == STEP_SUBSCRIBE ? (unsigned)roll(d, roll(d, 8) ? 4 : 5) : roll_word(d, step_as(step.kind));
    step.b = roll_word(d, step_bs(step.kind));
    step.fails = step_may_fail(step.kind) && roll(d, 16) == 0;
    add_step(s, n, step, d);
}

static void add_scene(struct story *s, size_t n, size_t scene, size_t crowd, struct dice *d)
{
    unsigned who = (unsigned)roll(d, crowd), other = (unsigned)((who + 1) % crowd);

    for (size_t k = 0; k < scenes[scene].n; k++) {
        struct step step = {.kind = scenes[scene].at[k].kind, .who = who};

        step.a = scenes[scene].at[k].a;
        step.b = scenes[scene].at[k].b;
        if (scenes[scene].at[k].is_other)
            step.who = other;
        if (roll(d, 5) == 0)
            add_any(s, n, crowd, d);
        if (roll(d, 8) == 0)
            step.a = roll_word(d, step_as(step.kind));
        if (roll(d, 8) == 0)
            step.b = roll_word(d, step_bs(step.kind));
        add_step(s, n, step, d);
    }
}

void story_make(struct story *s, uint64_t seed, size_t n)
{
    struct dice d = {.state = seed * 0x9e3779b97f4a7c15u + 1};
    size_t crowd;

    assert_true(n <= STORY_MAX);
    memset(s, 0, sizeof *s);
    for (unsigned rounds = 0; rounds < 3; rounds++) /* seeds are alike, what is made of them is not to be */
        (void)roll(&d, 2);
    crowd = 1 + roll(&d, WHO);
    for (unsigned who = 0; who < crowd; who++) /* devices come before their modules */
        add_step(s, n, (struct step){.kind = STEP_CREATE, .who = who}, &d);
    add_scene(s, n, 0, crowd, &d);
    while (s->n < n)
        if (roll(&d, 6))
            add_any(s, n, crowd, &d);
        else
            add_scene(s, n, roll(&d, COUNT(scenes)), crowd, &d);
}

void story_copy(struct story *to, const struct story *from)
{
    *to = *from;
    for (size_t n = 0; n < to->n; n++)
        if (to->at[n].json)
            to->at[n].json = copy_exact(to->at[n].json, strlen(to->at[n].json) + 1);
}

void story_done(struct story *s)
{
    for (size_t n = 0; n < s->n; n++)
        free(s->at[n].json);
    s->n = 0;
}

/* --- as text ---------------------------------------------------------------------------------------------------------- */

void step_print(FILE *to, const struct step *s)
{
    char word[16];

    (void)fputs(kinds[s->kind].name, to);
    if (kinds[s->kind].has_who)
        (void)fprintf(to, " %s", who_names[s->who]);
    if (kinds[s->kind].a)
        (void)fprintf(to, " %s", step_a(s, word));
    if (kinds[s->kind].b)
        (void)fprintf(to, " %s", step_b(s, word));
    if (s->json)
        (void)fprintf(to, " %s", s->json);
    if (s->fails)
        (void)fputs(" !", to);
    (void)fputc('\n', to);
}

void story_print(FILE *to, const struct story *s)
{
    for (size_t n = 0; n < s->n; n++)
        step_print(to, &s->at[n]);
}

/* The next word, or "" at the end. */
static struct str take_word(struct str *rest)
{
    struct str word = rest->at ? str_cut(rest, ' ') : STR("");

    return word.at ? word : STR("");
}

static bool choose(const char *words, struct str word, unsigned *out)
{
    char one[16];

    for (*out = 0; *out < count_words(words); ++*out)
        if (str_eq(word, str_from(nth_word(words, *out, one))))
            return true;
    return words == NULL;
}

static const char *read_step(struct str line, struct step *s)
{
    struct str rest = line, word = take_word(&rest);
    bool is_marked;

    memset(s, 0, sizeof *s);
    while (s->kind < STEP_KINDS && !str_eq(word, str_from(kinds[s->kind].name)))
        s->kind++;
    if (s->kind == STEP_KINDS)
        return "there is no such step";
    if (kinds[s->kind].has_who) {
        word = take_word(&rest);
        while (s->who < WHO && !str_eq(word, str_from(who_names[s->who])))
            s->who++;
        if (s->who == WHO)
            return "there is nobody of that name";
    }
    if ((kinds[s->kind].a && !choose(kinds[s->kind].a, take_word(&rest), &s->a)) ||
        (kinds[s->kind].b && !choose(kinds[s->kind].b, take_word(&rest), &s->b)))
        return "there is no such choice";
    is_marked = rest.at && str_ends(rest, STR("!"));
    if (is_marked) {
        if (!step_may_fail(s->kind))
            return "a step of this kind cannot fail";
        s->fails = true;
        rest.len--;
        if (str_ends(rest, STR(" ")))
            rest.len--;
    }
    if (rest.at && rest.len) {
        if (kinds[s->kind].json == JSON_NONE || rest.at[0] != '{')
            return "something stands behind the step";
        s->json = str_dup(rest);
    } else if (kinds[s->kind].json > JSON_MAYBE) {
        return "a JSON object is missing";
    }
    return NULL;
}

bool story_read(FILE *from, struct story *s, const char **why, unsigned *line)
{
    char *text = NULL;
    size_t room = 0;
    ssize_t len;

    memset(s, 0, sizeof *s);
    *line = 0;
    *why = NULL;
    while (!*why && (len = getline(&text, &room, from)) >= 0) {
        struct str one = str_of(text, (size_t)len);

        ++*line;
        if (str_ends(one, STR("\n")))
            one.len--;
        if (one.len == 0 || one.at[0] == '#')
            continue;
        if (s->n == STORY_MAX)
            *why = "there are too many steps";
        else if (!(*why = read_step(one, &s->at[s->n])))
            s->n++;
    }
    free(text);
    if (*why)
        story_done(s);
    return !*why;
}
