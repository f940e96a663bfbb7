"""handact: from videos of people assembling things to a timed list of their atomic actions.

The modules, lowest layer first (each imports only from the layers before it):

- `errors`
- `labels`, `config`, `alignment`, `sampling`, `cleaning`, `metrics`, `results`, `progress`:
  arithmetic and plain values
- `files`, `video`, `formats`, `dataset`, `bench`, `plots`, `scores`: touch files
- `device`, `data`, `models`, `weights`, `checkpoint`: touch torch
- `training`, `align`, `engine`, `overlay`, `segment`, `evaluation`, `report`, `demo`: do the work
- `cli`: talks to people
"""

__version__ = "0.1.0"
