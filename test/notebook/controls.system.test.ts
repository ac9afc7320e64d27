import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { delimiter, dirname, join } from 'node:path';
import { before, describe, test } from 'node:test';
import { checkbox, defaultStep, dropdown, logSlider, slider } from 'cifar10/kernel';
import { root, runCells, textOf } from '../kernel/kernel';

const setup = `
import { checkbox, controls, dropdown, logSlider, playground, slider } from 'cifar10';
import type { TrainRecord } from 'cifar10';
let [made, running, most, lr] = [0, 0, 0, 0];
async function* fake(values: { lr: number; epochs: number }): AsyncGenerator<TrainRecord> {
  most = Math.max(most, ++running);
  const { epochs } = values;
  try {
    for (let epoch = 1; epoch <= epochs; epoch++) {
      for (let step = 1; step <= 10; step++) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        if (values.lr !== lr) console.log('lr is', (lr = values.lr));
        if (lr > 5) throw new Error('the loss is NaN');
        yield { type: 'step', epoch, epochs, step, steps: 10, loss: 1, accuracy: 0.5, lr, imagesPerSecond: 1000 };
      }
      const score = { loss: 1, accuracy: 0.5 };
      yield { type: 'epoch', epoch, epochs, train: score, test: score, bestBy: 'test', lr, seconds: 1, imagesPerSecond: 1000 };
    }
  } finally {
    running--;
  }
}`;
const play = `
const panel = controls({
  lr: logSlider({ value: 0.1, min: 1e-4, max: 10 }),
  momentum: slider({ value: 0.9, max: 0.95 }),
  augment: checkbox({ value: false }),
  network: dropdown({ options: ['small', 'large'], applies: 'new-model' }),
  epochs: dropdown({ options: [2, 5000], value: EPOCHS, applies: 'next-run' }),
});
const play = await playground(panel, {
  model: () => ({ made: ++made, dispose: () => console.log('disposed') }),
  run: () => fake(panel.values),
});`;
const report = 'console.log(JSON.stringify([made, most, running, play.isTraining, panel.values, play.model?.made]));';

type Report = [
  made: number,
  most: number,
  running: number,
  isTraining: boolean,
  values: Record<string, unknown>,
  model: number | undefined,
];
const reported = (result: unknown) => JSON.parse((result as { text: string }).text) as Report;

