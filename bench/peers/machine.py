# SPDX-License-Identifier: Apache-2.0
"""What measurements ran on. No names of machines, users or folders: results are published."""
import os
import pathlib
import platform
import re
import subprocess


def first_match(path, pattern):
    try:
        found = re.search(pattern, pathlib.Path(path).read_text(), re.MULTILINE)
    except OSError:
        return None
    return found.group(1) if found else None


def output_of(*command, cwd=None):
    try:
        return subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def gpu():
    """Name and driver of the GPU, None without one."""
    found = output_of("nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader")
    return found.splitlines()[0].replace(", ", ", driver ") if found else None


def describe(fovea, repository):
    """Processor, GPU, memory, system; the version and commit of Fovea, with '+' when files differ from the commit."""
    commit = output_of("git", "rev-parse", "HEAD", cwd=repository)
    changed = output_of("git", "status", "--porcelain", "--untracked-files=no", cwd=repository)
    memory = first_match("/proc/meminfo", r"^MemTotal:\s+(\d+) kB")
    return {"cpu": first_match("/proc/cpuinfo", r"^model name\s*: (.+)$") or platform.processor(),
            "cpu_flags": [flag for flag in ["avx2", "avx512f", "avx512_bf16", "amx_bf16"]
                          if first_match("/proc/cpuinfo", rf"^flags\s*:.*\b({flag})\b")],
            "gpu": gpu(),
            "cores": len(os.sched_getaffinity(0)),
            "memory_bytes": int(memory) * 1024 if memory else None,
            "system": f"{platform.system()} {platform.release()}",
            "load_average": os.getloadavg()[0],
            "fovea": output_of(fovea, "--version"),
            "commit": commit + ("+" if changed else "") if commit else None}
