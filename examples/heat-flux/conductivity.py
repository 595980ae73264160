#!/usr/bin/env python3
"""Green-Kubo: kappa = 1 / (3 V kB T^2) times the integral of <J(0).J(t)> over t. Of a folder with NAME-SEED.flux and .system, as
run.sh makes them, each NAME gives the mean over its trajectories, with the error of the mean from the scatter of trajectories and
directions. Writes conductivity.md and conductivity.svg into the folder."""
import argparse
import pathlib
import sys

import numpy as np

KB = 8.617333e-5  # eV/K
TO_SI = 1602.1766  # eV/(ps Angstrom K) in W/(m K)


def correlation(x, n):
    """<x(0) x(t)> for t = 0 .. n-1, from an FFT with zeros behind. In a crystal at rest the flux is zero on average: to take off the
    mean of a short trajectory would take off a part of the integral."""
    f = np.fft.rfft(x, 2 * len(x))
    return np.fft.irfft(f * f.conj())[:n] / (len(x) - np.arange(n))


def running_integral(c, dt):
    """By the trapezoidal rule, from 0."""
    return np.concatenate([[0.0], np.cumsum(0.5 * (c[1:] + c[:-1])) * dt])


def read(path, longest):
    """(times, correlation, kappa(t)) of the three directions: arrays of rows."""
    volume, dt, atoms = map(float, path.with_suffix(".system").read_text().split())
    data = np.loadtxt(path)
    n = min(int(longest / dt) + 1, len(data) // 2)
    temperature = data[:, 4].mean()
    rows = [correlation(data[:, k], n) for k in (1, 2, 3)]
    factor = TO_SI / (volume * KB * temperature**2)
    kappa = [factor * running_integral(c, dt) for c in rows]
    return np.arange(n) * dt, np.array(rows), np.array(kappa), dict(atoms=int(atoms), length=len(data) * dt, T=temperature, P=data[:, 5].mean() / 1e4)


def collect(folder, longest):
    """name -> (times, mean correlation, mean kappa, its error, what is known of the runs)"""
    groups = {}
    for path in sorted(folder.glob("*.flux")):
        groups.setdefault(path.stem.rsplit("-", 1)[0], []).append(read(path, longest))
    answers = {}
    for name, runs in groups.items():
        n = min(len(r[0]) for r in runs)
        c = np.concatenate([r[1][:, :n] for r in runs])
        kappa = np.concatenate([r[2][:, :n] for r in runs])
        known = {k: np.mean([r[3][k] for r in runs]) for k in runs[0][3]}
        known["runs"] = len(runs)
        answers[name] = runs[0][0][:n], c.mean(0), kappa.mean(0), kappa.std(0, ddof=1) / np.sqrt(len(kappa)), known
    return answers


def picture(answers, at, path):
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "python"))
    from frozentl.plot import style

    made, ((left, right),) = style.figure(1, 2, height=6.2)
    for k, (name, (t, c, kappa, error, _)) in enumerate(answers.items()):
        left.plot(t, c / c[0], color=style.colour(k), lw=0.9, label=name)
        right.plot(t, kappa, color=style.colour(k), label=name)
        right.fill_between(t, kappa - error, kappa + error, color=style.lighter(style.colour(k), 0.7), lw=0, zorder=1)
    left.set(xlabel="time t (ps)", ylabel="\u27e8J(0)\u00b7J(t)\u27e9 / \u27e8J\u00b2\u27e9", xlim=(0, min(4.0, t[-1])))
    left.set_title("Autocorrelation of the heat flux", loc="left")
    left.axhline(0, color=style.GREY, lw=0.8)
    right.axvline(at, color=style.GREY, lw=0.8, ls="--")
    right.set(xlabel="upper limit of the integral (ps)", ylabel="lattice conductivity (W m\u207b\u00b9 K\u207b\u00b9)", xlim=(0, None))
    right.set_title("Running integral; bands: standard error", loc="left")
    right.legend()
    style.letters((left, right))
    style.save(made, str(path))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--correlation", type=float, default=5.0, help="upper limit of the integral, ps")
    a = parser.parse_args()
    answers = collect(a.folder, 1.6 * a.correlation)
    if not answers:
        sys.exit(f"no *.flux in {a.folder}: run.sh makes them")
    lines = ["| run | atoms | trajectories | ps each | T, K | P, GPa | kappa, W/(m K) |", "| --- | --- | --- | --- | --- | --- | --- |"]
    for name, (t, _, kappa, error, known) in answers.items():
        k = min(np.searchsorted(t, a.correlation), len(t) - 1)
        lines.append(f"| {name} | {known['atoms']:.0f} | {known['runs']} | {known['length']:.0f} | {known['T']:.0f} | {known['P']:.2f} | {kappa[k]:.1f} ± {error[k]:.1f} |")
    (a.folder / "conductivity.md").write_text("\n".join(lines) + "\n")
    picture(answers, a.correlation, a.folder / "conductivity.svg")
    print("\n".join(lines))
    print(f"integral up to {a.correlation:g} ps; picture: {a.folder / 'conductivity.svg'}")


if __name__ == "__main__":
    main()
