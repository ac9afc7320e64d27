// A process that saves checkpoints until it is killed: node checkpointWriter.js FOLDER [K].
// It prints the number of each checkpoint once `save` has returned. With K, it kills itself just before the K-th time that
// its fourth save or a later one changes something on the disk (half of the bytes later, if it is writing), or ends after five.
import { latestCheckpoint } from 'cifar10/checkpoint';
import { type CheckpointStore, openCheckpoints } from 'cifar10/checkpoint';
import { contentOf } from './checkpoints';

// eslint-disable-next-line @typescript-eslint/no-require-imports -- the very object that the library calls, to be changed
const fs = require('node:fs') as Record<string, (...args: unknown[]) => unknown>;

function killAtChange(kill: number): void {
  let changes = 0;
  for (const name of ['openSync', 'writeSync', 'fsyncSync', 'renameSync', 'rmSync', 'writeFileSync', 'mkdirSync']) {
    const original = fs[name];
    fs[name] = (...args: unknown[]) => {
      if (args[0] === 1 || ++changes !== kill) return original(...args); // 1: what it prints
      const piece = args[1];
      if (name === 'writeSync') original(args[0], (piece as Uint8Array).subarray(0, (piece as Uint8Array).length / 2));
      process.kill(process.pid, 'SIGKILL');
      return undefined;
    };
  }
}

const save = (store: CheckpointStore, step: number): void => {
  const { ordinal } = store.save(contentOf(step));
  fs.writeSync(1, `${ordinal}\n`);
};

const [, , folder, kill] = process.argv;
const store = openCheckpoints(folder);
const first = 1 + ((store.latest()?.info.step as number | undefined) ?? 0);
fs.writeSync(1, `${latestCheckpoint(folder)?.ordinal ?? 0}\n`);
for (let step = first; kill === undefined || step < first + 5; step++) {
  if (kill !== undefined && step === first + 3) killAtChange(Number(kill));
  save(store, step);
}
