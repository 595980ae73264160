/* The functions of NVIDIA's driver that Kokkos calls itself, looked up when they are called. Linked with libcuda.so.1 a
   program would not start where there is no driver, and could not say so. */
#include <cuda.h>
#include <dlfcn.h>

#define TEXT(name)   #name
#define SYMBOL(name) TEXT(name) /* cuda.h gives some a suffix */

static void *driver(const char *name) {
  void *library = dlopen("libcuda.so.1", RTLD_NOW);
  return library ? dlsym(library, name) : 0;
}

#define FORWARD(name, parameters, arguments)                                                                           \
  CUresult name parameters {                                                                                           \
    CUresult(*function) parameters;                                                                                    \
    *(void **)&function = driver(SYMBOL(name));                                                                        \
    return function ? function arguments : CUDA_ERROR_SHARED_OBJECT_INIT_FAILED;                                       \
  }

FORWARD(cuStreamGetCtx, (CUstream stream, CUcontext *context), (stream, context))
FORWARD(cuCtxPushCurrent, (CUcontext context), (context))
FORWARD(cuCtxPopCurrent, (CUcontext * context), (context))
FORWARD(cuCtxGetDevice, (CUdevice * device), (device))
