/* completion.c - shell completion, from the table of verbs. */
#include "help.h"

static void print_words(FILE *to, const struct verb *v)
{
    const struct option_spec *o;

    for (size_t i = 0; (o = verb_option(v, i)) != NULL; i++)
        (void)fprintf(to, "%s--%s", i ? " " : "", o->name);
}

/* Is an earlier verb's first word the same ("device create", "device show")? */
static bool is_repeated(size_t at, struct str word)
{
    for (size_t i = 0; i < at; i++) {
        struct str name = str_from(verbs_at(i)->name);

        if (str_eq(str_cut(&name, ' '), word))
            return true;
    }
    return false;
}

static void print_first_words(FILE *to)
{
    const struct verb *v;

    for (size_t i = 0; (v = verbs_at(i)) != NULL; i++) {
        struct str name = str_from(v->name), word = str_cut(&name, ' ');

        if (!is_repeated(i, word))
            (void)fprintf(to, "%s%.*s", i ? " " : "", STR_FMT(word));
    }
}

/* For each two-word verb, its second words behind the first. */
static void print_second_words(FILE *to)
{
    const struct verb *v;

    for (size_t i = 0; (v = verbs_at(i)) != NULL; i++) {
        struct str rest = str_from(v->name), first = str_cut(&rest, ' ');
        bool any = false;

        if (!rest.at || is_repeated(i, first))
            continue;
        (void)fprintf(to, "    '%.*s') words='", STR_FMT(first));
        for (size_t j = i; (v = verbs_at(j)) != NULL; j++) {
            struct str other = str_from(v->name);

            if (!str_eq(str_cut(&other, ' '), first))
                continue;
            (void)fprintf(to, "%s%.*s", any ? " " : "", STR_FMT(other));
            any = true;
        }
        (void)fputs("' ;;\n", to);
    }
}

static void print_verbs(FILE *to)
{
    const struct verb *v;

    for (size_t i = 0; (v = verbs_at(i)) != NULL; i++) {
        const char *blank = strchr(v->name, ' ');

        (void)fprintf(to, blank ? "    '%s') words='" : "    '%s'|'%s '*) words='", v->name, v->name);
        print_words(to, v);
        (void)fputs("' ;;\n", to);
    }
}

/* One function of the shell gives the candidates; both shells share it. */
static void print_candidates(FILE *to)
{
    (void)fputs("_twinsim_words() {\n  local words=\n  case $1 in\n    '') words='", to);
    print_first_words(to);
    (void)fputs("' ;;\n", to);
    print_second_words(to);
    print_verbs(to);
    (void)fputs("  esac\n  printf '%s' \"$words\"\n}\n", to);
}

void completion_bash(FILE *to)
{
    (void)fputs("# bash completion for twinsim; to use it: source <(twinsim completion bash)\n", to);
    print_candidates(to);
    (void)fputs("_twinsim() {\n"
                "  local current=${COMP_WORDS[COMP_CWORD]} verb= words\n"
                "  if [ \"$COMP_CWORD\" -ge 3 ]; then verb=\"${COMP_WORDS[1]} ${COMP_WORDS[2]}\"\n"
                "  elif [ \"$COMP_CWORD\" -eq 2 ]; then verb=${COMP_WORDS[1]}\n"
                "  fi\n"
                "  words=$(_twinsim_words \"$verb\")\n"
                "  case $current in /*|./*|../*) words= ;; esac\n"
                "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
                "  [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- \"$current\"))\n"
                "}\n"
                "complete -F _twinsim twinsim\n",
                to);
}

void completion_zsh(FILE *to)
{
    (void)fputs("#compdef twinsim\n# zsh completion for twinsim; to use it: source <(twinsim completion zsh)\n", to);
    print_candidates(to);
    (void)fputs("_twinsim() {\n"
                "  local verb=\n"
                "  if [ $CURRENT -ge 4 ]; then verb=\"$words[2] $words[3]\"\n"
                "  elif [ $CURRENT -eq 3 ]; then verb=$words[2]\n"
                "  fi\n"
                "  compadd -- ${(s: :)\"$(_twinsim_words \"$verb\")\"}\n"
                "  _files\n"
                "}\n"
                "compdef _twinsim twinsim\n",
                to);
}
