"""Living in someone else's process: signals, threads, forks, floating-point state, memory and time to import.

Each test that could disturb the others runs in a process of its own.
"""
import concurrent.futures
import ctypes
import os
import platform
import re
import sys
import textwrap
import tracemalloc

import corrfast
import numpy as np
import pytest
from comparison import assert_same_bits
from processes import python

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc or forks as Linux does")


def run(program, *flags, timeout=120, **environment):
    """stdout of a Python program, which must end well."""
    ran = python(*flags, "-c", textwrap.dedent(program), timeout=timeout, **environment)
    assert ran.returncode == 0, f"exit status {ran.returncode}\n{ran.stdout}\n{ran.stderr[-3000:]}"
    return ran.stdout + (ran.stderr if "-X" in flags else "")


# Import


def test_import_takes_less_than_50_ms_beyond_numpy(tmp_path):
    """The best of several processes, with the bytecode at hand that an installation leaves: the rest is the machine's noise."""
    best = np.inf
    for attempt in range(25):
        report = run("import numpy\nimport corrfast", "-X", "importtime", PYTHONPYCACHEPREFIX=str(tmp_path),
                     PYTHONDONTWRITEBYTECODE="")
        cumulative = re.search(r"import time:\s*\d+ \|\s*(\d+) \| corrfast$", report, re.MULTILINE)
        best = min(best, int(cumulative.group(1)) / 1000)
        if attempt > 3 and best < 25:
            break
    print(f"import corrfast takes {best:.1f} ms beyond numpy")
    assert best < 50


@linux
def test_import_starts_no_thread():
    assert run("""
        import os, numpy
        before = len(os.listdir("/proc/self/task"))
        import corrfast
        print(len(os.listdir("/proc/self/task")) - before)
    """).strip() == "0"


def test_import_needs_nothing_but_numpy_and_changes_no_global_state():
    """No SciPy, no handler of a signal, no locale, no warning filter, no print option."""
    run("""
        import sys, signal, locale, warnings, numpy as np
        state = lambda: ([signal.getsignal(s) for s in signal.valid_signals()], locale.setlocale(locale.LC_ALL),
                         list(warnings.filters), np.geterr(), np.get_printoptions(), sys.getswitchinterval(),
                         sys.getrecursionlimit())
        before = state()
        import corrfast
        corrfast.correlate(np.ones((600, 600)), np.ones((5, 5)), workers=2)
        assert state() == before
        third = {"scipy", "hypothesis", "pytest", "threadpoolctl", "Cython", "torch"} & set(sys.modules)
        assert not third, third
    """)


# Small calls


@linux
def test_small_work_stays_serial():
    assert run("""
        import os, numpy as np, corrfast
        before = len(os.listdir("/proc/self/task"))
        for n in (3, 50, 500):
            corrfast.correlate(np.ones(n), np.ones(3), workers=4)
            corrfast.correlate(np.ones((n % 49 + 3, 20)), np.ones((3, 3)), workers=4)
        print(len(os.listdir("/proc/self/task")) - before)
    """).strip() == "0"


def test_openmp_is_in_where_it_should_be():
    """So that the tests of determinism compare what they say."""
    config = corrfast._core.config()
    if os.environ.get("CORRFAST_NO_OPENMP", "0") not in ("", "0"):  # which the build read
        assert not config["openmp"]
    elif config["compiler"].startswith("gcc"):  # other compilers may come without its library
        assert config["openmp"]


@linux
def test_large_work_runs_on_the_threads_asked_for():
    more = "3" if corrfast._core.config()["openmp"] else "0"
    assert run("""
        import os, numpy as np, corrfast
        before = len(os.listdir("/proc/self/task"))
        corrfast.correlate(np.ones((1000, 1000)), np.ones((9, 9)), workers=1)
        alone = len(os.listdir("/proc/self/task"))
        corrfast.correlate(np.ones((1000, 1000)), np.ones((9, 9)), workers=4)
        print(alone - before, len(os.listdir("/proc/self/task")) - before)
    """).split() == ["0", more]


