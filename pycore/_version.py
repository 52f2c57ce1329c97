"""The one place where the version is written; the build compiles it into the C library (``pc_version``)."""

__version__ = "0.1.0"
