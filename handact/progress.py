"""How long work tells what it is doing: plain functions that a command hands down."""

from collections.abc import Callable

__all__ = ["Log", "Progress"]

Progress = Callable[[int, int | None], None]
"""Called with how many are done, and of how many (None: not known)."""

Log = Callable[[str], None]
"""Called with a line for people."""
