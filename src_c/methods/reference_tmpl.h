/* The three passes for one dtype: T as stored, A as summed, ADD(sum, x, w) the sum with one more product. */
#define FN(name) CF_CAT(CF_CAT(name, _), NAME)
#ifndef LOAD
#define LOAD(x) (x)
#define STORE(s) (s)
#endif

static A FN(load)(const void *array, int64_t index, int conjugate)
{
    A value = LOAD(((const T *)array)[index]);
#if REAL
    (void)conjugate;
#else
    if (conjugate)
        value.im = -value.im;
#endif
    return value;
}

/* y[b,g,co,z,y,:] */
static void FN(forward)(const void *argument, int64_t index, cf_worker *worker)
{
    const job *job_ = argument;
    const cf_task *t = job_->task;
    const cf_shape *s = &t->shape;
    const cf_axis *a = s->axis;
    int cx = (t->conjugate & CORRFAST_CONJ_INPUT) != 0, cw = (t->conjugate & CORRFAST_CONJ_KERNEL) != 0;
    int64_t o1 = cf_take_digit(&index, a[1].m), o0 = cf_take_digit(&index, a[0].m);
    int64_t co = cf_take_digit(&index, s->cout), g = cf_take_digit(&index, s->groups), b = index;
    T *y = (T *)job_->arrays->output + cf_y_at(s, b, g, co) + o0 * a[0].ys + o1 * a[1].ys;
    A cval = FN(load)(t->cval, 0, cx);
    for (int64_t o2 = 0; o2 < a[2].m; o2++) {
        A sum;
        memset(&sum, 0, sizeof sum);
        for (int64_t ci = 0; ci < s->cin; ci++)
            for (int64_t j0 = 0; j0 < a[0].k; j0++)
                for (int64_t j1 = 0; j1 < a[1].k; j1++)
                    for (int64_t j2 = 0; j2 < a[2].k; j2++) {
                        int64_t p0 = meet(&a[0], o0, j0), p1 = meet(&a[1], o1, j1), p2 = meet(&a[2], o2, j2);
                        int outside = p0 < 0 || p1 < 0 || p2 < 0;
                        if (outside && t->pads_with_zero)
                            continue;
                        A x = outside ? cval
                                      : FN(load)(job_->arrays->input, cf_x_at(s, b, g, ci) + p0 * a[0].xs + p1 * a[1].xs + p2 * a[2].xs, cx);
                        A w = FN(load)(job_->arrays->kernel, cf_w_at(s, g, co, ci) + j0 * a[0].ws + j1 * a[1].ws + j2 * a[2].ws, cw);
                        sum = ADD(sum, x, w);
                    }
        y[o2 * a[2].ys] = STORE(sum);
        if (cf_poll(worker, 16.0 * (double)(s->cin * a[0].k * a[1].k * a[2].k)))
            return;
    }
}

/* Samples [first, first + n) of x[b,ci,:,:,:], counted along the lines, in sums that begin with them; or all, in x itself. */
static void FN(scatter)(const job *job_, int64_t b, int64_t group, int64_t ci, A *sums, const int64_t step[3], int64_t first, int64_t n,
                        cf_worker *worker)
{
    const cf_task *t = job_->task;
    const cf_shape *s = &t->shape;
    const cf_axis *a = s->axis;
    int cg = (t->conjugate & CORRFAST_CONJ_OUTPUT) != 0, cw = (t->conjugate & CORRFAST_CONJ_KERNEL) != 0, aside = sizeof(A) != sizeof(T);
    for (int64_t co = 0; co < s->cout; co++)
        for (int64_t o0 = 0; o0 < a[0].m; o0++)
            for (int64_t o1 = 0; o1 < a[1].m; o1++)
                for (int64_t o2 = 0; o2 < a[2].m; o2++) {
                    A g = FN(load)(job_->arrays->output, cf_y_at(s, b, group, co) + o0 * a[0].ys + o1 * a[1].ys + o2 * a[2].ys, cg);
                    for (int64_t j0 = 0; j0 < a[0].k; j0++)
                        for (int64_t j1 = 0; j1 < a[1].k; j1++)
                            for (int64_t j2 = 0; j2 < a[2].k; j2++) {
                                int64_t p0 = meet(&a[0], o0, j0), p1 = meet(&a[1], o1, j1), p2 = meet(&a[2], o2, j2);
                                if (p0 < 0 || p1 < 0 || p2 < 0)
                                    continue;
                                int64_t at = p0 * step[0] + p1 * step[1] + p2 * step[2] - first;
                                if (aside && (at < 0 || at >= n))
                                    continue;
                                A w = FN(load)(job_->arrays->kernel,
                                               cf_w_at(s, group, co, ci) + j0 * a[0].ws + j1 * a[1].ws + j2 * a[2].ws, cw);
                                sums[at] = ADD(sums[at], g, w);
                            }
                    if (cf_poll(worker, 16.0 * (double)(a[0].k * a[1].k * a[2].k)))
                        return;
                }
}

