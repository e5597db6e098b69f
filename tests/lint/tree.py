# SPDX-License-Identifier: Apache-2.0
"""The files of the source tree, as git sees them, or by walking it where there is no git (a source archive)."""
import os
import pathlib
import subprocess

TEXT = (".h", ".cuh", ".cpp", ".cu", ".py", ".sh", ".txt", ".cmake", ".md", ".toml", ".json", ".in", ".svg", "run")
OURS = ("tests/lint/",)  # the rules name what they forbid
NOT_OURS = ("LICENSE",)


def paths(root):
    try:
        listed = subprocess.run(["git", "-C", str(root), "ls-files", "-co", "--exclude-standard"], check=True,
                                capture_output=True, text=True).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):
        listed = []
        for folder, folders, names in os.walk(root):
            folders[:] = [f for f in folders if f not in (".git", "build", "runs", "data", "__pycache__")]
            listed += [os.path.relpath(os.path.join(folder, name), root) for name in names]
    return sorted(path for path in set(listed) if (root / path).is_file())


def read(root):
    """{path: text} of the files that the rules look at."""
    root = pathlib.Path(root)
    return {path: (root / path).read_text(encoding="utf-8") for path in paths(root)
            if path.endswith(TEXT) and not path.startswith(OURS) and path not in NOT_OURS}
