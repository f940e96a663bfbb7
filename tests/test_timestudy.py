"""The time study: cycles and their faults, statistics by hand, files, and the command."""

import csv
import itertools
import json
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from handact.cli import app
from handact.errors import ConfigError, LabelError
from handact.labels import Segment
from handact.metrics import segment_counts
from handact.report import (
    Observations,
    describe_timestudy,
    observe_sequences,
    read_nominal,
    read_observations,
    study_times,
)
from handact.results import Sequences
from handact.timestudy import (
    Cycle,
    Nominal,
    Step,
    align_to_order,
    compare_cycles,
    compare_steps,
    compare_to_standard,
    compare_to_takt,
    compare_waiting,
    find_cycles,
    match_steps,
    spread,
    step_times,
    waiting_times,
)

SECONDS = "video,start_seconds,end_seconds,action\n"
FRAMES = "video,start_frame,end_frame,action\n"


def steps(text: str) -> list[Step]:
    """Read `a 0-2, b 2-5`."""
    cells = [cell.split() for cell in text.split(",")]
    return [Step(name, *map(float, times.split("-"))) for name, times in cells]


def told(cycle: Cycle) -> str:
    """Write a cycle down: +extra, ~out of order, -missing; in brackets where it is partial."""
    signs = {"ok": "", "extra": "+", "out of order": "~", "": ""}
    words = [signs[its] + step.action for step, its in zip(cycle.steps, cycle.status, strict=True)]
    text = " ".join([*words, *(f"-{name}" for name in cycle.missing)])
    return text if cycle.is_complete else f"({text})"


# ------------------------------------------------------------------------------ a case on paper
#
# order a b c          v1                                         v2
#   1    a 0-2, b 2-5, c 6-8      as it should be          c 0-1        partial
#   2    a 10-13, c 13-15, b 16-19   c out of order        a 2-4, c 5-7    b missing
#   3    a 20-22, b 22-24, b 25-26, c 26-28   b extra      a 8-10, b 10-13   partial
#
# cycle times 10, 10, 8 (to the end of c) and 6: mean 8.5, median 9, sd √(11/3) = 1.914854,
# t(97.5 %, 3) = 3.182446, so ± 3.046955. Time per cycle: a 2, 3, 2, 2; b 3, 3, 3, 0; c 2, 2, 2, 2;
# waiting 3, 2, 1, 2; the means 2.25 + 2.25 + 2 + 2 are 8.5 again.

ORDER = ("a", "b", "c")
PAPER = {
    "v1": steps(
        "a 0-2, b 2-5, c 6-8, a 10-13, c 13-15, b 16-19, a 20-22, b 22-24, b 25-26, c 26-28"
    ),
    "v2": steps("c 0-1, a 2-4, c 5-7, a 8-10, b 10-13"),
}


@pytest.fixture
def cycles() -> list[Cycle]:
    return [c for v, its in PAPER.items() for c in find_cycles(v, its, Nominal(ORDER))]


def test_cycles_on_paper(cycles: list[Cycle]) -> None:
    assert [told(c) for c in cycles] == [
        "a b c", "a ~c b", "a b +b c", "(c)", "a c -b", "(a b)",
    ]  # fmt: skip
    assert [(c.number, c.start, c.end) for c in cycles] == [
        (1, 0, 10), (2, 10, 20), (3, 20, 28), (1, 0, 2), (2, 2, 8), (3, 8, 13),
    ]  # fmt: skip
    assert cycles[4].missing_at == (4,)
    assert [c.waiting for c in cycles if c.is_complete] == [3, 2, 1, 2]


def test_times_on_paper(cycles: list[Cycle]) -> None:
    time = spread([c.duration for c in cycles if c.is_complete])
    assert (time.n, time.mean, time.median, time.min, time.max) == (4, 8.5, 9, 6, 10)
    assert time.sd == pytest.approx(1.914854, abs=1e-6)
    assert time.ci_low == pytest.approx(8.5 - 3.046955, abs=1e-5)
    assert time.ci_high == pytest.approx(8.5 + 3.046955, abs=1e-5)
    found = {name: step_times(name, PAPER, cycles) for name in ORDER}
    waiting = waiting_times(PAPER, cycles)
    assert {n: (t.each.n, t.each.mean) for n, t in found.items()} == {
        "a": (5, 2.2), "b": (5, 2.4), "c": (5, 1.8),
    }  # fmt: skip
    assert [found[n].per_cycle.mean for n in ORDER] == [2.25, 2.25, 2]
    assert [found[n].frequency for n in ORDER] == [1, 1, 1]
    assert found["b"].share == pytest.approx(100 * 9 / 34)
    assert (waiting.each.n, waiting.each.mean) == (8, 1.125)
    assert (waiting.per_cycle.mean, waiting.frequency) == (2, 1.75)
    shares = [t.share for t in (*found.values(), waiting)]
    assert sum(shares) == pytest.approx(100)


