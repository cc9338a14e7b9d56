"""What the documentation shows is what happens: examples of docstrings, README and pages, and the scripts in examples/."""
import ast
import doctest
import importlib.util
import inspect
import re
from pathlib import Path

import corrfast
import pytest
from processes import python

ROOT = Path(__file__).parent.parent
MODULES = {"": corrfast, "nn.": corrfast.nn}
PUBLIC = {prefix + name: getattr(module, name) for prefix, module in MODULES.items() for name in sorted(module.__all__)
          if not name.startswith("_") and not inspect.ismodule(getattr(module, name))}
FUNCTIONS = [name for name, value in PUBLIC.items() if not inspect.isclass(value)]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "docs").rglob("*.rst"))]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
SHORTER = {"digits_cnn.py": ["--epochs", "2"]}  # trained to the end in test_examples.py
STUBS = sorted((ROOT / "corrfast").glob("*.pyi"))
API = {"correlate", "convolve", "conv_transpose", "correlate_vjp", "convolve_vjp", "explain", "prepare", "precision_scope",
       "correlation_lags", "get_num_threads", "set_num_threads", "show_config", "get_include"}


def run_examples(text, name, required=False):
    """Runs the `>>>` examples of a text as written: they import what they use."""
    test = doctest.DocTestParser().get_doctest(text, {}, name, name, 0)
    assert test.examples or not required, f"{name} shows no example"
    said = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    runner.run(test, out=said.append)
    assert runner.summarize(verbose=False).failed == 0, "".join(said)


def test_every_promised_name_is_public():
    assert API <= set(corrfast.__all__), API - set(corrfast.__all__)
    assert all(hasattr(module, name) for module in MODULES.values() for name in module.__all__)
    assert re.fullmatch(r"\d+\.\d+.*", corrfast.__version__)


@pytest.mark.parametrize("name", PUBLIC)
def test_the_examples_of_every_public_name(name):
    text = inspect.getdoc(PUBLIC[name])
    assert text and "Examples\n--------" in text, f"{name} has no Examples section"
    run_examples(text, name, required=True)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_parameter_is_documented(name):
    """numpydoc's Parameters section names each parameter, alone or in a list, and nothing that does not exist."""
    run = PUBLIC[name]
    text, parameters = inspect.getdoc(run), inspect.signature(run).parameters
    section = re.search(r"Parameters\n-+\n(.*?)(\n\n[A-Z][\w ]+\n-+\n|\Z)", text, re.DOTALL)
    documented = set()
    if section:
        for line in re.findall(r"^([*\w][*\w, ]*?)(?: :|$)", section.group(1), re.MULTILINE):
            documented |= {part.strip().lstrip("*") for part in line.split(",")}
    assert documented == set(parameters)
    assert "Returns\n" in text or "Yields\n" in text or name in ("set_num_threads", "show_config", "precision_scope")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_signatures_can_be_read_and_are_those_of_the_design(name):
    parameters = inspect.signature(PUBLIC[name]).parameters
    if name in ("correlate", "convolve"):
        assert list(parameters) == ["a", "v", "mode", "axes", "stride", "dilation", "padding", "boundary", "cval", "method",
                                    "precision", "dtype", "out", "workers"]
        assert parameters["mode"].default == {"correlate": "valid", "convolve": "full"}[name]
        assert all(p.kind is p.KEYWORD_ONLY for p in list(parameters.values())[3:])
        defaults = {"axes": None, "stride": 1, "dilation": 1, "padding": None, "boundary": "constant", "cval": 0,
                    "method": "auto", "precision": None, "dtype": None, "out": None, "workers": None}
        assert {key: parameters[key].default for key in defaults} == defaults


def stub_signature(node):
    """(name, kind, has a default) of each parameter of a function in a stub."""
    arguments, found = node.args, []
    positional = arguments.posonlyargs + arguments.args
    without = len(positional) - len(arguments.defaults)
    for i, one in enumerate(positional):
        kind = inspect.Parameter.POSITIONAL_ONLY if one in arguments.posonlyargs else inspect.Parameter.POSITIONAL_OR_KEYWORD
        found.append((one.arg, kind, i >= without))
    if arguments.vararg:
        found.append((arguments.vararg.arg, inspect.Parameter.VAR_POSITIONAL, False))
    for one, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        found.append((one.arg, inspect.Parameter.KEYWORD_ONLY, default is not None))
    if arguments.kwarg:
        found.append((arguments.kwarg.arg, inspect.Parameter.VAR_KEYWORD, False))
    return found


@pytest.mark.parametrize("stub", STUBS, ids=lambda path: path.name)
def test_stubs_have_the_signatures_of_what_they_describe(stub):
    module = corrfast if stub.stem == "__init__" else importlib.import_module(f"corrfast.{stub.stem}")
    functions = {}
    for node in ast.parse(stub.read_text()).body:
        if isinstance(node, ast.FunctionDef):
            functions.setdefault(node.name, []).append(node)
    assert functions or stub.stem == "__init__"
    for name, overloads in functions.items():
        real = [(p.name, p.kind, p.default is not p.empty) for p in inspect.signature(getattr(module, name)).parameters.values()]
        for node in overloads:
            got = stub_signature(node)
            assert [x[:2] for x in got] == [x[:2] for x in real], name
            if len(overloads) == 1:
                assert got == real, name


def test_what_is_typed_is_marked_so():
    assert (ROOT / "corrfast" / "py.typed").exists()
    assert STUBS, "the compiled module has no stub"


@pytest.mark.parametrize("page", [page for page in PAGES if page.exists()], ids=lambda page: page.name)
def test_the_examples_of_every_page(page):
    """Blocks with `>>>` run as written; other Python blocks at least compile."""
    text = page.read_text()
    run_examples(re.sub(r"^```.*$", "", text, flags=re.MULTILINE), page.name)
    for block in re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        if ">>>" not in block:
            compile(block, str(page), "exec")


def missing_modules(script):
    """What a script imports that is not installed here."""
    names = set()
    for node in ast.walk(ast.parse(script.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(node.module.split(".")[0])
    beside = {path.stem for path in script.parent.glob("*.py")}
    return sorted(name for name in names - beside if importlib.util.find_spec(name) is None)


def test_there_are_examples():
    assert EXAMPLES, "examples/ holds no script"


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda path: path.name)
def test_examples_run_and_draw(script, tmp_path):
    missing = missing_modules(script)
    if missing:
        pytest.skip(f"needs {', '.join(missing)}, which the extra [examples] installs")
    ran = python(script, "--output", tmp_path, *SHORTER.get(script.name, []))
    assert ran.returncode == 0, ran.stderr[-3000:]
    assert list(tmp_path.glob("*.png")), "no figure was written"
