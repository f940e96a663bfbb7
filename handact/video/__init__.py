"""Video: what frames a file has, reading them in order or at random, and writing H.264.

Frame i is the i-th displayed frame in presentation order, counted by decoding and never by a
header. Its time is its stamp minus that of the first displayed frame. A folder of .jpg and .png
pictures is a video too: frame i is its i-th picture in natural order, at a rate that must be said.

A reader belongs to one process: open it after a fork, not before.
"""

from handact.video.index import Frame, VideoIndex, scan_video
from handact.video.live import LiveSource
from handact.video.pictures import file_fingerprint, holds_pictures
from handact.video.reader import DECODERS, FrameStream, VideoReader
from handact.video.writer import VideoWriter

__all__ = [
    "DECODERS",
    "Frame",
    "FrameStream",
    "LiveSource",
    "VideoIndex",
    "VideoReader",
    "VideoWriter",
    "file_fingerprint",
    "holds_pictures",
    "scan_video",
]
