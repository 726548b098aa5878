/* Does the agent tell what is on the machine? A small machine of files stands in for the real one. facts S-12 */
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utmp.h>

#include "buf.h"
#include "collect.h"
#include "connections.h"
#include "logins.h"
#include "processes.h"
#include "test.h"
#include "tool.h"

static char folder[] = "/tmp/test-agent-machine-XXXXXX";
static struct collect_roots roots = {.root = folder, .tool_limit_ms = 5000};

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
    make_folder("proc");
    make_folder("proc/net");
    make_folder("etc");
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
    payload_is(collect_ports(&roots, false), "[]");
    put("proc/net/tcp", "  sl  local_address rem_address   st tx_queue rx_queue\n"
                        "   0: 0100007F:22B3 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 1\n"
                        "   1: 0100007F:22B3 0100007F:C350 01 00000000:00000000 00:00000000 00000000 0 0 1\n"
                        "garbage\n");
    put("proc/net/tcp6", "  sl  local_address rem_address   st\n"
                         "   0: B80D0120000000000000000001000000:0016 00000000000000000000000000000000:0000 0A 0\n");
    put("proc/net/udp", "  sl\n 10: 00000000:0044 00000000:0000 07 0\n");
    payload_is(
        collect_ports(&roots, false),
        "[{\"Protocol\":\"tcp\",\"LocalAddress\":\"127.0.0.1\",\"LocalPort\":\"8883\",\"RemoteAddress\":\"0.0.0.0\","
        "\"RemotePort\":\"*\"},{\"Protocol\":\"tcp6\",\"LocalAddress\":\"2001:db8::1\",\"LocalPort\":\"22\","
        "\"RemoteAddress\":\"::\",\"RemotePort\":\"*\"},{\"Protocol\":\"udp\",\"LocalAddress\":\"0.0.0.0\","
        "\"LocalPort\":\"68\",\"RemoteAddress\":\"0.0.0.0\",\"RemotePort\":\"*\"}]");
}

#define TCP_HEADER "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
#define TCP_ROW(local, remote, state, uid, inode)                                                                      \
    "   0: " local " " remote " " state " 00000000:00000000 00:00000000 00000000  " uid "        0 " inode " 1\n"

/* Let a process hold a socket. */
static void socket_put(int pid, int fd, int inode)
{
    char path[128], target[32];

    (void)snprintf(path, sizeof path, "%s/proc/%d", folder, pid);
    (void)mkdir(path, 0700);
    (void)snprintf(path, sizeof path, "%s/proc/%d/fd", folder, pid);
    (void)mkdir(path, 0700);
    (void)snprintf(path, sizeof path, "%s/proc/%d/fd/%d", folder, pid, fd);
    (void)snprintf(target, sizeof target, "socket:[%d]", inode);
    assert_int_equal(symlink(target, path), 0);
}

static void a_socket_is_told_with_its_process_where_that_may_be_known(void **state)
{
    (void)state;
    put("proc/net/tcp", TCP_HEADER TCP_ROW("0100007F:22B3", "00000000:0000", "0A", "0", "777")
                            TCP_ROW("0100007F:22B4", "00000000:0000", "0A", "0", "778")
                                TCP_ROW("0100007F:22B4", "0100007F:1000", "06", "0", "0"));
    put("proc/net/tcp6", TCP_HEADER);
    put("proc/net/udp", TCP_HEADER);
    socket_put(50, 3, 777);
    payload_is(
        collect_ports(&roots, false),
        "[{\"Protocol\":\"tcp\",\"LocalAddress\":\"127.0.0.1\",\"LocalPort\":\"8883\",\"RemoteAddress\":\"0.0.0.0\","
        "\"RemotePort\":\"*\",\"ExtraDetails\":{\"Pid\":\"50\"}},{\"Protocol\":\"tcp\",\"LocalAddress\":"
        "\"127.0.0.1\",\"LocalPort\":\"8884\",\"RemoteAddress\":\"0.0.0.0\",\"RemotePort\":\"*\"}]");
    {
        cJSON *every = collect_ports(&roots, true);
        assert_int_equal(cJSON_GetArraySize(every), 3); /* as in the C agent. facts S-32 */
        cJSON_Delete(every);
    }
}

