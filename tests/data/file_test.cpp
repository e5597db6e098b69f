// SPDX-License-Identifier: Apache-2.0
#include "core/io/file.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <functional>

#include "tests/data/files.h"

namespace fovea {
namespace {

using test::Bytes;
using test::holds;
using test::input_error;

// Makes the system's calls, but does something else at the call of one number.
class FaultyCalls final : public FileCalls {
 public:
  // `fault` returns true when the call is to be made after all.
  FaultyCalls(int at, std::function<bool()> fault) : at_(at), fault_(std::move(fault)) {}
  bool reached() const { return calls_ > at_; }

  int create(const char* path) override { return hit() ? -1 : FileCalls::create(path); }
  std::ptrdiff_t write(int descriptor, const void* data, std::size_t bytes) override {
    // Always short, so that every writer must go on with the rest.
    return hit() ? -1 : FileCalls::write(descriptor, data, std::min<std::size_t>(bytes, 7));
  }
  int sync(int descriptor) override { return hit() ? -1 : FileCalls::sync(descriptor); }
  int close(int descriptor) override {
    const bool fail = hit();
    const int result = FileCalls::close(descriptor);
    return fail ? -1 : result;
  }
  int rename(const char* from, const char* to) override { return hit() ? -1 : FileCalls::rename(from, to); }
  int open_directory(const char* path) override { return hit() ? -1 : FileCalls::open_directory(path); }

 private:
  bool hit() { return calls_++ == at_ && !fault_(); }
  int at_, calls_ = 0;
  std::function<bool()> fault_;
};

class WriteFile : public ::testing::Test {
 protected:
  void write(FileCalls& calls = system_calls()) {
    const std::array pieces{std::as_bytes(std::span(new_.data(), 20)), std::as_bytes(std::span(new_).subspan(20))};
    write_file_atomically(path_, pieces, calls);
  }
  void expect_old_or_new() {
    const Bytes bytes = test::read_bytes(path_);
    EXPECT_TRUE(bytes == old_ || bytes == new_);
  }

  test::TemporaryDirectory dir_;
  std::string path_ = dir_ / "result";
  Bytes old_ = Bytes(30, 'o'), new_ = Bytes(50, 'n');
};

TEST_F(WriteFile, ReplacesTheFile) {
  write();
  EXPECT_EQ(test::read_bytes(path_), new_);
  write_file_atomically(path_, "text");
  EXPECT_EQ(test::read_bytes(path_), Bytes({'t', 'e', 'x', 't'}));
  EXPECT_EQ(dir_.names(), std::vector<std::string>{"result"});
  const mode_t mask = ::umask(0);
  ::umask(mask);
  struct stat status {};
  ::stat(path_.c_str(), &status);
  EXPECT_EQ(status.st_mode & 0777, 0666 & ~mask);
}

TEST_F(WriteFile, FailsCleanlyAtEveryCall) {
  for (const int error : {ENOSPC, EIO}) {
    int at = 0;
    for (;; ++at) {
      test::write_bytes(path_, old_);
      FaultyCalls calls(at, [error] {
        errno = error;
        return false;
      });
      std::string message;
      try {
        write(calls);
      } catch (const InputError& caught) {
        message = caught.what();
      }
      if (!calls.reached()) {
        EXPECT_EQ(message, "");
        EXPECT_EQ(test::read_bytes(path_), new_);
        break;
      }
      EXPECT_EQ(dir_.names(), std::vector<std::string>{"result"}) << "after call " << at;
      expect_old_or_new();
      if (message.empty()) {
        // Only closing the directory, after everything is on disk, may go unnoticed.
        EXPECT_EQ(test::read_bytes(path_), new_) << "after call " << at;
      } else {
        EXPECT_TRUE(holds(message, {dir_.path(), error == EIO ? "Input/output error" : "No space left"}));
      }
    }
    EXPECT_EQ(at, 15);  // create, 8 short writes, sync, close, rename, open, sync and close the directory
  }
}

TEST_F(WriteFile, SurvivesDeathAtEveryCall) {
  for (const bool after_the_call : {false, true}) {
    for (int at = 0;; ++at) {
      test::write_bytes(path_, old_);
      const pid_t child = ::fork();
      ASSERT_GE(child, 0);
      if (child == 0) {
        // Dying before call at + 1 is dying after call `at`.
        FaultyCalls calls(at + after_the_call, []() -> bool { ::_exit(9); });
        write(calls);
        ::_exit(0);
      }
      int status = 0;
      ASSERT_EQ(::waitpid(child, &status, 0), child);
      ASSERT_TRUE(WIFEXITED(status));
      expect_old_or_new();
      if (WEXITSTATUS(status) == 0) break;
      ASSERT_EQ(WEXITSTATUS(status), 9);
      ASSERT_LT(at, 100);
      // What the dead process left behind does not stop the next one.
      write();
      EXPECT_EQ(test::read_bytes(path_), new_);
    }
  }
}

TEST_F(WriteFile, GoesOnAfterAnInterruptedCall) {
  FaultyCalls calls(3, [] {
    errno = EINTR;
    return false;
  });
  write(calls);
  EXPECT_EQ(test::read_bytes(path_), new_);
}

TEST_F(WriteFile, SaysWhatTheSystemRefused) {
  test::write_bytes(path_, old_);
  EXPECT_TRUE(holds(input_error([&] { write_file_atomically(dir_ / "no/file", "x"); }), {"no/file", "No such file"}));
  EXPECT_TRUE(holds(input_error([&] { write_file_atomically(path_ + "/file", "x"); }), {"Not a directory"}));
  EXPECT_TRUE(holds(input_error([&] { write_file_atomically(dir_.path(), "x"); }), {dir_.path(), "directory"}));
  EXPECT_EQ(dir_.names(), std::vector<std::string>{"result"});
}

// A limit of the operating system itself, not of our stand-in.
TEST_F(WriteFile, KeepsTheOldFileWhenTheSystemStopsTheWrite) {
  test::write_bytes(path_, old_);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{40, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const std::string message = input_error([&] { write(); });
  ::setrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, handler);
  EXPECT_TRUE(holds(message, {path_, "File too large"}));
  EXPECT_EQ(test::read_bytes(path_), old_);
  EXPECT_EQ(dir_.names(), std::vector<std::string>{"result"});
}

TEST_F(WriteFile, ReadsWhatIsThere) {
  write();
  const std::vector<std::byte> bytes = read_file(path_);
  EXPECT_EQ(bytes, std::vector<std::byte>(50, std::byte{'n'}));
  InputFile file(path_);
  EXPECT_EQ(file.size(), 50u);
  std::vector<std::byte> most(49), rest(2);
  file.read(most);
  EXPECT_TRUE(holds(input_error([&] { file.read(rest); }), {path_, "truncated", "expected 2", "got 1"}));
  EXPECT_TRUE(file_exists(path_));
  EXPECT_FALSE(file_exists(dir_.path()));
  ASSERT_EQ(::mkfifo((dir_ / "pipe").c_str(), 0600), 0);
  EXPECT_TRUE(holds(input_error([&] { InputFile pipe(dir_ / "pipe"); }), {"pipe", "expected a file"}));
}

}  // namespace
}  // namespace fovea
