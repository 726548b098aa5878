/* Recordings: what was written is read; and whatever else stands in a file is refused with its line, or does no harm. */
#include "test.h"

#include <stdio.h>
#include <unistd.h>

#include "draft.h"
#include "files.h"
#include "record.h"
#include "recording.h"

#define HEADER                                                                                                         \
    "{\"recording\":1,\"scenario\":\"s\",\"file\":\"s.jsonc\",\"dir\":\"/"                                             \
    "\",\"row\":0,\"seed\":\"1\",\"twinsim\":\"0.1.0\",\"hub\":{},"                                                    \
    "\"agents\":{\"agent\":{\"as\":\"d/m\"}}}\n"
#define IDENTITY "{\"offset_us\":1,\"identity\":{\"id\":\"d/m\",\"twin\":{\"version\":2}}}\n"
#define START    "{\"offset_us\":2,\"process\":{\"who\":\"agent\",\"did\":\"start\"}}\n"
#define COMMAND  "{\"offset_us\":3,\"command\":{\"command\":\"twin.update\",\"correlationData\":\"run-1\"}}\n"
#define REPORTED                                                                                                       \
    "{\"offset_us\":4,\"event\":{\"kind\":\"reported\",\"device\":\"d\",\"module\":\"m\",\"patch\":{\"a\":1}}}\n"
#define DESIRED                                                                                                        \
    "{\"offset_us\":5,\"event\":{\"kind\":\"desired\",\"device\":\"d\",\"module\":\"m\",\"cause\":\"run-1\","          \
    "\"patch\":{}}}\n"
#define ANSWER  "{\"offset_us\":6,\"answer\":{\"correlationData\":\"run-1\",\"status\":404}}\n"
#define EXEC    "{\"offset_us\":7,\"process\":{\"who\":\"exec\",\"did\":\"exec\",\"words\":[\"true\"]}}\n"
#define DEVICE  "{\"offset_us\":8,\"device\":{\"connect\":\"d\"}}\n"
#define VERDICT "{\"offset_us\":9,\"verdict\":\"passed\"}\n"
#define WHOLE   HEADER IDENTITY START COMMAND REPORTED DESIRED ANSWER EXEC DEVICE VERDICT

/* A file of its own, as a setup makes it. */
struct folder {
    char dir[64], file[96], why[WHY_MAX];
};