/* x[b,ci,:,:,:] */
static void FN(backward_input)(const void *argument, int64_t index, cf_worker *worker)
{
    const job *job_ = argument;
    const cf_shape *s = &job_->task->shape;
    const cf_axis *a = s->axis;
    int64_t ci = cf_take_digit(&index, s->cin), group = cf_take_digit(&index, s->groups), b = index;
    T *x = (T *)job_->arrays->input + cf_x_at(s, b, group, ci);
    if (sizeof(A) == sizeof(T)) {
        for (int64_t i0 = 0; i0 < a[0].n; i0++)
            for (int64_t i1 = 0; i1 < a[1].n; i1++)
                for (int64_t i2 = 0; i2 < a[2].n; i2++)
                    memset(&x[i0 * a[0].xs + i1 * a[1].xs + i2 * a[2].xs], 0, sizeof(T));
        FN(scatter)(job_, b, group, ci, (A *)(void *)x, (const int64_t[]){a[0].xs, a[1].xs, a[2].xs}, 0, 0, worker);
        return;
    }
    A *sums = (A *)worker->scratch;
    const int64_t all = a[0].n * a[1].n * a[2].n;
    for (int64_t first = 0; first < all && !cf_poll(worker, 0); first += MOST_ASIDE) {
        const int64_t n = cf_min(MOST_ASIDE, all - first);
        memset(sums, 0, (size_t)n * sizeof(A));
        FN(scatter)(job_, b, group, ci, sums, (const int64_t[]){a[1].n * a[2].n, a[2].n, 1}, first, n, worker);
        for (int64_t i = 0, at = first; i < n; i++, at++)
            x[at / a[2].n / a[1].n * a[0].xs + at / a[2].n % a[1].n * a[1].xs + at % a[2].n * a[2].xs] = STORE(sums[i]);
    }
}

/* w[co,ci,j0,j1,j2] */
static void FN(backward_kernel)(const void *argument, int64_t index, cf_worker *worker)
{
    const job *job_ = argument;
    const cf_task *t = job_->task;
    const cf_shape *s = &t->shape;
    const cf_axis *a = s->axis;
    int cg = (t->conjugate & CORRFAST_CONJ_OUTPUT) != 0, cx = (t->conjugate & CORRFAST_CONJ_INPUT) != 0;
    int64_t j2 = cf_take_digit(&index, a[2].k), j1 = cf_take_digit(&index, a[1].k), j0 = cf_take_digit(&index, a[0].k);
    int64_t ci = cf_take_digit(&index, s->cin), co = cf_take_digit(&index, s->cout), group = index;
    A cval = FN(load)(t->cval, 0, cx), sum;
    memset(&sum, 0, sizeof sum);
    for (int64_t b = 0; b < s->batch; b++)
        for (int64_t o0 = 0; o0 < a[0].m; o0++)
            for (int64_t o1 = 0; o1 < a[1].m; o1++) {
                for (int64_t o2 = 0; o2 < a[2].m; o2++) {
                    int64_t p0 = meet(&a[0], o0, j0), p1 = meet(&a[1], o1, j1), p2 = meet(&a[2], o2, j2);
                    int outside = p0 < 0 || p1 < 0 || p2 < 0;
                    if (outside && t->pads_with_zero)
                        continue;
                    A x = outside ? cval
                                  : FN(load)(job_->arrays->input, cf_x_at(s, b, group, ci) + p0 * a[0].xs + p1 * a[1].xs + p2 * a[2].xs, cx);
                    A g = FN(load)(job_->arrays->output, cf_y_at(s, b, group, co) + o0 * a[0].ys + o1 * a[1].ys + o2 * a[2].ys, cg);
                    sum = ADD(sum, x, g);
                }
                if (cf_poll(worker, 16.0 * (double)a[2].m))
                    return;
            }
    ((T *)job_->arrays->kernel)[cf_w_at(s, group, co, ci) + j0 * a[0].ws + j1 * a[1].ws + j2 * a[2].ws] = STORE(sum);
}

#undef FN
#undef LOAD
#undef STORE
#undef ADD
#undef T
#undef A
#undef NAME
