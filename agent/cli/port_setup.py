"""The ports of a session, opened as the command line asks."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from ..demo_call import DemoInput, DemoOutput, written_call
from ..errors import UserError, hint
from ..midi import ports
from ..midi.hotplug import HotplugWatcher
from ..midi.hotplug_ports import HotplugInput
from ..midi.port_errors import NoMidiSystem
from ..midi.port_names import is_loopback, match_name, may_come
from ..midi.ports import InputPort, OutputPort


@dataclass(frozen=True)
class PortSetup:
    """Open ports. `watcher` is None where there is no MIDI system.

    `sources` names the inputs for the user. `is_own`: programs connect to our output, as we made it.
    """

    inputs: list[InputPort]
    output: OutputPort | None
    watcher: HotplugWatcher | None
    sources: list[str]
    is_own: bool


def demo_ports() -> PortSetup:
    """An input on which the written call is played, and an output that leads nowhere."""
    return PortSetup([DemoInput(written_call())], DemoOutput(), None, ["a written call"], is_own=True)


def open_ports(args: argparse.Namespace) -> PortSetup:
    """The ports that `play` was asked for; none where only the page is played. Raises UserError."""
    api = _find_api(args)
    if api is None:
        return PortSetup([], None, None, [], is_own=True)
    watcher = HotplugWatcher(api)
    if args.output is None and ports.has_virtual_ports(api):
        inputs = _open_inputs(args, watcher)
        output: OutputPort | None = watcher.open_output(None)
    else:  # first the output, as what it leads back to is not to be heard
        output = _open_output(args, watcher)
        inputs = _open_inputs(args, watcher)
    is_own = args.output is None and ports.has_virtual_ports(api)
    sources = [port.name + ("" if port.is_there else " (not there yet)") for port in inputs]
    return PortSetup([*inputs], output, watcher, sources, is_own)


def _find_api(args: argparse.Namespace) -> str | None:
    """The MIDI system; None where there is none, and the page is there to play on. Raises UserError."""
    try:
        return ports.find_api(args.api)
    except NoMidiSystem:
        if not args.page or args.api or args.input or args.output:
            raise
        return None


def _open_inputs(args: argparse.Namespace, watcher: HotplugWatcher) -> list[HotplugInput]:
    """The named input, which may come later, or a port of our own and every instrument. Raises UserError."""
    there = ports.list_ports(watcher.api)
    if args.input is not None:
        is_later = may_come(args.input, there.inputs)
        name = args.input if is_later else match_name(args.input, there.inputs, "input")
        return [watcher.open_input(name, waits=True)]
    watcher.opens_new = True
    inputs = [watcher.open_input(None)] if ports.has_virtual_ports(watcher.api) else []
    inputs += [watcher.open_input(name, waits=True) for name in watcher.instruments(there)]
    if not inputs and not args.page:
        raise UserError(
            f"No MIDI input is connected: plug a keyboard in, or hear it without one: {hint('demo')}"
            + ports.loopback_advice(watcher.api, [])
        )
    return inputs


def _open_output(args: argparse.Namespace, watcher: HotplugWatcher) -> OutputPort | None:
    """The named output; else the first that can be opened, loopback ports before others. Raises UserError."""
    if args.output is not None:
        return watcher.open_output(args.output)
    there = ports.list_ports(watcher.api).outputs
    refusal = UserError(
        f"No MIDI output is there: start a synth, or hear the demo: {hint('demo')}"
        + ports.loopback_advice(watcher.api, there)
    )
    for name in sorted(there, key=lambda n: not is_loopback(n)):
        try:
            return watcher.open_output(name)
        except UserError as error:  # another program has it
            refusal = error
    if args.page:
        return None
    raise refusal
