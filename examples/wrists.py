"""Measure what the parts of the hand localiser give, on the wrists of photographs of sports.

    python wrists.py wrists_lspet OUTPUT --weights mobilenetv2.npz --seeds 0 1 2

`wrists_lspet` is a folder with `images/` and a table `wrists.csv` of human labels in pixels (image,
width, height, left_wrist_x, left_wrist_y, right_wrist_x, right_wrist_y), as of Leeds Sports Pose
Extended. A wrist outside its picture is absent. Every fifth picture in the order of names is kept
to test on; nothing is chosen by it: the network after the last epoch counts.

The recipe is a short one for a CPU (10 epochs of 40 steps at 96 pixels, AdamW), not the paper's of
200 epochs. Trains each variant with each seed (what is done already is passed over), and prints
F1@T_L as mean and standard deviation over the seeds, next to always guessing the mean position of
training.
"""

import argparse
from dataclasses import replace
from pathlib import Path
from unittest import mock

import cv2
import numpy as np
import pandas as pd
from torch import Tensor

from handact.config import HandsConfig
from handact.data.hands import hands_array
from handact.dataset import create_dataset, read_dataset
from handact.evaluation import evaluate_hands
from handact.formats.tables import write_hands
from handact.metrics import HAND_THRESHOLDS, hand_counts
from handact.models.hands import hand_loss
from handact.training.hands import train_hands

PENALISES_ABSENT = "Eq. 1 penalises absent hands"  # the only variant of another loss
SIDE = 224  # pixels; the localiser sees squares


def penalise_absent(predicted: Tensor, truth: Tensor, *, presence_weight: float) -> Tensor:
    """Return Eq. 1 without the factor P_i: absent hands are pulled towards the corner (0, 0)."""
    squares = (predicted - truth) ** 2
    return (presence_weight * squares[..., 0] + squares[..., 1:].sum(-1)).sum(1).mean()


def main() -> None:
    """Read the arguments, make the dataset, train what is missing, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wrists", type=Path, help="folder with images/ and wrists.csv")
    parser.add_argument("output", type=Path, help="the dataset folder")
    parser.add_argument("--weights", default="imagenet", help="start: imagenet, or a file")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--only", nargs="+", metavar="VARIANT", help="leave out the others")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--size", type=int, default=96, help="the localiser's input, pixels")
    arguments = parser.parse_args()

    if not (arguments.output / "hands.csv").exists():
        make_dataset(arguments.wrists, arguments.output)
    basis = HandsConfig(
        input_size=arguments.size,
        weights=arguments.weights,
        epochs=arguments.epochs,
        milestones=(arguments.epochs * 2 // 3, arguments.epochs * 9 // 10),
        batch_size=32,
        optimizer="adamw",
        learning_rate=0.0005,
    )
    variants = {
        "all of it": basis,
        "random start": replace(basis, weights="none"),
        "no augmentation": replace(basis, flip=0.0, zoom=0.0, move=0.0, colour=0.0),
        "no mirroring": replace(basis, flip=0.0),
        "no zoom and move": replace(basis, zoom=0.0, move=0.0),
        "no change of colour": replace(basis, colour=0.0),
        "Eq. 1 without presence": replace(basis, presence_weight=0.0),
        PENALISES_ABSENT: basis,
    }
    variants = {name: variants[name] for name in arguments.only or variants}
    scores: dict[str, list[list[float]]] = {name: [] for name in variants}
    for seed in arguments.seeds:
        for name, config in variants.items():
            scores[name].append(measure(arguments.output, name, replace(config, seed=seed)))
            print(f"seed {seed}  {name}: {np.round(scores[name][-1], 1)}", flush=True)
    print_table({"mean position": [guess_mean(arguments.output)], **scores})


def make_dataset(source: Path, output: Path) -> None:
    """Write the pictures as squares, as two folders of frames, and their labels."""
    table = pd.read_csv(source / "wrists.csv").sort_values("image", ignore_index=True)
    is_test = np.arange(len(table)) % 5 == 0
    labels = []
    for split, rows in (("train", table[~is_test]), ("test", table[is_test])):
        folder = output / "pictures" / split
        folder.mkdir(parents=True, exist_ok=True)
        for frame, row in enumerate(rows.itertuples()):
            picture = cv2.imread(str(source / "images" / row.image))
            height, width = picture.shape[:2]
            square = cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
            cv2.imwrite(str(folder / f"{frame:05d}.png"), square)
            left = place(row.left_wrist_x / width, row.left_wrist_y / height)
            right = place(row.right_wrist_x / width, row.right_wrist_y / height)
            labels.append((split, frame, *left, *right))
        create_dataset(output, [folder], name="wrists", split=split, fps=1)
    columns = ["video", "frame", "left_x", "left_y", "right_x", "right_y"]
    write_hands(output / "hands.csv", pd.DataFrame(labels, columns=columns))


def place(x: float, y: float) -> tuple[float, float]:
    """Return a position in units of the picture, (NaN, NaN) where it lies outside."""
    return (x, y) if 0 <= x <= 1 and 0 <= y <= 1 else (np.nan, np.nan)


def measure(output: Path, name: str, config: HandsConfig) -> list[float]:
    """Train a variant, unless it has been, and return its F1@T_L on the test pictures."""
    run = f"{name.replace(' ', '-')}-{config.seed}"
    loss = penalise_absent if name == PENALISES_ABSENT else hand_loss
    with mock.patch("handact.training.hands.hand_loss", loss):
        train_hands(output, config, run=run)
    hands = evaluate_hands(output, run=run)
    return [hand_counts(hands.truth, hands.predicted, t).f1 for t in HAND_THRESHOLDS]


def guess_mean(output: Path) -> list[float]:
    """Return F1@T_L of the mean position of the training hands, guessed for every picture."""
    table = read_dataset(output).hands
    truth = {split: hands_array(rows) for split, rows in table.groupby("video")}
    present = truth["train"][..., :1]
    mean = (truth["train"] * present).sum(0) / present.sum(0)
    guess = np.broadcast_to(mean, truth["test"].shape)
    return [hand_counts(truth["test"], guess, t).f1 for t in HAND_THRESHOLDS]


def print_table(scores: dict[str, list[list[float]]]) -> None:
    """Print a Markdown table."""
    print("| variant |" + "".join(f" F1@{t:g} |" for t in HAND_THRESHOLDS))
    print("|---|" + "---:|" * len(HAND_THRESHOLDS))
    for name, rows in scores.items():
        spread = np.std(rows, axis=0, ddof=1) if len(rows) > 1 else None
        cells = [
            f" {mean:.1f} |" if spread is None else f" {mean:.1f} ± {spread[i]:.1f} |"
            for i, mean in enumerate(np.mean(rows, axis=0))
        ]
        print(f"| {name} |" + "".join(cells))


if __name__ == "__main__":
    main()
