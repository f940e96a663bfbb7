"""To be written."""

import typer


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this file to `app`."""
