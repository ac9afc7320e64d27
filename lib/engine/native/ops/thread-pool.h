// A pool of threads that run the parts of a job.
#pragma once
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <thread>

#include "../cores.h"

namespace cifar10 {

class ThreadPool {
 public:
  /**
   * One thread for each core that this process may use, the caller's included. They live as long as the process, and
   * inherit the floating point mode of the first caller, one of TensorFlow's threads: denormals are flushed to 0.
   */
  static ThreadPool& Shared() {
    static ThreadPool* pool = new ThreadPool(AvailableCores());
    return *pool;
  }

  int size() const { return size_; }

  /**
   * Calls part(index, worker) for each index in [0, count), on all threads; returns when all are done. Parts that run
   * at the same time have different workers in [0, size()). Several callers may run jobs at once.
   */
  void Run(int count, const std::function<void(int index, int worker)>& part) {
    Job job{part, count};
    std::unique_lock<std::mutex> lock(mutex_);
    const auto place = jobs_.insert(jobs_.end(), &job);
    lock.unlock();
    wake_.notify_all();
    Work(job, 0);
    for (int i = 0; i < kSpins && job.helpers > 0; i++) __builtin_ia32_pause();
    lock.lock();
    jobs_.erase(place);
    done_.wait(lock, [&] { return job.helpers == 0; });
  }

  /** Cuts [0, count) into parts of `size` (the last may be smaller); calls part(first, end, worker) for each. */
  template <class Part>
  void RunParts(std::int64_t count, std::int64_t size, const Part& part) {
    Run(int((count + size - 1) / size), [&](int index, int worker) {
      const std::int64_t first = index * size;
      part(first, std::min(count, first + size), worker);
    });
  }

 private:
  /** How often a caller polls whether the others are done before it sleeps: 30 to 100 µs, depending on the CPU. */
  static constexpr int kSpins = 2000;

  struct Job {
    const std::function<void(int, int)>& part;
    const int count;
    std::atomic<int> next{0};
    /** Threads working on it besides the caller; changed under the mutex only. */
    std::atomic<int> helpers{0};
  };

  explicit ThreadPool(int size) : size_(size) {
    for (int worker = 1; worker < size; worker++) std::thread([this, worker] { Help(worker); }).detach();
  }

  static void Work(Job& job, int worker) {
    for (int index; (index = job.next++) < job.count;) job.part(index, worker);
  }

  void Help(int worker) {
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      Job* job = nullptr;
      wake_.wait(lock, [&] { return (job = NextJob()) != nullptr; });
      job->helpers++;
      lock.unlock();
      Work(*job, worker);
      lock.lock();
      if (--job->helpers == 0) done_.notify_all();
    }
  }

  /** The oldest job with parts left; null if there is none. */
  Job* NextJob() {
    for (Job* job : jobs_)
      if (job->next < job->count) return job;
    return nullptr;
  }

  const int size_;
  std::mutex mutex_;
  std::condition_variable wake_, done_;
  std::list<Job*> jobs_;
};

}  // namespace cifar10
