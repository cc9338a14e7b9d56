"""What the repository says about itself is true: commands, directions of dependence, symbols, contents of the sdist."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import corrfast

ROOT = Path(__file__).resolve().parents[1]
CI = ROOT / ".ci"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "src_c").rglob("*.md")])


def script(name, *args, root=ROOT):
    return subprocess.run([sys.executable, root / ".ci" / name, *args], capture_output=True, text=True, check=False)


def test_readme_has_two_commands_that_stand_alone():
    commands = {name: script("readme_command.py", name).stdout.strip() for name in ("run", "test")}
    assert commands["run"].endswith("-m corrfast") and commands["test"].endswith("-m pytest")
    for command in commands.values():
        assert command.startswith("python3 -m venv .venv && .venv/bin/pip install ")


def test_ci_runs_the_readmes_test_command():
    # .ci/run takes the command out of the README instead of repeating it, and runs nothing after it.
    lines = (CI / "run").read_text().rstrip().splitlines()
    assert "command=$(python3 .ci/readme_command.py test)" in lines
    assert lines[-1] == 'bash -euc "${command//.venv/$scratch/venv}"'
    assert "pip install" not in "\n".join(lines)


def test_contributing_repeats_the_readmes_test_command():
    assert script("readme_command.py", "test").stdout in (ROOT / "CONTRIBUTING.md").read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?:|#)([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_version_is_in_one_place_and_in_the_changelog():
    assert f'"{corrfast.__version__}"' in Path(corrfast.__file__).with_name("_version.py").read_text()
    newest = re.search(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), re.M).group(1)
    assert newest in ("Unreleased", corrfast.__version__)


def test_house():
    result = script("check_house.py")
    assert result.returncode == 0, result.stdout


BREACHES = {
    "kernels/isa_scalar.c": ('#include "../runtime/memory.h"', "may not include runtime/memory.h"),
    "kernels/isa_avx2.c": ("#include <string.h>", "may not include <string.h>"),
    "methods/direct.c": ('#include "../core/api.h"', "is no file of src_c/"),
    "core/shape.c": ('#include "../kernels/table.h"', "may not include kernels/table.h"),
    "core/border.c": ("#pragma omp parallel for", "OpenMP"),
    "core/plan.c": ("int\tx;", "a tab"),
    "runtime/cpu.c": ("int x; ", "at the end"),
    "runtime/dispatch.c": ('#include "../core/plan.h"', "may not include core/plan.h"),
}


@pytest.mark.parametrize("name", BREACHES)
def test_house_notices(name, tmp_path):
    line, complaint = BREACHES[name]
    shutil.copytree(CI, tmp_path / ".ci")
    shutil.copytree(ROOT / "src_c", tmp_path / "src_c")
    path = tmp_path / "src_c" / name
    path.write_text(line + "\n" + path.read_text())
    result = script("check_house.py", root=tmp_path)
    assert result.returncode == 1 and complaint in result.stdout and name in result.stdout


def test_house_notices_two_files_of_one_name(tmp_path):
    shutil.copytree(CI, tmp_path / ".ci")
    shutil.copytree(ROOT / "src_c", tmp_path / "src_c")
    (tmp_path / "src_c" / "methods" / "shape.c").write_text("")
    result = script("check_house.py", root=tmp_path)
    assert result.returncode == 1 and "the same file name" in result.stdout


SRC_C = ROOT / "src_c"
ADDED = {  # what a list of src_c/README.md leaves open -> the names that were put there so far
    "<isa>": sorted(path.stem.removeprefix("isa_") for path in SRC_C.glob("kernels/isa_*.c")),
    "<idea>": sorted(re.findall(r'"(\w+)_tmpl.h"', (SRC_C / "kernels" / "kernel_set_tmpl.h").read_text())),
    "<name>": sorted(path.stem for path in SRC_C.glob("methods/*.c")),
}


def lists_of_what_to_add():
    """Each list of "How to add" in src_c/README.md, with the files that it names."""
    section = (SRC_C / "README.md").read_text().partition("## How to add\n")[2]
    for item in re.findall(r"^\* (.+?)(?=^\* |^$)", section, re.M | re.S):
        yield re.match(r"\*\*(.+?)\*\*", item).group(1), re.findall(r"`([\w/<>]+\.(?:c|h|py|sh))`", item)


def test_the_lists_of_what_to_add_name_files_that_exist():
    found = dict(lists_of_what_to_add())
    assert list(found) == ["A kernel", "An instruction set", "A method", "A dtype"]
    for what, files in found.items():
        assert len(files) >= 3, what
        for name in files:
            open_name = re.search(r"<\w+>", name)
            for each in ADDED[open_name.group()] if open_name else [""]:
                path = name.replace(open_name.group(), each) if open_name else name
                assert (SRC_C / path).is_file() or (ROOT / path).is_file(), f"{what}: {path}"


def test_what_was_added_stands_in_the_files_that_the_lists_name():
    text = {name: (SRC_C / name).read_text() for name in ["runtime/dispatch.c", "core/plan.c", "core/plan.h", "core/names.h", "kernels/table.h"]}
    checker = "".join([path.read_text() for path in sorted((ROOT / "tests" / "c").glob("*.[ch]"))])
    for isa in ADDED["<isa>"]:
        assert f" ISA({isa}, " in text["runtime/dispatch.c"]
    for kernel in re.findall(r"cf_fft_\w+_fn \*(\w+);", text["kernels/table.h"]):  # several kernels that make one transform
        assert f"->{kernel}(" in checker or f".{kernel}(" in checker, kernel
    # What kernels share, the yardstick, which computes nothing, and transforms.
    for idea in set(ADDED["<idea>"]) - {"sample", "peak", "fft"}:
        assert f"cf_{idea}_fn *{idea};" in text["kernels/table.h"] and f"KERNEL_{idea.upper()}" in checker
    for method in ADDED["<name>"]:
        assert all(f"cf_method_{method}" in text[name] for name in ["core/plan.c", "core/plan.h", "core/names.h"])


needs_nm = pytest.mark.skipif(not shutil.which("nm"), reason="nm is not installed")
needs_cc = pytest.mark.skipif(not shutil.which("cc"), reason="cc is not installed")


@needs_nm
@needs_cc
def test_symbols(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(corrfast.__file__).parents[1]))
    result = script("check_symbols.py")
    assert result.returncode == 0, result.stdout + result.stderr


@needs_nm
@needs_cc
@pytest.mark.parametrize("kind", ["-c", "-shared"])
def test_symbols_notices(kind, tmp_path):
    source, built = tmp_path / "leak.c", tmp_path / ("leak.so" if kind == "-shared" else "leak.o")
    source.write_text("int PyInit__core, corrfast_fine, leaked;\n")
    subprocess.run(["cc", "-fPIC", kind, source, "-o", built], check=True)
    result = script("check_symbols.py", str(built))
    assert result.returncode == 1 and "leaked does not begin" in result.stdout


def test_package_data_is_installed():
    package = Path(corrfast.__file__).parent
    assert (package / "py.typed").is_file()
    assert (Path(corrfast.get_include()) / "corrfast.h").is_file()
