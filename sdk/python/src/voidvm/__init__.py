"""KVM hosts anywhere as one cloud. `VoidVMClient` blocks, `AsyncVoidVMClient` is awaited."""

from __future__ import annotations

from ._client import AsyncVoidVMClient, VoidVMClient
from ._page import Page
from ._retry import Retry
from ._version import __version__
from .errors import FieldError, VoidVMError

__all__ = [
    "AsyncVoidVMClient",
    "FieldError",
    "Page",
    "Retry",
    "VoidVMClient",
    "VoidVMError",
    "__version__",
]
