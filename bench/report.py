"""Figures of a run: as a table, and as files with machine and versions."""

import json
import os
import platform
import re
import statistics
import subprocess
from datetime import datetime, timezone
from pathlib import Path


def first_line(*args):
    try:
        out = subprocess.run(args, capture_output=True, text=True, timeout=20)
    except OSError:
        return "not found"
    text = (out.stdout or out.stderr).strip()
    return text.splitlines()[0] if text else "no answer"


def machine():
    cpu = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())
    return {
        "cpu": cpu.group(1) if cpu else platform.machine(),
        "cores": os.cpu_count(),
        "memory_gib": round(int(memory.group(1)) / 2**20, 1),
        "kernel": platform.release(),
    }


def versions(program):
    return {
        "torc": first_line(str(program), "version"),
        "redis-server": first_line("redis-server", "--version"),
        "redis-benchmark": first_line("redis-benchmark", "--version"),
        "compiler": first_line("c++", "--version"),
    }


class Report:
    def __init__(self, program, rounds, scale):
        self.rows = []
        self.load = {"rounds": rounds, "scale": scale}
        self.machine = machine()
        self.versions = versions(program)
        self.started = datetime.now(timezone.utc)

    def ratio(self, group, what, ours, theirs, target, peer):
        """Adds a ratio of medians; higher is better. Lists are one figure per
        interleaved round."""
        ratio = statistics.median(ours) / statistics.median(theirs)
        per_round = sorted(a / b for a, b in zip(ours, theirs))
        self.add(group, what, f"{statistics.median(ours):,.0f}/s",
                 f"{peer} {statistics.median(theirs):,.0f}/s", ratio, "x",
                 target, ratio >= target, list(ours), list(theirs),
                 f"{per_round[0]:.2f}..{per_round[-1]:.2f}")

    def limit(self, group, what, value, unit, target, other=""):
        """Adds a figure that has to stay below its target."""
        self.add(group, what, f"{value:,.3g} {unit}", other, value, unit, target,
                 value <= target, [value], [], "")

    def add(self, group, what, ours, theirs, value, unit, target, met, samples,
            peer_samples, spread):
        row = {"group": group, "what": what, "torc": ours, "peer": theirs,
               "value": round(value, 3), "unit": unit, "target": target,
               "met": bool(met), "spread": spread, "torc_samples": samples,
               "peer_samples": peer_samples}
        self.rows.append(row)
        print(self.line(row), flush=True)

    @staticmethod
    def line(row):
        sign = ">=" if row["unit"] == "x" else "<="
        spread = f" ({row['spread']})" if row["spread"] else ""
        value = f"{row['value']:.2f} x" if row["unit"] == "x" else row["torc"]
        return (f"{row['group']:<34} {row['what']:<16} {row['torc']:>14} "
                f"{row['peer']:>24}  {value:>12}{spread:<15} "
                f"{sign} {row['target']:g} {'met' if row['met'] else 'MISSED'}")

    def markdown(self):
        out = [f"# Benchmarks of {self.started:%Y-%m-%d %H:%M} UTC", "",
               "One run of `./dev bench`: rounds interleaved, medians, ratios "
               "within the run; the load runs on the same machine.", ""]
        for name, value in {**self.machine, **self.versions,
                            **self.load}.items():
            out.append(f"- {name}: {value}")
        out += ["", "| what | case | Torc | peer | figure | rounds | target | |",
                "|---|---|---|---|---|---|---|---|"]
        for r in self.rows:
            figure = f"{r['value']:.2f} x" if r["unit"] == "x" else r["torc"]
            sign = "at least" if r["unit"] == "x" else "at most"
            out.append(f"| {r['group']} | {r['what']} | {r['torc']} | {r['peer']} "
                       f"| {figure} | {r['spread']} | {sign} {r['target']:g} | "
                       f"{'met' if r['met'] else 'missed'} |")
        return "\n".join(out) + "\n"

    def write(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{self.started:%Y-%m-%d_%H%M}"
        (folder / f"{name}.md").write_text(self.markdown())
        (folder / f"{name}.json").write_text(json.dumps(
            {"started": self.started.isoformat(), "machine": self.machine,
             "versions": self.versions, "load": self.load, "rows": self.rows}, indent=1) + "\n")
        return folder / f"{name}.md"
