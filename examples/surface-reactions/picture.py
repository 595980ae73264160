"""The pictures, as SVG. Standard library only."""

from contours import text
from panels import COLOURS, Axis, Panel, around, save

WIDTH, TALL, LEFT, TOP, GAP = 380, 300, 60, 100, 70  # pixels


def draw_paths(paths, file):
    """paths: surface -> label -> path; energy along each, the highest image of every path at zero."""
    pieces = [text(20, 26, "H2 dissociating on copper: minimum-energy paths by NEB", 14, "start", "bold"),
              text(20, 45, "Zero is the molecule far above; the highest image is the barrier.", 12, "start")]  # fmt: skip
    for column, (surface, of_surface) in enumerate(paths.items()):
        energies = [energy for path in of_surface.values() for energy in path.energies]
        panel = Panel(LEFT + column * (WIDTH + GAP), TOP, WIDTH, TALL, Axis(0, 1), around(energies))
        pieces += panel.frame(surface, "along the path", "energy, eV")
        for k, (label, path) in enumerate(of_surface.items()):
            points = list(zip(path.along, path.energies))
            pieces += [*panel.line(points, COLOURS[k]), *panel.dots(points, COLOURS[k])]
            barrier = f"{label}: {path.energies[path.top]:.3f} eV"
            pieces += panel.word(0, panel.up.highest, barrier, COLOURS[k], down=18 + 16 * k, right=10)
    save(file, LEFT + len(paths) * (WIDTH + GAP), TOP + TALL + 60, pieces)


def draw_sticking(panels, file, note):
    """panels: title -> [(label, [(energy, probability, low, high)], colour)]."""
    pieces = [text(20, 26, "H2 on copper at 300 K: probability of dissociation", 14, "start", "bold"),
              text(20, 45, note, 12, "start")]  # fmt: skip
    energies = [point[0] for curves in panels.values() for _, points in curves for point in points]
    highest = max(point[3] for curves in panels.values() for _, points in curves for point in points)
    for column, (title, curves) in enumerate(panels.items()):
        panel = Panel(LEFT + column * (WIDTH + GAP), TOP, WIDTH, TALL, around(energies), Axis(0, 1.05 * highest))
        pieces += panel.frame(title, "incidence energy, eV", "probability, with its 95 % interval")
        for k, (label, points) in enumerate(curves):
            colour = COLOURS[k % len(COLOURS)]
            pieces += panel.line([point[:2] for point in points], colour)
            pieces += panel.dots([point[:2] for point in points], colour)
            for energy, _, low, high in points:
                pieces += panel.line([(energy, low), (energy, high)], colour, 1)
            pieces += panel.word(panel.across.lowest, panel.up.highest, label, colour, down=18 + 16 * k, right=10)
    save(file, LEFT + len(panels) * (WIDTH + GAP), TOP + TALL + 60, pieces)
