# What `pip install .` puts into the Python package (pyproject.toml): scikit-build-core installs the component "python".
set(package frozentl)
# `mpirun frozentl train` loads the libmpi of the package mpich, which lies beside the command's folder (train/support/mpi.cmake).
set_target_properties(frozentl_cli PROPERTIES INSTALL_RPATH "$ORIGIN/../lib")
install(TARGETS frozentl_cli RUNTIME DESTINATION ${SKBUILD_SCRIPTS_DIR} COMPONENT python)
set_property(TARGET frozentl_shared PROPERTY VERSION)
set_property(TARGET frozentl_shared PROPERTY SOVERSION)
install(TARGETS frozentl_shared LIBRARY DESTINATION ${package} COMPONENT python)
if(FTL_PLUGIN)
  set_target_properties(${FTL_LAMMPS_RELEASES} PROPERTIES INSTALL_RPATH "$ORIGIN/../../${package}")
  install(TARGETS frozentl_loader LIBRARY DESTINATION frozentl_lammps COMPONENT python)
  install(TARGETS ${FTL_LAMMPS_RELEASES} LIBRARY DESTINATION frozentl_lammps/releases COMPONENT python)
endif()
install(DIRECTORY ${PROJECT_SOURCE_DIR}/potentials/ DESTINATION ${package}/potentials COMPONENT python
  FILES_MATCHING PATTERN "*.ftl" PATTERN "*.yace" PATTERN "*.md")
