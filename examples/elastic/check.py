"""What ctest asks of the short version. Ends with exit code 1 and a line per claim that does not hold."""

import sys

import labels
import numpy as np
from ase import Atoms
from frozentl.properties import Symmetry, bulk_and_shear
from frozentl.properties.symmetry import bond_matrix

WITHIN = 0.02  # of the larger of value and 50 GPa: differences of stresses after minimisations


QUICK = {("Cu", "fine-tuned", 0), ("Cu", "surrogate", 0), ("Cu", "surrogate", 300), ("Mo", "foundation", 0), ("Ti64", "surrogate", 0)}


def check(results, chosen, kept, cold):
    """What was asked for, no more: cases that were not chosen, and with `cold` 300 K, are not missed."""
    wanted = {key for key in QUICK if key[0] in chosen and not (cold and key[2])}
    missing = [f"{name}, {label}, {kelvin} K: no value" for name, label, kelvin in sorted(wanted - set(results))]
    wrong = [*missing, *of_tensors(chosen), *of_results(results), *of_kept(results, kept), *(of_labels() if "Mo" in chosen else ())]
    for line in wrong:
        print(f"elastic: WRONG: {line}")
    print(f"elastic: {len(results)} measurements, {len(wrong)} claims that do not hold")
    if wrong or not results:
        sys.exit(1)


def of_tensors(chosen):
    """The group's order; averaging a matrix that has the symmetry changes nothing, and makes any other one have it; moduli of an
    isotropic solid are its Lame constants'."""
    for name, order in (("Cu", 48), ("Mo", 48), ("Ti64", 24)):
        if name not in chosen:
            continue
        parent = chosen[name].parent
        symmetry = Symmetry(Atoms(parent.symbols, positions=parent.positions, cell=parent.cell, pbc=True))
        if len(symmetry.rotations) != order:
            yield f"{name}: a point group of {len(symmetry.rotations)} operations, not {order}"
        noise = np.random.default_rng(1).normal(size=(6, 6))
        once = symmetry.stiffness(noise + noise.T)
        if np.abs(symmetry.stiffness(once) - once).max() > 1e-12:
            yield f"{name}: averaging twice is not averaging once"
        if name == "Ti64" and abs(once[5, 5] - (once[0, 0] - once[0, 1]) / 2) > 1e-12:
            yield f"{name}: C66 is not (C11 - C12) / 2"
    isotropic = np.diag([2 * 40.0] * 3 + [40.0] * 3)
    isotropic[:3, :3] += 60.0
    for bulk, shear in bulk_and_shear(isotropic).values():
        if abs(bulk - (60 + 80 / 3)) > 1e-9 or abs(shear - 40) > 1e-9:
            yield f"moduli of an isotropic solid: {bulk}, {shear}"
    turned = bond_matrix(np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))[0])
    if np.abs(turned @ isotropic @ turned.T - isotropic).max() > 1e-9:
        yield "an isotropic solid looks different from elsewhere"


def of_results(results):
    """Symmetric and consistent with energies (Cold gives no value otherwise), stable; warmer is near the same and softer in C11."""
    for (name, label, kelvin), result in results.items():
        if not result.stable:
            yield f"{name}, {label}, {kelvin} K: not stable"
        if np.abs(result.matrix - result.matrix.T).max() > 1e-9:
            yield f"{name}, {label}, {kelvin} K: not symmetric"
        if not result.values["bulk, Reuss"] <= result.values["bulk, Hill"] + 1e-9 <= result.values["bulk, Voigt"] + 2e-9:
            yield f"{name}, {label}, {kelvin} K: Reuss' bulk modulus above Voigt's"
        if kelvin and (name, label, 0) in results and not 0.8 < result.values["C11"] / results[name, label, 0].values["C11"] < 1.03:
            yield f"{name}, {label}: C11 at {kelvin} K is {result.values['C11']:.0f}, at 0 K {results[name, label, 0].values['C11']:.0f} GPa"


def of_labels():
    """Exact energies give exact constants; the DFT labels, where they are at hand, give what results/ has."""
    strains, energies = [], []
    for size in np.linspace(-0.1, 0.1, 11):
        for i, j in ((0, 0), (1, 1), (1, 2), (0, 1)):
            gradient = np.eye(3)
            gradient[i, j] += size
            e = (gradient.T @ gradient - np.eye(3)) / 2
            c11, c12, c44 = 400.0, 150.0, 100.0
            energy = c11 / 2 * (e.diagonal() ** 2).sum() + c12 * (e[0, 0] * e[1, 1] + e[0, 0] * e[2, 2] + e[1, 1] * e[2, 2])
            energy += 2 * c44 * (e[0, 1] ** 2 + e[0, 2] ** 2 + e[1, 2] ** 2) - 0.7 * np.trace(e)
            strains.append(e)
            energies.append(energy * (labels.CELL**3 / labels.ATOMS) / labels.EV_PER_A3)
    for name, (value, _, _) in labels.constants(strains, energies).items():
        if abs(value - {"C11": c11, "C44": c44}[name]) > 1e-4:
            yield f"{name} of energies that have {dict(C11=c11, C44=c44)[name]} is {value}"
    rows, kept = labels.compare(None, {}, None), labels.kept()[labels.DFT]
    for label, name, value, _, _ in rows or ():
        if abs(float(value) - kept[name][0]) > 0.1:
            yield f"{label}: {name} is {value}, in results/ {kept[name][0]} GPa"


def of_kept(results, kept):
    """Copper and molybdenum's foundation at 0 K are what results/ has; copper at 300 K within four standard errors of both; one
    realisation of the alloy within five times the scatter of those in results/."""
    have = {tuple(row[:4]): (float(row[4]), float(row[5] or 0)) for row in kept}
    spread = {tuple(row[:4]): float(row[5] or 0) * int(row[6]) ** 0.5 for row in kept}
    alloy = results.get(("Ti64", "surrogate", 0))
    for quantity in ("C11", "C12", "C13", "C33", "C44", "shear, Hill") if alloy else ():
        key = "Ti64", "surrogate", "0", quantity
        if abs(alloy.values[quantity] - have[key][0]) > 5 * spread[key]:
            yield f"Ti64, surrogate: {quantity} of a realisation is {alloy.values[quantity]:.1f}, in results/ {have[key][0]:.1f} GPa, scatter {spread[key]:.1f}"
    for name, label, kelvin in (("Cu", "fine-tuned", 0), ("Cu", "surrogate", 0), ("Mo", "foundation", 0), ("Cu", "surrogate", 300)):
        result = results.get((name, label, kelvin))
        for quantity in ("C11", "C12", "C44", "bulk, Hill", "shear, Hill") if result else ():
            value, (was, error) = result.values[quantity], have[name, label, str(kelvin), quantity]
            may = WITHIN * max(abs(was), 50) if not kelvin else 4 * np.hypot(error, result.errors[quantity])
            if abs(value - was) > may:
                yield f"{name}, {label}, {kelvin} K: {quantity} is {value:.2f}, in results/ {was:.2f} GPa"