def test_takt_and_standard_on_paper(cycles: list[Cycle]) -> None:
    takt = compare_to_takt(cycles, 9)
    assert (takt.n, takt.over, takt.mean_over, takt.max_over) == (4, 2, 1, 1)
    assert compare_to_takt(cycles, 10).mean_over is None
    a = compare_to_standard(step_times("a", PAPER, cycles).each, 2)  # 2.2 ± 0.555
    assert (a.difference, a.percent) == (pytest.approx(0.2), pytest.approx(10))
    assert a.is_inside is True
    c = compare_to_standard(step_times("c", PAPER, cycles).each, 3)  # 1.8 ± 0.555
    assert c.is_inside is False
    assert compare_to_standard(spread([]), 3).difference is None
    assert compare_to_standard(spread([4]), 3).is_inside is None
    assert spread([1, 5]).ci_low == 0  # it would be -22.4, and no time is below 0


def test_agreement_on_paper() -> None:
    # Differences +0.5, -0.5 and -1: mean -1/3, sd √(7/12) = 0.7637626, 1.96 sd = 1.4969747.
    truth = {"v": steps("a 0-2, b 2-5, a 10-14, c 20-21"), "w": steps("a 0-1")}
    predicted = {"v": steps("a 0-2.5, b 2.5-5, a 10-13, c 30-31"), "other": steps("a 0-1")}
    both = compare_steps(truth, predicted)
    assert (both.matched, both.missed, both.extra, both.manual_mean) == (3, 2, 1, 3)
    assert both.bias == pytest.approx(-1 / 3)
    assert both.sd == pytest.approx(0.7637626, abs=1e-6)
    assert (both.low, both.high) == pytest.approx((-1.830308, 1.163641), abs=1e-5)
    assert both.mean_absolute == pytest.approx(2 / 3)
    only = compare_steps(truth, predicted, "a")
    assert (only.matched, only.missed, only.extra, only.bias) == (2, 1, 0, -0.25)
    none = compare_steps(truth, predicted, "c")
    assert (none.matched, none.missed, none.extra, none.bias) == (0, 1, 1, None)


def test_agreement_of_waiting() -> None:
    # Gaps 2-4 and 5-8 against 2-5 and 5.5-6.5, of which only the first overlaps by half.
    truth, predicted = steps("a 0-2, b 4-5, c 8-9"), steps("a 0-2, b 5-5.5, c 6.5-9")
    found = compare_waiting({"v": truth}, {"v": predicted})
    assert (found.matched, found.missed, found.extra, found.bias) == (1, 1, 1, 1)


def test_agreement_of_cycle_times() -> None:
    nominal = Nominal(start="a")
    one = find_cycles("v", steps("a 0-1, b 2-9, a 10-11, a 20-21"), nominal)
    other = find_cycles("v", steps("a 0-1, a 10.5-11, b 12-13, a 20-21"), nominal)
    found = compare_cycles(one, other)
    assert (found.matched, found.missed, found.extra) == (2, 0, 0)
    assert (found.bias, found.mean_absolute) == (0, 0.5)


# ------------------------------------------------------------------------------------------ cycles


def spell(text: str) -> list[Step]:
    return [Step(letter, i, i + 0.9) for i, letter in enumerate(text)]


