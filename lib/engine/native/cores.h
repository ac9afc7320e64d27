// How many cores this process may use.
#pragma once
#include <string>

namespace cifar10 {

/**
 * The cores in the affinity mask, or fewer if the CPU quota of a cgroup comes to less (version 1 or 2; the process's
 * own group and all above it). A fraction counts as a core.
 * @param root folder that stands for /, for tests
 */
int AvailableCores(const std::string& root = "");

}  // namespace cifar10
