"""prepare, explain, precision_scope, the number of threads and show_config."""
import asyncio
import concurrent.futures
import re
import threading

import corrfast
import numpy as np
import pytest
from comparison import assert_identical, assert_same_bits
from hypothesis import given
from hypothesis import strategies as st
from problems import generated, problems, random_reals


@given(problem=problems(), use_shape=st.booleans())
@generated(400)
def test_a_prepared_kernel_gives_the_bits_of_the_plain_call(problem, use_shape):
    a, v = problem.operands(random_reals)
    with np.errstate(over="ignore"):  # NumPy's, where dtype= is float16 and the integers are large
        run = corrfast.prepare(v, function=problem.function, shape=a.shape if use_shape else None, **problem.options)
        want = getattr(corrfast, problem.function)(a, v, **problem.options)
        for _ in range(2):
            assert_same_bits(run(a), want)
        out = np.empty_like(want)
        assert run(a, out=out) is out
    assert_same_bits(out, want)


def test_a_prepared_kernel_is_a_copy():
    v = np.array([1., 2, 3])
    run = corrfast.prepare(v)
    v[:] = 0
    assert_identical(run(np.arange(5.)), np.correlate(np.arange(5.), [1., 2, 3]))


def test_a_prepared_kernel_takes_arrays_of_any_shape_and_dtype():
    run = corrfast.prepare(np.array([1, 2, 3], dtype="f4"), "same")
    for a in (np.arange(7.), np.arange(9, dtype="f4"), np.ones((3, 8), "f4"), np.arange(4, dtype="i2"), np.arange(7.) * 1j,
              [1, 2, 3, 4]):
        assert_identical(run(a), corrfast.correlate(a, np.array([1, 2, 3], dtype="f4"), "same"))


def test_a_prepared_shape_is_held_to():
    run = corrfast.prepare(np.ones(3), shape=(10,))
    for shape in ((9,), (11,), (1, 10), (10, 1)):
        with pytest.raises(ValueError, match="shape"):
            run(np.ones(shape))


@pytest.mark.parametrize("keywords, error, word", [
    ({"v": []}, ValueError, "v"), ({"stride": 0}, ValueError, "stride"), ({"mode": "f"}, ValueError, "mode"),
    ({"boundary": "x"}, ValueError, "boundary"), ({"dtype": object}, TypeError, "dtype"),
    ({"function": "sum"}, ValueError, "function"),
    ({"function": corrfast.conv_transpose}, ValueError, "function"), ({"shape": (2,), "stride": 2}, ValueError, "kernel"),
    ({"shape": (9.5,)}, TypeError, "shape"), ({"shape": ()}, ValueError, "v|a|axes|shape"),
    ({"shape": (0,)}, ValueError, "a|shape"),
    ({"shape": (-5,)}, ValueError, "shape|a"), ({"workers": 0}, ValueError, "workers"), ({"method": "x"}, ValueError, "method"),
    ({"precision": "x"}, ValueError, "precision"), ({"v": ["a"]}, TypeError, "v"), ({"cval": "x"}, TypeError, "cval")])
def test_wrong_options_are_refused_when_preparing(keywords, error, word):
    with pytest.raises(error, match=word):
        corrfast.prepare(**{"v": np.ones(3), **keywords})


