"""What all commands share: how help looks, how errors are told, and the exit codes."""

from __future__ import annotations

import difflib
import errno
import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from ostinato.errors import Interrupted, OptionError, OstinatoError, nearest

# Some versions of typer bring their own click and others import it; either way this is click's usage error.
UsageError: Any = typer.BadParameter.__base__

MISTAKE, STOPPED = 2, 130


class Verb(TyperCommand):
    """A command whose help lists its options in groups."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the flags; an error knows whose help to name."""
        try:
            parsed: list[str] = super().parse_args(ctx, args)
        except UsageError as error:
            # A flag without its value is found before click knows the command.
            error.ctx = error.ctx or ctx
            raise
        return parsed

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Arguments first, then each group of options under its own heading."""
        groups: dict[str, list[tuple[str, str, str]]] = {}
        for param in self.get_params(ctx):
            if not getattr(param, "hidden", False):
                groups.setdefault(getattr(param, "rich_help_panel", None) or _group(param), []).append(_record(param))
        # What every command has comes last.
        groups["Help"] = groups.pop("Help", [])
        _write(formatter, groups)


class Program(TyperGroup):
    """The command ``ostinato``: errors are told in one line and without a traceback."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The names of all commands, groups of commands first."""
        return sorted(super().list_commands(ctx), key=lambda name: not isinstance(self.commands[name], TyperGroup))

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """The commands, then what every command has."""
        commands = [(name, "", self.commands[name].get_short_help_str(100)) for name in self.list_commands(ctx)]
        helps = [("-h, --help", "", "Show this message and exit.")]
        if ctx.parent is None:
            helps.append(("--version", "", "Show the version and exit."))
        _write(formatter, {"Commands": commands, "Help": helps})

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Answer a call without a command, and the two flags that need none."""
        # As options of typer's they would import pydantic, which takes as long as all the rest of the help.
        if not ctx.resilient_parsing and (not args or args[0] in ("-h", "--help")):
            typer.echo(ctx.get_help(), color=ctx.color)
            ctx.exit()
        if ctx.parent is None and args[:1] == ["--version"]:
            typer.echo(f"ostinato {installed_version('ostinato') or 'from its sources, not installed'}")
            ctx.exit()
        parsed: list[str] = super().parse_args(ctx, args)
        return parsed

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command; an unknown one names the nearest."""
        if args and not args[0].startswith("-") and not ctx.resilient_parsing:
            known = self.list_commands(ctx)
            if args[0] not in known:
                raise OptionError(f"unknown command '{ctx.command_path} {args[0]}'; {nearest(args[0], known)}")
        return super().resolve_command(ctx, args)

    def main(self, *args: Any, **options: Any) -> Any:
        """Run a command line; what ostinato refuses ends with exit code 2, Ctrl-C with 130."""
        if not options.get("standalone_mode", True):
            return super().main(*args, **options)
        options["standalone_mode"] = False
        # torch's threads wait for each other by spinning unless told before it is imported; with any other busy program
        # on the machine, training is then six times slower.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        given = options.get("args") or (args[0] if args else None)
        options["obj"] = {"args": list(sys.argv[1:] if given is None else given)}
        if "NO_COLOR" in os.environ:
            options["color"] = False
        try:
            with told_warnings():
                code = super().main(*args, **options)
            # What is left of the output may have nowhere to go, which else nobody would be told; some have none at all.
            if sys.stdout is not None:
                sys.stdout.flush()
        except Interrupted as stop:
            end(str(stop))
        except OstinatoError as error:
            fail(str(error), MISTAKE)
        except typer.Abort:
            end("")
        except UsageError as error:
            fail(_usage(error), MISTAKE)
        except BrokenPipeError:
            # The reader of a pipe went away (head, less); nothing is wrong, and there is nobody to tell.
            _drop_output()
            sys.exit(1)
        except OSError as error:
            if error.filename is not None or error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO):
                raise
            _drop_output()
            fail(f"the output cannot be written: {error.strerror}", MISTAKE)
        sys.exit(code if isinstance(code, int) else 0)


