"""Starts for the networks that are not random: downloaded, from a file, or from another run.

Nothing is matched by guesswork: a file's layout is told by its keys, every key of it must be used
or be known to be of no use, and every weight of the network but its head must be filled.
"""

from handact.weights.folded import restore_batch_norm
from handact.weights.layouts import IMAGENET_MEAN, IMAGENET_STD, Foreign, convert
from handact.weights.releases import RELEASES, Release, cached_path, download, find_release
from handact.weights.starting import Start, check_file, start_network

__all__ = [
    "IMAGENET_MEAN",
    "IMAGENET_STD",
    "RELEASES",
    "Foreign",
    "Release",
    "Start",
    "cached_path",
    "check_file",
    "convert",
    "download",
    "find_release",
    "restore_batch_norm",
    "start_network",
]
