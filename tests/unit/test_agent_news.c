/* Does a look find what is new on the machine, and only that: processes, connections, logins? facts S-12 */
#include <stdio.h>
#include <utmp.h>

#include "agent_machine.h"
#include "connections.h"
#include "logins.h"
#include "processes.h"

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
    processes_look(p, &machine_roots, a, (struct instant){0, INT64_C(1613381402000)}, emit, NULL);
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
    machine_process(1, 0, 1, "init");
    look(&p, NULL, "");
    look(&p, NULL, "");
    machine_process(70, 1, 500, "run -x");
    look(&p, NULL, "T tool run -x pid=70 ppid=1 hits=-;");
    look(&p, NULL, "");
    machine_process(70, 1, 501, "run -y"); /* the same number, another process */
    look(&p, NULL, "T tool run -y pid=70 ppid=1 hits=-;");

    machine_process(71, 1, 510, "same");
    machine_process(72, 1, 511, "same");
    machine_process(73, 1, 512, "other");
    look(&p, &a, "");
    machine_process(74, 1, 520, "same");
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
    connections_look(c, &machine_roots, how, a, (struct instant){0, INT64_C(1613381402000)}, emit_whole, NULL);
    assert_string_equal(emitted, expected);
}

static void new_connections_are_told_with_direction_and_owner(void **state)
{
    static const struct connections_form plain = {.tells_local = true};
    struct connections c;

    (void)state;
    connections_init(&c);
    machine_put("proc/net/tcp", TCP_HEADER LISTENING OLD);
    machine_put("proc/net/tcp6", TCP_HEADER);
    look_at_connections(&c, &plain, NULL, "");
    machine_process(60, 1, 600, "client --once");
    machine_socket(60, 4, 4);
    machine_put("proc/net/tcp", TCP_HEADER LISTENING OLD INCOMING OUTGOING);
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
    machine_put("proc/net/tcp", TCP_HEADER LISTENING);
    look_at_connections(&c, &like_c, &a, "");
    machine_put("proc/net/tcp", TCP_HEADER LISTENING INCOMING OUTGOING ANOTHER);
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
    machine_put("proc/net/tcp", TCP_HEADER LISTENING);
    look_at_connections(&c, &like_c, &a, "");
    machine_put("proc/net/tcp", TCP_HEADER TCP_ROW("0100007F:9C44", "0400007F:01BB", "01", "7", "8")
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
    (void)snprintf(path, sizeof path, "%s/%s", machine_path, name);
    f = fopen(path, "a");
    assert_non_null(f);
    assert_int_equal(fwrite(&record, sizeof record, 1, f), 1);
    assert_int_equal(fclose(f), 0);
}

static void look_at_logins(struct logins *l, const char *expected)
{
    emitted[0] = '\0';
    logins_look(l, &machine_roots, emit_whole, NULL);
    assert_string_equal(emitted, expected);
}

static void logins_are_told_once_good_or_failed(void **state)
{
    struct logins l;

    (void)state;
    machine_folder("var");
    machine_folder("var/log");
    logins_init(&l);
    login_put("var/log/wtmp", USER_PROCESS, "old", "", 0);
    look_at_logins(&l, ""); /* before our time */
    login_put("var/log/wtmp", BOOT_TIME, "reboot", "", 0);
    login_put("var/log/wtmp", USER_PROCESS, "ann", "there", 0x0900007f);
    login_put("var/log/wtmp", DEAD_PROCESS, "ann", "", 0);
    login_put("var/log/btmp", LOGIN_PROCESS, "eve", "gateway.example", 0);
    look_at_logins(&l, "T [{\"ProcessId\":99,\"UserName\":\"ann\",\"Executable\":\"\",\"RemoteAddress\":\"127.0.0.9\","
                       "\"Result\":\"Success\",\"Operation\":\"login\"}];"
                       "T [{\"ProcessId\":99,\"UserName\":\"eve\",\"Executable\":\"\",\"ExtraDetails\":"
                       "{\"RemoteHost\":\"gateway.example\"},\"Result\":\"Fail\",\"Operation\":\"login\"}];");
    login_put("var/log/btmp", LOGIN_PROCESS, "eve", "2001:db8::7", 0);
    look_at_logins(&l, "T [{\"ProcessId\":99,\"UserName\":\"eve\",\"Executable\":\"\",\"RemoteAddress\":"
                       "\"2001:db8::7\",\"Result\":\"Fail\",\"Operation\":\"login\"}];");
    look_at_logins(&l, "");
    machine_put("var/log/wtmp", "");
    look_at_logins(&l, "");
    login_put("var/log/wtmp", USER_PROCESS, "bob", ":0", 0); /* begun anew */
    look_at_logins(&l, "T [{\"ProcessId\":99,\"UserName\":\"bob\",\"Executable\":\"\",\"Result\":\"Success\","
                       "\"Operation\":\"login\"}];");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_processes_are_told_one_by_one_or_counted_by_kind),
        cmocka_unit_test(new_connections_are_told_with_direction_and_owner),
        cmocka_unit_test(equal_connections_are_counted_whatever_the_other_port),
        cmocka_unit_test(logins_are_told_once_good_or_failed),
    };

    return cmocka_run_group_tests(tests, machine_make, machine_remove);
}
