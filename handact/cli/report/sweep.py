"""`report sweep`: what temporal reasoning is worth, over clip lengths and strides."""

from pathlib import Path

import typer

from handact.cli.console import DatasetArgument, JsonOption, print_json, print_table
from handact.cli.report.inputs import HtmlOption, OutputOption, name_files

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
        write_sweep_page,
        write_sweep_report,
    )
    from handact.report.tables import sweep_tables
    from handact.sweep import read_cells, read_plan

    cells = read_cells(dataset)
    report = describe_sweep(cells, read_plan(dataset))
    output = output or dataset / "report"
    files = write_sweep_report(output, report, cells)
    if html:
        files.append(write_sweep_page(output, report))
    if json:
        print_json(report)
    else:
        for table in sweep_tables(report):
            print_table(table.columns, table.rows, title=table.caption)
        typer.echo(state_sweep(report))
    name_files(files)
