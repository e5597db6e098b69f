# Finds what the library engine is compiled with; nothing is linked, cuDNN and cuBLASLt are opened at run time.
#
#   CUDNN_FRONTEND_INCLUDE_DIR  holds cudnn_frontend.h (header-only; scripts/fetch_cudnn_frontend.sh). Searched for in
#                               third_party/, the usual system folders and the package folders of Pythons on PATH and
#                               in VIRTUAL_ENV; a version older than asked for is passed over.
#   CUDNN_INCLUDE_DIR           holds cudnn.h of cuDNN 9: beside the CUDA Toolkit's headers, or in a Python package
#   CUBLASLT_INCLUDE_DIR        holds cublasLt.h, a part of the CUDA Toolkit
#
# Sets CudnnFrontend_FOUND and CudnnFrontend_VERSION, and CudnnFrontend_PROBLEM to what is missing and how to get it.
set(_packages)
find_program(_python3 NAMES python3 NO_CACHE)
if(_python3)
  get_filename_component(_bin ${_python3} DIRECTORY)
  get_filename_component(_prefix ${_bin} DIRECTORY)
  file(REAL_PATH ${_python3} _real)
  get_filename_component(_bin ${_real} DIRECTORY)
  get_filename_component(_real_prefix ${_bin} DIRECTORY)
endif()
foreach(prefix IN ITEMS "$ENV{VIRTUAL_ENV}" "${_prefix}" "${_real_prefix}" "$ENV{HOME}/.local")
  if(prefix)
    file(GLOB _found LIST_DIRECTORIES true "${prefix}/lib/python3*/site-packages" "${prefix}/lib/python3*/dist-packages")
    list(APPEND _packages ${_found})
  endif()
endforeach()

function(_cudnn_frontend_version folder result)
  set(version 0)
  if(EXISTS ${folder}/cudnn_frontend_version.h)
    file(STRINGS ${folder}/cudnn_frontend_version.h lines REGEX "#define CUDNN_FRONTEND_(MAJOR|MINOR|PATCH)_VERSION")
    string(REGEX MATCHALL "[0-9]+" numbers "${lines}")
    list(JOIN numbers "." version)
  endif()
  set(${result} ${version} PARENT_SCOPE)
endfunction()

set(_passed_over)
if(NOT CUDNN_FRONTEND_INCLUDE_DIR)
  set(_folders ${PROJECT_SOURCE_DIR}/third_party/cudnn-frontend/include /usr/local/include /usr/include)
  list(TRANSFORM _packages APPEND /include OUTPUT_VARIABLE _package_includes)
  foreach(folder ${_folders} ${_package_includes})
    if(EXISTS ${folder}/cudnn_frontend.h)
      _cudnn_frontend_version(${folder} _version)
      if(_version VERSION_LESS "${CudnnFrontend_FIND_VERSION}")
        string(APPEND _passed_over " (passed over ${folder}, which is ${_version})")
      else()
        set(CUDNN_FRONTEND_INCLUDE_DIR ${folder} CACHE PATH "Folder of cudnn_frontend.h" FORCE)
        break()
      endif()
    endif()
  endforeach()
endif()

list(TRANSFORM _packages APPEND /nvidia/cudnn/include OUTPUT_VARIABLE _cudnn_includes)
find_path(CUDNN_INCLUDE_DIR cudnn_version.h HINTS ${CUDAToolkit_INCLUDE_DIRS} ${_cudnn_includes})
find_path(CUBLASLT_INCLUDE_DIR cublasLt.h HINTS ${CUDAToolkit_INCLUDE_DIRS})

set(CudnnFrontend_PROBLEM)
if(NOT CUDNN_FRONTEND_INCLUDE_DIR)
  set(CudnnFrontend_PROBLEM "cudnn_frontend.h ${CudnnFrontend_FIND_VERSION} or newer was not found${_passed_over}. Run \
scripts/fetch_cudnn_frontend.sh, or set CUDNN_FRONTEND_INCLUDE_DIR")
else()
  _cudnn_frontend_version(${CUDNN_FRONTEND_INCLUDE_DIR} CudnnFrontend_VERSION)
  if(CudnnFrontend_VERSION VERSION_LESS "${CudnnFrontend_FIND_VERSION}")
    set(CudnnFrontend_PROBLEM "CUDNN_FRONTEND_INCLUDE_DIR=${CUDNN_FRONTEND_INCLUDE_DIR} holds version \
${CudnnFrontend_VERSION} (0: none), but ${CudnnFrontend_FIND_VERSION} or newer is needed. Run \
scripts/fetch_cudnn_frontend.sh")
  endif()
endif()
if(NOT CUDNN_INCLUDE_DIR)
  list(APPEND CudnnFrontend_PROBLEM "cudnn.h was not found. Install cuDNN 9's headers (package libcudnn9-dev-cuda-13 or \
libcudnn9-headers-cuda-13, or the Python package nvidia-cudnn-cu13), or set CUDNN_INCLUDE_DIR")
endif()
if(NOT CUBLASLT_INCLUDE_DIR)
  list(APPEND CudnnFrontend_PROBLEM "cublasLt.h was not found. Install cuBLAS's headers (a part of the CUDA Toolkit, \
package libcublas-dev), or set CUBLASLT_INCLUDE_DIR")
endif()
list(JOIN CudnnFrontend_PROBLEM ". " CudnnFrontend_PROBLEM)

set(CudnnFrontend_FOUND OFF)
if(NOT CudnnFrontend_PROBLEM)
  set(CudnnFrontend_FOUND ON)
endif()
mark_as_advanced(CUDNN_FRONTEND_INCLUDE_DIR CUDNN_INCLUDE_DIR CUBLASLT_INCLUDE_DIR)
