"""`python -m handact`."""

from handact.cli import app

app(prog_name="handact")
