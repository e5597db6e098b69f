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

std::mutex turn_mutex;  // one parallel loop at a time; others wait their turn. Guards the next three
std::unique_ptr<ThreadPool> pool;
int pool_threads = 0;
ParallelRunner runner = nullptr;  // null: the pool
std::atomic<int> requested_threads{0};
thread_local bool inside_parallel_loop = false;

void run_on_pool(int parts, const std::function<void(int part)>& body) {
  if (pool_threads != parts) {
    pool.reset();
    pool_threads = parts;
    pool = std::make_unique<ThreadPool>(parts);
  }
  pool->run(body);
}

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

void set_parallel_runner(ParallelRunner other) {
  const std::lock_guard turn(turn_mutex);
  runner = other;
  pool.reset();
  pool_threads = 0;
}

void parallel_ranges(std::int64_t count, std::int64_t grain,
                     const std::function<void(std::int64_t begin, std::int64_t end)>& body) {
  if (count <= 0) return;
  const int threads = thread_count();
  const std::int64_t ranges =
      std::clamp<std::int64_t>(count / std::max<std::int64_t>(grain, 1), 1, inside_parallel_loop ? 1 : threads);
  if (ranges == 1) {
    body(0, count);
    return;
  }
  const std::lock_guard turn(turn_mutex);
  std::exception_ptr first_error;
  std::mutex error_mutex;
  // Always as many parts as threads, though some may stay idle: pools end and start threads when the number changes.
  (runner ? runner : run_on_pool)(threads, [&](int part) {
    if (part >= ranges) return;
    inside_parallel_loop = true;
    try {
      body(count * part / ranges, count * (part + 1) / ranges);
    } catch (...) {
      const std::lock_guard lock(error_mutex);
      if (!first_error) first_error = std::current_exception();
    }
    inside_parallel_loop = false;
  });
  if (first_error) std::rethrow_exception(first_error);
}

void parallel_for(std::int64_t count, const std::function<void(std::int64_t)>& body) {
  parallel_ranges(count, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) body(i);
  });
}

}  // namespace fovea
