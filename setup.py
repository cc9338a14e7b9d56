"""Builds corrfast._core from the Cython module and src_c/. What is said once and for all stands in pyproject.toml.

CORRFAST_NO_OPENMP=1 builds without OpenMP.
"""
import os
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
SOURCES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "src_c").rglob("*.c"))
HEADERS = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "src_c").rglob("*.h"))

# The same flags for every file: instruction sets are chosen by pragmas inside the sources.
FLAGS = {
    "unix": ["-std=c11", "-O2", "-fvisibility=hidden", "-ffp-contract=off"]
    # Many Pythons were built with -g and hand it on: half as long again to compile, and ten times the size.
    + (["-g0"] if "-g" not in os.environ.get("CFLAGS", "").split() else []),
    "msvc": ["/std:c11", "/experimental:c11atomics", "/O2"],
}
OPENMP = {"unix": (["-fopenmp"], ["-fopenmp"]), "msvc": (["/openmp"], [])}


class BuildExt(build_ext):
    """Compiles the C files in parallel, with OpenMP where the compiler has it."""

    def build_extension(self, ext):
        kind = "msvc" if self.compiler.compiler_type == "msvc" else "unix"
        openmp, link = OPENMP[kind] if self.has_openmp(*OPENMP[kind]) else ([], [])
        ext.extra_compile_args = FLAGS[kind] + openmp
        ext.extra_link_args = link

        def compile_one(source):
            return self.compiler.compile([source], output_dir=self.build_temp, include_dirs=ext.include_dirs, debug=self.debug,
                                         extra_postargs=ext.extra_compile_args, depends=HEADERS)

        # The longest first: the files of the instruction sets take most of the time.
        longest = sorted(SOURCES, key=lambda source: "isa_" not in source)
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            ext.extra_objects = [path for objects in pool.map(compile_one, longest) for path in objects]
        super().build_extension(ext)

    def has_openmp(self, compile_args, link_args):
        """Whether a program that asks OpenMP for its threads compiles and links."""
        if os.environ.get("CORRFAST_NO_OPENMP", "0") not in ("", "0"):
            return False
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder, "probe.c")
            source.write_text("#include <omp.h>\nint main(void) { return omp_get_max_threads() < 1; }\n")
            try:
                objects = self.compiler.compile([str(source)], output_dir=folder, extra_postargs=compile_args)
                self.compiler.link_executable(objects, str(Path(folder, "probe")), extra_postargs=link_args)
            except Exception as error:  # each compiler class has errors of its own
                print(f"corrfast: building without OpenMP ({type(error).__name__}: {error})")
                return False
        return True


class BuildPy(build_py):
    """Puts the public header where corrfast.get_include() finds it."""

    def run(self):
        super().run()
        if not getattr(self, "editable_mode", False):
            folder = Path(self.build_lib, "corrfast", "include")
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / "src_c" / "corrfast.h", folder / "corrfast.h")


setup(
    ext_modules=[
        Extension(
            "corrfast._core",
            ["corrfast/_core.pyx"],
            depends=HEADERS + SOURCES,
            include_dirs=["src_c", numpy.get_include()],
            define_macros=[("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION"), ("NPY_TARGET_VERSION", "NPY_2_0_API_VERSION")],
        )
    ],
    cmdclass={"build_ext": BuildExt, "build_py": BuildPy},
)
