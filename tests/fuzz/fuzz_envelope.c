/* fuzz_envelope.c - control messages whole, as they arrive: the plugin reads them, runs their commands turn by turn, and answers. Input: a line each:
 *   1TOPIC PAYLOAD   device dev1 publishes
 *   -                dev1 goes, and comes again
 *   else             a message of the service's, on the control topic
 * Every message is answered once, and by as many responses as it has commands, in their order, each with its correlation data; one that
 * cannot be read by a single 400. Nobody but who asked is told, and the service is never closed.
 */
#include "fuzz.h"

#include <mosquitto.h>
#include <sys/stat.h>

#include "fake_broker.h"
#include "plugin.h"
#include "remove_tree.h"

#define HOST      "twinsim.azure-devices.test"
#define SEED      "twinsim-development-keys"
#define SERVICE   "service//1"
#define LINES_MAX 16u
#define TICKS_MAX 20000

/* Wrapped where a test makes allocations fail; here they do not. */
void *__real_malloc(size_t n);
void *__real_malloc(size_t n)
{
    return malloc(n);
}

struct envelope {
    cJSON *doc;            /* NULL: no JSON */
    const cJSON *commands; /* NULL: malformed */
    bool may_wait;         /* it calls a method */
};

static char dir[512], config[600], device_password[1024], service_password[1024];
static struct mosquitto device = {
    .id = "dev1", .username = HOST "/dev1/?api-version=2021-04-12", .password = device_password, .protocol = 4};
static struct mosquitto service = {.id = SERVICE,
                                   .username = "iothubowner@sas.root.twinsim",
                                   .password = service_password,
                                   .clean = true,
                                   .protocol = 4};
static bool is_device_here;
static size_t waiting; /* messages whose answer may come later */

static void make_token(char out[1024], const struct ident *id, const struct sas_key *key, struct str policy)
{
    struct buf b;

    buf_init(&b, 0);
    sas_token_make(&b, STR(HOST), id, policy, key, 4102444800);
    assert_true(buf_ok(&b) && b.len < 1024);
    memcpy(out, b.at, b.len + 1);
    buf_done(&b);
}

static void prepare(void)
{
    const struct ident dev = {STR("dev1"), {NULL, 0}};
    struct sas_key key, other;
    char text[1024];

    (void)snprintf(dir, sizeof dir, "%s", fuzz_path("hub"));
    (void)snprintf(text, sizeof text,
                   "{\"dataDir\":\"%s\",\"hosts\":[\"" HOST "\"],\"keySeed\":\"" SEED "\",\"durability\":\"memory\"}",
                   dir);
    (void)snprintf(config, sizeof config, "%s", fuzz_file("plugin.json", str_from(text)));
    hub_identity_keys(STR(SEED), dev, 0, &key, &other);
    make_token(device_password, &dev, &key, STR(""));
    assert_int_equal(hub_policy_key(STR(SEED), STR("iothubowner"), &key), RC_OK);
    make_token(service_password, NULL, &key, STR("iothubowner"));
}

/* --- what was answered ------------------------------------------------------------------------------------------------ */

static struct envelope envelope_read(struct str text)
{
    struct envelope e = {NULL, NULL, false};
    const cJSON *command;

    if (json_read(text, &e.doc, NULL))
        return e;
    e.commands = json_get(e.doc, "commands");
    if (!cJSON_IsArray(e.commands) || e.doc->child->next)
        e.commands = NULL;
    cJSON_ArrayForEach(command, e.commands)
    {
        const char *name = json_get_text(command, "command");

        e.may_wait = e.may_wait || (name && strcmp(name, "method.invoke") == 0);
    }
    return e;
}

/* What is too long does not come back. */
static bool is_echoed(const cJSON *correlation, const cJSON *given)
{
    struct buf text;
    bool is_short;

    buf_init(&text, 0);
    json_print(&text, correlation);
    is_short = text.len <= CORRELATION_MAX;
    buf_done(&text);
    return given ? json_eq(correlation, given) : !is_short;
}

static bool is_answer_to(const cJSON *responses, const struct envelope *e)
{
    const cJSON *response = responses->child, *command = e->commands ? e->commands->child : NULL;

    if (!e->commands)
        return response && !response->next && json_get_text(response, "command") &&
               !*json_get_text(response, "command");
    for (; command && response; command = command->next, response = response->next) {
        const char *name = json_get_text(command, "command");
        const cJSON *correlation = json_get(command, "correlationData"), *given = json_get(response, "correlationData");

        if (!json_get_text(response, "command") || strcmp(json_get_text(response, "command"), name ? name : "") != 0 ||
            (correlation ? !is_echoed(correlation, given) : given != NULL))
            return false;
    }
    return !command && !response;
}