@linux
@pytest.mark.parametrize("limit", [None, "", "1", "64"])
def test_the_default_number_of_threads_is_that_of_the_cpus_at_hand(limit):
    """The affinity mask, capped by OMP_NUM_THREADS."""
    if limit == "" and corrfast._core.config()["compiler"].startswith("clang"):
        pytest.skip("LLVM 14's OpenMP library aborts any program where OMP_NUM_THREADS is set, but empty")
    for count in (1, 2):
        cpus, threads = map(int, run(f"""
            import os
            os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:{count}])
            import corrfast
            print(len(os.sched_getaffinity(0)), corrfast.get_num_threads())
        """, OMP_NUM_THREADS=limit).split())
        assert 1 <= threads <= cpus
        assert threads == 1 or limit != "1"


# Floating-point state


def control_bits():
    """MXCSR's masks, rounding mode, flush-to-zero and denormals-are-zero; not its sticky flags, which arithmetic sets."""
    environment = (ctypes.c_uint32 * 64)()
    ctypes.CDLL(None).fegetenv(environment)
    return environment[7] & 0xFFC0                # fenv_t of glibc on x86-64: 28 bytes of x87, then MXCSR


@pytest.mark.skipif(sys.platform != "linux" or platform.machine() != "x86_64", reason="knows fenv_t of glibc on x86-64 alone")
def test_the_floating_point_environment_is_left_as_it_was():
    assert control_bits() == 0x1F80
    a, v = np.random.default_rng(1).standard_normal((300, 400)), np.ones((5, 5))
    for workers in (1, 2):
        corrfast.correlate_vjp(corrfast.correlate(a, v, workers=workers), a, v, workers=workers)
        assert control_bits() == 0x1F80


@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("dtype", "fd")
def test_subnormal_numbers_are_kept_on_every_thread(dtype, workers):
    tiny = np.finfo(dtype).smallest_subnormal
    a = np.full((900, 901), tiny, dtype=dtype)
    got = corrfast.correlate(a, np.ones((3, 3), dtype=dtype), workers=workers)
    assert (got == 9 * tiny).all() and got[0, 0] > 0
    assert (np.array([tiny], dtype=dtype) * 1 != 0).all()


def test_floating_point_errors_raise_nothing(function):
    """Like np.convolve: overflow and NaN are results, whatever np.errstate says."""
    a = np.array([np.finfo(float).max, np.finfo(float).max, np.inf, -np.inf, np.nan, 1e-320])
    with np.errstate(all="raise"):
        for workers in (1, 2):
            getattr(corrfast, function)(a, np.array([1., 1, 1e-300]), workers=workers)


# Signals

# (arrays, call): each would take from ten seconds to minutes
ONE_D = "x, w, y = np.ones(8_000_000), np.ones(400_000), np.ones(7_600_001)"
LONG = {"forward": (ONE_D, "corrfast.correlate(x, w, **options)"),
        "gradient of the array": (ONE_D, "corrfast.correlate_vjp(y, x, w, needs=(True, False), **options)"),
        "gradient of the kernel": (ONE_D, "corrfast.correlate_vjp(y, x, w, needs=(False, True), **options)"),
        "conv_transpose": (ONE_D, "corrfast.conv_transpose(y, w, **options)"),
        "stride and dilation": (ONE_D, "corrfast.correlate(x, w, stride=3, dilation=5, boundary='wrap', **options)"),
        "integers": (ONE_D + "; x, w = x.astype('i8'), w.astype('i8')", "corrfast.correlate(x, w, **options)"),
        "long double": ("x, w = np.ones(900_000, 'g'), np.ones(300_000, 'g')", "corrfast.correlate(x, w, **options)"),
        "two dimensions": ("x, w = np.ones((3000, 3000)), np.ones((1001, 1001))", "corrfast.correlate(x, w, **options)"),
        "rows": ("x, w = np.ones((50, 200_000)), np.ones(100_000)", "corrfast.correlate(x, w, **options)"),
        "many small rows in one sum": ("x, y = np.broadcast_to(1., (2**36, 7)), np.broadcast_to(1., (2**36, 1)); w = np.ones(7)",
                                       "corrfast.correlate_vjp(y, x, w, needs=(False, True), **options)"),
        "transforms": ("x, w = np.broadcast_to(np.ones(10**6), (400, 10**6)), np.ones(30_000)", "corrfast.correlate(x, w, axes=1, **options)"),
        "transforms of integers": ("x, w = np.full(4_000_000, 2**60), np.full(300_000, 2**60)", "corrfast.correlate(x, w, **options)"),
        "transforms of many channels": ("x, w = np.ones((16, 32, 60_000)), np.ones((32, 32, 3000))", "corrfast.nn.conv1d(x, w, **options)")}
