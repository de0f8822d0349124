"""What ``--help`` says, of every command there is."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from keepshowingup.cli.root import root


def all_below(command: click.Command, name: str, above: click.Context | None = None) -> Iterator[click.Context]:
    """The command and all below it."""
    context = click.Context(command, info_name=name, parent=above)
    yield context
    if isinstance(command, click.Group):
        for each in command.list_commands(context):
            below = command.get_command(context, each)
            assert below is not None, each
            yield from all_below(below, each, context)


ALL = {context.command_path: context for context in all_below(root, "keepshowingup")}


@pytest.mark.parametrize("path", ALL)
def test_a_command_says_in_whole_sentences_what_it_does_and_what_those_below_it_do(path: str) -> None:
    command = ALL[path].command
    assert (command.help or "").rstrip().endswith("."), path
    _, _, below = command.get_help(ALL[path]).partition("\nCommands:\n")
    assert "..." not in below


@pytest.mark.parametrize("path", ALL)
def test_every_option_says_what_it_is_for(path: str) -> None:
    silent = [
        option.opts for option in ALL[path].command.params if isinstance(option, click.Option) and not option.help
    ]
    assert silent == []
