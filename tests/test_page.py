"""The page of a report: one file, that shows what it is given and asks nobody for more."""

import base64
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from folders import make_dataset
from typer.testing import CliRunner
from videos import read_number

from handact.cli import app
from handact.dataset import read_dataset
from handact.metrics import WrongSegment, worst_hand_frames, worst_segments
from handact.report import (
    describe_hands,
    describe_sequences,
    write_hands_page,
    write_hands_report,
    write_metrics_page,
    write_metrics_report,
)
from handact.report.page import Card, Gallery, Picture, Section, Table, Text, write_page
from handact.report.tables import show_clock
from handact.report.thumbnails import read_thumbnails
from handact.results import HandPairs, Sequences

NASTY = "<script>alert(\"1\")</script> & 'x' {{ 7 * 7 }}"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><rect width="9" height="9"/></svg>'
VOID = {"meta", "img", "link", "br", "input"}


class Page(HTMLParser):
    """What a browser would see: elements in order, their text, and whether all of them end."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.texts: dict[str, list[str]] = {}
        self.feed(path.read_text("utf-8"))
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)
            self.texts.setdefault(tag, []).append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        for tag in set(self.open):
            self.texts[tag][-1] += data

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


def jpeg(width: int = 24, height: int = 16) -> bytes:
    return cv2.imencode(".jpg", np.zeros((height, width, 3), np.uint8))[1].tobytes()


def check_alone(page: Page) -> None:
    """Nothing of the page comes from elsewhere, and it may not even ask."""
    for tag, attributes in page.elements:
        assert tag not in {"link", "iframe", "object", "embed", "base", "form"}
        assert not any(name.startswith("on") or name == "style" for name in attributes)
        assert attributes.get("href", "#").startswith("#")
        assert "srcset" not in attributes
        if "src" in attributes:
            assert tag == "img"
            assert attributes["src"].startswith("data:image/")
            assert attributes["alt"]
    css, script = page.texts["style"][0], page.texts["script"][0]
    assert not re.search(r"url\(|@import|https?:", css)
    assert not re.search(r"fetch|XMLHttp|import|https?:", script)
    policies = [m["content"] for m in page.all("meta") if "http-equiv" in m]
    assert len(policies) == 1
    assert policies[0].startswith("default-src 'none'; img-src data:;")
    assert len(page.texts["script"]) == len(page.texts["h1"]) == 1
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {a["href"][1:] for a in page.all("a")} <= set(ids)
    assert {a["aria-labelledby"] for _, a in page.elements if "aria-labelledby" in a} <= set(ids)


def test_everything_is_shown_as_it_is_and_nothing_is_fetched(tmp_path: Path) -> None:
    (tmp_path / "p.svg").write_bytes(SVG)
    sections = [
        Section(NASTY, [Text(NASTY), Table(NASTY, [NASTY, "b"], [[NASTY, NASTY]], NASTY)]),
        Section("b", [Picture(tmp_path / "p.svg", NASTY, NASTY)]),
        Section("c", [Gallery(NASTY, [Card(NASTY, {NASTY: NASTY}, [Picture(jpeg(), NASTY)])])]),
    ]
    write_page(tmp_path / "p.html", NASTY, {NASTY: NASTY}, sections)
    page = Page(tmp_path / "p.html")
    check_alone(page)
    for tag in ("title", "h1", "h3", "h4", "p", "caption", "figcaption", "dt", "dd", "td", "li"):
        assert NASTY in [text.strip() for text in page.texts[tag]], tag
    assert page.texts["h2"] == [NASTY, "b", "c"]
    svg, photograph = page.all("img")
    assert base64.b64decode(svg["src"].partition("base64,")[2]) == SVG
    assert svg["alt"] == photograph["alt"] == NASTY
    assert (photograph["width"], photograph["height"]) == ("24", "16")


def test_tables_know_numbers_and_sort_by_them(tmp_path: Path) -> None:
    rows = [
        ["a", 1, 2.25, None, "+0.50 s", "12", "x"],
        ["b", 10, float("nan"), None, "−1.5 s", None, 7],
        ["c", np.int64(9), np.float32(100), None, "0 s", "1 %", 3.0],
    ]
    table = Table("t", ["name", "int", "float", "none", "late", "text", "mixed"], rows)
    write_page(tmp_path / "p.html", "p", {}, [Section("s", [table, Table("two", ["a"], [["x"]])])])
    page = Page(tmp_path / "p.html")
    assert page.texts["td"][:6] == ["1", "2.2", "–", "+0.50 s", "12", "x"]
    assert page.texts["td"][6:12] == ["10", "–", "–", "−1.5 s", "–", "7"]
    cells = page.all("td")
    assert ["number" in cell.get("class", "") for cell in cells[:6]] == [True] * 5 + [False]
    values = [cell.get("data-value") for cell in cells]
    assert values[:6] == ["1.0", "2.25", None, "0.5", "12.0", None]
    assert values[9] == "-1.5"
    assert [t.get("class") for t in page.all("table")] == ["sorts", None]
    heads = page.all("th")
    assert [head["scope"] for head in heads[:8]] == ["col"] * 7 + ["row"]
    assert "aria-sort" in page.texts["script"][0]


def test_a_drawing_is_as_large_as_its_inches(tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (300, 150)).save(tmp_path / "p.png", dpi=(150, 150))
    write_page(tmp_path / "p.html", "p", {}, [Section("s", [Picture(tmp_path / "p.png", "c")])])
    (image,) = Page(tmp_path / "p.html").all("img")
    assert (image["width"], image["height"]) == ("192", "96")


def test_what_cannot_be_on_a_page(tmp_path: Path) -> None:
    def write(part: Table | Picture) -> None:
        write_page(tmp_path / "p.html", "p", {}, [Section("s", [part])])

    with pytest.raises(ValueError, match="2 columns, but a row of 1"):
        write(Table("t", ["a", "b"], [["x"]]))
    with pytest.raises(ValueError, match="PNG, JPEG or SVG"):
        write(Picture(b"GIF89a", "c"))
    with pytest.raises(FileNotFoundError):
        write(Picture(tmp_path / "no.png", "c"))
    assert list(tmp_path.iterdir()) == []
    write_page(tmp_path / "p.html", "name \udcff of bytes", {}, [])
    assert "name" in Page(tmp_path / "p.html").texts["h1"][0]


# ------------------------------------------------------------------------------------------- worst


CLASSES = ("idle", "pick", "screw")


def spell(text: str) -> np.ndarray:
    """Labels of frames, written as one letter each."""
    return np.array([".ps".index(letter) for letter in text])


def test_worst_segments_of_a_hand_made_case() -> None:
    truth = {"a": spell("..ppppp..sss..."), "b": spell("pppp....ssss")}
    predicted = {"a": spell("..sspps.pppp.p."), "b": spell("pppp.ss.ssss")}
    worst = worst_segments(truth, predicted, CLASSES, "idle")
    assert worst == [
        WrongSegment("a", 2, 7, "partly wrong", "pick", "screw", 3, (2, 3, 6)),
        WrongSegment("a", 9, 12, "missed", "screw", "pick", 3, (9, 10, 11)),
        WrongSegment("b", 5, 7, "never was", "idle", "screw", 2, (5, 6)),
        WrongSegment("a", 8, 12, "never was", "idle", "pick", 1, (8,)),
        WrongSegment("a", 13, 14, "never was", "idle", "pick", 1, (13,)),
    ]
    assert worst_segments(truth, predicted, CLASSES, "idle", most=2) == worst[:2]
    late = worst_segments({"a": spell("pp...")}, {"a": spell("pppp.")}, CLASSES, "idle")
    assert late == [WrongSegment("a", 0, 4, "too long", "idle", "pick", 2, (2, 3))]
    with pytest.raises(ValueError, match="one length"):
        worst_segments({"a": spell("pp")}, {"a": spell("p")}, CLASSES, "idle")


def test_every_wrong_frame_belongs_to_one_segment() -> None:
    random = np.random.default_rng(0)
    truth, predicted = ({"v": random.integers(0, 3, 200).repeat(2)} for _ in range(2))
    worst = worst_segments(truth, predicted, CLASSES, "idle")
    assert sum(segment.num_wrong for segment in worst) == (truth["v"] != predicted["v"]).sum()
    wrong = np.flatnonzero(truth["v"] != predicted["v"])
    assert {frame for segment in worst for frame in segment.examples} <= set(wrong.tolist())
    assert worst_segments(truth, truth, CLASSES, "idle") == []


def test_worst_hands_are_missed_claimed_or_far() -> None:
    nan = np.nan
    good, far, missed, none = (
        [[1, 0.5, 0.5], [1, 0.7, 0.5]],
        [[1, 0.5, 0.5], [1, 0.7, 0.9]],
        [[0, 0.0, 0.0], [1, 0.7, 0.5]],
        [[0, nan, nan], [0, nan, nan]],
    )
    truth = np.array([good, good, good, none, none])
    predicted = np.array([good, far, missed, good, none])
    assert worst_hand_frames(truth, predicted) == [3, 2, 1]
    assert worst_hand_frames(truth, predicted, most=1) == [3]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00.0"), (62.46, "1:02.5"), (59.96, "1:00.0"), (3661, "1:01:01.0")]
)
def test_clock(seconds: float, text: str) -> None:
    assert show_clock(seconds) == text


# ------------------------------------------------------------------------------------------- pages


def shown_numbers(page: Page, alt: str) -> list[int]:
    """The frame numbers that are written in the pictures of a page."""
    sources = [image["src"] for image in page.all("img") if image["alt"].startswith(alt)]
    data = [base64.b64decode(source.partition("base64,")[2]) for source in sources]
    return [read_number(cv2.imdecode(np.frombuffer(d, np.uint8), cv2.IMREAD_COLOR)) for d in data]


@pytest.mark.parametrize("is_indexed", [True, False])
def test_thumbnails_are_of_the_very_frames(tmp_path: Path, is_indexed: bool) -> None:
    root = make_dataset(tmp_path)
    if not is_indexed:
        for path in (root / "cache" / "index").iterdir():
            path.unlink()
    (root / "videos" / "v2.cam.mp4").write_bytes(b"")
    wanted = [("v1", 33), ("late", 7), ("v1", 2), ("v2.cam", 1), ("late", 99)]
    images, notes = read_thumbnails(read_dataset(root), wanted, width=80)
    assert {key: read_number(image) for key, image in images.items()} == {
        ("v1", 33): 33, ("v1", 2): 2, ("late", 7): 7,
    }  # fmt: skip
    assert {image.shape for image in images.values()} == {(48, 80, 3)}
    assert len(notes) == 1
    assert notes[0].startswith("no pictures of video 'v2.cam': ")


def test_page_of_metrics_with_frames_of_the_videos(tmp_path: Path) -> None:
    dataset = read_dataset(make_dataset(tmp_path))
    truth = np.repeat([0, 1, 2, 0], 10)
    predicted = np.where(np.arange(40) < 20, truth, 0)  # the second action is missed
    late = np.zeros(20, int)
    result = Sequences(
        ("background", "take", "turn screw"), "background", {"v1": truth, "late": late},
        {"v1": predicted, "late": late}, {"v1": 20.0, "late": 10.0}, split="test", run="action",
        edges={"v1": np.arange(41) / 20},
    )  # fmt: skip
    report = describe_sequences(result)
    write_metrics_report(tmp_path / "r", report, result)
    path, notes = write_metrics_page(tmp_path / "r", report, result, dataset)
    assert (path.name, notes) == ("metrics.html", ())
    page = Page(path)
    check_alone(page)
    assert page.texts["h4"] == ["v1, 0:01.0 to 0:01.5"]
    assert shown_numbers(page, "Video v1") == [20, 25, 29]
    assert page.texts["dd"][-3:] == ["turn screw", "background", "10 of 10 frames: missed"]
    assert page.texts["h1"] == ["Metrics: line, test split"]
    (tmp_path / "line" / "videos" / "v1.mp4").unlink()
    path, (note,) = write_metrics_page(tmp_path / "r", report, result, dataset)
    assert "no pictures of video 'v1'" in note
    assert note in Page(path).texts["p"][-1]


def test_page_of_hands_with_marks(tmp_path: Path) -> None:
    dataset = read_dataset(make_dataset(tmp_path))
    good = [[1, 0.5, 0.7], [0, np.nan, np.nan]]
    off = [[1, 0.2, 0.8], [1, 0.8, 0.8]]
    frames = pd.DataFrame({"video": "v1", "frame": [3, 5]})
    result = HandPairs(np.array([good, good]), np.array([good, off]), frames, split="test")
    report = describe_hands(result)
    write_hands_report(tmp_path / "r", report, result)
    page = Page(write_hands_page(tmp_path / "r", report, result, dataset)[0])
    check_alone(page)
    assert page.texts["h4"] == ["v1, frame 5"]
    assert page.texts["dd"][-2:] == ["0.32 off", "predicted, but absent"]
    assert shown_numbers(page, "Video v1") == [5]
    bare = Page(write_hands_page(tmp_path / "r", report, result)[0])
    assert bare.texts["td"][-3:] == ["5", "0.32 off", "predicted, but absent"]
    write_hands_report(tmp_path / "r", report, result)
    assert not (tmp_path / "r" / "hands.html").exists()  # of an earlier report


def test_pages_of_bare_tables_through_the_command(tmp_path: Path) -> None:
    truth, predicted = tmp_path / "t.csv", tmp_path / "p.csv"
    name = '<b>"screw"</b>'
    cell = '"<b>""screw""</b>"'
    header = "video,start_frame,end_frame,action\n"
    truth.write_text(f"{header}<i>a</i>,0,10,{cell}\n<i>a</i>,15,30,pick\n")
    predicted.write_text(f"{header}<i>a</i>,0,25,{cell}\n")
    command = ["report", "metrics", "--truth", str(truth), "--predicted", str(predicted), "--html"]
    refused = CliRunner().invoke(app, command)
    assert refused.exit_code == 2
    assert "-o FOLDER" in refused.stderr
    result = CliRunner().invoke(app, [*command, "-o", str(tmp_path / "r"), "--fps", "10", "--json"])
    assert result.exit_code == 0, result.stderr
    assert "metrics.html" in result.stderr
    assert json.loads(result.stdout)["frame_accuracy"] == pytest.approx(100 * 10 / 30)
    page = Page(tmp_path / "r" / "metrics.html")
    check_alone(page)
    assert page.texts["h2"] == ["Summary", "Classes", "Timeline", "Confusion", "Worst segments"]
    assert name in page.texts["th"]
    cells = page.texts["td"][-14:]
    assert cells[:7] == ["0:01.5", "0:03.0", "15", "15", "missed", "pick", name]
    assert cells[7:] == ["0:00.0", "0:02.5", "5", "25", "too long", "background", name]
    assert "They hold 20 of 20 wrong frames." in page.texts["p"]
    again = CliRunner().invoke(app, [*command[:-1], "-o", str(tmp_path / "r")])
    assert again.exit_code == 0
    assert not (tmp_path / "r" / "metrics.html").exists()  # of an earlier report
