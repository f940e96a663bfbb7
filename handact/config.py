"""Every setting of handact, with its default, on one page.

The defaults are the paper's recipe (supplement, sections 1.2 and 3). A configuration file is TOML
with one table per command, `[hands]`, `[align]`, `[action]`, `[segment]`; an unknown key, a wrong
type or an impossible value is a `ConfigError`, never a silent default. Precedence: defaults, then
the file, then options of the command line.
"""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, get_args, get_origin

from handact.errors import ConfigError

__all__ = [
    "ActionConfig",
    "AlignConfig",
    "Config",
    "HandsConfig",
    "SegmentConfig",
    "format_toml",
    "parse_assignments",
    "read_align_config",
    "read_config",
    "read_section",
]

Backbone = Literal["resnet18", "resnet34", "resnet50", "resnet101", "mobilenet_v2"]


@dataclass(frozen=True, slots=True)
class HandsConfig:
    """Settings of `train-hands`."""

    input_size: int = 224  # pixels; the whole frame is resized to input_size x input_size
    dropout: float = 0.2
    weights: str = (
        "imagenet"  # imagenet, none, a file with torchvision's MobileNetV2 keys, or a run
    )
    presence_weight: float = 0.1  # lambda of Eq. 1
    epochs: int = 200
    milestones: tuple[int, ...] = (100, 150)  # epochs after which the rate is divided by 10
    batch_size: int = 64
    learning_rate: float = 0.04
    optimizer: Literal["sgd", "adamw"] = "sgd"  # adamw gets further from random weights
    momentum: float = 0.9  # of sgd
    weight_decay: float = 0.0005
    clip_norm: float = 20.0
    flip: float = 0.5  # probability of a mirrored picture, whose hands change sides
    zoom: float = 0.15  # the picture is scaled by 1 - zoom to 1 + zoom
    move: float = 0.1  # and moved by up to this share of its side
    colour: float = 0.2  # brightness, contrast and saturation change by up to this share
    split: Literal["video", "frame"] = "video"  # by videos.csv, or frames at random
    val_fraction: float = 0.1  # of the labelled frames, where split is "frame"
    test_fraction: float = 0.3  # likewise; the paper: 1,919 of 6,450
    seed: int = 0


@dataclass(frozen=True, slots=True)
class AlignConfig:
    """Settings of `align`: what a cached frame and its two cut-outs look like."""

    short_side: int = 256  # S, pixels: the frame's short side is scaled to it
    cutout: tuple[float, float] = (0.3, 0.3)  # width, height: share of the short side, or pixels
    cutout_input: int = 112  # pixels; a cut-out is resized to cutout_input x cutout_input
    every: int = 1  # the localiser sees every n-th frame; between them it is interpolated
    bridge_seconds: float = 0.5  # a hand missed for at most so long is interpolated
    smooth_seconds: float = 0.2  # half width of the window that smooths a hand's position
    jpeg_quality: int = 95


@dataclass(frozen=True, slots=True)
class ActionConfig:
    """Settings of `train-action`."""

    backbone: Backbone = "resnet50"
    hand_backbone: Backbone = "resnet18"
    shift: Literal["tsm", "causal", "none"] = "tsm"  # causal: from the past alone; none: TSN
    hands: Literal["aligned", "unaligned", "pooled", "only", "none"] = "aligned"
    # The stage after which the hands join; of MobileNetV2 see models/backbone.py.
    fuse_after: Literal["layer1", "layer2", "layer3", "layer4"] = "layer4"
    # Of the backbone: imagenet, k400 (Kinetics-400, resnet50), none, a file of torchvision, the TSM
    # release or MMAction2, or a run.
    weights: str = "imagenet"
    # The same; unset: as `weights` where that is imagenet or none, otherwise imagenet.
    hand_weights: str | None = None
    freeze_batch_norm: bool | None = None  # statistics; unset: frozen unless their start is random
    dropout: float = 0.8
    crop_size: int = 224  # C_s, pixels
    random_crop: bool = True  # in training; otherwise it sees whole frames, all of one shape
    view: Literal["center", "full"] = "center"  # what evaluation sees of a scaled frame
    clip_len: int = 8  # T
    frame_stride: int = 8  # tau, in frames of the training videos
    # Frames beyond T at either end, seen through the shift, as engine = stream needs it. Unset:
    # half of T; none without a shift, and in dense sampling. The paper has none: engine = windows.
    context: int | None = None
    sampling: Literal["surround", "dense"] = "surround"
    clips_per_segment: int = 1  # clips drawn from each segment in an epoch
    flip: float = 0.0  # probability of a mirrored clip, whose hands change sides
    colour: float = 0.0  # brightness, contrast and saturation change by up to this share
    epochs: int = 150
    milestones: tuple[int, ...] = (100, 125)
    batch_size: int | None = None  # unset: 64, and 32 for clips of 16 frames or more
    accumulate: int = 1  # parts that a batch is run in, where it does not fit at once
    learning_rate: float = 0.002
    hand_learning_rate: float = 0.0002  # 0: the hand stream stays as it starts
    optimizer: Literal["sgd", "adamw"] = "sgd"  # adamw gets further from random weights
    momentum: float = 0.9  # of sgd
    weight_decay: float = 0.0005
    clip_norm: float = 20.0
    precision: Literal["auto", "float32", "bfloat16"] = (
        "auto"  # auto: bfloat16 on a GPU that has it
    )
    workers: int | None = None  # processes that read clips; unset: 0 on a CPU, up to 8 with a GPU
    seed: int = 0

    def __post_init__(self) -> None:
        if self.batch_size is None:
            object.__setattr__(self, "batch_size", 32 if self.clip_len >= 16 else 64)
        if self.context is None:
            alone = self.shift == "none" or self.sampling == "dense"
            context = 0 if alone else self.clip_len // 2
            object.__setattr__(self, "context", context)