@pytest.mark.parametrize(
    ("order", "seen", "expected"),
    [
        ("abcd", "abcdabcd", ["a b c d", "a b c d"]),
        ("abcd", "cdabcdab", ["(c d)", "a b c d", "(a b)"]),
        ("abcd", "abcdbcdabcd", ["a b c d", "b c d -a", "a b c d"]),  # its first step is left out
        ("abcd", "abcdabcabcd", ["a b c d", "a b c -d", "a b c d"]),
        ("abac", "abacabacabac", ["a b a c"] * 3),  # twice in the order: no cycle of its own
        ("abcd", "abcdbacdabcd", ["a b c d", "~b a c d", "a b c d"]),
        ("abcd", "abdcabcd", ["a b ~d c", "a b c d"]),  # between cycles: to that which misses it
        ("abc", "xabcxyabcz", ["+x a b c +x +y", "a b c +z"]),
        ("abc", "xyz", ["(+x +y +z)"]),
        ("abc", "b", ["(b)"]),
        ("a", "aaa", ["a", "a", "a"]),
    ],
)
def test_cycles_by_order(order: str, seen: str, expected: list[str]) -> None:
    cycles = find_cycles("v", spell(seen), Nominal(tuple(order)))
    assert [told(c) for c in cycles] == expected
    assert [s for c in cycles for s in c.steps] == spell(seen)


def test_cycles_by_start() -> None:
    cycles = find_cycles("v", spell("cabacad"), Nominal(start="a"))
    assert [told(c) for c in cycles] == ["(c)", "a b", "a c", "(a d)"]
    assert [c.duration for c in cycles[1:3]] == [2, 2]
    assert not any(c.is_odd for c in cycles)
    assert find_cycles("v", spell("ab"), Nominal()) == []
    assert find_cycles("v", [], Nominal(("a",))) == []
    assert [told(c) for c in find_cycles("v", spell("bc"), Nominal(start="a"))] == ["(b c)"]


def ways(seen: list[Step], order: list[str], last: int | None = None) -> Iterator[list]:
    """Yield every alignment: each step in order at a place not a cycle on from the last, or not."""
    if not seen:
        yield []
        return
    first = 0 if last is None else last + 1
    fitting = [
        p for p in range(first, first + len(order)) if order[p % len(order)] == seen[0].action
    ]
    for place in (None, *fitting):
        for rest in ways(seen[1:], order, last if place is None else place):
            yield [place, *rest]


def cost(positions: list[int | None], seen: list[Step]) -> tuple[int, int]:
    there = [p for p in positions if p is not None]
    passed = sum(b - a - 1 for a, b in itertools.pairwise(there))
    left = sum(round(1e6 * s.duration) for s, p in zip(seen, positions, strict=True) if p is None)
    return passed + len(seen) - len(there), left


@settings(deadline=None)
@given(
    st.lists(st.sampled_from("abc"), min_size=1, max_size=4),
    st.lists(st.tuples(st.sampled_from("abcx"), st.integers(1, 5)), max_size=5),
)
def test_alignment_is_as_good_as_any(order: list[str], seen: list[tuple[str, int]]) -> None:
    ends = np.cumsum([0, *(n for _, n in seen)]).tolist()
    its = [Step(a, *t) for (a, _), t in zip(seen, itertools.pairwise(ends), strict=True)]
    found, options = align_to_order(its, order), list(ways(its, order))
    assert found in options
    assert cost(found, its) == min(cost(way, its) for way in options)


@settings(deadline=None)
@given(st.lists(st.sampled_from("abcx"), max_size=14), st.lists(st.sampled_from("abc"), min_size=1))
def test_complete_cycles_account_for_the_order(seen: list[str], order: list[str]) -> None:
    for cycle in find_cycles("v", spell("".join(seen)), Nominal(tuple(order))):
        if cycle.is_complete:
            there = cycle.named("ok") + cycle.named("out of order") + list(cycle.missing)
            assert sorted(there) == sorted(order)


@settings(deadline=None)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=30), st.data())
def test_matches_are_those_of_f1(truth: list[int], data: st.DataObject) -> None:
    other = data.draw(st.lists(st.integers(0, 3), min_size=len(truth), max_size=len(truth)))

    def runs(labels: list[int]) -> list[Step]:
        edges = [0, *(np.flatnonzero(np.diff(labels)) + 1).tolist(), len(labels)]
        return [Step(str(labels[a]), a, b) for a, b in itertools.pairwise(edges) if labels[a]]

    counts = segment_counts(np.array(truth), np.array(other), 0.5, 0).total
    assert len(match_steps(runs(truth), runs(other))) == counts.tp


# ------------------------------------------------------------------------------------- the command


def run(*args: object) -> Result:
    return CliRunner().invoke(app, ["report", "timestudy", *map(str, args)])


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """The case on paper, with background in its gaps."""
    rows = [f"{v},{s.start},{s.end},{s.action}\n" for v, its in PAPER.items() for s in its]
    return write(tmp_path / "p.csv", SECONDS + "v1,5,6,idle\n" + "".join(rows))


