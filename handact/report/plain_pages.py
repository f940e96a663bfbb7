"""The pages of the reports that are tables and one picture."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from handact.report.compare import state_compare
from handact.report.page import Picture, Section, Text, write_page
from handact.report.sweep import state_sweep
from handact.report.tables import compare_tables, data_facts, sweep_tables

__all__ = ["write_compare_page", "write_sweep_page"]

_CHANGES = "Change in F1 of each class, with 95 % intervals over videos; right of zero B is better."
_SWEEP = (
    "F1 of the classes, a dot each, with and without temporal shift: over the stride at a fixed"
    " length on the left, over the length at a fixed stride on the right."
)


def write_compare_page(folder: Path, report: Mapping[str, Any]) -> Path:
    """Write compare.html beside the files of `write_compare_report`, and return it.

    Args:
        folder: Where those files lie.
        report: From `describe_compare`.
    """
    overall, *levels = compare_tables(report)
    sections = [
        Section("Summary", [*map(Text, report["notes"]), overall]),
        Section("Classes", [Picture(folder / "compare.png", _CHANGES), *levels]),
    ]
    title = f"From {report['a']} to {report['b']}"
    return _write(folder / "compare.html", title, state_compare(report), sections)


def write_sweep_page(folder: Path, report: Mapping[str, Any]) -> Path:
    """Write sweep.html beside the files of `write_sweep_report`, and return it.

    Args:
        folder: Where those files lie.
        report: From `describe_sweep`.
    """
    sections = [
        Section("Distributions", [Picture(folder / "sweep.png", _SWEEP)]),
        Section("Networks", sweep_tables(report)),
    ]
    return _write(folder / "sweep.html", "Clip lengths and strides", state_sweep(report), sections)


def _write(path: Path, title: str, how: str, sections: list[Section]) -> Path:
    write_page(path, title, data_facts(None, {"how": how}, {}), sections)
    return path
