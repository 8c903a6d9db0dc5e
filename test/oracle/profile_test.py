"""Our compiler_profile text of the vendor's bmodels against the vendor's own, number by number. TESSERA_VENDOR_BMODELS
may name a folder with more of them: folders that hold a .bmodel and its compiler_profile_0.txt."""
import os
import pathlib
import re
import subprocess
import sys

tessera, root = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
cases = root.parent / "shared/oracle/cases"
if not cases.is_dir():
    print(f"needs {cases}, which is not part of the project")
    sys.exit(77)
ROW = re.compile(r"\S+?\|(\w+)\|s:(\d+)\|b:(\d+)\|g:(\d+)\|e:(\d+)\|t:(\d+)(?:\|dr:(\d)\|sz:(\d+)\|bw:([\d.]+))?")
ENDS = re.compile(r"^(API_END .*|TCYC .*|GDMA SUMMARY .*|DDR BW USAGE .*|ENGINE_BD +ENGINE_GDMA +)$", re.M)


def words(line):
    return " ".join(line.split())


rows, bmodels = 0, 0
more = os.environ.get("TESSERA_VENDOR_BMODELS")
for folder in sorted(f for d in (cases, more) if d for f in pathlib.Path(d).iterdir()
                     if (f / "compiler_profile_0.txt").is_file() and list(f.glob("*.bmodel"))):
    model = next(folder.glob("*.bmodel"))
    ours = subprocess.run([tessera, "profile", model, "--format", "text"], check=True, capture_output=True, text=True).stdout
    theirs = (folder / "compiler_profile_0.txt").read_text()
    a, b = (sorted(ROW.findall(t), key=lambda r: (bool(r[6]), int(r[3 if r[6] else 2]))) for t in (ours, theirs))
    assert len(a) == len(b), f"{folder.name}: {len(a)} rows, the vendor has {len(b)}"
    for x, y in zip(a, b):
        assert x == y, f"{folder.name}: {x}, the vendor has {y}"
    ends = [[words(l) for l in ENDS.findall(t)] for t in (ours, theirs)]
    assert ends[0] == ends[1], f"{folder.name}: {ends}"
    assert re.search(r"runtime: ([\d.]+)ms", ours)[1] == re.search(r"runtime: ([\d.]+)ms", theirs)[1]
    rows, bmodels = rows + len(a), bmodels + 1
print(f"profile: {rows} rows and all totals of {bmodels} bmodels equal")
