"""Actions in plain text: tables, subtitles, Audacity's labels, the folder of MS-TCN."""

import random
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from folders import VIDEOS, make_dataset
from labels import named, plan_text, write_file

from handact.dataset import (
    Dataset,
    action_export,
    export_actions,
    plan_actions,
    read_dataset,
    video_index,
)
from handact.dataset.importing import ActionPlan
from handact.errors import LabelError
from handact.formats.actions import table
from handact.formats.clock import parse_clock
from handact.formats.guess import guess_format
from handact.formats.intervals import ActionOptions, Interval, IntervalFile
from handact.formats.outgoing import ActionExport
from handact.formats.to_segments import place_intervals
from handact.formats.videos import Video
from handact.labels import Segment, frame_edges
from handact.video import VideoIndex

SAMPLES = Path(__file__).parent / "samples"


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return read_dataset(make_dataset(tmp_path))


def _frames(plan: ActionPlan, video: str = "v1") -> list[tuple[int, int]]:
    return [(s.start_frame, s.end_frame) for s in plan.actions[video]]


def _refused(
    dataset: Dataset, text: str, message: str, name: str = "v1.csv", **said: object
) -> str:
    """Check that labels are refused, and return the hint."""
    with pytest.raises(LabelError, match=message) as caught:
        plan_text(dataset, text, name, **said)
    return caught.value.hint or ""


# ----------------------------------------------------------------------------- tables: unit of time


@pytest.mark.trap("csv: columns of frames, seconds and milliseconds are told by their names")
@pytest.mark.parametrize(
    ("columns", "times"),
    [
        ("start_frame,end_frame", "10,20"),
        ("start_s,end_s", "0.5,1"),
        ("start_time,end_time", "0.5,1"),
        ("Start (s),Stop (s)", "0.500,1.000"),
        ("start_ms,end_ms", "500,1000"),
        ("begin_ms,end_ms", "500.0,1000.0"),
        ("onset,offset", "0.5,1.0"),
        ("begin,stop", "0:00:00.5,0:00:01"),
    ],
)
def test_units_are_told_by_the_columns(dataset: Dataset, columns: str, times: str) -> None:
    assert _frames(plan_text(dataset, f"video,{columns},label\nv1,{times},take\n")) == [(10, 20)]


@pytest.mark.trap("csv: whole numbers under start and end may be seconds or frames")
def test_whole_numbers_of_a_bare_column_are_asked_about(dataset: Dataset) -> None:
    text = "video,start,end,label\nv1,0,1,take\nv1,1,2,put\n"
    hint = _refused(dataset, text, "its times may be whole seconds, or frames")
    assert "--unit seconds" in hint
    assert _frames(plan_text(dataset, text, unit="seconds")) == [(0, 20), (20, 40)]
    assert _frames(plan_text(dataset, text, unit="frames")) == [(0, 1), (1, 2)]


@pytest.mark.trap("csv: only whole numbers far beyond the end are frames")
@pytest.mark.parametrize(("end", "is_frames"), [("3", False), ("4", False), ("5", True)])
def test_numbers_far_beyond_the_end_are_frames(dataset: Dataset, end: str, is_frames: bool) -> None:
    """3 s of a video of 2 s are those of a longer version of it, more likely than 3 frames."""
    text = f"video,start,end,label\nv1,0,1,take\nv1,1,{end},put\n"
    if is_frames:
        assert _frames(plan_text(dataset, text)) == [(0, 1), (1, 5)]
    else:
        _refused(dataset, text, "its times may be whole seconds, or frames")


@pytest.mark.trap("csv: what the columns say is not overruled in silence")
def test_a_unit_that_the_numbers_cannot_have_is_refused(dataset: Dataset) -> None:
    text = "video,start_frame,end_frame,label\nv1,0.5,1,a\n"
    hint = _refused(dataset, text, r"v1\.csv:2: start_frame is not a whole number: '0\.5'")
    assert "--unit seconds" in hint
    assert _frames(plan_text(dataset, text, unit="seconds")) == [(10, 20)]
    text = "video,start_ms,end_ms,label\nv1,10,20,a\n"
    assert _frames(plan_text(dataset, text, unit="frames", first_frame=0, end="excluded")) == [
        (10, 20)
    ]
    _refused(dataset, "video,start,end,label\nv1,0.5,1,a\n", "not a whole number", unit="frames")
    srt = "1\n00:00:00,000 --> 00:00:01,000\na\n"
    _refused(dataset, srt, "counts in seconds, by its format", "v1.srt", unit="frames")


@pytest.mark.trap("csv: h:mm:ss with one or two colons")
@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1.5", 1.5),
        ("1,5", 1.5),
        (".5", 0.5),
        ("0:01.5", 1.5),
        ("90:00", 5400.0),
        ("1:02:03,25", 3723.25),
        ("-0.02", -0.02),
    ],
)
def test_clocks_are_seconds(text: str, seconds: float) -> None:
    assert parse_clock(text, "start", "a.csv:2") == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text", ["", "x", "1e3", "0:61", "1:60:00", "1:2:3:4", "1.5.5", "9" * 400, "nan", "٣:١٢"]
)
def test_what_is_no_clock_is_refused(text: str) -> None:
    with pytest.raises(LabelError, match=r"a\.csv:2: start is not a time in seconds or h:mm:ss"):
        parse_clock(text, "start", "a.csv:2")


