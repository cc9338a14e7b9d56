"""Correlation and convolution of 1-D to 3-D NumPy arrays on the CPU, with their transposes and gradients; layers in `nn`."""

from . import nn
from ._core import convolve, correlate
from ._version import __version__
from .filters import conv_transpose, convolve_vjp, correlate_vjp, correlation_lags, prepare
from .plans import explain, precision_scope
from .runtime import get_include, get_num_threads, set_num_threads, show_config

__all__ = [
    "conv_transpose",
    "convolve",
    "convolve_vjp",
    "correlate",
    "correlate_vjp",
    "correlation_lags",
    "explain",
    "get_include",
    "get_num_threads",
    "nn",
    "precision_scope",
    "prepare",
    "set_num_threads",
    "show_config",
    "__version__",
]
