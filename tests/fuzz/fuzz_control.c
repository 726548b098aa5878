/* fuzz_control.c - one life of a hub, in a world that asserts its laws after every request, and in the end that memory and journal agree
 * (support/hub_world.h). Input: a line each:
 *   {..}                  a command of the owner's
 *   1TOPIC PAYLOAD        device dev1 publishes; 2: module dev1/m
 *   3FILTER               dev1 subscribes at QoS 1; 4: dev1/m. 5, 6: they unsubscribe
 *   7 8                   dev1, dev1/m go and come. dev1 comes through the gateway
 *   0                     dev1 is lost, and not missed
 *   wTOPIC PAYLOAD        dev1 goes, and comes with that will
 *   kN                    dev1 acknowledges the message with that number
 *   9ID USERNAME PASSWORD somebody connects
 *   !                     the commit of the turn fails that the next line is
 *   .                     half a second passes
 *   @                     the hub is stopped and started again
 */
#include "fuzz.h"

#include "hub_world.h"

#define LINES_MAX 24u

struct life {
    struct world w;
    struct conn conn[2];
    uint64_t tickets; /* of commands so far */
    bool fails;       /* the next turn's commit */
};

static const char *const names[] = {"dev1", "dev1/m"};

static void turn(struct life *l, struct request *r)
{
    world_begin(&l->w);
    (void)world_decide(&l->w, r);
    if (l->fails)
        world_fail(&l->w);
    else
        assert_true(world_commit(&l->w));
    l->fails = false;
}

/* The answer with that ticket, of this turn; NULL: none. Never two. */
static cJSON *answer_of(struct world *w, uint64_t ticket)
{
    cJSON *found = NULL;

    for (size_t n = 0; n < w->out.len; n++) {
        const struct out *o = &w->out.at[n];

        if (o->kind != OUT_PUBLISH || !o->is_answer || o->ticket != ticket || strcmp(o->to, w->owner.id) != 0)
            continue;
        assert_null(found);
        found = world_read(w, o->body);
    }
    return found;
}

static void command(struct life *l, struct str text)
{
    struct request r = {.kind = REQUEST_COMMAND, .conn = &l->w.owner, .ticket = ++l->tickets};
    bool fails = l->fails;
    cJSON *tree = NULL, *response;
    int64_t status;

    if (json_read(text, &tree, NULL) == RC_OK) {
        r.command = tree;
        turn(l, &r);
        if (fails && r.is_later)
            hub_abandon(l->w.hub, r.ticket);
        response = fails ? NULL : answer_of(&l->w, r.ticket);
        assert_int_equal(response == NULL, fails || r.is_later);
        status = response ? json_number(response, "status") : 200;
        assert_true(status == 200 || (status >= 400 && status < 500)); /* never our fault */
        if (status != 200)
            assert_int_equal(world_count(&l->w, OUT_STORE), 0); /* refused: nothing is changed */
    }
    cJSON_Delete(tree);
}

/* Connected still, or again; false when it may not. */
static bool is_here(struct life *l, size_t who)
{
    const struct login login = {.has_gateway = who == 0};

    return hub_is_live(l->w.hub, str_from(names[who]), l->conn[who].no) ||
           world_login(&l->w, &l->conn[who], names[who], &login) == HUB_ACCEPT;
}

static void packet(struct life *l, enum request_kind kind, size_t who, struct str line)
{
    struct request r = {.kind = kind, .conn = &l->conn[who], .qos = 1};
    struct str payload = line;

    if (!is_here(l, who))
        return;
    r.topic = kind == REQUEST_PUBLISH ? str_cut(&payload, ' ') : line;
    r.payload = payload.at && payload.at != line.at ? payload : STR("");
    turn(l, &r);
}

/* What a client says of itself where anybody may read it is no secret that we could keep. */
static bool tells_a_token(struct str text)
{
    return text.len && memmem(text.at, text.len, "SharedAccessSignature", sizeof "SharedAccessSignature" - 1) != NULL;
}

