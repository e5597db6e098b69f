// SPDX-License-Identifier: Apache-2.0
//
// A CSV file (core/data/csv.h) of path,label or path,label,split, one image a line:
//
//   path,label,split
//   photos/1.jpg,cat,train
//   "photos/2, again.jpg",dog,test
//
// The first line may hold these names. Paths are relative to the file's directory. Labels that are all whole numbers are
// the classes' numbers; else classes are in the order of their names, byte by byte.
#pragma once
#include <string>

#include "core/data/open_data.h"

namespace fovea {

// Throws InputError naming file and line: not CSV, another number of fields, an empty path or label, a split that is
// neither train nor test, numbers that leave a class out. Files that do not exist are an error that lists them or, with
// Unreadable::skip, notes.
DataSplits open_list(const std::string& path, const DataOptions& options);

}  // namespace fovea
