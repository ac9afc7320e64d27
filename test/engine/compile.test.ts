import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as tf from '@tensorflow/tfjs-node';
import { backend, DataType, compile } from 'cifar10/engine';
import { randomUniform, softmaxCrossEntropy, uint8Tensor } from 'cifar10/engine';

const options = { precision: 'float32' } as const;
let calls = 0;
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
  assert.equal(counter.dataSync()[0], 2, 'a new function synchronizes');
  assert.deepEqual(value(program.double().now), [4]);
  assert.equal(counter.dataSync()[0], 2);
  program.sync();
  assert.equal(counter.dataSync()[0], 4);
  tf.tidy(() => counter.assign(tf.scalar(100)));
  assert.deepEqual(value(program.double().now), [200]);
  program.dispose();
  assert.equal(counter.dataSync()[0], 200, 'dispose synchronizes');
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

test('gradients of tfjs compile', () => {
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

test('a variable that is assigned a value it had before is noticed, too', () => {
  const w = tf.variable(tf.scalar(1));
  const start = w.clone();
  const double = () => {
    w.assign(tf.mul(w, 2));
    return { now: w };
  };
  const program = compile({ double }, options);
  for (let trial = 0; trial < 3; trial++) {
    assert.deepEqual(value(program.double().now), [2]);
    assert.deepEqual(value(program.double().now), [4]);
    w.assign(start);
  }
  program.dispose();
  assert.equal(w.dataSync()[0], 1, 'what was assigned outside last is kept');
  tf.dispose([w, start]);
});

test('weights that are set back in the middle of a training are', () => {
  const model = tf.sequential({ layers: [tf.layers.dense({ inputShape: [1], units: 1, kernelInitializer: 'ones' })] });
  const [kernel] = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
  const start = model.getWeights().map((weight) => weight.clone());
  const program = compile({ step: () => (kernel.assign(tf.add(kernel, 1)), { sum: tf.sum(kernel) }) }, options);
  for (let trial = 0; trial < 3; trial++) {
    assert.deepEqual(value(program.step().sum), [2]);
    model.setWeights(start);
  }
  program.dispose();
  tf.dispose(start);
  model.dispose();
});

test('tracing does not count as assigning: another program keeps what it trained', () => {
  const w = tf.variable(tf.scalar(1));
  const grow = () => (w.assign(tf.add(w, 1)), { now: w });
  const [one, other] = [compile({ grow }, options), compile({ grow }, options)];
  assert.deepEqual(value(one.grow().now), [2]);
  other.prepare('grow');
  assert.deepEqual(value(one.grow().now), [3]);
  tf.dispose(other.grow());
  one.dispose();
  assert.equal(w.dataSync()[0], 3);
  other.dispose();
  w.dispose();
});

for (const isReversed of [false, true]) {
  test(`an old value goes into ${isReversed ? 'an earlier' : 'a later'} variable before a new one comes`, () => {
    const made = [tf.variable(tf.scalar(0)), tf.variable(tf.scalar(0))];
    const [current, previous] = isReversed ? made.reverse() : made;
    const step = (x: tf.Tensor) => {
      previous.assign(current);
      current.assign(x as tf.Scalar);
      return { x: tf.add(x, 0) };
    };
    const program = compile({ step }, options);
    for (let i = 1; i < 20; i++) {
      const x = tf.scalar(i);
      tf.dispose([program.step(x), x]);
      program.sync();
      assert.deepEqual([current.dataSync()[0], previous.dataSync()[0]], [i, i - 1]);
    }
    program.dispose();
    tf.dispose(made);
  });
}

test('two variables swap their values', () => {
  const [a, b] = [tf.variable(tf.scalar(1)), tf.variable(tf.scalar(2))];
  const swap = () => {
    const before = a.clone();
    a.assign(b);
    b.assign(before);
    return { a };
  };
  const program = compile({ swap }, options);
  for (let i = 0; i < 20; i++) {
    program.swap().a.dispose();
    program.sync();
    assert.deepEqual([a.dataSync()[0], b.dataSync()[0]], i % 2 === 0 ? [2, 1] : [1, 2]);
  }
  program.dispose();
  tf.dispose([a, b]);
});

test('a call whose shapes do not fit leaves the others to work', () => {
  const w = tf.variable(tf.scalar(1));
  const product = (x: tf.Tensor, y: tf.Tensor) => ({ z: tf.matMul(x, y) });
  const grow = () => (w.assign(tf.add(w, 1)), { now: w });
  const program = compile({ product, sum: (x: tf.Tensor, y: tf.Tensor) => ({ z: tf.add(x, y) }), grow }, options);
  const [square, long] = [tf.ones([2, 2]), tf.ones([7, 3])];
  const says = /sum: Add was given the shapes \[2, 2\] and \[7, 3\]; from the last axis on, sizes must be equal or 1/;
  assert.throws(() => program.sum(square, long), says, 'as the first');
  assert.deepEqual(value(program.grow().now), [2]);
  for (let i = 0; i < 2; i++) {
    assert.throws(() => program.sum(square, long), says);
    assert.throws(() => program.product(square, long));
    assert.deepEqual(value(program.product(square, square).z), [2, 2, 2, 2]);
    assert.deepEqual(value(program.sum(square, square).z), [2, 2, 2, 2]);
  }
  assert.deepEqual(value(program.grow().now), [3]);
  program.dispose();
  assert.equal(w.dataSync()[0], 3);
  tf.dispose([w, square, long]);
});

test('large constants of one value compile: the gradients of sums and means have them', () => {
  const x = tf.randomNormal([200, 100], 0, 1, 'float32', 1);
  const f = (x: tf.Tensor) => ({
    sum: tf.grad((x) => tf.sum(tf.square(x)))(x),
    mean: tf.grad((x) => tf.sum(tf.square(tf.mean(x, 0))))(x),
    isAny: tf.cast(tf.logicalOr(tf.greater(x, 0), tf.zeros([200, 100], 'bool')), 'int32'),
  });
  const program = compile({ f }, options);
  const [compiled, eager] = [program.f(x), tf.tidy(() => f(x))];
  for (const name of ['sum', 'mean', 'isAny'] as const) {
    const difference = tf.tidy(() => tf.max(tf.abs(tf.sub(compiled[name], eager[name]))).dataSync()[0]);
    assert.ok(difference < 1e-6, `${name} is off by ${difference}`);
  }
  program.dispose();
  tf.dispose([x, compiled, eager]);
});

test('models with global average pooling and stock batch norm train', () => {
  const { conv2d, batchNormalization, globalAveragePooling2d, dense } = tf.layers;
  const layers = [
    conv2d({ inputShape: [16, 16, 3], filters: 16, kernelSize: 3, padding: 'same' }),
    batchNormalization(),
    globalAveragePooling2d({}),
    dense({ units: 10 }),
  ];
  const model = tf.sequential({ layers });
  const weights = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
  const step = (x: tf.Tensor) => {
    const loss = () => tf.mean<tf.Scalar>(tf.square(model.apply(x, { training: true }) as tf.Tensor));
    const { value, grads } = tf.variableGrads(loss, weights);
    return { loss: value, gradient: grads[weights[0].name] };
  };
  const x = tf.randomNormal([8, 16, 16, 3], 0, 1, 'float32', 1);
  const eager = tf.tidy(() => step(x));
  const program = compile({ step }, options);
  const compiled = program.step(x);
  for (const name of ['loss', 'gradient'] as const) {
    const difference = tf.tidy(() => tf.max(tf.abs(tf.sub(compiled[name], eager[name]))).dataSync()[0]);
    assert.ok(difference < 1e-4, `${name} is off by ${difference}`);
  }
  program.dispose();
  tf.dispose([x, compiled, eager]);
  model.dispose();
});

for (const name of ['größe', '_x', '$f', 'train loss', 'a:b,c', '%', '1']) {
  test(`any name will do for functions and results: ${name}`, () => {
    const program = compile({ [name]: (x: tf.Tensor) => ({ [name]: tf.square(x), other: x }) }, options);
    const x = tf.scalar(3);
    const { [name]: square, other } = program[name](x);
    assert.deepEqual([...value(square), ...value(other)], [9, 3]);
    program.dispose();
    x.dispose();
  });
}

for (const name of ['prepare', 'sync', 'dispose']) {
  test(`a function with the name of the program's ${name} is refused`, () => {
    assert.throws(() => compile({ [name]: (x: tf.Tensor) => ({ x }) }), new RegExp(`the name ${name}.*rename it`));
  });
}

const results: { what: string; fn: (x: tf.Tensor) => unknown; says: RegExp }[] = [
  { what: 'a tensor', fn: (x) => tf.square(x), says: /f returned a tensor; expected named tensors, such as { loss }/ },
  { what: 'nothing', fn: () => undefined, says: /returned nothing;/ },
  { what: 'no tensors', fn: () => ({}), says: /returned {};/ },
  { what: 'a number', fn: () => ({ y: 3 }), says: /returned a number as y;/ },
  // eslint-disable-next-line @typescript-eslint/require-await
  { what: 'a promise', fn: async (x) => ({ y: x }), says: /returned a promise;/ },
  { what: 'a disposed tensor', fn: (x) => tf.tidy(() => ({ y: tf.dispose(x) ?? x })), says: /that was disposed as y;/ },
];
for (const { what, fn, says } of results) {
  test(`a function that returns ${what} is refused`, () => {
    const [x, program] = [tf.scalar(2), compile({ f: fn as (x: tf.Tensor) => { y: tf.Tensor } }, options)];
    assert.throws(() => program.f(x), says);
    program.dispose();
    x.dispose();
  });
}

test('arguments that are no tensors are refused', () => {
  const program = compile({ f: (x: tf.Tensor, y: tf.Tensor) => ({ z: tf.add(x, y) }) }, options);
  const [x, gone] = [tf.scalar(1), tf.scalar(2)];
  gone.dispose();
  const call = program.f as (...args: unknown[]) => unknown;
  assert.throws(() => call(x, 3), /f was called with a number as argument 2; expected a tensor/);
  assert.throws(() => call(gone, x), /with a tensor that was disposed as argument 1;/);
  assert.throws(() => call([x], x), /with an array as argument 1;/);
  program.dispose();
  x.dispose();
});

const refused: { what: string; fn: (x: tf.Tensor) => unknown; says: RegExp }[] = [
  {
    what: 'reading a tensor back',
    fn: (x) => ({ y: tf.mul(x, x.dataSync()[0]) }),
    says: /reads a tensor back .*Return the tensor/s,
  },
  {
    what: 'reading a tensor back later',
    fn: (x) => {
      void x.data();
      return { y: tf.mul(x, 2) };
    },
    says: /reads a tensor back .*\(data, array\).*Return the tensor/s,
  },
  {
    what: 'waiting for a value',
    fn: async (x: tf.Tensor) => ({ y: tf.mul(x, await x.array()) }),
    says: /reads a tensor back .*\(data, array\).*Return the tensor/s,
  },
  {
    what: 'numbers from Math.random',
    fn: (x) => ({ y: tf.mul(x, Math.random()) }),
    says: /different numbers .*randomUniform/s,
  },
  {
    what: 'tfjs’s own random numbers',
    fn: (x) => ({ y: tf.add(x, tf.randomUniform([2])) }),
    says: /different numbers/,
  },
  {
    what: 'a choice by Math.random',
    fn: (x) => ({ y: Math.random() < 2 ? x : tf.mul(x, 2) }),
    says: /different numbers/,
  },
  {
    what: 'counting',
    fn: (x) => ({ y: tf.mul(x, calls++) }),
    says: /different numbers/,
  },
  {
    what: 'taking another way each time',
    fn: (x) => ({ y: calls++ % 2 ? tf.mul(x, 2) : x }),
    says: /something else each time .*as an argument/,
  },
  {
    what: 'making variables',
    fn: (x) => ({ y: tf.mul(tf.mul(x, tf.variable(tf.scalar(1))), tf.variable(tf.scalar(2))) }),
    says: /makes a variable of shape \[\]: .* before compiling.*one step eagerly/,
  },
  {
    what: 'an error of its own',
    fn: (x) => {
      tf.keep(tf.square(x));
      throw new Error('of its own');
    },
    says: /of its own/,
  },
  {
    what: 'an error inside of a gradient',
    fn: (x) => ({ y: tf.grad((x) => tf.einsum('i,i->', tf.square(tf.square(x)), x))(x) }),
    says: /Einsum/,
  },
  { what: 'a string tensor', fn: (x) => ({ x, y: tf.tensor1d(['a']) }), says: /uses a string tensor/ },
  {
    what: 'a large constant',
    fn: (x) => ({ y: tf.add(x.sum(), tf.tensor1d(Float32Array.from({ length: 40_000 }, (_, i) => i))) }),
    says: /\[40000\].*tf\.Variable or an argument/,
  },
  {
    what: 'a convolution of channels first',
    fn: (x) => {
      const images = tf.reshape<tf.Rank.R4>(tf.tile(x, [24]), [1, 3, 4, 4]);
      return { y: tf.conv2d(images, tf.ones<tf.Rank.R4>([3, 3, 3, 2]), 1, 'same', 'NCHW') };
    },
    says: /Conv2D on images laid out as NCHW, which can't be compiled: transpose them to \[N, H, W, C\]/,
  },
  { what: 'an op without a shape rule', fn: (x) => ({ y: tf.einsum('i,i->', x, x) }), says: /Einsum.*eagerly/ },
];
for (const { what, fn, says } of refused) {
  test(`${what} is refused, and leaves nothing behind`, () => {
    const x = tf.tensor1d([1, 2]);
    const before = tf.memory().numTensors;
    const program = compile({ fn: fn as (x: tf.Tensor) => Record<string, tf.Tensor> }, options);
    assert.throws(() => program.fn(x), says);
    program.dispose();
    assert.equal(tf.memory().numTensors, before);
    assert.deepEqual([...tf.square(x).dataSync()], [1, 4], 'tfjs works as before');
    x.dispose();
  });
}

test('a compiled function that is called by another one while that is compiled is refused', () => {
  const inner = compile({ twice: (x: tf.Tensor) => ({ y: tf.mul(x, 2) }) }, options);
  const outer = compile({ f: (x: tf.Tensor) => ({ z: tf.add(inner.twice(x).y, 1) }) }, options);
  const x = tf.scalar(3);
  assert.throws(() => outer.f(x), /twice is compiled, and was called by a function that is being compiled/);
  const { y } = inner.twice(x);
  assert.equal(y.dataSync()[0], 6);
  tf.dispose([x, y]);
  inner.dispose();
  outer.dispose();
});

test('a function that there is not can’t be prepared', () => {
  const program = compile({ f: () => ({ y: tf.scalar(1) }), g: () => ({ y: tf.scalar(2) }) }, options);
  assert.throws(() => program.prepare('h' as 'f'), /prepare: there is no function h; there are f, g\./);
  program.dispose();
});

test('an optimizer whose first step is refused is none the worse', () => {
  const w = tf.variable(tf.tensor1d([1, 2]));
  const optimizer = tf.train.adam(0.1);
  const step = () => ({ loss: optimizer.minimize(() => tf.sum<tf.Scalar>(tf.square(w)), true, [w])! });
  const program = compile({ step }, options);
  assert.throws(() => program.step(), /take one step eagerly before compiling/);
  assert.deepEqual(value(step().loss), [5]);
  const [loss] = value(program.step().loss);
  assert.ok(loss < 5);
  program.dispose();
  assert.ok(value(step().loss)[0] < loss);
  optimizer.dispose();
  w.dispose();
});

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

test('a program that only reads variables leaves them to the programs that assign to them', () => {
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

test('a value that comes from outside is not written back over what another program trained', () => {
  const counter = tf.variable(tf.scalar(0));
  const grow = () => (counter.assign(tf.add(counter, 1)), { now: counter });
  const first = compile({ grow, read: () => ({ now: tf.add(counter, 0) }) }, options);
  const second = compile({ grow }, options);
  assert.deepEqual(value(first.grow().now), [1]);
  counter.assign(tf.scalar(100));
  assert.deepEqual(value(first.read().now), [100]);
  assert.deepEqual(value(second.grow().now), [101]);
  first.sync();
  assert.deepEqual(value(second.grow().now), [102]);
  first.dispose();
  second.dispose();
  assert.equal(counter.dataSync()[0], 102);
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

test('a function whose variable was disposed says so', () => {
  const [w, x] = [tf.variable(tf.scalar(5), true, 'weight'), tf.scalar(2)];
  const program = compile({ f: (x: tf.Tensor) => ({ y: tf.mul(w, x) }), g: (x: tf.Tensor) => ({ x }) }, options);
  assert.deepEqual(value(program.f(x).y), [10]);
  w.dispose();
  assert.throws(() => program.f(x), /f uses the variable weight, which was disposed/);
  assert.deepEqual(value(program.g(x).x), [2]);
  program.dispose();
  x.dispose();
});

test('a program writes back what functions did that ran, and not what others would do', () => {
  const w = tf.variable(tf.scalar(1));
  const [one, other] = ['one', 'other'].map(() =>
    compile({ grow: () => (w.assign(tf.add(w, 1)), { now: w }), read: () => ({ now: tf.add(w, 0) }) }, options),
  );
  other.prepare('grow');
  assert.deepEqual(value(other.read().now), [1]);
  assert.deepEqual(value(one.grow().now), [2]);
  other.sync();
  assert.deepEqual(value(one.grow().now), [3]);
  other.dispose();
  one.dispose();
  assert.equal(w.dataSync()[0], 3);
  w.dispose();
});

test('a disposed program has freed everything, keeps variables, and says so when it is called', () => {
  const before = tf.memory().numTensors;
  const graphs = backend().binding.getNumOfSavedModels();
  const w = tf.tidy(() => tf.variable(tf.ones([4])));
  const program = compile({ grow: () => (w.assign(tf.add(w, 1)), { sum: tf.sum(w) }), f: () => ({ w }) }, options);
  program.grow().sum.dispose();
  program.f().w.dispose();
  assert.equal(backend().binding.getNumOfSavedModels(), graphs + 1, 'one graph at a time');
  program.dispose();
  program.dispose();
  assert.equal(backend().binding.getNumOfSavedModels(), graphs);
  assert.throws(() => program.grow(), /disposed/);
  assert.throws(() => program.prepare('grow'), /disposed/);
  assert.deepEqual([...w.dataSync()], [2, 2, 2, 2]);
  w.dispose();
  assert.equal(tf.memory().numTensors, before);
});

test('a program that is dropped without being disposed is freed in the end', async () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const before = backend().binding.getNumOfSavedModels();
  (() => {
    const { f } = compile({ f: (x: tf.Tensor) => ({ y: tf.add(x, 1) }) }, options);
    const x = tf.scalar(1);
    tf.dispose([f(x).y, x]);
    collectGarbage();
    assert.equal(backend().binding.getNumOfSavedModels(), before + 1, 'while its function can be called');
    const y = tf.tidy(() => f(tf.scalar(2)).y);
    assert.equal(y.dataSync()[0], 3);
    y.dispose();
  })();
  for (
    const end = Date.now() + 20_000;
    backend().binding.getNumOfSavedModels() > before && Date.now() < end;
    await sleep(20)
  ) {
    collectGarbage();
  }
  assert.equal(backend().binding.getNumOfSavedModels(), before);
});

test('bfloat16 is close to float32, and variables keep float32', () => {
  const make = (precision: 'float32' | 'bfloat16') => {
    const w = tf.variable(tf.tidy(() => tf.sub(randomUniform([64, 32], tf.tensor1d([1, 2], 'int32')), 0.5)));
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

test('labels out of range, in one sentence', () => {
  const loss = (x: tf.Tensor, y: tf.Tensor) => ({ loss: softmaxCrossEntropy(x as tf.Tensor2D, y as tf.Tensor1D) });
  const program = compile({ loss }, options);
  const [logits, labels, few] = [tf.zeros([2, 10]), tf.tensor1d([3, 12], 'int32'), tf.tensor1d([3], 'int32')];
  assert.throws(
    () => program.loss(logits, labels),
    /^Error: loss: label 12; expected 0 to 9, for logits of 10 classes\.$/,
  );
  assert.throws(
    () => program.loss(logits, few),
    /shapes \[2, 10\] and \[1\]; expected logits \[N, K\] and labels \[N\]/,
  );
  program.dispose();
  tf.dispose([logits, labels, few]);
});

test('what TensorFlow finds wrong with values is one line, with its error as the cause', () => {
  const pick = (x: tf.Tensor, i: tf.Tensor) => ({ y: tf.gather(x, i) });
  const program = compile({ pick }, options);
  const [x, i] = [tf.zeros([2]), tf.tensor1d([5], 'int32')];
  assert.throws(
    () => program.pick(x, i),
    (error: Error) =>
      /^pick: TensorFlow says: indices\[0\] = 5 is not in \[0, 2\)[^\n{]*$/.test(error.message) &&
      error.cause instanceof Error,
  );
  program.dispose();
  tf.dispose([x, i]);
});

test('on another backend, a sentence says what to do', async () => {
  const program = compile({ f: (x: tf.Tensor) => ({ y: tf.square(x) }) }, options);
  const x = tf.scalar(3);
  await tf.setBackend('cpu');
  try {
    for (const call of [() => compile({}), () => program.f(x), () => uint8Tensor(new Uint8Array(1), [1])])
      assert.throws(call, /tfjs computes with its backend 'cpu'.*call tf\.setBackend\('tensorflow'\)/);
  } finally {
    await tf.setBackend('tensorflow');
  }
  assert.deepEqual(value(program.f(x).y), [9], 'and goes on afterwards');
  program.dispose();
  x.dispose();
});

test('after tf.disposeVariables, a sentence names the variable: compiled before, compiled afterwards, op by op', () => {
  const w = tf.variable(tf.scalar(2), true, 'gone');
  const f = (x: tf.Tensor) => ({ y: tf.mul(w, x) });
  const [before, afterwards] = [compile({ f }, options), compile({ f }, options)];
  const x = tf.scalar(3);
  assert.deepEqual(value(before.f(x).y), [6]);
  tf.disposeVariables();
  for (const call of [() => before.f(x), () => afterwards.f(x), () => tf.square(w)])
    assert.throws(call, /the variable gone, which was disposed \(by tf\.disposeVariables\?\)/);
  before.dispose();
  afterwards.dispose();
  x.dispose();
});
