"""Warnings for people: all commands print them in one form."""

import click


def warn(sentence: str) -> None:
    """Print a warning on stderr."""
    click.echo(f"WARNING: {sentence}", err=True)
