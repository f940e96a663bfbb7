"""The traps of the label formats are tested by name: `pytest -m trap` runs them."""

import ast
from pathlib import Path


def test_at_least_sixty_traps_are_named() -> None:
    names = [name for path in Path(__file__).parent.glob("test_*.py") for name in _traps(path)]
    assert len(set(names)) == len(names) >= 60


def _traps(path: Path) -> list[str]:
    """Return the names in `@pytest.mark.trap("...")` of a file's tests."""
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    return [
        call.args[0].value
        for call in calls
        if isinstance(call.func, ast.Attribute) and call.func.attr == "trap"
    ]
