/* args.c - argv into a verb, its operands and its options. */
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli.h"
#include "json.h"
#include "suggest.h"
#include "verbs.h"

#define NAMES_MAX 128u

const struct option_spec option_data = {
    .name = "data",
    .value = "DIR",
    .help =
        "the hub's data directory; default $TWINSIM_DATA, else $XDG_DATA_HOME/twinsim, else ~/.local/share/twinsim"};
const struct option_spec option_json = {.name = "json", .help = "print JSON; errors too"};
const struct option_spec option_help = {.name = "help", .help = "show this help"};

const struct option_spec *verb_option(const struct verb *v, size_t i)
{
    size_t own = 0;

    while (v->options && v->options[own].name) {
        if (own == i)
            return &v->options[own];
        own++;
    }
    i -= own;
    if (v->has_data && i-- == 0)
        return &option_data;
    if (v->has_json && i-- == 0)
        return &option_json;
    return i == 0 ? &option_help : NULL;
}

/* --- telling ---------------------------------------------------------------------------------------------------- */

int cli_fail_code(const struct cli *c, int exit_code, long code, const char *message)
{
    struct buf b;

    if (!c->json) {
        (void)fprintf(stderr, "twinsim: %s\n", message);
        return exit_code;
    }
    buf_init(&b, 0);
    buf_addf(&b, "{\"error\":{\"code\":%ld,\"message\":", code);
    json_print_string(&b, str_from(message));
    buf_add(&b, STR("}}"));
    (void)fprintf(stderr, "%s\n", buf_ok(&b) ? b.at : "{\"error\":{\"code\":4,\"message\":\"out of memory\"}}");
    buf_done(&b);
    return exit_code;
}

int cli_fail(const struct cli *c, int exit_code, const char *fmt, ...)
{
    char message[16384];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    return cli_fail_code(c, exit_code, exit_code, message);
}

int cli_no_memory(const struct cli *c)
{
    return cli_fail(c, CLI_HUB, "out of memory");
}

/* --- looking up --------------------------------------------------------------------------------------------------- */

static const struct option_spec *find_option(const struct verb *v, struct str name)
{
    const struct option_spec *o;

    for (size_t i = 0; (o = verb_option(v, i)) != NULL; i++)
        if (str_eq(name, str_from(o->name)))
            return o;
    return NULL;
}

static bool is_named(const struct given *g, const char *name)
{
    return g->option && strcmp(g->option->name, name) == 0;
}

const char *cli_nth(const struct cli *c, const char *name, size_t n)
{
    assert(find_option(c->verb, str_from(name)));
    for (size_t i = 0; i < c->n_given; i++)
        if (is_named(&c->given[i], name) && n-- == 0)
            return c->given[i].value;
    return NULL;
}

const char *cli_text(const struct cli *c, const char *name)
{
    const char *text = NULL;

    assert(find_option(c->verb, str_from(name)));
    for (size_t i = 0; i < c->n_given; i++)
        if (is_named(&c->given[i], name))
            text = c->given[i].value;
    return text;
}

bool cli_flag(const struct cli *c, const char *name)
{
    assert(find_option(c->verb, str_from(name)));
    for (size_t i = 0; i < c->n_given; i++)
        if (is_named(&c->given[i], name))
            return true;
    return false;
}

