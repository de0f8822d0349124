"""A group of commands whose help says in a whole sentence what each of them does."""

from __future__ import annotations

import click

_WHOLE = 1000


class Commands(click.Group):
    """Click cuts what it says of each command after 45 characters; a terminal has more lines than one."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Each command with the first sentence of its help."""
        found = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.get_short_help_str(_WHOLE)) for name, command in found if command])
