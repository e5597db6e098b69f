# Decides whether the cuda device is built, and for which architectures.
set(FOVEA_HAVE_CUDA OFF)
if(NOT FOVEA_CUDA STREQUAL "OFF")
  # CMake's own check_language leaves a half-configured cache behind when nvcc is absent; look for nvcc ourselves.
  find_program(FOVEA_NVCC nvcc HINTS ENV CUDACXX ENV CUDA_PATH PATH_SUFFIXES bin)
  if(FOVEA_NVCC)
    set(FOVEA_HAVE_CUDA ON)
  elseif(FOVEA_CUDA STREQUAL "ON")
    message(FATAL_ERROR "FOVEA_CUDA=ON, but nvcc was not found: install the CUDA Toolkit (12.8 or newer), put its bin "
                        "directory on PATH, or configure with -DFOVEA_CUDA=OFF")
  endif()
endif()

if(FOVEA_HAVE_CUDA)
  # Turing, Ampere, Ada, Hopper, Blackwell, and PTX of the last for what comes after.
  if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES 75-real 80-real 86-real 89-real 90a-real 100-real 120-real 120-virtual)
  endif()
  set(CMAKE_CUDA_COMPILER ${FOVEA_NVCC})
  enable_language(CUDA)
  # CMake 3.25 does not know CUDA C++20 and silently ignores CUDA_STANDARD 20: pass the flag ourselves.
  string(APPEND CMAKE_CUDA_FLAGS " -std=c++20 -lineinfo --threads 2 -Xcompiler=-Wall,-Wextra")
  if(FOVEA_WARNINGS_AS_ERRORS)
    string(APPEND CMAKE_CUDA_FLAGS " --Werror=all-warnings")
  endif()
  find_package(CUDAToolkit REQUIRED)
  message(STATUS "cuda: nvcc ${CMAKE_CUDA_COMPILER_VERSION}, architectures ${CMAKE_CUDA_ARCHITECTURES}")
else()
  message(STATUS "cuda: not built (FOVEA_CUDA=${FOVEA_CUDA}, nvcc not used)")
endif()
