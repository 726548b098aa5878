/* topics.h - every topic of the hub, as one table: docs/reference/topics.md is made from it, and a test holds topic.c to it.
 *
 * A row: kind or class (topic.h), who ("both", "device", "module"), the form, an example (of dev1 and its module mod1), what it is,
 * facts.
 */
#ifndef TWINSIM_TOPICS_H
#define TWINSIM_TOPICS_H

/* What a device or module publishes to. */
#define TOPIC_PUBLISHED_LIST(X)                                                                                        \
    X(TELEMETRY, "device", "devices/{d}/messages/events[/[?]{bag}][/]",                                                \
      "devices/dev1/messages/events/%24.ct=application%2Fjson&a=b/", "a message; the bag holds its properties",        \
      "M-18, M-19")                                                                                                    \
    X(TELEMETRY, "module", "devices/{d}/modules/{m}/messages/events[/[?]{bag}][/]",                                    \
      "devices/dev1/modules/mod1/messages/events/%24.on=out1", "the same; `$.on` names an output", "M-18, C-04")       \
    X(TWIN_GET, "both", "$iothub/twin/GET/?$rid={rid}", "$iothub/twin/GET/?$rid=7",                                    \
      "read the twin; the body is not looked at", "M-26, C-06")                                                        \
    X(TWIN_PATCH_REPORTED, "both", "$iothub/twin/PATCH/properties/reported/?$rid={rid}[&$version={n}]",                \
      "$iothub/twin/PATCH/properties/reported/?$rid=8&$version=3", "merge into the reported properties", "M-27, M-28") \
    X(METHOD_ANSWER, "both", "$iothub/methods/res/{status}/?$rid={rid}", "$iothub/methods/res/200/?$rid=1f",           \
      "answer a method", "M-24, C-12")

/* What it subscribes to. */
#define TOPIC_FILTER_LIST(X)                                                                                           \
    X(TWIN_RES, "both", "$iothub/twin/res/#", "$iothub/twin/res/#", "answers to twin requests", "M-26, M-35")          \
    X(TWIN_DESIRED, "both", "$iothub/twin/PATCH/properties/desired/#", "$iothub/twin/PATCH/properties/desired/#",      \
      "changes of desired properties", "M-31")                                                                         \
    X(METHODS, "both", "$iothub/methods/POST/#", "$iothub/methods/POST/#", "calls of methods", "M-23")                 \
    X(METHODS, "both", "$iothub/methods/POST/{name}/#", "$iothub/methods/POST/reboot/#",                               \
      "the same: it stands for all methods", "M-23")                                                                   \
    X(C2D, "device", "devices/{d}/messages/devicebound/#", "devices/dev1/messages/devicebound/#",                      \
      "cloud-to-device messages", "M-10")                                                                              \
    X(C2D, "device", "devices/+/messages/devicebound/#", "devices/+/messages/devicebound/#",                           \
      "the same: its own alone", "M-13")                                                                               \
    X(C2D, "module", "devices/{d}/modules/{m}/messages/devicebound/#",                                                 \
      "devices/dev1/modules/mod1/messages/devicebound/#", "cloud-to-device messages", "M-10")                          \
    X(INPUTS, "module", "devices/{d}/modules/{m}/inputs/#", "devices/dev1/modules/mod1/inputs/#",                      \
      "messages to its inputs", "C-09")                                                                                \
    X(MODULE_ALL, "module", "devices/{d}/modules/{m}/#", "devices/dev1/modules/mod1/#",                                \
      "inputs and cloud-to-device messages; never its own messages", "C-09")

/* What the hub publishes to it, by which subscription. */
#define TOPIC_SENT_LIST(X)                                                                                             \
    X(TWIN_RES, "both", "$iothub/twin/res/{status}/?$rid={rid}[&$version={n}]",                                        \
      "$iothub/twin/res/204/?$rid=8&$version=4", "the answer to a twin request; the version behind a report",          \
      "M-26, M-27, M-28")                                                                                              \
    X(TWIN_DESIRED, "both", "$iothub/twin/PATCH/properties/desired/?$version={n}",                                     \
      "$iothub/twin/PATCH/properties/desired/?$version=5", "a change of desired properties", "M-31, M-32")             \
    X(METHODS, "both", "$iothub/methods/POST/{name}/?$rid={rid}", "$iothub/methods/POST/reboot/?$rid=1f",              \
      "a call of a method", "M-23")                                                                                    \
    X(C2D, "device", "devices/{d}/messages/devicebound/{bag}",                                                         \
      "devices/dev1/messages/devicebound/%24.to=%2Fdevices%2Fdev1%2Fmessages%2FdeviceBound",                           \
      "a cloud-to-device message", "M-21")                                                                             \
    X(C2D, "module", "devices/{d}/modules/{m}/messages/devicebound/{bag}",                                             \
      "devices/dev1/modules/mod1/messages/devicebound/%24.to=x", "the same", "M-21")                                   \
    X(INPUTS, "module", "devices/{d}/modules/{m}/inputs/{input}/{bag}",                                                \
      "devices/dev1/modules/mod1/inputs/in1/%24.cdid=dev1", "a message to an input", "C-09")

/* What service clients use: who publishes, the form, what it is. */
#define TOPIC_SERVICE_LIST(X)                                                                                          \
    X("the service", "$CONTROL/twinsim/v1", "commands ([control](control.md), section 1)")                             \
    X("the hub", "$CONTROL/twinsim/v1/response", "their answers, to who asked alone; no subscription is needed")       \
    X("the hub", "$twinsim/v1/events/{d}[/{m}]/{kind}",                                                                \
      "what the hub sees and does ([control](control.md), section 2)")                                                 \
    X("the hub", "$twinsim/v1/hub/{kind}", "the same where no identity is concerned")                                  \
    X("the hub", "$twinsim/hub-events/v1/{d}[/{m}]/{source}",                                                          \
      "events in the real service's own shape ([events](events.md))")                                                  \
    X("a device", "devices/{d}[/modules/{m}]/messages/events/{bag}",                                                   \
      "its message, where it wrote it: subscribe to `devices/+/messages/events/#` or "                                 \
      "`devices/+/modules/+/messages/events/#`")

#endif
