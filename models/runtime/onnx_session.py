"""ONNX Runtime as we use it: one thread, and numbers that lie where they always lie, so that a run is handed nothing.

Knows nothing of what a graph computes. Whoever needs the runtime takes it from here. On its own it reports to its maker over the network,
and writes a device's number into the user's home. It must be told not to before it is imported.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime

if hasattr(onnxruntime, "disable_telemetry_events"):
    onnxruntime.disable_telemetry_events()

# One step's attention is a row times a matrix. The plain way has a quick product for that; the one in blocks, for many steps, has none.
# It is read when a session is made.
os.environ.setdefault("ORT_GQA_DISABLE_FLASH_ATTENTION", "1")

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Run:
    """A session, and the memory that it reads and writes. Who changes an array in place changes what the next run reads."""

    session: Any
    binding: Any
    given: Arrays
    made: Arrays

    def __call__(self) -> None:
        """Run. Raises what the runtime raises."""
        self.session.run_with_iobinding(self.binding)


def session(model: bytes, threads: int = 1) -> Any:
    """A session of a model's bytes."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    options.enable_mem_pattern = False  # the number of steps differs from run to run
    options.enable_cpu_mem_arena = (
        False  # the system gives out what little a step needs as quickly, and a step takes 2 % less
    )
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def bound(session: Any, given: Arrays, made: Arrays) -> Run:
    """A run of the session on these contiguous arrays, by the names of inputs and outputs. One may be both."""
    binding = session.io_binding()
    for bind, arrays in ((binding.bind_input, given), (binding.bind_output, made)):
        for name, array in arrays.items():
            bind(name, "cpu", 0, array.dtype, array.shape, array.ctypes.data)
    return Run(session, binding, given, made)
