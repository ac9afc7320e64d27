// stderr.node: hides and shows stderr (file descriptor 2). TensorFlow writes notices while it is being loaded, before
// any code could set a log level, and Node has no dup2.
#include <fcntl.h>
#include <node_api.h>
#include <unistd.h>

namespace {
int saved = -1;

napi_value Hide(napi_env, napi_callback_info) {
  const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (saved < 0 && nowhere >= 0) {
    saved = fcntl(2, F_DUPFD_CLOEXEC, 3);
    if (saved >= 0) dup2(nowhere, 2);
  }
  if (nowhere >= 0) close(nowhere);
  return nullptr;
}

napi_value Show(napi_env, napi_callback_info) {
  if (saved >= 0) {
    dup2(saved, 2);
    close(saved);
    saved = -1;
  }
  return nullptr;
}
}  // namespace

NAPI_MODULE_INIT() {
  napi_value hide, show;
  napi_create_function(env, "hide", NAPI_AUTO_LENGTH, Hide, nullptr, &hide);
  napi_create_function(env, "show", NAPI_AUTO_LENGTH, Show, nullptr, &show);
  napi_set_named_property(env, exports, "hide", hide);
  napi_set_named_property(env, exports, "show", show);
  return exports;
}
