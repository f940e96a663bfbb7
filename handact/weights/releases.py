"""Weights that others publish: where they are, what they are, and how they come here."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from ssl import SSLError
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import torch
from torchvision import models

from handact.checkpoint import fingerprint
from handact.errors import CheckpointError
from handact.files import check_writable
from handact.progress import Progress

__all__ = ["RELEASES", "Release", "cached_path", "download", "find_release"]

_MEGABYTE = 1_000_000
_TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Release:
    """A file of weights on somebody's server.

    Attributes:
        name: What `--weights` calls it: imagenet or k400.
        network: resnet18, resnet34, resnet50, resnet101 or mobilenet_v2.
        url: Of the file.
        sha256: The first digits of its SHA-256, as its publisher gives them.
        licence: Of the weights.
        about: What it was trained on and how.
    """

    name: str
    network: str
    url: str
    sha256: str
    licence: str
    about: str

    @property
    def file_name(self) -> str:
        return self.url.rsplit("/", 1)[1]


def _torchvision(network: str, weights: models.WeightsEnum) -> Release:
    digits = re.search(r"-([0-9a-f]{8,})\.pth", weights.url)[1]
    about = "ImageNet-1k, torchvision's IMAGENET1K_V1"
    return Release("imagenet", network, weights.url, digits, "BSD-3-Clause", about)


_MMACTION_TSM = "tsm_imagenet-pretrained-r50_8xb16-1x1x8-50e_kinetics400-rgb"

RELEASES = (
    _torchvision("resnet18", models.ResNet18_Weights.IMAGENET1K_V1),
    _torchvision("resnet34", models.ResNet34_Weights.IMAGENET1K_V1),
    _torchvision("resnet50", models.ResNet50_Weights.IMAGENET1K_V1),
    _torchvision("resnet101", models.ResNet101_Weights.IMAGENET1K_V1),
    _torchvision("mobilenet_v2", models.MobileNet_V2_Weights.IMAGENET1K_V1),
    Release(
        "k400",
        "resnet50",
        "https://download.openmmlab.com/mmaction/v1.0/recognition/tsm/"
        f"{_MMACTION_TSM}/{_MMACTION_TSM}_20220831-64d69186.pth",
        "64d69186",
        "Apache-2.0",
        "Kinetics-400, TSM with 8 frames, 50 epochs, MMAction2",
    ),
)


def find_release(name: str, network: str) -> Release:
    """Return the release of that name for a network.

    Raises:
        CheckpointError: There is none.
    """
    for release in RELEASES:
        if (release.name, release.network) == (name, network):
            return release
    others = [release.network for release in RELEASES if release.name == name]
    if not others:
        names = sorted({release.name for release in RELEASES})
        raise CheckpointError(f"there are no weights named {name!r}, only {', '.join(names)}")
    raise CheckpointError(
        f"there are no {name} weights of {network}, only of {', '.join(others)}",
        "`--weights imagenet`, or a file",
    )


def cached_path(release: Release) -> Path:
    """Return where a release is kept, whether it is there or not: torch's own cache."""
    return Path(torch.hub.get_dir()) / "checkpoints" / release.file_name


def download(release: Release, *, on_progress: Progress | None = None) -> Path:
    """Return the file of a release, downloaded unless it is there.

    What was interrupted goes on where it stopped. The file gets its name only when its SHA-256 is
    right.

    Args:
        release: Which one.
        on_progress: Told how many megabytes are there, of how many (None: not known).

    Raises:
        CheckpointError: It cannot be downloaded, or is not what its publisher says.
        OSError: The cache cannot be written.
    """
    path = cached_path(release)
    if path.is_file():
        if fingerprint(path).startswith(release.sha256):
            return path
        path.unlink()  # from elsewhere, or by a program that writes in place and was killed
    check_writable(path.parent)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    try:
        _receive(release.url, part, on_progress)
    except (URLError, TimeoutError, ConnectionError, HTTPException, SSLError) as error:
        reason = getattr(error, "reason", None) or error
        raise CheckpointError(
            f"{release.name} weights of {release.network} cannot be downloaded: {reason}",
            f"put {release.file_name} into {path.parent}, or start from random weights with "
            "`--weights none` (the hand stream: `--set hand_weights=none`)",
        ) from error
    if not (found := fingerprint(part)).startswith(release.sha256):
        part.unlink()
        raise CheckpointError(
            f"{release.url}: its SHA-256 begins with {found[:8]}, not with {release.sha256}",
            "the download was damaged, or the file was changed: try again",
        )
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    part.replace(path)
    return path


def _receive(url: str, part: Path, on_progress: Progress | None) -> None:
    """Append to `part` what it lacks of the file at `url`."""
    done = part.stat().st_size if part.exists() else 0
    request = Request(url, headers={"Range": f"bytes={done}-"} if done else {})
    try:
        response = urlopen(request, timeout=_TIMEOUT_SECONDS)
    except HTTPError as error:
        if error.code != 416:  # nothing is left to send
            raise
        return
    with response:
        if response.status != 206:
            done = 0  # a server that knows no ranges sends all of it
        length = response.headers.get("Content-Length")
        total = None if length is None else done + int(length)
        with part.open("ab" if done else "wb") as file:
            for piece in _pieces(response):
                done += file.write(piece)
                if on_progress:
                    on_progress(done // _MEGABYTE, total and total // _MEGABYTE)
    if total is not None and done < total:
        raise ConnectionError(f"the connection ended after {done} of {total} bytes")


def _pieces(response: object) -> Iterator[bytes]:
    while piece := response.read(_MEGABYTE):
        yield piece
