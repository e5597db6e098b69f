# FOVEA_UNITY: the small sources of a folder as one translation unit, and what commands and tests include precompiled, since
# most of their time goes into headers that they share. Half the time from scratch, but more after an edit: for work on
# Fovea itself there is the preset dev.
# A file's names are seen by the next one there, so names may be shadowed, and types that only it has look like a header's.
option(FOVEA_UNITY "Compile the sources of each folder of the libraries together" ON)
if(FOVEA_UNITY)
  target_compile_options(fovea_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wno-shadow>)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")  # or ccache keeps nothing that a precompiled header was part of
    target_compile_options(fovea_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-fpch-preprocess>
      $<$<COMPILE_LANGUAGE:CXX>:-Wno-subobject-linkage>)
  endif()
  # g++ 12's bug 105329 again, in longer functions.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    target_compile_options(fovea_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wno-stringop-overflow>
      $<$<COMPILE_LANGUAGE:CXX>:-Wno-array-bounds>)
  endif()
endif()

# fovea_unity(TARGET): one group for each folder with sources of the target. Called in the target's own directory.
function(fovea_unity target)
  if(NOT FOVEA_UNITY)
    return()
  endif()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
  get_target_property(sources ${target} SOURCES)
  foreach(source IN LISTS sources)
    get_filename_component(path ${source} ABSOLUTE)
    get_filename_component(folder ${path} DIRECTORY)
    get_filename_component(group ${folder} NAME)
    set_source_files_properties(${path} ${source} PROPERTIES UNITY_GROUP ${group})
  endforeach()
endfunction()
