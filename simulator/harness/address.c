/* address.c - see address.h. */
#include "address.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "files.h"
#include "hub_process.h"
#include "why.h"

#define LOOPBACK_TRIES 512

bool address_is_ipv4(const char *host)
{
    struct in_addr address;

    return host && inet_pton(AF_INET, host, &address) == 1;
}

bool address_is_loopback(const char *host)
{
    struct in_addr address;

    return host && inet_pton(AF_INET, host, &address) == 1 && ntohl(address.s_addr) >> 24 == 127;
}

/* errno of trying to listen there; 0 when it works. The socket never accepts anybody. */
static int try_to_bind(const char *host, int port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int one = 1, failed = 0;
    int fd;

    if (inet_pton(AF_INET, host, &at.sin_addr) != 1)
        return EINVAL;
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) ||
        bind(fd, (const struct sockaddr *)&at, sizeof at) || listen(fd, 1))
        failed = errno;
    (void)close(fd);
    return failed;
}

/* Field n (from 0) of a line of /proc/net/tcp; fields are parted by blanks. */
static struct str field(struct str line, unsigned n)
{
    struct str word = {NULL, 0};

    while (line.at) {
        word = str_cut(&line, ' ');
        if (word.len && n-- == 0)
            return word;
    }
    return str_of(NULL, 0);
}

/* The inode of the socket that listens on host:port, from /proc/net/tcp; empty when there is none. */
static bool listener_inode(const char *host, int port, char out[32])
{
    struct in_addr address;
    struct buf text;
    struct str rest;
    char mine[32], any[32];
    bool found = false;

    if (inet_pton(AF_INET, host, &address) != 1)
        return false;
    (void)snprintf(mine, sizeof mine, "%08X:%04X", address.s_addr, (unsigned)port);
    (void)snprintf(any, sizeof any, "00000000:%04X", (unsigned)port);
    buf_init(&text, 0);
    if (!file_read("/proc/net/tcp", &text)) {
        rest = buf_view(&text);
        while (rest.at && !found) {
            struct str line = str_cut(&rest, '\n');
            struct str local = field(line, 1), state = field(line, 3), inode = field(line, 9);

            if (!str_eq(state, STR("0A")) || (!str_eq(local, str_from(mine)) && !str_eq(local, str_from(any))))
                continue;
            found = snprintf(out, 32, "socket:[%.*s]", STR_FMT(inode)) < 32;
        }
    }
    buf_done(&text);
    return found;
}

static bool process_has(const char *pid, const char *socket)
{
    char path[PATH_MAX], target[64];
    const struct dirent *entry;
    bool found = false;
    DIR *dir;

    if (snprintf(path, sizeof path, "/proc/%s/fd", pid) >= (int)sizeof path)
        return false;
    dir = opendir(path);
    if (!dir)
        return false;
    while (!found && (entry = readdir(dir)) != NULL) {
        ssize_t n = readlinkat(dirfd(dir), entry->d_name, target, sizeof target - 1);

        found = n > 0 && str_eq(str_of(target, (size_t)n), str_from(socket));
    }
    (void)closedir(dir);
    return found;
}

/* Who listens on host:port: "pid 17 (mosquitto)"; false when that cannot be seen (another user's process). */
static bool owner_of(const char *host, int port, char *out, size_t size)
{
    char socket[32], path[PATH_MAX];
    const struct dirent *entry;
    struct buf name;
    bool found = false;
    DIR *dir;

    if (!listener_inode(host, port, socket))
        return false;
    dir = opendir("/proc");
    if (!dir)
        return false;
    while (!found && (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9' || !process_has(entry->d_name, socket))
            continue;
        found = true;
        buf_init(&name, 256);
        (void)snprintf(path, sizeof path, "/proc/%s/comm", entry->d_name);
        if (file_read(path, &name))
            buf_reset(&name);
        (void)snprintf(out, size, "pid %.20s (%.*s)", entry->d_name,
                       STR_FMT(str_first(buf_view(&name), str_find(buf_view(&name), '\n'))));
        buf_done(&name);
    }
    (void)closedir(dir);
    return found;
}

enum rc address_is_free(const char *host, int port, char *why, size_t why_size)
{
    char owner[128];
    int failed = try_to_bind(host, port);

    switch (failed) {
    case 0:
        return RC_OK;
    case EADDRINUSE:
        if (!owner_of(host, port, owner, sizeof owner))
            (void)snprintf(owner, sizeof owner, "another process");
        return why_not(why, why_size, RC_BUSY,
                       "%s:%d is taken by %s; stop it, or give another address with --host, such as 127.0.0.9", host,
                       port, owner);
    case EADDRNOTAVAIL:
        return why_not(why, why_size, RC_REFUSED,
                       "%s is no address of this machine; give one with --host, such as 127.0.0.9", host);
    case EACCES:
        return why_not(why, why_size, RC_REFUSED,
                       "you may not listen on %s:%d (ports below 1024 need rights); give another port", host, port);
    default:
        return why_not(why, why_size, RC_IO, "nobody can listen on %s:%d: %s", host, port, strerror(failed));
    }
}

/* A name in the abstract namespace is taken by one process at a time and is gone with it: a lock without a file, seen by
 * everybody who shares this loopback interface. */
static int lock_address(const char *host)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int n = snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "twinsim-loopback-%s", host);
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 && bind(fd, (const struct sockaddr *)&name, len)) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

enum rc loopback_take(int port, char host[64], int *lock_fd)
{
    uint32_t start = 0;

    if (getrandom(&start, sizeof start, 0) != (ssize_t)sizeof start)
        return RC_IO;
    for (uint32_t i = 0; i < LOOPBACK_TRIES; i++) {
        /* 127.64.0.0/10 less first and last of each 256: far from the addresses that people choose. */
        uint32_t n = (start + i) % (64u * 256 * 254);
        char candidate[64];
        int fd;

        (void)snprintf(candidate, sizeof candidate, "127.%u.%u.%u", 64 + n / (256 * 254), n / 254 % 256, 1 + n % 254);
        fd = lock_address(candidate);
        if (fd < 0)
            continue;
        if (try_to_bind(candidate, port)) {
            (void)close(fd);
            continue;
        }
        memcpy(host, candidate, strlen(candidate) + 1);
        *lock_fd = fd;
        return RC_OK;
    }
    return RC_BUSY;
}
