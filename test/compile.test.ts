import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-node';
import { compile } from 'cifar10';
import { DataType } from 'cifar10/dist/tensor/backend';
import { statelessUniform } from 'cifar10/dist/tensor/kernels';

const options = { precision: 'float32' } as const;
const value = (tensor: tf.Tensor): number[] => {
  const values = [...(tensor.dataSync() as Float32Array)];
  tensor.dispose();
  return values;
};

test('a compiled function gives what the plain one gives', () => {
  const plain = (x: tf.Tensor, y: tf.Tensor) => ({ z: tf.relu(tf.matMul(x as tf.Tensor2D, y as tf.Tensor2D)).sum(1) });
  const program = compile({ plain }, options);
  const [x, y] = [tf.randomNormal([5, 7]), tf.randomNormal([7, 3])];
  const expected = tf.tidy(() => value(plain(x, y).z));
  assert.deepEqual(value(program.plain(x, y).z), expected);
  program.dispose();
  tf.dispose([x, y]);
});

test('variables are shared by its functions, seen outside after sync, and noticed when assigned outside', () => {
  const counter = tf.variable(tf.scalar(1));
  const program = compile(
    {
      double: () => {
        counter.assign(tf.mul(counter, 2));
        return { now: counter };
      },
      read: (x: tf.Tensor) => ({ sum: tf.add(counter, x) }),
    },
    options,
  );
  assert.deepEqual(value(program.double().now), [2]);
  const ten = tf.scalar(10);
  assert.deepEqual(value(program.read(ten).sum), [12], 'a second function sees the first one’s assignment');
  assert.equal(counter.dataSync()[0], 2, 'a new function synchronises');
  assert.deepEqual(value(program.double().now), [4]);
  assert.equal(counter.dataSync()[0], 2);
  program.sync();
  assert.equal(counter.dataSync()[0], 4);
  tf.tidy(() => counter.assign(tf.scalar(100)));
  assert.deepEqual(value(program.double().now), [200]);
  program.dispose();
  assert.equal(counter.dataSync()[0], 200, 'dispose synchronises');
  tf.dispose([counter, ten]);
});

test('tracing performs nothing: variables change once per call', () => {
  const counter = tf.variable(tf.scalar(0));
  const program = compile(
    {
      count: (x: tf.Tensor) => {
        counter.assign(tf.add(counter, 1));
        return { sum: x.sum() };
      },
    },
    options,
  );
  for (const size of [3, 5, 3]) {
    const x = tf.ones([size]);
    assert.deepEqual(value(program.count(x).sum), [size], 'another shape is traced by itself');
    x.dispose();
  }
  program.dispose();
  assert.equal(counter.dataSync()[0], 3);
  counter.dispose();
});

test('what was prepared needs no new graph when it is called', () => {
  const counter = tf.variable(tf.scalar(0));
  let traced = 0;
  const count = (x: tf.Tensor) => {
    traced++;
    counter.assign(tf.add(counter, 1));
    return { sum: x.sum() };
  };
  const program = compile({ count }, options);
  for (const size of [2, 3]) program.prepare('count', { dtype: DataType.float32, shape: [size] });
  const before = traced;
  for (const size of [2, 3, 2]) {
    const x = tf.ones([size]);
    assert.deepEqual(value(program.count(x).sum), [size]);
    x.dispose();
  }
  assert.equal(traced, before);
  program.dispose();
  assert.equal(counter.dataSync()[0], 3);
  counter.dispose();
});

test('gradients and optimisers of tfjs compile', () => {
  const [w, x] = [tf.variable(tf.tensor1d([1, 2])), tf.tensor1d([3, 4])];
  const step = (input: tf.Tensor) => {
    const { value: loss, grads } = tf.variableGrads(() => tf.sum<tf.Scalar>(tf.square(tf.mul(w, input))), [w]);
    w.assign(tf.sub(w, tf.mul(grads[w.name], 0.01)));
    return { loss };
  };
  const program = compile({ step }, options);
  assert.deepEqual(value(program.step(x).loss), [73]);
  program.dispose();
  // d/dw (w·x)² = 2·w·x²: [18, 64]
  assert.deepEqual(
    [...w.dataSync()].map((v) => v.toFixed(4)),
    ['0.8200', '1.3600'],
  );
  tf.dispose([w, x]);
});

const refused: { what: string; fn: (x: tf.Tensor) => Record<string, tf.Tensor>; says: RegExp }[] = [
  {
    what: 'reading a tensor back',
    fn: (x) => ({ y: tf.mul(x, x.dataSync()[0]) }),
    says: /reads a tensor back .*Return the tensor/s,
  },
  {
    what: 'numbers from Math.random',
    fn: (x) => ({ y: tf.mul(x, Math.random()) }),
    says: /different numbers .*statelessUniform/s,
  },
  {
    what: 'tfjs’s own random numbers',
    fn: (x) => ({ y: tf.add(x, tf.randomUniform([2])) }),
    says: /different numbers/,
  },
  {
    what: 'making variables',
    fn: (x) => ({ y: tf.mul(tf.mul(x, tf.variable(tf.scalar(1))), tf.variable(tf.scalar(2))) }),
    says: /makes the variable .* before compiling/,
  },
  {
    what: 'an error after a variable was made',
    fn: () => {
      tf.variable(tf.scalar(1));
      throw new Error('of its own');
    },
    says: /of its own/,
  },
  {
    what: 'a large constant',
    fn: (x) => ({ y: tf.add(x.sum(), tf.ones([200, 200])) }),
    says: /\[200,200\].*tf\.Variable or an argument/,
  },
  { what: 'an op without a shape rule', fn: (x) => ({ y: tf.topk(x, 1).values }), says: /TopKV2.*eagerly/ },
];
for (const { what, fn, says } of refused) {
  test(`${what} is refused, and leaves nothing behind`, () => {
    const x = tf.tensor1d([1, 2]);
    const before = tf.memory().numTensors;
    const program = compile({ fn }, options);
    assert.throws(() => program.fn(x), says);
    program.dispose();
    assert.equal(tf.memory().numTensors, before);
    assert.deepEqual([...tf.square(x).dataSync()], [1, 4], 'tfjs works as before');
    x.dispose();
  });
}

