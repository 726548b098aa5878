/* collect_firewall.c - FirewallConfiguration: the filter table, as iptables-save prints it. */
#include <string.h>

#include "buf.h"
#include "collect.h"
#include "tool.h"

#define RULES_FILE "/etc/iptables/rules.v4" /* where Debian keeps them */

/* One rule as its words tell. Empty where they do not. */
struct rule {
    struct str chain, target, protocol, source, source_port, destination, destination_port;
};

/* Words of a rule that say something of the packets it is for; the next word is the value. */
static const struct {
    const char *word;
    size_t offset;
} words[] = {
    {"-A", offsetof(struct rule, chain)},
    {"-j", offsetof(struct rule, target)},
    {"-g", offsetof(struct rule, target)},
    {"-p", offsetof(struct rule, protocol)},
    {"-s", offsetof(struct rule, source)},
    {"-d", offsetof(struct rule, destination)},
    {"--sport", offsetof(struct rule, source_port)},
    {"--sports", offsetof(struct rule, source_port)},
    {"--dport", offsetof(struct rule, destination_port)},
    {"--dports", offsetof(struct rule, destination_port)},
};

static struct rule rule_read(struct str line)
{
    struct rule rule = {0};

    while (line.len) {
        struct str word = collect_word(&line);
        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
            if (str_is(word, words[i].word))
                *(struct str *)(void *)((char *)&rule + words[i].offset) = collect_word(&line);
    }
    return rule;
}

static const char *action_of(struct str target)
{
    if (str_is(target, "ACCEPT"))
        return "Allow";
    return str_is(target, "DROP") || str_is(target, "REJECT") ? "Deny" : "Other";
}

/* Add a member unless there is nothing to tell. */
static bool add_known(cJSON *entry, const char *name, struct str value)
{
    return !value.len || collect_add_text(entry, name, value);
}

static bool rule_add(const struct rule *rule, double priority, cJSON *payload)
{
    cJSON *entry = cJSON_CreateObject();
    bool ok = entry && cJSON_AddTrueToObject(entry, "Enabled") &&
              cJSON_AddStringToObject(entry, "Action", action_of(rule->target)) &&
              cJSON_AddNumberToObject(entry, "Priority", priority) && add_known(entry, "ChainName", rule->chain);

    /* Only these two chains have a direction. */
    if (ok && str_is(rule->chain, "INPUT"))
        ok = cJSON_AddStringToObject(entry, "Direction", "In") != NULL;
    if (ok && str_is(rule->chain, "OUTPUT"))
        ok = cJSON_AddStringToObject(entry, "Direction", "Out") != NULL;
    ok = ok && add_known(entry, "Protocol", rule->protocol) && add_known(entry, "SourceAddress", rule->source) &&
         add_known(entry, "SourcePort", rule->source_port) &&
         add_known(entry, "DestinationAddress", rule->destination) &&
         add_known(entry, "DestinationPort", rule->destination_port) && cJSON_AddItemToArray(payload, entry);
    if (!ok)
        cJSON_Delete(entry);
    return ok;
}

/* Read ":INPUT DROP [0:0]" or "-A INPUT -s 10.0.0.0/8 -p tcp --dport 22 -j ACCEPT". */
static bool line_take(struct str line, double *priority, cJSON *payload)
{
    struct rule rule = {0};

    if (str_skip(&line, ":")) {
        rule.chain = collect_word(&line);
        rule.target = collect_word(&line);
        if (str_is(rule.target, "-"))
            return true; /* a chain of the user's has no policy */
    } else {
        rule = rule_read(line);
        if (!rule.chain.len)
            return true;
    }
    return rule_add(&rule, (*priority)++, payload);
}

static cJSON *table_take(struct str text)
{
    cJSON *payload = cJSON_CreateArray();
    bool ok = payload != NULL, is_filter = false;
    double priority = 0;

    while (ok && text.len) {
        struct str line = str_cut(&text, '\n');
        if (line.len && line.at[0] == '*')
            is_filter = str_is(line, "*filter");
        else if (is_filter)
            ok = line_take(line, &priority, payload);
    }
    if (ok)
        return payload;
    cJSON_Delete(payload);
    return NULL;
}

cJSON *collect_firewall(const struct collect_roots *roots)
{
    const char *const arguments[] = {roots->firewall_tool, NULL};
    bool has_tool = roots->firewall_tool && *roots->firewall_tool;
    char block[4096];
    cJSON *payload;
    struct buf text;
    size_t n;
    FILE *f;

    if (has_tool) {
        if (tool_run(arguments, roots->tool_limit_ms, &text)) {
            buf_done(&text); /* half of the rules would be a lie */
            return cJSON_CreateArray();
        }
    } else {
        buf_init(&text, TOOL_OUTPUT_MAX);
        f = collect_open(roots, RULES_FILE);
        while (f && (n = fread(block, 1, sizeof block, f)) > 0)
            buf_add(&text, str_of(block, n));
        if (f)
            (void)fclose(f); /* it was only read */
    }
    payload = table_take(buf_str(&text));
    buf_done(&text);
    return payload;
}
