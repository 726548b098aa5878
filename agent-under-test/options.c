/* options.c - reading the command line, and the help. */
#include "options.h"

#include <stdio.h>
#include <string.h>

#include "settings.h"

enum rc options_parse(int argc, const char *const *argv, struct options *out, const char **culprit)
{
    struct options o = {0};

    for (int i = 1; i < argc; i++) {
        const char **value = NULL;
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            o.wants_help = true;
        else if (strcmp(argv[i], "--version") == 0)
            o.wants_version = true;
        else if (strcmp(argv[i], "--config") == 0)
            value = &o.config_path;
        else if (strcmp(argv[i], "--ca") == 0)
            value = &o.ca_path;
        else
            goto refuse;
        if (!value)
            continue;
        if (i + 1 == argc || !*argv[i + 1])
            goto refuse;
        *value = argv[++i];
        continue;

    refuse:
        *culprit = argv[i];
        return RC_INVALID;
    }
    *out = o;
    return RC_OK;
}

void options_help(void)
{
    (void)fputs("security-agent " SECURITY_AGENT_VERSION
                " - reports this machine's security state to an IoT Hub module\n"
                "\n"
                "usage: security-agent [--config FILE] [--ca FILE]\n"
                "       security-agent --help | --version\n"
                "\n"
                "  --config FILE  a " SETTINGS_FILE_NAME " in the form of the Azure security agent for Linux.\n"
                "                 Without it: the one beside this program; without that: the connection\n"
                "                 string in IOTHUB_DEVICE_CONNECTION_STRING.\n"
                "  --ca FILE      trust these authorities (PEM). Without it: SSL_CERT_FILE, then the system's.\n"
                "\n"
                "The configuration of the agent comes from its module twin. Locally, these environment variables\n"
                "(left) and places in the file (right) set how it behaves; the variable wins:\n"
                "\n",
                stdout);
    settings_help(stdout);
    (void)fputs("\n"
                "examples:\n"
                "  IOTHUB_DEVICE_CONNECTION_STRING='HostName=127.0.0.9;DeviceId=edge-1;ModuleId=azureiotsecurity;\n"
                "  SharedAccessKey=...' SSL_CERT_FILE=ca.pem security-agent\n"
                "  security-agent --config /etc/security-agent/" SETTINGS_FILE_NAME "\n"
                "  SECURITY_AGENT_TRIGGER_INTERVAL=PT1S SECURITY_AGENT_TOKEN_LIFETIME=PT10S security-agent\n"
                "\n"
                "exit status: 0 stopped by SIGTERM or SIGINT, 1 it could not start, 2 the command line is wrong;\n"
                "in the legacy modes 0, too, when the start failed for a reason that has a name\n",
                stdout);
}