test('variables that share their values are told apart, and so are a variable and its clone', () => {
  const [a, b] = [tf.variable(tf.scalar(1)), tf.variable(tf.scalar(0))];
  b.assign(a);
  const start = tf.keep(a.clone());
  const step = () => {
    a.assign(tf.add(a, 1));
    return { other: tf.add(b, 0), moved: tf.sub(a, start) };
  };
  const before = tf.memory();
  const program = compile({ step }, options);
  for (const moved of [1, 2, 3]) {
    const result = program.step();
    assert.deepEqual(value(result.other), [1]);
    assert.deepEqual(value(result.moved), [moved]);
  }
  program.dispose();
  assert.deepEqual([a.dataSync()[0], b.dataSync()[0], start.dataSync()[0]], [4, 1, 1]);
  assert.equal(tf.memory().numTensors, before.numTensors);
  assert.equal(b.dataId, start.dataId, 'they share as before');
  tf.dispose([a, b, start]);
});

test('a function that is refused leaves the others of its program as they were', () => {
  const [used, other] = [tf.variable(tf.scalar(1)), tf.variable(tf.scalar(1))];
  const program = compile(
    {
      fine: (x: tf.Tensor) => {
        used.assign(tf.mul(used, x));
        return { y: used };
      },
      refused: (x: tf.Tensor) => ({ y: tf.mul(tf.mul(x, other), Math.random()) }),
    },
    options,
  );
  const two = tf.scalar(2);
  assert.deepEqual(value(program.fine(two).y), [2]);
  assert.throws(() => program.refused(two), /different numbers/);
  assert.deepEqual(value(program.fine(two).y), [4]);
  program.dispose();
  tf.dispose([used, other, two]);
});

test('a program that only reads variables leaves them to whoever assigns to them', () => {
  const counter = tf.variable(tf.scalar(0));
  const count = () => {
    counter.assign(tf.add(counter, 1));
    return { now: counter };
  };
  const writing = compile({ count }, options);
  assert.deepEqual(value(writing.count().now), [1]);
  const reading = compile({ read: () => ({ now: tf.add(counter, 0) }) }, options);
  assert.deepEqual(value(reading.read().now), [0], 'as of the last sync');
  reading.dispose();
  assert.deepEqual(value(writing.count().now), [2]);
  writing.dispose();
  assert.equal(counter.dataSync()[0], 2);
  counter.dispose();
});

test('a variable that is disposed does not stop functions that never used it', () => {
  const [a, b] = [tf.variable(tf.scalar(1)), tf.variable(tf.scalar(2))];
  const program = compile({ f: () => ({ y: tf.add(a, 1) }), g: () => ({ y: tf.add(b, 1) }) }, options);
  assert.deepEqual(value(program.f().y), [2]);
  a.dispose();
  assert.deepEqual(value(program.g().y), [3]);
  program.dispose();
  b.dispose();
});

test('a disposed program has freed everything, keeps variables, and says so when it is called', () => {
  const before = tf.memory().numTensors;
  const w = tf.tidy(() => tf.variable(tf.ones([4])));
  const program = compile({ grow: () => (w.assign(tf.add(w, 1)), { sum: tf.sum(w) }) }, options);
  program.grow().sum.dispose();
  program.dispose();
  program.dispose();
  assert.throws(() => program.grow(), /disposed/);
  assert.deepEqual([...w.dataSync()], [2, 2, 2, 2]);
  w.dispose();
  assert.equal(tf.memory().numTensors, before);
});

test('bfloat16 is close to float32, and variables keep float32', () => {
  const make = (precision: 'float32' | 'bfloat16') => {
    const w = tf.variable(tf.tidy(() => tf.sub(statelessUniform([64, 32], tf.tensor1d([1, 2], 'int32')), 0.5)));
    const step = (x: tf.Tensor) => {
      const { value: loss, grads } = tf.variableGrads(
        () => tf.mean<tf.Scalar>(tf.square(tf.relu(tf.matMul(x as tf.Tensor2D, w as unknown as tf.Tensor2D)))),
        [w],
      );
      w.assign(tf.sub(w, tf.mul(grads[w.name], 1e-3)));
      return { loss };
    };
    const program = compile({ step }, { precision });
    const x = tf.ones([16, 64]);
    const before = w.dataSync().slice();
    const loss = value(program.step(x).loss)[0];
    program.dispose();
    const moved = [...w.dataSync()].map((v, i) => v - before[i]);
    tf.dispose([w, x]);
    return { loss, moved };
  };
  const [full, half] = [make('float32'), make('bfloat16')];
  assert.notEqual(half.loss, full.loss, 'bfloat16 was used');
  assert.ok(Math.abs(half.loss - full.loss) < 0.02 * full.loss);
  // An update far below bfloat16's resolution of the weight arrives.
  assert.ok(half.moved.some((d) => d !== 0 && Math.abs(d) < 1e-4));
});

test('an unknown precision is refused with its name', () => {
  assert.throws(() => compile({}, { precision: 'float16' as 'float32' }), /"float16".*'bfloat16'/);
});
