"""`report sweep`: what temporal reasoning is worth, over clip lengths and strides."""

from pathlib import Path

import typer

from handact.cli.console import DatasetArgument, JsonOption, print_json, print_table
from handact.cli.report.inputs import HtmlOption, OutputOption, choose_folder, name_files

__all__ = ["sweep"]


def sweep(
    dataset: DatasetArgument = Path("."),
    output: OutputOption = None,
    html: HtmlOption = False,
    json: JsonOption = False,
) -> None:
    """F1 of the classes with and without temporal shift, over T and tau, as `sweep` measured it.

    On trimmed segments, and on long videos after cleaning; mean and spread over seeds. What is not
    measured yet is named and left blank.
    """
    from handact.report import (
        describe_sweep,
        state_sweep,
        sweep_tables,
        write_sweep_page,
        write_sweep_report,
    )
    from handact.sweep import read_cells, read_plan

    output = choose_folder(output, dataset)
    report = describe_sweep(read_cells(dataset), read_plan(dataset))
    files = write_sweep_report(output, report)
    if html:
        files.append(write_sweep_page(output, report))
    if json:
        print_json(report)
    else:
        for table in sweep_tables(report):
            print_table(table.columns, table.rows, title=table.caption)
        typer.echo(state_sweep(report))
    name_files(files)
