/* control.c - see control.h. */
#include "control.h"

#include <inttypes.h>
#include <mosquitto.h>
#include <stdio.h>
#include <stdlib.h>

#include "json.h"
#include "plugin.h"

struct response {
    const cJSON *command; /* within the job's document; NULL: the document itself was malformed */
    uint64_t ticket;      /* by which its answer names it */
    char *body;           /* {"command":..,"status":..,"body":..}; NULL: it is not there yet */
    size_t len;
    bool is_settled; /* what is known of it was committed, in this turn or before */
};

struct control_job {
    struct control_job *next;
    struct conn from; /* a copy: commands are carried out although their sender has gone */
    char *text;       /* of its message, until its turn comes to be read; NULL: it was */
    cJSON *doc;
    const cJSON *command; /* the next one to run; NULL: none left */
    struct response *responses;
    size_t n, cap;  /* their tickets rise */
    size_t bytes;   /* of its message */
    size_t answers; /* bytes of the answers so far */
    size_t settled; /* so many from the first are settled */
    size_t waiting; /* responses that are not there yet */
    bool is_parked; /* all commands ran, and it only waits; counts no more */
    bool is_failed; /* no memory for a response: the sender is closed */
};

void control_init(struct control *ct)
{
    memset(ct, 0, sizeof *ct);
    ct->last = &ct->first;
}

static void job_free(struct control_job *job)
{
    for (size_t i = 0; i < job->n; i++)
        free(job->responses[i].body);
    free(job->responses);
    free(job->text);
    cJSON_Delete(job->doc);
    free(job);
}

static void remove_at(struct control *ct, struct control_job **at)
{
    struct control_job *job = *at;

    *at = job->next;
    if (!*at)
        ct->last = at;
    ct->n_jobs -= !job->is_parked;
    ct->bytes -= job->bytes;
    job_free(job);
}

void control_done(struct control *ct)
{
    while (ct->first)
        remove_at(ct, &ct->first);
}

/* Something of it is still to be done. */
static bool has_more(const struct control_job *job)
{
    return job->text || job->command;
}

bool control_is_waiting(const struct control *ct)
{
    for (const struct control_job *job = ct->first; job; job = job->next)
        if (has_more(job))
            return true;
    return false;
}

/* --- responses ------------------------------------------------------------------------------------------------ */

/* {"command":..,"correlationData":..,"status":..,"body":..}; error is a JSON object, or empty on our own lack of memory. */
static void print_response(struct buf *b, const cJSON *command, int status, struct str error)
{
    const char *name = json_get_text(command, "command");
    const cJSON *correlation = json_get(command, "correlationData");

    buf_add(b, STR("{\"command\":"));
    json_print_string(b, str_from(name ? name : ""));
    if (correlation) {
        buf_add(b, STR(",\"correlationData\":"));
        json_print(b, correlation);
    }
    buf_addf(b, ",\"status\":%d,\"body\":", status);
    buf_add(b, error);
    buf_add_char(b, '}');
}

/* body NULL: its answer comes later, unless that is our failure. */
static void job_add(struct control_job *job, const struct response *rs, bool is_later)
{
    if (job->n == job->cap) {
        size_t cap = job->cap ? job->cap * 2 : 4;
        struct response *grown = realloc(job->responses, cap * sizeof *grown);

        if (grown) {
            job->responses = grown;
            job->cap = cap;
        }
    }
    if ((!rs->body && !is_later) || job->n == job->cap) {
        free(rs->body);
        job->is_failed = true;
        return;
    }
    job->waiting += !rs->body;
    job->responses[job->n++] = *rs;
}

static char *failure(struct plugin *pl, const cJSON *command, size_t *len)
{
    struct buf error, body;

    buf_init(&error, 0);
    buf_init(&body, 0);
    hub_print_failure(pl->hub, turn_now(pl), &error);
    if (buf_ok(&error))
        print_response(&body, command, 500, buf_view(&error));
    buf_done(&error);
    return buf_take(&body, len);
}

/* Refused for what the sender can change. command NULL: the message as a whole. */
static char *refusal_of(struct plugin *pl, const cJSON *command, int status, int code, const char *message, size_t *len)
{
    struct buf error, body;

    buf_init(&error, 0);
    buf_init(&body, 0);
    hub_print_error(pl->hub, code, message, turn_now(pl), &error);
    if (buf_ok(&error))
        print_response(&body, command, status, buf_view(&error));
    buf_done(&error);
    return buf_take(&body, len);
}

/* --- taking a message ----------------------------------------------------------------------------------------- */

