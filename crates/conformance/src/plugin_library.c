/* A plugin for `GET /greet`, without any code of ours. The words in `switches` are changed in the built file. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct text { const char *start; size_t length; };
struct reply { void (*take)(void *context, struct text answer); void *context; };
struct table {
    char magic[8];
    uint32_t abi, size;
    struct text name, version;
    uint32_t (*start)(struct reply);
    uint32_t (*greet)(struct text name, struct reply);
};

static const volatile char switches[] = "SWITCHES=none      0000";

static int is(const char *fault) {
    for (size_t at = 0; fault[at]; at++)
        if (switches[9 + at] != fault[at]) return 0;
    return 1;
}

__attribute__((constructor)) static void constructor(void) {
    if (is("abort")) abort();
    if (is("endless")) for (;;) sleep(1);
}

static uint32_t start(struct reply reply) {
    struct text nothing = { "", 0 };
    reply.take(reply.context, nothing);
    return 0;
}

/* The version 100 times, then the name. A name that begins with `/` is the path of a file that is waited for. */
static uint32_t greet(struct text name, struct reply reply) {
    char answer[1024], path[256];
    size_t length = 0;
    for (int word = 0; word < 100; word++) {
        for (int digit = 0; digit < 4; digit++) answer[length++] = switches[19 + digit];
        if (word == 50) {
            if (is("mixed")) answer[length - 1] ^= 1;
            if (name.length > 0 && name.length < sizeof path && name.start[0] == '/') {
                memcpy(path, name.start, name.length);
                path[name.length] = 0;
                while (access(path, F_OK) != 0) usleep(1000);
            }
        }
        answer[length++] = ' ';
    }
    if (name.length < sizeof answer - length) {
        memcpy(answer + length, name.start, name.length);
        length += name.length;
    }
    struct text text = { answer, length };
    reply.take(reply.context, text);
    return is("failing") && name.length == 7 ? 1 : 0;
}

const struct table plugin_table = {
    { 'g', 'r', 'e', 'e', 't', 'A', 'B', 'I' }, 1, sizeof(struct table), { "counting", 8 }, { "1", 1 }, start, greet,
};