@dataclass(frozen=True, slots=True)
class SegmentConfig:
    """Settings of `segment`."""

    engine: Literal["auto", "windows", "stream"] = "auto"  # auto: what the network was trained for
    window_stride: int = 1  # of windows: frames between two; between them it is interpolated
    batch_size: int | None = None  # windows run at once; unset: 16 on a GPU, 1 on a CPU
    view: Literal["trained", "center", "full"] = "trained"
    cleaning: Literal["cutoff", "viterbi", "online", "none"] = "cutoff"
    cutoff_quantile: float = 0.05  # of a class's training durations
    cutoff_seconds: float | None = None  # one cut-off for every class instead
    viterbi_weight: float = 1.0  # of durations and transitions against the frames' scores


Config = HandsConfig | AlignConfig | ActionConfig | SegmentConfig
ConfigT = TypeVar("ConfigT", HandsConfig, AlignConfig, ActionConfig, SegmentConfig)

_SECTIONS: dict[str, type[Config]] = {
    "hands": HandsConfig,
    "align": AlignConfig,
    "action": ActionConfig,
    "segment": SegmentConfig,
}
_POSITIVE = {
    "input_size", "epochs", "batch_size", "learning_rate", "clip_norm",
    "short_side", "cutout_input", "every", "crop_size", "clip_len", "frame_stride",
    "clips_per_segment", "window_stride", "accumulate",
}  # fmt: skip
_NOT_NEGATIVE = {
    "seed", "workers", "context", "bridge_seconds", "smooth_seconds", "weight_decay",
    "cutoff_seconds", "viterbi_weight", "hand_learning_rate",
}  # fmt: skip
_SHARES = {
    "dropout", "flip", "zoom", "move", "colour", "val_fraction", "test_fraction",
    "cutoff_quantile", "momentum",
}  # fmt: skip


def read_config(
    kind: type[ConfigT], path: Path | None, overrides: Mapping[str, object] | None = None
) -> ConfigT:
    """Read the settings of one command.

    Args:
        kind: The class of settings, which names the table of the file.
        path: TOML file, or None for the defaults.
        overrides: Settings that win over the file; None values are left out, text is parsed.

    Raises:
        ConfigError: Unreadable file, unknown key, wrong type or impossible value; names the place.
    """
    section = next(name for name, value in _SECTIONS.items() if value is kind)
    values: dict[str, object] = {}
    if path is not None:
        for key, value in read_section(path, section).items():
            values[key] = _convert(kind, key, value, f"{path}: [{section}]")
    for key, value in (overrides or {}).items():
        if value is not None:
            values[key] = _convert(kind, key, value, "settings")
    config = kind(**values)
    given = {key for key, value in (overrides or {}).items() if value is not None}
    _check(config, given, str(path or "settings"))
    return config


def read_align_config(root: Path, path: Path | None) -> AlignConfig:
    """Read how frames and cut-outs are prepared: as the file says, else as `align` last did.

    Args:
        root: The dataset folder, where `align` leaves runs/align/config.toml.
        path: TOML file with an `[align]` table, or without.

    Raises:
        ConfigError: See `read_config`.
    """
    if path is not None and read_section(path, "align"):
        return read_config(AlignConfig, path)
    left = root / "runs" / "align" / "config.toml"
    return read_config(AlignConfig, left if left.exists() else None)


