"""`demo`: the whole pipeline on a made-up bench, with settings for a machine without a GPU."""

from dataclasses import asdict
from pathlib import Path

from handact.align import align_dataset, load_localizer, write_tracks
from handact.bench import write_dataset
from handact.config import (
    ActionConfig,
    AlignConfig,
    Config,
    HandsConfig,
    SegmentConfig,
    format_toml,
    read_config,
)
from handact.dataset import read_dataset
from handact.device import pick_device
from handact.files import write_text
from handact.progress import Log, ShowProgress
from handact.segment import segment_videos
from handact.training.action import train_action
from handact.training.hands import train_hands

__all__ = ["DEMO_SETTINGS", "SETTINGS_FILE", "prepare_demo", "train_demo"]

SETTINGS_FILE = "demo.toml"
HAND_STREAM = "hand-stream"

# Small networks on small pictures, from random weights: a hub of weights may be out of reach, and
# the recipe of the paper takes hours of a GPU.
DEMO_SETTINGS: dict[str, Config] = {
    "hands": HandsConfig(
        input_size=112,
        weights="none",
        dropout=0.0,
        optimizer="adamw",
        learning_rate=0.003,
        epochs=14,
        milestones=(9, 12),
        batch_size=16,
        flip=0.0,
        zoom=0.05,
        move=0.05,
    ),
    "align": AlignConfig(short_side=36, cutout=(0.28, 0.28), cutout_input=56, bridge_seconds=0.3),
    "action": ActionConfig(
        backbone="resnet18",
        weights="none",
        dropout=0.0,
        optimizer="adamw",
        crop_size=36,
        random_crop=False,
        view="full",
        fuse_after="layer2",
        clip_len=4,
        frame_stride=4,
        colour=0.1,
        epochs=24,
        milestones=(17, 22),
        batch_size=8,
        learning_rate=0.001,
        hand_weights=HAND_STREAM,
        hand_learning_rate=0.0001,
        freeze_batch_norm=False,
    ),
    "segment": SegmentConfig(window_stride=2),
}

# The hand stream is trained alone before it joins the frames. Both at once, the backbone soon
# explains most actions from random weights, and what is left of the gradient no longer teaches the
# hand stream the small details that only it can see.
HAND_STREAM_SETTINGS: dict[str, object] = {
    "hands": "only",
    "context": 0,
    "hand_weights": "none",
    "hand_learning_rate": 0.001,
    "epochs": 8,
    "milestones": (6,),
}


def prepare_demo(folder: Path, *, seed: int, show: ShowProgress) -> None:
    """Draw the videos and write their labels and the settings into an ordinary dataset folder.

    Videos that are there already are kept.
    """
    with show("drawing the bench", "frames") as on_progress:
        write_dataset(folder, seed=seed, on_progress=on_progress)
    settings = folder / SETTINGS_FILE
    if not settings.exists():
        seeded = {
            name: {**asdict(config), "seed": seed} if hasattr(config, "seed") else config
            for name, config in DEMO_SETTINGS.items()
        }
        write_text(settings, format_toml(seeded))


def train_demo(folder: Path, *, device: str, show: ShowProgress, log: Log) -> None:
    """Train all networks and segment the held-out videos; go on where it stopped.

    The localiser, the hand stream alone, and the action network, one after another.

    Raises:
        HandactError: What is in the folder is in the way.
    """
    settings = folder / SETTINGS_FILE
    hands = read_config(HandsConfig, settings)
    with show("train-hands", "epochs") as on_progress:
        train_hands(folder, hands, device=device, on_progress=on_progress, log=log)
    align = read_config(AlignConfig, settings)
    dataset = read_dataset(folder)
    localizer = load_localizer(dataset.runs / "hands" / "best.pt", pick_device(device))
    with show("align", "frames") as on_progress:
        caches = align_dataset(
            dataset, list(dataset.videos.values()), align, localizer, on_progress=on_progress
        )
    write_tracks(dataset, caches, align)
    action = read_config(ActionConfig, settings)
    runs = {"action": action}
    if action.hand_weights == HAND_STREAM and action.hands != "none":
        alone = read_config(ActionConfig, settings, HAND_STREAM_SETTINGS)
        runs = {HAND_STREAM: alone, **runs}
    for run, config in runs.items():
        with show(f"train-action {run}", "steps") as on_progress:
            train_action(
                folder, config, align, run=run, device=device, on_progress=on_progress, log=log
            )
    with show("segment", "frames") as on_progress:
        segment_videos(
            [],
            read_config(SegmentConfig, settings),
            dataset=folder,
            device=device,
            on_progress=on_progress,
            log=log,
        )