METHOD_OF = {"long double": "auto", "transforms": "fft", "transforms of integers": "fft", "transforms of many channels": "fft"}


@pytest.mark.skipif(sys.platform == "win32", reason="sends itself SIGINT")
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("call", LONG)
def test_ctrl_c_ends_a_long_call(call, workers):
    """KeyboardInterrupt within 0.2 s on a quiet machine; ten times that here."""
    arrays, expression = LONG[call]
    answer = run(f"""
        import os, signal, threading, time
        import numpy as np, corrfast
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs start with SIGINT ignored
        options = {{"method": "{METHOD_OF.get(call, 'direct')}", "workers": {workers}}}
        {arrays}
        sent = []
        def interrupt():
            sent.append(time.perf_counter())
            os.kill(os.getpid(), signal.SIGINT)
        threading.Timer(0.4, interrupt).start()
        try:
            {expression}
        except KeyboardInterrupt:
            print(time.perf_counter() - sent[0])
        else:
            raise SystemExit("the call was not long enough, or the signal came to nothing")
        assert (corrfast.correlate(np.ones((500, 500)), np.ones((7, 7)), workers={workers}) == 49).all()
    """)
    print(f"{call}, {workers} workers: KeyboardInterrupt {float(answer):.3f} s after the signal")
    assert float(answer) < 2


@pytest.mark.skipif(sys.platform == "win32", reason="uses setitimer")
def test_a_signal_handler_that_returns_does_not_end_the_call():
    run("""
        import signal, numpy as np, corrfast
        count = 0
        def handler(*_):
            global count
            count += 1
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
        for workers in (1, 2):
            got = corrfast.correlate(np.ones(1_000_000), np.ones(20_000), method="direct", workers=workers)
            assert (got == 20_000).all()
        signal.setitimer(signal.ITIMER_REAL, 0)
        assert count > 3, count
    """)


def test_an_exception_of_a_signal_handler_comes_out_of_the_call():
    if sys.platform == "win32":
        pytest.skip("uses setitimer")
    run("""
        import signal, numpy as np, corrfast
        def handler(*_):
            raise LookupError("from the handler")
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        try:
            corrfast.correlate(np.ones(8_000_000), np.ones(400_000), method="direct")
        except LookupError as error:
            assert str(error) == "from the handler"
        else:
            raise SystemExit("no exception")
    """)


# Forks


