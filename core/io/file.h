// SPDX-License-Identifier: Apache-2.0
//
// Files as the loaders and writers need them: reading checks every byte count, writing replaces a file whole or not at
// all. All errors are InputErrors that name the file and carry the system's own text.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fovea {

// A regular file open for reading, from its start.
class InputFile {
 public:
  explicit InputFile(std::string path);  // throws: cannot be opened, not a regular file
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  const std::string& path() const { return path_; }
  std::uint64_t size() const { return size_; }  // when it was opened
  // Reads up to bytes.size() bytes and returns how many; fewer only at the end of the file.
  std::size_t read_some(std::span<std::byte> bytes);
  // Fills `bytes`; throws when the file ends first.
  void read(std::span<std::byte> bytes);

 private:
  std::string path_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

// The system calls that writing a file makes, in the order it makes them. A test replaces them to fail or to die at
// each one; everyone else uses system_calls().
class FileCalls {
 public:
  virtual ~FileCalls() = default;
  // As the calls of POSIX: a negative result, with errno set, is a failure.
  virtual int create(const char* path);  // exclusively, for writing
  virtual std::ptrdiff_t write(int descriptor, const void* data, std::size_t bytes);
  virtual int sync(int descriptor);
  virtual int close(int descriptor);
  virtual int rename(const char* from, const char* to);
  virtual int open_directory(const char* path);
};
FileCalls& system_calls();

bool file_exists(const std::string& path);
std::vector<std::byte> read_file(const std::string& path);

// Writes the pieces one after another to a temporary file beside `path`, fsyncs it, renames it over `path` and fsyncs
// the directory. After an error the old file is as it was and the temporary file is gone; after a crash `path` is the
// old file or the new one.
void write_file_atomically(const std::string& path, std::span<const std::span<const std::byte>> pieces,
                           FileCalls& calls = system_calls());
void write_file_atomically(const std::string& path, std::string_view text);

}  // namespace fovea
