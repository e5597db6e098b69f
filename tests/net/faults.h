// SPDX-License-Identifier: Apache-2.0
//
// What is said of a faulty net file, which may have the layers of own_layer.h.
#pragma once
#include <string>

#include "core/graph/net_file.h"
#include "core/support/error.h"
#include "tests/net/own_layer.h"

namespace fovea::test {

inline std::string faults_of(const std::string& toml) {
  try {
    parse_net(toml, "net.toml", types_with_own());
  } catch (const InputError& error) {
    return error.what();
  }
  return "no fault";
}

}  // namespace fovea::test
