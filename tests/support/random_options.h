// SPDX-License-Identifier: Apache-2.0
//
// How many random cases are drawn, and from which seed.
#pragma once
#include <cstdint>

namespace fovea::test {

inline constexpr std::uint64_t few_random_cases = 5;

struct RandomOptions {
  std::uint64_t seed = 0, cases = 0;
};

// FOVEA_RANDOM_SEED and FOVEA_RANDOM_CASES, else one seed for all and 50 cases, or with FOVEA_TEST_CASES=small `small`.
// Throws InputError for what is no whole number.
RandomOptions random_options(std::uint64_t small = few_random_cases);

// In a form that the environment takes; in each process the first call only.
void print_once(const RandomOptions& options);

}  // namespace fovea::test