def test_prepared_kernels_serve_many_threads():
    run = corrfast.prepare(np.arange(5.), "same")
    arrays = [np.random.default_rng(i).standard_normal(50 + i % 7) for i in range(200)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for got, a in zip(pool.map(run, arrays), arrays, strict=True):
            assert_same_bits(got, corrfast.correlate(a, np.arange(5.), "same"))


def test_explain_takes_a_call_and_says_how_it_would_run():
    plan = corrfast.explain(corrfast.correlate, np.ones(1000, "f4"), np.ones(9, "f4"), "same")
    assert plan.method == "direct"
    for word in ("direct", corrfast._core.config()["isa"]):
        assert word in str(plan)


@pytest.mark.parametrize("pass_", ["forward", "backward_input", "backward_kernel"])
def test_explain_takes_every_pass(pass_):
    plan = corrfast.explain(corrfast.convolve, np.ones((50, 60)), np.ones((3, 3)), pass_=pass_, boundary="wrap", stride=2)
    assert plan.method


def test_explain_takes_shapes_with_dtypes_in_place_of_arrays():
    """Nothing of that size is allocated, and the plan is that of the arrays."""
    large = corrfast.explain(corrfast.correlate, ((10**6, 10**6), "f4"), ((3, 3), "f4"))
    assert large.method
    shapes = corrfast.explain(corrfast.correlate, ((100, 90), np.float64), ((3, 3), np.float64), "same")
    assert str(shapes) == str(corrfast.explain(corrfast.correlate, np.ones((100, 90)), np.eye(3), "same"))


def test_explain_names_what_is_wrong_as_the_call_would():
    for arguments, options, error, word in [((np.ones(3), np.ones(5), "foo"), {}, ValueError, "mode"),
                                            ((np.ones(3), []), {}, ValueError, "v"),
                                            ((np.ones(5), np.ones(3)), {"stride": 0}, ValueError, "stride"),
                                            ((np.ones(5), np.ones(3)), {"pass_": "sideways"}, ValueError, "pass_"),
                                            ((np.ones(5), np.ones(3)), {"stride": 1.5}, TypeError, "stride")]:
        with pytest.raises(error, match=word):
            corrfast.explain(corrfast.correlate, *arguments, **options)
    with pytest.raises((TypeError, ValueError), match="function"):
        corrfast.explain(np.convolve, np.ones(5), np.ones(3))
    with pytest.raises(ValueError, match="function=array") as caught:  # the function forgotten
        corrfast.explain(np.ones(1000), np.ones(3))
    assert len(str(caught.value)) < 300


def test_functions_go_by_their_names():
    for function, shapes in ((corrfast.correlate, [(9, 9), (3, 3)]), (corrfast.convolve_vjp, [(11, 11), (9, 9), (3, 3)]),
                             (corrfast.nn.conv2d, [(1, 4, 9, 9), (2, 4, 3, 3)])):
        arrays = [(shape, "f4") for shape in shapes]
        assert str(corrfast.explain(function.__name__, *arrays)) == str(corrfast.explain(function, *arrays))


def test_plans_are_tables_in_notebooks():
    """As many rows as there are lines of text, and nothing that a browser would take for a tag."""
    plan = corrfast.explain("correlate", ((100, 90), "f4"), ((3, 3), "f4"), "same")
    table = plan._repr_html_()
    assert table.startswith("<table>") and table.endswith("</table>")
    assert table.count("<tr>") == len(str(plan).splitlines()) - 1
    assert "correlate, forward" in table


def precision_now():
    return corrfast.arguments.PRECISION_SCOPE.get()


def test_precision_scopes_nest_and_end():
    codes = corrfast.arguments.PRECISIONS
    assert precision_now() == codes["default"]
    with corrfast.precision_scope("exact"):
        assert precision_now() == codes["exact"]
        with corrfast.precision_scope("fast"):
            assert precision_now() == codes["fast"]
        assert precision_now() == codes["exact"]
        with pytest.raises(KeyError), corrfast.precision_scope("fast"):
            raise KeyError
        assert precision_now() == codes["exact"]
    assert precision_now() == codes["default"]


def test_precision_scopes_belong_to_their_thread_and_task():
    def elsewhere():
        with corrfast.precision_scope("fast"):
            started.set()
            assert release.wait(20)

    started, release = threading.Event(), threading.Event()
    with corrfast.precision_scope("exact"):
        worker = threading.Thread(target=elsewhere)
        worker.start()
        assert started.wait(20)
        assert precision_now() == corrfast.arguments.PRECISIONS["exact"]
        release.set()
        worker.join()

    async def task(level, turns):
        with corrfast.precision_scope(level):
            for _ in range(turns):
                await asyncio.sleep(0)
                assert precision_now() == corrfast.arguments.PRECISIONS[level]

    async def both():
        await asyncio.gather(*(task(level, 5) for level in ("exact", "fast", "default", "exact")))

    asyncio.run(both())
    assert precision_now() == corrfast.arguments.PRECISIONS["default"]


@pytest.mark.parametrize("level, error", [("high", ValueError), ("", ValueError), (None, (TypeError, ValueError)),
                                          (1, TypeError)])
def test_unknown_precisions_are_refused(level, error):
    with pytest.raises(error, match="precision|level"), corrfast.precision_scope(level):
        pass


def test_results_are_the_same_in_every_scope():
    a, v = np.random.default_rng(1).standard_normal(500), np.random.default_rng(2).standard_normal(7)
    want = corrfast.correlate(a, v, method="direct")
    for level in ("exact", "default", "fast"):
        with corrfast.precision_scope(level):
            assert_same_bits(corrfast.correlate(a, v, method="direct"), want)


def test_the_number_of_threads_is_set_and_read():
    before = corrfast.get_num_threads()
    assert isinstance(before, int) and before >= 1
    try:
        for count in (1, 2, 3, np.int64(2)):
            corrfast.set_num_threads(count)
            assert corrfast.get_num_threads() == count
    finally:
        corrfast.set_num_threads(before)
    assert corrfast.get_num_threads() == before


@pytest.mark.parametrize("count, error", [(0, ValueError), (-1, ValueError), (1.0, TypeError), (True, TypeError),
                                          ("2", TypeError)])
def test_wrong_numbers_of_threads_are_refused(count, error):
    before = corrfast.get_num_threads()
    with pytest.raises(error):
        corrfast.set_num_threads(count)
    assert corrfast.get_num_threads() == before


def test_show_config_prints_what_was_built(capsys):
    corrfast.show_config()
    printed = capsys.readouterr().out
    for word in (corrfast.__version__, corrfast._core.config()["isa"], "OpenMP"):
        assert word in printed


@pytest.mark.parametrize("usable, checked, remarks", [
    (True, "hardware", ""),
    (False, "hardware", " (not on this processor)"),
    (True, "emulator", " (checked on an emulator only)"),
    (False, None, " (not on this processor, never checked, used only where CORRFAST_ISA names it)"),
])
def test_show_config_says_what_is_known_of_an_instruction_set(usable, checked, remarks, monkeypatch, capsys):
    config = {**corrfast._core.config(), "isas": [{"name": "rvv", "usable": usable, "checked": checked}]}
    monkeypatch.setattr(corrfast._core, "config", lambda: config)
    corrfast.show_config()
    assert f" rvv{remarks}\n" in capsys.readouterr().out


def test_scratch_of_direct_sums_is_below_a_mebibyte():
    """For one thread, whatever the shape, stride and dilation."""
    rng = np.random.default_rng(3)
    awkward = [(((11272623,), "c16"), (3438,), {"mode": "full", "dilation": 309}),
               (((13, 147, 192), "c16"), (1, 19, 21), {"mode": "full", "dilation": 337}),
               (((60590, 67277), "c16"), (8, 51), {"mode": "same", "dilation": 836, "boundary": "edge", "pass_": "backward_kernel"}),
               (((22, 1472, 42492), "c16"), (15, 46), {"mode": "same", "stride": 2, "pass_": "backward_input"})]
    for array, taps, options in awkward:
        plan = corrfast.explain(corrfast.correlate, array, (taps, array[1]), workers=1, method="direct", **options)
        assert plan.scratch_bytes < 2**20, (array, taps, options, plan.scratch_bytes)
    for _ in range(1500):
        rank = int(rng.integers(1, 4))
        shape = tuple(int(2 ** rng.uniform(2, [22, 12.5, 9][rank - 1])) for _ in range(rank))
        taps = tuple(int(min(n, 2 ** rng.uniform(0, [13, 6, 4][rank - 1]))) for n in shape)
        dtype = rng.choice(["f4", "f8", "c16", "i1", "i2", "i8", "?", "f2", "c8"])
        options = {"mode": rng.choice(["valid", "same", "full"]), "boundary": rng.choice(["constant", "wrap", "reflect"]),
                   "stride": int(rng.integers(1, 4)), "dilation": int(2 ** rng.uniform(0, rng.choice([1, 3, 12])))}
        try:
            plan = corrfast.explain(corrfast.correlate, (shape, dtype), (taps, dtype), workers=1, method="direct", **options)
        except ValueError:  # a kernel that reaches beyond the array
            continue
        assert plan.scratch_bytes < 2**20, (shape, taps, dtype, options, plan.scratch_bytes)


MOST_SCRATCH = 16 * 2**20
MOST_SPECTRA = 128 * 2**20


def check_transforms(plan, outputs, case):
    """Of a plan that transforms: some blocks for each thread, and the kernel's spectra and a byte for each block for all of them."""
    points = int(re.search(r"transforms of (\d+) complex points", plan.tile).group(1))
    assert plan.scratch_bytes - plan.shared_bytes <= max(MOST_SCRATCH, 64 * points) * plan.threads, case
    assert plan.shared_bytes <= MOST_SPECTRA * (1 + 1 / 64) + outputs, case  # of integers, norms besides


def drawn_layer(rng):
    """(function of corrfast.nn, input shape, weight shape, options): from a sample to far more than any memory holds."""
    rank = int(rng.integers(1, 4))

    def size(most):
        return int(2 ** rng.uniform(0, np.log2(most)))

    k = [3] * rank if rng.random() < 0.4 else [size([1000, 31, 9][rank - 1]) for _ in range(rank)]
    stride = [int(rng.integers(1, 4)) if rng.random() < 0.3 else 1 for _ in k]
    dilation = [size(rng.choice([4, 300])) if rng.random() < 0.3 else 1 for _ in k]
    longest = [1e8, 8192, 512][rank - 1] if rng.random() < 0.7 else 40
    n = [max(size(longest), d * (taps - 1) + 1) for taps, d in zip(k, dilation, strict=True)]
    groups, cin, cout = size(64) if rng.random() < 0.3 else 1, size(4096), size(4096)
    if rng.random() < 0.2:
        groups, cin, cout = cin, 1, int(rng.integers(1, 4))
    elif rng.random() < 0.3:
        cin, cout = int(rng.choice([256, 512, 1024, 2048])), int(rng.choice([16, 512, 1024]))
    options = {"stride": stride, "dilation": dilation, "groups": groups, "padding": [int(rng.integers(0, taps)) for taps in k]}
    shape = (1 if rng.random() < 0.5 else size(256), groups * cin, *n)
    if rng.random() < 0.3:
        return f"conv_transpose{rank}d", shape, (groups * cin, cout, *k), options | {"padding": 0}
    if rng.random() < 0.3:
        options["padding_mode"] = rng.choice(["reflect", "replicate", "circular"])
    return f"conv{rank}d", shape, (groups * cout, cin, *k), options


@pytest.mark.parametrize("dtype", ["f4", "f8", "c16", "i8", "f2", "i1"])
def test_scratch_of_layers_is_at_most_16_mebibytes_for_a_thread(dtype):
    """Beside the packed weights, which the threads share, and which are few times the weights themselves."""
    rng = np.random.default_rng([ord(letter) for letter in dtype])
    element = np.dtype(dtype).itemsize
    summed = {"f2": 4, "i1": 2}.get(dtype, element)
    for _ in range(300):
        name, shape, weight, options = drawn_layer(rng)
        for pass_ in ("forward", "backward_input", "backward_kernel"):
            options["precision"] = str(rng.choice(["default", "exact", "fast"]))
            plans = [corrfast.explain(getattr(corrfast.nn, name), (shape, dtype), (weight, dtype), pass_=pass_, workers=workers, **options)
                     for workers in (1, 2)]
            case = name, shape, weight, options, plans[0]
            if "transforms of" in plans[0].tile:
                for plan in plans:
                    check_transforms(plan, np.prod(plan.output_shape, dtype=float), case)
                continue
            for plan in plans:
                assert 0 <= plan.scratch_bytes - plan.shared_bytes <= MOST_SCRATCH * plan.threads, case
            assert plans[0].threads == 1 and plans[0].shared_bytes == plans[1].shared_bytes, case
            if pass_ == "backward_kernel":  # there are no weights, and what takes their place is as large as an image
                assert plans[0].shared_bytes <= MOST_SCRATCH, case
            else:  # rows rounded up; F(4x4, 3x3) makes 36 samples of 9 taps; a byte for each block of outputs
                groups = options["groups"]
                rows = [-(-count // 32) * 32 for count in (weight[0] // groups, weight[1])]
                packed = 4 * groups * max(rows[0] * weight[1], rows[1] * weight[0] // groups) * np.prod(weight[2:], dtype=float) * summed
                outputs = np.prod(corrfast.explain(getattr(corrfast.nn, name), (shape, dtype), (weight, dtype), **options).output_shape,
                                  dtype=float)
                assert plans[0].shared_bytes <= packed + 64 * 1024 + max(outputs, np.prod(shape, dtype=float)) * element / 64, case


@pytest.mark.parametrize("name, shape, weight, dtype, options", [
    *[("conv2d", (1, cin, rows, cols), (1024, cin, 3, 3), dtype, {"precision": "fast", "method": "winograd"})
      for dtype, cin in (("f4", 834), ("f4", 1024), ("f4", 1877), ("f4", 2048), ("f8", 512), ("f8", 1024))
      for rows, cols in ((9, 16), (16, 16), (17, 18), (33, 10), (56, 56))],
    ("conv3d", (1, 1, 131072, 3, 3), (64, 1, 2048, 2, 2), "f8", {"stride": (2048, 1, 1)}),
    ("conv2d", (1, 128, 224, 224), (128, 128, 3, 3), "f4", {"stride": 2, "padding": 1, "method": "winograd"}),
    ("conv3d", (1, 17, 70, 40, 40), (64, 17, 64, 3, 3), "f8", {"method": "winograd"}),
    ("conv1d", (12, 2660, 4013), (64, 2660, 815), "i8", {"stride": 2, "padding": 166, "pass_": "backward_kernel"}),
    ("conv3d", (11, 4059, 10, 243, 19), (1, 4059, 3, 5, 3), "f4", {"stride": (1, 3, 2), "padding": (1, 2, 2), "pass_": "backward_kernel"}),
    ("conv_transpose3d", (2, 6, 272, 365, 11), (6, 3010, 3, 3, 6), "f4", {"dilation": (1, 182, 2), "pass_": "backward_kernel"}),
    ("conv2d", (184, 2, 15, 205), (29, 2, 8, 14), "f8", {"padding_mode": "circular", "pass_": "backward_kernel"}),
    ("conv2d", (1, 1, 8192, 8192), (1, 1, 3, 3), "f2", {"padding_mode": "reflect", "padding": 1, "pass_": "backward_input"}),
])
def test_scratch_of_awkward_layers_is_at_most_16_mebibytes(name, shape, weight, dtype, options):
    plan = corrfast.explain(getattr(corrfast.nn, name), (shape, dtype), (weight, dtype), workers=1, **options)
    if "transforms of" in plan.tile:
        check_transforms(plan, np.prod(plan.output_shape, dtype=float), plan)
        plan = corrfast.explain(getattr(corrfast.nn, name), (shape, dtype), (weight, dtype), workers=1, **{**options, "method": "direct"})
    assert plan.scratch_bytes - plan.shared_bytes <= MOST_SCRATCH, plan
    assert plan.shared_bytes <= MOST_SCRATCH or plan.pass_ != "backward_kernel", plan


def test_shared_scratch_is_told_apart():
    plan = corrfast.explain(corrfast.nn.conv2d, ((8, 64, 56, 56), "f4"), ((64, 64, 1, 1), "f4"), workers=1)
    assert plan.method == "gemm" and plan.shared_bytes >= 64 * 64 * 4 and "of it for all threads" in str(plan)
    plan = corrfast.explain(corrfast.correlate, ((100, 100), "f4"), ((3, 3), "f4"))
    assert plan.shared_bytes == 0 and "packed" not in str(plan)
