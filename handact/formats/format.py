"""What a label format is made of: two functions."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

__all__ = ["Format"]

Options = TypeVar("Options")
Found = TypeVar("Found")
Export = TypeVar("Export")


@dataclass(frozen=True)
class Format(Generic[Options, Found, Export]):
    """A format.

    Attributes:
        read: Its reader: a path and what the person says of it.
        write: Its writer, if we write it; returns the text of each file by its name.
        files: Pattern of its files, where a folder may hold one for each video; None: the reader
            takes the folder itself, or there is only ever one file.
    """

    read: Callable[[Path, Options], Found]
    write: Callable[[Export], dict[str, str]] | None = None
    files: str | None = None
