/* What the checkers of kernels share: cases drawn from a seed, the command line, and a walk through the instruction sets. */
#ifndef CF_CHECKER_H
#define CF_CHECKER_H

#include "../../src_c/runtime/dispatch.h"
#include "testing.h"

#include <getopt.h>
#include <signal.h>
#include <time.h>

static random_source source;

static int64_t pick(const int64_t *from, int64_t count) { return from[random_between(&source, 0, count - 1)]; }
#define PICK(...) pick((const int64_t[]){__VA_ARGS__}, (int64_t)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)))

static char kernel_name[64]; /* the one in work */
static char doing[512];      /* the case in work, as options; said by the signal handler */

static struct {
    const char *program;
    uint64_t seed;
    int64_t cases;
    const char *isa, *test, *required;
    enum { CHECK, BENCH, LIST } task;
} asked = {.cases = 1000, .test = "", .required = ""};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void crashed(int number)
{
    static const char said[] = "\ncrashed: ";
    if (write(STDOUT_FILENO, said, sizeof said - 1) < 0 || write(STDOUT_FILENO, doing, strlen(doing)) < 0 ||
        write(STDOUT_FILENO, "\n", 1) < 0)
        _exit(3);
    _exit(number == SIGILL ? 4 : 3);
}

static int help(const char *names, int status)
{
    printf("usage: %s [--seed N] [--cases N] [--isa NAME] [--test PART-OF-A-NAME] [--require NAME,NAME...] [--bench] [--list]\n"
           "Checks each kernel (%s) of each instruction set that this CPU has.\n"
           "  --seed     of the first case; printed, so that a failure can be had again (default: the time)\n"
           "  --cases    of each kernel (default 1000)\n"
           "  --require  instruction sets without which the check counts as failed\n"
           "  --bench    times the same calls instead\n", asked.program, names);
    return status;
}

/* 0, or the exit status that the command line asks for, plus 1. */
static int parse(int argc, char **argv, const char *names)
{
    enum { SEED = 1, CASES, ISA, TEST, REQUIRE, BENCHING, LISTING, HELP };
    static const struct option options[] = {{"seed", 1, NULL, SEED}, {"cases", 1, NULL, CASES}, {"isa", 1, NULL, ISA},
                                            {"test", 1, NULL, TEST}, {"require", 1, NULL, REQUIRE}, {"bench", 0, NULL, BENCHING},
                                            {"list", 0, NULL, LISTING}, {"help", 0, NULL, HELP}, {NULL, 0, NULL, 0}};
    const char *slash = strrchr(argv[0], '/');
    char *end = "";
    asked.program = slash ? slash + 1 : argv[0];
    asked.seed = (uint64_t)time(NULL);
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (option) {
        case SEED: asked.seed = strtoull(optarg, &end, 0); break;
        case CASES: asked.cases = strtoll(optarg, &end, 0); break;
        case ISA: asked.isa = optarg; break;
        case TEST: asked.test = optarg; break;
        case REQUIRE: asked.required = optarg; break;
        case BENCHING: asked.task = BENCH; break;
        case LISTING: asked.task = LIST; break;
        case HELP: return 1 + help(names, 0);
        default: return 1 + help(names, 2);
        }
        if (*end || asked.cases < 1) {
            printf("%s: %s is no such number\n", asked.program, optarg);
            return 1 + help(names, 2);
        }
    }
    return optind < argc ? 1 + help(names, 2) : 0;
}

/* Whether the kernel of that name is asked for; if so it is counted, and named. */
static int wanted(int64_t *tested, const char *kernel, const char *type, const char *isa)
{
    snprintf(kernel_name, sizeof kernel_name, "%s_%s__%s", kernel, type, isa);
    if (!strstr(kernel_name, asked.test))
        return 0;
    if (asked.task == LIST)
        printf("%s\n", kernel_name);
    ++*tested;
    return 1;
}

/* The index-th case of the kernel in work. */
static void begin_case(int64_t index)
{
    source.state = asked.seed + (uint64_t)index;
    snprintf(doing, sizeof doing, "--test %s --seed %llu --cases 1", kernel_name, (unsigned long long)source.state);
}

/* The required instruction sets that are not in `ran`, a list in commas. */
static int64_t missing(const char *ran)
{
    int64_t count = 0;
    for (const char *name = asked.required; *name;) {
        size_t length = strcspn(name, ",");
        char required[64];
        snprintf(required, sizeof required, ",%.*s,", (int)length, name);
        if (!strstr(ran, required)) {
            printf("%s: %.*s was required and did not run\n", asked.program, (int)length, name);
            count++;
        }
        name += length + (name[length] == ',');
    }
    return count;
}

/* All kernels of one instruction set that are `wanted`: does what `asked` says, and returns the number of failed cases. */
typedef int64_t check_isa_fn(const char *isa, const cf_kernels *ours, const cf_kernels *scalar, int64_t *tested);

/* main() of a checker; `names` are a few of its kernels.  Returns the exit status. */
static int check_all(int argc, char **argv, const char *names, check_isa_fn *check_isa)
{
    int64_t failed = 0, all = 0;
    char ran[256] = ",";
    const char *isa;
    const cf_kernels *scalar = NULL;
    int leave = parse(argc, argv, names);
    if (leave)
        return leave - 1;
    signal(SIGSEGV, crashed);
    signal(SIGBUS, crashed);
    signal(SIGILL, crashed);
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (asked.task == CHECK)
        printf("%s: --seed %llu --cases %lld\n", asked.program, (unsigned long long)asked.seed, (long long)asked.cases);
    for (int i = 0; (isa = corrfast_isa_info(i, NULL, NULL)); i++)
        if (strcmp(isa, "scalar") == 0)
            scalar = cf_kernels_of(i);
    for (int i = 0, usable; (isa = corrfast_isa_info(i, &usable, NULL)); i++) {
        int64_t tested = 0, bad = 0;
        if (asked.isa && strcmp(asked.isa, isa) != 0)
            continue;
        if (!usable) {
            printf("%-8s could not run: this CPU does not have it\n", isa);
            continue;
        }
        bad = check_isa(isa, cf_kernels_of(i), scalar, &tested);
        if (tested && asked.task == CHECK)
            printf("%-8s ran: %lld kernels, %lld cases each, %lld failed\n", isa, (long long)tested, (long long)asked.cases, (long long)bad);
        if (tested)
            snprintf(ran + strlen(ran), sizeof ran - strlen(ran), "%s,", isa);
        failed += bad;
        all += tested;
    }
    failed += missing(ran);
    if (!all)
        printf("%s: no kernel has that name and instruction set here\n", asked.program);
    else if (asked.task == CHECK)
        printf("%s: %lld cases, %lld failed\n", asked.program, (long long)(all * asked.cases), (long long)failed);
    return failed || !all;
}

#endif
