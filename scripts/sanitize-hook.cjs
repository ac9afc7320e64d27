// Loaded before tests under npm run sanitize: bindings come from the folder SANITIZED_BINDING.
const { basename, join } = require('node:path');

const { dlopen } = process;
process.dlopen = (module, file, ...rest) => {
  const isBinding = ['native.node', 'tfjs_binding.node'].includes(basename(file));
  dlopen.call(process, module, isBinding ? join(process.env.SANITIZED_BINDING, basename(file)) : file, ...rest);
};
