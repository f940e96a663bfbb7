"""The dataset folder: dataset.toml, videos.csv, actions.csv, hands.csv and what is kept beside.

folder     what a dataset is, and reading one, strictly
creating   making a folder from videos, adding videos
splits     train, val and test
check      everything that is wrong with a folder
doubts     what is odd about labels that break no rule
importing  taking in labels of other tools
exporting  giving labels and predictions to other tools
"""

from handact.dataset.check import check_dataset
from handact.dataset.creating import create_dataset, find_videos
from handact.dataset.exporting import (
    action_export,
    export_actions,
    export_hands,
    hand_export,
    write_files,
)
from handact.dataset.folder import (
    Dataset,
    find_dataset_root,
    read_dataset,
    read_folder,
    run_folder,
    video_index,
)
from handact.dataset.importing import import_actions, import_hands, plan_actions, plan_hands
from handact.dataset.splits import (
    assign_folds,
    assign_splits,
    fold_groups,
    read_groups,
    split_frames,
    split_groups,
    write_splits,
)
from handact.formats.text import Problem
from handact.formats.videos import SPLITS, VIDEO_COLUMNS, Video

__all__ = [
    "SPLITS",
    "VIDEO_COLUMNS",
    "Dataset",
    "Problem",
    "Video",
    "action_export",
    "assign_folds",
    "assign_splits",
    "check_dataset",
    "create_dataset",
    "export_actions",
    "export_hands",
    "find_dataset_root",
    "find_videos",
    "fold_groups",
    "hand_export",
    "import_actions",
    "import_hands",
    "plan_actions",
    "plan_hands",
    "read_dataset",
    "read_folder",
    "read_groups",
    "run_folder",
    "split_frames",
    "split_groups",
    "video_index",
    "write_files",
    "write_splits",
]
