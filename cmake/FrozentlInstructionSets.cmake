# Code that is compiled once per instruction set and number type, and chosen for the CPU at run time
# (core/engine/dispatch.c): core's kernels and the trainer's sweeps.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  set(FTL_ISAS neon) # which every such CPU has
  set(FTL_ISA_DEFINITIONS FTL_ARM_KERNELS) # for what names the builds
else()
  set(FTL_ISAS generic)
endif()
set(optimise $<$<NOT:$<CONFIG:Debug>>:-O3>)
if(FTL_SANITIZE)
  # One build is enough to find errors in the body, and sanitized -O3 takes minutes to compile; so do UBSan's checks of each
  # pointer, which ASan makes too, or the processor (of null).
  set(optimise -O1 -fno-sanitize=null,object-size,pointer-overflow)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  list(APPEND FTL_ISAS avx2 avx512)
  set(FTL_ISA_FLAGS_avx2 -mavx2 -mfma)
  set(FTL_ISA_FLAGS_avx512 -mavx512f -mavx512dq -mavx512bw -mavx512vl -mfma -mprefer-vector-width=512)
  set(FTL_ISA_DEFINITIONS FTL_X86_KERNELS)
endif()
# contraction of a*b+c is allowed, reassociation is not; errno is nobody's business in a kernel
set(FTL_ISA_OPTIONS ${optimise} -fno-math-errno -fno-trapping-math -ffp-contract=fast -Wno-psabi)

# ftl_add_isa_objects(NAME SOURCE TARGETS [FLOATS]): an object library NAME_ISA_FLOAT of SOURCE for each; their names in
# TARGETS. FLOATS: 0 for what is in double only.
function(ftl_add_isa_objects name source targets)
  set(made "")
  set(floats 0 1)
  if(ARGC GREATER 3)
    set(floats ${ARGN})
  endif()
  foreach(isa IN LISTS FTL_ISAS)
    foreach(float IN LISTS floats)
      set(target ${name}_${isa}_${float})
      add_library(${target} OBJECT ${source})
      target_compile_definitions(${target} PRIVATE FTL_ISA=${isa} FTL_REAL_FLOAT=${float})
      target_compile_options(${target} PRIVATE ${FTL_ISA_OPTIONS} ${FTL_ISA_FLAGS_${isa}})
      list(APPEND made ${target})
    endforeach()
  endforeach()
  set(${targets} ${made} PARENT_SCOPE)
endfunction()
