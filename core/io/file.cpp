// SPDX-License-Identifier: Apache-2.0
#include "core/io/file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <system_error>

#include "core/support/error.h"

namespace fovea {
namespace {

// Linux transfers at most 0x7ffff000 bytes a call.
constexpr std::size_t max_transfer = std::size_t{1} << 30;

[[noreturn]] void fail(const std::string& path, std::string_view action, int error) {
  throw InputError(fmt::format("{}: cannot {}: {}", path, action, std::generic_category().message(error)));
}

// A file being written under a temporary name; removed unless it was renamed into place.
class TemporaryFile {
 public:
  TemporaryFile(const std::string& target, FileCalls& calls) : target_(target), calls_(calls) {
    // A name of its own, so that two writers of one path never share a temporary file; what a killed process with the
    // same number left behind is stepped over.
    for (int attempt = 0; descriptor_ < 0 && attempt < 100; ++attempt) {
      name_ = fmt::format("{}.tmp-{}-{}", target, ::getpid(), attempt);
      descriptor_ = calls_.create(name_.c_str());
      if (descriptor_ < 0 && errno != EEXIST) break;
    }
    if (descriptor_ < 0) fail(target_, "write", errno);
  }
  ~TemporaryFile() {
    if (descriptor_ >= 0) calls_.close(descriptor_);
    if (!committed_) ::unlink(name_.c_str());
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  void write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const std::ptrdiff_t written = calls_.write(descriptor_, bytes.data(), std::min(bytes.size(), max_transfer));
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) fail(target_, "write", written < 0 ? errno : ENOSPC);
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
  }

  void commit() {
    if (calls_.sync(descriptor_) != 0) fail(target_, "write to disk", errno);
    const int closed = calls_.close(descriptor_);
    descriptor_ = -1;
    if (closed != 0) fail(target_, "write", errno);
    if (calls_.rename(name_.c_str(), target_.c_str()) != 0) fail(target_, "replace", errno);
    committed_ = true;
    sync_directory();
  }

 private:
  // Without this the rename itself may be lost with the power.
  void sync_directory() const {
    const std::size_t slash = target_.rfind('/');
    const std::string directory = slash == std::string::npos ? "." : target_.substr(0, std::max<std::size_t>(slash, 1));
    const int descriptor = calls_.open_directory(directory.c_str());
    if (descriptor < 0 && errno == EACCES) return;  // a directory that may be written but not read
    if (descriptor < 0) fail(directory, "open", errno);
    const int result = calls_.sync(descriptor);
    const int error = errno;
    calls_.close(descriptor);
    // Some file systems do not sync directories and say so.
    if (result != 0 && error != EINVAL && error != ENOTSUP) fail(directory, "write to disk", error);
  }

  std::string target_, name_;
  FileCalls& calls_;
  int descriptor_ = -1;
  bool committed_ = false;
};

}  // namespace

int FileCalls::create(const char* path) { return ::open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666); }
std::ptrdiff_t FileCalls::write(int descriptor, const void* data, std::size_t bytes) {
  return ::write(descriptor, data, bytes);
}
int FileCalls::sync(int descriptor) { return ::fsync(descriptor); }
int FileCalls::close(int descriptor) { return ::close(descriptor); }
int FileCalls::rename(const char* from, const char* to) { return std::rename(from, to); }
int FileCalls::open_directory(const char* path) { return ::open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC); }

FileCalls& system_calls() {
  static FileCalls calls;
  return calls;
}

InputFile::InputFile(std::string path) : path_(std::move(path)) {
  // O_NONBLOCK: opening a FIFO must fail below, not wait for a writer.
  descriptor_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor_ < 0) fail(path_, "open", errno);
  struct stat status {};
  const int result = ::fstat(descriptor_, &status);
  if (result != 0 || !S_ISREG(status.st_mode)) {
    const int error = errno;
    ::close(descriptor_);
    if (result != 0) fail(path_, "open", error);
    throw InputError(fmt::format("{}: expected a file, got a {}", path_,
                                 S_ISDIR(status.st_mode) ? "directory" : "device, pipe or socket"));
  }
  size_ = static_cast<std::uint64_t>(status.st_size);
}

InputFile::~InputFile() { ::close(descriptor_); }

std::size_t InputFile::read_some(std::span<std::byte> bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got = ::read(descriptor_, bytes.data() + done, std::min(bytes.size() - done, max_transfer));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(path_, "read", errno);
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

void InputFile::read(std::span<std::byte> bytes) {
  const std::size_t got = read_some(bytes);
  require(got == bytes.size(),
          [&] { return fmt::format("{}: truncated: expected {} more bytes, got {}", path_, bytes.size(), got); });
}

bool file_exists(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

std::vector<std::byte> read_file(const std::string& path) {
  InputFile file(path);
  std::vector<std::byte> bytes(file.size());
  file.read(bytes);
  return bytes;
}

void write_file_atomically(const std::string& path, std::span<const std::span<const std::byte>> pieces,
                           FileCalls& calls) {
  TemporaryFile file(path, calls);
  for (const auto& piece : pieces) file.write(piece);
  file.commit();
}

void write_file_atomically(const std::string& path, std::string_view text) {
  const std::array pieces{std::as_bytes(std::span(text.data(), text.size()))};
  write_file_atomically(path, pieces);
}

}  // namespace fovea
