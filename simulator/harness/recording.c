/* recording.c - see recording.h. */
#include "recording.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "files.h"
#include "ident.h"
#include "record.h"

static const char *const kinds[] = {
#define RECORDING_TEXT(name, text) text,
    RECORDING_LIST(RECORDING_TEXT)
#undef RECORDING_TEXT
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

void recording_free(struct recording *rec)
{
    if (!rec)
        return;
    for (size_t i = 0; i < rec->count; i++)
        cJSON_Delete(rec->items[i].tree);
    free(rec->items);
    cJSON_Delete(rec->header);
    free(rec->file);
    free(rec);
}

/* ---- one line ---- */

/* Where we are, for messages. */
struct reading {
    struct recording *rec;
    size_t line;
    char *why;
    size_t why_size;
};

static enum rc wrong(const struct reading *r, enum rc rc, const char *what)
{
    return why_not(r->why, r->why_size, rc, "%s:%zu: %s", r->rec->file, r->line, what);
}

static bool is_text(const cJSON *object, const char *key)
{
    return json_get_text(object, key) != NULL;
}

static bool is_id(const char *text)
{
    struct ident id;

    return text && ident_read(str_from(text), &id) == RC_OK;
}

static bool is_one_of(const char *text, const char *const *words)
{
    for (; text && *words; words++)
        if (strcmp(text, *words) == 0)
            return true;
    return false;
}

/* What is wrong with a line's value, or NULL. */
static const char *fault_of(enum recording_kind kind, const cJSON *value)
{
    static const char *const did[] = {"start", "stop", "kill", "restart", "exec", NULL};
    static const char *const verdicts[] = {"passed", "failed", "error", "skipped", NULL};
    const cJSON *word;
    int64_t number;

    if (kind != RECORDING_VERDICT && !cJSON_IsObject(value))
        return "its value is no object";
    switch (kind) {
    case RECORDING_IDENTITY:
        if (!is_id(json_get_text(value, "id")))
            return "an identity has no 'id' that is \"device\" or \"device/module\"";
        return cJSON_IsObject(json_get(value, "twin")) ? NULL : "an identity has no 'twin' that is an object";
    case RECORDING_EVENT:
        return is_text(value, "kind") ? NULL : "an event has no 'kind'";
    case RECORDING_COMMAND:
        return is_text(value, "command") ? NULL : "a command has no 'command'";
    case RECORDING_ANSWER:
        return is_text(value, "correlationData") && json_get_i64(value, "status", &number) == RC_OK && number >= 300 &&
                       number <= 999
                   ? NULL
                   : "an answer needs 'correlationData', and a 'status' of 300 and above";
    case RECORDING_PROCESS:
        if (!is_text(value, "who") || !is_one_of(json_get_text(value, "did"), did))
            return "a process needs 'who', and 'did' that is start, stop, kill, restart or exec";
        if (strcmp(json_get_text(value, "did"), "exec") != 0)
            return NULL;
        word = json_get(value, "words");
        if (!cJSON_IsArray(word) || !word->child)
            return "an exec needs its 'words', a list";
        cJSON_ArrayForEach(word, json_get(value, "words"))
        {
            if (!cJSON_IsString(word))
                return "the words of an exec are texts";
        }
        return NULL;
    case RECORDING_DEVICE:
        return is_id(json_get_text(value, "connect")) || is_id(json_get_text(value, "leave")) ||
                       (is_id(json_get_text(value, "on")) &&
                        (json_get(value, "report") || json_get(value, "send") || json_get(value, "answer")))
                   ? NULL
                   : "a device's step is connect or leave, or report, send or answer with 'on'";
    case RECORDING_VERDICT:
        return cJSON_IsString(value) && is_one_of(value->valuestring, verdicts)
                   ? NULL
                   : "a verdict is passed, failed, error or skipped";
    }
    return NULL;
}

static enum rc add_item(struct reading *r, cJSON *tree)
{
    struct recording *rec = r->rec;
    struct recording_item item = {.line = r->line, .tree = tree};
    struct recording_item *longer;
    const char *fault;
    size_t k = 0;

    while (k < COUNT(kinds) && !json_get(tree, kinds[k]))
        k++;
    if (k == COUNT(kinds))
        return wrong(r, RC_SYNTAX,
                     "no line of a recording: none of identity, event, command, answer, process, device, verdict");
    item.kind = (enum recording_kind)k;
    item.value = json_get(tree, kinds[k]);
    if (json_get_i64(tree, "offset_us", &item.offset_us) || item.offset_us < 0)
        return wrong(r, RC_SYNTAX, "a line needs 'offset_us', whole microseconds since the beginning");
    fault = fault_of(item.kind, item.value);
    if (fault)
        return wrong(r, RC_SYNTAX, fault);
    if (rec->verdict)
        return wrong(r, RC_SYNTAX, "there is more behind the verdict; are these two recordings in one file?");
    longer = realloc(rec->items, (rec->count + 1) * sizeof *longer);
    if (!longer)
        return RC_NOMEM;
    rec->items = longer;
    rec->items[rec->count++] = item; /* the tree is the recording's now */
    if (item.kind == RECORDING_VERDICT)
        rec->verdict = item.value->valuestring;
    return RC_OK;
}

static enum rc take_header(struct reading *r, cJSON *tree)
{
    const cJSON *agents = json_get(tree, "agents"), *agent;
    const char *by = json_get_text(tree, "twinsim");
    int64_t format = 0;

    if (json_get_i64(tree, "recording", &format) || format < 1)
        return wrong(r, RC_SYNTAX, "this is no recording: its first line does not begin one, {\"recording\":1,...}");
    if (format > RECORDING_FORMAT)
        return why_not(r->why, r->why_size, RC_REFUSED,
                       "%s:1: a recording of format %lld, written by twinsim %s; this one reads format %d: update it",
                       r->rec->file, (long long)format, by ? by : "of a newer version", RECORDING_FORMAT);
    if (!is_text(tree, "scenario") || !is_text(tree, "file") || !is_text(tree, "dir") || !is_text(tree, "seed"))
        return wrong(r, RC_SYNTAX, "the first line needs the texts 'scenario', 'file', 'dir' and 'seed'");
    if (!cJSON_IsObject(json_get(tree, "hub")) || !cJSON_IsObject(agents))
        return wrong(r, RC_SYNTAX, "the first line needs the objects 'hub' and 'agents'");
    cJSON_ArrayForEach(agent, agents)
    {
        if (!is_id(json_get_text(agent, "as")))
            return wrong(r, RC_SYNTAX, "an agent has no 'as' that is \"device\" or \"device/module\"");
    }
    r->rec->header = tree;
    return RC_OK;
}

static enum rc read_line(struct reading *r, struct str line)
{
    struct json_error error = {0};
    cJSON *tree = NULL;
    enum rc rc;

    if (line.len > RECORDING_LINE_MAX)
        return why_not(r->why, r->why_size, RC_LIMIT, "%s:%zu: a line of %zu bytes; %zu are the limit", r->rec->file,
                       r->line, line.len, RECORDING_LINE_MAX);
    rc = json_read(line, &tree, &error);
    if (rc == RC_NOMEM)
        return rc;
    if (rc)
        return why_not(r->why, r->why_size, RC_SYNTAX, "%s:%zu:%zu: not JSON: %s", r->rec->file, r->line,
                       error.offset + 1, error.what);
    if (!cJSON_IsObject(tree))
        rc = wrong(r, RC_SYNTAX, "not an object");
    else
        rc = r->rec->header ? add_item(r, tree) : take_header(r, tree);
    if (rc && (!r->rec->count || r->rec->items[r->rec->count - 1].tree != tree))
        cJSON_Delete(tree);
    return rc;
}

/* ---- the file ---- */

/* A command is written before what it caused, but also before what had already happened and was still on its way: put it right
 * before the first event it caused, when only events lie between. */
static void move_commands(struct recording *rec)
{
    for (size_t i = rec->count; i-- > 0;) {
        struct recording_item command = rec->items[i];
        const char *name = json_get_text(command.value, "correlationData");
        size_t k = i + 1;

        if (command.kind != RECORDING_COMMAND || !name)
            continue;
        while (k < rec->count && rec->items[k].kind == RECORDING_EVENT) {
            const char *cause = json_get_text(rec->items[k].value, "cause");

            if (cause && strcmp(cause, name) == 0)
                break;
            k++;
        }
        if (k == i + 1 || k == rec->count || rec->items[k].kind != RECORDING_EVENT)
            continue;
        memmove(&rec->items[i], &rec->items[i + 1], (k - 1 - i) * sizeof rec->items[0]);
        rec->items[k - 1] = command;
    }
}

static enum rc read_lines(struct reading *r, struct str text, bool take_cut)
{
    enum rc rc = RC_OK;

    while (text.len && !rc) {
        size_t end = str_find(text, '\n');

        r->line++;
        if (end == text.len && take_cut && r->rec->header)
            break;
        if (end == text.len)
            return wrong(r, RC_CORRUPT, "the recording is cut in this line: it was not written to its end");
        rc = read_line(r, str_first(text, end));
        text = str_skip(text, end + 1);
    }
    if (rc)
        return rc;
    if (!r->rec->header) {
        r->line = 1;
        return wrong(r, RC_SYNTAX, "this is no recording: the file is empty");
    }
    if (!r->rec->verdict && !take_cut) {
        return wrong(r, RC_CORRUPT, "the recording is cut behind this line: it has no verdict");
    }
    move_commands(r->rec);
    return RC_OK;
}

enum rc recording_read(const char *file, bool take_cut, struct recording **out, char *why, size_t why_size)
{
    struct reading r = {.rec = calloc(1, sizeof *r.rec), .why = why, .why_size = why_size};
    struct buf text;
    enum rc rc;

    if (!r.rec || !(r.rec->file = strdup(file))) {
        recording_free(r.rec);
        return why_not(why, why_size, RC_NOMEM, "%s: %s", file, rc_text(RC_NOMEM));
    }
    buf_init(&text, RECORDING_BYTES_MAX);
    rc = file_read(file, &text);
    if (rc == RC_LIMIT)
        (void)why_not(why, why_size, rc, "%s: larger than %zu MB", file, RECORDING_BYTES_MAX >> 20);
    else if (rc)
        (void)why_not(why, why_size, rc, "%s: %s", file, rc == RC_IO ? strerror(errno) : rc_text(rc));
    else
        rc = read_lines(&r, buf_view(&text), take_cut);
    if (rc == RC_NOMEM)
        (void)why_not(why, why_size, rc, "%s: %s", file, rc_text(rc));
    buf_done(&text);
    if (rc) {
        recording_free(r.rec);
        return rc;
    }
    *out = r.rec;
    return RC_OK;
}

/* ---- what stands in it ---- */

bool recording_is_action(const struct recording_item *item)
{
    return item->kind == RECORDING_COMMAND || item->kind == RECORDING_PROCESS || item->kind == RECORDING_DEVICE;
}

int recording_refusal(const struct recording *rec, const struct recording_item *command)
{
    const char *name = json_get_text(command->value, "correlationData");

    for (size_t i = 0; name && i < rec->count; i++) {
        const char *answered = json_get_text(rec->items[i].value, "correlationData");
        int64_t status = 0;

        if (rec->items[i].kind == RECORDING_ANSWER && answered && strcmp(answered, name) == 0 &&
            json_get_i64(rec->items[i].value, "status", &status) == RC_OK)
            return (int)status;
    }
    return 0;
}

enum rc recording_add_item(const struct recording_item *item, struct normal_timeline *t)
{
    if (item->kind == RECORDING_EVENT)
        return normal_add(t, item->value, NULL);
    if (item->kind == RECORDING_PROCESS && strcmp(json_get_text(item->value, "did"), "exec") != 0)
        normal_mark(t);
    return RC_OK;
}

enum rc recording_normalise(const struct recording *rec, struct normal_timeline *t)
{
    enum rc rc = RC_OK;

    for (size_t i = 0; i < rec->count && !rc; i++)
        rc = recording_add_item(&rec->items[i], t);
    return rc;
}
