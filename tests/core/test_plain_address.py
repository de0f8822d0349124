from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from keepshowingup.core.address import check_address
from keepshowingup.core.plain_address import read_plain_address

# What addresses are made of, and what has tripped up checks of addresses.
pieces = st.sampled_from(
    [
        *"aZ0.@-_+'\"\\ ,;:()[]<>{}|~!#$%&*/=?^`\t\r\n\0",
        *"ßẞςK\u0130\u0131\u017f\u212a",  # letters that change when their case does, some into ASCII
        *"\u00e9\u4f8b\u3002\uff0e\uff20\uff61\u00a0\u200b\u200d\u202e\ufeff\u0301\ud800\U000e0061",
        *(
            "@a.de",
            "maya@",
            "example",
            ".org",
            ".ORG",
            "xn--",
            "ab--cd",
            "xn--mnchen-3ya",
            "..",
            "-.",
            ".-",
            "localhost",
        ),
        *("a" * 62, "a" * 63, "a" * 64, "b." * 100, ".museum", ".community", ".technology", "[192.0.2.1]", "1.2.3.4"),
    ]
)
addresses = st.one_of(
    st.lists(pieces, max_size=12).map("".join),
    st.tuples(st.lists(pieces, max_size=5), st.lists(pieces, max_size=5)).map(lambda p: "@".join(map("".join, p))),
    st.from_regex(r"[A-Za-z0-9.+'-]{1,66}@[A-Za-z0-9.-]{1,66}\.[A-Za-z]{1,10}", fullmatch=True),
    st.emails(),
    st.text(max_size=80),
)


@settings(max_examples=2000)
@given(addresses)
@example("maya@example.org\n")
@example(f"{'a' * 53}@sub.example.org")
@example(f"{'a' * 52}@sub.example.org")
@example("maya@sub.localhost")
@example("MAYA@EXAMPLE.ORG")
@example("K\u212a@example.org")
def test_what_is_told_in_one_look_is_what_the_full_check_says(address: str) -> None:
    if (plain := read_plain_address(address)) is not None:
        checked = check_address(address)
        assert (checked.ok, checked.normalised, checked.key) == (True, *plain)


@pytest.mark.parametrize(
    "address", ["maya@example.org", "Maya.Lind+letters@Mail.Example.CO.UK", "m@a.de", "a_b-c=d@ex-ample.museum"]
)
def test_usual_addresses_are_told_in_one_look(address: str) -> None:
    assert read_plain_address(address) is not None


@pytest.mark.parametrize("address", ["o'brien@example.org", "'+tag@example.org", "maya@münchen.de", "maya", ""])
def test_rarer_ones_are_left_to_the_full_check(address: str) -> None:
    assert read_plain_address(address) is None
