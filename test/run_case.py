#!/usr/bin/env python3
"""Runs one .case file: run_case.py TESSERA FILE.case. Lines:

    # comment
    NEEDS mount|shared          skip with a reason unless that is there
    SETUP shell command         must succeed
    RUN shell command           the command under test; `tessera` is on the PATH
    EXIT n                      its exit code (default 1)
    SAYS text                   standard error (or output) holds this text; several lines allowed
    SILENT text                 ... and not this one
    ABSENT path                 this file must not exist afterwards, nor any temporary file beside it
    KEPT path                   this file must be as SETUP left it

Each case runs in a fresh folder."""
import hashlib
import os
import pathlib
import subprocess
import sys
import tempfile


def main():
    tessera, case = (pathlib.Path(a).resolve() for a in sys.argv[1:3])
    root = case.parent.parent.parent
    shared = root.parent / "shared"
    lines = [l.rstrip("\n") for l in case.read_text().splitlines()]
    lines = [tuple(l.split(" ", 1)) for l in lines if l.strip() and not l.startswith("#")]
    for word, rest in lines:
        if word == "NEEDS":
            if rest == "shared" and not shared.is_dir():
                skip("no shared/ folder beside the project")
            if rest == "mount" and subprocess.run(
                    ["bash", "-c", "d=$(mktemp -d) && mount -t tmpfs none $d && umount $d && rmdir $d"],
                    capture_output=True).returncode:
                skip("no right to mount a small file system")
    environment = dict(os.environ, PATH=f"{tessera.parent}:{os.environ['PATH']}", MODELS=str(root / "models"),
                       SHARED=str(shared), SOURCE=str(root))
    with tempfile.TemporaryDirectory() as work:
        def shell(command):
            return subprocess.run(["bash", "-c", command], cwd=work, env=environment, text=True,
                                  stdin=subprocess.DEVNULL, capture_output=True, timeout=110)
        for word, rest in lines:
            if word == "SETUP":
                result = shell(rest)
                if result.returncode:
                    fail(f"SETUP failed: {rest}\n{result.stdout}{result.stderr}")
        kept = {rest: digest(pathlib.Path(work, rest)) for word, rest in lines if word == "KEPT"}
        command = next(rest for word, rest in lines if word == "RUN")
        result = shell(command)
        text = result.stderr + result.stdout
        expected = int(next((rest for word, rest in lines if word == "EXIT"), 1))
        problems = []
        if result.returncode != expected:
            problems.append(f"exit code {result.returncode}, expected {expected}")
        for word, rest in lines:
            if word == "SAYS" and rest not in text:
                problems.append(f"does not say: {rest}")
            if word == "SILENT" and rest in text:
                problems.append(f"says: {rest}")
            if word == "ABSENT":
                path = pathlib.Path(work, rest)
                if path.exists():
                    problems.append(f"left {rest} behind")
                if path.parent.is_dir() and (left := [p.name for p in path.parent.iterdir() if ".tmp" in p.name]):
                    problems.append(f"left temporary files behind: {left}")
        for path, before in kept.items():
            if digest(pathlib.Path(work, path)) != before:
                problems.append(f"changed {path}")
        if problems:
            fail("\n".join(problems) + f"\n$ {command}\n{text}")
        print(text)


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


def skip(reason):
    print("skipped:", reason)
    sys.exit(77)


def fail(message):
    print(message)
    sys.exit(1)


if __name__ == "__main__":
    main()
