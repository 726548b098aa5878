/* collect_system.c - SystemInformation: the kernel's names and the machine's memory. */
#include <stdio.h>
#include <sys/utsname.h>

#include "buf.h"
#include "collect.h"

#define MEMORY_MAX_KB (INT64_C(1) << 50)

/* Read one line of /proc/meminfo, such as "MemTotal:  16318480 kB"; -1 when it is not there. */
static int64_t memory_kb(const struct collect_roots *roots, const char *name)
{
    char path[512], line[256];
    int64_t kb = -1;
    FILE *f;

    (void)snprintf(path, sizeof path, "%s/meminfo", roots->proc);
    f = fopen(path, "re");
    while (f && kb < 0 && fgets(line, sizeof line, f)) {
        struct str text = str_from(line), number;
        if (!str_skip(&text, name) || !str_skip(&text, ":"))
            continue;
        while (str_skip(&text, " "))
            continue;
        number = str_cut(&text, ' ');
        if (str_to_number(number, MEMORY_MAX_KB, &kb))
            break;
    }
    if (f)
        (void)fclose(f); /* it was only read */
    return kb;
}

cJSON *collect_system(const struct collect_roots *roots)
{
    cJSON *payload = cJSON_CreateArray(), *entry = cJSON_CreateObject();
    int64_t total = memory_kb(roots, "MemTotal"), available = memory_kb(roots, "MemAvailable");
    struct utsname name;
    char version[sizeof name.release + sizeof name.version + 1];
    bool ok = payload && entry && uname(&name) == 0;

    if (ok) {
        (void)snprintf(version, sizeof version, "%s %s", name.release, name.version);
        ok = cJSON_AddStringToObject(entry, "OSName", name.sysname) &&
             cJSON_AddStringToObject(entry, "OSVersion", version) &&
             cJSON_AddStringToObject(entry, "OsArchitecture", name.machine) &&
             cJSON_AddStringToObject(entry, "HostName", name.nodename) &&
             (total < 0 || cJSON_AddNumberToObject(entry, "TotalPhysicalMemoryInKB", (double)total)) &&
             (available < 0 || cJSON_AddNumberToObject(entry, "FreePhysicalMemoryInKB", (double)available));
    }
    if (ok && cJSON_AddItemToArray(payload, entry))
        return payload;
    cJSON_Delete(entry);
    cJSON_Delete(payload);
    return NULL;
}
