"""The budgets of the benchmark: the limit of each figure, and whether a report keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Budget:
    """A figure of a report, and its limit. Limits are in the figure's own unit, as its key says (`_ms`, `_s`)."""

    name: str
    row: str  # the report's key
    figure: str  # of that row; "" where the row is a number itself
    limit: float
    least: bool = False  # the limit is a minimum

    def verdict(self, report: dict[str, Any]) -> dict[str, Any] | None:
        """Limit, measured figure, and whether it is within the limit; None where it was not measured."""
        row = report.get(self.row)
        measured = row.get(self.figure) if isinstance(row, dict) else row
        if measured is None:
            return None
        ok = measured >= self.limit if self.least else measured <= self.limit
        return {"limit": self.limit, "measured": measured, "ok": bool(ok)}


BUDGETS = (
    Budget("command to thru", "cold_start_s", "thru", 2.0),
    Budget("command to ready", "cold_start_s", "ready", 5.0),
    Budget("note, 512 of context, p50", "note_ms", "p50", 1.5),
    Budget("note, 512 of context, p99", "note_ms", "p99", 2.0),
    Budget("decision to first note, p99", "first_note_ms", "p99", 5.0),
    Budget("lateness, p50", "lateness_ms", "p50", 0.2),
    Budget("lateness, p99", "lateness_ms", "p99", 1.0),
    Budget("cut-in to last off, p99", "cut_in_ms", "p99", 5.0),
    Budget("stamp, p99", "stamp_ms", "p99", 0.2),
    Budget("thru, p99", "thru_ms", "p99", 0.5),
    Budget("window heard anew while playing, times", "musician", "anew", 0),
    Budget("notes ready in time, 12 a second", "ready_share", "", 0.9999, least=True),
    Budget("times as fast as torch, a note", "faster_than_torch", "", 5.0, least=True),
    Budget("twelve answers, times as fast as one by one", "side_by_side", "", 3.0, least=True),
    Budget("silence to a choice of twelve, p50", "silence_to_choice_ms", "p50", 350.0),
    Budget("an answer is chosen from, p50", "chosen_from", "p50", 8, least=True),
    Budget("a step, beside reading its memory once, times", "over_limit", "", 2.0),
)
BUSY = "one core busy: "  # how the names of those begin that are measured beside a busy program
EFFECTS = {
    "it takes long to start": ("command to",),
    "your own keys may sound late": ("thru,", "stamp,"),
    "its notes may sound late": ("lateness",),
    "it may go on for a moment when you cut in": ("cut-in",),
    "it has fewer answers to choose from": ("chosen from", "choice of twelve"),
    "it may answer late or with fewer notes": ("note,", "first note", "ready in time", "heard anew"),
}
"""What a player hears of budgets that are missed, with parts of their names. Other budgets compare, and are not heard."""
#: The same at p95 while another process keeps one core busy.
BUSY_BUDGETS = (
    *(
        Budget(
            f"{BUSY}{b.name.replace('p99', 'p95')}", b.row, "p95" if b.figure == "p99" else b.figure, b.limit, b.least
        )
        for b in BUDGETS
        if b.figure == "p99" or b.row == "ready_share"
    ),
    Budget(f"{BUSY}an answer is chosen from, p50", "chosen_from", "p50", 4, least=True),
)


def verdicts(report: dict[str, Any], hogged: dict[str, Any] | None) -> dict[str, dict[str, Any]]:
    """The verdict on every budget that was measured, by name. `hogged`: the report with one core busy."""
    found = {b.name: b.verdict(report) for b in BUDGETS}
    if hogged is not None:
        found |= {b.name: b.verdict(hogged) for b in BUSY_BUDGETS}
    return {name: verdict for name, verdict in found.items() if verdict is not None}


def conclusion(budgets: dict[str, dict[str, Any]]) -> str:
    """One sentence for a player on the verdicts: what is heard of those that were missed, and what helps."""
    missed = [name for name, verdict in budgets.items() if not verdict["ok"]]
    calm = [name for name in missed if not name.startswith(BUSY)]
    heard = [words for words, parts in EFFECTS.items() if any(part in name for name in calm for part in parts)]
    if heard:
        return f"On this computer {' and '.join(heard)}: close other programs, use mains power, and measure again."
    if any(name.startswith(BUSY) for name in missed):
        return "This computer answers in time as long as no other program works hard: close others while you play."
    if missed:
        return "This computer answers in time; what was missed is not heard."
    return "This computer answers in time, also while another program works hard."


def table(report: dict[str, Any]) -> str:
    """The report as a table of text."""
    lines = [f"{report['machine']} · engine {report['engine']}", ""]
    lines.append("".ljust(34) + "".join(n.rjust(9) for n in ("p50", "p95", "p99", "max")))
    for where in ("", "hogged"):
        rows = report.get(where, {}) if where else report
        for key, row in rows.items():
            if key.endswith("_ms") and isinstance(row, dict) and "p50" in row:
                name = f"{'one core busy: ' if where else ''}{key.removesuffix('_ms').replace('_', ' ')}, ms"
                lines.append(name.ljust(34) + "".join(f"{row[n]:9.3f}" for n in ("p50", "p95", "p99", "max")))
    if report.get("musician"):
        lines.append("the musician, notes or times: " + ", ".join(f"{k} {n}" for k, n in report["musician"].items()))
    for where, name in (("", ""), ("hogged", BUSY)):
        if choice := (report.get(where, {}) if where else report).get("chosen_from"):
            lines.append(f"{name}{choice['answers']} answers, chosen from {choice['p50']}, at least {choice['least']}")
    if "side_by_side" in report:
        lines.append(f"twelve answers side by side are {report['side_by_side']:.1f} times as fast as one after another")
    if report.get("rss_mb"):
        lines.append(f"memory, MB: {report['rss_mb']['start']:.0f} at first, {report['rss_mb']['end']:.0f} at last")
    if "over_limit" in report:
        lines.append(f"a step takes {report['over_limit']:.1f} times what reading weights and memory once takes")
    if "not_compared" in report:
        lines.append(f"not compared with torch: {report['not_compared']}")
    lines.append("")
    for name, v in report["budgets"].items():
        lines.append(f"{'ok    ' if v['ok'] else 'MISSED'} {name}: {v['measured']:.4g}, budget {v['limit']:g}")
    return "\n".join([*lines, "", conclusion(report["budgets"])])
