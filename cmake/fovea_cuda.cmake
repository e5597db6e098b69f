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
  if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES AND "$ENV{CUDAARCHS}" STREQUAL "")
    set(CMAKE_CUDA_ARCHITECTURES OFF)  # the options below
  endif()
  set(CMAKE_CUDA_COMPILER ${FOVEA_NVCC})
  enable_language(CUDA)
  # CMake 3.25 does not know nvcc's flag for C++20, which it needs as soon as a target wants cxx_std_20.
  if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
    set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
    set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
  endif()
  set(CMAKE_CUDA_STANDARD 20)
  set(CMAKE_CUDA_STANDARD_REQUIRED ON)
  # A spilled register is a warning: kernels are written to fit (tests/budget holds them to it).
  string(APPEND CMAKE_CUDA_FLAGS " -lineinfo --threads 2 -Xcompiler=-Wall,-Wextra -Xptxas=--warn-on-spills")
  if(FOVEA_WARNINGS_AS_ERRORS)  # those of ptxas too
    string(APPEND CMAKE_CUDA_FLAGS " --Werror=all-warnings")
  endif()
  set(fovea_architectures ${CMAKE_CUDA_ARCHITECTURES})
  if(NOT CMAKE_CUDA_ARCHITECTURES)
    # By default Turing, Ampere (whose code Ada runs), Hopper, Blackwell, and PTX for what comes after. The code of both
    # Blackwells is made from one PTX, which takes longer to make than code: nvcc can be told so, CMake cannot.
    set(fovea_architectures "compute_75:sm_75" "compute_80:sm_80" "compute_90a:sm_90a"
        "compute_100:sm_100,sm_120,compute_100")
    foreach(code IN LISTS fovea_architectures)
      string(REGEX REPLACE "(.*):(.*)" " --generate-code=arch=\\1,code=[\\2]" option ${code})
      string(APPEND CMAKE_CUDA_FLAGS ${option})
    endforeach()
  endif()
  find_package(CUDAToolkit REQUIRED)
  message(STATUS "cuda: nvcc ${CMAKE_CUDA_COMPILER_VERSION}, architectures ${fovea_architectures}")
else()
  message(STATUS "cuda: not built (FOVEA_CUDA=${FOVEA_CUDA}, nvcc not used)")
endif()
