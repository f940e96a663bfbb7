from pathlib import Path

import pytest

from handact.config import (
    ActionConfig,
    AlignConfig,
    HandsConfig,
    format_toml,
    parse_assignments,
    read_config,
)
from handact.demo import DEMO_SETTINGS, HAND_STREAM_SETTINGS
from handact.errors import ConfigError


def test_defaults_are_the_papers() -> None:
    config = read_config(ActionConfig, None)
    assert (config.backbone, config.clip_len, config.frame_stride) == ("resnet50", 8, 8)
    assert (config.learning_rate, config.hand_learning_rate) == (0.002, 0.0002)
    assert config.milestones == (100, 125)
    assert read_config(HandsConfig, None).milestones == (100, 150)


def test_the_context_is_half_a_clip_unless_it_is_said() -> None:
    assert read_config(ActionConfig, None).context == 4
    assert read_config(ActionConfig, None, {"clip_len": 16}).context == 8
    assert read_config(ActionConfig, None, {"context": 0}).context == 0
    assert read_config(ActionConfig, None, {"shift": "none"}).context == 0
    assert read_config(ActionConfig, None, {"sampling": "dense"}).context == 0


def test_the_command_line_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text("[action]\nepochs = 3\nseed = 5\n[hands]\nepochs = 7\n")
    config = read_config(ActionConfig, file, {"epochs": 4, "seed": None})
    assert (config.epochs, config.seed) == (4, 5)


def test_seed_0_and_rate_are_not_lost() -> None:
    assert read_config(ActionConfig, None, {"seed": 0}).seed == 0
    assert read_config(ActionConfig, None, {"learning_rate": 1}).learning_rate == 1.0


def test_what_is_written_reads_back(tmp_path: Path) -> None:
    config = ActionConfig(freeze_batch_norm=True, milestones=(1, 2), weights='a "b" ü.pth')
    file = tmp_path / "c.toml"
    file.write_text(format_toml({"action": config}), encoding="utf-8")
    assert read_config(ActionConfig, file) == config


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("[action]\nepoch = 3\n", "unknown key `epoch`"),
        ("[acton]\nepochs = 3\n", "unknown table or key `acton`"),
        ("epochs = 3\n", "unknown table or key `epochs`"),
        ("[action]\nepochs = 'three'\n", "expected int, got str"),
        ("[action]\nepochs = true\n", "expected int, got bool"),
        ("[action]\nepochs = 0\n", "must be above 0"),
        ("[action]\nbackbone = 'resnet19'\n", "expected one of resnet18"),
        ("[action]\ndropout = 1.5\n", "must lie in 0..1"),
        ("[action\n", "not TOML"),
    ],
)
def test_a_bad_file_is_refused(tmp_path: Path, text: str, part: str) -> None:
    file = tmp_path / "bad.toml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=part) as caught:
        read_config(ActionConfig, file)
    assert "bad.toml" in caught.value.message


def test_assignments() -> None:
    settings = parse_assignments(AlignConfig, ["cutout=[0.2, 100]", "every = 2"])
    config = read_config(AlignConfig, None, settings)
    assert (config.cutout, config.every) == ((0.2, 100.0), 2)
    assert parse_assignments(ActionConfig, ["hands=none"]) == {"hands": "none"}
    with pytest.raises(ConfigError, match="KEY=VALUE"):
        parse_assignments(ActionConfig, ["hands"])
    with pytest.raises(ConfigError, match="unknown key `hand`"):
        read_config(ActionConfig, None, parse_assignments(ActionConfig, ["hand=none"]))


def test_the_demos_settings_are_settings(tmp_path: Path) -> None:
    """What the demo leaves in its folder can be given to every command, the ablations too."""
    path = tmp_path / "demo.toml"
    path.write_text(format_toml(DEMO_SETTINGS))
    for config in DEMO_SETTINGS.values():
        assert read_config(type(config), path) == config
    alone = read_config(ActionConfig, path, HAND_STREAM_SETTINGS)
    assert (alone.hands, alone.view, alone.epochs) == ("only", "full", 8)
