/* settings_table.c - the rows, and setting one of them. */
#include "settings_table.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "duration.h"
#include "sas.h"

#define SETTINGS_ROW(member, where, variable, kind, value, low, high, sentence)                                        \
    {.place = (where),                                                                                                 \
     .env = (variable),                                                                                                \
     .type = TYPE_##kind,                                                                                              \
     .offset = offsetof(struct settings, member),                                                                      \
     .preset = (value),                                                                                                \
     .least = (low),                                                                                                   \
     .most = (high),                                                                                                   \
     .help = (sentence)},
const struct setting settings_table[] = {SETTINGS_LIST(SETTINGS_ROW)};
const size_t settings_rows = sizeof settings_table / sizeof *settings_table;

static char **text_slot(struct settings *s, const struct setting *row)
{
    return (char **)(void *)((char *)s + row->offset);
}

enum rc settings_set(struct settings *s, const struct setting *row, const char *text)
{
    int64_t *number = (int64_t *)(void *)((char *)s + row->offset), value = 0;
    char *copy;
    enum rc rc = RC_OK;

    switch (row->type) {
    case TYPE_TEXT:
        value = (int64_t)strlen(text);
        break;
    case TYPE_NUMBER:
        rc = str_to_number(str_from(text), INT64_MAX, &value);
        break;
    case TYPE_DURATION:
        rc = duration_parse(str_from(text), &value);
        break;
    }
    if (rc)
        return rc;
    if (value < row->least || value > row->most)
        return RC_LIMIT;
    if (row->type != TYPE_TEXT) {
        *number = value;
        return RC_OK;
    }
    copy = strdup(text);
    if (!copy)
        return RC_NOMEM;
    free(*text_slot(s, row));
    *text_slot(s, row) = copy;
    return RC_OK;
}

void settings_refuse(struct failure *f, const struct setting *row, const char *where)
{
    static const char *const kinds[] = {"text", "a whole number", "an ISO 8601 duration"};
    static const char *const units[] = {"bytes", "", "ms"};

    failure_set(f, FAILURE_LOCAL, FAILED_CANT_PARSE, "%s must be %s between %" PRId64 " and %" PRId64 " %s", where,
                kinds[row->type], row->least, row->most, units[row->type]);
}

bool settings_take_key(struct str text, const char *from, struct settings *s, struct failure *f)
{
    struct str line = str_cut(&text, '\n');

    while (line.len && strchr(" \t\r", line.at[line.len - 1]))
        line.len--;
    while (line.len && strchr(" \t", line.at[0]))
        line = str_of(line.at + 1, line.len - 1);
    if (sas_key_check(line)) {
        failure_set(f, FAILURE_AUTHENTICATION, FAILED_FORMAT, "%s does not hold a base64 key of at most %u bytes", from,
                    SAS_KEY_MAX);
        return false;
    }
    s->key = strndup(line.at, line.len);
    if (!s->key)
        failure_set(f, FAILURE_OTHER, FAILED_OTHER, "out of memory");
    return s->key != NULL;
}

void settings_done(struct settings *s)
{
    if (s->key)
        OPENSSL_cleanse(s->key, strlen(s->key));
    for (size_t i = 0; i < settings_rows; i++)
        if (settings_table[i].type == TYPE_TEXT)
            free(*text_slot(s, &settings_table[i]));
    free(s->host_name);
    free(s->device_id);
    free(s->key);
    memset(s, 0, sizeof *s);
}

void settings_help(FILE *to)
{
    for (size_t i = 0; i < settings_rows; i++)
        (void)fprintf(to, "  %-40s %s\n      %s [%s]\n", settings_table[i].env, settings_table[i].place,
                      settings_table[i].help, settings_table[i].preset ? settings_table[i].preset : "-");
}
