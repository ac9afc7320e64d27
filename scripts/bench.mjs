// npm run bench, npm run parity, …: sets up what is missing, builds bench/ and runs one of its programs.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { root } from './paths.mjs';
import { compile, runOrExit } from './run.mjs';
import { setUpOrExit } from './setup.mjs';

const [name, ...args] = process.argv.slice(2);
await setUpOrExit();
await runOrExit(() => compile(join(root, 'bench')));
const program = spawn(process.execPath, [join(root, 'bench', 'dist', `${name}.js`), ...args], { stdio: 'inherit' });
// Ctrl+C and a request to end go to the program, which may have something to save.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => program.kill(signal));
program.on('close', (code, signal) => process.exit(signal ? 1 : code));
