"""What the names of ports tell: which are the same thing, which are instruments, and which lead back to us. Pure.

Each MIDI system has its own way to name ports. ALSA adds numbers of client and port (`Keys:Keys MIDI 1 24:0`), Windows the place in its
list (`Keys 1`), JACK's bridges a client number in brackets. These numbers change when a thing is plugged in again.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Sequence

from ..errors import UserError

MOVING_NUMBERS = {"alsa": r" \d+:\d+$", "winmm": r" \d+$", "jack": r" \[\d+\]", "coremidi": r" #\d+$"}
"""What a system, or we, add to a name, and what changes when the same thing is plugged in again."""
ALSA_KERNEL_CLIENTS = range(1, 128)  # numbers of hardware; programs have higher ones (the ALSA sequencer's convention)
#: JACK clients that stand for hardware: JACK's own driver, the bridges to ALSA, and PipeWire's.
JACK_BRIDGES = ("system:", "a2j:", "Midi-Bridge:", "alsa_midi:", "bluez_midi")
#: Instruments that a program of the system brings: over Bluetooth, over the network, or played on the screen.
PROGRAMS_OF_INSTRUMENTS = re.compile(
    r"bluetooth|\bBLE\b|^rtpmidi|\bVMPK\b|virtual (midi )?(piano|keyboard)", re.IGNORECASE
)
NOT_AN_INSTRUMENT = re.compile(r"midi through|:Network( Export)?\b", re.IGNORECASE)
#: A second port of a keyboard that talks to a DAW: transport keys, pads that light, faders. Surely one, and one only beside another port.
SURELY_CONTROL = re.compile(r"MCU|\bHUI\b|Mackie|InControl", re.IGNORECASE)
MAYBE_CONTROL = re.compile(
    r"\bDAW\b|\bEditor\b|\bCTRL\b|\bRemote\b|\bALV\b|\b(Live|User|Software|Control) Port\b", re.IGNORECASE
)
LOOPBACK = re.compile(r"loop ?(midi|back)|midi services|default app loopback", re.IGNORECASE)
MAC_BUS = re.compile(r"\bIAC\b")  # Apple's own loopback
PAIR = re.compile(
    r"(.*)\(([AB])\)$"
)  # two ends of a loopback of Windows MIDI Services: what goes in at A comes out at B
ALMOST = 0.8  # of the letters are right: a slip, and no other name


def stable_name(name: str, api: str) -> str:
    """A port's own name, without the numbers that move."""
    return re.sub(MOVING_NUMBERS.get(api, r"$^"), "", name)


def numbered(names: Sequence[str]) -> list[str]:
    """The names, the second and later ones of the same text with a number: macOS calls two keyboards of one kind the same."""
    counts: dict[str, int] = {}
    found = []
    for name in names:
        counts[name] = counts.get(name, 0) + 1
        found.append(name if counts[name] == 1 else f"{name} #{counts[name]}")
    return found


def match_name(name: str, names: Sequence[str], kind: str) -> str:
    """The one of `names` that is `name`, or that alone contains it. `kind` is "input" or "output". Raises UserError."""
    if name in names:
        return name
    containing = [n for n in names if name.lower() in n.lower()]
    if len(containing) == 1:
        return containing[0]
    close = containing or difflib.get_close_matches(name, names, 3, 0.3) or list(names)
    advice = f"did you mean {' or '.join(repr(n) for n in close[:3])}?" if close else f"there is no {kind} at all."
    problem = "fits several" if containing else "was not found"
    raise UserError(f"The {kind} {name!r} {problem}: {advice}")


def may_come(name: str, names: Sequence[str]) -> bool:
    """Whether `name` is nothing that is there, nor a slip of the pen for it: it may be plugged in later."""
    wanted = name.lower()
    for there in (n.lower() for n in names):
        if wanted in there:
            return False
        if set(re.findall(r"\d+", wanted)) - set(re.findall(r"\d+", there)):
            continue  # another model
        starts = (0, *(m.end() for m in re.finditer(r"[\s:]+", there)))
        if any(difflib.SequenceMatcher(None, wanted, there[at : at + len(name)]).ratio() >= ALMOST for at in starts):
            return False
    return True


def instruments(names: Sequence[str], api: str, hardware: Collection[str] = ()) -> list[str]:
    """The inputs that are instruments, as far as names tell. `hardware`: those that the system itself calls so."""
    found = [name for name in names if not NOT_AN_INSTRUMENT.search(name) and _is_instrument(name, api, hardware)]
    own = [name for name in found if not SURELY_CONTROL.search(name) and not MAYBE_CONTROL.search(name)]
    return [name for name in found if name in own or not _is_beside(name, own)]


def is_loopback(name: str) -> bool:
    """Whether a Windows port leads to other programs: loopMIDI's, or that of Windows MIDI Services."""
    return bool(LOOPBACK.search(name))


def leads_back(source: str, output: str, api: str) -> bool:
    """Whether what is played to `output` comes in again at the input `source`."""
    source = stable_name(source, api)
    output = stable_name(output, api)
    if api == "winmm":
        here = PAIR.match(source)
        there = PAIR.match(output)
        if here and there and is_loopback(output):
            return here[1] == there[1] and here[2] != there[2]
        return source == output and is_loopback(output)
    return api == "coremidi" and source == output and bool(MAC_BUS.search(output))


def _is_instrument(name: str, api: str, hardware: Collection[str]) -> bool:
    if name in hardware:
        return True
    if api == "alsa":
        client = re.search(r"\b(\d+):\d+$", name)
        is_kernel = client is not None and int(client[1]) in ALSA_KERNEL_CLIENTS
        return is_kernel or bool(PROGRAMS_OF_INSTRUMENTS.search(name))
    if api == "jack":
        bridge = next((b for b in JACK_BRIDGES if name.startswith(b)), None)
        # A bridge that tells hardware from programs is believed.
        return bridge is not None and not any(other.startswith(bridge) for other in hardware)
    return True


def _is_beside(name: str, own: Sequence[str]) -> bool:
    """Whether a control port is a second one: beside a port of the same thing, or, where it is surely one, beside any other."""
    if SURELY_CONTROL.search(name):
        return bool(own)
    return any(_first_word(name) == _first_word(other) for other in own)


def _first_word(name: str) -> str:
    """The first word of a thing's own name, without the bridge's and Windows' additions."""
    for bridge in JACK_BRIDGES:
        name = name.removeprefix(bridge)
    name = re.sub(r"^MIDI(IN|OUT)\d+ \(", "", name)
    return re.split(r"[\s:]+", name.strip().lower(), maxsplit=1)[0]