@linux
@pytest.mark.parametrize("parent", [1, 2, 4])
@pytest.mark.parametrize("child", [1, 2, 4])
def test_a_child_forked_after_threads_ran_computes(parent, child):
    run(f"""
        import os, time, warnings
        import numpy as np, corrfast
        warnings.simplefilter("ignore", DeprecationWarning)
        a, v = np.random.default_rng(1).standard_normal((900, 800)), np.random.default_rng(2).standard_normal((7, 7))
        want = corrfast.correlate(a, v, workers={parent}).tobytes()
        pid = os.fork()
        if not pid:
            try:
                same = [corrfast.correlate(a, v, workers=n).tobytes() == want for n in ({child}, 1, {child})]
                same += [corrfast.correlate(a, v).tobytes() == want, corrfast.correlate_vjp(a[6:, 6:], a, v)[0].shape == a.shape]
                os._exit(0 if all(same) else 3)
            except BaseException:
                os._exit(4)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                assert status == 0, status
                break
            time.sleep(0.01)
        else:
            os.kill(pid, 9)
            raise SystemExit("the child hangs")
        assert corrfast.correlate(a, v, workers={parent}).tobytes() == want
    """)


# Python threads


@pytest.mark.parametrize("call", ["forward", "gradient of the array", "gradient of the kernel", "integers"])
def test_no_lock_of_the_interpreter_is_held_while_computing(call):
    """Another Python thread goes on working during a long call: it takes at least 50 steps meanwhile."""
    arrays, expression = LONG[call]
    k = 4_000 if call == "integers" else 20_000
    arrays = arrays.replace("8_000_000", "2_000_000").replace("400_000", str(k)).replace("7_600_001", str(2_000_001 - k))
    assert int(run(f"""
        import threading, time
        import numpy as np, corrfast
        options = {{"method": "direct", "workers": 1}}
        {arrays}
        started, done = threading.Event(), threading.Event()
        def compute():
            started.set()
            {expression}
            done.set()
        worker = threading.Thread(target=compute)
        worker.start()
        started.wait()
        steps = 0
        while not done.is_set() and steps < 200:
            time.sleep(0.002)
            steps += 1
        worker.join()
        print(steps)
    """)) >= 50


def test_calls_of_many_threads_equal_serial_ones():
    """All kinds of problems at once, small and large, threaded themselves, with the interpreter switching as often as it can."""
    rng = np.random.default_rng(3)
    jobs = []
    for i in range(120):
        shape = [(40 + i,), (2000 * (i % 40 + 1),), (30, 20 + i), (300, 200 + i), (12, 13, 14 + i % 9)][i % 5]
        a = rng.standard_normal(shape).astype("fdFD"[i % 4])
        v = rng.standard_normal((3,) * len(shape)).astype("fdFD"[i % 4])
        jobs.append((a, v, {"mode": "same", "boundary": ("wrap", "constant")[i % 2], "workers": 1 + i % 3}))

    def work(job):
        a, v, options = job
        return corrfast.correlate(a, v, **options), *corrfast.correlate_vjp(a, a, v, **options)

    serial = [work(job) for job in jobs]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            together = list(pool.map(work, jobs * 3))
    finally:
        sys.setswitchinterval(interval)
    for got, want in zip(together, serial * 3, strict=True):
        for one, other in zip(got, want, strict=True):
            assert_same_bits(one, other)


def test_the_first_calls_may_come_from_many_threads_at_once():
    """Tables that are made on first use are made once, whoever comes first."""
    run("""
        import threading, numpy as np, corrfast
        gate, wrong = threading.Barrier(16), []
        def work():
            gate.wait()
            if not (corrfast.correlate(np.ones(5000), np.ones(50), workers=2) == 50).all():
                wrong.append(1)
        threads = [threading.Thread(target=work) for _ in range(16)]
        [t.start() for t in threads]
        [t.join() for t in threads]
        assert not wrong
    """)


# Memory


