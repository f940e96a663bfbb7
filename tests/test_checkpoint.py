import pickle
from pathlib import Path

import pytest
import torch
from torchvision.models import mobilenet_v2, resnet18

from handact.checkpoint import FORMAT, load_checkpoint, save_checkpoint
from handact.errors import CheckpointError
from handact.weights import load_backbone


def test_what_is_saved_loads(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    save_checkpoint(path, kind="hands", state={"w": torch.ones(2)}, input={"size": 3})
    checkpoint = load_checkpoint(path, "hands")
    assert checkpoint["format"] == FORMAT
    assert torch.equal(checkpoint["state"]["w"], torch.ones(2))
    assert [p.name for p in tmp_path.iterdir()] == ["a.pt"]


class _Payload:
    def __reduce__(self) -> tuple:
        return (Path.touch, (Path("payload-ran"),))


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "not a checkpoint, or damaged"),
        (b"hello", "not a checkpoint, or damaged"),
        (pickle.dumps(_Payload()), "not a checkpoint, or damaged"),
        (None, "no such checkpoint"),
    ],
    ids=["empty", "text", "a pickle that runs code", "missing"],
)
def test_what_is_no_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None, part: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "bad.pt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CheckpointError, match=part) as caught:
        load_checkpoint(path, "action")
    assert "bad.pt" in caught.value.message
    assert not (tmp_path / "payload-ran").exists()


def test_a_cut_off_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    save_checkpoint(path, kind="hands", state={"w": torch.ones(1000)})
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(CheckpointError, match="damaged"):
        load_checkpoint(path, "hands")


def test_other_kinds_and_newer_versions(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    save_checkpoint(path, kind="hands")
    with pytest.raises(CheckpointError, match="a checkpoint of `train-hands`"):
        load_checkpoint(path, "action")
    torch.save({"kind": "hands", "format": FORMAT + 1, "handact": "9.0"}, path)
    with pytest.raises(CheckpointError, match=r"written by handact 9\.0, newer than this"):
        load_checkpoint(path, "hands")
    torch.save({"state_dict": {}}, path)
    with pytest.raises(CheckpointError, match="not a checkpoint of handact"):
        load_checkpoint(path, "hands")


def test_a_file_of_weights_starts_a_network(tmp_path: Path) -> None:
    path = tmp_path / "r18.pth"
    source = resnet18(num_classes=7)
    torch.save(source.state_dict(), path)
    network = resnet18(num_classes=3)
    head = network.fc.weight.clone()
    load_backbone(network, "resnet18", str(path))
    assert torch.equal(network.layer4[1].conv2.weight, source.layer4[1].conv2.weight)
    assert torch.equal(network.fc.weight, head)


def test_weights_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    torch.save(mobilenet_v2().state_dict(), path)
    with pytest.raises(CheckpointError, match="not resnet18: lacks key"):
        load_backbone(resnet18(), "resnet18", str(path))
    state = resnet18().state_dict()
    torch.save({**state, "extra.weight": torch.ones(1)}, path)
    with pytest.raises(CheckpointError, match="has the unknown key `extra.weight`"):
        load_backbone(resnet18(), "resnet18", str(path))
    torch.save({**state, "conv1.weight": torch.ones(1)}, path)
    with pytest.raises(CheckpointError, match="another shape"):
        load_backbone(resnet18(), "resnet18", str(path))
    with pytest.raises(CheckpointError, match="no such weights"):
        load_backbone(resnet18(), "resnet18", str(tmp_path / "nowhere.pth"))


def test_no_network_is_said_plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr("torch.hub.download_url_to_file", refuse)
    with pytest.raises(CheckpointError, match="cannot be downloaded") as caught:
        load_backbone(resnet18(), "resnet18", "imagenet")
    assert "--weights none" in caught.value.hint


def test_imagenet_weights_that_were_downloaded_before_are_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = resnet18()
    monkeypatch.setattr("torch.hub.load_state_dict_from_url", lambda *_, **__: source.state_dict())
    monkeypatch.setattr(
        "torchvision.models._api.load_state_dict_from_url", lambda *_, **__: source.state_dict()
    )
    network = resnet18()
    load_backbone(network, "resnet18", "imagenet")
    assert torch.equal(network.conv1.weight, source.conv1.weight)
