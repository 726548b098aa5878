/* query_internal.h - what the query's own files share. Nobody else includes it.
 *
 *   query_lex.c    text to tokens
 *   query_parse.c  clauses: columns, source, groups
 *   query_expr.c   expressions: operators, calls, properties
 *   query_print.c  a query as text again
 *   query_field.c  what a property is of an identity
 *   query_eval.c   conditions and items
 *   query_sums.c   aggregates and groups
 */
#ifndef TWINSIM_QUERY_INTERNAL_H
#define TWINSIM_QUERY_INTERNAL_H

#include "query.h"

/* --- tokens: query_lex.c --- */

enum query_token_kind {
    TOKEN_END,
    TOKEN_NAME,   /* a word; keywords too */
    TOKEN_QUOTED, /* [[name]] */
    TOKEN_TEXT,   /* 'text' */
    TOKEN_NUMBER,
    TOKEN_SIGN, /* text: one of ( ) [ ] , . + - * / % = != <> < > <= >= */
};

struct query_token {
    enum query_token_kind kind;
    size_t at;         /* byte in the query's text */
    struct str text;   /* NAME, QUOTED, TEXT: with a NUL behind, escapes resolved; else as written */
    struct str source; /* as written */
    double number;
};

/* Tokens of q->text, the last one TOKEN_END. returns RC_OK (*out for free), RC_REFUSED, RC_NOMEM */
struct query_reader;
MUST_USE enum rc query_lex(struct query_reader *r);

/* --- values --- */

enum query_type {
    VALUE_UNDEFINED,
    VALUE_NULL,
    VALUE_BOOL,
    VALUE_NUMBER,
    VALUE_TEXT,
    VALUE_NODE,       /* an object or array of a twin */
    VALUE_PROPERTIES, /* the hub's own objects: */
    VALUE_DESIRED,
    VALUE_REPORTED,
    VALUE_CAPABILITIES,
    VALUE_THUMBPRINT,
    VALUE_ARRAY, /* an array in the query */
};

struct query_value {
    enum query_type type;
    bool truth;
    bool is_time; /* TEXT: an instant that the hub wrote */
    double number;
    struct str text;   /* TEXT; NUMBER: how to print it */
    const cJSON *node; /* NODE */
    const struct identity *of;
    char room[IDENTITY_SCOPE_MAX]; /* what text may point into: such a value is never copied */
};

/* --- the tree --- */

enum query_op {
    OP_OR, /* two or more */
    OP_AND,
    OP_EQ,
    OP_NE,
    OP_LT,
    OP_GT,
    OP_LE,
    OP_GE,
    OP_IN, /* its second is OP_ARRAY */
    OP_NIN,
    OP_ADD,
    OP_SUBTRACT,
    OP_MULTIPLY,
    OP_DIVIDE,
    OP_REMAINDER,
    OP_NOT,
    OP_MINUS,
    OP_IS_DEFINED,
    OP_STARTSWITH,
    OP_ARRAY,
    OP_PROPERTY,
    OP_NULL,
    OP_UNDEFINED,
    OP_TRUE,
    OP_FALSE,
    OP_NUMBER,
    OP_TEXT,
};
#define OP_BINARY_END OP_NOT /* all before it stand between their operands */

/* How tightly an operator binds; names and spellings stand in query_print.c. */
enum { BIND_OR = 1, BIND_AND, BIND_NOT, BIND_COMPARE, BIND_ADD, BIND_MULTIPLY, BIND_MINUS, BIND_TOP };
int query_op_bind(enum query_op op);
const char *query_op_text(enum query_op op); /* "AND", "<=", "STARTSWITH" */

struct query_name {
    struct str text; /* with a NUL behind */
    bool is_index;   /* [3] */
    size_t index;
};

struct query_field; /* a top-level name of twins */

struct query_node {
    enum query_op op;
    bool is_closed; /* written in parentheses */
    unsigned depth;
    size_t at;
    struct query_node *child, *next;
    struct str text, source; /* TEXT; NUMBER, TEXT: as written */
    double number;
    /* PROPERTY: the path without the collection's name */
    const struct query_name *names;
    size_t n_names;
    const struct query_field *field; /* NULL: twins have no such name */
};

enum query_aggregate { AGGREGATE_NONE, AGGREGATE_COUNT, AGGREGATE_AVG, AGGREGATE_SUM, AGGREGATE_MIN, AGGREGATE_MAX };
const char *query_aggregate_name(enum query_aggregate a);

struct query_column {
    enum query_aggregate aggregate;
    struct query_node *property; /* NULL for COUNT() */
    struct str alias;            /* at NULL when not given */
    struct str name;             /* the key it comes back under */
    char room[8];
};

struct query {
    char *text;
    size_t text_len;
    char *pool; /* names and texts, with NULs */
    struct query_node *nodes;
    size_t n_nodes;
    struct query_name *names;
    size_t n_names;
    struct query_column *columns; /* none: * */
    size_t n_columns;
    struct query_node **groups;
    size_t n_groups;
    enum query_source source;
    struct str alias; /* of the source; at NULL when not given */
    int64_t top;
    struct query_node *where; /* NULL: every row */
};

/* --- reading --- */

struct query_reader {
    struct query *q;
    struct query_token *tokens;
    size_t n_tokens, at;
    unsigned depth;
    struct refusal *why;
};

/* Refuse at a byte of the text. Always returns RC_REFUSED. */
enum rc query_refuse(struct query_reader *r, size_t at, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* "expected X, not Y" at the current token. */
enum rc query_expected(struct query_reader *r, const char *what);
/* Take a name, plain or in [[ ]], and go on behind it. returns RC_OK, RC_REFUSED */
enum rc query_read_name(struct query_reader *r, struct str *out);
static inline const struct query_token *query_now(const struct query_reader *r)
{
    return &r->tokens[r->at];
}
bool query_is_word(const struct query_token *t, const char *word); /* a keyword, in any letter case */
bool query_is_sign(const struct query_token *t, const char *sign);
bool query_take_word(struct query_reader *r, const char *word);
bool query_take_sign(struct query_reader *r, const char *sign);
bool query_is_reserved(struct str name);
enum query_aggregate query_aggregate_of(const struct query_reader *r); /* NONE unless a call of one stands here */

MUST_USE enum rc query_expression(struct query_reader *r, struct query_node **out);
MUST_USE enum rc query_property(struct query_reader *r, struct query_node **out);

bool query_is_same_property(const struct query_node *a, const struct query_node *b);

/* --- query_field.c --- */
const struct query_field *query_field_find(struct str name); /* in any letter case; NULL */
const char *query_field_name(const struct query_field *f);
bool query_field_is_same(const struct query_field *a, const struct query_field *b);
void query_property_value(const struct query_node *property, const struct identity *i, struct query_value *out);
void query_print_value(struct buf *out, const struct query_value *v);
void query_print_number(struct buf *out, double number);

/* --- query_print.c --- */

/* --- query_eval.c --- */

#endif