@pytest.mark.trap("csv: semicolons and decimal commas")
def test_decimal_commas(dataset: Dataset) -> None:
    text = "Video;Start;End;Label\r\nv1;0,5;1,25;take\r\nv1;1,25;2;put\r\n"
    for encoding in ("utf-8-sig", "utf-16", "cp1252"):
        assert _frames(plan_text(dataset, text.encode(encoding))) == [(10, 25), (25, 40)]


@pytest.mark.trap("csv: a thousand is not taken for one")
@pytest.mark.parametrize(
    ("times", "is_clear"),
    [
        ('0,250;250,"1,000"', False),
        ('0,0.5;0.5,"1,250"', False),
        ("0,250;250,1.000", False),
        ('"0,000","0,250";"0,250","1,000"', True),
        ('"0,25","1,5";"1,5",2', True),
        ("0,0.125;0.125,1.345", True),
    ],
)
def test_separators_of_thousands_are_noticed(dataset: Dataset, times: str, is_clear: bool) -> None:
    rows = "".join(f"v1,{row},a{i}\n" for i, row in enumerate(times.split(";")))
    text = "video,start_s,end_s,label\n" + rows
    if is_clear:
        assert len(_frames(plan_text(dataset, text))) == 2
    else:
        hint = _refused(dataset, text, "may mean a thousand, or one")
        assert "without separators of thousands" in hint


# ------------------------------------------------------------------------------ tables: time codes


def _coded(start: str, end: str) -> str:
    return f"video,start,end,label\nv1,{start},{end},take\n"


@pytest.mark.trap("csv: time codes end in frames")
def test_time_codes_need_their_rate(dataset: Dataset) -> None:
    text = _coded("00:00:00:10", "00:00:01:05")
    hint = _refused(dataset, text, "time codes that end in a number of frames")
    assert "--fps 25" in hint
    assert _frames(plan_text(dataset, text, fps=20.0, end="excluded")) == [(10, 25)]
    assert _frames(plan_text(dataset, text, fps=20.0, end="included")) == [(10, 26)]
    _refused(dataset, text, "start is not a time in seconds", fps=20.0, unit="seconds")


@pytest.mark.trap("csv: time codes at another rate than the video's")
def test_time_codes_of_another_rate_are_times(dataset: Dataset) -> None:
    """Frame 30 at 25 a second is shown after 1.2 s, which is frame 24 at 20."""
    text = _coded("00:00:00:00", "00:00:01:05")
    assert _frames(plan_text(dataset, text, fps=25.0, end="excluded")) == [(0, 24)]


def _index(fps: Fraction, frames: int) -> tuple[dict[str, Video], dict[str, VideoIndex]]:
    """Return a video "v" of a constant rate."""
    none = np.zeros((0, 2), np.int64)
    index = VideoIndex(
        path=Path("v.mp4"), width=64, height=64, ticks=np.arange(frames), time_base=1 / fps,
        damaged=0, cut_off=False, gaps=none, torn=none[:, 0], warnings=(), start=0,
        keys=none[:, 0], step=1, promised=None, size=0, mtime_ns=0,
    )  # fmt: skip
    return {"v": Video("v", Path("/v.mp4"), "train", index.fps, frames, 64, 64)}, {"v": index}


def _place(
    found: IntervalFile, fps: Fraction, frames: int, options: ActionOptions | None = None
) -> list[tuple[int, int]]:
    videos, indices = _index(fps, frames)
    said = options or ActionOptions()
    labels = place_intervals(found, videos, indices.__getitem__, said, "background")
    return [(row.segment.start_frame, row.segment.end_frame) for row in labels.segments]


def _place_codes(tmp_path: Path, rows: str, fps: float, video: Fraction) -> list[tuple[int, int]]:
    path = write_file(tmp_path / "t.csv", f"video\tstart\tend\tlabel\n{rows}")
    options = ActionOptions(fps=fps, end="excluded")
    return _place(table.read(path, options), video, 200_000, options)


@pytest.mark.trap("csv: drop-frame time codes leave numbers out, not frames")
def test_drop_frame_time_codes(tmp_path: Path) -> None:
    """00:00:59;29 is followed by 00:01:00;02; ten minutes have 17,982 frames, an hour 107,892."""
    ntsc = Fraction(30000, 1001)
    rows = "v\t00:00:59;29\t00:01:00;02\ta\nv\t00:10:00;00\t01:00:00;00\tb\n"
    for fps in (29.97, 30.0):
        assert _place_codes(tmp_path, rows, fps, ntsc) == [(1799, 1800), (17_982, 107_892)]
    rows = "v\t00;00;59;59\t00;01;00;04\ta\n"
    assert _place_codes(tmp_path, rows, 59.94, 2 * ntsc) == [(3599, 3600)]
    for bad in ("00:01:00;00", "00:01:00;30", "00:60:00;10"):
        with pytest.raises(LabelError, match="is not a time code h:mm:ss:ff at 30"):
            _place_codes(tmp_path, f"v\t{bad}\t00:02:00;02\ta\n", 30.0, ntsc)
    for fps in (12, 25):
        with pytest.raises(LabelError, match=f"is not a time code h:mm:ss:ff at {fps}"):
            _place_codes(tmp_path, "v\t00:00:01;00\t00:02:00;02\ta\n", fps, Fraction(fps))


