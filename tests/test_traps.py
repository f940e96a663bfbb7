"""The traps of the label formats are tested by name: `pytest -m trap` runs them."""

import ast
from pathlib import Path

from handact.formats import actions, hands


def test_at_least_sixty_traps_are_named() -> None:
    names = [name for path in Path(__file__).parent.glob("test_*.py") for name in _traps(path)]
    assert len(set(names)) == len(names) >= 60
    formats = {name.partition(":")[0] for name in names}
    assert {*actions.FORMATS, *hands.FORMATS} - formats <= _WITHOUT_TRAPS


# Formats of which the reference names no trap.
_WITHOUT_TRAPS = {"clips"}


def _traps(path: Path) -> list[str]:
    """Return the names in `@pytest.mark.trap("...")` above a file's tests."""
    tests = [
        node
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]
    marks = [mark for test in tests for mark in test.decorator_list if isinstance(mark, ast.Call)]
    return [
        mark.args[0].value
        for mark in marks
        if isinstance(mark.func, ast.Attribute) and mark.func.attr == "trap"
    ]