/** Steps of page.py, by name, in one kernel. */
function talk<Name extends string>(steps: Record<Name, object>): Record<Name, unknown> {
  const { stdout, stderr, status } = spawnSync(join(root, '.venv', 'bin', 'python'), [join(root, 'test', 'page.py')], {
    input: JSON.stringify({ cwd: join(root, 'notebooks'), steps: Object.values(steps) }),
    env: { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}` },
    encoding: 'utf8',
    maxBuffer: 1e9,
  });
  if (status !== 0) throw new Error(stderr);
  const results = JSON.parse(stdout) as unknown[];
  return Object.fromEntries(Object.keys(steps).map((name, i) => [name, results[i]])) as Record<Name, unknown>;
}

const move = (to: string, state: object) => ({ send: { method: 'update', state }, to });
const click = (to: string) => ({ send: { method: 'custom', content: { event: 'click' } }, to });

describe('controls, as a page talks to them', () => {
  const steps = {
    noneYet: { ask: 'comm_info_request', content: { target_name: 'jupyter.widget' } },
    setup: { run: setup },
    play: { run: play.replace('EPOCHS', '5000') },
    atFirst: { run: report },
    info: { ask: 'comm_info_request', content: { target_name: 'jupyter.widget' } },
    otherInfo: { ask: 'comm_info_request', content: { target_name: 'another' } },
    states: { open: 'jupyter.widget.control', data: { method: 'request_states' } },
    unknown: { open: 'nobody.knows', data: {} },
    forged: { ...move('lr', { value: 5 }), forged: true },
    afterForged: { run: report },
    toldToOthers: move('momentum', { value: 0.5 }),
    told: { see: '"method": "echo_update", "state": {"value": 0.5}', answers: true },
    asked: { send: { method: 'request_state' }, to: 'lr' },
    state: { see: '"value": 0.1' },
    train: click('Train'),
    trainAgain: click('Train'),
    begins: { see: 'lr is 0.1' },
    drag1: move('lr', { value: 0.2 }),
    drag2: move('lr', { value: 0.0100000001 }),
    mark: { see: '"lr 0.1 → 0.01"' },
    carried: { see: 'Training' },
    whileTraining: { run: report },
    stop: click('Stop'),
    stopped: { see: 'Stopped.' },
    afterStop: { run: report },
    epochs: move('epochs', { index: 0 }),
    goOn: click('Train'),
    nextRun: { see: '"epochs 5,000 → 2"' },
    done: { see: 'Done.' },
    afterDone: { run: report },
    network: move('network', { index: 1 }),
    anew: click('Train'),
    disposed: { see: 'disposed' },
    anewDone: { see: 'Done.' },
    reset: click('Reset'),
    ready: { see: 'fresh weights' },
    afterReset: { run: report },
    tooLarge: move('lr', { value: 10 }),
    diverge: click('Train'),
    error: { see: 'the loss is NaN' },
    afterError: { run: report },
    smaller: move('lr', { value: 0.5 }),
    long: move('epochs', { index: 1 }),
    trainLong: click('Train'),
    trainsLong: { see: 'Training' },
    interrupt: { stop: true },
    interrupted: { see: 'Stopped.' },
    trainOn: click('Train'),
    trainsOn: { see: 'Training' },
    again: { run: play.replace('EPOCHS', '5000') },
    afterAgain: { run: report },
    lastTrain: click('Train'),
    lastTrains: { see: 'Training' },
    sessions: { sessions: true },
    shutdown: { shutdown: true },
  };
  let results: Record<keyof typeof steps, unknown>;
  before(() => {
    results = talk(steps);
  });

  test('a page that connects before any cell has run gets an answer', () => {
    assert.deepEqual(results.noneYet, { status: 'ok', comms: {} });
  });

  test('a reloaded page gets all widgets, with their states', () => {
    const { comms } = results.info as { comms: Record<string, unknown> };
    const { type, data } = results.states as {
      type: string;
      data: { method: string; states: Record<string, { model_name: string; state: Record<string, unknown> }> };
    };
    assert.equal(type, 'comm_msg');
    assert.equal(data.method, 'update_states');
    assert.deepEqual(Object.keys(data.states).sort(), Object.keys(comms).sort());
    const slider = Object.values(data.states).find(({ model_name }) => model_name === 'FloatLogSliderModel')!.state;
    assert.deepEqual([slider.value, slider.min, slider.max, slider.description], [0.1, -4, 1, 'lr']);
    const panel = Object.values(data.states).filter(({ model_name }) => model_name === 'BoxModel');
    for (const child of panel.flatMap(({ state }) => state.children as string[])) {
      assert.ok(data.states[child.replace('IPY_MODEL_', '')], `${child} is not there`);
    }
    assert.deepEqual((results.otherInfo as { comms: object }).comms, {});
  });

  test('a comm to an unknown target is closed', () => {
    assert.equal((results.unknown as { type: string }).type, 'comm_close');
  });

  test('a change is echoed to other pages, as an answer to the message of the page that sent it', () => {
    assert.equal(results.told, true);
  });

  test('a message with a wrong signature is ignored', () => {
    assert.ok(results.state);
    assert.equal(reported(results.afterForged)[4].lr, 0.1);
  });

  test('all messages belong to one session: JupyterLab drops some when it changes', () => {
    assert.equal(results.sessions, 1);
  });

  test('values are as given until a control is moved; the cell ends without training', () => {
    const [made, most, , isTraining, values] = reported(results.atFirst);
    assert.deepEqual([made, most, isTraining], [0, 0, false]);
    assert.deepEqual(values, { lr: 0.1, momentum: 0.9, augment: false, network: 'small', epochs: 5000 });
  });

  test('Train clicked twice starts one training, which continues after the cell and while others run', () => {
    const [made, most, running, isTraining] = reported(results.whileTraining);
    assert.deepEqual([made, most, running, isTraining], [1, 1, 1, true]);
  });

  test('the value a slider was dragged to reaches the next batch, as one annotation in the chart', () => {
    assert.ok(results.begins && results.mark && results.carried);
    assert.equal(reported(results.whileTraining)[4].lr, 0.01);
  });

  test('Stop ends the training and keeps the network; Train continues with it, and notes changes that waited for it', () => {
    const [made, , running, isTraining, , model] = reported(results.afterStop);
    assert.deepEqual([results.stopped, made, running, isTraining, model], [true, 1, 0, false, 1]);
    assert.ok(results.nextRun && results.done);
    assert.equal(reported(results.afterDone)[0], 1, 'another network was made');
  });

  test('a new network starts afresh, and so does Reset', () => {
    assert.ok(results.disposed && results.anewDone && results.ready);
    const [made, , running, , , model] = reported(results.afterReset);
    assert.deepEqual([made, running, model ?? null], [2, 0, null]);
  });

  test('an error is shown with the training, and Train is enabled again', () => {
    assert.ok(results.error);
    const [, , running, isTraining] = reported(results.afterError);
    assert.deepEqual([running, isTraining], [0, false]);
  });

  test("JupyterLab's Stop ends a training that no cell waits for", () => {
    assert.ok(results.trainsLong && results.interrupted);
  });

  test('running the cell again ends its old training; so does the end of the kernel', () => {
    const [, , running, isTraining] = reported(results.afterAgain);
    assert.deepEqual([results.trainsOn, running, isTraining], [true, 0, false]);
    assert.deepEqual([results.lastTrains, results.shutdown], [true, true]);
  });
});

test('without a page the cell trains with the given values, and says so', () => {
  const [, played, after] = runCells([{ code: setup }, { code: play.replace('EPOCHS', '2') }, { code: report }]);
  assert.equal(played.status, 'ok', textOf(played));
  assert.match(textOf(played), /lr 0\.1 · momentum 0\.9 · augment off · network small · epochs 2/);
  assert.match(textOf(played), /These values are fixed/);
  assert.match(textOf(played), /Done\. test accuracy 50\.0 %/);
  assert.ok(!played.outputs.some(({ data }) => data?.['application/vnd.jupyter.widget-view+json']));
  const [made, most, , , values] = reported({ text: textOf(after) });
  assert.deepEqual([made, most, values.lr], [1, 1, 0.1]);
});

const refused: [() => unknown, RegExp][] = [
  [() => slider({ value: 2 }), /slider: value is 2; expected a number in \[0, 1\]/],
  [() => slider({ value: NaN }), /slider: value is NaN/],
  [() => slider({ value: 0, min: 1, max: 1 }), /min is 1, max is 1; expected finite numbers with min < max/],
  [() => slider({ value: 0, step: 0 }), /slider: step is 0; expected a number > 0/],
  [() => logSlider({ value: 1, min: 0, max: 1 }), /logSlider: min is 0; expected a number > 0/],
  [() => logSlider({ value: 10, min: 0.1, max: 1 }), /logSlider: value is 10; expected a number in \[0.1, 1\]/],
  [
    () => slider({ value: 0, max: Infinity }),
    /slider: min is 0, max is Infinity; expected finite numbers with min < max/,
  ],
  [() => logSlider({ value: 1, min: 0.1, max: Infinity }), /logSlider: min is 0.1, max is Infinity; .* finite numbers/],
  [() => dropdown({ options: [] }), /dropdown: options is empty; expected at least one/],
  [() => dropdown({ options: ['a', 'b'], value: 'c' as 'a' }), /dropdown: value is c; expected a or b/],
];
for (const [make, says] of refused) {
  test(`${String(make).replace(/.*cifar10_1\.(\w+)\)/, '$1')} is refused`, () => assert.throws(make, says));
}

test('controls format their values', () => {
  assert.equal(logSlider({ value: 0.1, min: 1e-4, max: 1 }).format(0.031622776), '0.032');
  assert.equal(slider({ value: 0 }).format(0.30000000000000004), '0.3');
  assert.equal(slider({ value: 0, max: 0.001 }).format(0.00004), '0.00004');
  assert.equal(slider({ value: 0, step: 0.00125 }).format(0.00125), '0.00125');
  assert.equal(checkbox({ value: true }).format(false), 'off');
  assert.equal(dropdown({ options: [500, 2000] }).format(2000), '2,000');
  assert.equal(dropdown({ options: [0.0001, 0.00001] }).format(0.00001), '0.00001');
  assert.equal(dropdown({ options: [0.1] }).format(0.1), '0.1');
});

test('the initial value of a logarithmic slider has two significant digits', () => {
  assert.equal(logSlider({ value: 0.125, min: 0.01, max: 1 }).value, 0.13);
});

test('a rounded value stays within its range', () => {
  assert.equal(logSlider({ value: 0.125, min: 0.01, max: 0.125 }).value, 0.125);
  assert.equal(logSlider({ value: 0.1, min: 0.01, max: 0.125 }).format(0.125), '0.125');
  assert.equal(logSlider({ value: 0.0124, min: 0.0124, max: 1 }).value, 0.0124);
  assert.equal(slider({ value: 2 / 3, max: 2 / 3 }).value, 2 / 3);
});

test('the default step of a slider is a power of ten, about a hundredth of its range', () => {
  const steps = [0.001, 0.5, 0.95, 0.99, 1, 1.1, 2, 10, 100].map(defaultStep);
  assert.deepEqual(steps, [0.00001, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01, 0.1, 1]);
  for (let range = 0.1; range < 1000; range *= 1.07) {
    const count = range / defaultStep(range);
    assert.ok(count > 30 && count < 320, `${count} steps from 0 to ${range}`);
  }
});
