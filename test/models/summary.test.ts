import assert from 'node:assert/strict';
import { test } from 'node:test';
import { conv, defineModel, linear, linearLayer, flatten, residual, shallowCnn, summary } from 'cifar10';

test('a summary names each layer, its output shape and its parameters, and adds them up', () => {
  const model = shallowCnn();
  const { index, values } = summary(model);
  assert.deepEqual(index, [
    'conv1',
    'relu1',
    'conv2',
    'relu2',
    'conv3',
    'relu3',
    'pool1',
    'flatten1',
    'linear1',
    'total',
  ]);
  assert.deepEqual(values[2], ['Conv2D', '[N, 32, 32, 64]', 18_496]);
  assert.deepEqual(values[6], ['MaxPooling2D', '[N, 16, 16, 128]', 0]);
  assert.equal(values.at(-1)?.[2], 420_938);
  model.dispose();
});

test('as text, its columns stand in line', () => {
  const model = linear({ widths: [20, 10] });
  assert.equal(
    String(summary(model)),
    [
      'layer     kind     output shape  parameters',
      'flatten1  Flatten  [N, 3072]              0',
      'linear1   Dense    [N, 20]           61,460',
      'relu1     ReLU     [N, 20]                0',
      'linear2   Dense    [N, 10]              210',
      'relu2     ReLU     [N, 10]                0',
      'linear3   Dense    [N, 10]              110',
      'total                                61,780',
    ].join('\n'),
  );
  model.dispose();
});

test('a model with a skip shows what each layer is connected to', () => {
  const model = defineModel('skip', { inputShape: [4, 4, 3] }, [
    conv(2),
    residual([conv(2)]),
    flatten(),
    linearLayer(10),
  ]);
  assert.equal(
    String(summary(model)),
    [
      'layer     kind     output shape  parameters  connected to',
      'conv1     Conv2D   [N, 4, 4, 2]          56  images',
      'conv2     Conv2D   [N, 4, 4, 2]          38  conv1',
      'add1      Add      [N, 4, 4, 2]           0  conv1, conv2',
      'flatten1  Flatten  [N, 32]                0  add1',
      'linear1   Dense    [N, 10]              330  flatten1',
      'total                                   424',
    ].join('\n'),
  );
  model.dispose();
});
