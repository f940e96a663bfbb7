"""Label files: our own tables, and those of other tools.

text       tables of text, as spreadsheets save them
tables     our own: actions, hands, tracks
videos     videos.csv
settings   dataset.toml
clips      tables of segments in frames or seconds, and of trimmed clips
positions  tables of hand positions in fractions or pixels
coco       hands from COCO boxes and key points
mstcn      actions from the folder of MS-TCN
validate   labels against the videos and classes that they are about
"""