@pytest.mark.trap("csv: without drop-frame, 29.97 counts like 30")
def test_time_codes_without_dropped_numbers(tmp_path: Path) -> None:
    """At 29.97, time codes that leave out no number are 3.6 s behind the clock after an hour."""
    rows = "v\t00:59:59:29\t01:00:00:00\ta\n"
    ntsc = Fraction(30000, 1001)
    for fps in (29.97, 30.0):
        assert _place_codes(tmp_path, rows, fps, ntsc) == [(107_999, 108_000)]


# --------------------------------------------------------------- tables: first frame, included end


def _bare(*rows: tuple[int, int]) -> str:
    cells = "".join(f"v1,{a},{b},a{i}\n" for i, (a, b) in enumerate(rows))
    return f"video,frame_start,frame_end,label\n{cells}"


@pytest.mark.trap("csv: an end that is the next start is excluded")
def test_touching_segments_prove_an_excluded_end(dataset: Dataset) -> None:
    plan = plan_text(dataset, _bare((0, 10), (10, 20), (25, 30)))
    assert _frames(plan) == [(0, 10), (10, 20), (25, 30)]
    assert plan.labels.units == "frames, 0-based, end excluded"


@pytest.mark.trap("csv: an end one before the next start is included")
def test_segments_a_frame_apart_prove_an_included_end(dataset: Dataset) -> None:
    plan = plan_text(dataset, _bare((0, 9), (10, 19), (20, 29), (30, 30), (35, 39)))
    assert _frames(plan) == [(0, 10), (10, 20), (20, 30), (30, 31), (35, 40)]
    assert plan.labels.units == "frames, 0-based, end included"


@pytest.mark.trap("csv: one gap of a frame among others proves nothing")
def test_a_single_gap_is_no_proof(dataset: Dataset) -> None:
    text = _bare((0, 9), (10, 14), (20, 24), (30, 39))
    hint = _refused(dataset, text, "does not tell whether the last frame of an interval belongs")
    assert "--end included" in hint
    assert _frames(plan_text(dataset, text, end="included"))[-1] == (30, 40)
    assert _frames(plan_text(dataset, text, end="excluded"))[-1] == (30, 39)


@pytest.mark.trap("csv: neighbours are those of one hand")
def test_neighbours_are_of_one_hand(dataset: Dataset) -> None:
    text = "video,frame_start,frame_end,label,hand\n" + "".join(
        f"v1,{a},{b},{hand},{hand}\n"
        for hand, first in (("left", 0), ("right", 20))
        for a, b in ((first, first + 5), (first + 5, first + 10))
    )
    plan = plan_text(dataset, text)
    assert _frames(plan) == [(0, 5), (5, 10), (20, 25), (25, 30)]
    assert "tiers, all of them taken: left (2), right (2)" in plan.labels.notes[0]
    assert _frames(plan_text(dataset, text, tier="right")) == [(20, 25), (25, 30)]
    assert _frames(plan_text(dataset, text.replace(",hand\n", ",track\n"), tier="left")) == [
        (0, 5), (5, 10),
    ]  # fmt: skip


def test_a_table_may_have_a_hand_and_a_tier(dataset: Dataset) -> None:
    text = "video,start_s,end_s,label,tier,hand\nv1,0,1,take,main,left\nv1,1,2,put,main,right\n"
    assert named(plan_text(dataset, text, tier="right")) == [(20, 40, "put")]


@pytest.mark.trap("csv: our own columns may hold included ends all the same")
def test_our_columns_with_included_ends_are_noticed(dataset: Dataset) -> None:
    rows = "".join(f"v1,{a},{a + 4},c{a}\n" for a in (0, 5, 10, 15))
    text = f"video,start_frame,end_frame,action\n{rows}"
    hint = _refused(dataset, text, "3 segments begin one frame after the end of the one before")
    assert "--end included" in hint
    assert _frames(plan_text(dataset, text, end="included"))[0] == (0, 5)
    assert _frames(plan_text(dataset, text, end="excluded"))[0] == (0, 4)


def test_an_end_called_included_that_is_not_is_noticed() -> None:
    found = IntervalFile(file="f", format="f", unit="frames", end_included=True)
    found.intervals = [Interval(i, "v", 5 * i, 5 * i + 5, "a") for i in range(4)]
    with pytest.raises(LabelError, match="3 segments begin at the last frame of the one before"):
        _place(found, Fraction(25), 100)


