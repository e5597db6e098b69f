#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Installs Fovea to a temporary prefix, moves it, and builds and runs project/ against it, offline:

    consumer_test.py CMAKE BUILD_DIR CXX_COMPILER [CMAKE_ARGUMENT...]
"""
import pathlib
import subprocess
import sys
import tempfile


def run(*command):
    print("+", *command, flush=True)
    subprocess.run([str(word) for word in command], check=True)


def main(cmake, build, compiler, arguments):
    source = pathlib.Path(__file__).parent / "project"
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        run(cmake, "--install", build, "--prefix", folder / "first")
        prefix = (folder / "first").rename(folder / "moved")  # an installation must not know where it lies
        for exported in prefix.rglob("*.cmake"):
            if str(build) in exported.read_text():
                print(f"{exported}: names the build directory")
                return 1
        run(cmake, "-S", source, "-B", folder / "build", "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}",
            f"-DCMAKE_CXX_COMPILER={compiler}", "-DCMAKE_BUILD_TYPE=Release", *arguments)
        run(cmake, "--build", folder / "build")
        run(folder / "build" / "consumer")
        if (prefix / "bin" / "fovea").exists():
            run(prefix / "bin" / "fovea", "--version")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]))
