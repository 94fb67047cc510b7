#!/usr/bin/env python3
"""Draws man/images/who-talks-to-whom.svg: a mesh, and all that helps people to find into it.

    scripts/draw_who_talks.py [--out man/images/who-talks-to-whom.svg]
    scripts/draw_who_talks.py --check FILE        ends with 1 when FILE is not what would be drawn
"""

import argparse
import itertools
import math
import pathlib
import sys

WIDTH, HEIGHT = 800, 590
RADIUS = 26  # of a person
GAP = 4  # between a person and the tip of an arrow
OUT = pathlib.Path(__file__).resolve().parent.parent / "man/images/who-talks-to-whom.svg"

# The picture has a ground of its own: what shows it may be dark where its surroundings are light.
LIGHT = {"ground": "#ffffff", "ink": "#1f2328", "faint": "#57606a", "area": "#eef3f9", "person": "#dbe9fa",
         "link": "#1f5fa8", "server": "#8a5a00", "beacon": "#2f7a45", "box": "#f6efe0"}
DARK = {"ground": "#0d1117", "ink": "#e6edf3", "faint": "#9aa5b1", "area": "#161d27", "person": "#1c3350",
        "link": "#6cb0ff", "server": "#e3b34c", "beacon": "#6fce88", "box": "#2b2413"}
RULES = """\
text{{font:14px "DejaVu Sans",Verdana,Helvetica,Arial,sans-serif;fill:{ink}}}
.strong{{font-weight:bold}}
.middle{{text-anchor:middle}}
.ground{{fill:{ground}}}
.area{{fill:{area};stroke:{faint};stroke-dasharray:1 4;stroke-linecap:round}}
.person{{fill:{person};stroke:{link};stroke-width:2}}
.server{{fill:{box};stroke:{server};stroke-width:1.5}}
.router{{fill:{area};stroke:{faint};stroke-width:1.5}}
.link{{stroke:{link};stroke-width:2.5;fill:none}}
.asks{{stroke:{server};stroke-width:1.2;stroke-dasharray:6 4;fill:none}}
.beacon{{stroke:{beacon};stroke-width:2;stroke-dasharray:.1 4.5;stroke-linecap:round;fill:none}}
.tip{{fill:{link}}}
"""

MESH = {"Alice": (300, 232), "Bob": (445, 212), "Carol": (290, 402), "Dora": (440, 412)}
FRANK = (700, 312)  # behind the router, a member like the others
EVE = (86, 402)  # the newcomer
GINA, HUGO = (594, 134), (744, 134)  # in no mesh together
SERVER = (300, 28, 190, 54)  # x, y, width, height


def toward(start, end, distance):
    """The point so far from `start` on the way to `end`."""
    whole = math.dist(start, end)
    return tuple(a + (b - a) * distance / whole for a, b in zip(start, end))


def number(value):
    return f"{value:.1f}".rstrip("0").rstrip(".")


def line(start, end, kind, tip=False):
    (x1, y1), (x2, y2) = start, end
    marker = ' marker-end="url(#tip)"' if tip else ""
    ends = f'x1="{number(x1)}" y1="{number(y1)}" x2="{number(x2)}" y2="{number(y2)}"'
    return f'<line class="{kind}" {ends}{marker}/>'


def between(one, other, kind="link", tip=False):
    """A line from the edge of one person to that of another; `tip`: the one has dialled."""
    return line(toward(one, other, RADIUS), toward(other, one, RADIUS + (GAP if tip else 0)), kind, tip)


def path(steps, kind):
    return f'<path class="{kind}" d="{steps}"/>'


def text(x, y, words, kind=None):
    its_class = f' class="{kind}"' if kind else ""
    return f'<text{its_class} x="{x}" y="{y}">{words}</text>'


def rectangle(x, y, width, height, kind, corner=8):
    return f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{height}" rx="{corner}"/>'


def person(name, place):
    x, y = place
    return f'<circle class="person" cx="{x}" cy="{y}" r="{RADIUS}"/>' + text(x, y + 5, name, "middle")


def waves(place, count, kind):
    """Arcs that go out to the left."""
    x, y = place
    arcs = []
    for i in range(count):
        reach = RADIUS + 14 + 16 * i
        dx, dy = number(reach * math.cos(0.3)), number(reach * math.sin(0.3))
        arcs.append(f"M{number(x - float(dx))},{number(y - float(dy))}a{reach},{reach} 0 0 0 0,{number(2 * float(dy))}")
    return path("".join(arcs), kind)