@pytest.mark.trap("csv: a last frame that is the number of frames proves counting from 1")
def test_counting_from_one_is_proven(dataset: Dataset) -> None:
    plan = plan_text(dataset, _bare((1, 10), (11, 20), (21, 40)))
    assert _frames(plan) == [(0, 10), (10, 20), (20, 40)]
    assert plan.labels.units == "frames, 1-based, end included"
    plan = plan_text(dataset, _bare((1, 11), (11, 21), (21, 41)))
    assert _frames(plan) == [(0, 10), (10, 20), (20, 40)]


@pytest.mark.trap("csv: without proof, the first frame is asked for")
def test_the_first_frame_is_asked_for(dataset: Dataset) -> None:
    text = _bare((3, 10), (10, 20), (20, 30))
    hint = _refused(dataset, text, "does not tell whether frames count from 0 or from 1")
    assert hint == "say `--first-frame 0` or `--first-frame 1`"
    assert _frames(plan_text(dataset, text, first_frame=1))[0] == (2, 9)
    assert _frames(plan_text(dataset, text, first_frame=0))[0] == (3, 10)
    # At a rate of its own, a number that happens to be that of the video's frames is no proof.
    _refused(dataset, _bare((3, 20), (20, 41)), "count from 0 or from 1", fps=40.0)
    hint = _refused(dataset, _bare((0, 20), (20, 30)), "before the first frame", first_frame=1)
    assert "--first-frame 0" in hint


# -------------------------------------------------------------------- tables: videos, what is left


@pytest.mark.trap("csv: DLC2Action's columns from, to and class, in a file a video")
def test_tables_may_be_named_after_their_video(dataset: Dataset) -> None:
    plan = plan_actions(dataset, SAMPLES / "csv" / "late.csv")
    assert named(plan, "late") == [(0, 4, "grooming"), (4, 10, "rearing")]
    assert plan.labels.notes[0] == (
        "does not name its video: taken for 'late' after the name of the file"
    )
    text = "from,to,class\n0.0,0.5,take\n"
    hint = _refused(dataset, text, "no video of the dataset is called 'x'", "x.csv")
    assert "--video" in hint
    assert named(plan_text(dataset, text, "x.csv", video="v2.cam"), "v2.cam") == [(0, 15, "take")]
    folder = dataset.root.parent / "each"
    for name in VIDEOS:
        write_file(folder / f"{name}.csv", text)
    plan = plan_actions(dataset, folder)
    assert {name: s[0].end_frame for name, s in plan.actions.items()} == {
        "late": 8, "v1": 10, "v2.cam": 15,
    }  # fmt: skip


@pytest.mark.trap("csv: two paths that end alike are two videos")
def test_paths_that_end_alike(dataset: Dataset) -> None:
    text = "video,start_s,end_s,label\na/v1.mp4,0,1,take\nb/v1.mp4,1,2,put\n"
    hint = _refused(dataset, text, "about 'a/v1.mp4' and 'b/v1.mp4', and either may be 'v1'")
    assert hint == "name videos as in videos.csv"
    plan = plan_text(dataset, text.replace("b/", "line\\videos\\"))
    assert named(plan) == [(20, 40, "put")]
    assert [str(p.reason) for p in plan.labels.dropped] == ["no video 'a/v1.mp4' in the dataset"]
    plan = plan_text(dataset, text.replace("b/", ""))
    assert named(plan) == [(0, 20, "take"), (20, 40, "put")]


@pytest.mark.trap("csv: seconds rounded to two decimals at 60 frames a second")
@pytest.mark.parametrize("fps", [Fraction(60), Fraction(60000, 1001), Fraction(50), Fraction(24)])
def test_two_decimals_are_enough(fps: Fraction) -> None:
    found = IntervalFile(file="f", format="f", unit="seconds")
    times = [round(float(i / fps), 2) for i in range(1001)]
    found.intervals = [Interval(i, "v", a, b, "a") for i, (a, b) in enumerate(pairwise(times))]
    assert _place(found, fps, 1000) == [(i, i + 1) for i in range(1000)]


@pytest.mark.trap("csv: what is left out is reported with its row")
def test_dropped_rows_are_reported(dataset: Dataset) -> None:
    text = (
        "video,start_s,end_s,label\nv1,0.5,0.5,point\nv1,0,1,take\nv9,0,1,take\n"
        "v1,2.1,2.2,late\nv1,1,2.3,put\n"
    )
    plan = plan_text(dataset, text)
    assert named(plan) == [(0, 20, "take"), (20, 40, "put")]
    assert plan.labels.rows == 5
    assert sorted((p.row, p.reason.split(":")[0]) for p in plan.labels.dropped) == [
        (2, "holds no frame"),
        (4, "no video 'v9' in the dataset"),
        (5, "holds no frame"),
    ]
    _refused(dataset, "video,start_s,end_s,label\nv1,-2,1,a\n", "before the first frame of 'v1'")


