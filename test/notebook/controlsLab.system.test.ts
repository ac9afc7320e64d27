import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { noChromium } from '../chromium';
import { choose, type Lab, openLab, until, untilIdle } from '../kernel/jupyterlab';

const setup = `
import { controls, deepCnn, dropdown, loadCifar10, logSlider, playground, sgd, slider, train } from 'cifar10';
import type { TrainRecord } from 'cifar10';
const data = await loadCifar10({ sample: true });
let lr = 0;
/** Prints the learning rate when it is another one than that of the record before. */
async function* printed(run: AsyncIterable<TrainRecord>): AsyncGenerator<TrainRecord> {
  for await (const record of run) {
    if (record.type === 'step' && record.lr !== lr) console.log('lr is', (lr = record.lr));
    yield record;
  }
}`;

const play = `
const panel = controls({
  lr: logSlider({ label: 'learning rate', value: 0.01, min: 1e-4, max: 1 }),
  momentum: slider({ value: 0, max: 0.95 }),
  epochs: dropdown({ options: [1000, 2000], applies: 'next-run' }),
});
const play = await playground(panel, {
  model: () => deepCnn({ widths: [4, 4, 8, 8, 8, 8] }),
  run: (model) => printed(train(model, data, { epochs: panel.values.epochs, batchSize: 32, optimizer: sgd({ lr: () => panel.values.lr }) })),
});`;

/** An element of the page; the tests are compiled without the DOM's types. */
interface Chart {
  data: { name: string; x: number[] }[];
  layout: { annotations?: { text: string; x: number }[] };
}

describe('controls in JupyterLab', { skip: noChromium }, () => {
  let lab: Lab;
  let page: Page;

  before(async () => {
    lab = await openLab([setup, play]);
    page = lab.page;
    page.on('dialog', (dialog) => void dialog.accept());
    await choose(page, 'Run', 'Run All Cells');
    await page.waitForSelector('button:text-is("Train")', { timeout: 60_000 });
    await page.waitForSelector('.jp-RenderedPlotly .main-svg', { timeout: 60_000 });
  });

  after(() => lab.close());

  const inChart = <T>(read: (chart: Chart) => T) =>
    page.$eval('.jp-RenderedPlotly', read as unknown as (element: unknown) => T);
  const marks = () => inChart(({ layout }) => (layout.annotations ?? []).map(({ text }) => text));
  const lastBatch = () => inChart(({ data }) => data.find(({ name }) => /batch/.test(name))?.x.at(-1) ?? 0);
  const sees = (text: string) => page.waitForSelector(`.jp-OutputArea >> text=${text}`, { timeout: 60_000 });
  const goesOn = async () => {
    const before = await lastBatch();
    await until(async () => (await lastBatch()) > before, 'more batches in the chart');
  };
  /** Waits until of Train and Stop only this one is enabled. */
  const offers = (button: 'Train' | 'Stop') =>
    until(async () => {
      const [train, stop] = ['Train', 'Stop'].map((name) => page.isEnabled(`button:text-is("${name}")`));
      return (await train) === (button === 'Train') && (await stop) === (button === 'Stop');
    }, `${button} to be the button to press`);

  /** Drags a slider to a fraction of its length. */
  async function drag(index: number, share: number): Promise<void> {
    const handle = (await page.locator('.noUi-handle').nth(index).boundingBox())!;
    const track = (await page.locator('.noUi-base').nth(index).boundingBox())!;
    const y = handle.y + handle.height / 2;
    await page.mouse.move(handle.x + handle.width / 2, y);
    await page.mouse.down();
    await page.mouse.move(track.x + track.width * share, y, { steps: 10 });
    await page.mouse.up();
  }

  /** The text that a style sheet adds after an element. */
  const writtenAfter = (selector: string) =>
    page.evaluate<string>(`getComputedStyle(document.querySelector('${selector}'), '::after').content`);

  const saveAndReload = async () => {
    // Not the mark of an unsaved notebook: a growing chart sets it again at once.
    const saved = page.waitForResponse(
      (response) => response.request().method() === 'PUT' && response.url().includes('/api/contents/'),
    );
    await page.keyboard.press('Control+s');
    await saved;
    await page.reload();
    await page.waitForSelector('.jp-RenderedPlotly .main-svg', { timeout: 60_000 });
  };

  test('Train starts a training that no cell waits for', async () => {
    await offers('Train');
    await page.click('button:text-is("Train")');
    await sees('lr is 0.01');
    await goesOn();
    await untilIdle(page);
    await offers('Stop');
  });

  test('a slider dragged while a CNN trains takes effect in the next batches; the chart notes it once', async () => {
    await drag(0, 0.25);
    await sees('lr is 0.001');
    await until(async () => (await marks()).join() === 'learning rate 0.01 → 0.001', 'the annotation');
    await goesOn();
  });

  test('Stop ends it, Train continues from there', async () => {
    await page.click('button:text-is("Stop")');
    await sees('Stopped.');
    await offers('Train');
    const before = await lastBatch();
    await page.click('button:text-is("Train")');
    await until(async () => (await lastBatch()) > before, 'more batches in the chart');
  });

  test('sliders, training and chart go on in a reloaded page', async () => {
    await saveAndReload();
    await page.waitForSelector('button:text-is("Train")', { timeout: 60_000 });
    await goesOn();
    assert.deepEqual(await marks(), ['learning rate 0.01 → 0.001']);
    await drag(0, 0.75);
    await until(async () => (await marks()).includes('learning rate 0.001 → 0.1'), 'the second mark');
    await goesOn();
  });

  test("JupyterLab's own Stop ends it, too", async () => {
    await choose(page, 'Kernel', 'Interrupt Kernel');
    await sees('Stopped.');
    await page.click('button:text-is("Train")');
    await goesOn();
  });

  test('when the kernel was restarted the cell says that it must be run again, in a new page too; and then it works', async () => {
    await choose(page, 'Kernel', 'Restart Kernel…');
    await page.click('.jp-Dialog button:has-text("Restart")');
    await page.waitForSelector('.cifar10-controls.jupyter-widgets-disconnected', { timeout: 60_000 });
    assert.match(await writtenAfter('.cifar10-controls'), /Run this cell again/);
    await untilIdle(page);
    await saveAndReload();
    const output = '.jp-OutputArea-output.jupyter-widgets';
    await page.waitForSelector(output, { timeout: 60_000 });
    assert.match(await writtenAfter(output), /Run this cell again/);
    await untilIdle(page);
    await choose(page, 'Run', 'Run All Cells');
    await page.waitForSelector('button:text-is("Train")', { timeout: 60_000 });
    await page.click('button:text-is("Train")');
    await sees('lr is 0.01');
  });

  test('makes no error in the page', () => {
    assert.deepEqual(
      lab.faults.filter((fault) => !/ERR_ABORTED/.test(fault)),
      [],
    );
  });
});