static void users_are_told_with_all_their_groups(void **state)
{
    (void)state;
    payload_is(collect_users(&roots), "[]");
    put("etc/passwd",
        "root:x:0:0:root:/root:/bin/sh\n# comment\n+::::::\n\nann:x:1000:100:Ann,,,:/ann:/bin/sh\nbroken\n");
    put("etc/group", "root:x:0:\nusers:x:100:bob\nwheel:x:10:bob,ann\nann2:x:11:annie\n");
    payload_is(collect_users(&roots),
               "[{\"UserId\":\"0\",\"UserName\":\"root\",\"GroupIds\":\"0\",\"GroupNames\":\"root\"},"
               "{\"UserId\":\"1000\",\"UserName\":\"ann\",\"GroupIds\":\"100;10\",\"GroupNames\":\"users;wheel\"}]");
}

static void the_system_is_told_with_its_memory(void **state)
{
    cJSON *payload;
    const cJSON *entry;

    (void)state;
    put("proc/meminfo", "MemTotal:       16318480 kB\nMemFree:          200000 kB\nMemAvailable:    1234567 kB\n");
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

    (void)snprintf(name, sizeof name, "proc/%d", pid);
    (void)snprintf(text, sizeof text, "%s/%s", folder, name);
    (void)mkdir(text, 0700);
    (void)snprintf(name, sizeof name, "proc/%d/stat", pid);
    (void)snprintf(text, sizeof text, "%d (a) S (b) S %d 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 %d 23\n", pid,
                   parent, started);
    put(name, text);
    (void)snprintf(name, sizeof name, "proc/%d/cmdline", pid);
    put(name, command_line);
    (void)snprintf(name, sizeof name, "proc/%d/comm", pid);
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

static void look(struct processes *p, struct aggregate *a, const char *expected)
{
    emitted[0] = '\0';
    processes_look(p, &roots, a, (struct instant){0, INT64_C(1613381402000)}, emit, NULL);
    assert_string_equal(emitted, expected);
}

static void flush(struct aggregate *a, const char *expected)
{
    static const struct aggregate_form form = {0};

    emitted[0] = '\0';
    aggregate_flush(a, &form, emit, NULL);
    assert_string_equal(emitted, expected);
}

static void new_processes_are_told_one_by_one_or_counted_by_kind(void **state)
{
    struct processes p;
    struct aggregate a;

    (void)state;
    processes_init(&p);
    aggregate_init(&a);
    process_put(1, 0, 1, "init");
    look(&p, NULL, "");
    look(&p, NULL, "");
    process_put(70, 1, 500, "run -x");
    look(&p, NULL, "T tool run -x pid=70 ppid=1 hits=-;");
    look(&p, NULL, "");
    process_put(70, 1, 501, "run -y"); /* the same number, another process */
    look(&p, NULL, "T tool run -y pid=70 ppid=1 hits=-;");

    process_put(71, 1, 510, "same");
    process_put(72, 1, 511, "same");
    process_put(73, 1, 512, "other");
    look(&p, &a, "");
    process_put(74, 1, 520, "same");
    look(&p, &a, "");
    flush(&a, "A tool same pid=0 ppid=0 hits=3;A tool other pid=0 ppid=0 hits=1;");
    flush(&a, "");
    aggregate_done(&a);
    processes_done(&p);
}

/* What connections were emitted, as whole payloads. */
static void emit_whole(void *context, enum event_category category, cJSON *payload)
{
    char *text = json_print(payload);
    size_t n = strlen(emitted);

    assert_null(context);
    (void)snprintf(emitted + n, sizeof emitted - n, "%c %s;", "PTA"[category], text);
    free(text);
    cJSON_Delete(payload);
}

#define LISTENING TCP_ROW("0100007F:0016", "00000000:0000", "0A", "0", "1")
#define OLD       TCP_ROW("0100007F:0016", "0200007F:9C40", "01", "0", "2")
#define INCOMING  TCP_ROW("0100007F:0016", "0300007F:9C41", "01", "0", "3")
#define OUTGOING  TCP_ROW("0100007F:9C42", "0400007F:01BB", "01", "1000", "4")
#define ANOTHER   TCP_ROW("0100007F:9C43", "0400007F:01BB", "01", "1000", "5")

static void look_at_connections(struct connections *c, const struct connections_form *how, struct aggregate *a,
                                const char *expected)
{
    emitted[0] = '\0';
    connections_look(c, &roots, how, a, (struct instant){0, INT64_C(1613381402000)}, emit_whole, NULL);
    assert_string_equal(emitted, expected);
}

static void new_connections_are_told_with_direction_and_owner(void **state)
{
    static const struct connections_form plain = {.tells_local = true};
    struct connections c;

    (void)state;
    connections_init(&c);
    put("proc/net/tcp", TCP_HEADER LISTENING OLD);
    put("proc/net/tcp6", TCP_HEADER);
    look_at_connections(&c, &plain, NULL, "");
    process_put(60, 1, 600, "client --once");
    socket_put(60, 4, 4);
    put("proc/net/tcp", TCP_HEADER LISTENING OLD INCOMING OUTGOING);
    look_at_connections(
        &c, &plain, NULL,
        "T [{\"Protocol\":\"tcp\",\"Direction\":\"In\",\"RemoteAddress\":\"127.0.0.3\",\"RemotePort\":\"40001\","
        "\"LocalAddress\":\"127.0.0.1\",\"LocalPort\":\"22\",\"Executable\":\"\",\"CommandLine\":\"\","
        "\"ProcessId\":0,\"UserId\":\"0\"}];"
        "T [{\"Protocol\":\"tcp\",\"Direction\":\"Out\",\"RemoteAddress\":\"127.0.0.4\",\"RemotePort\":\"443\","
        "\"LocalAddress\":\"127.0.0.1\",\"LocalPort\":\"40002\",\"Executable\":\"tool\",\"CommandLine\":"
        "\"client --once\",\"ProcessId\":60,\"UserId\":\"1000\"}];");
    look_at_connections(&c, &plain, NULL, "");
    connections_done(&c);
}

static void equal_connections_are_counted_whatever_the_other_port(void **state)
{
    static const struct connections_form like_c = {.port_is_number = true};
    static const struct aggregate_form numbers = {.time = EVENT_TIME_BARE, .hits_are_numbers = true};
    struct connections c;
    struct aggregate a;

    (void)state;
    (void)setenv("TZ", "UTC", 1);
    connections_init(&c);
    aggregate_init(&a);
    put("proc/net/tcp", TCP_HEADER LISTENING);
    look_at_connections(&c, &like_c, &a, "");
    put("proc/net/tcp", TCP_HEADER LISTENING INCOMING OUTGOING ANOTHER);
    look_at_connections(&c, &like_c, &a, "");
    emitted[0] = '\0';
    aggregate_flush(&a, &numbers, emit_whole, NULL);
#define TIMES                                                                                                          \
    "\"StartTimeLocal\":\"2021-02-15T09:30:02\",\"StartTimeUtc\":\"2021-02-15T09:30:02\",\"EndTimeLocal\":"            \
    "\"2021-02-15T09:30:02\",\"EndTimeUtc\":\"2021-02-15T09:30:02\""
    /* The second one is by another program: nobody knows whose it is. */
    assert_string_equal(emitted, "A [{\"Protocol\":\"tcp\",\"Direction\":\"In\",\"RemoteAddress\":\"127.0.0.3\","
                                 "\"RemotePort\":0,\"Executable\":\"\",\"CommandLine\":\"\",\"ProcessId\":0,"
                                 "\"UserId\":\"0\",\"ExtraDetails\":{\"HitCount\":1," TIMES "}}];"
                                 "A [{\"Protocol\":\"tcp\",\"Direction\":\"Out\",\"RemoteAddress\":\"127.0.0.4\","
                                 "\"RemotePort\":\"443\",\"Executable\":\"tool\",\"CommandLine\":\"client --once\","
                                 "\"ProcessId\":0,\"UserId\":\"1000\",\"ExtraDetails\":{\"HitCount\":1," TIMES "}}];"
                                 "A [{\"Protocol\":\"tcp\",\"Direction\":\"Out\",\"RemoteAddress\":\"127.0.0.4\","
                                 "\"RemotePort\":\"443\",\"Executable\":\"\",\"CommandLine\":\"\",\"ProcessId\":0,"
                                 "\"UserId\":\"1000\",\"ExtraDetails\":{\"HitCount\":1," TIMES "}}];");
    put("proc/net/tcp", TCP_HEADER LISTENING);
    look_at_connections(&c, &like_c, &a, "");
    put("proc/net/tcp", TCP_HEADER TCP_ROW("0100007F:9C44", "0400007F:01BB", "01", "7", "8")
                            TCP_ROW("0100007F:9C45", "0400007F:01BB", "01", "7", "9"));
    look_at_connections(&c, &like_c, &a, "");
    emitted[0] = '\0';
    aggregate_flush(&a, &numbers, emit_whole, NULL);
    assert_non_null(strstr(emitted, "\"HitCount\":2"));
    aggregate_done(&a);
    connections_done(&c);
}

/* Append a record to a log of logins. */
static void login_put(const char *name, short type, const char *user, const char *host, uint32_t address)
{
    struct utmp record = {.ut_type = type, .ut_pid = 99};
    char path[128];
    FILE *f;

    memcpy(record.ut_user, user, strlen(user));
    memcpy(record.ut_host, host, strlen(host));
    record.ut_addr_v6[0] = (int32_t)address;
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    f = fopen(path, "a");
    assert_non_null(f);
    assert_int_equal(fwrite(&record, sizeof record, 1, f), 1);
    assert_int_equal(fclose(f), 0);
}

static void look_at_logins(struct logins *l, const char *expected)
{
    emitted[0] = '\0';
    logins_look(l, &roots, emit_whole, NULL);
    assert_string_equal(emitted, expected);
}

static void logins_are_told_once_good_or_failed(void **state)
{
    struct logins l;

    (void)state;
    make_folder("var");
    make_folder("var/log");
    logins_init(&l);
    login_put("var/log/wtmp", USER_PROCESS, "old", "", 0);
    look_at_logins(&l, ""); /* before our time */
    login_put("var/log/wtmp", BOOT_TIME, "reboot", "", 0);
    login_put("var/log/wtmp", USER_PROCESS, "ann", "there", 0x0900007f);
    login_put("var/log/wtmp", DEAD_PROCESS, "ann", "", 0);
    login_put("var/log/btmp", LOGIN_PROCESS, "eve", "gateway.example", 0);
    look_at_logins(&l, "T [{\"ProcessId\":99,\"UserName\":\"ann\",\"Executable\":\"\",\"RemoteAddress\":\"127.0.0.9\","
                       "\"Result\":\"Success\",\"Operation\":\"login\"}];"
                       "T [{\"ProcessId\":99,\"UserName\":\"eve\",\"Executable\":\"\",\"RemoteAddress\":"
                       "\"gateway.example\",\"Result\":\"Fail\",\"Operation\":\"login\"}];");
    look_at_logins(&l, "");
    put("var/log/wtmp", "");
    look_at_logins(&l, "");
    login_put("var/log/wtmp", USER_PROCESS, "bob", ":0", 0); /* begun anew */
    look_at_logins(&l, "T [{\"ProcessId\":99,\"UserName\":\"bob\",\"Executable\":\"\",\"Result\":\"Success\","
                       "\"Operation\":\"login\"}];");
}

static void the_filter_table_is_told_rule_by_rule(void **state)
{
    (void)state;
    payload_is(collect_firewall(&roots), "[]");
    make_folder("etc/iptables");
    put("etc/iptables/rules.v4",
        "# made by iptables-save\n*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -j DNAT\nCOMMIT\n"
        "*filter\n:INPUT DROP [12:34]\n:OUTPUT ACCEPT [0:0]\n:mine - [0:0]\n"
        "-A INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 22 -j ACCEPT\n"
        "-A mine -d 192.0.2.7/32 -p udp --sport 53 -j LOG\nCOMMIT\n");
    payload_is(collect_firewall(&roots),
               "[{\"Enabled\":true,\"Action\":\"Deny\",\"Priority\":0,\"ChainName\":\"INPUT\",\"Direction\":\"In\"},"
               "{\"Enabled\":true,\"Action\":\"Allow\",\"Priority\":1,\"ChainName\":\"OUTPUT\",\"Direction\":\"Out\"},"
               "{\"Enabled\":true,\"Action\":\"Allow\",\"Priority\":2,\"ChainName\":\"INPUT\",\"Direction\":\"In\","
               "\"Protocol\":\"tcp\",\"SourceAddress\":\"10.0.0.0/8\",\"DestinationPort\":\"22\"},"
               "{\"Enabled\":true,\"Action\":\"Other\",\"Priority\":3,\"ChainName\":\"mine\",\"Protocol\":\"udp\","
               "\"SourcePort\":\"53\",\"DestinationAddress\":\"192.0.2.7/32\"}]");
}

static void usb_devices_are_told_and_their_interfaces_are_not(void **state)
{
    (void)state;
    payload_is(collect_hardware(&roots), "[]");
    make_folder("sys");
    make_folder("sys/bus");
    make_folder("sys/bus/usb");
    make_folder("sys/bus/usb/devices");
    make_folder("sys/bus/usb/devices/1-2");
    make_folder("sys/bus/usb/devices/1-2:1.0");
    make_folder("sys/bus/usb/devices/2-1");
    put("sys/bus/usb/devices/1-2/bDeviceClass", "08\n");
    put("sys/bus/usb/devices/1-2/product", "Stick\n");
    put("sys/bus/usb/devices/1-2/manufacturer", "Maker\n");
    put("sys/bus/usb/devices/2-1/bDeviceClass", "fe\n");
    put("sys/bus/usb/devices/2-1/idVendor", "1d6b\n");
    put("sys/bus/usb/devices/2-1/idProduct", "0002\n");
    payload_is(
        collect_hardware(&roots),
        "[{\"HardwareCategory\":\"USB\",\"HardwareSubCategory\":\"MassStorage\",\"HardwareName\":\"Maker Stick\"},"
        "{\"HardwareCategory\":\"USB\",\"HardwareSubCategory\":\"Other\",\"HardwareName\":\"1d6b 0002\"}]");
}

/* Make a program for the agent to run. */
static const char *program_put(const char *name, const char *script)
{
    static char path[128];

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    put(name, script);
    assert_int_equal(chmod(path, 0700), 0);
    return path;
}

#define RESULT(text) "{\"description\":\"" text "\",\"cceid\":\"CCE-1\",\"result\":\"FAIL\",\"severity\":\"Critical\"}"
#define ENTRY(text)                                                                                                    \
    "{\"Description\":\"" text "\",\"CceId\":\"CCE-1\",\"Result\":\"FAIL\",\"Error\":\"\",\"Severity\":\"Critical\"}"

static void the_baseline_tool_tells_what_did_not_pass(void **state)
{
    struct collect_roots own = roots;
    cJSON *payload = NULL;

    (void)state;
    assert_int_equal(collect_baseline(&own, NULL, &payload), RC_NOT_FOUND);
    own.baseline_tool = "/no/such/tool";
    assert_int_equal(collect_baseline(&own, NULL, &payload), RC_NOT_FOUND);
    own.baseline_tool =
        program_put("baseline", "#!/bin/sh\necho '{\"results\":[" RESULT("loose") ",{\"result\":\"Pass\"},5]}'\n");
    assert_int_equal(collect_baseline(&own, NULL, &payload), RC_OK);
    payload_is(payload, "[" ENTRY("loose") "]");
    own.baseline_tool = program_put("baseline", "#!/bin/sh\necho not JSON\n");
    assert_int_equal(collect_baseline(&own, NULL, &payload), RC_SYNTAX);
    own.baseline_tool = program_put("baseline", "#!/bin/sh\necho '{\"results\":[]}'; exit 3\n");
    assert_int_equal(collect_baseline(&own, NULL, &payload), RC_IO);
}

/* Whatever the twin says, it reaches the tool as one argument, and no shell on its way. facts S-33 */
static void hostile_paths_are_only_arguments(void **state)
{
    static const char *const hostile[] = {"/x; touch HIT", "$(touch HIT)", "`touch HIT`",   "a b\nc",
                                          "-rf",           "'\"\\",        "| touch HIT &", "\xff\xfe"};
    struct collect_roots own = roots;
    char expected[256], hit[128];

    (void)state;
    (void)snprintf(hit, sizeof hit, "%s/HIT", folder);
    assert_int_equal(chdir(folder), 0);
    own.baseline_tool = program_put(
        "baseline", "#!/bin/sh\n[ \"$2\" ] && printf '%s|' \"$#\" \"$@\" >\"${0%/*}/said\"\necho '{\"results\":[]}'\n");
    for (size_t i = 0; i < COUNT(hostile); i++) {
        const struct collect_custom custom = {.path = hostile[i], .hash = hostile[COUNT(hostile) - 1 - i]};
        char said[256] = "";
        cJSON *payload = NULL;
        assert_int_equal(collect_baseline(&own, &custom, &payload), RC_OK);
        cJSON_Delete(payload);
        (void)collect_small(&roots, "/said", said, sizeof said);
        (void)snprintf(expected, sizeof expected, "5|audit|--custom-checks-file|%s|--custom-checks-hash|%s|",
                       custom.path, custom.hash);
        assert_string_equal(said, expected);
        assert_int_equal(access(hit, F_OK), -1);
    }
}

static void a_tool_gets_no_secrets_and_no_more_time_than_it_should(void **state)
{
    const char *arguments[] = {program_put("tool", "#!/bin/sh\nenv\n"), NULL};
    struct buf out;

    (void)state;
    assert_int_equal(setenv("IOTHUB_DEVICE_CONNECTION_STRING", "secret", 1), 0);
    assert_int_equal(tool_run(arguments, 5000, &out), RC_OK);
    assert_non_null(strstr(out.at, "LC_ALL=C"));
    assert_null(strstr(out.at, "secret"));
    buf_done(&out);

    (void)program_put("tool", "#!/bin/sh\nsleep 100 &\nsleep 100\n");
    assert_int_equal(tool_run(arguments, 100, &out), RC_IO);
    buf_done(&out);
    (void)program_put("tool", "#!/bin/sh\nexec >&-\nsleep 100\n");
    assert_int_equal(tool_run(arguments, 100, &out), RC_IO);
    buf_done(&out);
    (void)program_put("tool", "#!/bin/sh\nwhile :; do echo 0123456789012345678901234567890123456789; done\n");
    assert_int_equal(tool_run(arguments, 30000, &out), RC_LIMIT);
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(listening_sockets_are_told_and_others_are_not),
        cmocka_unit_test(a_socket_is_told_with_its_process_where_that_may_be_known),
        cmocka_unit_test(users_are_told_with_all_their_groups),
        cmocka_unit_test(the_system_is_told_with_its_memory),
        cmocka_unit_test(new_processes_are_told_one_by_one_or_counted_by_kind),
        cmocka_unit_test(new_connections_are_told_with_direction_and_owner),
        cmocka_unit_test(equal_connections_are_counted_whatever_the_other_port),
        cmocka_unit_test(logins_are_told_once_good_or_failed),
        cmocka_unit_test(the_filter_table_is_told_rule_by_rule),
        cmocka_unit_test(usb_devices_are_told_and_their_interfaces_are_not),
        cmocka_unit_test(the_baseline_tool_tells_what_did_not_pass),
        cmocka_unit_test(hostile_paths_are_only_arguments),
        cmocka_unit_test(a_tool_gets_no_secrets_and_no_more_time_than_it_should),
    };

    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
