# fovea_test(NAME SOURCES a.cpp b.cpp [LIBRARIES x y] [LABELS core]): one GoogleTest executable whose cases ctest
# lists one by one. Discovery runs before the tests, so building needs no device.
find_package(GTest REQUIRED)
include(GoogleTest)

function(fovea_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LIBRARIES;LABELS")
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_LIBRARIES} GTest::gtest_main fovea_options)
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 120 NO_PRETTY_VALUES
    PROPERTIES LABELS "${arg_LABELS}" TIMEOUT 1200 SKIP_REGULAR_EXPRESSION "\\[  SKIPPED \\]")
endfunction()
