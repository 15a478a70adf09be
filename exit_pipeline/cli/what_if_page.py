"""What a what-if found as one page: everything that it shows is in the file itself."""

import base64
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from html import escape
from importlib.resources import files
from string import Template
from typing import Any, Final

import numpy as np

from exit_pipeline.cli.what_if_show import money, say
from exit_pipeline.pages.template import page_style
from exit_pipeline.plots.what_if import (
    MOST_LINES,
    difference_by_position,
    exits_by_reason,
    money_over_time,
    over_a_grid,
)
from exit_pipeline.services.what_if_facts import (
    at_points,
    changes_of,
    difference_of,
    facts_of_totals,
    largest_first,
    sentence_of_ends,
    steps_of,
    with_baselines,
)
from exit_pipeline.services.what_if_report import Leaving, Tried, WhatIfReport

_DETAILED: Final = 12
"""Policies with pictures and positions of their own; of more, those with the best difference."""

_CHANGES: Final = ("kept", "earlier", "later", "added", "dropped", "open")


def page_of(report: WhatIfReport) -> str:
    """The page of a report, as HTML that asks for nothing over a network."""
    asked = report.request
    template = files(__package__).joinpath("what_if_page.html").read_text(encoding="utf-8")
    said = (
        f"{report.decisions:,} recorded decisions on {report.positions:,} positions "
        f"({report.label}), beside {report.compare_to}; "
        f"{asked.fee} dollars to close a contract; version {report.code_version}"
    )
    return Template(template).substitute(
        style=page_style(),
        title=escape(f"{asked.first} to {asked.last} under other policies"),
        subtitle=escape(said),
        body="\n".join(_body(report)),
    )


def _body(report: WhatIfReport) -> Iterator[str]:
    yield _summary(report)
    yield from _whole_pictures(report)
    yield _list([
        *(f"Not replayable: {n:,} {reason}." for reason, n in report.left_out.most_common()),
        *report.notes,
    ])  # fmt: skip
    detailed = _best(report, _DETAILED)
    if len(detailed) < len(report.tried):
        yield f"<p>The {_DETAILED} policies with the best difference follow in detail.</p>"
    for tried in detailed:
        yield from _section(tried, report.compare_to)


def _summary(report: WhatIfReport) -> str:
    titles = ("policy", *_CHANGES, "P&L", "difference", "of a position, 95 %", "drawdown",
              "days held", "expectancy")  # fmt: skip
    rows = []
    for tried, totals in with_baselines(report):
        if totals is not None:
            was = facts_of_totals(totals)
            blank = [_number("")] * len(_CHANGES)
            rows.append([_words(report.compare_to), *blank, _money(was["pnl"]), _number(""),
                         _number(""), *_figures(was)])  # fmt: skip
        now, changes = facts_of_totals(tried.comparison.totals()[1]), changes_of(tried)
        found = difference_of(tried)
        rows.append([
            _words(tried.policy.label),
            *(_number(f"{changes[name]:,}") for name in _CHANGES),
            _money(now["pnl"]),
            _money(found["total"], signed=True),
            _number(f"{money(found['low'])} to {money(found['high'])}"),
            *_figures(now),
        ])  # fmt: skip
    return _table(titles, rows, first_number=1)


def _figures(facts: dict[str, Any]) -> list[str]:
    days = facts["days_held"]
    return [_money(facts["drawdown"]), _number("-" if days is None else f"{days:.2f}"),
            _money(facts["expectancy"])]  # fmt: skip


def _whole_pictures(report: WhatIfReport) -> Iterator[str]:
    """Pictures of all policies together, which need one set of paths."""
    points = at_points(report)
    size = [len(values) for values in points.values()]
    if points and int(np.prod(size)) == len(report.tried):
        dollars = np.array([float(difference_of(one)["total"] or 0) for one in report.tried])
        yield _image(over_a_grid(points, dollars.reshape(size)), "the difference over the grid")
    if len({id(one.positions) for one in report.tried}) == 1:
        shown = _best(report, MOST_LINES)
        counted = np.logical_and.reduce([one.comparison.valued for one in shown])
        ways = [
            (report.compare_to, shown[0].comparison.baseline),
            *((_name_of_line(one), one.comparison.policy) for one in shown),
        ]
        yield _image(money_over_time(ways, counted), "P&L over time")
        if len(shown) < len(report.tried):
            yield f"<p>Of {len(report.tried):,} policies, the {len(shown)} best are drawn.</p>"