static void job_refuse(struct plugin *pl, struct control_job *job, const char *message)
{
    struct response rs = {0};

    rs.body = refusal_of(pl, NULL, 400, 400004, message, &rs.len);
    job_add(job, &rs, false);
    cJSON_Delete(job->doc); /* which is large, maybe: here the time counts */
    job->doc = NULL;
}

/* The document's first command, or NULL: empty, or malformed and then refused. */
static void read_text(struct plugin *pl, struct control_job *job, struct str payload)
{
    struct json_error err = {0, NULL};
    char text[160];
    const cJSON *commands, *member;
    enum rc rc;

    rc = json_read(payload, &job->doc, &err);
    if (rc) {
        unsigned line = 1, column = 1;

        json_position(payload, err.offset, &line, &column);
        (void)snprintf(text, sizeof text, "not JSON: line %u, column %u: %s", line, column,
                       err.what ? err.what : rc_text(rc));
        job_refuse(pl, job, text);
        return;
    }
    commands = json_get(job->doc, "commands");
    if (!cJSON_IsArray(commands)) {
        job_refuse(pl, job, "a control message is {\"commands\":[{\"command\":\"twin.show\",...}]}");
        return;
    }
    cJSON_ArrayForEach(member, job->doc)
    {
        if (strcmp(member->string, "commands") != 0) {
            job_refuse(pl, job, "unknown member beside \"commands\"");
            return;
        }
    }
    if (cJSON_GetArraySize(commands) > CONTROL_COMMANDS_MAX) {
        job_refuse(pl, job, "a control message may hold 10000 commands");
        return;
    }
    job->command = commands->child;
}

static void job_read(struct plugin *pl, struct control_job *job)
{
    read_text(pl, job, str_of(job->text, job->bytes));
    free(job->text);
    job->text = NULL;
    pl->is_busy = true; /* it may be answered already */
}

bool control_take(struct plugin *pl, const struct conn *from, struct str payload)
{
    struct control *ct = &pl->control;
    bool has_room = ct->n_jobs < CONTROL_WAITING_MAX && ct->bytes + payload.len <= CONTROL_BYTES_MAX;
    struct control_job *job = has_room ? calloc(1, sizeof *job) : NULL;

    if (!job)
        return false;
    job->text = str_dup(payload);
    if (!job->text) {
        free(job);
        return false;
    }
    job->bytes = payload.len;
    ct->bytes += payload.len;
    job->from = *from;
    job->from.who = (struct ident){{NULL, 0}, {NULL, 0}}; /* views into the original; a service client has none */
    *ct->last = job;
    ct->last = &job->next;
    ct->n_jobs++;
    return true;
}

/* --- running -------------------------------------------------------------------------------------------------- */

/* What only the adapter knows of hub.status. */
static void print_status(const struct plugin *pl, struct buf *b)
{
    static const char *const durabilities[] = {"memory", "process", "power"}; /* in the order of enum durability */

    buf_addf(b, "\"identities\":%" PRId64 ",\"durability\":\"%s\",\"healthy\":%s", store_count(pl->store),
             durabilities[pl->options.durability], store_takes_changes(pl->store) ? "true" : "false");
}

/* Give an answer to the response that waits for it; none does when its turn could not be stored, or its sender was given up. */
static void give(struct plugin *pl, struct out *o)
{
    struct control_job *job = pl->control.first;
    struct response *rs;
    size_t low = 0, high;

    while (job && !(job->waiting && job->n && job->responses[job->n - 1].ticket >= o->ticket &&
                    job->responses[0].ticket <= o->ticket))
        job = job->next;
    if (!job)
        return;
    for (high = job->n - 1; low < high;) {
        size_t middle = (low + high) / 2;

        if (job->responses[middle].ticket < o->ticket)
            low = middle + 1;
        else
            high = middle;
    }
    rs = &job->responses[low];
    if (rs->body || rs->ticket != o->ticket)
        return;
    rs->is_settled = false;
    if (job->answers + o->body_len <= CONTROL_ANSWERS_MAX) {
        job->answers += o->body_len;
        rs->body = o->body;
        rs->len = o->body_len;
        o->body = NULL;
    } else if (o->status >= 300) {
        rs->body = refusal_of(pl, rs->command, o->status, o->code,
                              "Why is left out: the answers to one message may be 8 MB.", &rs->len);
    } else {
        rs->body = refusal_of(pl, rs->command, 413, 413001,
                              "The command was carried out, but the answers to one message may be 8 MB.", &rs->len);
    }
    if (low < job->settled)
        job->settled = low;
    job->waiting--;
    job->is_failed = job->is_failed || !rs->body;
}

void control_collect(struct plugin *pl, size_t from)
{
    for (size_t i = from; i < pl->out.len; i++)
        if (pl->out.at[i].kind == OUT_PUBLISH && pl->out.at[i].ticket)
            give(pl, &pl->out.at[i]);
}

