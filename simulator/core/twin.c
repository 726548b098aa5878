/* twin.c - a twin's life, its measures and its invariant. Checking, writing, printing and reading have their own files. */
#include "twin_internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

struct twin *twin_new(int64_t now_us)
{
    struct twin *t = calloc(1, sizeof *t);
    struct twin_stamp stamp;

    if (!t)
        return NULL;
    twin_stamp_init(&stamp, now_us, 0);
    buf_init(&t->device_view, 0);
    t->desired = json_node(cJSON_Object);
    t->reported = json_node(cJSON_Object);
    t->desired_metadata = twin_metadata_new(NULL, &stamp);
    t->reported_metadata = twin_metadata_new(NULL, &stamp);
    if (!t->desired || !t->reported || !t->desired_metadata || !t->reported_metadata) {
        twin_free(t);
        return NULL;
    }
    t->etag = t->desired_version = t->reported_version = 1;
    t->version = 2;
    t->bytes = sizeof *t + twin_heap(t->desired) + twin_heap(t->reported) + twin_heap(t->desired_metadata) +
               twin_heap(t->reported_metadata);
    return t;
}

void twin_free(struct twin *t)
{
    if (!t)
        return;
    cJSON_Delete(t->tags);
    cJSON_Delete(t->desired);
    cJSON_Delete(t->reported);
    cJSON_Delete(t->desired_metadata);
    cJSON_Delete(t->reported_metadata);
    buf_done(&t->device_view);
    free(t);
}

/* Bytes of a text, control characters (C0, DEL, C1) not counted. */
static size_t text_size(const char *text)
{
    size_t size = 0;

    for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
        if (*at >= 0x20 && *at != 0x7F)
            size++;
        if (*at == 0xC2 && at[1] >= 0x80 && at[1] <= 0x9F) {
            size--;
            at++;
        }
    }
    return size;
}

size_t twin_value_size(const cJSON *value)
{
    size_t size = 0;

    switch (value->type & 0xFF) {
    case cJSON_String:
        return text_size(value->valuestring);
    case cJSON_Number:
        return 8;
    case cJSON_True:
    case cJSON_False:
        return 4;
    case cJSON_Object:
        for (const cJSON *member = value->child; member; member = member->next)
            if (!cJSON_IsNull(member))
                size += twin_member_size(member);
        return size;
    case cJSON_Array:
        for (const cJSON *element = value->child; element; element = element->next)
            size += twin_value_size(element);
        return size;
    default:
        return 0;
    }
}

size_t twin_member_size(const cJSON *member)
{
    return strlen(member->string) + twin_value_size(member);
}

/* What malloc takes for n bytes, as glibc does it. */
static size_t chunk(size_t n)
{
    return n <= 24 ? 32 : (n + 8 + 15) / 16 * 16;
}

size_t twin_heap(const cJSON *tree)
{
    size_t bytes;

    if (!tree)
        return 0;
    if (tree->type & cJSON_StringIsConst)
        return chunk(sizeof *tree + ISO_TIME_MAX); /* a stamp: overwritten in place, so what is in it does not count */
    bytes = chunk(sizeof *tree);
    if (tree->string)
        bytes += chunk(strlen(tree->string) + 1);
    if (tree->valuestring)
        bytes += chunk(strlen(tree->valuestring) + 1);
    for (const cJSON *child = tree->child; child; child = child->next)
        bytes += twin_heap(child);
    return bytes;
}

bool twin_is_valid(const struct twin *t)
{
    return t && cJSON_IsObject(t->desired) && cJSON_IsObject(t->reported) && (!t->tags || cJSON_IsObject(t->tags)) &&
           t->etag >= 1 && t->desired_version >= 1 && t->reported_version >= 1 && t->version >= 1 &&
           twin_metadata_mirrors(t->desired_metadata, t->desired) &&
           twin_metadata_mirrors(t->reported_metadata, t->reported) &&
           t->computed[TWIN_TAGS] == (t->tags ? twin_value_size(t->tags) : 0) &&
           t->computed[TWIN_DESIRED] == twin_value_size(t->desired) &&
           t->computed[TWIN_REPORTED] == twin_value_size(t->reported);
}

void twin_etag_print(int64_t etag, char out[16])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint64_t value = (uint64_t)etag;

    /* 64 bits are ten digits of six, and four bits that want an eleventh: two zero bits and one '=' fill it up */
    for (int i = 0; i < 10; i++)
        out[i] = digits[value >> (58 - 6 * i) & 63];
    out[10] = digits[(value & 15) << 2];
    out[11] = '=';
    out[12] = '\0';
}
