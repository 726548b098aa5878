/* Is a lack of memory, wherever it strikes, only an event that is missing? Every allocation fails in turn; nothing may
 * leak, and the next look works again. */
#include <stdio.h>

#include "agent_machine.h"
#include "agent_world.h"
#include "connections.h"
#include "fail_alloc.h"
#include "processes.h"

#define MOST 100000 /* allocations; a look that takes more never ends */

static cJSON *ports_collect(const struct collect_roots *roots)
{
    return collect_ports(roots, true);
}

/* A machine with a bit of everything. */
static int machine_fill(void **state)
{
    if (machine_make(state))
        return -1;
    machine_folder("etc/iptables");
    machine_folder("sys");
    machine_folder("sys/bus");
    machine_folder("sys/bus/usb");
    machine_folder("sys/bus/usb/devices");
    machine_folder("sys/bus/usb/devices/1-2");
    machine_put("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nann:x:1000:100:Ann,,,:/ann:/bin/sh\n");
    machine_put("etc/group", "root:x:0:ann\nusers:x:100:\n");
    machine_put("etc/iptables/rules.v4", "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT\n");
    machine_put("sys/bus/usb/devices/1-2/bDeviceClass", "08\n");
    machine_put("sys/bus/usb/devices/1-2/product", "Stick\n");
    machine_put("proc/net/tcp", TCP_HEADER TCP_ROW("0100007F:22B3", "00000000:0000", "0A", "0", "777")
                                    TCP_ROW("0100007F:22B3", "0200007F:9C40", "01", "0", "778"));
    machine_process(50, 1, 500, "server");
    machine_socket(50, 3, 777);
    fail_alloc_cjson();
    return 0;
}

static void a_snapshot_is_whole_or_not_there(void **state)
{
    static cJSON *(*const collectors[])(const struct collect_roots *roots) = {
        collect_system, collect_users, collect_firewall, collect_hardware, ports_collect};

    (void)state;
    for (size_t i = 0; i < COUNT(collectors); i++) {
        cJSON *payload = collectors[i](&machine_roots);
        char *whole = json_print(payload), *text = NULL;
        long n = 0;
        cJSON_Delete(payload);
        for (; n < MOST && (!text || strcmp(text, whole) != 0); n++) {
            free(text);
            text = NULL;
            fail_alloc_after(n);
            payload = collectors[i](&machine_roots);
            fail_alloc_never();
            if (payload)
                text = json_print(payload);
            cJSON_Delete(payload);
        }
        assert_in_range(n, 5, MOST - 1);
        free(text);
        free(whole);
    }
}

static size_t emitted, missing;

static void count(void *context, enum event_category category, cJSON *payload)
{
    (void)context;
    (void)category;
    emitted++;
    missing += payload == NULL;
    cJSON_Delete(payload);
}

/* Look twice, the second time at something new and with allocation n failing; tell whether all went well. */
static bool look(long n, bool is_counting, const struct aggregate_form *form)
{
    static const struct connections_form plain = {.tells_local = true};
    const struct instant now = {0, INT64_C(1613381402000)};
    struct connections c;
    struct processes p;
    struct aggregate a;
    bool is_good;

    connections_init(&c);
    processes_init(&p);
    aggregate_init(&a);
    c.has_looked = p.has_looked = true; /* and saw nothing */
    emitted = missing = 0;
    fail_alloc_only(n);
    processes_look(&p, &machine_roots, is_counting ? &a : NULL, now, count, NULL);
    connections_look(&c, &machine_roots, &plain, is_counting ? &a : NULL, now, count, NULL);
    aggregate_flush(&a, form, count, NULL);
    is_good = fail_alloc_left >= 0;
    fail_alloc_never();
    assert_true(emitted <= 2);
    if (is_good) {
        assert_int_equal(emitted, 2);
        assert_int_equal(missing, 0);
    }
    aggregate_done(&a);
    processes_done(&p);
    connections_done(&c);
    return is_good;
}

static void a_look_goes_on_without_what_it_cannot_hold(void **state)
{
    static const struct aggregate_form form = {0};

    (void)state;
    for (int is_counting = 0; is_counting < 2; is_counting++) {
        long n = 0;
        while (n < MOST && !look(n, is_counting, &form))
            n++;
        assert_in_range(n, 10, MOST - 1);
    }
}

/* The whole agent, from a patch to a message, in each mode. */
static void an_agent_without_memory_for_a_moment_goes_on(void **state)
{
    static const char *const modes[] = {"documented", "legacy-c", "legacy-cs"};
    static const char good[] = "{\"desired\":{\"" OBJECT "\":{\"highPriorityMessageFrequency\":{\"value\":\"PT1S\"},"
                               "\"snapshotFrequency\":{\"value\":\"PT1S\"}},\"$version\":1}}";
    static const char patch[] = "{\"" OBJECT "\":{\"highPriorityMessageFrequency\":{\"value\":\"PT2S\"},"
                                "\"snapshotFrequency\":{\"value\":\"PT2S\"}},\"$version\":2}";
    static const char *const more[] = {"SECURITY_AGENT_TRIGGER_INTERVAL=PT1S", NULL};

    (void)state;
    for (size_t m = 0; m < COUNT(modes); m++) {
        bool is_struck = true;
        for (long n = 0; n < MOST && is_struck; n++) {
            struct world *w = world_new(modes[m], more);
            w->agent.telemetry.roots.root = machine_path;
            connect_with(w, strcmp(modes[m], "legacy-c") == 0 ? 1 : 2);
            hub_answers(w, 200, good);
            w->is_obliging = true;
            fail_alloc_only(n);
            hub_patches(w, patch);
            pass(w, 2500);
            is_struck = fail_alloc_left < 0;
            fail_alloc_never();
            w->said[0] = '\0';
            pass(w, 6000);
            assert_non_null(strstr(w->said, "MESSAGE"));
            assert_false(agent_is_over(&w->agent));
            world_free(w);
        }
        assert_false(is_struck);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_snapshot_is_whole_or_not_there),
        cmocka_unit_test(a_look_goes_on_without_what_it_cannot_hold),
        cmocka_unit_test(an_agent_without_memory_for_a_moment_goes_on),
    };

    return cmocka_run_group_tests(tests, machine_fill, machine_remove);
}
