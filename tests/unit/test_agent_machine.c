/* Does the agent tell what is on the machine? A small machine of files stands in for the real one. facts S-12 */
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collect.h"
#include "processes.h"
#include "test.h"

static char folder[] = "/tmp/test-agent-machine-XXXXXX";
static struct collect_roots roots = {.proc = folder, .etc = folder};

/* Write a file below the folder. */
static void put(const char *name, const char *text)
{
    char path[128];
    FILE *f;

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void make_folder(const char *name)
{
    char path[128];

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(mkdir(path, 0700), 0);
}

static int folder_make(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    make_folder("net");
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st;
    (void)kind;
    (void)where;
    return remove(path);
}

static int folder_remove(void **state)
{
    (void)state;
    return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void payload_is(cJSON *payload, const char *expected)
{
    char *text = json_print(payload);

    assert_string_equal(text, expected);
    free(text);
    cJSON_Delete(payload);
}

static void listening_sockets_are_told_and_others_are_not(void **state)
{
    (void)state;
    payload_is(collect_ports(&roots), "[]");
    put("net/tcp", "  sl  local_address rem_address   st tx_queue rx_queue\n"
                   "   0: 0100007F:22B3 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 1\n"
                   "   1: 0100007F:22B3 0100007F:C350 01 00000000:00000000 00:00000000 00000000 0 0 1\n"
                   "garbage\n");
    put("net/tcp6", "  sl  local_address rem_address   st\n"
                    "   0: B80D0120000000000000000001000000:0016 00000000000000000000000000000000:0000 0A 0\n");
    put("net/udp", "  sl\n 10: 00000000:0044 00000000:0000 07 0\n");
    payload_is(
        collect_ports(&roots),
        "[{\"Protocol\":\"tcp\",\"LocalAddress\":\"127.0.0.1\",\"LocalPort\":\"8883\",\"RemoteAddress\":\"0.0.0.0\","
        "\"RemotePort\":\"*\"},{\"Protocol\":\"tcp6\",\"LocalAddress\":\"2001:db8::1\",\"LocalPort\":\"22\","
        "\"RemoteAddress\":\"::\",\"RemotePort\":\"*\"},{\"Protocol\":\"udp\",\"LocalAddress\":\"0.0.0.0\","
        "\"LocalPort\":\"68\",\"RemoteAddress\":\"0.0.0.0\",\"RemotePort\":\"*\"}]");
}

static void users_are_told_with_all_their_groups(void **state)
{
    (void)state;
    payload_is(collect_users(&roots), "[]");
    put("passwd", "root:x:0:0:root:/root:/bin/sh\n# comment\n+::::::\n\nann:x:1000:100:Ann,,,:/ann:/bin/sh\nbroken\n");
    put("group", "root:x:0:\nusers:x:100:bob\nwheel:x:10:bob,ann\nann2:x:11:annie\n");
    payload_is(collect_users(&roots),
               "[{\"UserId\":\"0\",\"UserName\":\"root\",\"GroupIds\":\"0\",\"GroupNames\":\"root\"},"
               "{\"UserId\":\"1000\",\"UserName\":\"ann\",\"GroupIds\":\"100;10\",\"GroupNames\":\"users;wheel\"}]");
}

static void the_system_is_told_with_its_memory(void **state)
{
    cJSON *payload;
    const cJSON *entry;

    (void)state;
    put("meminfo", "MemTotal:       16318480 kB\nMemFree:          200000 kB\nMemAvailable:    1234567 kB\n");
    payload = collect_system(&roots);
    assert_int_equal(cJSON_GetArraySize(payload), 1);
    entry = cJSON_GetArrayItem(payload, 0);
    assert_string_equal(json_text(entry, "OSName"), "Linux");
    assert_non_null(json_text(entry, "HostName"));
    assert_int_equal(json_find(entry, "TotalPhysicalMemoryInKB")->valueint, 16318480);
    assert_int_equal(json_find(entry, "FreePhysicalMemoryInKB")->valueint, 1234567);
    cJSON_Delete(payload);
}

/* Let a process be there. Its name may well look like the rest of the line. */
static void process_put(int pid, int parent, int started, const char *command_line)
{
    char name[64], text[256];

    (void)snprintf(name, sizeof name, "%d", pid);
    (void)snprintf(text, sizeof text, "%s/%s", folder, name);
    (void)mkdir(text, 0700);
    (void)snprintf(name, sizeof name, "%d/stat", pid);
    (void)snprintf(text, sizeof text, "%d (a) S (b) S %d 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 %d 23\n", pid,
                   parent, started);
    put(name, text);
    (void)snprintf(name, sizeof name, "%d/cmdline", pid);
    put(name, command_line);
    (void)snprintf(name, sizeof name, "%d/comm", pid);
    put(name, "tool\n");
}

/* What was emitted, as text: the category and who. */
static char emitted[4096];

static void emit(void *context, enum event_category category, cJSON *payload)
{
    static const char *const words[] = {"P", "T", "A"};
    const cJSON *entry = cJSON_GetArrayItem(payload, 0);
    const char *hits = json_text(json_find(entry, "ExtraDetails"), "HitCount");
    size_t n = strlen(emitted);

    assert_null(context);
    (void)snprintf(emitted + n, sizeof emitted - n, "%s %s %s pid=%d ppid=%d hits=%s;", words[category],
                   json_text(entry, "Executable"), json_text(entry, "CommandLine"),
                   json_find(entry, "ProcessId")->valueint, json_find(entry, "ParentProcessId")->valueint,
                   hits ? hits : "-");
    cJSON_Delete(payload);
}

static void look(struct processes *p, bool is_aggregating, int64_t mono_ms, const char *expected)
{
    emitted[0] = '\0';
    processes_look(p, &roots, is_aggregating, 1000, (struct instant){mono_ms, INT64_C(1613381402000)}, emit, NULL);
    assert_string_equal(emitted, expected);
}

static void new_processes_are_told_one_by_one_or_counted_by_kind(void **state)
{
    struct processes p;

    (void)state;
    processes_init(&p);
    process_put(1, 0, 1, "init");
    look(&p, false, 0, "");
    look(&p, false, 10, "");
    process_put(70, 1, 500, "run -x");
    look(&p, false, 20, "T tool run -x pid=70 ppid=1 hits=-;");
    look(&p, false, 30, "");
    process_put(70, 1, 501, "run -y"); /* the same number, another process */
    look(&p, false, 40, "T tool run -y pid=70 ppid=1 hits=-;");

    process_put(71, 1, 510, "same");
    process_put(72, 1, 511, "same");
    process_put(73, 1, 512, "other");
    look(&p, true, 50, "");
    process_put(74, 1, 520, "same");
    look(&p, true, 900, "");
    look(&p, true, 1040, "A tool same pid=0 ppid=0 hits=3;A tool other pid=0 ppid=0 hits=1;");
    process_put(75, 1, 530, "same");
    look(&p, true, 1050, "");
    look(&p, false, 1060, "A tool same pid=0 ppid=0 hits=1;"); /* switched off: nothing is lost */
    processes_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(listening_sockets_are_told_and_others_are_not),
        cmocka_unit_test(users_are_told_with_all_their_groups),
        cmocka_unit_test(the_system_is_told_with_its_memory),
        cmocka_unit_test(new_processes_are_told_one_by_one_or_counted_by_kind),
    };

    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
