"""The pages in a real browser: labelling by key and mouse, kills and reloads, exact frames."""

import statistics
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from folders import make_dataset, predict
from pages import Server, find_browser
from videos import BITS, make_video

from handact.dataset import create_dataset, read_dataset
from handact.formats.tables import read_actions, read_hands, write_actions
from handact.labels import Segment
from handact.video import VideoIndex, file_fingerprint

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")

READ_NUMBER = f"""() => {{
  const canvas = document.querySelector("[data-testid=picture]");
  const context = canvas.getContext("2d"), {{ width, height }} = canvas;
  const row = context.getImageData(0, Math.round(height / 4), width, 1).data;
  let number = 0;
  for (let i = 0; i < {BITS}; i++)
    number = 2 * number + (row[4 * Math.floor((i + 0.5) * width / {BITS})] > 128);
  return [Number(canvas.dataset.frame), number];
}}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    path = find_browser()
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page of the size of a small laptop; any error in it fails the test."""
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    page = context.new_page()
    page.set_default_timeout(60_000)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert not errors


def open_view(page: Any, address: str, at: str = "") -> None:
    page.goto(address)
    if at:
        page.goto(f"{address.partition('?')[0]}#{at}")
        page.reload()
    wait_for(
        page, "Number.isInteger(window.handact?.view?.frame) && window.handact.player.isSettled"
    )


def wait_for(page: Any, condition: str) -> None:
    page.wait_for_function(f"() => Boolean({condition})")


def wait_saved(page: Any) -> None:
    wait_for(page, "document.querySelector('[data-testid=saved]').dataset.state === 'saved'")


def click_picture(page: Any, x: float, y: float, button: str = "left") -> None:
    """Click where a point of the video, 0..1, is shown."""
    box = page.locator("[data-testid=picture]").bounding_box()
    page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"], button=button)


# ------------------------------------------------------------------------------------------- hands


def test_30_frames_of_hands_through_undo_reload_and_kills(page: Any, tmp_path: Path) -> None:
    root = make_dataset(tmp_path)
    expected: dict[tuple[str, int], tuple[float, float, float, float] | None] = {}
    with Server("label", "hands", root) as server:
        open_view(page, server.address)
        for i in range(30):
            if i in (8, 20):
                server.kill()
                label_frame(page, expected, i)  # nobody answers, and nothing is lost
                assert page.locator("[data-testid=saved]").inner_text().startswith("NOT SAVED")
                server.__enter__()
                wait_saved(page)
                next_frame(page)
                continue
            label_frame(page, expected, i)
            if i == 12:
                wait_saved(page)
                page.reload()
                open_view(page, server.address)
                continue
            if i % 7 == 3:  # undone, and made anew
                there = page.evaluate("handact.view.labels.length")
                page.keyboard.press("u")
                wait_for(page, f"handact.view.labels.length === {there - 1}")
                wait_for(page, "handact.player.isSettled")
                label_frame(page, expected, i)
            next_frame(page)
        wait_saved(page)
        server.kill()
    with Server("label", "hands", root):
        pass  # whatever was left in edits.jsonl goes into the table
    hands = read_hands(root / "hands.csv")
    found = {(row.video, row.frame): row[3:] for row in hands.itertuples()}
    assert len(expected) == 30
    assert found.keys() == expected.keys()
    for key, places in expected.items():
        if places is None:
            assert hands.set_index(["video", "frame"]).loc[key].isna().all()
        else:
            assert found[key] == pytest.approx(places, abs=0.004)


def label_frame(page: Any, expected: dict, i: int) -> None:
    """Label the frame that is shown: by mouse, by keys, or as absent."""
    wait_for(page, "handact.player.isSettled")
    video, frame = page.evaluate("[handact.view.video.name, handact.view.frame]")
    x, y = 0.1 + 0.02 * i, 0.2 + 0.02 * (i % 20)
    if i % 5 == 4:
        page.keyboard.press("a")
        expected[video, frame] = None
    else:
        click_picture(page, x, y)
        click_picture(page, 1 - x, y, button="right")
        expected[video, frame] = (x, y, 1 - x, y)
    wait_for(page, f"handact.view.labels.some(([f]) => f === {frame})")


