"""How it stands, as Prometheus reads it. Every name is explained in ``docs/running.md``; no label names a reader,
nor a domain that would tell who reads (see ``delivery.disclosing``).

What could not be found out is left out: a zero would be believed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector, CollectorRegistry

from keepshowingup import __version__
from keepshowingup.core.lateness import BOUNDS, up_to
from keepshowingup.delivery.breaker import EVERYTHING, State
from keepshowingup.delivery.ledger import End, Totals
from keepshowingup.delivery.traffic import Traffic
from keepshowingup.delivery.troubled import Resting, Troubled
from keepshowingup.delivery.watching import Database, Status
from keepshowingup.ops.lookout import View

GAUGES = {
    "due": "Letters of sequences whose moment has come and that nobody has claimed.",
    "notices_due": "One-off letters, such as requests to confirm, that nobody has claimed.",
    "overdue": "Letters and notices more than five minutes past their moment and not claimed.",
    "claimed": "Letters claimed and not begun.",
    "handing_over": "Letters a worker is handing over.",
    "retry": "Letters waiting for another try.",
    "unknown": "Letters that may or may not have arrived, and wait for somebody to settle them.",
}
# "unknown" is how many there are now, so those that ever were need a name of their own.
COUNTERS = {
    End.ACCEPTED: ("accepted", "Letters a mail server has taken."),
    End.RETRIED: ("retried", "Times a mail server asked us to bring a letter back later."),
    End.PUT_BACK: ("put_back", "Times a letter was put back unasked: its server rested, or the worker was stopped."),
    End.REFUSED: ("refused", "Letters a mail server refused for good, or that were given up."),
    End.RETURNED: ("returned", "Letters that came back after they had been taken."),
    End.UNKNOWN: ("doubted", "Letters that came into doubt: the server may have them."),
}
# Of each transport, and of each recipients' domain that may be named (see delivery.disclosing).
FLOWS = {
    "rest_seconds": "How long a {}'s breaker stays open.",
    "under_way": "Letters a {}'s server has been offered and has not answered.",
    "limit_per_second": "How many letters a {} may carry in a second; missing without a limit.",
    "today": "Letters a limited {} has carried today (UTC).",
    "day_allowance": "How many letters a {} may carry today; missing without a warm-up.",
    "queue_seconds": "How long it takes until all letters have left that a limited {} has told their moment.",
}
FLOW_FIELDS = {"rest_seconds": "seconds", "limit_per_second": "per_second", "day_allowance": "allowance"}
ANSWERS = {End.ACCEPTED: "accepted", End.RETRIED: "later", End.REFUSED: "refused", End.UNKNOWN: "none"}


def exposition(view: View, accept: str) -> tuple[bytes, str]:
    """The page and its content type: OpenMetrics for who asks for it in ``Accept``, else the text format 0.0.4."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collected(list(_families(view))))
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type


class _Collected(Collector):
    """Values that were asked for before."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def _families(view: View) -> Iterator[Metric]:
    well = view.status.database is Database.WELL
    yield _gauge("build_info", "The version that runs; always 1.", {"version": __version__}, 1)
    yield _gauge("database_up", "Whether the database answers and is up to date.", {}, well)
    yield _gauge("broker_up", "Whether the broker answers.", {}, view.queues is not None)
    if view.queues is not None:
        waiting = _family(
            "broker_queue_length", "Tasks that wait in the broker. A task is a batch of letters.", "queue"
        )
        for queue, length in view.queues.items():
            waiting.add_metric([queue], length)
        yield waiting
    if well:
        yield from _standing(view.status)
    if view.traffic is not None:
        yield from _flowing(view.traffic)
    if view.totals is not None:
        yield from _counted(view.totals)


def _standing(status: Status) -> Iterator[Metric]:
    for name, meaning in GAUGES.items():
        yield _gauge(name, meaning, {}, getattr(status, name))
    yield _gauge(
        "oldest_due_seconds",
        "How long the letter has waited that has waited longest past its moment, but for retries; 0 when none waits.",
        {},
        status.oldest_due,
    )
    heard = _family(
        "heartbeat_age_seconds", "Since a part was last heard of. 'tick' shows that all work together.", "part"
    )
    for part, age in status.heartbeats.items():
        heard.add_metric([part], age)
    yield heard
    yield _gauge(
        "held_back", "1 while letters are late because transports may carry only so many.", {}, status.held_back
    )
    yield from _resting(status.breakers)


def _resting(breakers: Troubled) -> Iterator[Metric]:
    domains = _family(
        "domains", "Recipients' domains that have refused our letters, by the state of their breaker.", "state"
    )
    about = {each.domain: each.state for each in sorted(breakers.named, key=_open_last) if each.domain}
    for state, others in ((State.OPEN, breakers.open_domains), (State.HALF_OPEN, breakers.half_open_domains)):
        domains.add_metric([state], others + sum(each is state for each in about.values()))
    yield domains
    stopped = any(each.name == EVERYTHING for each in breakers.named)
    yield _gauge("sending_stopped", "1 while nothing is sent, as after a restore.", {}, stopped)


def _open_last(resting: Resting) -> bool:
    return resting.state is State.OPEN


def _flowing(traffic: Traffic) -> Iterator[Metric]:
    for kind, flows in (("transport", traffic.transports), ("domain", traffic.domains)):
        breaker = _family(f"{kind}_breaker", f"The state a {kind}'s breaker is in has 1, the others 0.", kind, "state")
        for flow in flows:
            for state in State:
                breaker.add_metric([flow.name, state], flow.state is state)
        if flows:
            yield breaker
        for name, meaning in FLOWS.items():
            family = _family(f"{kind}_{name}", meaning.format(kind), kind)
            for flow in flows:
                value = getattr(flow, FLOW_FIELDS.get(name, name))
                if value is not None:
                    family.add_metric([flow.name], value)
            if family.samples:
                yield family


def _counted(totals: Totals) -> Iterator[Metric]:
    for end, (name, meaning) in COUNTERS.items():
        yield CounterMetricFamily(f"keepshowingup_{name}", meaning, value=totals.ends[end])
    skipped = CounterMetricFamily(
        "keepshowingup_skipped", "Letters that were claimed and not sent, by reason.", labels=["reason"]
    )
    for reason, number in totals.skipped.items():
        skipped.add_metric([reason], number)
    yield skipped
    answers = CounterMetricFamily(
        "keepshowingup_answers",
        "What became of letters that a transport was asked to carry: 'accepted', 'refused', 'later', or 'none'.",
        labels=["transport", "answer"],
    )
    for (transport, end), number in sorted(totals.answers.items()):
        if end in ANSWERS:
            answers.add_metric([transport, ANSWERS[end]], number)
    yield answers
    buckets = [(str(float(bound)), up_to(totals.lateness, bound)) for bound in BOUNDS]
    yield HistogramMetricFamily(
        "keepshowingup_lateness_seconds",
        "How late accepted letters were: from their moment to the server's 250, on the calendar.",
        buckets=[*buckets, ("+Inf", sum(totals.lateness.values()))],
        sum_value=totals.seconds,
    )


def _gauge(name: str, meaning: str, labels: dict[str, str], value: float) -> Metric:
    family = _family(name, meaning, *labels)
    family.add_metric(list(labels.values()), value)
    return family


def _family(name: str, meaning: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"keepshowingup_{name}", meaning, labels=labels)
