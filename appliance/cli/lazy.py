"""A command group that imports a verb's file only when that verb is asked for. Used by main.py; knows no verb.

`vedette --help` prints the one-line texts given here and imports nothing of the appliance.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup


@dataclass(frozen=True)
class Verb:
    """`function` of `module` is the command, with Typer's annotations. `connects`: it takes --url, --data and --json."""

    module: str
    help: str
    connects: bool = True
    function: str = "command"


Table = dict[str, "Verb | Noun"]


@dataclass(frozen=True)
class Noun:
    help: str
    verbs: Table


class LazyGroup(TyperGroup):
    """A group over a table of verbs and nouns."""

    def __init__(self, name: str, text: str, table: Table) -> None:
        super().__init__(name=name, help=text, no_args_is_help=True, rich_markup_mode=None)
        self.table = table

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        return list(self.table)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        if cmd_name not in self.commands and cmd_name in self.table:
            entry = self.table[cmd_name]
            made = LazyGroup(cmd_name, entry.help, entry.verbs) if isinstance(entry, Noun) else load(cmd_name, entry)
            self.commands[cmd_name] = made
        return self.commands.get(cmd_name)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in self.table.items()])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        # Typer's own looks into `commands`, which holds only what was already loaded, to suggest a name.
        if args and args[0] not in self.table:
            near = _nearest(args[0], list(self.table))
            ctx.fail(f"There is no command '{args[0]}'." + (f" Did you mean '{near}'?" if near else ""))
        return super().resolve_command(ctx, args)


def load(name: str, verb: Verb) -> TyperCommand:
    """Import the verb's file and build its command."""
    function = getattr(importlib.import_module(verb.module), verb.function)
    command: TyperCommand = _build(name, function)
    if verb.connects:
        from appliance.cli import connection

        command.params.extend(_build("connection", connection.options).params[:3])
    return command


def _build(name: str, function: Any) -> Any:
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.command(name)(function)
    return typer.main.get_command(app)


def _nearest(word: str, names: list[str]) -> str | None:
    from difflib import get_close_matches

    found = get_close_matches(word, names, n=1)
    return found[0] if found else None
