#include "rules.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "mapped.h"

struct rule {
    long first;  // 0: no rule
    int lasts;
    int error;
};

static struct rule rules[CALL_CLASSES];
static atomic_long counts[CALL_CLASSES];
static const volatile char *armed;

static const char *const class_names[CALL_CLASSES] = {"write", "sync", "rename", "open", "malloc"};

static const struct {
    const char *name;
    int number;
} errors[] = {{"EIO", EIO}, {"ENOSPC", ENOSPC}, {"EMFILE", EMFILE}, {"ENOMEM", ENOMEM}, {"EDQUOT", EDQUOT}, {"KILL", RULES_KILL}};

// A word up to a delimiter; nothing is allocated, since allocating may be what fails.
static int is_word(const char *text, const char *word) {
    size_t length = strlen(word);
    return strncmp(text, word, length) == 0 && (text[length] == 0 || strchr(":,", text[length]));
}

static void read_rule(const char *text) {
    for (int class = 0; class < CALL_CLASSES; class++) {
        if (!is_word(text, class_names[class])) continue;
        char *end;
        long first = strtol(text + strlen(class_names[class]) + 1, &end, 10);
        int lasts = *end == '+';
        end += lasts + 1;
        for (size_t index = 0; index < sizeof errors / sizeof *errors; index++)
            if (is_word(end, errors[index].name)) {
                rules[class] = (struct rule){first, lasts, errors[index].number};
                return;
            }
        break;
    }
    // A test whose fault never comes would show nothing.
    abort();
}

__attribute__((constructor)) static void read_rules(void) {
    armed = mapped_file("FAULTS_ARMED", 1);
    const char *text = getenv("FAULTS_FAIL");
    while (text && *text) {
        read_rule(text);
        text = strchr(text, ',');
        if (text) text++;
    }
}

int rules_has(enum call_class class) { return rules[class].first != 0; }

int rules_judge(enum call_class class) {
    struct rule rule = rules[class];
    if (!rule.first || (armed && !*armed)) return 0;
    long count = atomic_fetch_add(&counts[class], 1) + 1;
    return count == rule.first || (rule.lasts && count > rule.first) ? rule.error : 0;
}
