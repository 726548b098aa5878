/* collect_system.c - SystemInformation: the kernel's names and the machine's memory. */
#include <string.h>
#include <sys/utsname.h>

#include "collect.h"

#define MEMORY_MAX_KB (INT64_C(1) << 50)

/* Read one line of /proc/meminfo, such as "MemTotal:  16318480 kB"; -1 when it is not there. */
static int64_t memory_kb(const struct collect_roots *roots, const char *name)
{
    FILE *f = collect_open(roots, "/proc/meminfo");
    char line[256];
    int64_t kb = -1;

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

/* One of the kernel's names, or what uname says where the file is not there. */
static void name_read(const struct collect_roots *roots, const char *path, const char *otherwise, char out[256])
{
    (void)collect_small(roots, path, out, 256);
    out[strcspn(out, "\n")] = '\0';
    if (!*out)
        (void)snprintf(out, 256, "%s", otherwise);
}

cJSON *collect_system(const struct collect_roots *roots)
{
    cJSON *payload = cJSON_CreateArray(), *entry = cJSON_CreateObject();
    int64_t total = memory_kb(roots, "MemTotal"), available = memory_kb(roots, "MemAvailable");
    char type[256], release[256], version[256], host[256], both[520];
    struct utsname name;
    bool ok = payload && entry && uname(&name) == 0;

    if (ok) {
        name_read(roots, "/proc/sys/kernel/ostype", name.sysname, type);
        name_read(roots, "/proc/sys/kernel/osrelease", name.release, release);
        name_read(roots, "/proc/sys/kernel/version", name.version, version);
        name_read(roots, "/proc/sys/kernel/hostname", name.nodename, host);
        (void)snprintf(both, sizeof both, "%s %s", release, version);
        ok = cJSON_AddStringToObject(entry, "OSName", type) && cJSON_AddStringToObject(entry, "OSVersion", both) &&
             cJSON_AddStringToObject(entry, "OsArchitecture", name.machine) &&
             cJSON_AddStringToObject(entry, "HostName", host) &&
             (total < 0 || cJSON_AddNumberToObject(entry, "TotalPhysicalMemoryInKB", (double)total)) &&
             (available < 0 || cJSON_AddNumberToObject(entry, "FreePhysicalMemoryInKB", (double)available));
    }
    if (ok && cJSON_AddItemToArray(payload, entry))
        return payload;
    cJSON_Delete(entry);
    cJSON_Delete(payload);
    return NULL;
}
