"""What the numbers were measured on: nothing that names the machine or its folders."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
from c_rival import FLAGS, gcc_version

PACKAGES = ("samdyn", "torch", "numpy", "scipy", "sympy", "diffrax", "jax", "torchsde")


def machine() -> dict[str, Any]:
    """Return CPU, cores, threads, versions, the load before the measurement, and the date."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "torch threads": torch.get_num_threads(),
        "load before": os.getloadavg()[0],
        "versions": {
            "python": platform.python_version(),
            "gcc": gcc_version(),
            **{package: _version(package) for package in PACKAGES},
        },
        "gcc flags": " ".join(FLAGS),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:  # a system without it
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
