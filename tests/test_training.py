"""Both trainings: they learn, they stop and go on, they refuse what makes no sense."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import TINY_ACTION, TINY_ALIGN, TINY_HANDS, write_folded
from torchvision.models import mobilenet_v2, resnet18

from handact.checkpoint import load_checkpoint
from handact.config import SegmentConfig
from handact.data.augment import augment_hands, draw_move, sample_rng, to_input
from handact.data.clips import Sample, network_input
from handact.device import pick_device
from handact.errors import CheckpointError, ConfigError, HandactError, LabelError, TrainingError
from handact.evaluation import evaluate_clips
from handact.segment import segment_videos
from handact.training.action import train_action
from handact.training.hands import train_hands
from handact.training.loop import learning_rate_factor


def _state(run: Path, kind: str) -> dict[str, torch.Tensor]:
    return load_checkpoint(run / "last.pt", kind)["state"]


def _same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


def test_the_rate_is_divided_at_the_milestones() -> None:
    factors = [learning_rate_factor(epoch, (100, 125)) for epoch in (0, 99, 100, 124, 125)]
    assert factors == pytest.approx([1, 1, 0.1, 0.1, 0.01])


def test_an_unknown_device_is_an_error() -> None:
    with pytest.raises(ConfigError, match="unknown device"):
        pick_device("tpu9")
    with pytest.raises(ConfigError, match="no device `cuda:99`"):
        pick_device("cuda:99")


def test_a_run_folder_is_complete(trained: Path) -> None:
    files = {"best.pt", "last.pt", "log.csv", "curves.png", "config.toml", "run.json"}
    assert files <= {p.name for p in (trained / "runs" / "action").iterdir()}
    assert files | {"split.csv"} <= {p.name for p in (trained / "runs" / "hands").iterdir()}
    header = (trained / "runs" / "hands" / "log.csv").read_text().splitlines()[0]
    assert header == "epoch,learning_rate,train_loss,val_loss,f1@0.05,f1@0.1,f1@0.2,f1@0.3"


@pytest.mark.parametrize("kind", ["hands", "action"])
def test_a_stopped_run_ends_as_an_unbroken_one(run_folder: Path, kind: str) -> None:
    """One epoch, then one more, gives the weights of two at once, bit for bit."""
    unbroken = _state(run_folder / "runs" / kind, kind)
    for epochs in (1, 2):
        if kind == "hands":
            config = replace(TINY_HANDS, epochs=epochs)
            train_hands(run_folder, config, run="again", device="cpu", resume=epochs == 2)
        else:
            config = replace(TINY_ACTION, epochs=epochs)
            train_action(
                run_folder, config, TINY_ALIGN, run="again", device="cpu", resume=epochs == 2
            )
    assert _same(unbroken, _state(run_folder / "runs" / "again", kind))


_KILLED = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from dataclasses import replace
from conftest import *
import handact.training.{kind} as module
from handact.training.{kind} import train_{kind}
count = 0
original = torch.nn.utils.clip_grad_norm_
def clip(*arguments):
    global count
    count += 1
    if count == {steps}:
        import os, signal
        os.kill(os.getpid(), signal.SIGKILL)
    return original(*arguments)
torch.nn.utils.clip_grad_norm_ = clip
torch.set_num_threads({threads})
arguments = [{config}] if "{kind}" == "hands" else [{config}, TINY_ALIGN]
train_{kind}(Path({folder!r}), *arguments, run="killed", device="cpu")
"""


