"""Where the vendor's tools are, if they are installed, and helpers for tests that use them as instruments."""
import os
import pathlib
import subprocess
import sys


def skip(reason):
    print("skipped:", reason)
    sys.exit(77)


def find_shared(root):
    shared = root.parent / "shared"
    if not (shared / "oracle/cases").is_dir():
        skip("no shared/oracle beside the project")
    return shared


def find_vendor():
    """The folder that shared/oracle/setup.sh --full filled: $TESSERA_ORACLE, else the acceptance checks' cache."""
    for folder in (os.environ.get("TESSERA_ORACLE"), pathlib.Path.home() / ".cache/tessera-accept/oracle"):
        if folder and pathlib.Path(folder, "venv/bin/model_runner").is_file():
            return pathlib.Path(folder, "venv/bin")
    skip("the vendor's tools are not installed (set TESSERA_ORACLE to the folder of oracle/setup.sh --full)")


def run(*command, cwd=None, path=None):
    environment = dict(os.environ)
    if path:
        environment["PATH"] = f"{path}:{environment['PATH']}"
    result = subprocess.run([str(c) for c in command], cwd=cwd, env=environment, text=True, capture_output=True,
                            stdin=subprocess.DEVNULL)
    if result.returncode:
        sys.exit(f"$ {' '.join(str(c) for c in command)}\n{result.stdout[-3000:]}{result.stderr[-3000:]}")
    return result.stdout
