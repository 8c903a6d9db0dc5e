#!/usr/bin/env python3
"""Checks the uses between rooms against the table in docs/architecture.md: every #include "tessera/..." and
every USES of a tessera_room() must be allowed, directly or through a room that is; the base rooms never include
MLIR, nor does the program that starts at once; each room folder is in the table. Prints every offence; exit code 1 if there is any."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
WITHOUT_MLIR = {"support", "numerics", "tensor", "image", "synth", "chip", "isa", "bmodel", "cycles", "profile", "sim",
                "runtime", "debug", "interpret/kernels", "codegen", "schedule", "emit", "explain", "driver/model", "evaluate", "cli"}
HALVES = {"base", "chip", "compiler", "product"}


def read_table():
    allowed = {}
    for line in (ROOT / "docs/architecture.md").read_text().splitlines():
        cells = [c.strip() for c in line.strip().strip("|").split("|")]
        if len(cells) == 4 and cells[0] in HALVES:
            allowed[cells[1].strip("`")] = [u.strip() for u in cells[3].split(",") if u.strip()]
    return allowed


def close(allowed):
    """All rooms that each room may use, transitively."""
    closed = {}

    def visit(room, path):
        if room in path:
            sys.exit(f"docs/architecture.md: rooms use each other in a circle: {' -> '.join(path + [room])}")
        if room not in closed:
            if room not in allowed:
                sys.exit(f"docs/architecture.md: room '{room}' is used but has no row")
            uses = set(allowed[room])
            for used in allowed[room]:
                uses |= visit(used, path + [room])
            closed[room] = uses
        return closed[room]

    for room in allowed:
        visit(room, [])
    return closed


def room_of(path, rooms):
    """The longest room that is a folder of `path` (relative to tessera/)."""
    parts = path.split("/")[:-1]
    while parts:
        if "/".join(parts) in rooms:
            return "/".join(parts)
        parts.pop()
    return None


def main():
    rooms = close(read_table())
    offences = []
    source = ROOT / "tessera"
    for cmake in sorted(source.rglob("CMakeLists.txt")):
        room = str(cmake.parent.relative_to(source))
        text = cmake.read_text()
        if room == "." or "tessera_room(" not in text:
            continue
        if room not in rooms:
            offences.append(f"tessera/{room}: has no row in docs/architecture.md")
            continue
        match = re.search(r"tessera_room\(\s*\S+(.*?)\)", text, re.S)
        uses = re.search(r"USES\s+(.*?)(?=\b(?:LIBS|TEST_LIBS|UNITY|COMPILER)\b|$)", match.group(1), re.S)
        for used in uses.group(1).split() if uses else []:
            if used not in rooms[room]:
                offences.append(f"tessera/{room}/CMakeLists.txt: links {used}, which {room} may not use")
    for file in sorted(list(source.rglob("*.h")) + list(source.rglob("*.cpp"))):
        relative = str(file.relative_to(source))
        room = room_of(relative, rooms)
        if room is None:
            offences.append(f"tessera/{relative}: lies in no room of docs/architecture.md")
            continue
        for number, line in enumerate(file.read_text(errors="replace").splitlines(), 1):
            match = re.match(r'\s*#include\s+["<](tessera/|mlir/|llvm/)([^">]+)[">]', line)
            if not match:
                continue
            if match.group(1) != "tessera/":
                if room in WITHOUT_MLIR:
                    offences.append(f"tessera/{relative}:{number}: {room} is built without MLIR")
                continue
            used = room_of(match.group(2), rooms)
            # A test may use whatever it tests with; the room's own rules bind its sources.
            if used and used != room and used not in rooms[room] and not relative.endswith("_test.cpp"):
                offences.append(f"tessera/{relative}:{number}: includes {used}, which {room} may not use")
    for offence in offences:
        print(f"lint_rooms: {offence}")
    if offences:
        sys.exit(1)
    print(f"lint_rooms: {len(rooms)} rooms, all uses allowed")


if __name__ == "__main__":
    main()
