"""The `handact` command. Nothing is computed here: each command reads its arguments, calls one
function of the layers below (imported inside the command, so that `--help` answers at once), and
prints what came back. Data goes to stdout, everything else to stderr.

Exit codes: 0 done; 1 the input or the world is at fault; 2 wrong usage; 130 interrupted.
"""

from typing import Annotated

import typer
import typer.core

from handact import __version__
from handact.cli import (
    bench,
    cleaning,
    dataset,
    demo,
    doctor,
    exporting,
    labelling,
    report,
    reproduce,
    run,
    sweep,
    weights,
)
from handact.cli.console import print_error
from handact.errors import HandactError

__all__ = ["app"]


class _Group(typer.core.TyperGroup):
    """Turn handact's errors and the operating system's into one line on stderr and exit code 1."""

    def invoke(self, ctx: typer.Context) -> object:
        try:
            return super().invoke(ctx)
        except HandactError as error:
            print_error(error.message, error.hint)
            raise typer.Exit(1) from error
        except KeyboardInterrupt as error:
            print_error("stopped")
            raise typer.Exit(130) from error
        except BrokenPipeError:
            raise  # Typer ends quietly when stdout was closed, as in `handact ... | head`
        except OSError as error:
            print_error(*_describe_os_error(error))
            raise typer.Exit(1) from error


def _describe_os_error(error: OSError) -> tuple[str, str | None]:
    where = f"{error.filename}: " if error.filename else ""
    hints = {
        "ENOSPC": "free some space, or choose another folder for the output",
        "EACCES": "choose a folder that you may write to",
        "EROFS": "choose a folder that you may write to",
    }
    import errno

    code = errno.errorcode.get(error.errno or 0, "")
    reason = (error.strerror or str(error)).lower()
    return f"{where}{reason}", hints.get(code)


# Plain help: drawing it with rich takes longer than all the rest of `--help`.
app = typer.Typer(
    cls=_Group,
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    rich_markup_mode=None,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"handact {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """From videos of people assembling things to a timed list of their atomic actions.

    Inside a dataset folder: label, train-hands, align, train-action, segment VIDEO, review, report.
    To see it all work on a made-up bench: handact demo.
    """


dataset.add_commands(app)
run.add_commands(app)
cleaning.add_commands(app)
sweep.add_commands(app)
reproduce.add_commands(app)
report.add_commands(app)
demo.add_commands(app)
doctor.add_commands(app)
bench.add_commands(app)
weights.add_commands(app)
exporting.add_commands(app)
labelling.add_commands(app)
