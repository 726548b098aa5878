/* files.c - see files.h. */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_RETRY_MS 10
#define WRITER_MS     1000 /* a pipe's writer is there by then, or never */

enum rc path_join(char out[PATH_MAX], const char *dir, const char *name)
{
    size_t len = strlen(dir);
    const char *slash = len && dir[len - 1] == '/' ? "" : "/";
    int n = snprintf(out, PATH_MAX, "%s%s%s", dir, slash, name);

    return n >= 0 && n < PATH_MAX ? RC_OK : RC_LIMIT;
}

/* Read on. A pipe that nobody has opened to write to gets a while, then it is an error (EPIPE): it would hold us up for ever.
 * *writer_ms: how long a writer may still take; 0 once one was seen, or where there is none to wait for. */
static ssize_t read_some(int fd, char *chunk, size_t size, int *writer_ms)
{
    struct pollfd one = {.fd = fd, .events = POLLIN};
    bool has_waited = false;

    for (;;) {
        ssize_t n = read(fd, chunk, size);

        if (n > 0)
            *writer_ms = 0;
        if (n > 0 || (n == 0 && !*writer_ms) || (n < 0 && errno != EINTR && errno != EAGAIN))
            return n;
        if (n == 0 && has_waited) {
            errno = EPIPE;
            return -1;
        }
        if (n == 0) {
            has_waited = true;
            (void)poll(&one, 1, *writer_ms);
        } else if (errno == EAGAIN) { /* somebody is about to write */
            *writer_ms = 0;
            (void)poll(&one, 1, -1);
        }
    }
}

enum rc file_read(const char *path, struct buf *out)
{
    char chunk[16384];
    struct stat st;
    ssize_t n;
    int writer_ms, kept;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? RC_NOT_FOUND : RC_IO;
    writer_ms = fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode) ? WRITER_MS : 0;
    while ((n = read_some(fd, chunk, sizeof chunk, &writer_ms)) > 0 && buf_ok(out))
        buf_add(out, str_of(chunk, (size_t)n));
    kept = errno;
    (void)close(fd);
    errno = kept;
    if (n < 0)
        return RC_IO;
    buf_add(out, STR("")); /* a NUL behind nothing, too */
    return out->rc;
}

