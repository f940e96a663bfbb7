"""The layers of the design, read from the imports, and a command line that answers at once."""

import ast
import subprocess
import sys
from pathlib import Path

import handact

PACKAGE = Path(handact.__file__).parent

LAYERS: list[set[str]] = [
    {"errors"},
    {
        "background",
        "progress",
        "labels",
        "config",
        "alignment",
        "sampling",
        "cleaning",
        "metrics",
        "results",
        "timestudy",
    },
    {"files", "video", "formats", "dataset", "bench", "plots", "scores", "outputs"},
    {"device", "distributed", "data", "models", "weights", "checkpoint"},
    {
        "training",
        "align",
        "engine",
        "exported",
        "overlay",
        "segment",
        "evaluation",
        "report",
        "demo",
        "benchmark",
        "labelling",
        "live",
        "sweep",
        "tuning",
    },
    {"web"},
    {"cli"},
]
NO_TORCH = set().union(*LAYERS[:3])


def _layer(module: str) -> int:
    return next(i for i, names in enumerate(LAYERS) if module in names)


def _imports(path: Path) -> set[str]:
    """Return the top-level modules of whatever a file imports, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def _modules() -> dict[str, list[Path]]:
    """Return the files of each module of the package."""
    modules: dict[str, list[Path]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        module = path.relative_to(PACKAGE).with_suffix("").parts[0]
        if not module.startswith("__"):
            modules.setdefault(module, []).append(path)
    return modules


def _own(name: str) -> str | None:
    parts = name.split(".")
    return parts[1] if parts[0] == "handact" and len(parts) > 1 else None


def test_every_module_has_a_layer() -> None:
    assert set(_modules()) == set().union(*LAYERS)


def test_imports_run_one_way() -> None:
    for module, paths in _modules().items():
        for path in paths:
            used = {_own(name) for name in _imports(path)} - {None, module, "__version__"}
            upwards = {name for name in used & set(_modules()) if _layer(name) > _layer(module)}
            assert not upwards, f"{path} imports {upwards} from above"


def test_modules_do_not_import_each_other_in_circles() -> None:
    graph = {
        module: {_own(n) for path in paths for n in _imports(path)} & set(_modules()) - {module}
        for module, paths in _modules().items()
    }
    while graph:
        leaves = {module for module, uses in graph.items() if not uses & set(graph)}
        assert leaves, f"a circle among {sorted(graph)}"
        graph = {module: uses for module, uses in graph.items() if module not in leaves}


def test_torch_stays_in_its_layers() -> None:
    for module, paths in _modules().items():
        uses = {name.split(".")[0] for path in paths for name in _imports(path)}
        if module in NO_TORCH:
            assert not uses & {"torch", "torchvision"}, module
        if module != "cli":
            assert not uses & {"typer", "rich"}, module


def test_help_needs_neither_torch_nor_pandas() -> None:
    code = (
        "import sys, handact.cli; "
        "print(sorted({'torch', 'pandas', 'numpy', 'cv2', 'av', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_all_lists_what_is_there() -> None:
    for path in (path for paths in _modules().values() for path in paths):
        tree = ast.parse(path.read_text())
        names = _exported(tree)
        assert names == sorted(names, key=_ruff_order), path
        assert set(names) <= _defined(tree), path


def _exported(tree: ast.Module) -> list[str]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            return ast.literal_eval(node.value)
    return []


def _defined(tree: ast.Module) -> set[str]:
    """Return the names that a module defines, assigns or imports."""
    names = {node.name for node in tree.body if hasattr(node, "name")}
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            stored = (n for n in ast.walk(node) if isinstance(n, ast.Name))
            names |= {n.id for n in stored if isinstance(n.ctx, ast.Store)}
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
    return names


def _ruff_order(name: str) -> tuple[int, str]:
    """Constants, classes, the rest, as `ruff` sorts them."""
    kind = 0 if name.isupper() and len(name) > 1 else 1 if name[0].isupper() else 2
    return kind, name
