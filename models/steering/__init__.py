"""Steering: what an answer is drawn to besides what the network expects, term by term, and what is forbidden outright.

One interface (`base.Steering`), one order (`pipeline.PIPELINE`), one table of settings (`models.music.style_settings_table`).

To add a term, write its module and its test, and touch two files:

1. `models/music/style_settings_table.py`: a row, `Setting("drone", 0.5, 0.0, 4.0, "nats", "how much the lowest pitch
is favoured", "drone")`.
   From now on presets may set it, `--set drone=1` and `--without drone` work, and presets/README.md has it (`settings_table`).
2. `models/steering/pipeline.py`: `Drone()`, where its turn is in `PIPELINE`.

The module itself:

    class Drone:
        name = "drone"
        setting = TERMS[name]
        fields = frozenset({codec.PITCH})

        def prepare(self, call, style):             # once a call: the lowest pitch that tells its key, as an index
            return min(call.pitches) - LOWEST if call.pitches else None

        def __call__(self, logits, step, strength):  # for each note: pure, and the logits that are given stay as they are
            if step.prepared is None:
                return logits
            out = logits.copy()
            out[step.prepared] += strength
            return out
"""
