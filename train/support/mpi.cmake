# MPI for several processes on one training run. Adds to support/ranks.c, where it is found: the folder of mpi.h, and the
# library's path, from which it is loaded when mpirun started the program (support/ranks.c; nothing is linked).
#   -DFTL_MPI=AUTO|ON|OFF                                  ON: an error when there is none
#   -DFTL_MPI_INCLUDE_DIR=DIR -DFTL_MPI_LIBRARY=FILE       a certain one; else PyPI's mpich in build/venv, else the system's
# In a Python wheel it is the package mpich: mpi.h of pip's build environment, and at run time the library of the environment
# that the command is installed in (its RUNPATH, cmake/Python.cmake).
set(FTL_MPI AUTO CACHE STRING "several processes on one training run: AUTO (if MPI is found), ON or OFF")
set_property(CACHE FTL_MPI PROPERTY STRINGS AUTO ON OFF)

function(ftl_find_mpi)
  if(SKBUILD AND NOT FTL_MPI_INCLUDE_DIR)
    execute_process(COMMAND ${Python_EXECUTABLE} -c
      "import importlib.metadata as m; print(next(f for f in m.files('mpich') if f.name == 'mpi.h').locate().resolve().parent)"
      OUTPUT_VARIABLE folder ERROR_QUIET RESULT_VARIABLE failed OUTPUT_STRIP_TRAILING_WHITESPACE)
    if(NOT failed)
      set(FTL_MPI_INCLUDE_DIR ${folder} CACHE PATH "" FORCE)
      set(FTL_MPI_LIBRARY libmpi.so.12 CACHE STRING "" FORCE)
      return()
    endif()
  endif()
  set(venv ${PROJECT_SOURCE_DIR}/build/venv)
  find_path(FTL_MPI_INCLUDE_DIR mpi.h PATHS ${venv}/include NO_DEFAULT_PATH DOC "folder of mpi.h")
  find_file(FTL_MPI_LIBRARY libmpi.so.12 PATHS ${venv}/lib NO_DEFAULT_PATH DOC "MPI library that belongs to mpi.h")
  find_program(FTL_MPIRUN mpirun PATHS ${venv}/bin NO_DEFAULT_PATH DOC "starts the tests of several processes")
  if(FTL_MPI_INCLUDE_DIR AND FTL_MPI_LIBRARY)
    return()
  endif()
  find_package(MPI QUIET COMPONENTS C)
  if(MPI_C_FOUND)
    set(libraries ${MPI_C_LIBRARIES})
    list(FILTER libraries INCLUDE REGEX "/libmpi(ch)?\\.so")
    if(libraries)
      list(GET libraries 0 library)
      list(GET MPI_C_INCLUDE_DIRS 0 folder)
      set(FTL_MPI_INCLUDE_DIR ${folder} CACHE PATH "" FORCE)
      set(FTL_MPI_LIBRARY ${library} CACHE FILEPATH "" FORCE)
      set(FTL_MPIRUN ${MPIEXEC_EXECUTABLE} CACHE FILEPATH "" FORCE)
    endif()
  endif()
endfunction()

if(FTL_MPI)
  ftl_find_mpi()
  if(FTL_MPI_INCLUDE_DIR AND FTL_MPI_LIBRARY)
    set_source_files_properties(support/ranks.c PROPERTIES COMPILE_DEFINITIONS FTL_MPI_LIBRARY="${FTL_MPI_LIBRARY}"
      COMPILE_OPTIONS "-isystem;${FTL_MPI_INCLUDE_DIR}")
    target_link_libraries(frozentl_train PRIVATE ${CMAKE_DL_LIBS})
    message(STATUS "MPI of the trainer: ${FTL_MPI_LIBRARY}")
  elseif(FTL_MPI STREQUAL AUTO)
    message(STATUS "MPI of the trainer: none found; training runs are single processes")
  else()
    message(FATAL_ERROR "FTL_MPI is ${FTL_MPI}, but there is no MPI: run scripts/setup.sh, which gets PyPI's mpich, install "
      "one (libmpich-dev), or say -DFTL_MPI_INCLUDE_DIR= and -DFTL_MPI_LIBRARY=")
  endif()
endif()
