"""fit-cycles on the vendor's own profiles: from constants that are all wrong it finds ones that give every command and
every total exactly; from the right ones it changes nothing."""
import json
import pathlib
import subprocess
import sys
import tempfile
from fractions import Fraction

tessera, root = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
cases = root.parent / "shared/oracle/cases"
if not cases.is_dir():
    print(f"needs {cases}, which is not part of the project")
    sys.exit(77)
arguments = []
for folder in sorted(f for f in cases.iterdir() if f.is_dir()):
    arguments += [folder / "compiler_profile_0.txt", "--model", next(folder.glob("*.bmodel"))]


def fit(base, output, *flags):
    return subprocess.run([tessera, "fit-cycles", *arguments, "--cycles", base, "-o", output, "--json", "--quiet", *flags],
                          capture_output=True, text=True)


with tempfile.TemporaryDirectory() as work:
    work = pathlib.Path(work)
    vendor = "tpu-mlir-1.30.2"
    same = fit(vendor, work / "same.json")
    assert same.returncode == 0, same.stderr
    assert all(k["how"] == "kept" and k["exact"] == k["rows"] for k in json.loads(same.stdout)["kinds"]), same.stdout
    right = json.loads((work / "same.json").read_text())
    built_in = json.loads((root / f"tessera/cycles/presets/{vendor}.json").read_text())
    for kind, cost in built_in["costs"].items():
        assert {k: Fraction(v) for k, v in cost.items()} == {k: Fraction(v) for k, v in right["costs"][kind].items()}, kind

    wrong = dict(right, name="wrong", costs={})
    for kind, cost in right["costs"].items():
        wrong["costs"][kind] = {"start_cycles": 17, **{unit: 7 for unit in cost}}
    (work / "wrong.json").write_text(json.dumps(wrong))
    refused = fit(work / "wrong.json", work / "fitted.json")
    assert refused.returncode == 1 and "not-identified" in refused.stderr, refused.stderr
    assert not (work / "fitted.json").exists()
    # Kinds of one size only: told by name, given by hand.
    alone = [line.split("not-identified]: ")[1].split(":")[0] for line in refused.stderr.splitlines() if "not-identified" in line]
    for kind in alone:
        wrong["costs"][kind] = right["costs"][kind]
    (work / "wrong.json").write_text(json.dumps(wrong))
    fitted = fit(work / "wrong.json", work / "fitted.json")
    assert fitted.returncode == 0, fitted.stderr
    said = json.loads(fitted.stdout)
    for kind in said["kinds"]:
        assert kind["how"] == ("kept" if kind["kind"] in alone else "exact") and kind["exact"] == kind["rows"], kind
    for profile in said["profiles"]:
        assert profile["measured"] == profile["estimated"], profile
    print(f"fit-cycles: {sum(k['rows'] for k in said['kinds'])} commands of {len(said['profiles'])} profiles and their totals "
          f"exact from wrong constants, {len(said['kinds']) - len(alone)} kinds fitted, {len(alone)} of one size refused")