static bool has_answer(const struct plugin *pl, size_t from, uint64_t ticket)
{
    for (size_t i = from; i < pl->out.len; i++)
        if (pl->out.at[i].kind == OUT_PUBLISH && pl->out.at[i].ticket == ticket)
            return true;
    return false;
}

static void run_one(struct plugin *pl, struct control_job *job)
{
    struct request r = {
        .kind = REQUEST_COMMAND, .conn = &job->from, .command = job->command, .ticket = ++pl->control.last_ticket};
    struct response rs = {.command = job->command, .ticket = r.ticket};
    const char *name = json_get_text(job->command, "command");
    size_t from = pl->out.len;
    bool is_coming;
    struct buf status;

    buf_init(&status, 0);
    if (name && strcmp(name, "hub.status") == 0)
        print_status(pl, &status);
    r.status_members = buf_view(&status);
    (void)decide(pl, &r);
    buf_done(&status);
    is_coming = !pl->turn_rc && (r.is_later || has_answer(pl, from, r.ticket));
    if (!is_coming) /* what it needs could not be read, or nothing of this turn will be stored */
        rs.body = failure(pl, job->command, &rs.len);
    job_add(job, &rs, is_coming);
    job->command = job->command->next;
}

void control_run(struct plugin *pl)
{
    struct control *ct = &pl->control;
    int64_t from = clock_now().mono_us, now;

    for (struct control_job *job = ct->first; job; job = job->next)
        while (has_more(job)) {
            if (ct->spent_us >= CONTROL_SLICE_US)
                return;
            if (job->text)
                job_read(pl, job);
            else
                run_one(pl, job);
            now = clock_now().mono_us;
            ct->spent_us += now - from;
            from = now;
        }
}

void control_turn_begin(struct control *ct)
{
    ct->spent_us = 0;
}

/* --- the end of a turn ---------------------------------------------------------------------------------------- */

static void answer_job(struct plugin *pl, struct control_job *job)
{
    const struct connection *c = connections_open(&pl->connections, str_from(job->from.id));
    struct buf all;
    char *body;
    size_t len = sizeof "{\"responses\":[]}";

    if (!c || c->conn.no != job->from.no)
        return; /* it has gone; what it asked for is done */
    buf_init(&all, CONTROL_RESPONSE_MAX);
    for (size_t i = 0; i < job->n; i++)
        len += job->responses[i].len + 1;
    (void)buf_room(&all, len); /* at once: growing would copy megabytes several times */
    buf_add(&all, STR("{\"responses\":["));
    for (size_t i = 0; i < job->n; i++) {
        if (i)
            buf_add_char(&all, ',');
        buf_add(&all, str_of(job->responses[i].body, job->responses[i].len));
    }
    buf_add(&all, STR("]}"));
    body = buf_take(&all, &len);
    if (body && !job->is_failed) {
        publish_to(c, CONTROL_TOPIC "/response", &(struct out){.kind = OUT_PUBLISH, .body = body, .body_len = len});
    } else {
        free(body); /* too large an answer, or no memory: silence would hang the client */
        mosquitto_log_printf(MOSQ_LOG_WARNING, "twinsim: %s cannot be answered; it is closed", job->from.id);
        kick_later(pl, job->from.id, job->from.no, ENDED_ERROR);
    }
}

/* What was decided in this turn stands, or failed with it. */
static void settle(struct plugin *pl, struct control_job *job, bool is_committed)
{
    for (; job->settled < job->n; job->settled++) {
        struct response *rs = &job->responses[job->settled];
        char *body;

        if (!rs->is_settled && !is_committed && rs->command) {
            body = failure(pl, rs->command, &rs->len);
            if (!rs->body) {
                job->waiting--;
                hub_abandon(pl->hub, rs->ticket);
            }
            job->is_failed = job->is_failed || !body;
            free(rs->body);
            rs->body = body;
        }
        rs->is_settled = true;
    }
}

void control_settle(struct plugin *pl, bool is_committed)
{
    for (struct control_job *job = pl->control.first; job; job = job->next)
        settle(pl, job, is_committed);
}

void control_turn_end(struct plugin *pl, bool is_committed)
{
    struct control *ct = &pl->control;

    for (struct control_job **at = &ct->first; *at;) {
        struct control_job *job = *at;

        settle(pl, job, is_committed);
        if (!has_more(job) && (!job->waiting || job->is_failed)) {
            answer_job(pl, job);
            remove_at(ct, at);
            continue;
        }
        if (!has_more(job) && !job->is_parked) {
            job->is_parked = true;
            ct->n_jobs--;
        }
        at = &job->next;
    }
}
