/* cli.h - what a verb of the command line is, and what it gets when it runs.
 *
 * A verb is a row: name, operands, options, sentences, examples, one function. Parsing, --help, the man page, completion and the
 * tests read the rows; verbs.c lists them. To add a verb: a file verb_x.c with its row, one line in verbs.h, one in verbs.c.
 */
#ifndef TWINSIM_CLI_H
#define TWINSIM_CLI_H

#include "hub_file.h"

/* The exit codes of every verb. */
enum {
    CLI_OK = 0,      /* all good */
    CLI_NO = 1,      /* a verdict is no: scenario red, replay differs, health not green */
    CLI_USAGE = 2,   /* the command line is wrong */
    CLI_FILE = 3,    /* a file is not valid, or cannot be read or written */
    CLI_HUB = 4,     /* the hub could not start, is not there, or was lost */
    CLI_REFUSED = 5, /* the hub refused the request */
};

/* One option: "--name VALUE", or "--name" when value is NULL. */
struct option_spec {
    const char *name;
    const char *value;   /* what help calls its value; NULL: a flag */
    const char *help;    /* a sentence without a full stop; defaults included */
    const char *choices; /* "memory|process|power": one of these words; NULL: any text */
    long min, max;       /* max > 0: a whole number within these bounds (and with choices, the words are fine too) */
    bool is_many;        /* may be given more than once */
};

#define OPTIONS_END                                                                                                    \
    {                                                                                                                  \
        .name = NULL                                                                                                   \
    }

struct cli;

struct verb {
    const char *name;                  /* "up", "device create" */
    const char *operands;              /* as in the usage line: "DEVICE..."; NULL: none */
    int min, max;                      /* how many operands; max -1: any number */
    const char *summary;               /* a sentence without a full stop */
    const char *text;                  /* more sentences, or NULL */
    const char *examples;              /* command lines, one a line */
    const struct option_spec *options; /* ends with OPTIONS_END; NULL: none */
    bool has_data;                     /* takes --data DIR: it speaks to a hub */
    bool has_json;                     /* takes --json */
    int (*run)(struct cli *c);         /* returns an exit code */
};

struct service;

struct cli {
    const struct verb *verb;
    const char **operands; /* views into argv */
    size_t n_operands;
    struct given {
        const struct option_spec *option;
        const char *value; /* NULL for a flag */
    } * given;
    size_t n_given;
    bool json;               /* --json was given */
    char data_dir[PATH_MAX]; /* when the verb has_data */
    struct hub_file hub;     /* once talk_open was called */
    struct service *service;
};

/* Options by name; the name must be one of the verb's. The last one given counts. */
const char *cli_text(const struct cli *c, const char *name); /* NULL when not given */
bool cli_flag(const struct cli *c, const char *name);
long cli_number(const struct cli *c, const char *name, long fallback); /* also when a word was given */
/* The n-th value of an option that may be given more than once; NULL behind the last. */
const char *cli_nth(const struct cli *c, const char *name, size_t n);

/* Say on stderr what went wrong and what to do, as text or (--json) as {"error":{"code":..,"message":".."}}; returns the exit code.
 * The error's code is the hub's error code where there is one, else the exit code. */
int cli_fail(const struct cli *c, int exit_code, const char *fmt, ...) PRINTF_LIKE(3, 4);
int cli_fail_code(const struct cli *c, int exit_code, long code, const char *message);
int cli_no_memory(const struct cli *c);

/* Read argv into c. Says what is wrong, with the nearest name, when it is. `--help` becomes the verb `help`.
 * returns CLI_OK, CLI_USAGE; c is for args_done in both cases */
int args_read(struct cli *c, int argc, const char *const *argv);
void args_done(struct cli *c);

/* Options every verb of its kind has; help prints them behind the verb's own. */
extern const struct option_spec option_data, option_json, option_help;
/* Walk a verb's options, the common ones included; NULL behind the last. */
const struct option_spec *verb_option(const struct verb *v, size_t i);

#endif
