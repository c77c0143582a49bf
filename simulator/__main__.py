# SPDX-License-Identifier: MIT
"""The command line: `python -m simulator COMMAND`. Each command is a file of `simulator/commands/`.

Exit status: 0 done, 1 ran and the answer is no, 2 wrong input or environment, 130 Ctrl-C (or told to end).
"""

import errno
import importlib
import signal
import sys

import click
import rich_click

from simulator.errors import UserError

COMMANDS = (
    "run",
    "device",
    "flash",
    "image",
    "software",
    "cloud",
    "bootcheck",
    "bench",
    "sizes",
    "demo",
    "powercut",
    "powercut-selftest",
    "replay",
    "explain",
)


class LazyGroup(rich_click.RichGroup):
    """Imports a command only when it is asked for, so that `--help` and errors stay quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        return importlib.import_module("simulator.commands." + cmd_name.replace("-", "_")).command


@rich_click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Runs MicroPython OTA firmware on a twin of the ESP32, against mocks of the clouds."""


def main(argv: list[str] | None = None, command: click.Command = cli, name: str = "python -m simulator") -> int:
    """Runs one command and returns its exit status; errors become one line on stderr. The tools run theirs with it."""
    try:
        return command.main(argv, prog_name=name, standalone_mode=False) or 0
    except UserError as error:
        print(f"error[{error.code}]: " + " ".join(error.text.splitlines()), file=sys.stderr)  # names may have lines
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        print("error[usage]: " + " ".join(error.format_message().split()), file=sys.stderr)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        print(f"error[disk_full]: {error}", file=sys.stderr)
    except UnicodeEncodeError as error:  # from an argument or a file name
        print(f"error[not_utf8]: {error.object!a:.80} is not {error.encoding}", file=sys.stderr)
    except (click.Abort, KeyboardInterrupt):
        return 130
    return 2


if __name__ == "__main__":
    for number in (signal.SIGTERM, signal.SIGHUP):  # the board's process has to end with us
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)
    sys.exit(main())
