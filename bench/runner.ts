// Times one way of training one model, in a process of its own (see protocol.ts).
// node runner.js MODEL plain|eager|tensorflow|float32|bfloat16
import * as tf from '@tensorflow/tfjs-node';
import { serve, type Workload } from './protocol';
import { stepFlops } from './flops';

/** [N, 32, 32, 3] images and labels that are no data, but cost what data costs. */
const BATCH = 256;
const images = Uint8Array.from({ length: BATCH * 3072 }, (_, i) => (i * 2654435761) >>> 24);
const labels = Int32Array.from({ length: BATCH }, (_, i) => i % 10);
/** The original's learning rate is 0.1; here the loss only has to stay finite. */
const lr = 0.001;

const [kind, way] = process.argv.slice(2) as [
  'linear' | 'shallow' | 'deep',
  'plain' | 'eager' | 'tensorflow' | 'float32' | 'bfloat16',
];
const momentum = kind === 'deep' ? 0.9 : 0;

/** As one writes it with tfjs-node alone: stock layers, stock optimiser, no file of this project. */
function plain(): Workload {
  const { layers } = tf;
  const conv = (filters: number) => layers.conv2d({ filters, kernelSize: 3, padding: 'same', activation: 'relu' });
  const block = (a: number, b: number, rate: number) => [
    ...[conv(a), layers.batchNormalization(), conv(b), layers.batchNormalization()],
    ...[layers.maxPooling2d({ poolSize: 2 }), layers.dropout({ rate })],
  ];
  const dense = (units: number) => layers.dense({ units, activation: 'relu' });
  const rows = {
    linear: [layers.flatten(), dense(512), dense(512)],
    shallow: [conv(32), conv(64), conv(128), layers.maxPooling2d({ poolSize: 2 }), layers.flatten()],
    deep: [
      ...block(32, 64, 0.2),
      ...block(128, 128, 0.3),
      ...block(256, 256, 0.4),
      layers.flatten(),
      dense(1024),
      dense(512),
    ],
  };
  const input = tf.input({ shape: [32, 32, 3] });
  const output = [...rows[kind], layers.dense({ units: 10 })].reduce(
    (x, layer) => layer.apply(x) as tf.SymbolicTensor,
    input,
  );
  const model = tf.model({ inputs: input, outputs: output });
  const optimizer = momentum ? tf.train.momentum(lr, momentum) : tf.train.sgd(lr);
  const x = tf.tidy(() =>
    tf.tensor4d(Float32Array.from(images), [BATCH, 32, 32, 3]).div<tf.Tensor4D>(127.5).sub<tf.Tensor4D>(1),
  );
  const y = tf.tidy(() => tf.oneHot(tf.tensor1d(labels, 'int32'), 10));
  const step = () =>
    tf.tidy(() => {
      const loss = optimizer.minimize(
        () => tf.losses.softmaxCrossEntropy<tf.Tensor, tf.Scalar>(y, model.apply(x, { training: true }) as tf.Tensor),
        true,
      );
      return loss!.dataSync()[0];
    });
  return { step };
}

/** Ours; bytes go in, as in a real training. */
async function ours(): Promise<Workload> {
  const { crossEntropy, deepCnn, linear, sgd, shallowCnn } = await import('cifar10');
  const { compile, uint8Tensor } = await import('cifar10/engine');
  const { makeTrainStep } = await import('cifar10/training');
  const model = { linear, shallow: shallowCnn, deep: deepCnn }[kind]();
  const optimizer = sgd({ lr, momentum, weightDecay: 1e-4 });
  const { run: learn, scalarsAt } = makeTrainStep(model, { optimizer, loss: crossEntropy(), augment: [] });
  const precision = way === 'bfloat16' ? 'bfloat16' : 'float32';
  const program = way === 'eager' ? { learn } : compile({ learn }, { precision });
  const scalars = tf.tensor1d(scalarsAt(1, 0));
  let count = 0;
  const step = () => {
    const inputs = [
      uint8Tensor(images, [BATCH, 32, 32, 3]),
      tf.tensor1d(labels, 'int32'),
      tf.tensor1d([1, count++], 'int32'),
    ];
    const { loss, correct } = tf.tidy(() => program.learn(inputs[0], inputs[1], inputs[2], scalars));
    const value = loss.dataSync()[0] + 0 * correct.dataSync()[0];
    tf.dispose([...inputs, loss, correct]);
    return value;
  };
  return { step, flops: stepFlops(model, BATCH) };
}

async function main(): Promise<void> {
  await serve(`${kind} ${way}`, way === 'plain' ? plain() : await ours());
}

void main();
