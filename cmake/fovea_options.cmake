# Warnings and sanitizers, as one INTERFACE target linked privately by every target of ours.
add_library(fovea_options INTERFACE)
# g++ 12 sees overlapping copies in every `"literal" + std::string` (GCC bug 105329).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(fovea_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wno-restrict>)
endif()
target_compile_options(fovea_options INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wpedantic -Wshadow>
  $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<BOOL:${FOVEA_WARNINGS_AS_ERRORS}>>:-Werror>)

if(FOVEA_SANITIZE STREQUAL "address")
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
elseif(FOVEA_SANITIZE STREQUAL "thread")
  add_compile_options(-fsanitize=thread -fno-omit-frame-pointer)
  add_link_options(-fsanitize=thread)
elseif(FOVEA_SANITIZE)
  message(FATAL_ERROR "FOVEA_SANITIZE: expected address or thread, got '${FOVEA_SANITIZE}'")
endif()

# Sanitized programs are large, and there are many: half the time of GNU ld.
if(FOVEA_SANITIZE AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  find_program(FOVEA_LLD NAMES ld.lld-14 ld.lld)
  if(FOVEA_LLD)
    add_link_options(--ld-path=${FOVEA_LLD})
  endif()
endif()

# For libraries whose plain loops are to be vectorised. Under a sanitizer nothing is fast, and that would compile for twice
# as long.
if(FOVEA_SANITIZE)
  set(FOVEA_VECTORISE -O1)
else()
  set(FOVEA_VECTORISE $<$<NOT:$<CONFIG:Debug>>:-O3>)
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
  set(CMAKE_CUDA_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()