@pytest.mark.trap("csv: overlaps are refused, or resolved as asked")
def test_overlaps(dataset: Dataset) -> None:
    text = "video,start_s,end_s,label\nv1,0,1,take\nv1,0.5,1.5,put\n"
    assert "--overlap first|last" in _refused(dataset, text, "overlaps 'take'")
    path = dataset.root.parent / "labels" / "v1.csv"
    assert _frames(plan_actions(dataset, path, overlap="first")) == [(0, 20), (20, 30)]
    assert _frames(plan_actions(dataset, path, overlap="last")) == [(0, 10), (10, 30)]


# ---------------------------------------------------------------------------------------- subtitles


def test_a_webvtt_file(dataset: Dataset) -> None:
    path = SAMPLES / "webvtt" / "v1.vtt"
    assert guess_format(path, "actions") == "webvtt"
    assert guess_format(path.parent, "actions") == "webvtt"
    plan = plan_actions(dataset, path)
    assert named(plan) == [(0, 10, "take"), (10, 27, "put & turn <wait>"), (27, 40, "hold")]
    assert plan.labels.rows == 3


@pytest.mark.trap("webvtt: hours may be missing")
@pytest.mark.parametrize("start", ["00:00.500", "00:00:00.500", "0:0:0.5", "000:00:00.500"])
def test_webvtt_times(dataset: Dataset, start: str) -> None:
    plan = plan_text(dataset, f"WEBVTT\n\n{start} --> 00:01.000\ntake\n", "v1.vtt")
    assert _frames(plan) == [(10, 20)]


@pytest.mark.trap("webvtt: names of cues and settings are no labels")
def test_webvtt_names_and_settings(dataset: Dataset) -> None:
    text = "WEBVTT\n\nstep 1\n00:00.500-->00:01.000\tline:0 position:20%,line-left\ntake\n"
    assert named(plan_text(dataset, text, "v1.vtt")) == [(10, 20, "take")]


@pytest.mark.trap("webvtt: header, comments and styles are no cues")
def test_webvtt_comments(dataset: Dataset) -> None:
    text = (
        "\ufeffWEBVTT some words\r\nKind: captions\r\n\r\nNOTE\r\nput\r\n\r\n"
        "STYLE\r\n::cue {}\r\n\r\nREGION\r\nid:fred\r\n\r\n"
        "00:00.500 --> 00:01.000\r\ntake\r\n\r\nNOTE end\r\n\r\nstray\r\n"
    )
    plan = plan_text(dataset, text, "v1.vtt")
    assert named(plan) == [(10, 20, "take")]
    assert [str(p.reason) for p in plan.labels.dropped] == ["is of no cue: 'stray'"]


@pytest.mark.trap("webvtt: tags are not part of a label, entities are")
def test_webvtt_tags(dataset: Dataset) -> None:
    text = "<c.red>take <00:00.700>a</c> &lt;nut&gt;\n<b>&amp; go</b>\n"
    text = f"WEBVTT\n\n00:00.500 --> 00:01.000\n{text}"
    assert named(plan_text(dataset, text, "v1.vtt")) == [(10, 20, "take a <nut> & go")]


@pytest.mark.trap("webvtt: cues overlap, and voices tell them apart")
def test_webvtt_voices(dataset: Dataset) -> None:
    text = (
        "WEBVTT\n\n00:00.000 --> 00:01.000\n<v Left>take\n\n"
        "00:00.500 --> 00:01.500\n<v Right>put</v>\n"
    )
    _refused(dataset, text, "overlaps 'take'", "v1.vtt")
    assert named(plan_text(dataset, text, "v1.vtt", tier="Right")) == [(10, 30, "put")]


@pytest.mark.trap("webvtt: times of a stream do not begin at the video's first frame")
def test_webvtt_of_a_stream(dataset: Dataset) -> None:
    text = (
        "WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:900000\n\n"
        "00:10.500 --> 00:11.000\ntake\n"
    )
    hint = _refused(dataset, text, "its times are those of a stream", "v1.vtt")
    assert "--offset" in hint
    assert _frames(plan_text(dataset, text, "v1.vtt", offset=10.0)) == [(10, 20)]


def test_bad_subtitles_are_refused(dataset: Dataset) -> None:
    _refused(dataset, "WEBVTT\n\na --> b\nx\n", r"v1\.vtt:3: is not `start --> end`", "v1.vtt")
    _refused(dataset, "WEBVTT\n\n00:61 --> 00:62\nx\n", r"v1\.vtt:3: a time is not", "v1.vtt")
    _refused(dataset, "WEBVTT\n", "has no labels in it", "v1.vtt")
    _refused(dataset, "WEBVTT\n\n00:01.000 --> 00:00.500\nx\n", "is before start", "v1.vtt")


def test_a_subrip_file(dataset: Dataset) -> None:
    path = SAMPLES / "srt" / "v1.srt"
    assert guess_format(path, "actions") == "srt"
    plan = plan_actions(dataset, path)
    assert named(plan) == [(0, 10, "Schraube lösen"), (10, 27, "take a <nut>")]
    assert [(p.row, p.reason) for p in plan.labels.dropped] == [(11, "has no text")]


