"""How long work tells what it is doing: plain functions that a command hands down."""

from collections.abc import Callable
from contextlib import AbstractContextManager

__all__ = ["Log", "Progress", "ShowProgress"]

Progress = Callable[[int, int | None], None]
"""Called with how many are done, and of how many (None: not known)."""

Log = Callable[[str], None]
"""Called with a line for people."""

ShowProgress = Callable[[str, str], AbstractContextManager[Progress]]
"""Called with what is done and in which unit; gives what to tell how far it has come."""