static bool write_all(int fd, struct str bytes)
{
    while (bytes.len) {
        ssize_t n = write(fd, bytes.at, bytes.len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes = str_skip(bytes, (size_t)n);
    }
    return true;
}

/* The name is on disk only once its directory is. */
static enum rc dir_sync(const char *path)
{
    char dir[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int fd;
    int failed;

    (void)snprintf(dir, sizeof dir, "%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return RC_IO;
    failed = fsync(fd);
    (void)close(fd);
    return failed ? RC_IO : RC_OK;
}

enum rc file_write(const char *path, struct str bytes, unsigned mode, bool durable)
{
    char next[PATH_MAX];
    enum rc rc = RC_IO;
    int fd, n, kept;

    n = snprintf(next, sizeof next, "%s.XXXXXX", path);
    if (n < 0 || n >= PATH_MAX)
        return RC_LIMIT;
    fd = mkostemp(next, O_CLOEXEC);
    if (fd < 0)
        return RC_IO;
    if (fchmod(fd, mode) || !write_all(fd, bytes) || (durable && fsync(fd)))
        goto done;
    if (rename(next, path))
        goto done;
    rc = durable ? dir_sync(path) : RC_OK;

done:
    kept = errno;
    (void)close(fd);
    if (rc)
        (void)unlink(next);
    errno = kept;
    return rc;
}

/* What a user's name for a file leads to, and whether something that is no file is there. errno on RC_IO */
static enum rc report_target(const char *path, char target[PATH_MAX], bool *is_special)
{
    struct stat st;

    *is_special = false;
    if (stat(path, &st)) {
        if (errno != ENOENT)
            return RC_IO;
        return snprintf(target, PATH_MAX, "%s", path) < PATH_MAX ? RC_OK : RC_LIMIT;
    }
    if (S_ISDIR(st.st_mode)) {
        errno = EISDIR;
        return RC_IO;
    }
    /* Also the file that our own output goes to: it is not ours to replace. */
    *is_special = !S_ISREG(st.st_mode) || strncmp(path, "/dev/", 5) == 0;
    if (*is_special)
        return snprintf(target, PATH_MAX, "%s", path) < PATH_MAX ? RC_OK : RC_LIMIT;
    return realpath(path, target) ? RC_OK : RC_IO;
}

enum rc report_write(const char *path, struct str bytes)
{
    char target[PATH_MAX];
    bool is_special;
    enum rc rc = report_target(path, target, &is_special);
    int fd;

    if (rc || !is_special)
        return rc ? rc : file_write(target, bytes, 0644, false);
    if (strcmp(path, "/dev/stdout") == 0) /* cannot be opened where that is a socket */
        fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
    else
        fd = open(target, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return RC_IO;
    if (!write_all(fd, bytes))
        rc = RC_IO;
    return close(fd) ? RC_IO : rc;
}

enum rc report_check(const char *path)
{
    char target[PATH_MAX], *slash;
    bool is_special;
    enum rc rc = report_target(path, target, &is_special);

    if (rc)
        return rc;
    if (is_special)
        return access(target, W_OK) ? RC_IO : RC_OK;
    slash = strrchr(target, '/');
    if (slash)
        slash[slash == target ? 1 : 0] = '\0';
    return access(slash ? target : ".", W_OK | X_OK) ? RC_IO : RC_OK; /* the file is replaced: its folder counts */
}

enum rc dir_make(const char *path)
{
    char part[PATH_MAX];
    size_t len = strlen(path);
    struct stat st;

    if (len == 0 || len >= sizeof part)
        return RC_LIMIT;
    memcpy(part, path, len + 1);
    for (size_t i = 1; i < len; i++) {
        if (part[i] != '/')
            continue;
        part[i] = '\0';
        if (mkdir(part, 0755) && errno != EEXIST)
            return RC_IO;
        part[i] = '/';
    }
    if (mkdir(part, 0700) == 0)
        return RC_OK;
    if (errno != EEXIST || stat(part, &st))
        return RC_IO;
    if (!S_ISDIR(st.st_mode)) {
        errno = ENOTDIR;
        return RC_IO;
    }
    return RC_OK;
}

enum rc lock_take(const char *path, int wait_ms, int *fd)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int got = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (got < 0)
        return RC_IO;
    while (fcntl(got, F_OFD_SETLK, &whole)) {
        if ((errno != EAGAIN && errno != EACCES && errno != EINTR) || wait_ms <= 0) {
            enum rc rc = errno == EAGAIN || errno == EACCES ? RC_BUSY : RC_IO;

            (void)close(got);
            return rc;
        }
        (void)poll(NULL, 0, LOCK_RETRY_MS); /* nobody tells us when a lock is free: look again, a limited time */
        wait_ms -= LOCK_RETRY_MS;
    }
    *fd = got;
    return RC_OK;
}

bool lock_is_held(const char *path)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = open(path, O_RDWR | O_CLOEXEC);
    bool held;

    if (fd < 0)
        return false;
    held = fcntl(fd, F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK;
    (void)close(fd);
    return held;
}

enum rc data_home_find(char out[PATH_MAX])
{
    const char *data = getenv("XDG_DATA_HOME");
    const char *home = getenv("HOME");
    const struct passwd *user;
    char share[PATH_MAX];

    if (data && data[0] == '/')
        return path_join(out, data, "twinsim");
    if (!home || home[0] != '/') {
        user = getpwuid(getuid());
        home = user ? user->pw_dir : NULL;
    }
    if (!home || home[0] != '/')
        return RC_NOT_FOUND;
    if (path_join(share, home, ".local/share"))
        return RC_LIMIT;
    return path_join(out, share, "twinsim");
}