def _drop_output() -> None:
    """Let what is still to be written go nowhere, so that nobody stumbles over it at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def installed_version(package: str) -> str:
    """The version of a package, empty if it is not installed."""
    # As slow to import as all of the rest, and help needs none of it.
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def fail(message: str, code: int) -> NoReturn:
    """Tell what went wrong on the standard error, and end."""
    typer.echo(typer.style("error: ", fg="red", bold=True) + message, err=True, color=_colour())
    sys.exit(code)


def end(message: str) -> NoReturn:
    """Tell that the user's Ctrl-C was heard, and end."""
    typer.echo(
        typer.style("stopped" + ": " * bool(message), fg="yellow", bold=True) + message, err=True, color=_colour()
    )
    sys.exit(STOPPED)


def warn(message: str) -> None:
    """Tell what is odd, and go on."""
    typer.echo(typer.style("warning: ", fg="yellow", bold=True) + message, err=True, color=_colour())


@contextmanager
def told_warnings() -> Iterator[None]:
    """Warnings as a line for the user, without the place in our source."""
    with warnings.catch_warnings():
        for kind in (UserWarning, RuntimeWarning):
            warnings.simplefilter("default", kind)
        warnings.showwarning = lambda message, *rest, **more: warn(str(message))
        yield


def note(message: str) -> None:
    """Tell what may be of interest, apart from results."""
    typer.echo(message, err=True, color=_colour())


def _colour() -> bool | None:
    return False if "NO_COLOR" in os.environ else None


def _write(formatter: Any, groups: Mapping[str, list[tuple[str, str, str]]]) -> None:
    """Groups of names with what they take and mean, all in the same two columns."""
    widest = max(len(names + takes) for rows in groups.values() for names, takes, _ in rows)
    for heading, rows in groups.items():
        if not rows:
            continue
        with formatter.section(typer.style(heading, bold=True)):
            flags = [typer.style(names, fg="cyan") + takes.ljust(widest - len(names)) for names, takes, _ in rows]
            meanings = [meaning for _, _, meaning in rows]
            formatter.write_dl(list(zip(flags, meanings, strict=True)), col_max=widest)


def _group(param: Any) -> str:
    if param.param_type_name == "argument":
        return "Arguments"
    return "Help" if param.name == "help" else "Options"


def _record(param: Any) -> tuple[str, str, str]:
    """The flag, what it takes, and what it means."""
    if param.param_type_name == "argument":
        return param.metavar or param.name.upper(), "", param.help or ""
    names = ", ".join(sorted(param.opts, key=len))
    if param.secondary_opts:
        names = names.replace("--", "--[no-]", 1)
    return names, "" if param.is_flag else f" {param.metavar or 'TEXT'}", _meaning(param)


def _meaning(param: Any) -> str:
    text = param.help or ""
    shown = param.show_default if isinstance(param.show_default, str) else ""
    return f"{text} [{shown}]" if shown else text


def _usage(error: Any) -> str:
    """A usage error in our words; an unknown flag or command names the nearest."""
    context = error.ctx
    where = context.command_path if context is not None else "ostinato"
    unknown = getattr(error, "option_name", None)
    if unknown and type(error).__name__ == "NoSuchOption":
        close = difflib.get_close_matches(unknown, list(_flags(context)), n=1, cutoff=0.5)
        hint = f"did you mean '{close[0]}'? " if close else ""
        return f"unknown flag '{unknown}'; {hint}all flags: {where} --help"
    message = error.format_message().rstrip(".")
    message = message[:1].lower() + message[1:]
    return f"{message}; see {where} --help"


def _flags(context: Any) -> Iterator[str]:
    if context is not None:
        for param in context.command.get_params(context):
            yield from (*param.opts, *param.secondary_opts)