long cli_number(const struct cli *c, const char *name, long fallback)
{
    const char *text = cli_text(c, name);
    char *end;
    long value;

    if (!text)
        return fallback;
    value = strtol(text, &end, 10);
    return *end || end == text ? fallback : value; /* checked when it was read; a word stays a word */
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static bool is_choice(const char *choices, const char *value)
{
    struct str rest = str_from(choices);

    while (rest.at)
        if (str_eq(str_cut(&rest, '|'), str_from(value)))
            return true;
    return false;
}

static int check_value(const struct cli *c, const struct option_spec *o, const char *value)
{
    char *end = NULL;
    long number;

    if (o->choices && is_choice(o->choices, value))
        return CLI_OK;
    if (o->max > 0) {
        errno = 0;
        number = strtol(value, &end, 10);
        if (value[0] && !*end && !errno && number >= o->min && number <= o->max)
            return CLI_OK;
        return cli_fail(c, CLI_USAGE, "--%s is a whole number from %ld to %ld%s%s, not '%s'", o->name, o->min, o->max,
                        o->choices ? ", or " : "", o->choices ? o->choices : "", value);
    }
    if (o->choices) {
        const char *names[16];
        char text[256], hint[SUGGEST_TEXT_MAX];
        struct str rest = str_from(o->choices);
        size_t n = 0, used = 0;

        while (rest.at && n < sizeof names / sizeof names[0]) {
            struct str word = str_cut(&rest, '|');

            names[n++] = text + used;
            used += (size_t)snprintf(text + used, sizeof text - used, "%.*s", STR_FMT(word)) + 1;
            assert(used <= sizeof text);
        }
        return cli_fail(c, CLI_USAGE, "--%s is one of %s, not '%s'%s", o->name, o->choices, value,
                        suggest_text(str_from(value), names, n, hint));
    }
    return value[0] ? CLI_OK : cli_fail(c, CLI_USAGE, "--%s needs a value that is not empty", o->name);
}

static int unknown_option(const struct cli *c, struct str name)
{
    const struct option_spec *o;
    const char *names[NAMES_MAX], *meant;
    char hint[SUGGEST_TEXT_MAX] = "";
    size_t n = 0;

    for (size_t i = 0; (o = verb_option(c->verb, i)) != NULL && n < NAMES_MAX; i++)
        names[n++] = o->name;
    meant = suggest(name, names, n);
    if (meant)
        (void)snprintf(hint, sizeof hint, "; did you mean --%s?", meant);
    if (!meant)
        (void)snprintf(hint, sizeof hint, "; see: twinsim help %s", c->verb->name);
    return cli_fail(c, CLI_USAGE, "'twinsim %s' has no option --%.*s%s", c->verb->name, STR_FMT(name), hint);
}

/* One option at argv[*at]; moves *at to the last word it took. */
static int read_option(struct cli *c, int argc, const char *const *argv, int *at)
{
    struct str name = str_skip(str_from(argv[*at]), 2), rest = name;
    const char *value = NULL;
    const struct option_spec *o;
    int code;

    name = str_cut(&rest, '=');
    if (rest.at)
        value = rest.at; /* argv is NUL-terminated, so this is too */
    o = find_option(c->verb, name);
    if (!o)
        return unknown_option(c, name);
    if (!o->value && value)
        return cli_fail(c, CLI_USAGE, "--%s takes no value", o->name);
    if (o->value && !value) {
        if (*at + 1 >= argc)
            return cli_fail(c, CLI_USAGE, "--%s needs a value: --%s %s", o->name, o->name, o->value);
        value = argv[++*at];
    }
    code = o->value ? check_value(c, o, value) : CLI_OK;
    if (code)
        return code;
    if (o->value && !o->is_many && cli_nth(c, o->name, 0))
        return cli_fail(c, CLI_USAGE, "--%s is given twice; once is enough", o->name);
    c->given[c->n_given++] = (struct given){o, value};
    return CLI_OK;
}

/* The verb at the front of argv, of two words or one; *used words were taken. */
static const struct verb *read_verb(int argc, const char *const *argv, int *used)
{
    char two[64];
    const struct verb *v;

    if (argc >= 3 && snprintf(two, sizeof two, "%s %s", argv[1], argv[2]) < (int)sizeof two &&
        (v = verbs_find(two)) != NULL) {
        *used = 2;
        return v;
    }
    *used = 1;
    return verbs_find(argv[1]);
}

/* `twinsim device` or `twinsim device creat edge-1`: there are verbs that begin so. */
static bool is_first_word(const char *word)
{
    const struct verb *v;
    size_t n = strlen(word);

    for (size_t i = 0; (v = verbs_at(i)) != NULL; i++)
        if (strncmp(v->name, word, n) == 0 && v->name[n] == ' ')
            return true;
    return false;
}

/* `twinsim device`: what may stand behind it. */
static int incomplete_verb(const struct cli *c, const char *word)
{
    char list[256] = "";
    size_t n = strlen(word), used = 0;
    const struct verb *v;

    for (size_t i = 0; (v = verbs_at(i)) != NULL && used < sizeof list; i++)
        if (strncmp(v->name, word, n) == 0 && v->name[n] == ' ')
            used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "", v->name + n + 1);
    return cli_fail(c, CLI_USAGE, "behind '%s' stands one of %s; see: twinsim help %s", word, list, word);
}

