"""The one place that holds the version: read by the build without importing the package, and by the package itself."""

__version__ = "0.1.0"
