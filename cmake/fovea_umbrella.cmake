# fovea::fovea: every device that was built, behind core/backend/device_list.h.
add_library(fovea STATIC core/backend/device_list.cpp)
add_library(fovea::fovea ALIAS fovea)
target_link_libraries(fovea PUBLIC fovea::core fovea::cpu_reference fovea::emu PRIVATE $<BUILD_INTERFACE:fovea_options> ${FOVEA_FMT})
if(FOVEA_HAVE_CUDA)
  target_link_libraries(fovea PUBLIC fovea::cuda)
  target_compile_definitions(fovea PRIVATE FOVEA_HAVE_CUDA=1)
endif()