@pytest.mark.trap("srt: counters are no labels, also where blank lines are missing")
def test_subrip_counters(dataset: Dataset) -> None:
    text = (
        "1\n00:00:00,000 --> 00:00:00,500\n3\n2\n00:00:00,500 --> 00:00:01,000\ntake\n\n"
        "3\n00:00:01,000 --> 00:00:02,000\nput\n"
    )
    assert named(plan_text(dataset, text, "v1.srt")) == [
        (0, 10, "3"), (10, 20, "take"), (20, 40, "put"),
    ]  # fmt: skip


@pytest.mark.trap("srt: a comma before milliseconds")
def test_subrip_times(dataset: Dataset) -> None:
    text = "1\n00:00:00,250 --> 00:00:01,050\ntake\n"
    assert _frames(plan_text(dataset, text, "v1.srt")) == [(5, 21)]


@pytest.mark.trap("srt: CP-1252 instead of UTF-8")
def test_subrip_letters(dataset: Dataset) -> None:
    text = "1\n00:00:00,250 --> 00:00:01,050\nöffnen – zu\n"
    for encoding in ("cp1252", "utf-8", "utf-8-sig", "utf-16"):
        plan = plan_text(dataset, text.encode(encoding), "v1.srt")
        assert named(plan) == [(5, 21, "öffnen – zu")]


@pytest.mark.trap("srt: tags are stripped, other words in angle brackets stay")
def test_subrip_tags(dataset: Dataset) -> None:
    text = "1\n00:00:00,250 --> 00:00:01,050\n{\\an8}<FONT color=red>take</FONT> <nut> & 2 < 3\n"
    assert named(plan_text(dataset, text, "v1.srt")) == [(5, 21, "take <nut> & 2 < 3")]


# ----------------------------------------------------------------------------------------- Audacity


@pytest.mark.trap("audacity: lines of frequencies are no labels")
def test_an_audacity_file(dataset: Dataset) -> None:
    path = SAMPLES / "audacity" / "v1.txt"
    assert guess_format(path, "actions") == "audacity"
    plan = plan_actions(dataset, path)
    assert named(plan) == [(10, 20, "take"), (25, 40, "turn screw")]
    assert plan.labels.rows == 4


@pytest.mark.trap("audacity: a point has no length")
def test_audacity_points(dataset: Dataset) -> None:
    plan = plan_text(dataset, "0.5\t0.5\tpoint\n0.5\t1.0\ttake\n", "v1.txt")
    assert named(plan) == [(10, 20, "take")]
    assert [(p.row, p.reason) for p in plan.labels.dropped] == [(1, "holds no frame: 0.5 to 0.5")]


@pytest.mark.trap("audacity: decimal commas")
def test_audacity_commas(dataset: Dataset) -> None:
    plan = plan_text(dataset, "0,500000\t1,000000\ttake\r\n", "v1.txt")
    assert named(plan) == [(10, 20, "take")]


@pytest.mark.trap("audacity: the text may be missing, or hold tabs")
def test_audacity_texts(dataset: Dataset) -> None:
    plan = plan_text(dataset, "0.5\t1.0\n0.5\t1.0\ttake\ta nut\n1.0\t1.5\t \n", "v1.txt")
    assert named(plan) == [(10, 20, "take a nut")]
    assert [(p.row, p.reason) for p in plan.labels.dropped] == [
        (1, "has no text"), (3, "has no text"),
    ]  # fmt: skip


def test_bad_audacity_files_are_refused(dataset: Dataset) -> None:
    path = write_file(dataset.root.parent / "v1.txt", "0.5\t1.0\ta\ntake\n")
    with pytest.raises(LabelError, match=r"v1\.txt:2: is not a start, an end and a text"):
        plan_actions(dataset, path)
    write_file(path, "0.5\t1.0\ta\nx\t2\tb\n")
    with pytest.raises(LabelError, match=r"v1\.txt:2: start is not a number: 'x'"):
        plan_actions(dataset, path)


# ------------------------------------------------------------------------------------------- MS-TCN


def _truth(folder: Path, **labels: str) -> Path:
    for name, text in labels.items():
        write_file(folder / "groundTruth" / f"{name.replace('_', '.')}.txt", text)
    return folder


@pytest.mark.trap("mstcn: the last line need not end in a line break")
def test_mstcn_without_a_line_break_at_the_end(dataset: Dataset, tmp_path: Path) -> None:
    folder = _truth(tmp_path / "m", v1="take\n" * 39 + "put")
    write_file(folder / "splits" / "test.split2.bundle", "v2.cam.txt\nv1.txt")
    plan = plan_actions(dataset, folder, options=ActionOptions(split=2))
    assert named(plan) == [(0, 39, "take"), (39, 40, "put")]
    assert plan.labels.splits == {"v1": "test", "v2.cam": "test"}


@pytest.mark.trap("mstcn: what we write ends in a line break, for readers that lose the last line")
def test_written_mstcn_files_end_in_a_line_break(tmp_path: Path) -> None:
    dataset = read_dataset(make_dataset(tmp_path, actions="v1,0,40,turn screw\n"))
    export = action_export(dataset)
    files = export_actions(export, "mstcn")
    assert all(text.endswith("\n") for text in files.values())
    assert files["groundTruth/v1.txt"] == "turn_screw\n" * 40
    assert files["mapping.txt"] == "0 background\n1 take\n2 turn_screw\n"
    assert export.notes == ["blanks in labels became `_`: turn screw"]


