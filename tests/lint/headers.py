#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every header compiles alone, twice included: headers.py ROOT COMPILER [FLAG...]

The device headers are compiled as the emulator sees them, so that no CUDA toolkit is needed; headers that only nvcc or
the library engine read are named in DEVICE_ONLY.
"""
import concurrent.futures
import pathlib
import subprocess
import sys

import tree

FOLDERS = ("core/", "cpu_reference/", "cuda/", "cli/", "tests/support/")
DEVICE_ONLY = ("cuda/cudnn/", "cuda/runtime/cuda_")  # need the toolkit's headers
EMULATED = ["-DFOVEA_TARGET=emu", "-DFOVEA_EMU=1"]


def compiles(root, header, compiler, flags):
    """None when `header` compiles alone, else the compiler's first lines."""
    source = f'#include "{header}"\n#include "{header}"\nint main() {{ return 0; }}\n'
    emulated = EMULATED if header.startswith("cuda/") else []
    command = [compiler, "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", f"-I{root}", *flags, *emulated,
               "-x", "c++", "-"]
    ran = subprocess.run(command, input=source, capture_output=True, text=True)
    return None if ran.returncode == 0 else "\n".join(ran.stderr.splitlines()[:5])


def check(root, headers, compiler, flags):
    with concurrent.futures.ThreadPoolExecutor() as pool:
        errors = pool.map(lambda header: compiles(root, header, compiler, flags), headers)
        return {header: error for header, error in zip(headers, errors) if error}


def main(root, compiler, flags):
    headers = [path for path in tree.paths(root)
               if path.endswith((".h", ".cuh")) and path.startswith(FOLDERS) and not path.startswith(DEVICE_ONLY)]
    broken = check(root, headers, compiler, flags)
    for header, error in broken.items():
        print(f"{header}: does not compile alone\n{error}")
    print(f"headers: {len(headers)} checked, {len(broken)} broken")
    return 1 if broken or not headers else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3:]))