static int unknown_verb(const struct cli *c, int argc, const char *const *argv)
{
    const struct verb *v;
    const char *names[NAMES_MAX];
    char typed[128], hint[SUGGEST_TEXT_MAX];
    bool two = is_first_word(argv[1]) || argc > 2;
    size_t n = 0;

    for (size_t i = 0; (v = verbs_at(i)) != NULL && n < NAMES_MAX; i++)
        names[n++] = v->name;
    /* Two words name most verbs; the first alone may still be nearer to one ("lnit my.jsonc"). */
    if (two)
        (void)snprintf(typed, sizeof typed, "%s%s%s", argv[1], argc > 2 ? " " : "", argc > 2 ? argv[2] : "");
    if (!two || (!is_first_word(argv[1]) && !suggest(str_from(typed), names, n)))
        (void)snprintf(typed, sizeof typed, "%s", argv[1]);
    suggest_text(str_from(typed), names, n, hint);
    if (argc == 2 && is_first_word(argv[1]))
        return incomplete_verb(c, argv[1]);
    if (!hint[0] && is_first_word(argv[1])) /* `twinsim help message` lists them */
        return cli_fail(c, CLI_USAGE, "there is no verb '%s'; see: twinsim help %s", typed, argv[1]);
    return cli_fail(c, CLI_USAGE, "there is no verb '%s'%s", typed, hint[0] ? hint : "; see: twinsim help");
}

static int check_operands(const struct cli *c)
{
    int n = (int)c->n_operands;

    if (n < c->verb->min)
        return cli_fail(c, CLI_USAGE, "'twinsim %s' needs %s; see: twinsim help %s", c->verb->name, c->verb->operands,
                        c->verb->name);
    if (c->verb->max >= 0 && n > c->verb->max)
        return cli_fail(c, CLI_USAGE, "'twinsim %s' does not take '%s'; see: twinsim help %s", c->verb->name,
                        c->operands[c->verb->max], c->verb->name);
    return CLI_OK;
}

static int read_words(struct cli *c, int argc, const char *const *argv, int at)
{
    bool only_operands = false;
    int code;

    for (; at < argc; at++) {
        if (!only_operands && strcmp(argv[at], "--") == 0) {
            only_operands = true;
        } else if (!only_operands && (strcmp(argv[at], "-h") == 0 || strcmp(argv[at], "--help") == 0)) {
            c->operands[0] = c->verb->name; /* as if `twinsim help VERB` had been typed */
            c->n_operands = 1;
            c->n_given = 0;
            c->verb = &verb_help;
            return CLI_OK;
        } else if (!only_operands && strncmp(argv[at], "--", 2) == 0) {
            code = read_option(c, argc, argv, &at);
            if (code)
                return code;
        } else if (!only_operands && argv[at][0] == '-' && argv[at][1] >= '0' && argv[at][1] <= '9') {
            return cli_fail(c, CLI_USAGE, "'%s' begins with a minus; put -- before it: twinsim %s -- %s", argv[at],
                            c->verb->name, argv[at]);
        } else if (!only_operands && argv[at][0] == '-' && argv[at][1]) {
            return cli_fail(c, CLI_USAGE,
                            "there is no option '%s'; options begin with two dashes; see: twinsim help %s", argv[at],
                            c->verb->name);
        } else {
            c->operands[c->n_operands++] = argv[at];
        }
    }
    return check_operands(c);
}

int args_read(struct cli *c, int argc, const char *const *argv)
{
    int used = 0, code;

    memset(c, 0, sizeof *c);
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) /* so that whatever is wrong is told as JSON */
        c->json = c->json || strcmp(argv[i], "--json") == 0;
    c->operands = calloc((size_t)argc + 1, sizeof *c->operands);
    c->given = calloc((size_t)argc + 1, sizeof *c->given);
    if (!c->operands || !c->given)
        return cli_no_memory(c);
    if (argc < 2)
        return cli_fail(c, CLI_USAGE, "a verb is missing; see: twinsim help");
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        c->verb = &verb_help;
        return CLI_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        c->verb = &verb_version;
        return CLI_OK;
    }
    c->verb = read_verb(argc, argv, &used);
    if (!c->verb && argc == 3 && is_first_word(argv[1]) &&
        (strcmp(argv[2], "--help") == 0 || strcmp(argv[2], "-h") == 0)) { /* `twinsim message --help` */
        c->operands[c->n_operands++] = argv[1];
        c->verb = &verb_help;
        return CLI_OK;
    }
    if (!c->verb)
        return unknown_verb(c, argc, argv);
    c->json = c->json && c->verb->has_json; /* `run --json FILE` is a report of its own */
    code = read_words(c, argc, argv, 1 + used);
    if (!code && c->verb->has_data && data_dir_find(cli_text(c, "data"), c->data_dir))
        return cli_fail(c, CLI_USAGE, "there is no data directory: no home; give one with --data DIR");
    return code;
}

void args_done(struct cli *c)
{
    free(c->operands);
    free(c->given);
    c->operands = NULL;
    c->given = NULL;
}
