"""Write the tables of OSC addresses into agent/osc/README.md: `python -m tests.measure.osc_tables`. A test compares them."""

from __future__ import annotations

import re
from pathlib import Path

from agent.osc.addresses import Row, incoming, outgoing, table

README = Path(__file__).resolve().parents[2] / "agent/osc/README.md"


def with_tables(text: str) -> str:
    """The text of the file with the tables as they are now."""
    rows: dict[str, list[Row]] = {"in": incoming(), "out": outgoing()}
    for name, found in rows.items():
        text = re.sub(
            rf"<!-- {name} -->\n.*?<!-- end -->",
            f"<!-- {name} -->\n{table(found)}<!-- end -->".replace("\\", r"\\"),
            text,
            flags=re.DOTALL,
        )
    return text


if __name__ == "__main__":
    README.write_text(with_tables(README.read_text(encoding="utf8")), encoding="utf8")
