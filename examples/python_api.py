"""What the commands do, from Python: segment a video and list its actions.

python python_api.py CHECKPOINT VIDEO
"""

import sys
from pathlib import Path

import torch

from handact.config import SegmentConfig
from handact.engine import load_action_model
from handact.outputs import clean_scores, segment_table
from handact.segment import score_video


def main(checkpoint: Path, video: Path) -> None:
    """Print the actions of a video with their times."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = load_action_model(checkpoint, device)
    config = SegmentConfig(window_stride=2)
    scores = score_video(model, video, config)
    segments = clean_scores(scores, config)
    table = segment_table(video.stem, segments, scores)
    for row in table[table["action"] != model.background].itertuples():
        print(
            f"{row.start_seconds:8.2f} {row.end_seconds:8.2f}  {row.action} ({row.confidence:.2f})"
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
