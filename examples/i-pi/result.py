"""Mean kinetic energy of the H atom in i-PI's output, less a fifth of the steps, beside the classical 3/2 kT, and how far the conserved energy went."""

import sys

import numpy as np

table = np.loadtxt(sys.argv[1])
late = table[len(table) // 5 :]
kinetic, drift = late[:, 6], np.ptp(late[:, 2])
blocks = [b.mean() for b in np.array_split(kinetic, 5) if len(b)]
error = f" +- {1000 * np.std(blocks, ddof=1) / 5**0.5:.0f}" if len(kinetic) >= 50 else ""
classical = 1.5 * 8.617333e-5 * 300
print(f"i-pi: {int(table[-1, 0])} steps; kinetic energy of H {1000 * kinetic.mean():.0f}{error} meV, classical {1000 * classical:.0f}; "
      f"conserved energy within {1000 * drift:.1f} meV")  # fmt: skip
