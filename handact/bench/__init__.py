"""A work bench that never was, with exact ground truth: for the demo, the tests and experiments.

Two forearms with sleeves and hands reach in from the lower edge of a bench seen from above. Some
actions differ only in a detail a few pixels wide at the hand, some only in the order of time; hands
leave the picture now and then; person, bench, camera, light and noise differ between videos.
Everything follows from a seed.
"""

from handact.bench.scene import BenchVideo, Scene, plan_video, write_dataset, write_video
from handact.bench.script import BACKGROUND, CLASSES

__all__ = [
    "BACKGROUND",
    "CLASSES",
    "BenchVideo",
    "Scene",
    "plan_video",
    "write_dataset",
    "write_video",
]
