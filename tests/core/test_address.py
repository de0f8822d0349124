from __future__ import annotations

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given
from hypothesis import strategies as st

from keepshowingup.core.address import check_address


@pytest.mark.parametrize(
    ("written", "kept", "key"),
    [
        ("maya@example.org", "maya@example.org", "maya@example.org"),
        ("Maya.Lind+letters@Example.ORG", "Maya.Lind+letters@example.org", "maya.lind+letters@example.org"),
        ("o'brien@example.co.uk", "o'brien@example.co.uk", "o'brien@example.co.uk"),
        ("maya@münchen.de", "maya@xn--mnchen-3ya.de", "maya@xn--mnchen-3ya.de"),
        ("maya@MÜNCHEN.de", "maya@xn--mnchen-3ya.de", "maya@xn--mnchen-3ya.de"),
        ("maya@xn--mnchen-3ya.de", "maya@xn--mnchen-3ya.de", "maya@xn--mnchen-3ya.de"),
        ("maya@例え。テスト", "maya@xn--r8jz45g.xn--zckzah", "maya@xn--r8jz45g.xn--zckzah"),
        ("maya@localhost", "maya@localhost", "maya@localhost"),
        (f"{'a' * 64}@example.org", f"{'a' * 64}@example.org", f"{'a' * 64}@example.org"),
        (f"m@{'a' * 63}.org", f"m@{'a' * 63}.org", f"m@{'a' * 63}.org"),
    ],
)
def test_an_address_is_kept_in_one_form(written: str, kept: str, key: str) -> None:
    checked = check_address(written)
    assert checked.ok, checked.reason
    assert (checked.normalised, checked.key, checked.reason) == (kept, key, "")


@pytest.mark.parametrize(
    "written",
    [
        "",
        "@",
        "maya",
        "maya@",
        "@example.org",
        "maya@example",
        "maya@sub.localhost",
        "maya@example..org",
        "maya@example.org.",
        "maya@.example.org",
        "maya@-example.org",
        "maya@example-.org",
        "maya@exa_mple.org",
        "maya@example.o",
        "maya@example.123",
        "maya@1.2.3.4",
        "maya@[192.0.2.1]",
        "maya@ab--cd.org",
        "maya@xn--.org",
        "maya@xn--a.org",
        ".maya@example.org",
        "maya.@example.org",
        "ma..ya@example.org",
        "ma(ya)@example.org",
        '"maya"@example.org',
        "maya@lind@example.org",
        "Maya <maya@example.org>",
        "maya@example.org,ruth@example.org",
        f"{'a' * 65}@example.org",
        f"m@{'a' * 64}.org",
        f"m@{'a.' * 130}org",
        "maya @example.org",
        " maya@example.org",
        "maya@example.org ",
        "maya@exa\tmple.org",
        "maya@example.org\u00a0",
        "maya@faß.de",
        "maya@exam\uff0fple.org",
    ],
)
def test_what_is_no_address_is_refused_with_a_sentence(written: str) -> None:
    checked = check_address(written)
    assert not checked.ok
    assert checked.normalised == checked.key == ""
    assert checked.reason.endswith(".")


@pytest.mark.parametrize(
    "smuggled",
    [
        "\r\nBcc: x@example.com",
        "\n",
        "\r",
        "\0",
        "\u202e",
        "\u2066",
        "\u200b",
        "\u00ad",
        "\ufeff",
        "\u2028",
        "\ud800",
        "\x7f",
    ],
)
@pytest.mark.parametrize("template", ["maya{}@example.org", "maya@exa{}mple.org", "maya@example.org{}"])
def test_nothing_invisible_gets_into_an_address(template: str, smuggled: str) -> None:
    assert not check_address(template.format(smuggled)).ok


def test_letters_beyond_ascii_before_the_at_are_refused_kindly() -> None:
    assert "Please give an address" in check_address("zoë@example.org").reason


def test_a_domain_two_standards_read_differently_is_not_guessed() -> None:
    """IDNA2003 sends faß.de to fass.de, IDNA2008 to xn--fa-hia.de: two owners. The xn-- form is unambiguous."""
    assert "xn--" in check_address("maya@faß.de").reason
    assert check_address("maya@xn--fa-hia.de").normalised == "maya@xn--fa-hia.de"


def test_a_reason_never_repeats_the_address() -> None:
    for written in ("maya", "maya@example", "zoë@example.org", "ma ya@example.org"):
        assert "ma" not in check_address(written).reason.replace("many mail", "").replace("name@", "").split()


@given(st.text())
def test_any_text_gets_an_answer(text: str) -> None:
    checked = check_address(text)
    assert checked.ok == (checked.reason == "")


@given(st.text(alphabet=st.sampled_from("aB1.-+_@ xn\u00fc\u202e\r\n\0é。"), max_size=30))
def test_what_is_accepted_is_plain_ascii_and_stays_as_it_is(text: str) -> None:
    checked = check_address(text)
    if checked.ok:
        assert checked.normalised.isascii()
        assert checked.normalised.isprintable()
        assert len(checked.normalised) <= 254
        assert check_address(checked.normalised) == checked
        assert check_address(checked.key).key == checked.key


def _email_validator_accepts(address: str) -> bool:
    try:
        validate_email(address, check_deliverability=False)
    except EmailNotValidError:
        return False
    return True


@given(st.emails())
def test_both_agree_on_generated_addresses(address: str) -> None:
    domain = address.rpartition("@")[2].lower()
    top = domain.rpartition(".")[2]
    if len(domain) > 240 or not (top.isalpha() or top.startswith("xn--")):
        return
    labels = domain.split(".")
    if any(label[2:4] == "--" for label in labels):  # Hypothesis makes up A-labels that mean nothing
        return
    assert check_address(address).ok == _email_validator_accepts(address)


@pytest.mark.parametrize(
    ("address", "ours", "why"),
    [
        ("maya@localhost", True, "a rehearsal on one machine writes to its own mailbox; theirs wants a dot"),
        ("maya@harbour.test", True, "reserved for tests (RFC 2606), and rehearsals are tests; theirs refuses it"),
        ("maya@i❤.ws", True, "IDNA2003 lets symbols through, IDNA2008 does not; such domains exist and have mail"),
        ("zoë@example.org", False, "not every relay offers SMTPUTF8 (RFC 6531); theirs accepts it"),
        ("maya@faß.de", False, "IDNA2003 and IDNA2008 differ; theirs knows IDNA2008 and accepts it"),
        ("maya@example.x1", False, "no such ending exists; theirs refuses it because of its last digit only"),
    ],
)
def test_where_we_differ_from_email_validator_it_is_on_purpose(address: str, ours: bool, why: str) -> None:
    assert check_address(address).ok is ours, why
    if not address.endswith(".x1"):
        assert _email_validator_accepts(address) is not ours, why