def parse_assignments(kind: type[Config], assignments: list[str]) -> dict[str, object]:
    """Turn `["clip_len=4", "hands=none"]` into settings.

    Raises:
        ConfigError: No `=`.
    """
    settings: dict[str, object] = {}
    for text in assignments:
        key, equals, value = text.partition("=")
        if not equals:
            raise ConfigError(f"--set {text}: expected KEY=VALUE", _known_keys(kind))
        settings[key.strip()] = _parse_value(value.strip())
    return settings


def format_toml(tables: Mapping[str, Mapping[str, Any] | Config]) -> str:
    """Write tables of numbers, truth values, text and lists of these as TOML; None is left out."""
    lines: list[str] = []
    for name, table in tables.items():
        values = table if isinstance(table, Mapping) else asdict(table)
        lines += [f"[{name}]"] if name else []
        # JSON's numbers, text, lists and truth values are TOML's.
        lines += [
            f"{k} = {json.dumps(v, ensure_ascii=False)}" for k, v in values.items() if v is not None
        ]
        lines.append("")
    return "\n".join(lines)


def read_section(path: Path, section: str) -> dict[str, object]:
    """Return what a file says in one table, as it stands there.

    Raises:
        ConfigError: Not TOML, or with tables that are none of ours.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: no such file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not TOML: {error}") from error
    for name, table in tables.items():
        if name not in _SECTIONS or not isinstance(table, dict):
            known = ", ".join(f"[{s}]" for s in _SECTIONS)
            raise ConfigError(f"{path}: unknown table or key `{name}`", f"known tables: {known}")
    return tables.get(section, {})


def _convert(kind: type[Config], key: str, value: object, where: str) -> object:
    types = {field.name: field.type for field in fields(kind)}
    if key not in types:
        raise ConfigError(f"{where}: unknown key `{key}`", _known_keys(kind))
    try:
        return _as_type(value, types[key])
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{where}: {key} = {value!r}: {error}") from error


def _as_type(value: object, wanted: Any) -> object:
    """Return `value` as the annotated type, or raise TypeError or ValueError that says why not."""
    origin, arguments = get_origin(wanted), get_args(wanted)
    if origin is UnionType:  # only `X | None` occurs
        some = next(a for a in arguments if a is not NoneType)
        return None if value in (None, "auto", "") else _as_type(value, some)
    if origin is Literal:
        if value not in arguments:
            raise ValueError(f"expected one of {', '.join(map(str, arguments))}")
        return value
    if origin is tuple:
        items = list(value) if isinstance(value, list | tuple) else [value]
        if arguments[-1] is not Ellipsis and len(items) != len(arguments):
            raise ValueError(f"expected {len(arguments)} numbers")
        return tuple(_as_type(item, arguments[0]) for item in items)
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if wanted is str and isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if type(value) is not wanted:
        raise TypeError(f"expected {wanted.__name__}, got {type(value).__name__}")
    return value


def _parse_value(text: str) -> object:
    """Read the text of a command-line setting: TOML where it is TOML, otherwise a plain word."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _check(config: Config, given: set[str], file: str) -> None:
    """Raise ConfigError for an impossible value; `given` are those that do not come from `file`."""
    for field in fields(config):
        value = getattr(config, field.name)
        where = "settings" if field.name in given else file
        if field.name in _POSITIVE and value is not None and value <= 0:
            raise ConfigError(f"{where}: {field.name} = {value}: must be above 0")
        if field.name in _NOT_NEGATIVE and value is not None and value < 0:
            raise ConfigError(f"{where}: {field.name} = {value}: must not be negative")
        if field.name in _SHARES and not 0 <= value <= 1:
            raise ConfigError(f"{where}: {field.name} = {value}: must lie in 0..1")
    where = "settings" if given else file
    if isinstance(config, AlignConfig) and min(config.cutout) <= 0:
        raise ConfigError(f"{where}: cutout = {config.cutout}: must be above 0")
    if isinstance(config, AlignConfig) and not 1 <= config.jpeg_quality <= 100:
        raise ConfigError(f"{where}: jpeg_quality = {config.jpeg_quality}: must lie in 1..100")
    if isinstance(config, ActionConfig) and config.sampling == "dense" and config.context:
        raise ConfigError(
            f"{where}: context = {config.context}: dense clips see nothing beyond their segment",
            "leave one of the two out",
        )
    if isinstance(config, HandsConfig) and config.zoom == 1:
        raise ConfigError(f"{where}: zoom = 1: must be below 1, or a picture shrinks to nothing")
    if isinstance(config, HandsConfig) and config.val_fraction + config.test_fraction >= 1:
        raise ConfigError(f"{where}: val_fraction and test_fraction leave nothing to train on")


def _known_keys(kind: type[Config]) -> str:
    return "known keys: " + ", ".join(field.name for field in fields(kind))
