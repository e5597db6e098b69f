// SPDX-License-Identifier: Apache-2.0
#include "core/support/parallel.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <condition_variable>
#include <exception>
#include <fstream>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/support/error.h"

namespace fovea {
namespace {

// A container's CPU quota (cgroup v2): "max 100000" or "150000 100000". 0: no limit found.
int cgroup_cores() {
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max" || period <= 0) return 0;
  try {
    return std::max(1, static_cast<int>(std::ceil(std::stod(quota) / period)));
  } catch (const std::exception&) {
    return 0;
  }
}

int default_threads() {
  int cores = 0;
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) cores = CPU_COUNT(&allowed);
  if (cores <= 0) cores = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  if (const int quota = cgroup_cores(); quota > 0) cores = std::min(cores, quota);
  return cores;
}

// Workers that sleep between calls. The caller computes part 0 itself.
class ThreadPool {
 public:
  explicit ThreadPool(int threads) {
    for (int part = 1; part < threads; ++part) workers_.emplace_back([this, part] { work(part); });
  }
  ~ThreadPool() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    wake_.notify_all();
    for (std::thread& worker : workers_) worker.join();
  }

  void run(const std::function<void(int part)>& body) {
    {
      const std::lock_guard lock(mutex_);
      body_ = &body;
      pending_ = static_cast<int>(workers_.size());
      ++generation_;
    }
    wake_.notify_all();
    body(0);
    std::unique_lock lock(mutex_);
    done_.wait(lock, [&] { return pending_ == 0; });
    body_ = nullptr;
  }

 private:
  void work(int part) {
    std::uint64_t seen = 0;
    for (;;) {
      const std::function<void(int)>* body = nullptr;
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [&] { return stop_ || generation_ != seen; });
        if (stop_) return;
        seen = generation_;
        body = body_;
      }
      (*body)(part);
      {
        const std::lock_guard lock(mutex_);
        --pending_;
      }
      done_.notify_one();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_, done_;
  const std::function<void(int)>* body_ = nullptr;
  int pending_ = 0;
  std::uint64_t generation_ = 0;
  bool stop_ = false;
  std::vector<std::thread> workers_;
};

std::mutex pool_mutex;  // one parallel_for at a time; others wait their turn
std::unique_ptr<ThreadPool> pool;
int pool_threads = 0;
std::atomic<int> requested_threads{0};
thread_local bool inside_parallel_for = false;

}  // namespace

int thread_count() {
  static const int by_default = default_threads();
  const int requested = requested_threads.load();
  return requested > 0 ? requested : by_default;
}

void set_thread_count(int threads) {
  require(threads >= 0 && threads <= 1024,
          [&] { return "threads: expected a number from 1 to 1024 (0: all cores), got " + std::to_string(threads); });
  requested_threads = threads;
}

void parallel_for(std::int64_t count, const std::function<void(std::int64_t)>& body) {
  const int threads = static_cast<int>(std::min<std::int64_t>(thread_count(), count));
  if (threads <= 1 || inside_parallel_for) {
    for (std::int64_t i = 0; i < count; ++i) body(i);
    return;
  }
  const std::lock_guard turn(pool_mutex);
  if (pool_threads != thread_count()) {
    pool.reset();
    pool_threads = thread_count();
    pool = std::make_unique<ThreadPool>(pool_threads);
  }
  std::exception_ptr first_error;
  std::mutex error_mutex;
  pool->run([&](int part) {
    inside_parallel_for = true;
    try {
      const std::int64_t begin = count * part / pool_threads, end = count * (part + 1) / pool_threads;
      for (std::int64_t i = begin; i < end; ++i) body(i);
    } catch (...) {
      const std::lock_guard lock(error_mutex);
      if (!first_error) first_error = std::current_exception();
    }
    inside_parallel_for = false;
  });
  if (first_error) std::rethrow_exception(first_error);
}

}  // namespace fovea
