"""Label, train, look at what the localiser is unsure of, correct, train again: what is gained?

    pip install playwright    # and a Chromium
    python label_loop.py two_hands loop --weights mobilenet_v2_torchvision_names_ptq.npz

A script takes the place of the person: it presses the keys of `handact label hands` in a real
browser, and sees the hands where two_hands/hands_mediapipe.csv has them. Each fourth second of
every video is held out: nothing is labelled there. 60 frames are labelled as they are proposed, a
localiser is trained, and 40 more are reviewed: accepted where its guess is right, else corrected;
once those that it is unsure of, once, to compare, 40 that are spread like the first 60.
"""

import argparse
import csv
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

NEAR = 2  # frames to the nearest one that MediaPipe has seen
RIGHT = 0.03  # of the picture: a guess as near as this is accepted
RECIPE = (
    "input_size=112", "epochs=40", "milestones=[28,36]", "batch_size=16", "optimizer=adamw",
    "learning_rate=0.001", "dropout=0.0",
)  # fmt: skip
Hands = tuple[tuple[float, float] | None, tuple[float, float] | None]


@dataclass
class Person:
    """Sees hands where a table has them, and counts what there was to do."""

    truth: dict[tuple[str, int], Hands]
    accepted: int = 0
    corrected: int = 0

    def see(self, video: str, frame: int) -> Hands | None:
        """Return the left and the right hand of a frame; None where this person will not look."""
        if is_held_out(frame):
            return None
        for step in sorted(range(-NEAR, NEAR + 1), key=abs):
            if (video, frame + step) in self.truth:
                return self.truth[video, frame + step]
        return None


def main() -> None:
    """Read the arguments, go through the loop, print what it gained."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="the folder two_hands")
    parser.add_argument("output", type=Path, help="folder for the datasets")
    parser.add_argument("--weights", required=True, help="where the localiser starts")
    parser.add_argument("--chromium", default=shutil.which("chromium"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    arguments = parser.parse_args()
    person = Person(read_truth(arguments.data / "hands_mediapipe.csv"))
    root, held = arguments.output / "first", arguments.output / "held"
    prepare(arguments.data, root, held, person)
    results = {}
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=arguments.chromium, args=["--no-sandbox"])
        label(browser, root, person, 60 - count_labels(root), pictures=None)
        results["60 frames, spread"] = train(root, held, arguments)
        for name, run in {"40 more, doubtful": "hands-0", "40 more, spread": "none"}.items():
            copy = arguments.output / name.split()[-1]
            if not copy.exists():
                shutil.copytree(root, copy)
            before = person.accepted, person.corrected
            label(
                browser, copy, person, 100 - count_labels(copy), run=run, pictures=arguments.output
            )
            done = person.accepted - before[0], person.corrected - before[1]
            results[f"{name} ({done[0]} accepted, {done[1]} set)"] = train(copy, held, arguments)
        browser.close()
    for name, rows in results.items():
        print(name, *(f"{t}: {mean_and_all([row[t] for row in rows])}" for t in rows[0]), sep="  ")


def read_truth(path: Path) -> dict[tuple[str, int], Hands]:
    """Read where the hands are, by video and frame."""
    with path.open(newline="") as file:
        return {
            (row["video"], int(row["frame"])): tuple(
                (float(row[f"{side}_x"]), float(row[f"{side}_y"])) if row[f"{side}_x"] else None
                for side in ("left", "right")
            )
            for row in csv.DictReader(file)
        }


def is_held_out(frame: int) -> bool:
    """Return whether a frame lies in a fourth second, at the videos' 30 frames a second."""
    return frame // 30 % 4 == 3


def count_labels(root: Path) -> int:
    """Return how many frames are labelled already."""
    path = root / "hands.csv"
    return len(path.read_text().splitlines()) - 1 if path.exists() else 0


def prepare(data: Path, root: Path, held: Path, person: Person) -> None:
    """Make the dataset to label, and one of the frames that are held out."""
    videos = sorted(map(str, data.glob("*.mp4")))
    run_handact("init", root, *videos)
    run_handact("init", held, "--split", "test", *videos)
    rows = [
        [video, frame, *(x for hand in hands for x in hand or ("", ""))]
        for (video, frame), hands in person.truth.items()
        if is_held_out(frame)
    ]
    with (held / "hands.csv").open("w", newline="") as file:
        header = ["video", "frame", "left_x", "left_y", "right_x", "right_y"]
        csv.writer(file).writerows([header, *rows])
    print(f"{len(rows)} frames held out")


