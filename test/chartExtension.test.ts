import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { learningCurves } from 'cifar10';
import { launchChromium, noChromium } from './chromium';
import { PLOTLY, root } from './kernel';

/** Where the page finds its scripts; what it stands for is answered by the test itself. */
const address = 'http://charts.test';
const files: Record<string, string> = {
  'plotly.js': join(root, 'node_modules', 'plotly.js-dist', 'plotly.js'),
  'remoteEntry.js': join(root, 'lib', 'jupyter', 'extension', 'static', 'remoteEntry.js'),
};

/** Makes a chart as JupyterLab does, with as little of JupyterLab as it needs. */
const makeChart = `(async () => {
  class Widget {
    node = document.createElement('div');
    addClass() {}
    dispose() {}
  }
  const container = window._JUPYTERLAB['cifar10-charts'];
  container.init({ '@lumino/widgets': { 1: { get: async () => () => ({ Widget }) } } });
  const { default: [plugin] } = (await container.get('./mime'))();
  window.chart = plugin.rendererFactory.createRenderer();
  document.body.append(chart.node);
  window.modelOf = (figure) => ({
    data: { '${PLOTLY}': figure },
    metadata: {},
    setData({ data }) { this.data = data; },
  });
})()`;

describe('the chart extension', { skip: noChromium }, () => {
  let browser: Browser;
  let page: Page;

  before(async () => {
    browser = await launchChromium();
    page = await browser.newPage();
    await page.route(`${address}/**`, (route) => {
      const name = new URL(route.request().url()).pathname.slice(1);
      const contentType = name ? 'text/javascript' : 'text/html';
      const scripts = '<!doctype html><body><script src="remoteEntry.js"></script>';
      return route.fulfill({ body: files[name] ? readFileSync(files[name]) : scripts, contentType });
    });
    await page.goto(`${address}/`);
    await page.evaluate(makeChart);
  });

  after(() => browser.close());

  test('leaves an image in an output that came with the same figure, too', async () => {
    const figure = JSON.stringify(learningCurves([]));
    for (const model of ['first', 'second']) {
      await page.evaluate(`chart.renderModel(window.${model} = modelOf(${figure}))`);
      await page.waitForFunction(`${model}.data['image/png']`, undefined, { timeout: 20_000 });
    }
  });

  test('shows no pictures at the pointer of a figure that has none, where one was that had some', async () => {
    const sheet = { source: '', columns: 1, side: 32, scale: 1 };
    const { data, layout } = learningCurves([]);
    const withPictures = { data, layout: { ...layout, meta: { hoverPictures: sheet } } };
    const faults = await page.evaluate<string[]>(`(async () => {
      const faults = [];
      const hover = () => {
        const node = chart.node;
        try {
          node.emit('plotly_hover', { points: [{ customdata: 0 }], event: { clientX: 1, clientY: 1 } });
        } catch (error) {
          faults.push(error.message);
        }
      };
      await chart.renderModel(modelOf(${JSON.stringify(withPictures)}));
      hover();
      await chart.renderModel(modelOf(${JSON.stringify({ data, layout: { ...layout, height: 300 } })}));
      hover();
      return faults;
    })()`);
    assert.deepEqual(faults, []);
  });
});
