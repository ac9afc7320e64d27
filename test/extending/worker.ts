// Trains with all extensions at once, in a process of its own, that the test kills. Prints each step's loss; at the end, the
// sha256 of all weights.
import { createHash } from 'node:crypto';
import { stateDict, namedParameters } from 'cifar10/models';
import { train, withCheckpoints } from 'cifar10';
import { colorJitter, focal, lion, polynomial, smallResnet, squareOut, stripes } from './extensions';

const [dir, precision] = process.argv.slice(2) as [string, 'float32' | 'bfloat16'];
const data = stripes(470);
const model = smallResnet(data.imageShape, data.classNames.length);

async function main(): Promise<void> {
  const run = train(model, data, {
    epochs: 3,
    batchSize: 47,
    optimizer: lion({ lr: polynomial(0.003), weightDecay: 0.01 }),
    augment: [squareOut(8), colorJitter(0.2)],
    loss: focal(2),
    precision,
  });
  for await (const record of withCheckpoints(run, { dir, everySeconds: 0.001 })) {
    if (record.type === 'step') console.log(`${record.epoch}.${record.step} ${record.loss}`);
  }
  const hash = createHash('sha256');
  for (const [name, { data }] of stateDict(namedParameters(model))) hash.update(name).update(data as Float32Array);
  console.log(`weights ${hash.digest('hex')}`);
}

void main();