def next_frame(page: Any) -> None:
    before = page.evaluate("`${handact.view.video.name}/${handact.view.frame}`")
    page.keyboard.press("Enter")
    wait_for(
        page,
        "handact.player.isSettled && "
        f"`${{handact.view.video.name}}/${{handact.view.frame}}` !== {before!r}",
    )


def test_a_hand_is_set_where_the_zoomed_picture_is_clicked(page: Any, tmp_path: Path) -> None:
    root = make_dataset(tmp_path)
    with Server("label", "hands", root) as server:
        open_view(page, server.address, "video=v1&frame=3")
        box = page.locator("[data-testid=picture]").bounding_box()
        at = box["x"] + 0.25 * box["width"], box["y"] + 0.75 * box["height"]
        page.mouse.move(*at)
        page.mouse.wheel(0, -400)
        wait_for(page, "handact.player.viewport.zoom > 1.5")
        page.mouse.click(*at)  # zoomed around the pointer: the same point is still under it
        page.keyboard.press("Shift+R")
        wait_for(page, "handact.view.labels.length === 1")
        wait_saved(page)
    row = read_hands(root / "hands.csv").iloc[0]
    assert row["left_x"] == pytest.approx(0.25, abs=0.004)
    assert row["left_y"] == pytest.approx(0.75, abs=0.006)
    assert row.isna()["right_x"]


# ----------------------------------------------------------------------------------------- actions


def test_20_segments_through_undo_reload_and_kills(page: Any, tmp_path: Path) -> None:
    video = make_video(tmp_path / "v.mp4", 130, fps=25)
    root = create_dataset(tmp_path / "line", [video], classes=["take", "turn screw"]).root
    expected = []
    with Server("label", "actions", root) as server:
        open_view(page, server.address)
        for i in range(20):
            start, end = 6 * i, 6 * i + 3 + i % 4
            key, action = ("1", "take") if i % 2 == 0 else ("2", "turn screw")
            by_mark = i % 3 > 0  # start, end, class; otherwise the class begins and ends it
            go_to_frame(page, start)
            page.keyboard.press("i" if by_mark else key)
            go_to_frame(page, end - 1)
            if i in (6, 14):
                server.kill()
            page.keyboard.press("o" if by_mark else key)
            if by_mark:
                page.keyboard.press(key)
            expected.append(Segment(start, end, action))
            wait_for(page, f"handact.view.labels.length === {i + 1}")
            if i in (6, 14):
                server.__enter__()
            wait_saved(page)
            if i % 6 == 2:
                page.keyboard.press("Control+z")
                wait_for(page, f"handact.view.labels.length === {i}")
                page.keyboard.press("Control+y")
                wait_for(page, f"handact.view.labels.length === {i + 1}")
            if i == 10:
                page.reload()
                wait_for(page, f"window.handact?.view?.labels?.length === {i + 1}")
        # Undo goes back behind the reload and the kills, and on again.
        for _ in range(12):
            page.keyboard.press("Control+z")
        wait_for(page, "handact.view.labels.length === 8")
        for _ in range(12):
            page.keyboard.press("Control+Shift+Z")
        wait_for(page, "handact.view.labels.length === 20")
        drag_boundary(page, expected)
        wait_saved(page)
        server.kill()
    with Server("label", "actions", root):
        pass
    assert read_actions(root / "actions.csv") == {"v": expected}


def go_to_frame(page: Any, frame: int) -> None:
    """Go on to a frame by keys."""
    ahead = frame - page.evaluate("handact.view.frame")
    for _ in range(abs(ahead)):
        page.keyboard.press("ArrowRight" if ahead > 0 else "ArrowLeft")
    wait_for(page, f"handact.player.isSettled && handact.player.frame === {frame}")


def drag_boundary(page: Any, expected: list[Segment]) -> None:
    """Drag the end of the last segment two frames to the right."""
    segment = expected[-1]
    end = segment.end_frame
    place = page.evaluate(
        """end => { const t = handact.view.timeline, box = document.querySelector(
             "[data-testid=timeline]").getBoundingClientRect();
             const name = handact.view.rows().find((row) => row.editable).name;
             return [box.x + t.xOf(end), box.x + t.xOf(end + 2),
                     box.y + t.rowTop(name) + t.rowHeight(name) / 2]; }""",
        end,
    )
    page.mouse.move(place[0], place[2])
    page.mouse.down()
    page.mouse.move(place[0] + 2, place[2])
    page.mouse.move(place[1], place[2], steps=4)
    page.mouse.up()
    wait_for(page, f"handact.view.labels.some(([, e]) => e === {end + 2})")
    expected[-1] = Segment(segment.start_frame, end + 2, segment.action)