def test_files_of_bare_tables(tmp_path: Path, table: Path) -> None:
    truth = write(tmp_path / "t.csv", FRAMES + "v1,0,20,a\nv1,20,52,b\nv3,0,9,a\n")
    standard = write(tmp_path / "s.csv", "step;seconds\na;2,0\n")
    order = write(tmp_path / "order.txt", "a\n\nb\nc\n")
    options = ["--background", "idle", "--fps", 10, "--order", order, "--takt", 9]
    options += ["--standard", standard, "-o", tmp_path / "r", "--html"]
    result = run("--predicted", table, "--truth", truth, *options)
    assert result.exit_code == 0, result.output
    assert "cycle 2 of v1: out of order `c`" in result.stdout
    assert "cycle 2 of v2: missing `b`" in result.stdout
    assert "no prediction, so left out of the agreement: 'v3'" in result.stderr
    report = json.loads((tmp_path / "r" / "timestudy.json").read_text())
    assert report["cycles"]["time"]["mean"] == 8.5
    assert report["cycles"]["odd"] == 3
    not_odd = report["cycles"]["time_not_odd"]
    assert (not_odd["n"], not_odd["mean"]) == (1, 10)
    assert "of these not odd 1 " in " ".join(result.stdout.split())
    assert "1 of 4 complete cycles ends its video: timed without" in result.stderr
    assert report["cycles"]["takt"]["over"] == 2
    assert report["steps"]["a"]["standard"]["is_inside"] is True
    assert report["agreement"]["steps"]["b"]["bias"] == pytest.approx(-0.2)
    assert report["agreement"]["total"]["extra"] == 8  # of v1 alone
    with (tmp_path / "r" / "timestudy_events.csv").open() as file:
        events = [(r["video"], r["cycle"], r["step"], r["status"]) for r in csv.DictReader(file)]
    assert events[3:6] == [
        ("v1", "2", "a", "ok"), ("v1", "2", "c", "out of order"), ("v1", "2", "b", "ok"),
    ]  # fmt: skip
    assert ("v2", "2", "b", "missing") in events
    with (tmp_path / "r" / "timestudy_cycles.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["seconds"] for row in rows] == ["10", "10", "8", "2", "6", "5"]
    assert [row["complete"] for row in rows] == ["yes", "yes", "yes", "no", "yes", "no"]
    with (tmp_path / "r" / "timestudy_agreement.csv").open() as file:
        rows = [(row["of"], row["step"], row["n_matched"]) for row in csv.DictReader(file)]
    assert rows[2:5] == [("waiting", "", "0"), ("step", "a", "1"), ("step", "b", "1")]
    assert "5.45 to 11.55 ?" in result.stdout
    assert "?: from fewer than 5 times." in result.stdout
    assert (tmp_path / "r" / "timestudy.png").read_bytes().startswith(b"\x89PNG")
    assert "Odd cycles" in (tmp_path / "r" / "timestudy.html").read_text()


def test_workbook_holds_numbers_and_plain_text(tmp_path: Path) -> None:
    rows = '=v,0,2,"=1+1"\n=v,2,3.5,@x\n=v,4,6,"=1+1"\n=v,6,7,-y\n'
    table = write(tmp_path / "p.csv", SECONDS + rows)
    assert run("--predicted", table, "--start", "=1+1", "-o", tmp_path).exit_code == 0
    book = openpyxl.load_workbook(tmp_path / "timestudy.xlsx")
    assert book.sheetnames == ["summary", "steps", "cycles", "events"]
    events = book["events"]
    assert [cell.value for cell in events["C"]] == ["step", "=1+1", "@x", "=1+1", "-y"]
    assert {cell.data_type for cell in events["C"]} == {"s"}
    assert [cell.value for cell in events["F"]][1:] == [2, 1.5, 2, 1]
    assert (events["F3"].data_type, events["F3"].number_format) == ("n", "0.00")
    assert events.freeze_panes == "A2"
    assert events.column_dimensions["C"].width > 6


def test_without_cycles_there_are_steps_and_a_hint(tmp_path: Path, table: Path) -> None:
    result = run("--predicted", table, "--background", "idle", "-o", tmp_path / "r", "--json")
    assert result.exit_code == 0
    assert "--start STEP" in result.stderr
    report = json.loads(result.stdout)
    assert report["cycles"] is None
    assert report["agreement"] is None
    assert report["steps"]["a"]["per_cycle"]["n"] == 0
    assert report["waiting"]["share"] == pytest.approx(100 * 9 / 41)
    assert not (tmp_path / "r" / "timestudy_cycles.csv").exists()


def test_what_an_earlier_report_left_goes(tmp_path: Path, table: Path) -> None:
    (tmp_path / "r").mkdir()
    mine = write(tmp_path / "r" / "cycles.html", "a person's own")
    options = ["--predicted", table, "--start", "a", "--truth", table, "--html"]
    assert run(*options, "-o", tmp_path / "r").exit_code == 0
    before = {path.name for path in (tmp_path / "r").iterdir()}
    assert run("--predicted", table, "-o", tmp_path / "r").exit_code == 0
    left = before - {path.name for path in (tmp_path / "r").iterdir()}
    assert left == {"timestudy_cycles.csv", "timestudy_agreement.csv", "timestudy.html"}
    assert mine.exists()


def test_seconds_come_from_stamps_before_frames(tmp_path: Path) -> None:
    head = "video,start_frame,end_frame,start_seconds,end_seconds,action\n"
    both = write(tmp_path / "a.segments.csv", head + "v,0,10,0,7,a\n")
    assert read_observations([both], fps=10).steps["v"] == steps("a 0-7")
    frames = write(tmp_path / "f.csv", FRAMES + "w,5,10,a\n")
    rates = write(tmp_path / "videos.csv", "video,fps\nw,2.5\n")
    assert read_observations([frames], videos=rates).steps["w"] == steps("a 2-4")
    with pytest.raises(LabelError, match="how many there are a second"):
        read_observations([frames])
    with pytest.raises(LabelError, match="in another file already"):
        read_observations([both, write(tmp_path / "b.csv", SECONDS + "v,0,1,a\n")])
    assert list(read_observations([tmp_path, frames], fps=1).steps) == ["v", "w"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("v,0,2,a\nv,1.5,3,b\n", "p.csv:3: 'b' from 1.5 s of video 'v' overlaps 'a'"),
        ("v,2,2,a\n", "p.csv:2: end_seconds 2 is not after start_seconds 2"),
        ("v,-1,2,a\n", "p.csv:2: start_seconds is negative: -1"),
        ("v,,2,a\n", "p.csv:2: start_seconds is empty"),
        ("v,x,2,a\n", "p.csv:2: start_seconds is not a number: 'x'"),
        (",0,2,a\n", "p.csv:2: video is empty"),
        ("", "p.csv: has no rows"),
    ],
)
def test_bad_tables(tmp_path: Path, rows: str, message: str) -> None:
    result = run("--predicted", write(tmp_path / "p.csv", SECONDS + rows), "-o", tmp_path / "r")
    assert result.exit_code == 1
    assert message in " ".join(result.stderr.split())
    assert not (tmp_path / "r").exists()


