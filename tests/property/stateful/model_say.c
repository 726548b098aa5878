/* model_say.c - the lines in which the model says what a hub must do (model.h lists them). */
#include "model_internal.h"

void say_event(struct model *m, const char *whom, const char *fmt, ...)
{
    va_list args;

    if (!m->listens)
        return;
    (void)fprintf(m->says, "event %s ", whom);
    va_start(args, fmt);
    (void)vfprintf(m->says, fmt, args);
    va_end(args);
    (void)fputc('\n', m->says);
}

void say_verdict(struct model *m, const char *word)
{
    (void)fprintf(m->says, "verdict %s\n", word);
}

void say_answer(struct model *m, uint64_t ticket, int status, const char *code)
{
    (void)fprintf(m->says, "answer %llu %d%s%s\n", (unsigned long long)ticket, status, code[0] ? " " : "", code);
}

void print_versioned(FILE *to, const struct tree *section, int64_t version)
{
    struct tree *copy = tree_copy(section);
    char text[24];
    struct tree *end;

    (void)snprintf(text, sizeof text, "%lld", (long long)version);
    end = tree_read(text);
    end->name = copy_exact("$version", sizeof "$version");
    end->next = copy->first;
    copy->first = end;
    tree_print(to, copy);
    tree_free(copy);
}

void say_note(struct model *m, size_t who, const struct tree *note, int64_t version)
{
    (void)fprintf(m->says, "to %s qos%d $iothub/twin/PATCH/properties/desired/?$version=%lld ", who_names[who],
                  m->at[who].subscribed[CLASS_DESIRED] - 1, (long long)version);
    print_versioned(m->says, note, version);
    (void)fputc('\n', m->says);
}

bool say_missing(struct model *m, size_t who, uint64_t ticket)
{
    if (m->at[who].exists)
        return false;
    say_answer(m, ticket, 404, m->at[device_of(who)].exists ? "404010" : "404001"); /* facts T-25 */
    return true;
}
