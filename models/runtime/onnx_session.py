"""ONNX Runtime as we use it: one thread, and arrays that stay where they lie, so that nothing is passed at a run.

Every module takes the runtime from here. By itself it reports to its maker over the network, and writes a number for this device into the
user's home. It must be told not to before it is imported.
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

# One step's attention is a row times a matrix. The plain kernel has a quick product for that; the one in blocks, for many steps, has none.
# The variable is read when a session is made.
os.environ.setdefault("ORT_GQA_DISABLE_FLASH_ATTENTION", "1")

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class BoundRun:
    """A session, and the arrays that it reads and writes. To change an array in place is to change what the next run reads."""

    session: Any
    binding: Any
    inputs: Arrays
    outputs: Arrays

    def __call__(self) -> None:
        """Run. Raises what the runtime raises."""
        self.session.run_with_iobinding(self.binding)


def create_session(model: bytes, threads: int = 1) -> Any:
    """An inference session on the CPU, of a model as the bytes of its file."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors only
    options.enable_mem_pattern = False  # the number of steps differs from run to run
    # The system allocates the little that a step needs as quickly, and a step takes 2 % less.
    options.enable_cpu_mem_arena = False
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def bind_arrays(session: Any, inputs: Arrays, outputs: Arrays) -> BoundRun:
    """A run of the session on these contiguous arrays, by the names of inputs and outputs. One array may be both."""
    binding = session.io_binding()
    for bind, arrays in ((binding.bind_input, inputs), (binding.bind_output, outputs)):
        for name, array in arrays.items():
            bind(name, "cpu", 0, array.dtype, array.shape, array.ctypes.data)
    return BoundRun(session, binding, inputs, outputs)
