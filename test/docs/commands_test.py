"""Runs every ```sh block of README.md, CONTRIBUTING.md and docs/*.md, in order, each page in a folder of its own
that looks like the project's root. ./dev and cmake lines are only checked to name verbs and presets that exist:
this very test runs inside them."""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

tessera, root = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
verbs = set(re.findall(r"^  (\w+) +\S", subprocess.run([root / "dev", "help"], capture_output=True, text=True).stdout, re.M))
presets = {p["name"] for p in json.loads((root / "CMakePresets.json").read_text())["configurePresets"] if not p.get("hidden")}
failures, ran = [], 0
for page in [root / "README.md", root / "CONTRIBUTING.md", *sorted((root / "docs").glob("*.md"))]:
    if not page.exists():
        failures.append(f"{page.name} is missing")
        continue
    with tempfile.TemporaryDirectory() as work:
        for name in ("models", "tools", "docs", "test", "tessera", "dev"):
            os.symlink(root / name, pathlib.Path(work, name))
        pathlib.Path(work, "build").mkdir()
        os.symlink(tessera.parent, pathlib.Path(work, "build/bin"))
        environment = dict(os.environ, PATH=f"{tessera.parent}:{os.environ['PATH']}")
        for block in re.findall(r"^```sh\n(.*?)^```", page.read_text(), re.M | re.S):
            script = []
            for line in block.replace("\\\n", " ").splitlines():
                if match := re.match(r"\s*\./dev (\w+)(?: --preset (\w+))?", line):
                    if match.group(1) not in verbs:
                        failures.append(f"{page.name}: ./dev has no verb '{match.group(1)}'")
                    if match.group(2) and match.group(2) not in presets:
                        failures.append(f"{page.name}: no preset '{match.group(2)}'")
                elif match := re.match(r"\s*cmake --preset (\w+)", line):
                    if match.group(1) not in presets:
                        failures.append(f"{page.name}: no preset '{match.group(1)}'")
                elif re.match(r"\s*(cmake|ctest|git|cd|sudo|apt-get) ", line):
                    pass
                elif line.strip():
                    script.append(line)
            ran += len(script)
            if script:
                result = subprocess.run(["bash", "-euc", "\n".join(script)], cwd=work, env=environment, text=True,
                                        capture_output=True, stdin=subprocess.DEVNULL)
                if result.returncode:
                    failures.append(f"{page.name}:\n{chr(10).join(script)}\n{result.stdout[-1500:]}{result.stderr[-1500:]}")
print(f"{ran} commands of the documents ran")
if failures:
    sys.exit("\n".join(failures))