static void folder_init(struct folder *f)
{
    (void)snprintf(f->dir, sizeof f->dir, "/tmp/twinsim-test-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    (void)snprintf(f->file, sizeof f->file, "%s/r.jsonl", f->dir);
}

static void folder_done(struct folder *f)
{
    (void)unlink(f->file);
    assert_int_equal(rmdir(f->dir), 0);
}

static enum rc read_text(struct folder *f, struct str text, bool take_cut, struct recording **out)
{
    assert_int_equal(file_write(f->file, text, 0600, false), RC_OK);
    *out = NULL;
    f->why[0] = '\0';
    return recording_read(f->file, take_cut, out, f->why, sizeof f->why);
}

static void a_whole_recording_is_read_line_by_line(void **state)
{
    static const enum recording_kind kinds[] = {RECORDING_IDENTITY, RECORDING_PROCESS, RECORDING_EVENT,
                                                RECORDING_COMMAND,  RECORDING_EVENT,   RECORDING_ANSWER,
                                                RECORDING_PROCESS,  RECORDING_DEVICE,  RECORDING_VERDICT};
    struct folder f;
    struct recording *rec;
    struct normal_timeline t;
    struct buf out;

    (void)state;
    folder_init(&f);
    assert_int_equal(read_text(&f, STR(WHOLE), false, &rec), RC_OK);
    assert_string_equal(rec->verdict, "passed");
    assert_int_equal(rec->count, COUNT(kinds));
    for (size_t i = 0; i < COUNT(kinds); i++)
        assert_int_equal(rec->items[i].kind, kinds[i]);
    /* the report had happened before the command did anything */
    assert_int_equal(rec->items[3].line, 4);
    assert_int_equal(recording_refusal(rec, &rec->items[3]), 404);
    assert_true(recording_is_action(&rec->items[3]));
    assert_true(recording_is_action(&rec->items[7]));
    assert_false(recording_is_action(&rec->items[4]));
    normal_init(&t);
    buf_init(&out, 0);
    assert_int_equal(recording_normalise(rec, &t), RC_OK);
    normal_print(&t, &out);
    assert_string_equal(out.at, "d/m service {\"kind\":\"desired\",\"patch\":{}}\n"
                                "d/m twin {\"kind\":\"reported\",\"patch\":{\"a\":1}}\n");
    buf_done(&out);
    normal_done(&t);
    recording_free(rec);
    folder_done(&f);
}

static void every_mistake_is_told_with_its_line(void **state)
{
    static const struct {
        const char *text;
        enum rc rc;
        const char *says;
    } rows[] = {
        {"", RC_SYNTAX, ":1: this is no recording: the file is empty"},
        {"hello\n", RC_SYNTAX, ":1:1: not JSON"},
        {"{}\n", RC_SYNTAX, ":1: this is no recording"},
        {"[1]\n", RC_SYNTAX, ":1: not an object"},
        {"{\"recording\":0}\n", RC_SYNTAX, ":1: this is no recording"},
        {"{\"recording\":2,\"twinsim\":\"9.1\"}\n", RC_REFUSED, ":1: a recording of format 2, written by twinsim 9.1;"},
        {"{\"recording\":1}\n", RC_SYNTAX, ":1: the first line needs the texts"},
        {"{\"recording\":1,\"scenario\":\"s\",\"file\":\"f\",\"dir\":\"/\",\"seed\":\"1\"}\n", RC_SYNTAX,
         ":1: the first line needs the objects"},
        {"{\"recording\":1,\"scenario\":\"s\",\"file\":\"f\",\"dir\":\"/"
         "\",\"seed\":\"1\",\"hub\":{},\"agents\":{\"agent\":{}}}\n",
         RC_SYNTAX, ":1: an agent has no 'as'"},
        {HEADER "{\"offset_us\":1}\n", RC_SYNTAX, ":2: no line of a recording"},
        {HEADER "\n" VERDICT, RC_SYNTAX, ":2:1: not JSON"},
        {HEADER "{\"event\":{\"kind\":\"x\"}}\n", RC_SYNTAX, ":2: a line needs 'offset_us'"},
        {HEADER "{\"offset_us\":-1,\"event\":{\"kind\":\"x\"}}\n", RC_SYNTAX, ":2: a line needs 'offset_us'"},
        {HEADER "{\"offset_us\":1,\"event\":5}\n", RC_SYNTAX, ":2: its value is no object"},
        {HEADER "{\"offset_us\":1,\"event\":{\"kind\":5}}\n", RC_SYNTAX, ":2: an event has no 'kind'"},
        {HEADER "{\"offset_us\":1,\"identity\":{\"id\":\"a b\",\"twin\":{}}}\n", RC_SYNTAX,
         ":2: an identity has no 'id'"},
        {HEADER "{\"offset_us\":1,\"identity\":{\"id\":\"a\"}}\n", RC_SYNTAX, ":2: an identity has no 'twin'"},
        {HEADER "{\"offset_us\":1,\"command\":{}}\n", RC_SYNTAX, ":2: a command has no 'command'"},
        {HEADER "{\"offset_us\":1,\"answer\":{\"correlationData\":\"x\",\"status\":200}}\n", RC_SYNTAX,
         ":2: an answer needs"},
        {HEADER "{\"offset_us\":1,\"process\":{\"who\":\"agent\",\"did\":\"dance\"}}\n", RC_SYNTAX,
         ":2: a process needs"},
        {HEADER "{\"offset_us\":1,\"process\":{\"who\":\"exec\",\"did\":\"exec\"}}\n", RC_SYNTAX,
         ":2: an exec needs its 'words'"},
        {HEADER "{\"offset_us\":1,\"process\":{\"who\":\"exec\",\"did\":\"exec\",\"words\":[1]}}\n", RC_SYNTAX,
         ":2: the words of an exec are texts"},
        {HEADER "{\"offset_us\":1,\"device\":{\"report\":{}}}\n", RC_SYNTAX, ":2: a device's step is"},
        {HEADER "{\"offset_us\":1,\"verdict\":\"nice\"}\n", RC_SYNTAX, ":2: a verdict is"},
        {HEADER VERDICT VERDICT, RC_SYNTAX, ":3: there is more behind the verdict"},
        {HEADER START, RC_CORRUPT, ":2: the recording is cut behind this line: it has no verdict"},
        {HEADER "{\"offset_us\":1,\"ev", RC_CORRUPT, ":2: the recording is cut in this line"},
    };
    struct folder f;

    (void)state;
    folder_init(&f);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct recording *rec;
        enum rc rc = read_text(&f, str_from(rows[i].text), false, &rec);

        if (rc != rows[i].rc || strncmp(f.why, f.file, strlen(f.file)) != 0 || !strstr(f.why, rows[i].says))
            fail_msg("row %zu: %s", i, f.why);
    }
    folder_done(&f);
}

