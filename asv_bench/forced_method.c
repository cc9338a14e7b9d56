/* Runs a problem by any of the methods that the planner may choose among, for planner_grid.py, which measures how well it chooses.  Several
 * methods answer to the same public name ("direct"), and the gradients' forward problems have methods of their own, so that no option
 * forces them.  This file takes the place of core/plan.c in a library of its own: the planner is compiled into it, unchanged, and what it
 * decided is replaced after the fact. */
#define _POSIX_C_SOURCE 199309L /* for a clock that nobody sets */
#include "core/plan.h"
#include "runtime/dispatch.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

/* The planner's own function for children goes by another name: methods call the one below. */
#undef cf_plan_child
#define cf_plan_child cf_plan_child_freely
CF_HIDDEN int cf_plan_child(const cf_plan *parent, const cf_shape *shape, corrfast_pass pass, unsigned conjugate, int method, const void *weights,
                            cf_plan *child);
#include "core/plan.c"
#undef cf_plan_child

/* In the place of a corrfast_method: the adjoint hands on what it was asked for to its child, and so the child's method is forced. */
enum { FORCED = 1000 };

typedef struct forced_method {
    char name[48];       /* "direct-adjoint:fft" runs forward problems by fft */
    double seconds, one; /* the planner's estimates, of the whole batch and of one sample; the latter decide */
    int32_t code, chosen;
} forced_method;

static int recording;
static const cf_method *handed_on; /* the method of the last child whose choice was the planner's, or forced */

/* As `choose` does once it has decided. */
static int set_method(cf_plan *plan, const cf_method *method)
{
    if (!method->supports(&plan->task) || !suits(method, &plan->task))
        return CORRFAST_ERR_METHOD;
    plan->method = method;
    plan->seconds = method->seconds(&plan->task, plan->kernels);
    if (plan->seconds >= CF_NEVER)
        return CORRFAST_ERR_METHOD;
    if (method->decide) { /* as for one sample */
        cf_task one = plan->task;
        if (!one.is_gradient)
            one.shape.batch = cf_min(one.shape.batch, 1);
        method->decide(&one, plan->kernels, plan->decided);
    }
    return CORRFAST_OK;
}

int CF_NAME(_plan_child)(const cf_plan *parent, const cf_shape *shape, corrfast_pass pass, unsigned conjugate, int method, const void *weights,
                         cf_plan *child)
{
    const int forced = method >= FORCED, open = forced || method == CORRFAST_AUTO;
    int status = cf_plan_child_freely(parent, shape, pass, conjugate, forced ? CORRFAST_AUTO : method, weights, child);
    if (!status && forced)
        status = set_method(child, methods[method - FORCED]);
    if (recording && open)
        handed_on = status ? NULL : child->method;
    return status;
}

/* A code is a method's place in the planner's table, and in steps of the table's length that of the child's method plus 1; below 0: the
 * planner's choice. */
static int plan_as(const corrfast_problem *problem, int pass, const corrfast_options *options, const void *weights, int code, cf_plan *plan)
{
    const cf_kernels *kernels = cf_kernels_get();
    int status = kernels ? cf_plan_make(kernels, problem, pass, options, weights, plan) : CORRFAST_ERR_ISA;
    if (status || code < 0)
        return status;
    if (code >= METHOD_COUNT)
        plan->task.asked = FORCED + code / METHOD_COUNT - 1;
    return set_method(plan, methods[code % METHOD_COUNT]);
}

/* What `plan` runs its child by, NULL if it is no adjoint. */
static const cf_method *child_method(const cf_plan *plan)
{
    if (plan->method != &cf_method_adjoint)
        return NULL;
    handed_on = NULL;
    recording = 1;
    plan->method->seconds(&plan->task, plan->kernels);
    recording = 0;
    return handed_on;
}

static double one_sample(const cf_plan *plan)
{
    cf_task task = plan->task;
    task.shape.batch = cf_min(task.shape.batch, 1);
    return plan->method->seconds(&task, plan->kernels);
}

int forced_methods(const corrfast_problem *problem, int pass, const corrfast_options *options, const void *weights, forced_method *found, int most)
{
    cf_plan plan;
    int count = 0, status = plan_as(problem, pass, options, weights, -1, &plan);
    if (status)
        return status;
    const cf_method *chosen = plan.method, *chosen_child = child_method(&plan);
    for (int code = 0; code < METHOD_COUNT * (METHOD_COUNT + 1) && count < most; code++) {
        const cf_method *child = code < METHOD_COUNT ? NULL : methods[code / METHOD_COUNT - 1];
        if ((methods[code % METHOD_COUNT] == &cf_method_adjoint) != (child != NULL) ||
            plan_as(problem, pass, options, weights, code, &plan) != CORRFAST_OK || child_method(&plan) != child)
            continue;
        forced_method *f = &found[count++];
        snprintf(f->name, sizeof f->name, child ? "%s:%s" : "%s", plan.method->name, child ? child->name : "");
        f->seconds = plan.seconds;
        f->one = one_sample(&plan);
        f->code = code;
        f->chosen = plan.method == chosen && child == chosen_child;
    }
    return count;
}

/* Seconds of a run: the least of `samples`, each the mean of `calls` runs, so that what interrupts a few of them does not count.  Without the
 * planning, which is the same for all.  Below 0: a corrfast_status. */
double forced_seconds(const corrfast_problem *problem, int pass, const corrfast_options *options, int code, void *input, void *kernel,
                      void *output, int64_t samples, int64_t calls)
{
    cf_plan plan;
    double least = INFINITY;
    const cf_arrays arrays = {input, kernel, output};
    int status = plan_as(problem, pass, options, pass == CORRFAST_FORWARD ? kernel : NULL, code, &plan);
    for (int64_t sample = 0; sample < samples && !status; sample++) {
        struct timespec from, to;
        clock_gettime(CLOCK_MONOTONIC, &from);
        for (int64_t i = 0; i < calls && !status; i++) {
            cf_run run = {.options = options, .memory = {.options = options}};
            status = cf_plan_run(&plan, &arrays, &run);
        }
        clock_gettime(CLOCK_MONOTONIC, &to);
        least = fmin(least, ((double)(to.tv_sec - from.tv_sec) + 1e-9 * (double)(to.tv_nsec - from.tv_nsec)) / (double)calls);
    }
    return status ? status : least;
}