CLASSES = ("idle", "insert red pin", "insert blue pin", "wipe bench")


@pytest.mark.parametrize(
    ("targets", "message", "hint"),
    [
        ({"order": "wipe bensh, insert red pin"}, "no step 'wipe bensh'", "is it 'wipe bench'?"),
        ({"start": "Wipe_Bench"}, "--start: there is no step", "is it 'wipe bench'?"),
        ({"start": "glue"}, "no step 'glue'", "the steps are: insert red pin, insert blue pin"),
        ({"order": "idle, wipe bench"}, "'idle' is background", "leave it out"),
        ({"order": "no.txt"}, "no such file: no.txt", "one step a line"),
        ({"order": "oder"}, "none of its steps", "was a file meant"),
        ({"order": " , "}, "names no step", "one step a line"),
        ({"order": "wipe bench", "start": "insert red pin"}, "not in --order", "leave out"),
        ({"takt": 9.0}, "no cycles are known", "--start STEP"),
    ],
)
@pytest.mark.parametrize("is_closed", [True, False])
def test_slips_in_targets(targets: dict, message: str, hint: str, is_closed: bool) -> None:
    with pytest.raises(ConfigError) as caught:
        read_nominal(CLASSES, "idle", is_closed=is_closed, **targets)
    if not (is_closed and targets.get("order") == "oder"):
        assert message in caught.value.message
        assert hint in caught.value.hint