static void what_is_whole_of_a_cut_recording_can_be_had(void **state)
{
    struct folder f;
    struct recording *rec;

    (void)state;
    folder_init(&f);
    assert_int_equal(read_text(&f, STR(HEADER START "{\"offset_us\":1,\"ev"), true, &rec), RC_OK);
    assert_null(rec->verdict);
    assert_int_equal(rec->count, 1);
    recording_free(rec);
    assert_int_equal(read_text(&f, STR("{\"recording\":1,\"scen"), true, &rec), RC_CORRUPT);
    folder_done(&f);
}

static void a_line_beyond_the_limit_is_refused_before_it_is_read(void **state)
{
    struct folder f;
    struct recording *rec;
    struct buf text;

    (void)state;
    folder_init(&f);
    buf_init(&text, 2 * RECORDING_LINE_MAX);
    buf_add(&text, STR(HEADER));
    while (text.len < RECORDING_LINE_MAX + 1024)
        buf_add(&text, STR("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"));
    buf_add_char(&text, '\n');
    assert_int_equal(read_text(&f, buf_view(&text), false, &rec), RC_LIMIT);
    assert_non_null(strstr(f.why, ":2: a line of 1677"));
    buf_done(&text);
    folder_done(&f);
}

static void a_file_that_is_not_there_or_a_folder_is_told(void **state)
{
    char why[WHY_MAX] = "";
    struct recording *rec;

    (void)state;
    assert_int_equal(recording_read("/no/such/file", false, &rec, why, sizeof why), RC_NOT_FOUND);
    assert_string_equal(why, "/no/such/file: not found");
    assert_int_equal(recording_read("/", false, &rec, why, sizeof why), RC_IO);
}

/* Whatever stands in the file: read or refused, never a crash, and what was read can be told. */
static void read_anything(struct folder *f, struct str text)
{
    for (int take_cut = 0; take_cut < 2; take_cut++) {
        struct recording *rec;
        struct normal_timeline t;

        if (read_text(f, text, take_cut == 1, &rec)) {
            assert_true(f->why[0] != '\0');
            continue;
        }
        normal_init(&t);
        assert_int_equal(recording_normalise(rec, &t), RC_OK);
        for (size_t i = 0; i < rec->count; i++)
            (void)recording_refusal(rec, &rec->items[i]);
        for (int expects = 0; expects < 2; expects++) {
            struct draft draft;

            if (draft_make(rec, expects == 1, &draft, f->why, sizeof f->why) == RC_OK)
                draft_done(&draft);
        }
        normal_done(&t);
        recording_free(rec);
    }
}

static void every_cut_is_refused_or_taken_as_far_as_it_goes(void **state)
{
    struct folder f;

    (void)state;
    folder_init(&f);
    for (size_t n = 0; n < sizeof WHOLE - 1; n++) {
        struct recording *rec;
        char *cut = copy_exact(WHOLE, n);

        assert_int_not_equal(read_text(&f, str_of(cut, n), false, &rec), RC_OK);
        read_anything(&f, str_of(cut, n));
        free(cut);
    }
    folder_done(&f);
}

static void flipped_bytes_do_no_harm(void **state)
{
    struct folder f;
    unsigned seed = 20261122;

    (void)state;
    folder_init(&f);
    print_message("seed %u\n", seed);
    for (int round = 0; round < 3000; round++) {
        char *text = copy_exact(WHOLE, sizeof WHOLE - 1);
        int flips = 1 + (int)(seed % 4);

        for (int i = 0; i < flips; i++) {
            seed = seed * 1103515245u + 12345u;
            text[(seed >> 8) % (sizeof WHOLE - 1)] ^= (char)(1 << (seed >> 29));
        }
        read_anything(&f, str_of(text, sizeof WHOLE - 1));
        free(text);
    }
    folder_done(&f);
}

