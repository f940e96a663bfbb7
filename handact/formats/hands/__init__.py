"""Files of hand positions, a module each: `read`, and `write` where we write the format.

Readers take a path and `HandOptions`, and return a `MarkFile`; writers take a `HandExport`, and
return the text of each file by its name.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from handact.formats.hands import (
    coco,
    cvat,
    deeplabcut,
    detections,
    labelme,
    labelstudio,
    mediapipe,
    table,
    via,
    voc,
    yolo,
)
from handact.formats.marks import HandOptions, MarkFile
from handact.formats.outgoing import HandExport

__all__ = ["FORMATS", "HandFormat"]


@dataclass(frozen=True)
class HandFormat:
    """A format.

    Attributes:
        about: What it is, for `--help`.
        read: Its reader.
        write: Its writer, if we write it.
        files: Pattern of its files, where a folder may hold one for each video; None: the reader
            takes the folder itself, or there is only ever one file.
    """

    about: str
    read: Callable[[Path, HandOptions], MarkFile]
    write: Callable[[HandExport], dict[str, str]] | None = None
    files: str | None = None


FORMATS: dict[str, HandFormat] = {
    "csv": HandFormat("our columns, or video,frame,side,x,y", table.read, table.write),
    "100doh": HandFormat("detections of the 100DOH hand detector", detections.read),
    "coco": HandFormat("COCO and COCO-WholeBody JSON", coco.read, coco.write),
    "cvat": HandFormat("CVAT 1.1, for video or images", cvat.read, cvat.write, files="*.xml"),
    "deeplabcut": HandFormat("DeepLabCut: CSV or h5", deeplabcut.read, files="**/*.csv"),
    "labelme": HandFormat("LabelMe JSON, a file or a folder of them", labelme.read),
    "labelstudio": HandFormat(
        "Label Studio JSON, pictures or videos", labelstudio.read, labelstudio.write, files="*.json"
    ),
    "mediapipe": HandFormat("MediaPipe landmarks, as CSV", mediapipe.read, files="*.csv"),
    "via": HandFormat("VIA 2 and VIA 3, JSON or CSV", via.read, files="*.json"),
    "voc": HandFormat("Pascal VOC XML, a file or a folder of them", voc.read),
    "yolo": HandFormat("YOLO: the folder with labels/ and data.yaml", yolo.read, yolo.write),
}
