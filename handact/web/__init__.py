"""The local web application to label and review: a server for one person's browser.

server     the addresses, and who may ask for what
project    what the pages show of a dataset, and what they change
pictures   exact frames as JPEG, decoded ahead
jobs       work that takes minutes: a playable copy of a video, its motion
guard      token, Host, Origin and size of requests
static/    the page, plain JavaScript without a build step
"""