@pytest.mark.trap("mstcn: names of videos may hold dots")
def test_mstcn_names_with_dots(dataset: Dataset, tmp_path: Path) -> None:
    plan = plan_actions(dataset, _truth(tmp_path / "m", v2_cam="take\n" * 30))
    assert _frames(plan, "v2.cam") == [(0, 30)]


@pytest.mark.trap("mstcn: mapping.txt has the number first or last")
@pytest.mark.parametrize(
    ("mapping", "classes"),
    [
        ("1 put it\n0 take\n", ["take", "put it"]),
        ("take 0\nput it 1\n", ["take", "put it"]),
        ("0\ttake\n1\tput it\n", ["take", "put it"]),
        ("2 hands 0\n2 feet 1\n", ["2 hands", "2 feet"]),
        ("0 step 5\n1 step 5 2\n", ["step 5", "step 5 2"]),
    ],
)
def test_mstcn_mappings(dataset: Dataset, tmp_path: Path, mapping: str, classes: list[str]) -> None:
    folder = _truth(tmp_path / "m", v1="take\n" * 40)
    write_file(folder / "mapping.txt", mapping)
    assert plan_actions(dataset, folder).labels.classes == classes


def test_bad_mstcn_mappings_are_refused(dataset: Dataset, tmp_path: Path) -> None:
    folder = _truth(tmp_path / "m", v1="take\n" * 40)
    write_file(folder / "mapping.txt", "0 take\n0 put\n")
    with pytest.raises(LabelError, match="two classes have the same number"):
        plan_actions(dataset, folder)


@pytest.mark.trap("mstcn: Polyphony's folders of left and right hands are tiers")
def test_mstcn_of_two_hands(dataset: Dataset) -> None:
    folder = SAMPLES / "mstcn"
    for path in (folder, folder / "groundTruth"):
        assert guess_format(path, "actions") == "mstcn"
        with pytest.raises(LabelError, match="'turn screw' .* overlaps 'take'"):
            plan_actions(dataset, path)
        left = plan_actions(dataset, path, options=ActionOptions(tier="left_hand", split=1))
        assert named(left) == [(0, 10, "take"), (15, 40, "hold")]
        assert left.labels.splits == {"v1": "test", "v2.cam": "train", "late": "train"}
        right = plan_actions(dataset, path, options=ActionOptions(tier="right_hand"))
        assert named(right) == [(8, 40, "turn screw")]
        assert right.labels.classes == ["take", "turn screw", "hold", "background"]
    with pytest.raises(LabelError, match="has no tier 'nose'") as caught:
        plan_actions(dataset, folder, options=ActionOptions(tier="nose"))
    assert "left_hand (3), right_hand (2)" in (caught.value.hint or "")


def test_hands_of_different_lengths_are_refused(dataset: Dataset, tmp_path: Path) -> None:
    for hand, number in (("left_hand", 40), ("right_hand", 39)):
        write_file(tmp_path / "m" / "groundTruth" / hand / "v1.txt", "take\n" * number)
    with pytest.raises(LabelError, match="has 39 labels of 'v1', another folder 40") as caught:
        plan_actions(dataset, tmp_path / "m")
    assert "--tier right_hand" in (caught.value.hint or "")
    plan = plan_actions(dataset, tmp_path / "m", options=ActionOptions(tier="left_hand"))
    assert _frames(plan) == [(0, 40)]


def test_splits_of_each_hand(dataset: Dataset, tmp_path: Path) -> None:
    folder = tmp_path / "m"
    for hand, split in (("left_hand", "train"), ("right_hand", "test")):
        write_file(folder / "groundTruth" / hand / "v1.txt", "take\n" * 40)
        write_file(folder / "splits" / hand / f"{split}.split1.bundle", "v1.txt\n")
    options = ActionOptions(tier="right_hand", split=1)
    assert plan_actions(dataset, folder, options=options).labels.splits == {"v1": "test"}
    with pytest.raises(LabelError, match="'v1' is in train already"):
        plan_actions(dataset, folder, options=ActionOptions(split=1))


@pytest.mark.trap("mstcn: FACT's bundles hold names without .txt")
def test_mstcn_bundles_without_suffix(dataset: Dataset, tmp_path: Path) -> None:
    folder = _truth(tmp_path / "m", v1="take\n" * 40)
    write_file(folder / "splits" / "train.split1.bundle", "v1\nv2.cam\n")
    plan = plan_actions(dataset, folder, options=ActionOptions(split=1))
    assert plan.labels.splits == {"v1": "train", "v2.cam": "train"}