def test_a_review_is_corrected_and_finished_by_keys(page: Any, tmp_path: Path) -> None:
    root = make_dataset(tmp_path)
    predict(
        root,
        "v1",
        "v1,0,10,0,0.5,take,0.95\nv1,10,30,0.5,1.5,take,0.5\nv1,30,40,1.5,2,turn screw,0.7\n",
    )
    with Server("review", "v1", "--dataset", root) as server:
        open_view(page, server.address)
        page.keyboard.press("n")  # the least sure
        wait_for(page, "handact.player.isSettled && handact.player.frame >= 10")
        page.keyboard.press("2")
        wait_for(page, "handact.view.labels.length === 1")
        page.keyboard.press("n")
        wait_for(page, "handact.player.isSettled && handact.player.frame >= 30")
        page.keyboard.press("Enter")
        wait_for(page, "handact.view.labels.length === 2")
        wait_saved(page)
        assert not (root / "actions.csv").exists()
        page.keyboard.press("w")
        page.locator("[data-testid=confirm-dialog] .primary").click()
        for _ in range(100):
            if (root / "actions.csv").exists():
                break
            page.wait_for_timeout(100)
    assert read_dataset(root).actions["v1"] == [
        Segment(0, 10, "take"),
        Segment(10, 30, "turn screw"),
        Segment(30, 40, "turn screw"),
    ]


# ---------------------------------------------------------------------------------- exact frames


@pytest.mark.parametrize("video", ["v1", "late"])
def test_the_frame_shown_is_the_decoders(page: Any, tmp_path: Path, video: str) -> None:
    """At a constant rate, and at a variable one in a container that no browser plays."""
    root = make_dataset(tmp_path)
    number = {"v1": 40, "late": 20}[video]
    with Server("label", "actions", root) as server:
        open_view(page, server.address, f"video={video}&frame=0")
        for i in range(number):
            wait_for(page, f"handact.player.isSettled && handact.player.frame === {i}")
            assert page.evaluate(READ_NUMBER) == [i, i]
            page.keyboard.press("ArrowRight")
        for i in (number - 2, number - 3):
            page.keyboard.press("ArrowLeft")
            wait_for(page, f"handact.player.isSettled && handact.player.frame === {i}")
            assert page.evaluate(READ_NUMBER) == [i, i]
        page.keyboard.press("Home")
        for _ in range(3):
            page.keyboard.press("Space")
            page.wait_for_timeout(300)
            page.keyboard.press("Space")
            wait_for(page, "handact.player.isSettled")
            shown, drawn = page.evaluate(READ_NUMBER)
            assert shown == drawn


def test_what_plays_is_the_frame_that_is_said(page: Any, tmp_path: Path) -> None:
    ticks = [0]
    for i in range(119):
        ticks.append(ticks[-1] + (20, 50, 80)[i % 3])
    video = make_video(tmp_path / "v.mp4", 120, fps=20, ticks=ticks, time_base=Fraction(1, 1000))
    root = create_dataset(tmp_path / "line", [video]).root
    with Server("label", "actions", root) as server:
        open_view(page, server.address)
        page.keyboard.press("Space")
        seen: set[int] = set()
        for _ in range(200):
            page.wait_for_timeout(50)
            shown, drawn = page.evaluate(READ_NUMBER)
            assert shown == drawn
            seen.add(shown)
            if len(seen) > 5:
                break
        assert len(seen) > 5


# ------------------------------------------------------------------------------------------ size


