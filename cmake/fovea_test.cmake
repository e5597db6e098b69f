# fovea_test(NAME SOURCES a.cpp b.cpp [LIBRARIES x y] [LABELS core]): one GoogleTest executable whose cases ctest
# lists one by one. Discovery runs before the tests, so building needs no device.
find_package(GTest REQUIRED)
include(GoogleTest)

# fovea_test_headers(TARGET): with FOVEA_UNITY, what the tests of operations include, compiled once for all of them.
function(fovea_test_headers target)
  if(NOT FOVEA_UNITY)
    return()
  endif()
  if(TARGET support_test AND NOT target STREQUAL "support_test")
    target_precompile_headers(${target} REUSE_FROM support_test)
  elseif(target STREQUAL "support_test")
    target_precompile_headers(${target} PRIVATE
      "${PROJECT_SOURCE_DIR}/tests/support/layer_test.h" "${PROJECT_SOURCE_DIR}/tests/support/op_test.h")
  endif()
endfunction()

function(fovea_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LIBRARIES;LABELS")
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_LIBRARIES} GTest::gtest_main fovea_options)
  if(FOVEA_UNITY)
    set_target_properties(${name} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 8)
  endif()
  if(NOT "OpenMP::OpenMP_CXX" IN_LIST arg_LIBRARIES)  # whose flags those headers were not compiled with
    fovea_test_headers(${name})
  endif()
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 120 NO_PRETTY_VALUES
    PROPERTIES LABELS "${arg_LABELS}" TIMEOUT 1200 SKIP_REGULAR_EXPRESSION "\\[  SKIPPED \\]")
endfunction()
