"""The sweep: which networks, each trained and measured once, and taken up where it stopped."""

import json
import shutil
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from pathlib import Path

import pytest
from conftest import TINY_ACTION, TINY_ALIGN
from typer.testing import CliRunner

from handact.cli import app
from handact.config import SegmentConfig
from handact.errors import ConfigError, TrainingError
from handact.progress import Progress
from handact.sweep import (
    Cell,
    measure_run,
    read_cells,
    read_plan,
    run_cells,
    temporal_cells,
    write_plan,
)

CLI = CliRunner()
SEGMENT = SegmentConfig(window_stride=4)


@contextmanager
def _quiet(what: str, unit: str) -> Progress:
    yield lambda done, total: None


def test_the_cells_are_those_of_the_paper() -> None:
    cells = temporal_cells(None, {"hands": "none", "epochs": 3}, seeds=range(2))
    sizes = {(c.config.clip_len, c.config.frame_stride) for c in cells}
    assert sizes == {*((8, tau) for tau in (1, 2, 4, 6, 8, 10)), *((t, 8) for t in (1, 2, 4, 16))}
    assert len(cells) == len({c.run for c in cells}) == 10 * 2 * 2
    by_run = {c.run: c.config for c in cells}
    longest = by_run["sweep-tsm-T16-tau8-seed1"]
    assert (longest.shift, longest.seed, longest.epochs, longest.hands) == ("tsm", 1, 3, "none")
    assert longest.batch_size == 32  # what follows from T is not that of another T
    assert by_run["sweep-tsn-T8-tau2-seed0"].context == 0


def test_a_cell_is_trained_and_measured_once(
    run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(TINY_ACTION, shift="none", hands="none", epochs=1)
    cells = [Cell("sweep-tsn-T2-tau3-seed0", config)]
    lines: list[str] = []
    run_cells(run_folder, cells, TINY_ALIGN, SEGMENT, show=_quiet, log=lines.append)
    (cell,) = read_cells(run_folder)
    assert (cell.shift, cell.clip_len, cell.frame_stride, cell.seed) == ("none", 2, 3, 0)
    assert 0 <= cell.figures["frame_accuracy"] <= 100
    assert cell.figures["segment_level"]["accuracy"] >= 0

    monkeypatch.setattr("handact.sweep.evaluate_sequences", lambda *_, **__: pytest.fail("again"))
    run_cells(run_folder, cells, TINY_ALIGN, SEGMENT, show=_quiet, log=lines.append)
    assert any("is trained" in line for line in lines)
    other = [Cell(cells[0].run, replace(config, learning_rate=0.5))]
    with pytest.raises(TrainingError) as caught:
        run_cells(run_folder, other, TINY_ALIGN, SEGMENT, show=_quiet, log=lines.append)
    assert "delete" in caught.value.hint
    assert read_cells(run_folder) == [cell]

    planned = [*cells, Cell("sweep-tsm-T2-tau3-seed0", replace(config, shift="tsm"))]
    write_plan(run_folder, planned)
    result = CLI.invoke(app, ["report", "sweep", str(run_folder), "--html", "--json"])
    assert result.exit_code == 0, result.output
    (missing,) = json.loads(result.stdout)["missing"]
    assert missing["shift"] == "tsm"
    assert (run_folder / "report" / "sweep.html").exists()
    write_plan(run_folder, cells)  # a smaller sweep later forgets nothing
    assert len(read_plan(run_folder)) == 2

    # Figures of a network that has gone, or of another kind of network, are no figures of it.
    other = run_folder / "runs" / "sweep-tsm-T2-tau3-seed0"
    shutil.copytree(run_folder / "runs" / cells[0].run, other)
    content = json.loads((other / "figures.json").read_text())
    content["config"] |= {"shift": "tsm", "epochs": 7}
    (other / "figures.json").write_text(json.dumps(content))
    with pytest.raises(ConfigError, match="sweep-tsn.* was trained with epochs = 1, .* with 7"):
        read_cells(run_folder)
    (other / "best.pt").unlink()
    assert read_cells(run_folder) == [cell]


@pytest.mark.slow
def test_figures_of_other_labels_or_settings_are_not_used(
    run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = measure_run(run_folder, "action", SEGMENT)
    assert measure_run(run_folder, "action", SEGMENT) == before
    raw = measure_run(run_folder, "action", replace(SEGMENT, cleaning="none"))
    assert "cleaning none" in raw["variant"]["how"]
    labels = run_folder / "actions.csv"
    rows = labels.read_text().splitlines(keepends=True)
    rows.remove(next(row for row in rows if row.startswith("test-1,")))
    labels.write_text("".join(rows))
    after = measure_run(run_folder, "action", replace(SEGMENT, cleaning="none"))
    assert after != raw


def test_the_command_lists_its_share(dataset: Path) -> None:
    def names(*options: str) -> list[str]:
        result = CLI.invoke(app, ["sweep", str(dataset), "--dry-run", *options])
        assert result.exit_code == 0, result.output
        return result.stdout.split()

    whole = names("--seeds", "2")
    assert len(whole) == 40
    parts = [names("--seeds", "2", "--share", f"{i}/3") for i in range(3)]
    assert sorted(chain.from_iterable(parts)) == sorted(whole)
    assert names("--shift", "causal")[0] == "sweep-causal-T8-tau1-seed0"
    result = CLI.invoke(app, ["sweep", str(dataset), "--dry-run", "--set", "clip_len=3"])
    assert "clip_len is what a sweep varies" in result.stderr
    assert CLI.invoke(app, ["sweep", str(dataset), "--split", "tets"]).exit_code == 2
    result = CLI.invoke(app, ["report", "sweep", str(dataset)])
    assert result.exit_code == 1
    assert "handact sweep" in result.stderr
