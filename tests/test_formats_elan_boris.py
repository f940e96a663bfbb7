"""Actions of ELAN, as documents and as text, of ANVIL and of BORIS."""

import csv
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pympi
import pytest
from folders import make_dataset
from hypothesis import given, settings
from hypothesis import strategies as st

from handact.dataset import Dataset, action_export, export_actions, plan_actions, read_dataset
from handact.dataset.exporting import write_files
from handact.errors import LabelError
from handact.formats.guess import guess_format
from handact.formats.intervals import ActionOptions
from handact.labels import Segment

SAMPLES = Path(__file__).parent / "samples"
TAKE = Segment(4, 16, "take")
TURN = Segment(20, 32, "turn screw")


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return read_dataset(make_dataset(tmp_path))


def _write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def _edit(source: Path, path: Path, *changes: tuple[str, str]) -> Path:
    """Write a copy of a file, in which each text is replaced, which must be there."""
    text = source.read_bytes().decode()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return _write(path, text)


@pytest.mark.parametrize(
    ("sample", "format"),
    [
        ("elan/tiers.eaf", "elan"),
        ("elan/pympi.eaf", "elan"),
        ("elan", "elan"),
        ("elan-text/rows.txt", "elan-text"),
        ("elan-text/columns.txt", "elan-text"),
        ("anvil/v1.anvil", "anvil"),
        ("boris/tabular.csv", "boris"),
        ("boris/tabular_both.tsv", "boris"),
        ("boris/aggregated.csv", "boris"),
        ("boris/old.csv", "boris"),
        ("boris/project.boris", "boris"),
        ("csv/spreadsheet.csv", "csv"),
    ],
)
def test_formats_are_told_by_their_looks(sample: str, format: str) -> None:
    assert guess_format(SAMPLES / sample, "actions") == format


# ELAN


def _eaf(path: Path, *, media: str = "", times: str = "200 800", body: str = "") -> Path:
    """Write a document: media descriptors, times of ts1, ts2, ... (`-` for none), tiers."""
    slots = "".join(
        f'<TIME_SLOT TIME_SLOT_ID="ts{i}"{"" if time == "-" else f""" TIME_VALUE="{time}" """}/>'
        for i, time in enumerate(times.split(), 1)
    )
    return _write(
        path,
        f'<ANNOTATION_DOCUMENT FORMAT="3.0"><HEADER TIME_UNITS="milliseconds">{media}</HEADER>'
        f"<TIME_ORDER>{slots}</TIME_ORDER>{body or _tier('steps', 'take')}</ANNOTATION_DOCUMENT>",
    )


def _tier(name: str, *labels: str, first: int = 1) -> str:
    """Return a tier of which each annotation has two time slots of its own."""
    rows = "".join(
        f'<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="{name}{i}" TIME_SLOT_REF1="ts{i}" '
        f'TIME_SLOT_REF2="ts{i + 1}"><ANNOTATION_VALUE>{label}</ANNOTATION_VALUE>'
        "</ALIGNABLE_ANNOTATION></ANNOTATION>"
        for i, label in zip(range(first, first + 2 * len(labels), 2), labels, strict=True)
    )
    return f'<TIER TIER_ID="{name}">{rows}</TIER>'


def _medium(url: str, origin: int | None = None, mime: str = "video/mp4") -> str:
    at = "" if origin is None else f' TIME_ORIGIN="{origin}"'
    return f'<MEDIA_DESCRIPTOR MEDIA_URL="{url}" MIME_TYPE="{mime}"{at}/>'


@pytest.mark.parametrize(
    ("tier", "expected"),
    [
        ("left hand", [TAKE, TURN]),
        ("right hand", [Segment(10, 24, "hold & press")]),
    ],
)
def test_a_tier_of_a_document_is_taken(
    dataset: Dataset, tier: str, expected: list[Segment]
) -> None:
    options = ActionOptions(tier=tier)
    plan = plan_actions(dataset, SAMPLES / "elan" / "tiers.eaf", options=options)
    assert plan.actions == {"v1": expected}
    assert plan.labels.rows == 9
    assert plan.labels.format == "ELAN document"


@pytest.mark.trap("elan: tiers overlap")
def test_tiers_that_overlap_are_not_mixed(dataset: Dataset) -> None:
    path = SAMPLES / "elan" / "tiers.eaf"
    with pytest.raises(LabelError, match=r"tiers\.eaf:\d: .* overlaps"):
        plan_actions(dataset, path)
    with pytest.raises(LabelError, match="has no tier 'both'") as caught:
        plan_actions(dataset, path, options=ActionOptions(tier="both"))
    assert "left hand (2), parts (3), notes (2), right hand (1)" in (caught.value.hint or "")


@pytest.mark.trap("elan: TIME_VALUE may be missing")
def test_boundaries_without_a_time_lie_evenly_between_others(
    dataset: Dataset, tmp_path: Path
) -> None:
    """As ELAN shows them: within their tier, whatever other tiers have between them."""
    path = SAMPLES / "elan" / "tiers.eaf"
    plan = plan_actions(dataset, path, options=ActionOptions(tier="parts"))
    parts = [Segment(4, 8, "reach"), Segment(8, 12, "grasp"), Segment(12, 16, "move")]
    assert plan.actions == {"v1": parts}
    assert "2 boundaries have no time in the file" in plan.labels.notes[0]
    # Of those that are in no chain, the order of the file tells the neighbours.
    path = _eaf(tmp_path / "v1.eaf", times="200 - 600 -", body=_tier("t", "take", "put"))
    plan = plan_actions(dataset, path)
    assert plan.actions == {"v1": [Segment(4, 8, "take")]}
    assert [str(p) for p in plan.labels.dropped] == [
        f"{path}:2: has no time: neither its own nor one to inherit"
    ]


