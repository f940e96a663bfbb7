"""Join trimmed clips into long videos with exact boundaries, to judge a run on whole sequences.

    python join_clips.py DATASET OUTPUT --groups clips.csv --column environment --seed 0

The test clips of each group (an environment, a person, ...) are put one after another in an order
drawn from the seed; with --one-each, one clip of each action in the order of the actions' names.
The result is a dataset folder of its own, so that

    handact report metrics OUTPUT --run DATASET/runs/action

segments and judges the long videos. Clips may differ in size (the first one's is kept) and in frame
rate (every frame keeps its own time).
"""

import argparse
from pathlib import Path

import cv2
import numpy as np

from handact.dataset import create_dataset, read_dataset, read_groups
from handact.formats.tables import write_actions
from handact.labels import Segment
from handact.video import FrameStream, VideoWriter


def main() -> None:
    """Read the arguments, write the videos, label them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset", type=Path, help="a dataset of trimmed clips")
    parser.add_argument("output", type=Path, help="the new dataset")
    parser.add_argument("--groups", type=Path, required=True, help="CSV: file or video, and group")
    parser.add_argument(
        "--column", required=True, help="the column of --groups that says the group"
    )
    parser.add_argument("--split", default="test", help="which clips to join")
    parser.add_argument(
        "--one-each", action="store_true", help="one drawn clip of each action, ordered by its name"
    )
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()

    if (arguments.output / "dataset.toml").exists():
        parser.error(f"{arguments.output} is there already: give another folder, or delete it")
    dataset = read_dataset(arguments.dataset)
    groups = read_groups(arguments.groups, arguments.column, dataset)
    clips = [clip for clip in dataset.in_split(arguments.split) if dataset.actions[clip.name]]
    rng = np.random.default_rng(arguments.seed)
    actions, videos = {}, []
    for group in sorted({groups[clip.name] for clip in clips}):
        members = [clip for clip in clips if groups[clip.name] == group]
        order = [members[i] for i in rng.permutation(len(members))]
        if arguments.one_each:
            by_action = {dataset.actions[clip.name][0].action: clip for clip in order}
            order = [by_action[action] for action in sorted(by_action)]
        name = f"{arguments.column}-{group}"
        path = arguments.output / "videos" / f"{name}.mp4"
        actions[name] = join(path, order, dataset.actions)
        videos.append(path)
        print(f"{path}: {len(order)} clips, {actions[name][-1].end_frame} frames")
    create_dataset(
        arguments.output,
        videos,
        classes=dataset.classes,
        background=dataset.background,
        split="test",
    )
    write_actions(arguments.output / "actions.csv", actions)


def join(path: Path, clips: list, actions: dict[str, list[Segment]]) -> list[Segment]:
    """Write clips one after another and return their segments in the long video."""
    joined: list[Segment] = []
    first_frame, first_second = 0, 0.0
    with VideoWriter(path, clips[0].width, clips[0].height, fps=clips[0].fps) as writer:
        for clip in clips:
            with FrameStream(clip.path) as frames:
                for frame in frames:
                    size = clips[0].width, clips[0].height
                    image = cv2.resize(frame.image, size, interpolation=cv2.INTER_AREA)
                    writer.write(image, seconds=first_second + frame.seconds)
            joined += [
                Segment(first_frame + s.start_frame, first_frame + s.end_frame, s.action)
                for s in actions[clip.name]
            ]
            first_frame += clip.frames
            first_second += frame.seconds + 1 / clip.fps
    return joined


if __name__ == "__main__":
    main()
