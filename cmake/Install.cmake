# make install: the library (static and shared) with its header, the command, the LAMMPS plugin and the potentials, a
# CMake package (find_package(frozentl) -> frozentl::frozentl, frozentl::frozentl_static) and frozentl.pc.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/frozentl)

set_target_properties(frozentl_shared PROPERTIES EXPORT_NAME frozentl)
set_target_properties(frozentl_static PROPERTIES EXPORT_NAME frozentl_static)
install(TARGETS frozentl_shared frozentl_static EXPORT frozentlTargets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES core/frozentl.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(TARGETS frozentl_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES train/cli/frozentl.bash-completion RENAME frozentl
  DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
if(TARGET frozentlplugin)
  install(TARGETS frozentlplugin LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/frozentl)
endif()
install(DIRECTORY potentials/ DESTINATION ${CMAKE_INSTALL_DATADIR}/frozentl/potentials
  FILES_MATCHING PATTERN "*.ftl" PATTERN "*.md")

# What `frozentl plot` draws with and `frozentl convert --to` writes with: for a Python that has matplotlib but not the package.
install(FILES python/frozentl/__init__.py python/frozentl/_calibration.py DESTINATION ${CMAKE_INSTALL_DATADIR}/frozentl/python/frozentl)
install(DIRECTORY python/frozentl/plot python/frozentl/export DESTINATION ${CMAKE_INSTALL_DATADIR}/frozentl/python/frozentl
  FILES_MATCHING PATTERN "*.py" PATTERN __pycache__ EXCLUDE)

install(EXPORT frozentlTargets NAMESPACE frozentl:: DESTINATION ${package_dir})
configure_package_config_file(cmake/frozentlConfig.cmake.in ${PROJECT_BINARY_DIR}/frozentlConfig.cmake
  INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/frozentlConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/frozentlConfig.cmake ${PROJECT_BINARY_DIR}/frozentlConfigVersion.cmake
  cmake/FrozentlDependencies.cmake DESTINATION ${package_dir})

file(RELATIVE_PATH prefix_from_pc /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(cmake/frozentl.pc.in ${PROJECT_BINARY_DIR}/frozentl.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/frozentl.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
