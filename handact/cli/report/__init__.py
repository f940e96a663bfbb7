"""The reports, one file a command; on a dataset folder, most of them also on bare tables."""

import typer

from handact.cli.report.compare import compare
from handact.cli.report.engines import engines
from handact.cli.report.hands import hands
from handact.cli.report.metrics import metrics
from handact.cli.report.sweep import sweep
from handact.cli.report.timeline import timeline
from handact.cli.report.timestudy import timestudy

__all__ = [
    "add_commands",
    "compare",
    "engines",
    "hands",
    "metrics",
    "sweep",
    "timeline",
    "timestudy",
]


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this folder to `app`."""
    report = typer.Typer(no_args_is_help=True)
    report.command()(metrics)
    report.command()(hands)
    report.command()(timeline)
    report.command()(timestudy)
    report.command()(compare)
    report.command()(sweep)
    report.command()(engines)
    app.add_typer(
        report, name="report", help="Figures, tables and pictures of how good predictions are."
    )
