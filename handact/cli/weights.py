"""`weights list`, `weights get`, `weights check`: what networks can start from."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from handact.cli.console import JsonOption, print_json, print_table, progress

__all__ = ["add_commands"]

weights = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this file to `app`."""
    app.add_typer(weights, name="weights", help="Pretrained weights: list, get, check.")


@weights.command("list")
def list_weights(json: JsonOption = False) -> None:
    """List the weights that `--weights NAME` downloads, and which are here already."""
    from handact.weights import RELEASES, cached_path

    rows = [
        {
            "name": release.name,
            "network": release.network,
            "here": cached_path(release).is_file(),
            "licence": release.licence,
            "about": release.about,
            "url": release.url,
            "sha256_prefix": release.sha256,
        }
        for release in RELEASES
    ]
    if json:
        print_json({"weights": rows})
        return
    columns = ("name", "network", "here", "licence", "about")
    cells = [{**row, "here": "yes" if row["here"] else "no"} for row in rows]
    print_table(columns, [[row[c] for c in columns] for row in cells], left=len(columns))


@weights.command("get")
def get_weights(
    name: Annotated[str, typer.Argument(help="imagenet or k400.")],
    network: Annotated[
        list[str] | None,
        typer.Argument(help="resnet50, mobilenet_v2 ...", show_default="all of that name"),
    ] = None,
) -> None:
    """Download weights ahead of a training, and print where they are.

    What was interrupted goes on where it stopped. For a machine without a network: get them on
    another, and copy the files to the same folder.
    """
    from handact.weights import RELEASES, download, find_release

    networks = network or [r.network for r in RELEASES if r.name == name]
    for each in networks or [""]:
        release = find_release(name, each)
        with progress(f"{name} {each}", "MB") as on_progress:
            typer.echo(download(release, on_progress=on_progress))


@weights.command("check")
def check_weights(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Weights of others.")],
    network: Annotated[
        str | None,
        typer.Option(help="Find out whether it starts this: resnet50, mobilenet_v2 ..."),
    ] = None,
    shift: Annotated[
        Literal["tsm", "causal", "none"], typer.Option(help="Of that network.")
    ] = "tsm",
    json: JsonOption = False,
) -> None:
    """Say whose weights a file holds, and whether a network can start from them.

    Nothing in the file is run.
    """
    from handact.weights import check_file

    start = check_file(file, network, shift)
    if json:
        print_json(start.to_dict())
        return
    words = {
        "file": start.source,
        "layout": start.layout,
        "shift": start.shift,
        "classes of its head": start.classes,
        "mean": " ".join(f"{x:g}" for x in start.mean),
        "deviation": " ".join(f"{x:g}" for x in start.std),
        "SHA-256": start.sha256,
    }
    if network:
        words["starts"] = f"{network}, shift {shift}"
    print_table(
        ("", ""), [(key, None if v is None else str(v)) for key, v in words.items()], left=2
    )
