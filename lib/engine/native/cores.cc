#include "cores.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <initializer_list>
#include <limits>
#include <thread>

namespace cifar10 {
namespace {

constexpr double kNone = std::numeric_limits<double>::infinity();

/** The cores that a group's quota comes to; kNone if it has none. */
double QuotaOf(const std::string& group) {
  double quota = 0, period = 0;
  if (std::ifstream v2{group + "/cpu.max"}) {
    v2 >> quota >> period;  // or "max" and a period, which fails at once
  } else {
    std::ifstream(group + "/cpu.cfs_quota_us") >> quota;  // -1: none
    std::ifstream(group + "/cpu.cfs_period_us") >> period;
  }
  return quota > 0 && period > 0 ? quota / period : kNone;
}

/** The smallest quota of a group and all above it. Above a container's own group, the container sees no folders. */
double SmallestQuota(const std::string& mount, std::string group) {
  double smallest = QuotaOf(mount);
  for (; group.size() > 1; group.resize(group.rfind('/'))) smallest = std::min(smallest, QuotaOf(mount + group));
  return smallest;
}

/** Whether a list such as "cpu,cpuacct" contains the CPU controller. */
bool HasCpu(const std::string& controllers) { return ("," + controllers + ",").find(",cpu,") != std::string::npos; }

double CpuQuota(const std::string& root) {
  const std::string mounts = root + "/sys/fs/cgroup";
  double smallest = kNone;
  std::ifstream groups(root + "/proc/self/cgroup");
  // A line is "number:controllers:/path"; version 2's has no controllers.
  for (std::string line; std::getline(groups, line);) {
    const auto first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1), path = line.substr(second + 1);
    if (path.empty() || path[0] != '/') continue;
    if (controllers.empty()) {
      for (const char* mount : {"", "/unified"}) smallest = std::min(smallest, SmallestQuota(mounts + mount, path));
    } else if (HasCpu(controllers)) {
      for (const std::string& mount : {controllers, std::string("cpu")})
        smallest = std::min(smallest, SmallestQuota(mounts + "/" + mount, path));
    }
  }
  return smallest;
}

int AffinityCores() {
  cpu_set_t set;
  const bool isKnown = sched_getaffinity(0, sizeof set, &set) == 0;
  return std::max(1, isKnown ? CPU_COUNT(&set) : int(std::thread::hardware_concurrency()));
}

}  // namespace

int AvailableCores(const std::string& root) {
  const int cores = AffinityCores();
  return int(std::min(double(cores), std::ceil(CpuQuota(root))));
}

}  // namespace cifar10