@pytest.mark.slow
def test_two_hours_of_1080p_and_5000_segments(page: Any, tmp_path: Path) -> None:
    """Prints how long it takes to open, to step and to draw: `pytest -m slow -s -k two_hours`."""
    frames = 2 * 3600 * 25
    root = make_long_dataset(tmp_path, frames)
    rows = [Segment(36 * i, 36 * i + 30, ("take", "turn screw")[i % 2]) for i in range(5000)]
    write_actions(root / "actions.csv", {"long": rows})
    with Server("label", "actions", root) as server:
        page.goto(server.address)
        opened = []
        for _ in range(5):
            page.reload()
            wait_for(page, "window.handact?.view?.timeline && handact.player.isSettled")
            opened.append(page.evaluate("performance.now()"))  # since it was asked for
        times = {}
        for name, key in {"forwards": "ArrowRight", "backwards": "ArrowLeft"}.items():
            page.evaluate("f => handact.view.jump(f)", frames // 2)
            wait_for(page, f"handact.player.isSettled && handact.player.frame === {frames // 2}")
            assert page.evaluate(READ_NUMBER) == [frames // 2, frames // 2 % 250]
            times[f"step {name}"] = time_steps(page, key)
        times["frame of the timeline, zooming and panning"] = time_timeline(page)
    for name, values in {"opening": opened, **times}.items():
        median, most = statistics.median(values), max(values)
        print(f"\n{name}: median {median:.0f} ms, most {most:.0f} ms ({len(values)})", end="")
    assert all(len(values) >= 100 for values in times.values())


def make_long_dataset(folder: Path, frames: int) -> Path:
    """Make a dataset of one long 1080p video, whose index is told and not found by decoding it."""
    short = make_video(
        folder / "short.mp4", 250, fps=25, size=(1920, 1080),
        options={"g": "50", "bf": "0", "preset": "ultrafast"},
    )  # fmt: skip
    root = create_dataset(folder / "line", [short], classes=["take", "turn screw"]).root
    long = repeat_video(short, folder / "long.mp4", frames)
    index = VideoIndex.load(root / "cache" / "index" / "short.npz")
    starts = np.arange(0, frames, 250) * index.step
    keys = (starts[:, None] + index.keys).ravel()
    size, mtime_ns = file_fingerprint(long)
    ticks = np.arange(frames) * index.step
    replace(
        index, path=long, ticks=ticks, keys=keys, size=size, mtime_ns=mtime_ns, promised=None
    ).save(root / "cache" / "index" / "long.npz")
    table = (
        (root / "videos.csv").read_text().replace("short", "long").replace(",250,", f",{frames},")
    )
    (root / "videos.csv").write_text(table)
    return root


def time_steps(page: Any, key: str, number: int = 100) -> list[float]:
    """Press a key again and again, and return the milliseconds until the frame is on screen."""
    return page.evaluate(
        """async ([key, number]) => {
          const found = [];
          for (let i = 0; i < number; i++) {
            const before = handact.player.frame, start = performance.now();
            document.body.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}));
            while (!handact.player.isSettled || handact.player.frame === before)
              await new Promise((resolve) => setTimeout(resolve, 1));
            found.push(performance.now() - start);
            await new Promise((resolve) => setTimeout(resolve, 40));
          }
          return found;
        }""",
        [key, number],
    )


def time_timeline(page: Any) -> list[float]:
    """Zoom and pan over the timeline, and return the milliseconds between frames of the screen."""
    return page.evaluate(
        """async () => {
          const found = [], canvas = document.querySelector("[data-testid=timeline]");
          const box = canvas.getBoundingClientRect();
          let last = null;
          for (let i = 0; i < 120; i++) {
            const now = await new Promise(requestAnimationFrame);
            if (last !== null) found.push(now - last);
            last = now;
            canvas.dispatchEvent(new WheelEvent("wheel", {
              deltaY: i % 60 < 30 ? -40 : 40, shiftKey: i % 3 === 0, bubbles: true,
              cancelable: true, clientX: box.x + box.width / 3, clientY: box.y + 40 }));
          }
          return found;
        }"""
    )


def repeat_video(short: Path, path: Path, num_frames: int) -> Path:
    """Write a long video by repeating the packets of a short one."""
    with av.open(str(short)) as source, av.open(str(path), "w") as target:
        stream = source.streams.video[0]
        out = target.add_stream_from_template(stream)
        packets = [(bytes(p), p.pts, p.is_keyframe) for p in source.demux(stream) if p.size]
        step = packets[1][1] - packets[0][1]
        for i in range(num_frames):
            data, _, is_key = packets[i % len(packets)]
            packet = av.Packet(data)
            packet.pts = packet.dts = i * step
            packet.duration, packet.time_base = step, stream.time_base
            packet.stream, packet.is_keyframe = out, is_key
            target.mux(packet)
    return path
