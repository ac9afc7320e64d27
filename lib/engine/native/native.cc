// native.node: what JavaScript asks of the system where Node has no answer.
#include <fcntl.h>
#include <node_api.h>
#include <unistd.h>

#include <string>

#include "cores.h"
#include "isa.h"

namespace {
int saved = -1;

/** Hides stderr (file descriptor 2): TensorFlow writes notices while it is loaded, before any log level can be set. */
napi_value HideStderr(napi_env, napi_callback_info) {
  const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (saved < 0 && nowhere >= 0) {
    saved = fcntl(2, F_DUPFD_CLOEXEC, 3);
    if (saved >= 0) dup2(nowhere, 2);
  }
  if (nowhere >= 0) close(nowhere);
  return nullptr;
}

napi_value ShowStderr(napi_env, napi_callback_info) {
  if (saved >= 0) {
    dup2(saved, 2);
    close(saved);
    saved = -1;
  }
  return nullptr;
}

napi_value GetIsa(napi_env env, napi_callback_info) {
  napi_value name;
  napi_create_string_utf8(env, cifar10::NameOf(cifar10::BestIsa()), NAPI_AUTO_LENGTH, &name);
  return name;
}

/** cores(root?: string) */
napi_value GetCores(napi_env env, napi_callback_info info) {
  std::size_t count = 1, length = 0;
  napi_value root, cores;
  char path[4096] = "";
  napi_get_cb_info(env, info, &count, &root, nullptr, nullptr);
  if (count > 0) napi_get_value_string_utf8(env, root, path, sizeof path, &length);
  napi_create_int32(env, cifar10::AvailableCores(path), &cores);
  return cores;
}
}  // namespace

NAPI_MODULE_INIT() {
  const struct {
    const char* name;
    napi_callback callback;
  } functions[] = {{"hideStderr", HideStderr}, {"showStderr", ShowStderr}, {"isa", GetIsa}, {"cores", GetCores}};
  for (const auto& [name, callback] : functions) {
    napi_value function;
    napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &function);
    napi_set_named_property(env, exports, name, function);
  }
  return exports;
}
