/* record.c - see record.h. */
#include "record.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#define LINE_BYTES_MAX ((size_t)64 << 20)

void recorder_init(struct recorder *rec)
{
    memset(rec, 0, sizeof *rec);
    rec->fd = -1;
    normal_init(&rec->normal);
}

void recorder_done(struct recorder *rec)
{
    if (rec->fd >= 0)
        (void)close(rec->fd);
    normal_done(&rec->normal);
    recorder_init(rec);
}

static void fail(struct recorder *rec, enum rc rc)
{
    if (rec->rc)
        return;
    rec->rc = rc;
    rec->error = errno;
}

static void write_all(struct recorder *rec, struct str text)
{
    while (text.len) {
        ssize_t n = write(rec->fd, text.at, text.len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            fail(rec, RC_IO);
            return;
        }
        text = str_skip(text, (size_t)n);
    }
}

/* Write one line and free it. */
static void write_line(struct recorder *rec, cJSON *line)
{
    struct buf text;
    enum rc rc = line ? mask_json(rec->masks, line) : RC_NOMEM;

    buf_init(&text, LINE_BYTES_MAX);
    if (!rc) {
        json_print(&text, line);
        buf_add_char(&text, '\n');
        rc = text.rc;
    }
    if (rc)
        fail(rec, rc);
    else
        write_all(rec, buf_view(&text));
    buf_done(&text);
    cJSON_Delete(line);
}

enum rc recorder_open(struct recorder *rec, const char *path, const struct masks *masks, int64_t now_us, cJSON *header)
{
    rec->fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (rec->fd < 0 || flock(rec->fd, LOCK_EX | LOCK_NB) || (ftruncate(rec->fd, 0) && errno != EINVAL)) {
        bool is_taken = rec->fd >= 0 && errno == EWOULDBLOCK;
        int kept = errno;

        cJSON_Delete(header);
        if (rec->fd >= 0)
            (void)close(rec->fd);
        rec->fd = -1;
        errno = kept;
        return is_taken ? RC_BUSY : RC_IO;
    }
    rec->masks = masks;
    rec->began_us = rec->changed_us = now_us;
    write_line(rec, header);
    errno = rec->error;
    return rec->rc;
}

void recorder_add(struct recorder *rec, int64_t now_us, const char *key, cJSON *value)
{
    cJSON *line;

    if (rec->fd < 0 || rec->rc) {
        cJSON_Delete(value);
        return;
    }
    line = cJSON_CreateObject();
    if (!line || json_set(line, "offset_us", json_i64(now_us - rec->began_us))) {
        cJSON_Delete(value);
        cJSON_Delete(line);
        line = NULL;
    } else if (json_set(line, key, value)) {
        cJSON_Delete(line);
        line = NULL;
    }
    write_line(rec, line);
}

void recorder_add_event(struct recorder *rec, int64_t now_us, const cJSON *event)
{
    bool changed = false;
    enum rc rc;

    if (rec->fd < 0 || rec->rc)
        return;
    recorder_add(rec, now_us, "event", cJSON_Duplicate(event, true));
    rc = normal_add(&rec->normal, event, &changed);
    if (rc)
        fail(rec, rc);
    if (changed)
        rec->changed_us = now_us;
}
