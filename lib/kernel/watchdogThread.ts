// The thread that hears Stop while the kernel's own is busy.
import { spawn } from 'node:child_process';
import { Session } from 'node:inspector';
import { parentPort, workerData } from 'node:worker_threads';
import { CELL, ONE_PRESS, PATIENT, STOPS, TRANSLATING, TURNS } from './interruptible';

const shared = workerData as Int32Array;

/** ms in which a kernel that is not busy answers. */
const PATIENCE = 700;
/** ms in which a loop that was told to end has ended. */
const GRACE = 1500;

// Threads get no signals, but Jupyter sends them to all processes of a kernel's group: the shell says when it gets one. It ends
// with the kernel, that is with its input.
const script = `exec 3<&0; trap echo INT; cat <&3 >/dev/null & while kill -0 $! 2>/dev/null; do wait $!; done`;
const shell = spawn('sh', ['-c', script], { stdio: ['pipe', 'pipe', 'ignore'] });
shell.on('error', (error) => {
  throw error;
});

let first = { cell: -1, at: 0 };
shell.stdout.on('data', () => {
  const cell = Atomics.load(shared, CELL);
  if (cell !== first.cell) first = { cell, at: performance.now() };
  const isFirst = performance.now() < first.at + ONE_PRESS;
  const turns = Atomics.load(shared, TURNS);
  const isBusy = () => Atomics.load(shared, TURNS) === turns;
  parentPort?.postMessage('Are you there?');
  setTimeout(() => {
    if (!isBusy() || (isFirst && Atomics.load(shared, PATIENT) > 0)) return;
    Atomics.add(shared, STOPS, 1);
    if (!isFirst) setTimeout(() => isBusy() && terminate(), GRACE);
  }, PATIENCE);
});

/** The last resort, for what is no loop of a cell: a regular expression that backtracks, say. */
function terminate(): void {
  if (Atomics.load(shared, TRANSLATING)) return;
  const session = new Session();
  session.connectToMainThread();
  session.post('Runtime.terminateExecution', () => session.disconnect());
}
