"""What is played over: a chart, how its bars are traded, how long, and by what band. A plain record, and its form in a take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..charts.chart import Chart, ChartError
from ..charts.form_trading import AGENT, PLAYER, FormTrading, turn_bars
from ..charts.formats.text_form import read_text, write_text
from ..turns.trading import TradingForm
from .band import BandSettings

MOST_CHORUSES = 1000


@dataclass(frozen=True)
class ChartPlay:
    """`turns`: "half", "chorus" or "sections"; None: so many bars as the mode says. `choruses`: how many are played, None: endless.

    `band` is None where nobody but the two play. Raises UserError for what cannot be played.
    """

    chart: Chart
    turns: str | None = None
    is_agent_first: bool = False
    choruses: int | None = None
    band: BandSettings | None = field(default_factory=BandSettings)
    seed: int = 0

    def __post_init__(self) -> None:
        if len({bar.metre for bar in self.chart.bars}) > 1:
            raise ChartError(
                f"{self.chart.title} changes its metre, which nobody here can count yet; choose another chart."
            )
        if self.choruses is not None and not 1 <= self.choruses <= MOST_CHORUSES:
            raise ChartError(f"There are 1 to {MOST_CHORUSES} choruses; write --choruses 3.")
        turn_bars(self.trading(1).form, self.turns or 1)

    def trading(self, bars: int) -> FormTrading:
        """Whose bars are whose; `bars` each, unless `turns` says otherwise."""
        last = None if self.choruses is None else self.choruses - 1
        return FormTrading(self.chart, self.turns or bars, self.is_agent_first, last)

    def with_last_chorus(self, beat: float) -> ChartPlay:
        """The chorus of this beat is the last one (see `FormTrading.with_last`); where there was a last one already, go on without end."""
        if self.choruses is not None:
            return replace(self, choruses=None)
        last = self.trading(1).with_last(max(beat, 0.0)).last_chorus
        return replace(self, choruses=(last or 0) + 1)

    def row(self) -> dict[str, Any]:
        """What a replay must know, for JSON; the band decides nothing, and is left out."""
        return {
            "chart": write_text(self.chart),
            "turns": self.turns,
            "first": AGENT if self.is_agent_first else PLAYER,
            "choruses": self.choruses,
        }

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> ChartPlay:
        """The same without a band. Raises UserError for a row that is none."""
        return cls(read_text(str(row["chart"])), row["turns"], row["first"] == AGENT, row["choruses"], band=None)

    def transposed(self, steps: int) -> ChartPlay:
        """The same, so many semitones higher."""
        return replace(self, chart=self.chart.transpose(steps))


def trading_form(over: ChartPlay | None, bars: int, beats: int) -> TradingForm | FormTrading:
    """Turns over the chart, if there is one, else of so many bars without end."""
    return TradingForm(bars, beats) if over is None else over.trading(bars)
