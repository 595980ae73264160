# A repository of one package: `spack repo add packaging/spack`, then `spack install frozentl` (docs/packaging.md).
from spack.package import *

try:
    from spack_repo.builtin.build_systems.cmake import CMakePackage
except ImportError:  # before Spack 1.0 it is one of the above
    pass


class Frozentl(CMakePackage):
    """MACE and SevenNet interatomic potentials and their ACE surrogates in C: inference, a LAMMPS plugin, fine-tuning, distillation."""

    # `spack develop --path TREE frozentl@main` builds a tree; releases come with an address and a checksum once there are any.
    has_code = True
    license("MIT")
    version("main")

    variant("lammps", default=True, description="the plugin, for the LAMMPS of the same environment")
    variant("mpi", default=True, description="training on several ranks")
    variant("python", default=True, description="the package frozentl, with pictures and an ASE calculator")

    depends_on("c", type="build")
    depends_on("cxx", type="build")
    depends_on("cmake@3.22:", type="build")
    depends_on("pkgconfig", type="build")
    for library in ("libzip", "jansson@2.11:", "libmd", "libyaml", "zlib-api", "curl", "openblas"):
        depends_on(library)
    depends_on("mpi", when="+mpi")
    depends_on("mpi", when="+lammps")
    depends_on("lammps@20230802: +plugin +lib", when="+lammps")
    extends("python", when="+python")
    depends_on("py-numpy", when="+python", type=("build", "run"))

    def cmake_args(self):
        args = [self.define("FTL_TESTS", False), self.define("FTL_KOKKOS", False), self.define_from_variant("FTL_PLUGIN", "lammps"), self.define_from_variant("FTL_MPI", "mpi")]
        if self.spec.satisfies("+lammps"):
            args.append(self.define("LAMMPS_PREFIX", self.spec["lammps"].prefix))
        if "mpi" in self.spec:
            args += [self.define("MPI_C_COMPILER", self.spec["mpi"].mpicc), self.define("MPI_CXX_COMPILER", self.spec["mpi"].mpicxx)]
        return args

    @run_after("install", when="+python")
    def install_package(self):
        package = join_path(python_platlib, "frozentl")
        install_tree("python/frozentl", package)
        install_tree("potentials", join_path(package, "potentials"))
        symlink(join_path(self.prefix.lib, "libfrozentl.so"), join_path(package, "libfrozentl.so"))

    def setup_run_environment(self, env):
        if self.spec.satisfies("+lammps"):
            env.prepend_path("LAMMPS_PLUGIN_PATH", join_path(self.prefix.lib, "frozentl"))