static void check_response(const cJSON *response)
{
    const cJSON *body = json_get(response, "body");
    int64_t status, code;

    assert_int_equal(json_get_i64(response, "status", &status), RC_OK);
    assert_true(cJSON_IsObject(body));
    assert_true(status == 200 || (status >= 400 && status <= 504));
    assert_int_not_equal(status, 500); /* never our fault */
    if (status != 200) {
        assert_int_equal(json_get_i64(body, "errorCode", &code), RC_OK);
        assert_int_equal(code / 1000, status);
        assert_non_null(json_get_text(body, "message"));
    }
}

/* Look at everything the service was told. returns whether it was the answer to that one */
static bool look(const struct envelope *e)
{
    const struct published *p;
    bool is_answered = false;
    size_t n;

    for (n = 0; (p = broker_sent(SERVICE, "", n)); n++) {
        cJSON *doc = NULL, *responses;
        const cJSON *response;

        assert_string_equal(p->topic, CONTROL_TOPIC "/response");
        assert_int_equal(json_read(str_of(p->body, p->len), &doc, NULL), RC_OK);
        responses = json_get(doc, "responses");
        assert_true(cJSON_IsArray(responses) && !doc->child->next);
        cJSON_ArrayForEach(response, responses) check_response(response);
        if (!is_answered && e && is_answer_to(responses, e)) {
            is_answered = true;
        } else {
            if (!waiting)
                print_error("nobody waits for %.*s\n", (int)p->len, p->body);
            assert_true(waiting > 0);
            waiting--;
        }
        cJSON_Delete(doc);
    }
    for (n = 0; n < broker.n_kicked; n++) {
        assert_string_not_equal(broker.kicked[n], SERVICE);
        is_device_here = false;
    }
    broker_forget();
    return is_answered;
}

/* --- what happens ----------------------------------------------------------------------------------------------------- */

static void message(struct str line)
{
    char *text = str_dup(str_first(line, str_find(line, '\0')));
    struct plugin *pl = broker.plugin;
    struct envelope e;
    int ticks = 0;

    assert_non_null(text);
    e = envelope_read(str_from(text));
    assert_int_equal(broker_publish(&service, CONTROL_TOPIC, text, NULL), MOSQ_ERR_SUCCESS);
    do {
        broker_tick();
        assert_true(ticks++ < TICKS_MAX);
    } while (control_is_waiting(&pl->control));
    if (!look(&e)) {
        assert_true(e.may_wait);
        waiting++;
    }
    cJSON_Delete(e.doc);
    free(text);
}

static void device_comes(void)
{
    if (is_device_here || broker_connect(&device) != MOSQ_ERR_SUCCESS)
        return;
    is_device_here = broker_subscribe(&device, "$iothub/twin/res/#", 0) == MOSQ_ERR_SUCCESS &&
                     broker_subscribe(&device, "$iothub/methods/POST/#", 0) == MOSQ_ERR_SUCCESS;
    if (!is_device_here)
        broker_disconnect(&device);
}

static void device_goes(void)
{
    if (is_device_here)
        broker_disconnect(&device);
    is_device_here = false;
}

static void publish_of_device(struct str line)
{
    struct str rest = line, topic = str_cut(&rest, ' ');
    char *topic_text = str_dup(topic), *payload = str_dup(rest.at ? rest : STR(""));

    device_comes();
    assert_true(topic_text && payload);
    if (is_device_here && topic.len < 1000 && strncmp(topic_text, "$CONTROL/", 9) != 0 &&
        broker_publish(&device, topic_text, payload, NULL) != MOSQ_ERR_SUCCESS)
        device_goes();
    free(topic_text);
    free(payload);
}

static void happen(struct str line)
{
    if (line.len && line.at[0] == '1') {
        publish_of_device(str_skip(line, 1));
    } else if (str_eq(line, STR("-"))) {
        device_goes();
        device_comes();
    } else {
        message(line);
        return;
    }
    broker_tick();
    (void)look(NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = fuzz_text(data, size);

    if (!config[0])
        prepare();
    assert_int_equal(mkdir(dir, 0700), 0);
    assert_int_equal(broker_start(config), MOSQ_ERR_SUCCESS);
    assert_int_equal(broker_connect(&service), MOSQ_ERR_SUCCESS);
    is_device_here = false;
    waiting = 0;
    message(STR("{\"commands\":[{\"command\":\"device.create\",\"deviceId\":\"dev1\"}]}"));
    device_comes();
    for (unsigned n = 0; rest.at && n < LINES_MAX; n++)
        happen(fuzz_line(&rest));
    broker_stop();
    remove_tree(dir);
    return 0;
}