@pytest.mark.trap("mstcn: labels that are not one a frame")
def test_mstcn_lengths(dataset: Dataset, tmp_path: Path) -> None:
    """A rate that the video has too does not excuse them."""
    folder = _truth(tmp_path / "m", v1="take\n" * 38)
    for fps in (None, "video", 20.0):
        with pytest.raises(LabelError, match="has 38 labels") as caught:
            plan_actions(dataset, folder, options=ActionOptions(fps=fps))
        assert "--allow-length-mismatch" in (caught.value.hint or "")
        options = ActionOptions(fps=fps, allow_length_mismatch=True)
        plan = plan_actions(dataset, folder, options=options)
        assert _frames(plan) == [(0, 38)]
        assert "38 labels at 20 a second of video 'v1', which has 40" in plan.labels.notes[-1]


@pytest.mark.trap("mstcn: labels at a frame rate of their own")
def test_mstcn_at_another_rate(dataset: Dataset, tmp_path: Path) -> None:
    folder = _truth(tmp_path / "m", v2_cam="take\n" * 5 + "background\n" * 4 + "put\n" * 6)
    with pytest.raises(LabelError, match="has 15 labels") as caught:
        plan_actions(dataset, folder)
    assert "--fps 15" in (caught.value.hint or "")
    plan = plan_actions(dataset, folder, options=ActionOptions(fps=15.0))
    assert named(plan, "v2.cam") == [(0, 10, "take"), (18, 30, "put")]
    assert plan.labels.units == "frames at 15 a second, 0-based, end excluded"
    with pytest.raises(LabelError, match="has 15 labels at 6 a second, but video 'v2.cam' has 30"):
        plan_actions(dataset, folder, options=ActionOptions(fps=6.0))
    options = ActionOptions(fps=6.0, allow_length_mismatch=True)
    assert named(plan_actions(dataset, folder, options=options), "v2.cam") == [(0, 25, "take")]


@pytest.mark.trap("mstcn: predictions are one line below a heading")
def test_mstcn_predictions(dataset: Dataset, tmp_path: Path) -> None:
    path = SAMPLES / "mstcn" / "results" / "v1"
    assert guess_format(path, "actions") == "mstcn"
    expected = [(0, 10, "take"), (15, 40, "hold")]
    assert named(plan_actions(dataset, path)) == expected
    assert named(plan_actions(dataset, path.parent, format="mstcn")) == expected
    sequence = "### Recognized sequence: ###\ntake put\n### Score: ###\n-0.5\n"
    text = f"{sequence}### Frame level recognition: ###\n{'take ' * 30}{'put ' * 10}\n"
    plan = plan_actions(dataset, write_file(tmp_path / "p" / "v1.txt", text))
    assert named(plan) == [(0, 30, "take"), (30, 40, "put")]
    with pytest.raises(LabelError, match="has no line ### Frame level recognition"):
        plan_actions(dataset, write_file(tmp_path / "p" / "v1.txt", sequence))


@pytest.mark.trap("mstcn: groundTruth/ or a file in it, given without the folder above")
@pytest.mark.parametrize("inner", ["groundTruth", "groundTruth/v1.txt"])
def test_mstcn_files_given_directly(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inner: str
) -> None:
    folder = _truth(tmp_path / "m", v1="take\n" * 40)
    write_file(folder / "mapping.txt", "0 take\n1 put\n")
    plan = plan_actions(dataset, folder / inner)
    assert named(plan) == [(0, 40, "take")]
    assert plan.labels.classes == ["take", "put"]
    monkeypatch.chdir(folder / "groundTruth")
    plan = plan_actions(dataset, "." if inner == "groundTruth" else "v1.txt", format="mstcn")
    assert plan.labels.classes == ["take", "put"]


# ----------------------------------------------------------------------------------------- exported


@pytest.mark.parametrize("format", ["audacity", "csv", "webvtt"])
def test_written_files_come_back(dataset: Dataset, tmp_path: Path, format: str) -> None:
    rng = random.Random(7)
    names = ("take", "turn screw", "put & <wait> --> it", "Schraube lösen, 3,5 mm")
    for i in range(20):
        actions = {}
        for video, frames in VIDEOS.items():
            cuts = sorted(rng.sample(range(frames + 1), 6))
            spans = list(pairwise(cuts))[:: rng.choice((1, 2))]
            actions[video] = [Segment(a, b, rng.choice(names)) for a, b in spans]
        export = ActionExport(
            videos=dataset.videos,
            actions=actions,
            confidence=None,
            edges=lambda name: frame_edges(
                video_index(dataset, dataset.videos[name]).seconds, dataset.videos[name].fps
            ),
            classes=("background", *names),
            background="background",
        )
        for name, text in export_actions(export, format).items():
            write_file(tmp_path / str(i) / name, text)
        plan = plan_actions(dataset, tmp_path / str(i))
        assert plan.labels.format.startswith(
            {"audacity": "Audacity", "csv": "table", "webvtt": "WebVTT"}[format]
        )
        assert plan.actions == actions


def test_background_is_not_written(tmp_path: Path) -> None:
    rows = "v1,0,10,background\nv1,10,20,take\n"
    export = action_export(read_dataset(make_dataset(tmp_path, actions=rows)))
    for format in ("audacity", "webvtt"):
        (text,) = export_actions(export, format).values()
        assert "background" not in text
        assert "take" in text
