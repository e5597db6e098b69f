#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every header compiles alone, twice included: headers.py ROOT WORK_DIR COMPILER [FLAG...]

The device headers are compiled as the emulator sees them, so that no CUDA toolkit is needed; those that the toolkit or
the library engine alone can read are left out, and those of cpu/ where scripts/fetch_onednn.sh was not run. With ccache
a second run is quick.
"""
import concurrent.futures
import os
import pathlib
import shutil
import subprocess
import sys

import tree

FOLDERS = ("core/", "cpu_reference/", "cpu/", "cuda/", "cli/", "tests/support/")
DEVICE_ONLY = ("cuda/cudnn/", "cuda/runtime/cuda_")
ONEDNN = "third_party/onednn/include"
EMULATED = ["-DFOVEA_TARGET=emu", "-DFOVEA_EMU=1"]


def compiles(root, work, header, compiler, flags):
    """None when `header` compiles alone, else the compiler's first lines."""
    source = pathlib.Path(work) / (header.replace("/", "_") + ".cpp")
    source.write_text(f'#include "{header}"\n#include "{header}"\n')
    emulated = EMULATED if header.startswith("cuda/") else []
    cached = ["ccache"] if shutil.which("ccache") else []
    command = [*cached, compiler, "-std=c++20", "-O0", "-Wall", "-Wextra", "-Wno-unknown-pragmas", "-Werror",
               f"-I{root}", *flags, *emulated,
               "-c", str(source), "-o", str(source) + ".o"]
    ran = subprocess.run(command, capture_output=True, text=True)
    return None if ran.returncode == 0 else "\n".join(ran.stderr.splitlines()[:5])


def check(root, work, headers, compiler, flags):
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        errors = pool.map(lambda header: compiles(root, work, header, compiler, flags), headers)
        return {header: error for header, error in zip(headers, errors) if error}


def main(root, work, compiler, flags):
    work.mkdir(parents=True, exist_ok=True)
    headers = [path for path in tree.paths(root)
               if path.endswith((".h", ".cuh")) and path.startswith(FOLDERS) and not path.startswith(DEVICE_ONLY)]
    if (root / ONEDNN).is_dir():
        flags = [*flags, "-isystem", str(root / ONEDNN)]
    else:
        headers = [path for path in headers if not path.startswith("cpu/")]
    broken = check(root, work, headers, compiler, flags)
    for header, error in broken.items():
        print(f"{header}: does not compile alone\n{error}")
    print(f"headers: {len(headers)} checked, {len(broken)} broken")
    return 1 if broken or not headers else 0


if __name__ == "__main__":
    if len(sys.argv) < 4:
        print(__doc__.splitlines()[0], file=sys.stderr)
        sys.exit(2)
    sys.exit(main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3], sys.argv[4:]))