static void stranger(struct life *l, struct str line)
{
    struct request r = {.kind = REQUEST_CONNECT, .protocol = 4};
    struct conn fresh = {.no = 0};

    fresh.no = ++l->w.last_conn;
    r.conn = &fresh;
    r.client_id = str_cut(&line, ' ');
    r.user_name = str_cut(&line, ' ');
    r.password = line;
    if (tells_a_token(r.client_id) || tells_a_token(r.user_name))
        return;
    turn(l, &r);
    if (fresh.id[0] && hub_is_live(l->w.hub, str_from(fresh.id), fresh.no))
        world_end(&l->w, &fresh, ENDED_ERROR);
}

static void leave(struct life *l, size_t who)
{
    if (is_here(l, who))
        world_end(&l->w, &l->conn[who], ENDED_CLIENT);
    (void)is_here(l, who);
}

static void be_lost(struct life *l)
{
    if (hub_is_live(l->w.hub, str_from(names[0]), l->conn[0].no))
        world_end(&l->w, &l->conn[0], ENDED_LOST);
}

static void come_with_will(struct life *l, struct str line)
{
    struct str payload = line, topic = str_cut(&payload, ' ');
    char *topic_text = str_dup(str_first(topic, str_find(topic, '\0')));
    struct login login = {.has_gateway = true, .will_topic = topic_text, .will_qos = 1};
    struct request r = {.kind = REQUEST_KEEP_WILL, .conn = &l->conn[0], .topic = str_from(topic_text), .qos = 1};

    assert_non_null(topic_text);
    r.payload = payload.at ? payload : STR("");
    if (is_here(l, 0))
        world_end(&l->w, &l->conn[0], ENDED_CLIENT);
    if (world_login(&l->w, &l->conn[0], names[0], &login) == HUB_ACCEPT)
        turn(l, &r);
    free(topic_text);
}

static void acknowledge(struct life *l, struct str line)
{
    struct request r = {.kind = REQUEST_PUBACK, .conn = &l->conn[0]};

    if (str_to_u64(line, UINT64_MAX, &r.tag) == RC_OK && is_here(l, 0))
        turn(l, &r);
}

static void live(struct life *l, struct str line)
{
    struct str rest = str_skip(line, 1);

    if (!str_starts(line, STR("9")) && tells_a_token(line))
        return;

    switch (line.len ? line.at[0] : '\0') {
    case '{':
        command(l, line);
        break;
    case '1':
    case '2':
        packet(l, REQUEST_PUBLISH, (size_t)(line.at[0] - '1'), rest);
        break;
    case '3':
    case '4':
        packet(l, REQUEST_SUBSCRIBE, (size_t)(line.at[0] - '3'), rest);
        break;
    case '5':
    case '6':
        packet(l, REQUEST_UNSUBSCRIBE, (size_t)(line.at[0] - '5'), rest);
        break;
    case '7':
    case '8':
        leave(l, (size_t)(line.at[0] - '7'));
        break;
    case '9':
        stranger(l, rest);
        break;
    case '0':
        be_lost(l);
        break;
    case 'w':
        come_with_will(l, rest);
        break;
    case 'k':
        acknowledge(l, rest);
        break;
    case '!':
        l->fails = true;
        break;
    case '.':
        l->w.now.us += WORLD_SECOND / 2;
        l->w.now.mono_us += WORLD_SECOND / 2;
        (void)world_tick(&l->w);
        break;
    case '@':
        world_restart(&l->w);
        break;
    default:
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = fuzz_text(data, size);
    static struct life l;

    memset(&l, 0, sizeof l);
    world_init(&l.w);
    world_create(&l.w, "dev1");
    world_create(&l.w, "dev1/m");
    world_twin_client(&l.w, &l.conn[0], "dev1");
    for (unsigned n = 0; rest.at && n < LINES_MAX; n++) {
        live(&l, fuzz_line(&rest));
        world_forget(&l.w);
    }
    world_check(&l.w);
    world_done(&l.w);
    return 0;
}