def _best(report: WhatIfReport, number: int) -> list[Tried]:
    """The policies with the best differences, in the order of the report."""
    totals = [float(difference_of(one)["total"] or 0) for one in report.tried]
    best = np.argsort(np.negative(totals), kind="stable")[:number]
    return [report.tried[place] for place in sorted(best.tolist())]


def _name_of_line(tried: Tried) -> str:
    """A short name: of a point of a grid, its values."""
    return " / ".join(tried.policy.at.values()) or tried.policy.label


def _section(tried: Tried, compared: str) -> Iterator[str]:
    yield f"<h2>{escape(tried.policy.label)}</h2>"
    if tried.policy.name and tried.policy.name != tried.policy.label:
        yield f'<p class="dim">{escape(tried.policy.name)}</p>'
    yield f"<p>{escape(sentence_of_ends(tried))}</p>"
    steps = [
        [_words(step.was), _words(step.now), _number(f"{step.contracts:,}"),
         _money(step.difference, signed=True)]
        for step in steps_of(tried)
    ]  # fmt: skip
    titles = ("left for", "would leave for", "contracts", "difference")
    yield _table(titles, steps, first_number=2)
    comparison, names = tried.comparison, [one.id for one in tried.positions]
    yield _image(exits_by_reason(comparison, compared), "exits by reason")
    yield _image(difference_by_position(names, comparison), "the difference by position")
    yield _positions(tried)


def _positions(tried: Tried) -> str:
    titles = ("position", "contract", "left", "would leave", "P&L", "would be", "difference")
    rows = [
        [
            _words(row.position.id),
            _words(row.position.symbol or "not known"),
            _ways(row.was),
            _ways(row.now),
            _money(row.baseline),
            _money(row.policy),
            _money(row.difference, signed=True),
        ]
        for row in largest_first(tried)
    ]
    table = _table(titles, rows, first_number=4)
    return (
        f"<details><summary>{len(rows):,} positions, times in New York</summary>{table}</details>"
    )


def _ways(leaving: Sequence[Leaving]) -> str:
    return f"<td>{'<br>'.join(escape(say(one)) for one in leaving)}</td>"


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]], *, first_number: int) -> str:
    """A table whose columns from `first_number` on are numbers; the cells are HTML already."""
    head = "".join(
        f'<th class="number">{escape(title)}</th>' if place >= first_number
        else f"<th>{escape(title)}</th>"
        for place, title in enumerate(titles)
    )  # fmt: skip
    body = "\n".join(f"<tr>{''.join(row)}</tr>" for row in rows)
    return (
        f'<div class="wide"><table><thead><tr>{head}</tr></thead>\n'
        f"<tbody>{body}</tbody></table></div>"
    )


def _words(text: str) -> str:
    return f'<td class="words">{escape(text)}</td>'


def _number(text: str) -> str:
    return f'<td class="number">{escape(text)}</td>'


def _money(dollars: Decimal | float | None, *, signed: bool = False) -> str:
    if dollars is None or not signed:
        return _number(money(dollars))
    colour = "good" if dollars > 0 else "bad" if dollars < 0 else ""
    return f'<td class="number {colour}">{dollars:+,.2f}</td>'


def _list(sentences: Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(one)}</li>' for one in sentences)}</ul>"


def _image(png: bytes | None, what: str) -> str:
    """A picture within the page; nothing where there is none."""
    if png is None:
        return ""
    data = base64.b64encode(png).decode()
    return f'<div class="wide"><img alt="{escape(what)}" src="data:image/png;base64,{data}"></div>'
