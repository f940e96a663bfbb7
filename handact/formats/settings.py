"""dataset.toml: the name, the classes, the background class and notes of a dataset."""

import json
import re
import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from handact.errors import LabelError
from handact.files import write_text
from handact.formats.text import Problem, Report, raise_problem, show_path

__all__ = ["Settings", "add_classes", "read_settings", "write_settings"]


@dataclass(frozen=True, slots=True)
class Settings:
    """What dataset.toml says.

    Attributes:
        name: Of the dataset.
        classes: Names; their order gives the indices.
        background: The one of them that means "no action".
        notes: Whatever a person wants to remember.
    """

    name: str
    classes: tuple[str, ...]
    background: str
    notes: str = ""


def read_settings(path: str | Path, report: Report = raise_problem) -> Settings:
    """Read dataset.toml. What is wrong goes to `report`; what can be used is returned.

    Raises:
        LabelError: It is not TOML.
    """
    file = show_path(path)
    values = _parse(_read_text(Path(path), file), file)

    def complain(reason: str, hint: str | None = None) -> None:
        report(Problem(file, None, None, reason, hint))

    known = ("name", "classes", "background", "notes")
    for key in values.keys() - set(known):
        complain(f"unknown key {key!r}", f"known keys: {', '.join(known)}")
    for key in ("name", "background", "notes"):
        if not isinstance(values.get(key, ""), str):
            complain(f"{key} is not a string")
    classes = values.get("classes", [])
    if not isinstance(classes, list) or not all(isinstance(name, str) for name in classes):
        complain("classes is not a list of strings", 'write it as classes = ["background", "take"]')
        classes = []
    classes = tuple(name.strip() for name in classes)
    background = str(values.get("background", "background"))
    for name in sorted({name for name in classes if classes.count(name) > 1}):
        complain(f"class {name!r} is there twice")
    if "" in classes:
        complain("a class has no name")
    if background not in classes:
        listed = ", ".join(classes) or "none"
        complain(f"background {background!r} is not one of the classes", f"classes: {listed}")
    name = str(values.get("name", Path(path).resolve().parent.name))
    return Settings(name, tuple(dict.fromkeys(classes)), background, str(values.get("notes", "")))


def write_settings(path: str | Path, settings: Settings) -> None:
    """Write dataset.toml."""
    lines = (f"{key} = {_spell(value)}\n" for key, value in asdict(settings).items())
    write_text(path, "".join(lines))


def add_classes(path: str | Path, new: Sequence[str]) -> None:
    """Add classes at the end of the list in dataset.toml; all else in the file stays as it is."""
    file = show_path(path)
    text = _read_text(Path(path), file)
    wanted = _parse(text, file)
    wanted["classes"] = [*wanted.get("classes", []), *new]
    line = f"classes = {_spell(wanted['classes'])}"
    begin = re.search(r"^\s*classes\s*=\s*\[", text, re.MULTILINE)
    # A bracket may stand in a name or a comment: the right end is the one that parses as wanted.
    for end in re.finditer(r"\]", text[begin.end() :]) if begin else ():
        candidate = text[: begin.start()] + line + text[begin.end() + end.end() :]
        try:
            if tomllib.loads(candidate) == wanted:
                return write_text(path, candidate)
        except tomllib.TOMLDecodeError:
            continue
    raise LabelError(f"{file}: the list of classes could not be changed", f"write it as {line}")


def _read_text(path: Path, file: str) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise LabelError(f"{file}: is not UTF-8 text", "save it as UTF-8") from error


def _parse(text: str, file: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"at line (\d+)", str(error))
        row = f":{place[1]}" if place else ""
        raise LabelError(f"{file}{row}: is not TOML: {error}") from error


def _spell(value: str | Sequence[str]) -> str:
    if isinstance(value, str):
        # JSON's escapes are TOML's; DEL alone must be escaped in TOML and is not in JSON.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return "[\n" + "".join(f"    {_spell(name)},\n" for name in value) + "]"
