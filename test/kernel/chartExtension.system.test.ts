import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { launchChromium, noChromium } from '../chromium';
import { PLOTLY, root } from './kernel';
import { barChart, learningCurves } from 'cifar10/charts';

/** The page's origin; the test itself answers its requests. */
const address = 'http://charts.test';
const files: Record<string, string> = {
  'plotly.js': join(root, 'node_modules', 'plotly.js-dist', 'plotly.js'),
  'remoteEntry.js': join(root, 'lib', 'kernel', 'extension', 'static', 'remoteEntry.js'),
};

/** Makes a chart as JupyterLab does, with a minimal JupyterLab. */
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

  test('leaves an image also in an output with the same figure', async () => {
    const figure = JSON.stringify(learningCurves([]));
    for (const model of ['first', 'second']) {
      await page.evaluate(`chart.renderModel(window.${model} = modelOf(${figure}))`);
      await page.waitForFunction(`${model}.data['image/png']`, undefined, { timeout: 20_000 });
    }
  });

  test('offers no button that leads to a foreign site or selects points', async () => {
    const bars = barChart(['cat'], [{ name: 'images', values: [1] }]);
    const titles = await page.evaluate<string[]>(`(async () => {
      await chart.renderModel(modelOf(${JSON.stringify(bars)}));
      return [...chart.node.querySelectorAll('.modebar-btn')].map(({ dataset }) => dataset.title);
    })()`);
    assert.ok(titles.includes('Zoom'), titles.join());
    assert.ok(!titles.some((title) => /share|lasso|select|plotly/i.test(title)), titles.join());
  });

  test('shows the pictures of the point under the pointer until the pointer leaves or the figure changes', async () => {
    const sheet = { source: 'data:image/png;base64,', columns: 3, width: 32, height: 28, scale: 2 };
    const { data, layout } = learningCurves([]);
    const withPictures = { data, layout: { ...layout, meta: { hoverPictures: sheet } } };
    const without = { data, layout: { ...layout, height: 300 } };
    type Seen = Record<'hovered' | 'left' | 'again' | 'replaced' | 'without', string[]>;
    const seen = await page.evaluate<Seen>(`(async () => {
      const { node } = chart;
      const hover = () =>
        node.emit('plotly_hover', { points: [{ customdata: [4, 5] }], event: { clientX: 1, clientY: 1 } });
      /** Whether they are shown, and which part of the sheet each is. */
      const see = () => {
        const pictures = document.querySelector('.cifar10-hover-pictures');
        const parts = [...pictures.children].map(({ style }) => style.backgroundPosition + ' / ' + parseFloat(style.backgroundSize));
        return [pictures.style.display, ...(pictures.style.display === 'none' ? [] : parts)];
      };
      const seen = {};
      await chart.renderModel(modelOf(${JSON.stringify(withPictures)}));
      hover();
      seen.hovered = see();
      node.emit('plotly_unhover', {});
      seen.left = see();
      hover();
      seen.again = see();
      const replaced = chart.renderModel(modelOf(${JSON.stringify(without)}));
      seen.replaced = see();
      await replaced;
      hover();
      seen.without = see();
      return seen;
    })()`);
    // The fifth and the sixth of pictures of 64 × 56 px in rows of three.
    const shown = ['flex', '-64px -56px / 192', '-128px -56px / 192'];
    const hidden = ['none'];
    assert.deepEqual(seen, { hovered: shown, left: hidden, again: shown, replaced: hidden, without: hidden });
  });
});
