"""The local web application to label and review: a server for one person's browser.

server     the addresses, and how it starts and stops
guard      who may ask: token, Host, Origin and size of requests
project    a dataset folder with its videos, pictures and labels, as all pages see it
hands      what the page for hands shows and changes
actions    segments: editing, comparing two people, times of steps
review     predictions, and how a finished review becomes labels
pictures   exact frames as JPEG, decoded ahead
jobs       work that takes minutes: a playable copy of a video, its motion
static/    the pages, plain JavaScript without a build step
"""
