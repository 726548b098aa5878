/* logins.c - following wtmp and btmp. */
#include "logins.h"

#include <arpa/inet.h>
#include <string.h>
#include <utmp.h>

#include "process_info.h"

static const char *const paths[] = {[LOGINS_GOOD] = "/var/log/wtmp", [LOGINS_FAILED] = "/var/log/btmp"};
static const char *const results[] = {[LOGINS_GOOD] = "Success", [LOGINS_FAILED] = "Fail"};

void logins_init(struct logins *l)
{
    *l = (struct logins){0};
}

/* A member of a record: NUL-terminated only when there is room. */
static struct str field(const char *text, size_t size)
{
    return str_of(text, strnlen(text, size));
}

/* The peer's address; its name, where the record has no address, as a detail: the published form takes addresses alone.
 * source: facts S-12 */
static bool add_remote(cJSON *entry, const struct utmp *record)
{
    bool is_v6 = record->ut_addr_v6[1] || record->ut_addr_v6[2] || record->ut_addr_v6[3];
    struct str host = field(record->ut_host, sizeof record->ut_host);
    char text[sizeof record->ut_host + 1];
    unsigned char address[sizeof(struct in6_addr)];
    cJSON *details;

    if ((is_v6 || record->ut_addr_v6[0]) &&
        inet_ntop(is_v6 ? AF_INET6 : AF_INET, record->ut_addr_v6, text, sizeof text))
        return cJSON_AddStringToObject(entry, "RemoteAddress", text) != NULL;
    if (!host.len || host.at[0] == ':') /* :0 is a screen */
        return true;
    memcpy(text, host.at, host.len);
    text[host.len] = '\0';
    if (inet_pton(AF_INET, text, address) == 1 || inet_pton(AF_INET6, text, address) == 1)
        return cJSON_AddStringToObject(entry, "RemoteAddress", text) != NULL;
    details = cJSON_AddObjectToObject(entry, "ExtraDetails");
    return details && collect_add_text(details, "RemoteHost", host);
}

static cJSON *payload_new(const struct collect_roots *roots, enum logins_file file, const struct utmp *record)
{
    cJSON *payload = cJSON_CreateArray(), *entry = cJSON_CreateObject();
    struct process_info process = {.pid = record->ut_pid};

    if (record->ut_pid > 0)
        process_info_details(roots, &process);
    if (payload && entry && cJSON_AddNumberToObject(entry, "ProcessId", record->ut_pid) &&
        collect_add_text(entry, "UserName", field(record->ut_user, sizeof record->ut_user)) &&
        cJSON_AddStringToObject(entry, "Executable", process.executable) && add_remote(entry, record) &&
        cJSON_AddStringToObject(entry, "Result", results[file]) &&
        cJSON_AddStringToObject(entry, "Operation", "login") && cJSON_AddItemToArray(payload, entry))
        return payload;
    cJSON_Delete(entry);
    cJSON_Delete(payload);
    return NULL;
}

static bool is_login(enum logins_file file, const struct utmp *record)
{
    return record->ut_type == USER_PROCESS || (file == LOGINS_FAILED && record->ut_type == LOGIN_PROCESS);
}

void logins_look(struct logins *l, const struct collect_roots *roots, event_sink *emit, void *context)
{
    for (size_t i = 0; i < LOGINS_FILES; i++) {
        FILE *f = collect_open(roots, paths[i]);
        struct utmp record;
        long end = f && fseek(f, 0, SEEK_END) == 0 ? ftell(f) : 0;
        if (end < l->at[i])
            l->at[i] = 0;
        if (!l->has_looked)
            l->at[i] = end;
        if (f && fseek(f, l->at[i], SEEK_SET))
            end = l->at[i];
        for (size_t n = 0; f && l->at[i] + (long)sizeof record <= end && n < LOGINS_AT_ONCE; n++) {
            if (fread(&record, sizeof record, 1, f) != 1)
                break;
            l->at[i] += (long)sizeof record;
            if (is_login((enum logins_file)i, &record))
                emit(context, EVENT_TRIGGERED, payload_new(roots, (enum logins_file)i, &record));
        }
        if (f)
            (void)fclose(f); /* it was only read */
    }
    l->has_looked = true;
}
