# What `pip install .` puts into the Python package (pyproject.toml): scikit-build-core installs the component "python".
set(package frozentl)
# `mpirun frozentl train` loads the libmpi of the package mpich, which lies beside the command's folder (train/support/mpi.cmake).
set_target_properties(frozentl_cli PROPERTIES INSTALL_RPATH "$ORIGIN/../lib")
install(TARGETS frozentl_cli RUNTIME DESTINATION ${SKBUILD_SCRIPTS_DIR} COMPONENT python)
install(FILES $<TARGET_FILE:frozentl_shared> DESTINATION ${package} RENAME libfrozentl.so COMPONENT python)
if(TARGET frozentlplugin)
  install(TARGETS frozentlplugin LIBRARY DESTINATION frozentl_lammps COMPONENT python)
endif()
install(DIRECTORY ${PROJECT_SOURCE_DIR}/potentials/ DESTINATION ${package}/potentials COMPONENT python
  FILES_MATCHING PATTERN "*.ftl" PATTERN "*.yace" PATTERN "*.md")
