# Finds what the cpu device computes with: oneDNN 3 or newer as a shared library whose threads are OpenMP's.
#
#   FOVEA_ONEDNN_ROOT        a prefix with include/ and lib/; searched first, then third_party/onednn
#                            (scripts/fetch_onednn.sh), then the system
#   FOVEA_ONEDNN_INCLUDE_DIR holds oneapi/dnnl/dnnl.hpp
#   FOVEA_ONEDNN_LIBRARY     libdnnl.so
#
# Sets OneDNN_FOUND and OneDNN_VERSION, OneDNN_SONAME (the name that binaries ask for), the target fovea::onednn, and
# OneDNN_PROBLEM to what is missing and how to get it.
set(_places ${FOVEA_ONEDNN_ROOT})
if(NOT FOVEA_ONEDNN_ROOT)
  set(_places ${PROJECT_SOURCE_DIR}/third_party/onednn)
endif()
find_path(FOVEA_ONEDNN_INCLUDE_DIR oneapi/dnnl/dnnl.hpp HINTS ${_places} PATH_SUFFIXES include)
find_library(FOVEA_ONEDNN_LIBRARY NAMES libdnnl.so HINTS ${_places} PATH_SUFFIXES lib)
mark_as_advanced(FOVEA_ONEDNN_INCLUDE_DIR FOVEA_ONEDNN_LIBRARY)

set(OneDNN_PROBLEM)
set(_how "Run scripts/fetch_onednn.sh, or set FOVEA_ONEDNN_ROOT to the prefix of a oneDNN ${OneDNN_FIND_VERSION} or newer \
that was built with DNNL_CPU_RUNTIME=OMP")
if(NOT FOVEA_ONEDNN_INCLUDE_DIR OR NOT FOVEA_ONEDNN_LIBRARY)
  set(OneDNN_PROBLEM "oneDNN was not found (oneapi/dnnl/dnnl.hpp and libdnnl.so). ${_how}")
else()
  set(_headers ${FOVEA_ONEDNN_INCLUDE_DIR}/oneapi/dnnl)
  file(STRINGS ${_headers}/dnnl_version.h _lines REGEX "#define DNNL_VERSION_(MAJOR|MINOR|PATCH) ")
  string(REGEX MATCHALL "[0-9]+" _numbers "${_lines}")
  list(JOIN _numbers "." OneDNN_VERSION)
  list(GET _numbers 0 _major)
  set(OneDNN_SONAME libdnnl.so.${_major})
  file(STRINGS ${_headers}/dnnl_config.h _runtime REGEX "#define DNNL_CPU_RUNTIME DNNL_RUNTIME_")
  if(OneDNN_VERSION VERSION_LESS "${OneDNN_FIND_VERSION}")
    set(OneDNN_PROBLEM "oneDNN in ${FOVEA_ONEDNN_INCLUDE_DIR} is ${OneDNN_VERSION}, too old. ${_how}")
  elseif(NOT _runtime MATCHES "DNNL_RUNTIME_OMP")
    set(OneDNN_PROBLEM "oneDNN in ${FOVEA_ONEDNN_INCLUDE_DIR} brings threads other than OpenMP's. ${_how}")
  endif()
endif()

set(OneDNN_FOUND OFF)
if(NOT OneDNN_PROBLEM)
  set(OneDNN_FOUND ON)
  if(NOT TARGET fovea::onednn)
    add_library(fovea::onednn SHARED IMPORTED)
    set_target_properties(fovea::onednn PROPERTIES
      IMPORTED_LOCATION ${FOVEA_ONEDNN_LIBRARY}
      IMPORTED_SONAME ${OneDNN_SONAME}
      INTERFACE_INCLUDE_DIRECTORIES ${FOVEA_ONEDNN_INCLUDE_DIR})
  endif()
endif()
