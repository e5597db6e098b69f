// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace fovea {

// The candidate closest to `word`, ignoring case: inserted, deleted, replaced and swapped neighbouring letters count
// one each (optimal string alignment distance). Empty when nothing is close enough to be a slip of the fingers: at most
// a third of the longer word's letters, at least one; a candidate that `word` begins, from three letters on, is always
// close. The first of equals wins.
std::string closest_match(std::string_view word, const std::vector<std::string>& candidates);

// " (did you mean 'conv2d'?)", or nothing: to be appended to a message.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace fovea
