# Install and export, so that another project writes find_package(Fovea) and links fovea::fovea. tests/consumer proves it.
include(CMakePackageConfigHelpers)

set(FOVEA_INSTALL_CMAKEDIR ${CMAKE_INSTALL_LIBDIR}/cmake/Fovea)
set(fovea_installed fovea_core fovea_cpu_reference fovea_emu fovea)
if(FOVEA_HAVE_CPU)
  list(APPEND fovea_installed fovea_cpu)
  # oneDNN travels along: an installation does not depend on this source tree, and the licence on its text being there.
  file(REAL_PATH ${FOVEA_ONEDNN_LIBRARY} onednn_file)
  install(FILES ${onednn_file} RENAME ${OneDNN_SONAME} DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/third_party/onednn/licenses/ OPTIONAL
    DESTINATION ${CMAKE_INSTALL_DOCDIR}/onednn)
  install(FILES cpu/cpu_backend.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/fovea/cpu)
endif()
if(FOVEA_HAVE_CUDA)
  list(APPEND fovea_installed fovea_cuda)
endif()
install(TARGETS ${fovea_installed} EXPORT FoveaTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT FoveaTargets NAMESPACE fovea:: DESTINATION ${FOVEA_INSTALL_CMAKEDIR})

# Headers keep their folders under include/fovea, which is on the targets' include path: "core/ops/conv2d.h" works in
# and out of the tree.
foreach(folder core cpu_reference)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/${folder} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/fovea
    FILES_MATCHING PATTERN *.h)
endforeach()
install(FILES cuda/emu_backend.h cuda/cuda_backend.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/fovea/cuda)
install(FILES cuda/emu/options.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/fovea/cuda/emu)

set(FOVEA_INSTALL_LIBDIR ${CMAKE_INSTALL_LIBDIR})
configure_package_config_file(cmake/FoveaConfig.cmake.in ${PROJECT_BINARY_DIR}/FoveaConfig.cmake
  INSTALL_DESTINATION ${FOVEA_INSTALL_CMAKEDIR} PATH_VARS FOVEA_INSTALL_LIBDIR)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/FoveaConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/FoveaConfig.cmake ${PROJECT_BINARY_DIR}/FoveaConfigVersion.cmake
  DESTINATION ${FOVEA_INSTALL_CMAKEDIR})
