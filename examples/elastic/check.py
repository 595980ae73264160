"""What ctest asks of the short version. Ends with exit code 1 and a line per claim that does not hold."""

import sys

import numpy as np

from tensors import bond_matrix, bulk_and_shear, point_group, symmetrised

WITHIN = 0.02  # of the larger of value and 50 GPa: differences of stresses after minimisations


def check(results, every, kept):
    wrong = [*of_tensors(every), *of_results(results), *of_kept(results, kept)]
    for line in wrong:
        print(f"elastic: WRONG: {line}")
    print(f"elastic: {len(results)} measurements, {len(wrong)} claims that do not hold")
    if wrong or len(results) < 5:
        sys.exit(1)


def of_tensors(every):
    """The group's order; averaging a matrix that has the symmetry changes nothing, and makes any other one have it; moduli of an
    isotropic solid are its Lame constants'."""
    for name, order in (("Cu", 48), ("Mo", 48), ("Ti64", 24)):
        rotations = point_group(every[name].parent)
        if len(rotations) != order:
            yield f"{name}: a point group of {len(rotations)} operations, not {order}"
        noise = np.random.default_rng(1).normal(size=(6, 6))
        once = symmetrised(noise + noise.T, rotations)
        if np.abs(symmetrised(once, rotations) - once).max() > 1e-12:
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
        if kelvin and not 0.8 < result.values["C11"] / results[name, label, 0].values["C11"] < 1.03:
            yield f"{name}, {label}: C11 at {kelvin} K is {result.values['C11']:.0f}, at 0 K {results[name, label, 0].values['C11']:.0f} GPa"
    for key in (("Cu", "fine-tuned", 0), ("Cu", "surrogate", 300), ("Mo", "foundation", 0), ("Ti64", "surrogate", 0)):
        if key not in results:
            yield f"{key}: no value"


def of_kept(results, kept):
    """Copper and molybdenum's foundation at 0 K are what results/ has; copper at 300 K within four standard errors of both."""
    have = {tuple(row[:4]): (float(row[4]), float(row[5] or 0)) for row in kept}
    for name, label, kelvin in (("Cu", "fine-tuned", 0), ("Cu", "surrogate", 0), ("Mo", "foundation", 0), ("Cu", "surrogate", 300)):
        result = results.get((name, label, kelvin))
        for quantity in ("C11", "C12", "C44", "bulk, Hill", "shear, Hill") if result else ():
            value, (was, error) = result.values[quantity], have[name, label, str(kelvin), quantity]
            may = WITHIN * max(abs(was), 50) if not kelvin else 4 * np.hypot(error, result.errors[quantity])
            if abs(value - was) > may:
                yield f"{name}, {label}, {kelvin} K: {quantity} is {value:.2f}, in results/ {was:.2f} GPa"
