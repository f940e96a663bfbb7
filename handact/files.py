"""Writing files so that a reader sees the whole new file or the old one, never half of one."""

import errno
import hashlib
import json
import os
import platform
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["atomic_path", "check_writable", "write_bytes", "write_json", "write_text"]


def _name_machine() -> str:
    """Return what tells where a process's number means that process: folders are shared."""
    numbers = Path("/proc/self/ns/pid")  # containers of one machine count their own
    place = f"{platform.node()} {numbers.readlink() if numbers.is_symlink() else ''}"
    return hashlib.sha256(place.encode()).hexdigest()[:12]


_PREFIX = f".handact-{_name_machine()}-"  # of temporary files; the process's number follows


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; put it in the place of `path` if the block succeeds.

    The temporary name keeps the suffix of `path`, because writers choose a format by it. When the
    block raises, the temporary file is removed and `path` is as it was. What a process that was
    killed left is removed by the next one that writes into the folder.

    Raises:
        OSError: The folder cannot be written, or the disk is full. Names `path`.
    """
    path = Path(path)
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_left(path.parent.absolute())
        prefix = f"{_PREFIX}{os.getpid()}-"
        handle, name = tempfile.mkstemp(prefix=prefix, suffix=path.suffix, dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except OSError as error:
        # A failed write names the temporary file, or none; the person knows only `path`.
        if error.filename in (None, str(temporary)) or temporary is None:
            error.filename = str(path)
        raise
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def check_writable(folder: Path) -> None:
    """Find out whether a folder can be made and written, before the work that would be lost.

    Raises:
        OSError: It cannot; names the folder.
    """
    there = next(part for part in (folder, *folder.absolute().parents) if part.exists())
    if not there.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(there))
    try:
        # What a folder's rights say is not all: root may write anywhere, but not into /proc.
        tempfile.TemporaryDirectory(prefix=_PREFIX, dir=there).cleanup()
    except OSError as error:
        error.filename = str(there)
        raise


def write_bytes(path: str | Path, data: bytes) -> None:
    """Write `data` to `path`, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: str | Path, text: str) -> None:
    """Write `text` to `path` as UTF-8, whole or not at all."""
    write_bytes(path, text.encode())


def write_json(path: str | Path, value: Any) -> None:
    """Write `value` to `path` as indented JSON, whole or not at all."""
    text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    # Of a file name that is not UTF-8, what cannot be written becomes JSON's own escape, \udcxx.
    write_bytes(path, text.encode(errors="backslashreplace"))


@cache  # once a process: only those that died before it count
def _remove_left(folder: Path) -> None:
    for path in folder.glob(f"{_PREFIX}*"):
        number = path.name.removeprefix(_PREFIX).partition("-")[0]
        if number.isdecimal() and not _is_alive(int(number)):
            with suppress(OSError):  # another person's
                path.unlink()


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # it is another person's
        return True
    return True


def _umask() -> int:
    """Return the umask, which can be read only by setting it."""
    umask = os.umask(0)
    os.umask(umask)
    return umask
