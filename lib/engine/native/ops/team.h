// Threads that share out the parts of a job.
#pragma once
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <thread>

namespace cifar10 {

class Team {
 public:
  /**
   * One thread for each core that this process may use, the caller's among them. They live as long as the process. They
   * take over the floating point mode of the first caller, a thread of TensorFlow's: tiny numbers count as 0.
   */
  static Team& shared() {
    static Team* team = new Team(cores());
    return *team;
  }

  int size() const { return size_; }

  /**
   * Calls part(index, worker) for each index below count, on all threads at once; returns when all are done.
   * Parts that run at the same time have different workers, from 0 to size() − 1. Several callers may run jobs at once.
   */
  void run(int count, const std::function<void(int index, int worker)>& part) {
    Job job{part, count};
    std::unique_lock<std::mutex> lock(mutex_);
    const auto place = jobs_.insert(jobs_.end(), &job);
    lock.unlock();
    wake_.notify_all();
    work(job, 0);
    for (int i = 0; i < kSpins && job.helpers > 0; i++) __builtin_ia32_pause();
    lock.lock();
    jobs_.erase(place);
    done_.wait(lock, [&] { return job.helpers == 0; });
  }

  /** Cuts `count` things into parts of `size`, the last one may be smaller; calls part(first, end, worker) for each. */
  template <class Part>
  void runParts(std::int64_t count, std::int64_t size, const Part& part) {
    run(int((count + size - 1) / size), [&](int index, int worker) {
      const std::int64_t first = index * size;
      part(first, std::min(count, first + size), worker);
    });
  }

 private:
  /** How often a caller looks whether the others are done before it goes to sleep: 30 to 100 µs, by processor. */
  static constexpr int kSpins = 2000;

  struct Job {
    const std::function<void(int, int)>& part;
    const int count;
    std::atomic<int> next{0};
    /** Threads at work on it beside the caller; changed under the mutex only. */
    std::atomic<int> helpers{0};
  };

  static int cores() {
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : int(std::thread::hardware_concurrency());
  }

  explicit Team(int size) : size_(size) {
    for (int worker = 1; worker < size; worker++) std::thread([this, worker] { help(worker); }).detach();
  }

  static void work(Job& job, int worker) {
    for (int index; (index = job.next++) < job.count;) job.part(index, worker);
  }

  void help(int worker) {
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      Job* job = nullptr;
      wake_.wait(lock, [&] { return (job = open()) != nullptr; });
      job->helpers++;
      lock.unlock();
      work(*job, worker);
      lock.lock();
      if (--job->helpers == 0) done_.notify_all();
    }
  }

  /** The oldest job that has parts left. */
  Job* open() {
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