def label(
    browser: Any,
    root: Path,
    person: Person,
    number: int,
    *,
    run: str = "none",
    pictures: Path | None,
) -> None:
    """Label frames in the browser as they are proposed."""
    command = [sys.executable, "-m", "handact", "label", "hands", str(root), "--run", run]
    server = subprocess.Popen(
        [*command, "--no-open", "--port", "0"], stdout=subprocess.PIPE, text=True
    )
    page = browser.new_page(viewport={"width": 1366, "height": 768})
    page.goto(server.stdout.readline().strip())
    wait(page, "window.handact?.view?.video && handact.player.isSettled")
    if run != "none":  # until the localiser has looked through the videos
        wait(page, "handact.view.proposals.localizer.state === 'ready'")
        page.reload()
        wait(page, "window.handact?.view?.video && handact.player.isSettled")
        page.keyboard.press("n")
        wait(page, "handact.player.isSettled")
    done = 0
    while done < number:
        video, frame = page.evaluate("[handact.view.video.name, handact.view.frame]")
        hands = person.see(video, frame)
        if hands is not None:
            set_hands(page, person, video, frame, hands)
            done += 1
            if pictures and done == 3:
                page.screenshot(path=str(pictures / f"label-{root.name}.png"))
        page.keyboard.press("n" if hands is None else "Enter")
        wait(
            page,
            f"handact.player.isSettled && (handact.view.frame !== {frame}"
            f" || handact.view.video.name !== {video!r})",
        )
    wait(page, "document.querySelector('[data-testid=saved]').dataset.state === 'saved'")
    page.close()
    server.terminate()
    server.wait()


def set_hands(page: Page, person: Person, video: str, frame: int, hands: Hands) -> None:
    """Leave a guess that is right for Enter to accept; otherwise set both hands."""
    guess = page.evaluate(
        "([v, f]) => fetch(`/api/hands/${v}/${f}/guess`).then((answer) => answer.json())",
        [video, frame],
    )
    if guess["source"] and all(map(is_right, (guess["left"], guess["right"]), hands)):
        person.accepted += 1
        return
    person.corrected += 1
    for hand, button, key in zip(hands, ("left", "right"), ("Shift+L", "Shift+R"), strict=True):
        if hand is None:
            page.keyboard.press(key)
        else:
            box = page.locator("[data-testid=picture]").bounding_box()
            at = box["x"] + hand[0] * box["width"], box["y"] + hand[1] * box["height"]
            page.mouse.click(*at, button=button)
    wait(page, f"handact.view.labels.some(([f]) => f === {frame})")


def is_right(guess: list[float] | None, hand: tuple[float, float] | None) -> bool:
    """Return whether a guess is as good as the truth."""
    if guess is None or hand is None:
        return guess is None and hand is None
    return (guess[0] - hand[0]) ** 2 + (guess[1] - hand[1]) ** 2 < RIGHT**2


def wait(page: Page, condition: str) -> None:
    """Wait until something holds in the page."""
    page.wait_for_function(f"() => Boolean({condition})", timeout=600_000)


def train(root: Path, held: Path, arguments: argparse.Namespace) -> list[dict[str, float]]:
    """Train the localiser with each seed, and return F1 by threshold on what is held out."""
    results = []
    for seed in arguments.seeds:
        settings = [part for setting in RECIPE for part in ("--set", setting)]
        run = f"hands-{seed}" if root.name == "first" else f"again-{seed}"
        run_handact(
            "train-hands",
            root,
            "--run",
            run,
            "--weights",
            arguments.weights,
            "--seed",
            str(seed),
            *settings,
        )
        report = run_handact("report", "hands", held, "--run", root / "runs" / run, "--json")
        results.append({t: json.loads(report)[t]["f1"] for t in ("0.05", "0.1")})
    return results


def run_handact(*arguments: object) -> str:
    """Run a command of handact and return what it printed."""
    command = [sys.executable, "-m", "handact", *map(str, arguments)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def mean_and_all(values: list[float]) -> str:
    """Return the mean, and each value."""
    return f"{sum(values) / len(values):.1f} ({', '.join(f'{v:.1f}' for v in values)})"


if __name__ == "__main__":
    main()