static void what_the_recorder_writes_is_read_back_with_its_secrets_masked(void **state)
{
    struct folder f;
    struct recorder rec;
    struct recording *read;
    struct masks masks;
    cJSON *header = NULL, *event = NULL, *value = NULL;

    (void)state;
    folder_init(&f);
    masks_init(&masks);
    assert_int_equal(masks_add(&masks, "a-key-of-somebody"), RC_OK);
    recorder_init(&rec);
    recorder_add(&rec, 5, "verdict", json_str(STR("passed"))); /* nothing is recorded yet */
    assert_int_equal(json_read(STR(HEADER), &header, NULL), RC_OK);
    assert_int_equal(recorder_open(&rec, f.file, &masks, 1000, header), RC_OK);
    assert_int_equal(
        json_read(STR("{\"kind\":\"reported\",\"device\":\"d\",\"patch\":{\"k\":\"<a-key-of-somebody>\"}}"), &event,
                  NULL),
        RC_OK);
    recorder_add_event(&rec, 1007, event);
    cJSON_Delete(event);
    assert_int_equal(rec.changed_us, 1007);
    assert_int_equal(json_read(STR("{\"command\":\"x\",\"p\":\"SharedAccessKey=abc;sig=def\"}"), &value, NULL), RC_OK);
    recorder_add(&rec, 1008, "command", value);
    recorder_add(&rec, 1009, "verdict", json_str(STR("failed")));
    assert_int_equal(rec.rc, RC_OK);
    recorder_done(&rec);
    assert_int_equal(recording_read(f.file, false, &read, f.why, sizeof f.why), RC_OK);
    assert_int_equal(read->count, 3);
    assert_int_equal(read->items[0].offset_us, 7);
    assert_string_equal(json_at_path(read->items[0].value, STR("patch.k"))->valuestring, "<***>");
    assert_string_equal(json_get_text(read->items[1].value, "p"), "SharedAccessKey=***;sig=***");
    assert_string_equal(read->verdict, "failed");
    recording_free(read);
    masks_done(&masks);
    folder_done(&f);
}

static void a_recording_has_one_writer_at_a_time(void **state)
{
    struct folder f;
    struct recorder first, second;
    struct recording *read;
    struct masks masks;
    cJSON *header[2] = {NULL, NULL};

    (void)state;
    folder_init(&f);
    masks_init(&masks);
    recorder_init(&first);
    recorder_init(&second);
    for (int i = 0; i < 2; i++)
        assert_int_equal(json_read(STR(HEADER), &header[i], NULL), RC_OK);
    assert_int_equal(recorder_open(&first, f.file, &masks, 0, header[0]), RC_OK);
    assert_int_equal(recorder_open(&second, f.file, &masks, 0, header[1]), RC_BUSY);
    recorder_add(&second, 1, "verdict", json_str(STR("failed")));
    recorder_add(&first, 1, "verdict", json_str(STR("passed")));
    recorder_done(&second);
    recorder_done(&first);
    assert_int_equal(recording_read(f.file, false, &read, f.why, sizeof f.why), RC_OK);
    assert_string_equal(read->verdict, "passed");
    recording_free(read);
    masks_done(&masks);
    folder_done(&f);
}

static void a_recorder_that_cannot_write_says_so_and_stops(void **state)
{
    struct recorder rec;
    struct masks masks;
    cJSON *header = NULL;

    (void)state;
    masks_init(&masks);
    recorder_init(&rec);
    assert_int_equal(json_read(STR(HEADER), &header, NULL), RC_OK);
    assert_int_equal(recorder_open(&rec, "/dev/full", &masks, 0, header), RC_IO);
    recorder_add(&rec, 1, "verdict", json_str(STR("passed")));
    assert_int_equal(rec.rc, RC_IO);
    recorder_done(&rec);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_recording_is_read_line_by_line),
        cmocka_unit_test(every_mistake_is_told_with_its_line),
        cmocka_unit_test(what_is_whole_of_a_cut_recording_can_be_had),
        cmocka_unit_test(a_line_beyond_the_limit_is_refused_before_it_is_read),
        cmocka_unit_test(a_file_that_is_not_there_or_a_folder_is_told),
        cmocka_unit_test(every_cut_is_refused_or_taken_as_far_as_it_goes),
        cmocka_unit_test(flipped_bytes_do_no_harm),
        cmocka_unit_test(a_recording_has_one_writer_at_a_time),
        cmocka_unit_test(what_the_recorder_writes_is_read_back_with_its_secrets_masked),
        cmocka_unit_test(a_recorder_that_cannot_write_says_so_and_stops),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
