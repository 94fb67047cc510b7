#!/usr/bin/env python3
"""Draws the pictures of man/images/ from the simulator's own output, with gnuplot.

    scripts/sim_plots.py [--sim build/p2pmesh-sim] [--out man/images] [--quick] [--jobs 2] [--large] [--again]

Each point of each line comes from a run; the commands and their JSON objects are kept in sim-plots/ beside the
simulator. --quick takes small meshes, --large adds 10,000 nodes, --again draws what was kept once more.
"""

import argparse
import concurrent.futures
import json
import pathlib
import shlex
import subprocess
import sys

SEED = 1
COLOURS = ["#1f5fa8", "#c8541b", "#2f8a4c", "#7a3f98", "#8a6d1f"]
STYLE = """
set terminal svg size {width},{height} font "sans,14" background "#ffffff"
set encoding utf8
set border 3 lc rgb "#555555"
set tics nomirror
set grid lt 1 lc rgb "#dddddd"
"""


def run(sim, out, again, arguments):
    """One run of the simulator; its JSON object."""
    kept = out / ("_".join(argument.lstrip("-") for argument in arguments) + ".json")
    if again and kept.exists():
        return json.loads(kept.read_text())
    command = [str(sim), "--seed", str(SEED), "--json", "--quiet", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode not in (0, 1) or not done.stdout.strip():
        sys.exit(f"sim_plots.py: {shlex.join(command)} ended with {done.returncode}:\n{done.stderr}")
    line = done.stdout.strip().splitlines()[-1]
    kept.write_text(f"{line}\n")
    found = json.loads(line)
    print(f"{shlex.join(command)}: {found['wall_s']:.1f} s", file=sys.stderr)
    if done.returncode == 1:
        kept.unlink()
        sys.exit(f"sim_plots.py: nothing is drawn from a run in which a checker found something:\n{done.stderr}")
    return found


class Runs:
    """Starts runs early and hands out their results; equal ones are made once."""

    def __init__(self, sim, out, jobs, again):
        self.sim, self.out, self.again = sim, out, again
        self.pool = concurrent.futures.ThreadPoolExecutor(jobs)
        self.futures = {}

    def want(self, *arguments):
        key = tuple(str(argument) for argument in arguments)
        if key not in self.futures:
            self.futures[key] = self.pool.submit(run, self.sim, self.out, self.again, list(key))
        return self.futures[key]


def draw(path, settings, curves, width=760, height=440):
    """`curves`: (title, points, style) with points (x, y)."""
    script = STYLE.format(width=width, height=height) + settings
    plots, data = [], []
    for i, (title, points, style) in enumerate(curves):
        plots.append(f"'-' using 1:2 with {style} lw 2 pt 7 ps 0.6 lc rgb '{COLOURS[i % len(COLOURS)]}' title '{title}'")
        data.append("\n".join(f"{x:.6g} {y:.6g}" for x, y in points) + "\ne\n")
    script += "plot " + ", \\\n     ".join(plots) + "\n" + "".join(data)
    path.parent.mkdir(parents=True, exist_ok=True)
    drawn = subprocess.run(["gnuplot"], input=script, capture_output=True, text=True)
    if drawn.returncode != 0 or not drawn.stdout:
        sys.exit(f"sim_plots.py: gnuplot failed for {path}:\n{drawn.stderr}")
    path.write_text(drawn.stdout)
    print(path, file=sys.stderr)


def reliability(runs, sizes):
    nodes, percents = sizes["failures"], sizes["percents"]
    common = ("--scenario", "failures", "--nodes", nodes, "--fail-percent")
    mended = [(percent, runs.want(*common, percent, "--messages", 200)) for percent in percents]
    flooded = [(percent, runs.want(*common, percent, "--no-repair")) for percent in percents]

    def points(futures):
        return [(percent, 100 * future.result()["reliability"]) for percent, future in futures]

    return lambda out: draw(
        out / "sim-reliability.svg",
        f"""
set title "Survivors reached, of {nodes:,} nodes, when many die at once"
set xlabel "nodes that died at once, %"
set ylabel "survivors reached within 10 s, %"
set xrange [0:100]
set yrange [0:105]
set key at graph 0.05, graph 0.6 left Left reverse
""",
        [
            ("broadcast tree and views that mend, anti-entropy off", points(mended), "linespoints"),
            ("the same graph flooded, nothing mended", points(flooded), "linespoints"),
        ],
    )


def duplicates(runs, sizes):
    nodes, messages = sizes["duplicates"], 120
    common = ("--nodes", nodes, "--messages", messages, "--rate", 10, "--cold", "--fates")
    tree = runs.want("--scenario", "broadcast", *common)
    many = runs.want("--scenario", "broadcast", *common, "--authors", "random")
    flood = runs.want("--scenario", "flood", *common)

    def points(future):
        fates = future.result()["fates"]
        begin = fates[0][0]
        return [(sent - begin, payloads / expected) for sent, _, expected, payloads, _ in fates if expected]

    return lambda out: draw(
        out / "sim-duplicates.svg",
        f"""
set title "Payloads a member receives of one message, {nodes:,} nodes, from the first message on"
set xlabel "seconds since the first message"
set ylabel "payloads received / (n - 1)"
set yrange [0:*]
set key center right
""",
        [
            ("flooding", points(flood), "lines"),
            ("tree, one author", points(tree), "lines"),
            ("tree, random authors", points(many), "lines"),
        ],
    )


def latency(runs, sizes):
    futures = [
        (nodes, runs.want("--scenario", "broadcast", "--nodes", nodes, "--messages", 100, "--histogram"))
        for nodes in sizes["latency"]
    ]

    def points(found):
        histogram = found["latency_ms_histogram"]
        total = sum(count for _, count in histogram)
        passed, last, shown = 0, -1, []
        for ms, count in histogram:
            passed += count
            share = 100 * passed / total
            if share - last >= 0.25 or passed == total:  # as fine as the picture
                shown.append((ms, share))
                last = share
        return shown

    return lambda out: draw(
        out / "sim-latency.svg",
        """
set title "From the author's send to the announcement at each member"
set xlabel "milliseconds; links of 1 to 150 ms, 20 ms in the middle"
set ylabel "deliveries that took at most as long, %"
set logscale x
set xrange [5:2000]
set yrange [0:105]
set key bottom right
""",
        [(f"{nodes:,} nodes", points(future.result()), "lines") for nodes, future in futures],
    )


def cost(runs, sizes):
    idle = [
        (nodes, runs.want("--scenario", "broadcast", "--nodes", nodes, "--messages", 1, "--rate", 0.02, "--cold"))
        for nodes in sizes["cost"]
    ]
    busy = [
        (nodes, runs.want("--scenario", "broadcast", "--nodes", nodes, "--messages", 100, "--histogram"))
        for nodes in sizes["cost"]
    ]

    def a_member(found, value):
        return value / (found["nodes"] - 1)

    def draw_both(out):
        draw(
            out / "sim-cost-idle.svg",
            """
set title "What an idle node sends: heartbeats, shuffles, digests"
set xlabel "nodes"
set ylabel "bytes a second"
set logscale x
set yrange [0:*]
set key at graph 0.95, graph 0.5
""",
            [
                ("everything", [(n, f.result()["bytes_per_node_s"]) for n, f in idle], "linespoints"),
                ("heartbeats", [(n, f.result()["heartbeat_bytes_per_node_s"]) for n, f in idle], "linespoints"),
            ],
            height=380,
        )
        found = [future.result() for _, future in busy]
        draw(
            out / "sim-cost-message.svg",
            """
set title "What a message costs a member, one author, 20 messages a second"
set xlabel "nodes"
set ylabel "frames received a message and member"
set logscale x
set yrange [0:*]
set key center right
""",
            [
                ("payloads", [(f["nodes"], a_member(f, f["payloads_per_message"])) for f in found], "linespoints"),
                (
                    "ihaves, grafts, prunes",
                    [(f["nodes"], a_member(f, f["control_per_message"])) for f in found],
                    "linespoints",
                ),
            ],
            height=380,
        )

    return draw_both


QUICK = {
    "failures": 100,
    "percents": [10, 50, 80, 90],
    "duplicates": 100,
    "latency": [20, 100],
    "cost": [10, 20, 50, 100],
}
FULL = {
    "failures": 1000,
    "percents": [10, 20, 30, 40, 50, 60, 70, 80, 90, 95],
    "duplicates": 1000,
    "latency": [20, 100, 1000],
    "cost": [5, 10, 20, 50, 100, 200, 500, 1000],
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sim", type=pathlib.Path, default=pathlib.Path("build/p2pmesh-sim"))
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("man/images"))
    parser.add_argument("--quick", action="store_true", help="small meshes")
    parser.add_argument("--large", action="store_true", help="10,000 nodes as well")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--again", action="store_true", help="draw from the kept JSON objects where there are any")
    options = parser.parse_args()
    if not options.sim.exists():
        sys.exit(f"sim_plots.py: there is no {options.sim}. Type: make")
    sizes = dict(QUICK if options.quick else FULL)
    if options.large:
        sizes["latency"] = sizes["latency"] + [10000]
        sizes["cost"] = sizes["cost"] + [10000]
    kept = options.sim.resolve().parent / "sim-plots"
    kept.mkdir(exist_ok=True)
    runs = Runs(options.sim.resolve(), kept, options.jobs, options.again)
    pictures = [make(runs, sizes) for make in (reliability, duplicates, latency, cost)]
    for picture in pictures:
        picture(options.out)


if __name__ == "__main__":
    main()
