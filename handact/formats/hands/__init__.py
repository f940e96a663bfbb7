"""Files of hand positions, a module each: `read`, and `write` where we write the format.

Readers take a path and `HandOptions`, and return a `MarkFile`; writers take a `HandExport`, and
return the text of each file by its name.
"""

from handact.formats.format import Format
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

__all__ = ["FORMATS"]


FORMATS: dict[str, Format[HandOptions, MarkFile, HandExport]] = {
    "csv": Format(table.read, table.write, files="*.csv"),
    "100doh": Format(detections.read),
    "coco": Format(coco.read, coco.write, files="*.json"),
    "cvat": Format(cvat.read, cvat.write, files="*.xml"),
    "deeplabcut": Format(deeplabcut.read, files="**/*.csv"),
    "labelme": Format(labelme.read),
    "labelstudio": Format(labelstudio.read, labelstudio.write, files="*.json"),
    "mediapipe": Format(mediapipe.read, files="*.csv"),
    "via": Format(via.read, files="*.[cj]s*"),
    "voc": Format(voc.read),
    "yolo": Format(yolo.read, yolo.write),
}
