/* verb_fsck.c - twinsim fsck: the one verb that opens the store, with no hub on it. */
#include <inttypes.h>
#include <stdio.h>

#include "json_write.h"
#include "store_check.h"
#include "verbs.h"

#define TOLD_MAX 1000 /* problems shown; a file that has more is lost, whatever they are */

struct report {
    const struct cli *c;
    int64_t told;
    bool is_closed;  /* the file could not even be opened */
    struct buf json; /* --json: the problems so far */
};

static void tell(void *arg, const struct store_problem *p)
{
    struct report *r = arg;
    struct buf *b = &r->json;

    if (r->told++ >= TOLD_MAX)
        return;
    if (!r->c->json) {
        (void)printf("%s%s%s", p->id, *p->id ? ": " : "", *p->table ? p->table : "the file");
        if (p->row)
            (void)printf(" row %" PRId64, p->row);
        (void)printf(": %s\n", p->what);
        return;
    }
    buf_add(b, r->told > 1 ? STR(",\n{") : STR("{"));
    json_put_text(b, "id", str_from(p->id));
    json_put_text(b, "table", str_from(p->table));
    json_put_i64(b, "row", p->row);
    json_put_text(b, "problem", str_from(p->what));
    buf_add_char(b, '}');
}

static int conclude(const struct report *r, const struct store_census *n)
{
    if (r->json.rc)
        return cli_no_memory(r->c);
    if (r->c->json) {
        (void)printf("{\"identities\":%" PRId64 ",\"rows\":%" PRId64 ",\"messages\":%" PRId64 ",\"feedback\":%" PRId64
                     ",\"found\":%" PRId64 ",\"problems\":[%s%s%s]}\n",
                     n->identities, n->rows, n->messages, n->feedback, n->problems, r->json.len ? "\n" : "",
                     r->json.len ? r->json.at : "", r->json.len ? "\n" : "");
    } else {
        if (n->problems > TOLD_MAX)
            (void)printf("and %" PRId64 " more\n", n->problems - TOLD_MAX);
        if (r->is_closed) {
            (void)printf("1 problem; nothing else could be looked at\n");
            return CLI_NO;
        }
        (void)printf("%" PRId64 " identities, %" PRId64 " journal rows, %" PRId64 " messages, %" PRId64 " feedback: ",
                     n->identities, n->rows, n->messages, n->feedback);
        if (n->problems)
            (void)printf("%" PRId64 " problem%s\n", n->problems, n->problems == 1 ? "" : "s");
        else
            (void)printf("all is well\n");
    }
    return n->problems ? CLI_NO : CLI_OK;
}

static int run(struct cli *c)
{
    struct report r = {.c = c};
    struct store_census census = {0};
    char why[PATH_MAX + 256];
    enum rc rc;
    int code;

    buf_init(&r.json, 0);
    rc = store_check(c->data_dir, tell, &r, &census, why, sizeof why);
    if (rc == RC_CORRUPT) { /* a verdict, too */
        tell(&r, &(struct store_problem){.id = "", .table = "", .what = why});
        r.is_closed = true;
        census.problems = r.told;
        rc = RC_OK;
    }
    if (rc == RC_BUSY)
        code = cli_fail(c, CLI_HUB, "%s; twinsim down --data %s stops it", why, c->data_dir);
    else
        code = rc ? cli_fail(c, CLI_FILE, "%s", why) : conclude(&r, &census);
    buf_done(&r.json);
    return code;
}

const struct verb verb_fsck = {
    .name = "fsck",
    .summary = "Check what a stopped hub keeps in its data directory; exit code 1 when something is wrong",
    .text = "Looks at every page, identity, journal row, snapshot, message and record of feedback, and says of each "
            "problem whose it is and in which row. Changes nothing.",
    .examples = "twinsim fsck\ntwinsim fsck --data ./hub --json",
    .has_data = true,
    .has_json = true,
    .run = run,
};
