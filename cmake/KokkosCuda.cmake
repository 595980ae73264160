# The target kokkos_cuda: core/kokkos compiled by nvcc for the architectures of A100 and H100, where nvcc is; no GPU is
# needed. `make kokkos-cuda` gets the headers first (scripts/kokkos.sh cuda) and prints what ptxas says of each kernel,
# which lies in kokkos-cuda/*.log.
set(kokkos_root ${PROJECT_SOURCE_DIR}/build/kokkos)
find_program(FTL_NVCC nvcc PATHS /usr/local/cuda/bin DOC "NVIDIA's compiler, for the target kokkos_cuda")
if(NOT FTL_NVCC OR NOT EXISTS ${kokkos_root}/cuda/sm_80/KokkosCore_config.h)
  return()
endif()
set(kokkos_cuda_objects "")
function(ftl_add_cuda_object name source arch)
  set(base ${PROJECT_BINARY_DIR}/kokkos-cuda/${name}.${arch})
  add_custom_command(OUTPUT ${base}.o DEPFILE ${base}.d DEPENDS ${source}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${PROJECT_BINARY_DIR}/kokkos-cuda
    COMMAND sh -c "log=$1; shift; \"$@\" >\"$log\" 2>&1 || { tail -n 30 \"$log\"; exit 1; }" nvcc ${base}.log
      ${FTL_NVCC} -std=c++20 -O3 -x cu -arch=${arch} --extended-lambda --expt-relaxed-constexpr -Xptxas -v
      ${ARGN} -I${PROJECT_SOURCE_DIR}/core -isystem ${kokkos_root}/cuda/${arch}
      -isystem ${kokkos_root}/sid/usr/include/kokkos -MD -MF ${base}.d -MT ${base}.o -c ${source} -o ${base}.o
    COMMENT "nvcc ${name}, ${arch}" VERBATIM)
  set(kokkos_cuda_objects ${kokkos_cuda_objects} ${base}.o PARENT_SCOPE)
endfunction()
foreach(arch sm_80 sm_90)
  foreach(real double float)
    ftl_add_cuda_object(instances-${real} ${PROJECT_SOURCE_DIR}/core/kokkos/instances.cpp ${arch} -DFTL_REAL=${real})
  endforeach()
  ftl_add_cuda_object(make_evaluator ${PROJECT_SOURCE_DIR}/core/kokkos/make_evaluator.cpp ${arch})
endforeach()
add_custom_target(kokkos_cuda DEPENDS ${kokkos_cuda_objects})
