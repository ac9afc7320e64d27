import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { noChromium } from '../chromium';
import { choose, type Lab, openLab, until } from './jupyterlab';
import { PLOTLY } from './kernel';

/** The training ends when this file appears, or after four minutes. */
const end = join(tmpdir(), `cifar10-end-${process.pid}`);

const code = `
import { existsSync } from 'node:fs';
import { watch } from 'cifar10';
import type { TrainRecord } from 'cifar10';
async function* fake(): AsyncGenerator<TrainRecord> {
  for (let epoch = 1; epoch <= 3; epoch++) {
    for (let step = 1; step <= 250 && !existsSync(${JSON.stringify(end)}); step++) {
      await new Promise((resolve) => setTimeout(resolve, 300));
      yield { type: 'step', epoch, epochs: 3, step, steps: 250, loss: 1 / epoch, accuracy: 0.5, lr: 0.1, imagesPerSecond: 1000 };
    }
    const score = { loss: 1 / epoch, accuracy: 0.5 };
    yield { type: 'epoch', epoch, epochs: 3, train: score, test: score, bestBy: 'test', lr: 0.1, seconds: 2, imagesPerSecond: 1000 };
  }
}
const history = await watch(fake());`;

/** An element of the page; the tests are compiled without the DOM's types. */
interface Chart {
  data: { name: string; x: number[] }[];
  layout: { xaxis: { range: number[] } };
  dataset: Record<string, string>;
}

describe('a live chart in JupyterLab', { skip: noChromium }, () => {
  let lab: Lab;
  let page: Page;

  before(async () => {
    lab = await openLab(['console.log("first");', code]);
    page = lab.page;
  });

  after(async () => {
    rmSync(end, { force: true });
    await lab.close();
  });

  const inChart = <T>(read: (chart: Chart) => T) =>
    page.$eval('.jp-RenderedPlotly', read as unknown as (element: unknown) => T);
  const rangeSeen = () => inChart(({ layout }) => layout.xaxis.range);
  const lastSeen = () => inChart(({ data }) => data[0].x.at(-1) ?? 0);

  test('is drawn, grows while the cell runs, and keeps the reader’s zoom', async () => {
    await choose(page, 'Run', 'Run All Cells');
    await page.waitForSelector('.jp-RenderedPlotly .main-svg', { timeout: 60_000 });
    await until(async () => (await lastSeen()) > 0.04, 'the first points');
    await inChart((chart) => (chart.dataset.seen = 'before'));
    const area = (await (await page.$('.jp-RenderedPlotly .nsewdrag'))!.boundingBox())!;
    await page.mouse.move(area.x + area.width * 0.1, area.y + area.height * 0.1);
    await page.mouse.down();
    await page.mouse.move(area.x + area.width * 0.5, area.y + area.height * 0.9, { steps: 5 });
    await page.mouse.up();
    await until(async () => (await rangeSeen())[1] < 2, 'the zoom');
    const zoomed = await rangeSeen();
    const before = await lastSeen();
    await until(async () => (await lastSeen()) > before, 'more points');
    assert.equal(await inChart((chart) => chart.dataset.seen), 'before', 'drawn again in another element');
    assert.deepEqual(await rangeSeen(), zoomed);
  });

  test('leaves the kernel busy when the reader makes another request', async () => {
    await page.click('.jp-CodeCell .cm-content >> nth=0', { position: { x: 20, y: 8 } });
    await page.keyboard.press('Shift+Tab');
    await page.waitForSelector('.jp-Tooltip', { timeout: 60_000 });
    await until(async () => /\| Busy/.test(await page.innerText('#jp-main-statusbar')), 'a busy kernel');
    await page.keyboard.press('Escape');
  });

  test('shows progress, then the closing sentence and all epochs', async () => {
    await page.waitForSelector('text=/Epoch . of 3 · batch \\d+ of 250 · 1,000 images\\/s · [\\dmin ]+ s left/');
    assert.ok(await page.$('.jp-OutputArea progress'));
    writeFileSync(end, '');
    await page.waitForSelector('text=/Done! Max accuracy = 50.00 %/', { timeout: 60_000 });
    await until(
      () => inChart(({ data }) => data.find(({ name }) => name === 'test')!.x.length === 3),
      'the last epoch in the chart',
    );
  });

  test('takes the colors of the theme', async () => {
    const text = () => page.$eval('.jp-RenderedPlotly .xtitle', (element) => element.getAttribute('style') ?? '');
    const light = await text();
    await page.click('.lm-MenuBar-itemLabel:text-is("Settings")');
    await page.hover('.lm-Menu-itemLabel:text-is("Theme")');
    await page.click('.lm-Menu-itemLabel:text-is("JupyterLab Dark")');
    await until(async () => (await text()) !== light, 'another text color');
    assert.match(await text(), /fill: rgb\(232, 232, 232\)/);
  });

  test('leaves an image of itself in the notebook', async () => {
    type Saved = { cells: { outputs: { data?: Record<string, string> }[] }[] };
    /** Undefined while the file is being written. */
    const readSaved = (): Saved | undefined => {
      try {
        return JSON.parse(readFileSync(lab.file, 'utf8')) as Saved;
      } catch {
        return undefined;
      }
    };
    let image: string | undefined;
    await until(async () => {
      await page.keyboard.press('Control+s');
      const saved = readSaved();
      if (!saved) return false;
      const { outputs } = saved.cells[1];
      image = outputs.find(({ data }) => data?.[PLOTLY])?.data?.['image/png'];
      return image !== undefined;
    }, 'the saved image');
    const header = Buffer.from(image ?? '', 'base64').subarray(0, 8);
    assert.deepEqual([...header], [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  });

  test('causes no errors in the page, and no requests to the network', () => {
    assert.deepEqual(lab.faults, []);
  });
});
