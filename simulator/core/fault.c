/* fault.c - names, scope, triggers. See fault.h. */
#include "fault.h"

#include <assert.h>
#include <stdlib.h>

#include "json_write.h"
#include "topic.h"

const char *fault_operation_name(enum fault_operation op)
{
    static const char *const names[] = {"connect", "subscribe", "twin-get", "reported",
                                        "desired", "telemetry", "message",  ""};

    assert((size_t)op < sizeof names / sizeof names[0]);
    return names[op];
}

const char *fault_type_name(enum fault_type type)
{
#define FAULT_NAME(name, text, layer) text,
    static const char *const names[] = {FAULT_LIST(FAULT_NAME)};
#undef FAULT_NAME

    assert((size_t)type < FAULT_TYPES);
    return names[type];
}

const char *fault_type_layer(enum fault_type type)
{
#define FAULT_LAYER(name, text, layer) layer,
    static const char *const layers[] = {FAULT_LIST(FAULT_LAYER)};
#undef FAULT_LAYER

    assert((size_t)type < FAULT_TYPES);
    return layers[type];
}

void fault_free(struct fault *f)
{
    if (!f)
        return;
    free(f->on);
    free(f->topic);
    free(f->body);
    free(f->members);
    free(f);
}

bool fault_is_valid(const struct fault *f)
{
    return (size_t)f->type < FAULT_TYPES && f->operations < 1u << FAULT_OPERATIONS && f->members && f->after >= 0 &&
           f->every >= 1 && f->times >= 0 && f->probability >= 0 && f->probability <= 1 && f->injected >= 0 &&
           f->injected <= f->seen && (f->times == 0 || f->injected <= f->times) &&
           (f->is_spent || f->times == 0 || f->injected < f->times) &&
           (f->body != NULL) == (f->body_kind == FAULT_BODY_GIVEN) && f->until_us > f->at_us;
}

/* --- whom ----------------------------------------------------------------------------------------------------- */

/* '*' stands for any bytes, '/' among them; all else for itself. */
static bool fits_glob(struct str glob, struct str text)
{
    size_t star = glob.len, back = 0, g = 0, t = 0;

    while (t < text.len) {
        if (g < glob.len && glob.at[g] == '*') {
            star = g++;
            back = t;
        } else if (g < glob.len && glob.at[g] == text.at[t]) {
            g++;
            t++;
        } else if (star < glob.len) { /* let the last star take one byte more */
            g = star + 1;
            t = ++back;
        } else {
            return false;
        }
    }
    while (g < glob.len && glob.at[g] == '*')
        g++;
    return g == glob.len;
}

bool fault_covers(const struct fault *f, struct str id)
{
    if (!f->on)
        return true;
    return f->on_is_exact ? str_eq(str_from(f->on), id) : fits_glob(str_from(f->on), id);
}

/* --- when ----------------------------------------------------------------------------------------------------- */

/* A number in [0, 1) that repeats with the seed (splitmix64). */
static double chance(struct fault *f)
{
    uint64_t z = f->random += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    return (double)(z >> 11) / 9007199254740992.0;
}

int64_t fault_backlog_us(const struct fault *f)
{
    return f->backlog_us;
}

bool fault_strikes(struct fault *f, enum fault_operation op, struct str id, struct str topic, int64_t now_us)
{
    if (f->is_spent || !(f->operations & 1u << op) || now_us < f->at_us || now_us >= f->until_us ||
        !fault_covers(f, id))
        return false;
    if (f->topic && !filter_fits(str_from(f->topic), topic))
        return false;
    if (f->type == FAULT_TYPE_THROTTLE &&
        bucket_take(&f->buckets[op], &f->shapes[op], 1, now_us, &f->backlog_us) == THROTTLE_PASSES)
        return false;
    f->seen++;
    if (f->seen <= f->after || (f->seen - f->after) % f->every != 0)
        return false;
    if (f->probability < 1 && chance(f) >= f->probability)
        return false;
    f->injected++;
    f->is_spent = f->times && f->injected == f->times;
    return true;
}

void fault_struck(struct fault *f)
{
    f->seen++;
    f->injected++;
    f->is_spent = true;
}

void fault_print(struct buf *out, const struct fault *f)
{
    json_comma(out);
    buf_add_char(out, '{');
    json_put_i64(out, "id", (int64_t)f->id);
    json_comma(out);
    buf_add(out, str_from(f->members));
    json_put_i64(out, "injected", f->injected);
    if (f->waiting)
        json_put_i64(out, "waiting", (int64_t)f->waiting);
    if (f->is_sdk)
        json_put_bool(out, "sdk", true);
    buf_add_char(out, '}');
}
