// SPDX-License-Identifier: Apache-2.0
//
// Images in one directory for each class:
//
//   DIR/cat/1.jpg  DIR/cat/2.jpg  DIR/dog/1.jpg             split by a holdout
//   DIR/train/cat/1.jpg  DIR/test/cat/2.jpg                 split already ("val" serves where there is no "test")
//
// Classes are in the order of their directories' names, samples in the order of the files' names, both byte by byte.
#pragma once
#include <string>

#include "core/data/open_data.h"

namespace fovea {

// Files beside the classes' directories are noted and not read. Whatever else cannot be a sample (a file of another kind
// or a directory inside of a class, by name) is an error or, with Unreadable::skip, a note; the files themselves are
// opened when they are read. Throws InputError: no classes, a class without images, splits with different classes.
DataSplits open_folder(const std::string& directory, const DataOptions& options);

}  // namespace fovea