@pytest.mark.trap("elan: REF_ANNOTATION has the time of its parent")
def test_annotations_that_refer_to_others_inherit_their_time(
    dataset: Dataset, tmp_path: Path
) -> None:
    path = SAMPLES / "elan" / "tiers.eaf"
    plan = plan_actions(dataset, path, options=ActionOptions(tier="notes"))
    assert plan.actions == {"v1": [Segment(20, 26, "loose"), Segment(26, 32, "tight")]}
    # The tier of the parents may come later; what refers to nothing has no time.
    text = (
        '<TIER TIER_ID="b" PARENT_REF="a"><ANNOTATION><REF_ANNOTATION ANNOTATION_ID="b1" '
        'ANNOTATION_REF="a1"><ANNOTATION_VALUE>put</ANNOTATION_VALUE></REF_ANNOTATION>'
        '</ANNOTATION><ANNOTATION><REF_ANNOTATION ANNOTATION_ID="b2" ANNOTATION_REF="a9">'
        "<ANNOTATION_VALUE>put</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION></TIER>"
    )
    path = _eaf(tmp_path / "v1.eaf", body=text + _tier("a", "take"))
    plan = plan_actions(dataset, path, options=ActionOptions(tier="b"))
    assert plan.actions == {"v1": [Segment(4, 16, "put")]}
    assert [p.row for p in plan.labels.dropped] == [2, 3]


@pytest.mark.trap("elan: TIME_ORIGIN moves the time line")
def test_the_time_line_may_begin_within_the_video(dataset: Dataset, tmp_path: Path) -> None:
    path = _eaf(tmp_path / "a.eaf", media=_medium("file:///D:/a%20b/v1.mp4", 500))
    plan = plan_actions(dataset, path)
    assert plan.actions == {"v1": [Segment(14, 26, "take")]}
    assert "time line begins at 0.5 s of the video" in plan.labels.notes[0]


@pytest.mark.trap("elan: several media files in one document")
def test_which_of_several_videos_is_meant_is_asked(dataset: Dataset, tmp_path: Path) -> None:
    media = _medium("file:///D:/top.mp4") + _medium("file:///D:/v1.mp4", 500)
    sound = _medium("file:///D:/v1.wav", mime="audio/x-wav")
    path = _eaf(tmp_path / "session 3.eaf", media=media + sound)
    with pytest.raises(LabelError, match=r"2 videos at once: 'top.mp4' from 0 s on, 'v1") as caught:
        plan_actions(dataset, path)
    assert "--video NAME" in (caught.value.hint or "")
    for name in ("v1", "V1.mp4"):
        plan = plan_actions(dataset, path, options=ActionOptions(video=name))
        assert plan.actions == {"v1": [Segment(14, 26, "take")]}
    # A name that none of them has says nothing of when the video begins.
    with pytest.raises(LabelError, match="2 videos at once"):
        plan_actions(dataset, path, options=ActionOptions(video="late"))
    path = _eaf(tmp_path / "session 4.eaf", media=media.replace(' TIME_ORIGIN="500"', ""))
    plan = plan_actions(dataset, path, options=ActionOptions(video="late"))
    assert list(plan.actions) == ["late"]
    # With a sound file it is one video, without any it is called as the document.
    assert "v1" in plan_actions(dataset, SAMPLES / "elan" / "pympi.eaf").actions
    assert "v1" in plan_actions(dataset, _eaf(tmp_path / "v1.eaf", media=sound)).actions
    assert "v1" in plan_actions(dataset, _eaf(tmp_path / "v1.eaf")).actions


@pytest.mark.trap("elan: annotations without a value")
def test_annotations_without_a_value_are_left_out(dataset: Dataset) -> None:
    path = SAMPLES / "elan" / "tiers.eaf"
    plan = plan_actions(dataset, path, options=ActionOptions(tier="right hand"))
    reasons = [p.reason for p in plan.labels.dropped if p.row == 9]
    assert reasons == ["has no value (tier 'right hand')"]


