/* Does a snapshot tell what is on the machine? A small machine of files stands in for the real one. facts S-12 */
#include "agent_machine.h"

static void listening_sockets_are_told_and_others_are_not(void **state)
{
    (void)state;
    payload_is(collect_ports(&machine_roots, false), "[]");
    machine_put("proc/net/tcp", "  sl  local_address rem_address   st tx_queue rx_queue\n"
                                "   0: 0100007F:22B3 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 1\n"
                                "   1: 0100007F:22B3 0100007F:C350 01 00000000:00000000 00:00000000 00000000 0 0 1\n"
                                "garbage\n");
    machine_put("proc/net/tcp6",
                "  sl  local_address rem_address   st\n"
                "   0: B80D0120000000000000000001000000:0016 00000000000000000000000000000000:0000 0A 0\n");
    machine_put("proc/net/udp", "  sl\n 10: 00000000:0044 00000000:0000 07 0\n");
    payload_is(
        collect_ports(&machine_roots, false),
        "[{\"Protocol\":\"tcp\",\"LocalAddress\":\"127.0.0.1\",\"LocalPort\":\"8883\",\"RemoteAddress\":\"0.0.0.0\","
        "\"RemotePort\":\"*\"},{\"Protocol\":\"tcp6\",\"LocalAddress\":\"2001:db8::1\",\"LocalPort\":\"22\","
        "\"RemoteAddress\":\"::\",\"RemotePort\":\"*\"},{\"Protocol\":\"udp\",\"LocalAddress\":\"0.0.0.0\","
        "\"LocalPort\":\"68\",\"RemoteAddress\":\"0.0.0.0\",\"RemotePort\":\"*\"}]");
}

static void a_socket_is_told_with_its_process_where_that_may_be_known(void **state)
{
    (void)state;
    machine_put("proc/net/tcp", TCP_HEADER TCP_ROW("0100007F:22B3", "00000000:0000", "0A", "0", "777")
                                    TCP_ROW("0100007F:22B4", "00000000:0000", "0A", "0", "778")
                                        TCP_ROW("0100007F:22B4", "0100007F:1000", "06", "0", "0"));
    machine_put("proc/net/tcp6", TCP_HEADER);
    machine_put("proc/net/udp", TCP_HEADER);
    machine_socket(50, 3, 777);
    payload_is(
        collect_ports(&machine_roots, false),
        "[{\"Protocol\":\"tcp\",\"LocalAddress\":\"127.0.0.1\",\"LocalPort\":\"8883\",\"RemoteAddress\":\"0.0.0.0\","
        "\"RemotePort\":\"*\",\"ExtraDetails\":{\"Pid\":\"50\"}},{\"Protocol\":\"tcp\",\"LocalAddress\":"
        "\"127.0.0.1\",\"LocalPort\":\"8884\",\"RemoteAddress\":\"0.0.0.0\",\"RemotePort\":\"*\"}]");
    {
        cJSON *every = collect_ports(&machine_roots, true);
        assert_int_equal(cJSON_GetArraySize(every), 3); /* as in the C agent. facts S-32 */
        cJSON_Delete(every);
    }
}

static void users_are_told_with_all_their_groups(void **state)
{
    (void)state;
    payload_is(collect_users(&machine_roots), "[]");
    machine_put("etc/passwd",
                "root:x:0:0:root:/root:/bin/sh\n# comment\n+::::::\n\nann:x:1000:100:Ann,,,:/ann:/bin/sh\nbroken\n");
    machine_put("etc/group", "root:x:0:\nusers:x:100:bob\nwheel:x:10:bob,ann\nann2:x:11:annie\n");
    payload_is(collect_users(&machine_roots),
               "[{\"UserId\":\"0\",\"UserName\":\"root\",\"GroupIds\":\"0\",\"GroupNames\":\"root\"},"
               "{\"UserId\":\"1000\",\"UserName\":\"ann\",\"GroupIds\":\"100;10\",\"GroupNames\":\"users;wheel\"}]");
}

static void the_system_is_told_with_its_memory(void **state)
{
    cJSON *payload;
    const cJSON *entry;

    (void)state;
    machine_put("proc/meminfo",
                "MemTotal:       16318480 kB\nMemFree:          200000 kB\nMemAvailable:    1234567 kB\n");
    payload = collect_system(&machine_roots);
    assert_int_equal(cJSON_GetArraySize(payload), 1);
    entry = cJSON_GetArrayItem(payload, 0);
    assert_string_equal(json_text(entry, "OSName"), "Linux");
    assert_non_null(json_text(entry, "HostName"));
    assert_int_equal(json_find(entry, "TotalPhysicalMemoryInKB")->valueint, 16318480);
    assert_int_equal(json_find(entry, "FreePhysicalMemoryInKB")->valueint, 1234567);
    cJSON_Delete(payload);
}

static void the_filter_table_is_told_rule_by_rule(void **state)
{
    (void)state;
    payload_is(collect_firewall(&machine_roots), "[]");
    machine_folder("etc/iptables");
    machine_put("etc/iptables/rules.v4",
                "# made by iptables-save\n*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -j DNAT\nCOMMIT\n"
                "*filter\n:INPUT DROP [12:34]\n:OUTPUT ACCEPT [0:0]\n:mine - [0:0]\n"
                "-A INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 22 -j ACCEPT\n"
                "-A mine -d 192.0.2.7/32 -p udp --sport 53 -j LOG\nCOMMIT\n");
    payload_is(collect_firewall(&machine_roots),
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
    payload_is(collect_hardware(&machine_roots), "[]");
    machine_folder("sys");
    machine_folder("sys/bus");
    machine_folder("sys/bus/usb");
    machine_folder("sys/bus/usb/devices");
    machine_folder("sys/bus/usb/devices/1-2");
    machine_folder("sys/bus/usb/devices/1-2:1.0");
    machine_folder("sys/bus/usb/devices/2-1");
    machine_put("sys/bus/usb/devices/1-2/bDeviceClass", "08\n");
    machine_put("sys/bus/usb/devices/1-2/product", "Stick\n");
    machine_put("sys/bus/usb/devices/1-2/manufacturer", "Maker\n");
    machine_put("sys/bus/usb/devices/2-1/bDeviceClass", "fe\n");
    machine_put("sys/bus/usb/devices/2-1/idVendor", "1d6b\n");
    machine_put("sys/bus/usb/devices/2-1/idProduct", "0002\n");
    payload_is(
        collect_hardware(&machine_roots),
        "[{\"HardwareCategory\":\"USB\",\"HardwareSubCategory\":\"MassStorage\",\"HardwareName\":\"Maker Stick\"},"
        "{\"HardwareCategory\":\"USB\",\"HardwareSubCategory\":\"Other\",\"HardwareName\":\"1d6b 0002\"}]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(listening_sockets_are_told_and_others_are_not),
        cmocka_unit_test(a_socket_is_told_with_its_process_where_that_may_be_known),
        cmocka_unit_test(users_are_told_with_all_their_groups),
        cmocka_unit_test(the_system_is_told_with_its_memory),
        cmocka_unit_test(the_filter_table_is_told_rule_by_rule),
        cmocka_unit_test(usb_devices_are_told_and_their_interfaces_are_not),
    };

    return cmocka_run_group_tests(tests, machine_make, machine_remove);
}