def test_targets_that_are_right(tmp_path: Path) -> None:
    # Bare tables may lack a step that is left out in every cycle, though it is like another.
    nominal, notes = read_nominal(
        CLASSES[:2], "idle", is_closed=False, order="insert red pin, insert blue pin"
    )
    assert nominal.order == ("insert red pin", "insert blue pin")
    assert notes == ["--order: 'insert blue pin' is nowhere in the tables"]
    order = write(tmp_path / "o.txt", "insert red pin\r\nwipe bench\r\ninsert blue pin\r\n")
    turned, _ = read_nominal(CLASSES, "idle", order=str(order), start="wipe bench")
    assert turned.order == ("wipe bench", "insert blue pin", "insert red pin")
    twice = write(tmp_path / "s.csv", "step,seconds\nwipe bench,2\nwipe bench,3\n")
    with pytest.raises(LabelError, match=r"s.csv:3: step 'wipe bench' stands here twice"):
        read_nominal(CLASSES, "idle", standard=twice)
    wrong = write(tmp_path / "w.csv", "step,seconds\nwipe bench,0\n")
    with pytest.raises(LabelError, match=r"w.csv:2: seconds is not above 0: '0'"):
        read_nominal(CLASSES, "idle", standard=wrong)


def test_a_cycle_without_its_first_step_counts_and_is_told() -> None:
    study = study_times(
        Observations(tuple("abcd"), "", {"v": spell("abcdbcdabcd")}), Nominal(tuple("abcd"))
    )
    report = describe_timestudy(study)
    assert report["variant"]["notes"] == [
        "1 of 3 complete cycles lacks its first step, and is counted from the first step that was"
        " seen",
        "1 of 3 complete cycles ends its video: timed without the waiting until the next cycle",
    ]
    assert (report["cycles"]["time"]["n"], report["cycles"]["time_not_odd"]["n"]) == (3, 2)
    twice = Observations(tuple("abc"), "", {"v": spell("abacabcabac")})  # its second `a` is missing
    notes = describe_timestudy(study_times(twice, Nominal(tuple("abac"))))["variant"]["notes"]
    assert not any("first step" in note for note in notes)


def test_only_ends_that_are_known_cut_steps_off(tmp_path: Path) -> None:
    rows = "v,0.5,1,background\nv,1,3,a\nw,0,1,a\nw,2,3,a\n"
    table = write(tmp_path / "p.csv", SECONDS + rows)
    first = "1 step touches the beginning or end of its video and may be longer than was seen"
    assert read_observations([table]).notes == (first,)
    videos = write(tmp_path / "videos.csv", "video,frames,fps\nv,30,10\nw,,10\nx,5,\n")
    both = read_observations([table], videos=videos).notes
    assert [note.partition(" of")[0] for note in both] == ["2 steps touch the beginning or end"]
    assert read_observations([table], videos=videos, fps=5).notes == (first,)  # v ends at 6 s
    videos.write_text("video,frames,fps\nv,-1,10\n")
    with pytest.raises(LabelError, match=r"videos.csv:2: frames is not above 0: -1"):
        read_observations([table], videos=videos)


def test_nothing_but_background(tmp_path: Path, table: Path) -> None:
    empty = write(tmp_path / "b.csv", SECONDS + "v1,0,3,background\n")
    for options in ([], ["--start", "take"]):
        result = run("--predicted", empty, *options)
        assert result.exit_code == 1
        assert "b.csv: has no step: every row is background 'background'" in result.stderr
    missed = run("--predicted", empty, "--truth", table, "--start", "a", "-o", tmp_path / "r")
    assert missed.exit_code == 0, missed.output  # here the manual steps are the report
    assert "1 video, 0 steps" in missed.stdout


def test_a_slip_in_the_name_of_background_is_told(tmp_path: Path) -> None:
    table = write(tmp_path / "p.csv", SECONDS + "v,0,1,a\nv,1,2,background\n")
    result = run("--predicted", table, "--background", "Background")
    assert "no row is called 'Background', but one is 'background'" in result.stderr
    assert "2 steps" in result.stdout