@pytest.mark.trap("elan: annotations of no length")
def test_annotations_of_no_length_are_left_out(dataset: Dataset, tmp_path: Path) -> None:
    path = _eaf(tmp_path / "v1.eaf", times="200 800 900 900", body=_tier("t", "take", "put"))
    plan = plan_actions(dataset, path)
    assert plan.actions == {"v1": [TAKE]}
    assert [p.reason for p in plan.labels.dropped] == ["holds no frame: 0.9 to 0.9"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<annotation/>", "is no .eaf file of ELAN: it begins with <annotation>"),
        (
            '<ANNOTATION_DOCUMENT><HEADER TIME_UNITS="PAL-frames"/></ANNOTATION_DOCUMENT>',
            "counts in PAL-frames, not in milliseconds",
        ),
        ("<ANNOTATION_DOCUMENT/>", "has no labels in it"),
        (
            '<ANNOTATION_DOCUMENT><TIME_ORDER><TIME_SLOT TIME_SLOT_ID="a" TIME_VALUE="x"/>'
            "</TIME_ORDER></ANNOTATION_DOCUMENT>",
            "time slot 'a': TIME_VALUE is not a number: 'x'",
        ),
    ],
)
def test_what_is_no_document_is_said(
    dataset: Dataset, tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(LabelError, match=message):
        plan_actions(dataset, _write(tmp_path / "v1.eaf", text))


def test_circles_in_a_document_end(dataset: Dataset, tmp_path: Path) -> None:
    """Tiers, chains of slots and annotations that refer to each other in circles."""
    tiers = "".join(
        f'<TIER TIER_ID="{a}" PARENT_REF="{b}"><ANNOTATION><REF_ANNOTATION ANNOTATION_ID="{a}1" '
        f'ANNOTATION_REF="{b}1" PREVIOUS_ANNOTATION="{a}1"><ANNOTATION_VALUE>x</ANNOTATION_VALUE>'
        "</REF_ANNOTATION></ANNOTATION></TIER>"
        for a, b in ("ab", "ba")
    )
    chain = _tier("c", "take", "put").replace("ts4", "ts1").replace("ts3", "ts2")
    path = _eaf(tmp_path / "v1.eaf", times="200 -", body=tiers + chain)
    with pytest.raises(LabelError, match="has no time"):
        plan_actions(dataset, path)


# What we write


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return read_dataset(make_dataset(tmp_path_factory.mktemp("shared")))


CLASSES = ("background", "take", "turn screw", "put & <wait>", "Schraube lösen")


@st.composite
def _segments(draw: st.DrawFn, frames: int) -> list[Segment]:
    cuts = sorted(draw(st.sets(st.integers(0, frames), min_size=2, max_size=8)))
    names = draw(st.lists(st.sampled_from(CLASSES[1:]), min_size=8, max_size=8))
    spans = list(zip(cuts[:-1], cuts[1:], names, strict=False))
    return [Segment(*span) for span in spans if draw(st.booleans())] or [Segment(*spans[0])]


def _give(dataset: Dataset, actions: dict[str, list[Segment]], format: str, output: Path) -> None:
    labelled = replace(dataset, actions=dataset.actions | actions, classes=CLASSES)
    write_files(export_actions(action_export(labelled), format), output, overwrite=True)


@pytest.mark.trap("elan: milliseconds are no whole frames")
@pytest.mark.parametrize("format", ["elan", "boris"])
@settings(max_examples=20, deadline=None)
@given(v1=_segments(40), v2=_segments(30), late=_segments(20))
def test_what_we_write_comes_back_to_the_frame(
    shared: Dataset,
    tmp_path_factory: pytest.TempPathFactory,
    format: str,
    v1: list[Segment],
    v2: list[Segment],
    late: list[Segment],
) -> None:
    actions = {"v1": v1, "v2.cam": v2, "late": late}
    output = tmp_path_factory.getbasetemp() / f"back-{format}"
    _give(shared, actions, format, output)
    path = output / "actions.boris" if format == "boris" else output
    plan = plan_actions(shared, path)
    assert plan.actions == actions
    assert plan.labels.dropped == []


def test_background_is_what_lies_between(shared: Dataset, tmp_path: Path) -> None:
    actions = {"v1": [Segment(0, 4, "background"), TAKE]}
    for format in ("elan", "boris"):
        _give(shared, actions, format, tmp_path)
        text = next(tmp_path.glob("*.*")).read_text()
        assert "background" not in text
        assert "take" in text
        for path in tmp_path.iterdir():
            path.unlink()


def test_pympi_reads_what_we_write(shared: Dataset, tmp_path: Path) -> None:
    second = [Segment(3, 7, "put & <wait>"), Segment(7, 30, "Schraube lösen")]
    _give(shared, {"v1": [TAKE, TURN], "v2.cam": second}, "elan", tmp_path)
    eaf = pympi.Elan.Eaf(str(tmp_path / "v1.eaf"))
    assert sorted(eaf.get_tier_names()) == ["actions"]
    assert sorted(eaf.get_annotation_data_for_tier("actions")) == [
        (200, 800, "take"),
        (1000, 1600, "turn screw"),
    ]
    video = shared.videos["v1"].path.as_posix()
    assert eaf.media_descriptors[0]["MEDIA_URL"] == f"file://{video}"
    assert eaf.media_descriptors[0]["RELATIVE_MEDIA_URL"] == "./v1.mp4"
    # Frame 7 of 30 a second begins at 233.3 ms.
    eaf = pympi.Elan.Eaf(str(tmp_path / "v2.cam.eaf"))
    assert sorted(eaf.get_annotation_data_for_tier("actions")) == [
        (100, 233, "put & <wait>"),
        (233, 1000, "Schraube lösen"),
    ]
    # And what it makes of a document of ours is read.
    eaf.add_annotation("actions", 0, 100, "take")
    eaf.to_file(str(tmp_path / "again.eaf"))
    plan = plan_actions(shared, tmp_path / "again.eaf")
    assert plan.actions == {"v2.cam": [Segment(0, 3, "take"), *second]}


def test_a_project_has_what_boris_asks_for(shared: Dataset, tmp_path: Path) -> None:
    """What BORIS 8.27 and 9.12 look up without asking whether it is there."""
    _give(shared, {"v1": [TAKE, TURN]}, "boris", tmp_path)
    text = (tmp_path / "actions.boris").read_text()
    assert text.isascii(), "BORIS reads it in the encoding of the machine"
    project = json.loads(text)
    assert [b["code"] for b in project["behaviors_conf"].values()] == list(CLASSES[1:])
    assert {b["type"] for b in project["behaviors_conf"].values()} == {"State event"}
    assert [b["key"] for b in project["behaviors_conf"].values()] == list("abcd")
    observation = project["observations"]["v1"]
    video = shared.videos["v1"].path.as_posix()
    assert observation["file"]["1"] == [video]
    assert observation["media_info"]["length"] == {video: 2.0}
    assert observation["events"] == [
        [0.2, "", "take", "", "", "NA"],
        [0.8, "", "take", "", "", "NA"],
        [1.0, "", "turn screw", "", "", "NA"],
        [1.6, "", "turn screw", "", "", "NA"],
    ]


@pytest.mark.parametrize(("format", "name"), [("elan", "a\x0bb"), ("boris", "a|b")])
def test_classes_that_a_tool_cannot_hold_are_said(shared: Dataset, format: str, name: str) -> None:
    export = action_export(replace(shared, actions=shared.actions | {"v1": [TAKE]}))
    with pytest.raises(LabelError, match="the class 'a"):
        export_actions(replace(export, classes=("background", name)), format)


# ELAN's text


def test_rows_of_text_are_read(dataset: Dataset) -> None:
    path = SAMPLES / "elan-text" / "rows.txt"
    options = ActionOptions(tier="left hand")
    plan = plan_actions(dataset, path, options=options)
    assert plan.actions == {"v1": [TAKE, TURN]}
    assert plan.labels.rows == 4
    assert [(p.row, p.reason) for p in plan.labels.dropped] == [
        (6, "has no value"),
        (5, "is of the tier 'right hand'"),
    ]


@pytest.mark.trap("elan-text: the participant column is empty")
def test_an_empty_participant_moves_no_column(dataset: Dataset) -> None:
    path = SAMPLES / "elan-text" / "rows.txt"
    plan = plan_actions(dataset, path, options=ActionOptions(tier="right hand"))
    assert plan.actions == {"v1": [Segment(17, 19, 'hold, "press"')]}


@pytest.mark.trap("elan-text: a column for each tier")
def test_columns_of_tiers_are_read(dataset: Dataset, tmp_path: Path) -> None:
    path = SAMPLES / "elan-text" / "columns.txt"
    plan = plan_actions(dataset, path, options=ActionOptions(tier="left hand"))
    assert plan.actions == {"v1": [TAKE, TURN]}
    plan = plan_actions(dataset, path, options=ActionOptions(tier="right hand"))
    assert plan.actions == {"v1": [Segment(4, 16, "hold")]}
    # The language of the columns is that of ELAN's windows.
    changes = [("Begin Time", "Temps de départ"), ("End Time", "Temps de fin")]
    path = _edit(path, tmp_path / "v1.txt", *changes, ("Duration", "Durée"))
    plan = plan_actions(dataset, path, options=ActionOptions(tier="left hand"))
    assert plan.actions == {"v1": [TAKE, TURN]}


@pytest.mark.trap("elan-text: lines with media files come first")
@pytest.mark.parametrize(
    "line", ['"#file:///D:/v1.mp4 -- offset: 0"', "#file:///D:/v1.mp4 -- offset: 0", "D:\\v1.mp4"]
)
@pytest.mark.parametrize("sample", ["rows.txt", "columns.txt"])
def test_the_video_is_named_above_the_rows(
    dataset: Dataset, tmp_path: Path, sample: str, line: str
) -> None:
    first = '"#file:///D:/bench 3/v1.mp4 -- offset: 0"'
    path = _edit(SAMPLES / "elan-text" / sample, tmp_path / "late.txt", (first, line))
    plan = plan_actions(dataset, path, options=ActionOptions(tier="left hand"))
    assert plan.actions == {"v1": [TAKE, TURN]}
    path = _edit(SAMPLES / "elan-text" / sample, tmp_path / "late.txt", (first, ""))
    options = ActionOptions(tier="left hand")
    assert list(plan_actions(dataset, path, options=options).actions) == ["late"]
    options = replace(options, video="v1")
    assert plan_actions(dataset, path, options=options).actions == {"v1": [TAKE, TURN]}


@pytest.mark.trap("elan-text: times may include the offset of the video")
def test_an_offset_of_the_video_is_asked_about(dataset: Dataset, tmp_path: Path) -> None:
    path = SAMPLES / "elan-text" / "rows.txt"
    path = _edit(path, tmp_path / "v1.txt", ("offset: 0", "offset: 250"))
    with pytest.raises(LabelError, match="does not tell whether its times include that") as caught:
        plan_actions(dataset, path)
    assert "`--offset 0` if" in (caught.value.hint or "")
    assert "`--offset -0.25` if not" in (caught.value.hint or "")
    for offset, moved in ((0.0, 0), (-0.25, 5)):
        options = ActionOptions(tier="left hand", offset=offset)
        plan = plan_actions(dataset, path, options=options)
        assert plan.actions["v1"][0] == Segment(4 + moved, 16 + moved, "take")
    # Of a second video the first one's offset, which is 0, may be included: no matter.
    both = '"#D:/top.mp4 -- offset: 0"\n"#D:/v1.mp4 -- offset: 250"\n'
    first = '"#file:///D:/bench 3/v1.mp4 -- offset: 0"\n'
    path = _edit(SAMPLES / "elan-text" / "rows.txt", tmp_path / "v1.txt", (first, both))
    plan = plan_actions(dataset, path, options=ActionOptions(tier="left hand", video="v1"))
    assert plan.actions["v1"][0] == Segment(9, 21, "take")


def _as_cells(sample: str) -> list[list[str]]:
    text = (SAMPLES / "elan-text" / sample).read_text()
    return [[cell.strip('"') for cell in line.split("\t")] for line in text.split("\n")]


def _german(cell: str) -> str:
    return re.sub(r"(\d)\.(\d)", r"\1,\2", cell) if re.fullmatch(r"[\d:.]+", cell) else cell


def _short(cell: str) -> str:
    """Return a cell as a spreadsheet shows h:mm:ss.000, and saves it."""
    return re.sub(r"^00:(\d\d:\d\d)\.(\d)\d\d$", r"\1.\2", cell)


@pytest.mark.trap("elan-text: saved again by a spreadsheet")
@pytest.mark.parametrize(
    ("separator", "change"), [(";", _german), (";", _short), (",", str), (",", _short)]
)
@pytest.mark.parametrize("sample", ["rows.txt", "columns.txt"])
def test_a_text_that_a_spreadsheet_saved_is_read(
    dataset: Dataset, tmp_path: Path, sample: str, separator: str, change: Callable[[str], str]
) -> None:
    path = tmp_path / "v1.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file, delimiter=separator)
        writer.writerows([change(cell) for cell in row] for row in _as_cells(sample))
    plan = plan_actions(dataset, path, options=ActionOptions(tier="left hand"))
    assert plan.actions == {"v1": [TAKE, TURN]}
    assert plan.labels.format == "ELAN text"


@pytest.mark.trap("elan-text: encodings")
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-8-sig", "utf-8", "cp1252"])
def test_a_text_in_any_encoding_is_read(dataset: Dataset, tmp_path: Path, encoding: str) -> None:
    text = (SAMPLES / "elan-text" / "rows.txt").read_text().replace("take", "lösen")
    path = _write(tmp_path / "v1.txt", text.replace("\n", "\r\n"), encoding)
    plan = plan_actions(dataset, path, options=ActionOptions(tier="left hand"))
    assert plan.actions["v1"][0] == Segment(4, 16, "lösen")


@pytest.mark.trap("elan-text: which columns of times there are is ticked")
@pytest.mark.parametrize(
    "row",
    [
        "t\tann\t00:00:00.200\t0.2\t200\t00:00:00:05\t00:00:00.800\t0.8\t800\t00:00:00:20"
        "\t00:00:00.600\t0.6\t600\t00:00:00:15\ttake",
        "t\t\t0.2\t0.8\t0.6\ttake",
        "t\t200\t800\t600\ttake",
        "00:00:00.200\t00:00:00.800\t00:00:00.600\ttake",
        "t\t00:00:00.200\t0.2\t00:00:00.800\t0.8\ttake\ta description",
        "t\t\t00:00:00.200\t00:00:00.800\t00:00:00.600\ttake\tv1.eaf\t/home/anna/v1.eaf",
    ],
)
def test_columns_of_times_are_told_by_what_is_in_them(
    dataset: Dataset, tmp_path: Path, row: str
) -> None:
    path = _write(tmp_path / "v1.txt", f"{row}\n")
    plan = plan_actions(dataset, path, format="elan-text")
    assert plan.actions == {"v1": [TAKE]}
    assert any("cells after" in note for note in plan.labels.notes) == ("description" in row)
    assert any("no durations" in note for note in plan.labels.notes) == ("description" in row)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("t\t00:00:00:05\t00:00:00:20\t00:00:00:15\ttake\n", "has no columns that could be begin"),
        ("t\t0.9\t0.2\ttake\n", "has no columns that could be begin"),
        ("\n", "has no columns that could be begin"),
        ("t\t0.2\t0.8\t0.6\ttake\n" * 20 + "t\tx\t0.8\t0.6\ttake\n", r"v1\.txt:21: has no times"),
        ('t,"0.2"' + ',"' + "x" * 200_000, r"v1\.txt:1: field larger"),
    ],
)
def test_texts_without_times_are_refused(
    dataset: Dataset, tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(LabelError, match=message):
        plan_actions(dataset, _write(tmp_path / "v1.txt", text), format="elan-text")


def test_a_text_of_several_documents_is_read(dataset: Dataset, tmp_path: Path) -> None:
    row = "t\t\t00:00:00.200\t00:00:00.800\t00:00:00.600\ttake"
    path = tmp_path / "all.txt"
    for text in (
        f'"#v1.eaf"\n{row}\n\n"#late.eaf"\n{row}\n',
        f"{row}\tv1.eaf\n{row}\tlate.eaf\n",
        f'"#D:/v1.mp4 -- offset: 0"\n{row}\n"#D:/late.mkv -- offset: 0"\n{row}\n',
    ):
        plan = plan_actions(dataset, _write(path, text))
        assert sorted(plan.actions) == ["late", "v1"]
        assert plan.actions["v1"] == [TAKE]


def test_tables_of_others_are_not_taken_for_elan(tmp_path: Path) -> None:
    for text in (
        "video,start,end,action\nv1,0.2,0.8,take\n",
        "0.2\t0.8\ttake\n0.8\t1.0\tput\n",
        "v1,0,10,10,take\n",
        "video,start,end,duration,action\nv1,0.2,0.8,0.6,take\n",
        'video,start,end,action\nv1,0.2,0.8,"' + "x" * 200_000 + '"\n',
    ):
        assert guess_format(_write(tmp_path / "a.csv", text), "actions") in ("csv", "audacity")


# ANVIL


@pytest.mark.trap("anvil: UTF-16 although another encoding is declared")
def test_tracks_are_read(dataset: Dataset) -> None:
    options = ActionOptions(tier="Hands.left")
    plan = plan_actions(dataset, SAMPLES / "anvil" / "v1.anvil", options=options)
    assert plan.actions == {"v1": [Segment(4, 10, "take"), Segment(10, 20, "turn screw")]}
    assert plan.labels.rows == 10
    dropped = {p.row: p.reason for p in plan.labels.dropped}
    assert dropped[3] == "has no attribute 'action' (track 'Hands.left')"
    assert dropped[6] == "refers to an element that is not there (track 'Quality')"
    assert dropped[10] == "is a point in time (track 'Sounds')"


@pytest.mark.trap("anvil: the name of the attribute depends on the specification")
def test_which_attribute_is_meant_is_asked(dataset: Dataset, tmp_path: Path) -> None:
    source = (SAMPLES / "anvil" / "v1.anvil").read_text("utf-16")
    path = _write(tmp_path / "v1.anvil", source.replace('"action"', '"phase"'))
    with pytest.raises(LabelError, match="have several attributes: phase, object") as caught:
        plan_actions(dataset, path)
    assert "--column" in (caught.value.hint or "")
    options = ActionOptions(column="object")
    plan = plan_actions(dataset, path, options=options)
    assert plan.actions == {"v1": [Segment(4, 10, "screw"), Segment(20, 28, "washer")]}
    with pytest.raises(LabelError, match="has no attribute 'Phase'"):
        plan_actions(dataset, path, options=ActionOptions(column="Phase"))
    # A track with one attribute leaves nothing to ask.
    plan = plan_actions(dataset, path, options=ActionOptions(tier="Phases"))
    assert plan.actions == {"v1": [Segment(4, 20, "mount")]}


@pytest.mark.trap("anvil: secondary tracks have the times of others")
@pytest.mark.parametrize(
    ("tier", "expected"),
    [
        ("Phases", [Segment(4, 20, "mount")]),
        ("Quality", [Segment(10, 20, "tight")]),
        ("Parts", [Segment(10, 12, "place"), Segment(12, 17, "press"), Segment(17, 20, "turn")]),
    ],
)
def test_secondary_tracks_are_read(dataset: Dataset, tier: str, expected: list[Segment]) -> None:
    path = SAMPLES / "anvil" / "v1.anvil"
    plan = plan_actions(dataset, path, options=ActionOptions(tier=tier))
    assert plan.actions == {"v1": expected}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<annotation><folder/></annotation>", "is no file of ANVIL"),
        ("<annotation><body/></annotation>", "has no labels in it"),
        (
            '<annotation><body><track name="a" type="primary"><el index="3" start="1"/></track>'
            "</body></annotation>",
            "element 3 of track 'a': <el> has no end",
        ),
        (
            '<annotation><body><track name="a" type="span" ref="a"><el start="0" end="0"/></track>'
            '<track name="b" type="subdivision" ref="a"><el-group ref="0"/></track>'
            "</body></annotation>",
            "refers to an element that is not there",
        ),
    ],
)
def test_what_is_no_anvil_file_is_said(
    dataset: Dataset, tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(LabelError, match=message):
        plan_actions(dataset, _write(tmp_path / "v1.anvil", text))


# BORIS

LEFT = [Segment(4, 9, "take"), Segment(10, 20, "turn screw"), Segment(20, 28, "turn screw")]


def _boris(path: Path, rows: str, source: str = "player #1:v1.mp4", lasts: str = "2.000") -> Path:
    """Write tabular events: `subject behavior modifier type time` in each row, `_` for nothing."""
    header = (
        "Observation id,Observation date,Description,Observation duration,Observation type,Source,"
        "Time offset (s),Media duration (s),FPS,Subject,Behavior,Behavioral category,Modifier #1,"
        "Behavior type,Time,Media file name,Image index,Image file path,Comment\n"
    )
    text = header
    for row in rows.split("\n"):
        cells = ["" if cell == "_" else cell for cell in row.split()]
        subject, behavior, modifier, kind, time = cells
        text += f'o1,2025-01-01,,2.000,Media file(s),"{source}",0.0,{lasts},20.000,'
        text += f"{subject},{behavior},,{modifier},{kind},{time},v1.mp4,NA,NA,\n"
    return _write(path, text)


@pytest.mark.parametrize("sample", ["tabular.csv", "aggregated.csv", "project.boris"])
def test_what_boris_exports_is_read(dataset: Dataset, sample: str) -> None:
    """The same observation of 9 events, 4 states and a point, as BORIS 8.27 exports it."""
    path = SAMPLES / "boris" / sample
    plan = plan_actions(dataset, path, options=ActionOptions(tier="left hand"))
    assert plan.actions["v1"] == LEFT
    plan = plan_actions(dataset, path, options=ActionOptions(tier="right hand"))
    assert plan.actions["v1"] == [Segment(6, 15, "take")]
    assert any(note.startswith("tiers") for note in plan.labels.notes) is False
    points = [p.reason for p in plan.labels.dropped if "point" in p.reason]
    assert points == ["is a point event: 'beep'"]
    assert "behaviours have modifiers: the labels are the behaviours alone" in plan.labels.notes


@pytest.mark.trap("boris: a time offset is in the times")
def test_a_time_offset_is_taken_off(dataset: Dataset, tmp_path: Path) -> None:
    path = SAMPLES / "boris" / "tabular.csv"
    options = ActionOptions(tier="left hand")
    plan = plan_actions(dataset, path, options=options)
    assert plan.actions == {"v1": LEFT}
    assert any("begin at 10 s: that is taken off" in note for note in plan.labels.notes)
    # Versions before 8.13 do not export it. BORIS's "Not found" as the file shows nothing.
    path = _edit(path, tmp_path / "a.csv", (",Time offset (s),", ",x,"))
    with pytest.raises(LabelError, match=r"a\.csv:2: end 10\.45 s is beyond the end"):
        plan_actions(dataset, path)
    assert plan_actions(dataset, path, options=replace(options, offset=10.0)).actions == {
        "v1": LEFT
    }


@pytest.mark.trap("boris: START and STOP are paired by subject, behaviour and modifiers")
def test_events_are_paired_by_all_that_tells_them_apart(dataset: Dataset, tmp_path: Path) -> None:
    rows = (
        "anna take screw START 0.2\nanna take washer START 0.3\nbob take screw START 0.4\n"
        "anna take washer STOP 0.5\nbob take screw STOP 0.6\nanna take screw STOP 0.8"
    )
    path = _boris(tmp_path / "b.csv", rows)
    plan = plan_actions(dataset, path, options=ActionOptions(tier="bob"))
    assert plan.actions == {"v1": [Segment(8, 12, "take")]}
    plan = plan_actions(dataset, path, overlap="first", options=ActionOptions(tier="anna"))
    assert [row.segment for row in plan.labels.segments] == [TAKE, Segment(6, 10, "take")]
    # The order of the rows tells nothing but which of two at one time comes first.
    lines = path.read_text().rstrip().split("\n")
    _write(path, "\n".join([lines[0], *reversed(lines[1:])]) + "\n")
    plan = plan_actions(dataset, path, options=ActionOptions(tier="bob"))
    assert plan.actions == {"v1": [Segment(8, 12, "take")]}


@pytest.mark.trap("boris: events without a partner")
def test_events_without_a_partner_are_left_out(dataset: Dataset, tmp_path: Path) -> None:
    rows = (
        "_ take _ STOP 0.1\n_ take _ START 0.2\n_ take _ START 0.3\n_ take _ STOP 0.8\n"
        "_ put _ START 1.0"
    )
    plan = plan_actions(dataset, _boris(tmp_path / "b.csv", rows))
    assert plan.actions == {"v1": [Segment(6, 16, "take")]}
    assert [(p.row, p.reason) for p in plan.labels.dropped] == [
        (2, "is a STOP of 'take' without a START"),
        (3, "is a START of 'take' without a STOP"),
        (6, "is a START of 'put' without a STOP"),
    ]


@pytest.mark.trap("boris: point events have no duration, NA is no value")
def test_points_and_missing_values_are_left_out(dataset: Dataset, tmp_path: Path) -> None:
    rows = (
        "_ beep _ POINT 0.1\n_ take _ START 0.2\n_ take _ STOP 0.8\n_ put _ START NA\n"
        "_ _ _ START 0.3\n_ put _ PAUSE 0.3"
    )
    plan = plan_actions(dataset, _boris(tmp_path / "b.csv", rows))
    assert plan.actions == {"v1": [TAKE]}
    assert [(p.row, p.reason) for p in plan.labels.dropped] == [
        (2, "is a point event: 'beep'"),
        (5, "has no time"),
        (6, "has no behaviour"),
        (7, "is neither a state nor a point event: 'PAUSE'"),
    ]


def test_a_folder_has_a_file_for_each_observation(dataset: Dataset, tmp_path: Path) -> None:
    """As BORIS exports tabular events of several of them."""
    folder = tmp_path / "events"
    folder.mkdir()
    for name in ("v1", "late"):
        rows = "_ take _ START 0.0\n_ take _ STOP 0.8"
        _boris(folder / f"{name}.csv", rows, f"player #1:{name}.mp4")
    plan = plan_actions(dataset, folder)
    assert plan.actions == {"v1": [Segment(0, 16, "take")], "late": [Segment(0, 11, "take")]}
    assert plan.labels.format == "BORIS tabular events, 2 files"


@pytest.mark.trap("boris: times run on over several media files")
@pytest.mark.parametrize("sample", ["tabular_both.tsv", "aggregated.csv", "project.boris"])
def test_videos_one_after_the_other_are_taken_apart(dataset: Dataset, sample: str) -> None:
    """The first lasts 1.0 s; a state from 0.9 s to 1.3 s is in both of them."""
    options = ActionOptions(tier="No focal subject")
    plan = plan_actions(dataset, SAMPLES / "boris" / sample, options=options)
    assert plan.actions == {
        "v2.cam": [Segment(15, 24, "take"), Segment(27, 30, "turn screw")],
        # Whose time stamps are not even: 0.3 s is frame 5, 0.7 s frame 10, 1.0 s frame 13.
        "late": [Segment(0, 5, "turn screw"), Segment(10, 13, "take")],
    }


def test_videos_one_after_the_other_need_their_durations(dataset: Dataset, tmp_path: Path) -> None:
    rows = "_ take _ START 0.2\n_ take _ STOP 0.8"
    for lasts in ("NA", "2.0", "2.0;NA", "3.7"):
        path = _boris(tmp_path / "b.csv", rows, "player #1:v1.mp4;late.mkv", lasts)
        with pytest.raises(LabelError, match=r"b\.csv:2: .*several videos one after") as caught:
            plan_actions(dataset, path)
        assert ".boris project" in (caught.value.hint or "")
    # Those that other players show beside the first do not matter.
    for source in ("player #1:v1.mp4|player #2:a.mp4;b.mp4", "player #1: v1.mp4 player #2: a.mp4"):
        path = _boris(tmp_path / "b.csv", rows, source, "2.0|1.0;1.0")
        assert plan_actions(dataset, path).actions == {"v1": [TAKE]}


@pytest.mark.trap("boris: independent variables are columns")
def test_columns_are_found_by_their_names(dataset: Dataset, tmp_path: Path) -> None:
    with (SAMPLES / "boris" / "tabular.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    order = np.random.default_rng(0).permutation(len(header))
    # The index of the picture came with version 8.11.1.
    order = [i for i in order if header[i] != "Image index"]
    path = tmp_path / "b.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([row[i] for i in order] for row in (header, *rows))
    options = ActionOptions(tier="left hand")
    assert plan_actions(dataset, path, format="boris", options=options).actions == {"v1": LEFT}


@pytest.mark.trap("boris: comments have line breaks, lines end in CRLF")
def test_comments_with_line_breaks_end_no_row(dataset: Dataset) -> None:
    data = (SAMPLES / "boris" / "aggregated.csv").read_bytes()
    assert b'quick"",\nas it' in data
    assert data.count(b"\r\n") == 9
    plan = plan_actions(dataset, SAMPLES / "boris" / "aggregated.csv", overlap="first")
    assert plan.labels.rows == 8
    assert [p.row for p in plan.labels.dropped if "point" in p.reason] == [5]


@pytest.mark.trap("boris: a preamble of any length in old exports")
@pytest.mark.parametrize("separator", [",", "\t", ";"])
@pytest.mark.parametrize("lines", [0, 1, 7])
def test_old_exports_are_read(dataset: Dataset, tmp_path: Path, separator: str, lines: int) -> None:
    with (SAMPLES / "boris" / "old.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    rows[6:6] = [["Player #2", f"{i}.mp4"] for i in range(lines)]
    path = tmp_path / "b.csv"
    with path.open("w", newline="") as file:
        csv.writer(file, delimiter=separator).writerows(rows)
    plan = plan_actions(dataset, path)
    assert plan.actions == {"v1": [Segment(4, 10, "take"), Segment(10, 20, "turn screw")]}
    assert plan.labels.rows == 6
    assert [(p.row, p.reason) for p in plan.labels.dropped] == [
        (20 + lines, "is a point event: 'beep'"),
        (25 + lines, "is a START of 'take' without a STOP"),
    ]
    assert plan.labels.format == "BORIS tabular events of an old version"


def test_old_exports_do_not_tell_how_long_videos_are(dataset: Dataset, tmp_path: Path) -> None:
    second = ("Player #2,D:/bench 3/top.mp4", "Player #1,late.mkv")
    path = _edit(SAMPLES / "boris" / "old.csv", tmp_path / "b.csv", second)
    with pytest.raises(LabelError, match=r"b\.csv:19: .*several videos one after the other"):
        plan_actions(dataset, path)
    header = "Observation id,Media file,Total length,Subject,Behavior,Modifiers,Behavior type,"
    header += "Start (s),Stop (s)\n"
    row = "o1,v1.mp4,2.0,,take,,STATE,0.200,0.800\n"
    plan = plan_actions(dataset, _write(path, header + row))
    assert plan.actions == {"v1": [TAKE]}
    assert "does not list the media files" in plan.labels.notes[0]
    with pytest.raises(LabelError, match=r"b\.csv:3: .*several videos one after the other"):
        plan_actions(dataset, _write(path, header + row + row.replace("v1.mp4", "late.mkv")))


def test_live_observations_are_about_the_video_that_is_said(
    dataset: Dataset, tmp_path: Path
) -> None:
    path = _boris(tmp_path / "b.csv", "_ take _ START 0.2\n_ take _ STOP 0.8", "NA", "NA")
    with pytest.raises(LabelError, match="no video 'o1' in the dataset"):
        plan_actions(dataset, path)
    plan = plan_actions(dataset, path, options=ActionOptions(video="v1"))
    assert plan.actions == {"v1": [TAKE]}


def _project(**changes: object) -> str:
    observation = {
        "type": "MEDIA",
        "file": {"1": ["v1.mp4"]},
        "time offset": 0.0,
        "events": [[0.2, "", "take", "", ""], [0.8, "", "take", "", ""]],
        "media_info": {"length": {"v1.mp4": 2.0}},
    }
    behaviors = {"0": {"type": "State event with coding map", "code": "take"}}
    return json.dumps({"observations": {"o1": observation | changes}, "behaviors_conf": behaviors})


def test_projects_of_any_version_are_read(dataset: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "p.boris"
    assert plan_actions(dataset, _write(path, _project())).actions == {"v1": [TAKE]}
    events = [[0.2, "", "take", "", ""], [0.8, "", "take", "", ""], [0.9, "", "take", "", ""]]
    events += [[None, "", "take", "", ""], [0.9, "", "forgotten", "", ""]]
    plan = plan_actions(dataset, _write(path, _project(events=events)))
    assert plan.actions == {"v1": [TAKE]}
    assert [(p.row, p.reason) for p in plan.labels.dropped] == [
        (4, "has no time"),
        (5, "is neither a state nor a point event: 'not defined'"),
        (3, "is a START of 'take' without a STOP"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (_project(media_creation_date_as_offset=True), "counts from the date at which"),
        (_project(events=[[0.2]]), r"p\.boris:1: is not an event"),
        (_project(events=[["x", "", "take", ""]]), r"p\.boris:1: time is not a number: 'x'"),
        (_project(file=[]), "observation 'o1': file is not an object"),
        (_project(file={"1": ["v1.mp4", "a.mp4"]}), "several videos one after the other"),
        ("{}", "has no 'behaviors_conf'"),
        ("[]", "has no column observation id"),
    ],
)
def test_projects_that_cannot_be_placed_are_refused(
    dataset: Dataset, tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(LabelError, match=message):
        plan_actions(dataset, _write(tmp_path / "p.boris", text))


def test_tables_of_others_are_not_taken_for_boris(dataset: Dataset, tmp_path: Path) -> None:
    text = "Observation id,Behavior,Behavior type\no1,take,STATE\n"
    path = _write(tmp_path / "b.csv", text)
    with pytest.raises(LabelError, match="has neither a column Time, nor Start"):
        plan_actions(dataset, path)
    path = _write(tmp_path / "b.csv", "video,behavior,start,end\nv1,take,0.2,0.8\n")
    assert guess_format(path, "actions") == "csv"