def one_of_everything():
    """Calls that succeed and calls that fail, on every path between Python and C."""
    a, v = np.arange(40.), np.arange(5.)
    image, window = np.ones((12, 13), "f"), np.ones((3, 3), "f")
    good = [lambda: corrfast.correlate(a, v), lambda: corrfast.convolve(a, v, "same", boundary="wrap"),
            lambda: corrfast.correlate([1, 2], 5 * [1]),
            lambda: corrfast.correlate(image, window, stride=2, padding=3), lambda: corrfast.correlate(a[::-2], v.astype(">f8")),
            lambda: corrfast.correlate(a, v, "same", out=np.empty(40)), lambda: corrfast.correlate(a, v, "same", out=a),
            lambda: corrfast.correlate(a.astype("D"), v), lambda: corrfast.correlate(a.astype("i2"), v.astype("i2")),
            lambda: corrfast.conv_transpose(a, v, stride=3), lambda: corrfast.correlate_vjp(a[4:], a, v),
            lambda: corrfast.convolve_vjp(a[4:], a.astype("e"), v, "valid", needs=(False, True)),
            lambda: corrfast.prepare(v, "same")(a), lambda: corrfast.nn.prepare(np.ones((16, 16, 3, 3), "f"))(np.ones((16, 4, 9), "f"))]
    bad = [lambda: corrfast.correlate(a, []), lambda: corrfast.correlate(a, v, "none"), lambda: corrfast.correlate(a),
           lambda: corrfast.correlate(a, v, stride=0), lambda: corrfast.correlate(a, v, stride=1.5),
           lambda: corrfast.correlate(a, ["x"]), lambda: corrfast.correlate(a, v, out=np.empty(3)),
           lambda: corrfast.correlate(a, v, out=np.empty(36, "i")), lambda: corrfast.correlate(v, a, padding=1),
           lambda: corrfast.correlate(a, v, padding=2**62), lambda: corrfast.correlate(a, v, padding=2**57),
           lambda: corrfast.correlate(image, window, nothing=1), lambda: corrfast.correlate_vjp(a, a, v),
           lambda: corrfast.conv_transpose(a, v, output_padding=1), lambda: corrfast.correlate(a, v, method="none")]
    for call in good:
        call()
    for call in bad:
        try:
            call()
        except (ValueError, TypeError, OverflowError, MemoryError):
            pass
        else:
            raise AssertionError("no exception")


def resident_bytes():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@linux
def test_many_calls_leave_memory_flat():
    """Of some 60,000 calls, good and failing, each kind 2,000 times: not 40 bytes a call remain."""
    for _ in range(300):
        one_of_everything()
    before = resident_bytes()
    for _ in range(2000):
        one_of_everything()
    assert resident_bytes() - before < 2_000_000


@linux
def test_large_scratch_is_given_back():
    """Calls that need scratch memory and threads."""
    a, v = np.ones((700, 800), "f"), np.ones((9, 9), "f")

    def work():
        g = corrfast.correlate(a, v, "same", stride=2, boundary="reflect", workers=2)
        corrfast.correlate_vjp(g, a, v, "same", stride=2, boundary="reflect", workers=2)
        corrfast.correlate(a.astype("e"), v.astype("e"), workers=2)

    for _ in range(5):
        work()
    before = resident_bytes()
    for _ in range(60):
        work()
    assert resident_bytes() - before < 8_000_000


def test_no_python_object_is_left_behind():
    for _ in range(3):
        one_of_everything()
    tracemalloc.start()
    try:
        one_of_everything()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(200):
            one_of_everything()
        assert tracemalloc.get_traced_memory()[0] - before < 20_000
    finally:
        tracemalloc.stop()


def test_arguments_keep_their_reference_counts(function):
    a, v, out, run = np.arange(40.), np.arange(5.), np.empty(40), getattr(corrfast, function)
    before = [sys.getrefcount(x) for x in (a, v, out)]
    for _ in range(50):
        run(a, v, "same", out=out)
        run(a, v, "same", boundary="edge", out=out)
        for wrong in ({"out": out[:3]}, {"stride": 0, "out": out}, {"mode": "x"}, {"dtype": object, "out": out}):
            try:
                run(a, v, **wrong)
            except (ValueError, TypeError):
                pass
            else:
                raise AssertionError("no exception")
    del wrong
    assert [sys.getrefcount(x) for x in (a, v, out)] == before
