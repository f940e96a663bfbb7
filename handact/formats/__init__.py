"""Label files: our own tables, and those of other tools.

text         tables of text, as spreadsheets save them
tables       our own: actions, hands, tracks
videos       videos.csv
settings     dataset.toml
validate     labels against the videos and classes that they are about

actions/     files of actions of other tools, a module each
hands/       files of hand positions of other tools, a module each
guess        which of them a file is
loading      XML and JSON of other programs, without harm
intervals    what readers of actions give, in a file's own way of counting
marks        what readers of hands give
to_segments  from intervals to frames of the dataset's videos
to_hands     from marks to frames, sides and fractions of the picture
reading      what was understood of a file, and which video is meant
outgoing     what writers are given
"""
