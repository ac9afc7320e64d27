// Compiled into the binding. TensorFlow 2.21 logs through Abseil, which writes notices to stderr whatever
// TF_CPP_MIN_LOG_LEVEL says; errors still appear.
#include "absl/log/globals.h"

namespace {
[[maybe_unused]] const bool quiet = [] {
  absl::SetMinLogLevel(absl::LogSeverityAtLeast::kError);
  absl::SetStderrThreshold(absl::LogSeverityAtLeast::kError);
  return true;
}();
}  // namespace
