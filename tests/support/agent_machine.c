/* agent_machine.c - a folder that stands for a machine. */
#include "agent_machine.h"

#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

char machine_path[] = "/tmp/test-agent-machine-XXXXXX";
const struct collect_roots machine_roots = {.root = machine_path, .tool_limit_ms = 5000};

/* Write a file below the folder. */
void machine_put(const char *name, const char *text)
{
    char path[128];
    FILE *f;

    (void)snprintf(path, sizeof path, "%s/%s", machine_path, name);
    f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

void machine_folder(const char *name)
{
    char path[128];

    (void)snprintf(path, sizeof path, "%s/%s", machine_path, name);
    assert_int_equal(mkdir(path, 0700), 0);
}

int machine_make(void **state)
{
    (void)state;
    if (!mkdtemp(machine_path))
        return -1;
    machine_folder("proc");
    machine_folder("proc/net");
    machine_folder("etc");
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st;
    (void)kind;
    (void)where;
    return remove(path);
}

int machine_remove(void **state)
{
    (void)state;
    return nftw(machine_path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

void payload_is(cJSON *payload, const char *expected)
{
    char *text = json_print(payload);

    assert_string_equal(text, expected);
    free(text);
    cJSON_Delete(payload);
}

/* Let a process hold a socket. */
void machine_socket(int pid, int fd, int inode)
{
    char path[128], target[32];

    (void)snprintf(path, sizeof path, "%s/proc/%d", machine_path, pid);
    (void)mkdir(path, 0700);
    (void)snprintf(path, sizeof path, "%s/proc/%d/fd", machine_path, pid);
    (void)mkdir(path, 0700);
    (void)snprintf(path, sizeof path, "%s/proc/%d/fd/%d", machine_path, pid, fd);
    (void)snprintf(target, sizeof target, "socket:[%d]", inode);
    assert_int_equal(symlink(target, path), 0);
}

/* Let a process be there. Its name may well look like the rest of the line. */
void machine_process(int pid, int parent, int started, const char *command_line)
{
    char name[64], text[256];

    (void)snprintf(name, sizeof name, "proc/%d", pid);
    (void)snprintf(text, sizeof text, "%s/%s", machine_path, name);
    (void)mkdir(text, 0700);
    (void)snprintf(name, sizeof name, "proc/%d/stat", pid);
    (void)snprintf(text, sizeof text, "%d (a) S (b) S %d 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 %d 23\n", pid,
                   parent, started);
    machine_put(name, text);
    (void)snprintf(name, sizeof name, "proc/%d/cmdline", pid);
    machine_put(name, command_line);
    (void)snprintf(name, sizeof name, "proc/%d/comm", pid);
    machine_put(name, "tool\n");
}