def test_more_odd_cycles_than_are_listed(tmp_path: Path) -> None:
    rows = "".join(f"v,{3 * i},{3 * i + 1},a\nv,{3 * i + 1},{3 * i + 2},x\n" for i in range(31))
    options = ["--predicted", write(tmp_path / "p.csv", SECONDS + rows), "--order", "a"]
    assert "and 1 more odd cycle: -o FOLDER writes all of them" in run(*options).stdout
    written = run(*options, "-o", tmp_path / "r").stdout
    assert "and 1 more odd cycle: timestudy_cycles.csv has all of them" in written


def test_tables_beside_a_dataset_are_refused(tmp_path: Path, table: Path) -> None:
    other = write(tmp_path / "q.csv", SECONDS + "v,0,1,a\n")
    result = run("--predicted", table, other)  # what the shell makes of `--predicted *.csv`
    assert result.exit_code == 2
    assert "--predicted must be repeated for each table" in " ".join(result.stderr.split())
    assert run("--predicted", table, "--run", "action").exit_code == 2
    assert run("--predicted", table, "--predicted", other).exit_code == 0


def test_half_an_input(tmp_path: Path, table: Path) -> None:
    assert run("--truth", table).exit_code == 2
    assert run("--predicted", table, "--html").exit_code == 2
    assert run("--predicted", table, "-o", table).exit_code == 1


def test_a_dataset_of_varying_frame_rate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = np.repeat([0, 1, 2, 1, 2, 1], 5)
    edges = np.append(np.arange(20) / 10, 2 + np.arange(11) / 5)  # slower from second 2 on
    result = Sequences(
        classes=("idle", "pick", "put"), background="idle", truth={"v": labels},
        predicted={"v": labels}, fps={"v": 8.0}, edges={"v": edges}, split="test", run="action",
        how="split by video",
    )  # fmt: skip
    module = types.ModuleType("handact.evaluation")
    module.evaluate_sequences = lambda *args, **options: result
    monkeypatch.setitem(sys.modules, "handact.evaluation", module)
    write(tmp_path / "dataset.toml", 'classes = ["idle", "pick", "put"]\nbackground = "idle"\n')
    header = "video,path,split,fps,frames,width,height\n"
    write(tmp_path / "videos.csv", f"{header}v,v.mp4,test,8,30,64,48\n")
    write(tmp_path / "v.mp4", "not a video")
    rows = [f"v,{5 * i},{5 * i + 5},{'put' if i % 2 == 0 else 'pick'}\n" for i in range(1, 6)]
    write(tmp_path / "actions.csv", FRAMES + "".join(rows))
    done = run(tmp_path, "--start", "pick", "--json", "--html")
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert [c["seconds"] for c in report["cycles"]["list"]] == [1, 1.5, 1]
    assert report["steps"]["pick"]["max"] == 1
    assert report["cycles"]["odd"] is None
    assert report["agreement"]["total"]["bias"] == 0
    assert "1 step touches the beginning or end" in done.stderr
    assert (tmp_path / "report" / "timestudy.html").exists()
    slip = run(tmp_path, "--start", "pik")
    assert slip.exit_code == 1
    assert "is it 'pick'?" in slip.stderr


def test_steps_done_in_a_row_stay_apart_in_both_ways(tmp_path: Path) -> None:
    """Three screws of two seconds each: labels of frames would make them one of six."""
    truth, one = np.repeat([1, 2, 0], [6, 3, 1]), np.repeat([1, 2], [6, 4])
    result = Sequences(("idle", "screw", "wipe"), "idle", {"v": truth}, {"v": one}, {"v": 1.0})
    manual = [Segment(2 * i, 2 * i + 2, "screw") for i in range(3)] + [Segment(6, 9, "wipe")]
    seen = observe_sequences(result, {"v": manual, "of another split": []})
    assert seen.truth == {"v": steps("screw 0-2, screw 2-4, screw 4-6, wipe 6-9")}
    assert seen.notes[-1].startswith("2 manual steps follow at once on another of the same name")
    rows = [f"v,{s.start_frame},{s.end_frame},{s.action}\n" for s in manual]
    table = write(tmp_path / "t.csv", FRAMES + "".join(rows))
    guess = write(tmp_path / "p.csv", FRAMES + "v,0,6,screw\nv,6,10,wipe\n")
    bare = read_observations([guess], table, background="idle", fps=1)
    both = [describe_timestudy(study_times(o, Nominal()))["agreement"] for o in (seen, bare)]
    assert both[0] == both[1]
    assert both[0]["total"]["missed"] == 3
