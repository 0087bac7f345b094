"""The behaviour of ``aucue`` around its commands: errors and interruptions end in one line, not in a traceback."""

import importlib
import io
import signal
import sys
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import click

from pipeline.runtime import file_errors
from pipeline.runtime.errors import InputError

STRICT = ("strict", "surrogateescape")  # error handlers of streams that may raise UnicodeEncodeError
RESUMABLE = ("detect", "landmarks", "heatmaps", "train", "explain")  # commands that continue where they were interrupted


class CommandGroup(click.Group):
    """A group whose commands may be imported only when they are run.

    The offline half of aucue therefore starts without importing torch.
    """

    lazy: Mapping[str, str] = {}  # name of a command -> the module that defines it

    def list_commands(self, context: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        """List the names of all commands, in the order of ``aucue --help``."""
        return [*self.commands, *self.lazy]

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Return the command of that name, imported now if necessary, or None if there is none."""
        if name in self.lazy:
            return getattr(importlib.import_module(self.lazy[name]), name)
        return super().get_command(context, name)

    def main(self, *arguments: Any, **options: Any) -> Any:
        """Run the command line, whatever the encoding of the terminal is and whatever libraries warn of."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper) and stream.errors in STRICT:
                stream.reconfigure(errors="replace")
        with warnings.catch_warnings():
            if not sys.warnoptions:  # -W or PYTHONWARNINGS shows them
                warnings.simplefilter("ignore")
            return super().main(*arguments, **options)

    def invoke(self, context: click.Context) -> object:
        """Run a command. Bad input, file errors and interruptions end in one line on stderr."""
        try:
            with _interruptible():
                return super().invoke(context)
        except InputError as error:
            raise click.ClickException(str(error)) from error
        except OSError as error:
            raise click.ClickException(file_errors.describe(error)) from error
        except Interrupted as interrupted:
            command = context.invoked_subcommand
            option = " with --resume" if command == "train" else ""
            advice = f": finished work is kept; run the same command again{option} to continue"
            click.echo(f"\nInterrupted{advice if command in RESUMABLE else ''}.", err=True)
            context.exit(128 + interrupted.signal)


class Interrupted(BaseException):
    """The process received SIGINT (Ctrl-C) or SIGTERM.

    Attributes:
        signal: Number of the signal.
    """

    def __init__(self, number: int) -> None:
        self.signal = number


@contextmanager
def _interruptible() -> Iterator[None]:
    """Turn the first SIGINT or SIGTERM into Interrupted and ignore later ones, so that nothing interrupts the cleanup."""

    def interrupt(number: int, _: object) -> None:
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, signal.SIG_IGN)
        raise Interrupted(number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    earlier = {name: signal.signal(name, interrupt) for name in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for name, handler in earlier.items():
            signal.signal(name, handler)
