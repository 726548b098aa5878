/* collect_hardware.c - ConnectedHardware: what hangs on the USB, from /sys/bus/usb/devices. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "collect.h"

#define FOLDER "/sys/bus/usb/devices"

/* Classes of devices by their hexadecimal number; 00 tells it of each interface. */
static const char *const classes[][2] = {
    {"00", "Composite"}, {"01", "Audio"},   {"02", "Communications"}, {"03", "HumanInterface"},
    {"06", "Image"},     {"07", "Printer"}, {"08", "MassStorage"},    {"09", "Hub"},
    {"0b", "SmartCard"}, {"0e", "Video"},   {"e0", "Wireless"},       {"ef", "Miscellaneous"},
};

/* Read the first line of a device's file. */
static void line_read(const struct collect_roots *roots, const char *device, const char *name, char out[256])
{
    char path[512];

    (void)snprintf(path, sizeof path, FOLDER "/%.255s/%s", device, name);
    (void)collect_small(roots, path, out, 256);
    out[strcspn(out, "\n")] = '\0';
}

static bool device_take(const struct collect_roots *roots, const char *device, cJSON *payload)
{
    char class[256], product[256], vendor[256], name[600];
    const char *kind = "Other";
    cJSON *entry;

    line_read(roots, device, "bDeviceClass", class);
    if (!*class)
        return true; /* no device: an interface of one */
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (strcmp(classes[i][0], class) == 0)
            kind = classes[i][1];
    line_read(roots, device, "manufacturer", vendor);
    line_read(roots, device, "product", product);
    if (!*product) {
        line_read(roots, device, "idVendor", vendor);
        line_read(roots, device, "idProduct", product);
    }
    (void)snprintf(name, sizeof name, "%s%s%s", vendor, *vendor ? " " : "", product);
    entry = cJSON_CreateObject();
    if (entry && cJSON_AddStringToObject(entry, "HardwareCategory", "USB") &&
        cJSON_AddStringToObject(entry, "HardwareSubCategory", kind) &&
        cJSON_AddStringToObject(entry, "HardwareName", name) && cJSON_AddItemToArray(payload, entry))
        return true;
    cJSON_Delete(entry);
    return false;
}

cJSON *collect_hardware(const struct collect_roots *roots)
{
    char full[COLLECT_PATH_MAX];
    struct dirent **names = NULL;
    cJSON *payload = cJSON_CreateArray();
    bool ok = payload != NULL;
    int n = collect_path(roots, FOLDER, full) ? scandir(full, &names, NULL, alphasort) : -1;

    for (int i = 0; i < n; i++) {
        if (ok && names[i]->d_name[0] != '.')
            ok = device_take(roots, names[i]->d_name, payload);
        free(names[i]);
    }
    free(names);
    if (ok)
        return payload;
    cJSON_Delete(payload);
    return NULL;
}
