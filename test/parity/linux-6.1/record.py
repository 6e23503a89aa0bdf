#!/usr/bin/env python3
"""record.py NAME RUN...: the runs that steps printed, one file each, as NAME.json: a figure is a number where all runs agree."""
import json, sys

name, *paths = sys.argv[1:]
runs = [[json.loads(line) for line in open(path) if line.startswith("{") and '"start"' not in line] for path in paths]
assert all([(s.get("show"), s.get("cgroup"), s.get("worker")) for s in run] ==
           [(s.get("show"), s.get("cgroup"), s.get("worker")) for s in runs[0]] for run in runs), "the runs differ in their steps"
lines = []
said = []
for step in zip(*runs):
    if "show" not in step[0]:
        said.append(step[0] if all(s == step[0] for s in step) else list(step))
        continue
    # Of the workers in /z… only what they use of themselves is wanted, and `slab` only there.
    if step[0]["cgroup"].startswith("/z") and step[0]["show"] != "ready":
        continue
    keys = [key for key in dict.fromkeys(key for s in step for key in s) if key not in ("show", "cgroup") and (key != "slab" or step[0]["show"] == "ready")]
    figures = {}
    for key in keys:
        values = [s.get(key, 0) for s in step]
        figures[key] = values[0] if len(set(values)) == 1 else values
    lines.append(json.dumps({"at": step[0]["show"], "of": step[0]["cgroup"], "figures": {k: v for k, v in figures.items() if v}},
                            separators=(",", ":")))
with open(f"{name}.json", "w") as out:
    out.write('{"runs":%d,"said":%s,"shows":[\n' % (len(runs), json.dumps(said, separators=(",", ":"))))
    out.write(",\n".join(lines) + "\n]}\n")
