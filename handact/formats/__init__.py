"""Label files: our own tables, and those of other tools.

text              tables of text, as spreadsheets save them
tables            our own: actions, hands, tracks
videos            videos.csv
settings          dataset.toml
validate          labels against the videos and classes that they are about

actions/          files of actions of other tools, a module each
hands/            files of hand positions of other tools, a module each
format            what a format is made of
guess             which of them a file is
cvat_xml          what both readers of CVAT share
labelstudio_json  what both readers of Label Studio share
loading           XML and JSON of other programs, without harm
pandas_h5         tables that pandas wrote into HDF5, without unpickling
clock             times with and without colons
intervals         what readers of actions give, in a file's own way of counting
marks             what readers of hands give
stamps            from seconds to frames of a video
to_segments       from intervals to frames of the dataset's videos
to_hands          from marks to frames, sides and fractions of the picture
reading           what was understood of a file, and which video is meant
outgoing          what writers are given
"""
