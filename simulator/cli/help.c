/* help.c - see help.h. */
#include "help.h"

#define NAME_WIDTH 24

static const char exit_codes[] =
    "0 all good, 1 a verdict is no, 2 usage, 3 a file is not valid, 4 the hub could not start or was lost, "
    "5 the hub refused the request";

void help_overview(FILE *to)
{
    const struct verb *v;

    (void)fprintf(to,
                  "twinsim %s: an offline IoT Hub for one laptop or one CI job\n\nusage: twinsim VERB [options]\n\n",
                  TWINSIM_VERSION);
    for (size_t i = 0; (v = verbs_at(i)) != NULL; i++)
        (void)fprintf(to, "  %-*s %s\n", NAME_WIDTH, v->name, v->summary);
    (void)fprintf(to, "\n`twinsim help VERB` or `twinsim VERB --help` says more, with examples.\nExit codes: %s.\n",
                  exit_codes);
}

static void print_usage(FILE *to, const struct verb *v)
{
    (void)fprintf(to, "twinsim %s%s%s [options]", v->name, v->operands ? " " : "", v->operands ? v->operands : "");
}

/* "--keys well-known|fresh" as it is typed. Returns the printed length. */
static int print_option(FILE *to, const struct option_spec *o)
{
    int n = fprintf(to, "--%s", o->name);

    if (o->value)
        n += fprintf(to, " %s", o->choices && o->max == 0 ? o->choices : o->value);
    return n;
}

void help_verb(FILE *to, const struct verb *v)
{
    const struct option_spec *o;

    (void)fputs("usage: ", to);
    print_usage(to, v);
    (void)fprintf(to, "\n\n%s.\n", v->summary);
    if (v->text)
        (void)fprintf(to, "%s\n", v->text);
    (void)fputs("\noptions:\n", to);
    for (size_t i = 0; (o = verb_option(v, i)) != NULL; i++) {
        int n;

        (void)fputs("  ", to);
        n = print_option(to, o);
        if (n > NAME_WIDTH) {
            (void)fputc('\n', to);
            n = -2;
        }
        (void)fprintf(to, "%*s %s%s\n", NAME_WIDTH - n, "", o->help, o->is_many ? " (may be repeated)" : "");
    }
    (void)fprintf(to, "\nexamples:\n");
    for (struct str rest = str_from(v->examples), line; rest.at;) {
        line = str_cut(&rest, '\n');
        (void)fprintf(to, "  %.*s\n", STR_FMT(line));
    }
}

bool help_group(FILE *to, const char *word)
{
    const struct verb *v;
    size_t n = strlen(word);
    bool any = false;

    for (size_t i = 0; (v = verbs_at(i)) != NULL; i++) {
        if (strncmp(v->name, word, n) != 0 || v->name[n] != ' ')
            continue;
        if (!any)
            (void)fprintf(to, "usage: twinsim %s VERB [options]\n\n", word);
        (void)fprintf(to, "  %-*s %s\n", NAME_WIDTH, v->name, v->summary);
        any = true;
    }
    if (any)
        (void)fprintf(to, "\n`twinsim %s VERB --help` says more, with examples.\n", word);
    return any;
}

/* --- the man page --------------------------------------------------------------------------------------------- */

/* Text for roff: no line begins with a dot, dashes stay dashes. */
static void roff(FILE *to, const char *text)
{
    bool at_start = true;

    for (const char *c = text; *c; c++) {
        if (at_start && (*c == '.' || *c == '\''))
            (void)fputs("\\&", to);
        if (*c == '-')
            (void)fputs("\\-", to);
        else if (*c == '\\')
            (void)fputs("\\e", to);
        else
            (void)fputc(*c, to);
        at_start = *c == '\n';
    }
}

static void man_option(FILE *to, const struct option_spec *o)
{
    (void)fputs(".TP\n.B ", to);
    roff(to, "--");
    roff(to, o->name);
    if (o->value) {
        (void)fputc(' ', to);
        roff(to, o->choices && o->max == 0 ? o->choices : o->value);
    }
    (void)fputc('\n', to);
    roff(to, o->help);
    (void)fputs(o->is_many ? " (may be repeated)\n" : "\n", to);
}

static void man_verb(FILE *to, const struct verb *v)
{
    (void)fputs(".SS ", to);
    roff(to, v->name);
    if (v->operands) {
        (void)fputc(' ', to);
        roff(to, v->operands);
    }
    (void)fputc('\n', to);
    roff(to, v->summary);
    (void)fputs(".\n", to);
    if (v->text) {
        roff(to, v->text);
        (void)fputc('\n', to);
    }
    for (size_t i = 0; v->options && v->options[i].name; i++)
        man_option(to, &v->options[i]);
    (void)fputs(".PP\n.nf\n", to);
    roff(to, v->examples);
    (void)fputs("\n.fi\n", to);
}

void help_man(FILE *to)
{
    const struct verb *v;

    (void)fprintf(to,
                  ".TH TWINSIM 1 \"\" \"twinsim %s\" \"User Commands\"\n.SH NAME\ntwinsim \\- an offline IoT Hub for "
                  "one laptop or one CI job\n"
                  ".SH SYNOPSIS\n.B twinsim\n.I VERB\n[operands] [options]\n.SH DESCRIPTION\n"
                  "A stock Mosquitto broker with a plugin speaks the device and module twin protocol of an IoT Hub; "
                  "scenarios change desired "
                  "properties, break things on purpose and check what an agent did about it. Nothing leaves the "
                  "loopback interface.\n"
                  ".SH COMMON OPTIONS\n",
                  TWINSIM_VERSION);
    man_option(to, &option_data);
    man_option(to, &option_json);
    man_option(to, &option_help);
    (void)fputs(".SH VERBS\n", to);
    for (size_t i = 0; (v = verbs_at(i)) != NULL; i++)
        man_verb(to, v);
    (void)fputs(".SH EXIT STATUS\n", to);
    roff(to, exit_codes);
    (void)fputs(".\n.SH FILES\n.TP\n.I DIR/hub.json\nthere when, and only when, the hub on data directory DIR is "
                "ready; 0600.\n",
                to);
}
