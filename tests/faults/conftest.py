"""Houses for the fault tests, each on a fresh database that was migrated once."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.databases import copied
from tests.faults.house import House, ending
from tests.faults.records import Records
from tests.smtpd import running_smtp


@pytest.fixture(scope="module")
def make_house(migrated: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., House]]:
    """Houses, with what is to be different in their settings; all of it is gone when the file is done."""
    from contextlib import ExitStack

    with ExitStack() as opened:

        def make(**settings: str) -> House:
            folder = tmp_path_factory.mktemp("house") / "var"
            url = opened.enter_context(copied(migrated, folder))
            server = opened.enter_context(running_smtp())
            return opened.enter_context(ending(House(folder, server, Records(url), settings)))

        yield make


@pytest.fixture(scope="module")
def house(make_house: Callable[..., House]) -> House:
    """One house for the tests of a file, which tell their readers apart by the name of their sequence."""
    return make_house()
