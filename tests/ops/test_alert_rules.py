"""The alert rules that ship speak of metrics that exist, and operators find each metric explained."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml
from prometheus_client.parser import text_string_to_metric_families

from keepshowingup.core.states import SkipReason
from keepshowingup.delivery.ledger import End, Totals
from keepshowingup.delivery.traffic import Flow, Traffic
from keepshowingup.delivery.watching import Status
from keepshowingup.ops.lookout import View
from keepshowingup.web.exposition import exposition

HOUSE = Path(__file__).resolve().parents[2]
LIMITED = Flow("main", under_way=3, per_second=5.0, today=12, allowance=50, queue_seconds=4.0)
FULL = View(
    Status(heartbeats={"tick": 1.0}),
    queues={"bulk": 1},
    totals=Totals(dict.fromkeys(End, 1), {"not_rendered": 1}, {0.5: 1}, 0.4, {("main", End.ACCEPTED): 1}),
    traffic=Traffic((LIMITED,), (replace(LIMITED, name="gmail.com", allowance=None),)),
)


def samples() -> dict[str, set[str]]:
    """Every sample on the page, and the names of its labels."""
    page, _ = exposition(FULL, "")
    found = (sample for family in text_string_to_metric_families(page.decode()) for sample in family.samples)
    return {sample.name: set(sample.labels) for sample in found}


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load((HOUSE / "examples/prometheus/keepshowingup.rules.yml").read_text())["groups"]
    read: list[dict[str, Any]] = group["rules"]
    return read


def test_every_rule_speaks_of_metrics_and_labels_that_exist() -> None:
    known = samples()
    for rule in rules():
        named = re.findall(r"(keepshowingup_\w+)(?:\{(\w+)!?=)?", rule["expr"])
        assert named or rule["expr"].startswith("up{"), rule["alert"]
        for name, label in named:
            assert name in known, rule["alert"]
            assert not label or label in known[name], rule["alert"]


def test_every_rule_has_a_name_of_its_own_says_how_bad_it_is_and_what_it_means() -> None:
    assert len({rule["alert"] for rule in rules()}) == len(rules())
    for rule in rules():
        assert rule.keys() <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert rule["annotations"]["summary"].endswith(".")
        assert re.fullmatch(r"\d+[mhd]", rule.get("for", "1m"))
        assert rule["expr"].count("(") == rule["expr"].count(")")
    assert "not_rendered" in {reason.value for reason in SkipReason}


def test_every_metric_is_explained_to_operators() -> None:
    explained = (HOUSE / "docs" / "running.md").read_text()
    for name in samples():
        short = re.sub(r"_(bucket|sum|count)$", "", name).removeprefix("keepshowingup_")
        assert f"`{short}" in explained, name