@pytest.mark.parametrize(("kind", "steps"), [("hands", 6), ("action", 4)])
def test_sigkill_in_the_middle_of_an_epoch_changes_nothing(
    run_folder: Path, kind: str, steps: int
) -> None:
    """Killed in an optimiser step of the second epoch, and started again by the same command."""
    code = _KILLED.format(
        tests=str(Path(__file__).parent),
        kind=kind,
        steps=steps,
        config=f"TINY_{kind.upper()}",
        folder=str(run_folder),
        threads=torch.get_num_threads(),
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == -9, done.stderr
    run = run_folder / "runs" / "killed"
    assert load_checkpoint(run / "last.pt", kind)["about"]["epoch"] == 1
    lines: list[str] = []
    if kind == "hands":
        train_hands(run_folder, TINY_HANDS, run="killed", device="cpu", log=lines.append)
    else:
        train_action(
            run_folder, TINY_ACTION, TINY_ALIGN, run="killed", device="cpu", log=lines.append
        )
    assert "going on from epoch 1 of 2" in lines[0]
    assert _same(_state(run_folder / "runs" / kind, kind), _state(run, kind))


def test_a_finished_run_is_not_trained_over(run_folder: Path) -> None:
    """Given again, its command has nothing to do."""
    before = (run_folder / "runs" / "hands" / "last.pt").read_bytes()
    lines: list[str] = []
    train_hands(run_folder, TINY_HANDS, device="cpu", log=lines.append)
    assert "is trained: all 2 epochs" in lines[0]
    with pytest.raises(TrainingError, match="holds a run of 2 epochs, more than 1"):
        train_hands(run_folder, replace(TINY_HANDS, epochs=1), device="cpu")
    with pytest.raises(TrainingError, match=r"learning_rate = 0.01, asked for is 0.5"):
        train_hands(run_folder, replace(TINY_HANDS, learning_rate=0.5), device="cpu")
    assert (run_folder / "runs" / "hands" / "last.pt").read_bytes() == before
    train_hands(run_folder, replace(TINY_HANDS, epochs=1), device="cpu", overwrite=True)
    assert (
        load_checkpoint(run_folder / "runs" / "hands" / "last.pt", "hands")["about"]["epoch"] == 1
    )


def test_what_was_trained_outlives_a_start_that_fails(run_folder: Path) -> None:
    """Weights that cannot be had stop `--overwrite` before anything is removed."""
    run = run_folder / "runs" / "hands"
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    config = replace(TINY_HANDS, weights=str(run_folder / "nowhere.pt"))
    with pytest.raises(CheckpointError, match="no such weights"):
        train_hands(run_folder, config, device="cpu", overwrite=True)
    assert {path.name: path.read_bytes() for path in run.iterdir()} == before
    (run / "last.pt").unlink()
    with pytest.raises(TrainingError, match=r"holds a network \(best.pt\)"):
        train_hands(run_folder, TINY_HANDS, device="cpu")


def test_a_changed_split_is_noticed(run_folder: Path) -> None:
    """The same labelled videos, but one of them no longer trained on."""
    table = run_folder / "videos.csv"
    text = table.read_text()
    row = next(line for line in text.splitlines() if line.startswith("train-2,"))
    table.write_text(text.replace(row, row.replace(",train,", ",val,")))
    with pytest.raises(TrainingError, match="labels have changed"):
        train_action(run_folder, replace(TINY_ACTION, epochs=3), TINY_ALIGN, device="cpu")


def test_a_refused_training_leaves_the_cache_alone(run_folder: Path) -> None:
    cache = run_folder / "cache" / "aligned" / "train-1.jpegs"
    before = cache.read_bytes(), cache.stat().st_mtime_ns
    other = replace(TINY_ALIGN, short_side=40)
    with pytest.raises(TrainingError, match="labels have changed"):
        train_action(run_folder, TINY_ACTION, other, device="cpu")
    assert (cache.read_bytes(), cache.stat().st_mtime_ns) == before


def test_weights_of_a_file_start_the_localiser(dataset: Path, tmp_path: Path) -> None:
    """A file as torchvision writes it: its classifier stays out, all else goes in."""
    torch.save(mobilenet_v2().state_dict(), tmp_path / "imagenet.pt")
    config = replace(TINY_HANDS, weights=str(tmp_path / "imagenet.pt"), epochs=1)
    run = train_hands(dataset, replace(config, learning_rate=1e-12), device="cpu")
    weights = torch.load(tmp_path / "imagenet.pt")
    torch.testing.assert_close(
        _state(run, "hands")["features.0.0.weight"], weights["features.0.0.weight"]
    )


def test_the_hand_stream_starts_from_that_of_another_run(run_folder: Path, tmp_path: Path) -> None:
    """`hand_weights` takes a run's name; the rest of the network keeps its random start."""
    still = replace(TINY_ACTION, epochs=1, learning_rate=1e-12, hand_learning_rate=1e-12)
    train_action(
        run_folder, replace(still, hands="only", seed=1), TINY_ALIGN, run="stream", device="cpu"
    )
    config = replace(still, hand_weights="stream")
    run = train_action(run_folder, config, TINY_ALIGN, run=str(tmp_path / "both"), device="cpu")
    lent = _state(run_folder / "runs" / "stream", "action")
    both = _state(run, "action")
    key = "hands.layer4.1.conv2.weight"
    torch.testing.assert_close(both[key], lent[key])
    # The hand stream's statistics are kept, those of the random backbone are trained.
    assert torch.equal(both["hands.bn1.running_mean"], lent["hands.bn1.running_mean"])
    assert both["backbone.bn1.running_mean"].abs().sum() > 0
    assert not torch.allclose(both["backbone.layer4.1.conv2.weight"], lent[key])


def test_the_hand_stream_starts_from_a_file(run_folder: Path, tmp_path: Path) -> None:
    """A checkpoint by its path, or torchvision's ResNet as it is."""
    torch.save(resnet18().state_dict(), tmp_path / "r18.pth")
    checkpoint = run_folder / "runs" / "action" / "best.pt"
    still = replace(TINY_ACTION, epochs=1, learning_rate=1e-12, hand_learning_rate=1e-12)
    for weights in (tmp_path / "r18.pth", checkpoint):
        config = replace(still, hand_weights=str(weights))
        folder = str(tmp_path / f"from-{weights.stem}")
        run = train_action(run_folder, config, TINY_ALIGN, run=folder, device="cpu")
        lent = torch.load(weights)
        key = "hands.conv1.weight"
        expected = lent["state"][key] if "state" in lent else lent["conv1.weight"]
        torch.testing.assert_close(_state(run, "action")[key], expected)


def test_pictures_are_normalised_as_those_of_the_start(
    run_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In training, when it goes on, in validation, evaluation and segmentation."""
    weights = str(write_folded(tmp_path / "m.npz", mobilenet_v2().state_dict()))
    config = replace(
        TINY_ACTION, backbone="mobilenet_v2", hand_backbone="mobilenet_v2", weights=weights,
        hand_weights=weights, epochs=1,
    )  # fmt: skip
    used: list[tuple[str, tuple[float, ...], tuple[float, ...]]] = []

    def spy(where: str) -> None:
        def record(batch: Sample, mean: list[float], std: list[float], device: torch.device) -> Any:
            used.append((where, tuple(mean), tuple(std)))
            return network_input(batch, mean, std, device)

        monkeypatch.setattr(f"handact.{where}.network_input", record)

    spy("training.action")
    spy("engine")
    for epochs in (1, 2):
        train_action(
            run_folder, replace(config, epochs=epochs), TINY_ALIGN, run="mobile", device="cpu"
        )
    evaluate_clips(run_folder, run="mobile", device="cpu")
    segment_videos(
        [str(run_folder / "videos" / "test-1.mp4")], SegmentConfig(engine="stream"),
        checkpoint=run_folder / "runs" / "mobile" / "best.pt", output=tmp_path, device="cpu",
    )  # fmt: skip
    half = (0.5, 0.5, 0.5)
    assert set(used) == {("training.action", half, half), ("engine", half, half)}
    for part in ("backbone", "hands"):  # what the folding lost comes from the pictures
        assert _state(run_folder / "runs" / "mobile", "action")[
            f"{part}.features.0.1.running_mean"
        ].any()
    torch.save(resnet18().state_dict(), tmp_path / "r18.pth")
    both = replace(config, hand_backbone="resnet18", hand_weights=str(tmp_path / "r18.pth"))
    with pytest.raises(ConfigError, match=r"backbone mean \(0.5, .*; hands mean \(0.485, "):
        train_action(run_folder, both, TINY_ALIGN, run="two", device="cpu")


def test_hand_streams_that_cannot_be_had(run_folder: Path, tmp_path: Path) -> None:
    def start_from(weights: str) -> None:
        config = replace(TINY_ACTION, hand_weights=weights)
        train_action(run_folder, config, TINY_ALIGN, run=str(tmp_path / "run"), device="cpu")

    with pytest.raises(CheckpointError, match="nowhere: no such weights"):
        start_from("nowhere")
    with pytest.raises(CheckpointError, match="a checkpoint of `train-hands`"):
        start_from("hands")
    config = replace(TINY_ACTION, epochs=1, hands="none")
    blind = train_action(run_folder, config, TINY_ALIGN, run=str(tmp_path / "tsm"), device="cpu")
    with pytest.raises(CheckpointError, match="trained without hands"):
        start_from(str(blind))


def test_nothing_to_resume(dataset: Path) -> None:
    with pytest.raises(TrainingError, match="nothing to resume"):
        train_hands(dataset, TINY_HANDS, device="cpu", resume=True)


def test_labels_that_changed_are_noticed(run_folder: Path) -> None:
    table = run_folder / "hands.csv"
    table.write_text("\n".join(table.read_text().splitlines()[:-5]) + "\n")
    with pytest.raises(TrainingError, match="labels have changed"):
        train_hands(run_folder, replace(TINY_HANDS, epochs=3), device="cpu", resume=True)


def test_no_training_video(dataset: Path) -> None:
    table = dataset / "videos.csv"
    table.write_text(table.read_text().replace(",train,", ",test,"))
    with pytest.raises(LabelError, match="no labelled frame in the train split"):
        train_hands(dataset, TINY_HANDS, device="cpu")
    with pytest.raises(LabelError, match="videos.csv: no video is in the split 'train'"):
        train_action(dataset, replace(TINY_ACTION, hands="none"), TINY_ALIGN, device="cpu")


def test_no_labels(dataset: Path) -> None:
    (dataset / "hands.csv").unlink()
    (dataset / "actions.csv").unlink()
    with pytest.raises(LabelError, match="hands.csv: no labelled frames"):
        train_hands(dataset, TINY_HANDS, device="cpu")
    with pytest.raises(LabelError, match="actions.csv: no labelled action"):
        train_action(dataset, replace(TINY_ACTION, hands="none"), TINY_ALIGN, device="cpu")


def test_action_needs_a_localiser_unless_it_takes_no_hands(dataset: Path) -> None:
    with pytest.raises(CheckpointError, match="no such checkpoint"):
        train_action(dataset, TINY_ACTION, TINY_ALIGN, device="cpu")
    config = replace(TINY_ACTION, hands="none", epochs=1)
    run = train_action(dataset, config, TINY_ALIGN, device="cpu")
    assert load_checkpoint(run / "best.pt", "action")["localizer"] is None


def test_a_crop_larger_than_the_frame_is_an_error(dataset: Path) -> None:
    with pytest.raises(ConfigError, match="crop_size = 224 is larger than short_side = 36"):
        train_action(dataset, replace(TINY_ACTION, crop_size=224), TINY_ALIGN, device="cpu")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"shift": "none"}, id="TSN", marks=pytest.mark.slow),
        pytest.param({"hands": "pooled"}, id="pooled", marks=pytest.mark.slow),
        pytest.param({"hands": "only", "sampling": "dense"}, id="hands only, dense"),
        pytest.param(
            {"view": "full", "fuse_after": "layer3"}, id="full view", marks=pytest.mark.slow
        ),
        pytest.param({"random_crop": False}, id="whole frames", marks=pytest.mark.slow),
        pytest.param(
            {"precision": "bfloat16", "clips_per_segment": 2}, id="bfloat16", marks=pytest.mark.slow
        ),
    ],
)
def test_every_variant_trains(run_folder: Path, change: dict) -> None:
    config = replace(TINY_ACTION, epochs=1, **change)
    run = train_action(run_folder, config, TINY_ALIGN, run="variant", device="cpu")
    history = load_checkpoint(run / "last.pt", "action")["training"]["history"]
    assert np.isfinite(history[0]["train_loss"])


@pytest.mark.slow
def test_workers_do_not_change_the_weights(run_folder: Path) -> None:
    config = replace(TINY_ACTION, workers=2)
    run = train_action(run_folder, config, TINY_ALIGN, run="workers", device="cpu")
    assert _same(_state(run_folder / "runs" / "action", "action"), _state(run, "action"))


def test_memory_that_runs_out_names_the_setting(
    run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_out(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    last = run_folder / "runs" / "action" / "last.pt"
    before = last.read_bytes()
    monkeypatch.setattr("handact.training.action._backward", run_out)
    with pytest.raises(ConfigError, match="GPU has too little memory") as caught:
        train_action(run_folder, replace(TINY_ACTION, epochs=3), TINY_ALIGN, device="cpu")
    assert "accumulate" in (caught.value.hint or "")
    assert last.read_bytes() == before


def test_a_reading_process_that_dies_is_named(
    run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the kernel kills one where memory is short; the run goes on when given again."""
    config = replace(TINY_ACTION, epochs=3, workers=1)
    with monkeypatch.context() as patch:
        die = lambda self, key: os.kill(os.getpid(), signal.SIGKILL)  # noqa: E731
        patch.setattr("handact.data.clips.ClipSet.__getitem__", die)
        with pytest.raises(ConfigError, match="a process that reads clips has died"):
            train_action(run_folder, config, TINY_ALIGN, device="cpu")
    lines: list[str] = []
    config = replace(TINY_ACTION, epochs=3)
    train_action(run_folder, config, TINY_ALIGN, device="cpu", log=lines.append)
    assert "going on from epoch 2 of 3" in lines[0]


def test_a_random_split_of_frames(dataset: Path) -> None:
    config = replace(TINY_HANDS, split="frame", epochs=1)
    run = train_hands(dataset, config, device="cpu")
    parts = [line.rsplit(",", 1)[1] for line in (run / "split.csv").read_text().split()[1:]]
    assert {part: parts.count(part) / len(parts) for part in set(parts)} == pytest.approx(
        {"train": 0.6, "val": 0.1, "test": 0.3}, abs=0.02
    )


def test_pictures_and_labels_move_together() -> None:
    """A bright spot at a hand is still at the hand after flip, zoom and shift, or both are gone."""
    size, rng = 64, np.random.default_rng(0)
    for index in range(60):
        hands = torch.zeros(1, 2, 3)
        hands[0, 0] = torch.tensor([1.0, *rng.uniform(0.05, 0.95, 2)])
        rows, columns = np.mgrid[:size, :size] + 0.5
        x, y = hands[0, 0, 1:].numpy() * size
        spot = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 4)
        frames = torch.from_numpy(spot).float().expand(1, 3, size, size)
        move = draw_move(sample_rng(0, 0, index), flip=0.5, zoom=0.3, move=0.3)
        moved, labels = augment_hands(frames, hands, torch.from_numpy(move)[None])
        side = int(move[0])  # a left hand that was mirrored is a right hand
        present, *position = labels[0, side].tolist()
        assert labels[0, 1 - side, 0] == 0
        if present:
            at = np.unravel_index(moved[0, 0].argmax().item(), (size, size))
            found = (np.array([at[1], at[0]]) + 0.5) / size
            assert np.abs(found - position).max() < 0.025
        else:
            assert not all(0 < p < 1 for p in position)


def test_input_is_normalised_channels_first() -> None:
    images = torch.full((2, 5, 4, 6, 3), 255, dtype=torch.uint8)
    x = to_input(images, (0.5, 0.5, 0.5), (0.5, 0.25, 0.5))
    assert x.shape == (2, 5, 3, 4, 6)
    assert x[0, 0, :, 0, 0].tolist() == [1.0, 2.0, 1.0]
    colour = torch.tensor([[1.0, 1.0, 1.0], [0.5, 1.0, 1.0]])
    x = to_input(images, (0, 0, 0), (1, 1, 1), colour)
    assert x[0].min() == 1
    assert x[1].max() == pytest.approx(0.5)


def test_nan_stops_the_training(run_folder: Path) -> None:
    config = replace(TINY_ACTION, learning_rate=1e30, clip_norm=1e30)
    with pytest.raises(HandactError, match="the loss is"):
        train_action(run_folder, config, TINY_ALIGN, run="nan", device="cpu")


@pytest.mark.gpu
def test_a_gpu_gives_nearly_the_weights_of_a_cpu(run_folder: Path) -> None:
    config = replace(TINY_ACTION, precision="float32", dropout=0.0, epochs=1)
    states = [
        _state(train_action(run_folder, config, TINY_ALIGN, run=name, device=name), "action")
        for name in ("cpu", "cuda")
    ]
    for key, value in states[0].items():
        torch.testing.assert_close(value, states[1][key], rtol=0.05, atol=0.01)


def test_a_hand_stream_without_a_rate_stays_as_it_starts(run_folder: Path) -> None:
    """Its batch norms too, though they are trained where there is a rate."""
    config = replace(TINY_ACTION, hand_learning_rate=0.0, weights="none", hand_weights="action")
    folder = train_action(run_folder, config, TINY_ALIGN, run="still", device="cpu")
    before, after = (
        torch.load(run_folder / "runs" / run / "best.pt", weights_only=True)["state"]
        for run in ("action", "still")
    )
    assert folder.name == "still"
    hands = [key for key in after if key.startswith("hands.")]
    assert hands
    assert all(torch.equal(before[key], after[key]) for key in hands)
    assert not torch.equal(before["fusion.weight"], after["fusion.weight"])
