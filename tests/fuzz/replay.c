/* replay.c - a fuzz target without its fuzzer: every file named, and every file of the folders named, is one input. */
#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>

#include "fuzz.h"

static size_t inputs;

static void replay(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct buf text;
    size_t n;

    assert_non_null(file);
    buf_init(&text, 0);
    do {
        char *room = buf_room(&text, 65536);

        assert_non_null(room);
        n = fread(room, 1, 65536, file);
        buf_added(&text, n);
    } while (n);
    assert_int_equal(fclose(file), 0);
    (void)fprintf(stderr, "%s\n", path); /* the last one told is the one that fails */
    char *exact = copy_exact(text.at, text.len);
    assert_int_equal(LLVMFuzzerTestOneInput((const uint8_t *)exact, text.len), 0);
    free(exact);
    buf_done(&text);
    inputs++;
}

static int is_shown(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static void replay_folder(const char *path)
{
    struct dirent **entries;
    int n = scandir(path, &entries, is_shown, alphasort);

    assert_true(n >= 0);
    for (int i = 0; i < n; i++) {
        char file[4096];

        (void)snprintf(file, sizeof file, "%s/%s", path, entries[i]->d_name);
        replay(file);
        free(entries[i]);
    }
    free(entries);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        struct stat st;

        if (stat(argv[i], &st)) {
            perror(argv[i]);
            return 2;
        }
        if (S_ISDIR(st.st_mode))
            replay_folder(argv[i]);
        else
            replay(argv[i]);
    }
    (void)printf("%zu inputs\n", inputs);
    return inputs ? 0 : 1; /* a test that fed nothing has tested nothing */
}
