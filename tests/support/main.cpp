// SPDX-License-Identifier: Apache-2.0
//
// main() of the operation tests. Returns 77, which ctest reports as skipped, when nothing ran because no device was
// there; prints how close each device came to its bounds.
#include <gtest/gtest.h>

#include <iostream>

#include "tests/support/checks.h"

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const int failed = RUN_ALL_TESTS();
  std::cout << fovea::test::worst_ratio_report();
  const testing::UnitTest& all = *testing::UnitTest::GetInstance();
  if (failed == 0 && all.successful_test_count() == 0 && all.skipped_test_count() > 0) return 77;
  if (failed == 0 && all.test_to_run_count() == 0) {
    std::cerr << "no test matches the filter\n";
    return 1;
  }
  return failed;
}