def areas():
    return [
        rectangle(22, 350, 326, 146, "area"),
        text(36, 466, "one local network: a beacon (--lan),"),
        text(36, 485, "UDP multicast, one hop, off by default"),
        rectangle(556, 94, 226, 122, "area"),
        text(669, 184, "a closed mesh of the two:", "middle"),
        text(669, 203, "needs no server any more", "middle"),
    ]


def the_mesh():
    links = [between(MESH[one], MESH[other]) for one, other in itertools.combinations(MESH, 2)]
    links += [between(FRANK, place, tip=True) for place in MESH.values()]
    return links + [
        person(name, place) for name, place in MESH.items()
    ] + [
        text(365, 484, "the mesh: links from each to each;"),
        text(365, 503, "above nine online, eight neighbors each"),
    ]


def the_router():
    return [
        rectangle(588, 252, 22, 116, "router", 4),
        text(599, 243, "router", "middle"),
        person("Frank", FRANK),
        text(590, 392, "behind a router: dials"),
        text(590, 411, "out, takes part in full;"),
        text(590, 430, "--port-mapping lets"),
        text(590, 449, "others in (optional)"),
    ]


def the_newcomer():
    return [
        between(EVE, MESH["Alice"], tip=True),
        text(84, 250, "joins through any"),
        text(84, 269, "member: HOST PORT"),
        waves(MESH["Carol"], 6, "beacon"),
        person("Eve", EVE),
        text(EVE[0], 445, "newcomer", "middle"),
    ]


def the_strangers():
    return [
        between(GINA, HUGO),
        text(669, 153, "direct link", "middle"),
        person("Gina", GINA),
        person("Hugo", HUGO),
        text(530, 24, "Two who share no mesh: a sealed"),
        text(530, 43, "request, through the server"),
    ]


def the_server():
    x, y, width, height = SERVER
    right, bottom, middle = x + width, y + height, y + height / 2
    return [
        path(f"M70,381V{number(middle + 40)}Q70,{number(middle)} 110,{number(middle)}H{x}", "asks"),
        line((330, bottom), toward(MESH["Alice"], (330, bottom), RADIUS), "asks"),
        line((420, bottom), toward(MESH["Bob"], (420, bottom), RADIUS), "asks"),
        line((right, middle + 12), toward(GINA, (right, middle + 12), RADIUS), "asks"),
        line((right, middle), toward(HUGO, (right, middle), RADIUS), "asks"),
        rectangle(*SERVER, "server"),
        text(x + width // 2, 51, "discovery server", "middle strong"),
        text(x + width // 2, 70, "optional", "middle"),
        text(84, 92, "No message goes through it,"),
        text(84, 111, "and its end ends no chat."),
    ]


def the_legend():
    y = 556
    return [
        line((22, 524), (WIDTH - 22, 524), "router"),
        line((28, y - 5), (68, y - 5), "link"),
        text(78, y, "link, encrypted"),
        line((222, y - 5), (258, y - 5), "link", tip=True),
        text(272, y, "who dials"),
        line((368, y - 5), (408, y - 5), "asks"),
        text(418, y, "who is where; requests"),
        line((612, y - 5), (652, y - 5), "beacon"),
        text(662, y, "who is near"),
    ]


def picture():
    style = RULES.format(**LIGHT)
    colours = [rule for rule in RULES.format(**DARK).splitlines() if "#" in rule]
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" role="img">',
        "<title>Who talks to whom: a mesh, a newcomer, a discovery server, a beacon, a router, two strangers</title>",
        "<style>\n" + style + "@media (prefers-color-scheme:dark){\n" + "\n".join(colours) + "\n}\n</style>",
        '<defs><marker id="tip" viewBox="0 0 10 10" refX="7" refY="5" markerWidth="11" markerHeight="11" '
        'markerUnits="userSpaceOnUse" orient="auto"><path class="tip" d="M0,0L10,5L0,10z"/></marker></defs>',
        f'<rect class="ground" width="{WIDTH}" height="{HEIGHT}" rx="10"/>',
    ]
    parts = [areas(), the_server(), the_router(), the_mesh(), the_newcomer(), the_strangers(), the_legend()]
    return "\n".join(head + [shape for part in parts for shape in part] + ["</svg>"]) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, default=OUT)
    parser.add_argument("--check", type=pathlib.Path, metavar="FILE", help="is it what would be drawn?")
    options = parser.parse_args()
    if options.check:
        if not options.check.exists() or options.check.read_text() != picture():
            sys.exit(f"draw_who_talks.py: {options.check} is not what is drawn now. Type: scripts/draw_who_talks.py")
        return
    options.out.write_text(picture())
    print(options.out, file=sys.stderr)


if __name__ == "__main__":
    main()
