import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { delimiter, dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { launchChromium, noChromium } from './chromium';
import { PLOTLY, root } from './kernel';

const code = `
import { watch } from 'cifar10';
import type { TrainRecord } from 'cifar10';
async function* fake(): AsyncGenerator<TrainRecord> {
  for (let epoch = 1; epoch <= 3; epoch++) {
    for (let step = 1; step <= 250; step++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      yield { type: 'step', epoch, epochs: 3, step, steps: 250, loss: 1 / epoch, accuracy: 0.5, lr: 0.1, imagesPerSecond: 1000 };
    }
    const score = { loss: 1 / epoch, accuracy: 0.5 };
    yield { type: 'epoch', epoch, epochs: 3, train: score, test: score, lr: 0.1, seconds: 2, imagesPerSecond: 1000 };
  }
}
const history = await watch(fake());`;

const notebook = {
  cells: ['console.log("first");', code].map((source, i) => ({
    cell_type: 'code',
    id: `cell-${i}`,
    metadata: {},
    source,
    outputs: [],
    execution_count: null,
  })),
  metadata: { kernelspec: { display_name: 'TypeScript', language: 'typescript', name: 'tslab' } },
  nbformat: 4,
  nbformat_minor: 5,
};

/** What is in the page; the tests are compiled without the DOM's types. */
interface Chart {
  data: { name: string; x: number[] }[];
  layout: { xaxis: { range: number[] } };
  dataset: Record<string, string>;
}

describe('a live chart in JupyterLab', { skip: noChromium }, () => {
  // Inside the project, so that the kernel finds the library.
  mkdirSync(join(root, 'test', 'dist'), { recursive: true });
  const folder = mkdtempSync(join(root, 'test', 'dist', 'lab-'));
  const file = join(folder, 'live.ipynb');
  const faults: string[] = [];
  let server: ChildProcess | undefined;
  let browser: Browser | undefined;
  let page: Page;

  before(async () => {
    writeFileSync(file, JSON.stringify(notebook));
    const port = await freePort();
    server = startLab(port, folder);
    const address = `http://127.0.0.1:${port}`;
    await until(
      () =>
        fetch(`${address}/api`).then(
          ({ ok }) => ok,
          () => false,
        ),
      'JupyterLab to answer',
    );
    browser = await launchChromium();
    page = await browser.newPage({ viewport: { width: 1400, height: 1000 } });
    page.on('pageerror', ({ message }) => faults.push(message));
    page.on('requestfailed', (request) => faults.push(`${request.url()}: ${request.failure()?.errorText}`));
    page.on('request', (request) => {
      if (/^https?:/.test(request.url()) && !request.url().startsWith(address))
        faults.push(`asks for ${request.url()}`);
    });
    await page.goto(`${address}/lab/tree/${folder.slice(root.length + 1)}/live.ipynb`);
    await page.waitForSelector('.jp-Notebook .jp-CodeCell', { timeout: 60_000 });
    await page.waitForFunction(
      `/\\| Idle/.test(document.querySelector('#jp-main-statusbar')?.textContent)`,
      undefined,
      {
        timeout: 60_000,
      },
    );
  });

  after(async () => {
    await browser?.close();
    if (server) await endLab(server);
    rmSync(folder, { recursive: true, force: true });
  });

  const inChart = <T>(read: (chart: Chart) => T) =>
    page.$eval('.jp-RenderedPlotly', read as unknown as (element: unknown) => T);
  const rangeSeen = () => inChart(({ layout }) => layout.xaxis.range);
  const pointsSeen = () => inChart(({ data }) => data[0].x.length);

  test('is drawn, grows while the cell runs, and keeps the zoom of the reader', async () => {
    await page.click('.lm-MenuBar-itemLabel:text-is("Run")');
    await page.click('.lm-Menu-itemLabel:text-is("Run All Cells")');
    await page.waitForSelector('.jp-RenderedPlotly .main-svg', { timeout: 60_000 });
    await until(async () => (await pointsSeen()) > 10, 'the first points');
    await inChart((chart) => (chart.dataset.seen = 'before'));
    const area = (await (await page.$('.jp-RenderedPlotly .nsewdrag'))!.boundingBox())!;
    await page.mouse.move(area.x + area.width * 0.1, area.y + area.height * 0.1);
    await page.mouse.down();
    await page.mouse.move(area.x + area.width * 0.5, area.y + area.height * 0.9, { steps: 5 });
    await page.mouse.up();
    await until(async () => (await rangeSeen())[1] < 2, 'the zoom');
    const zoomed = await rangeSeen();
    const before = await pointsSeen();
    await until(async () => (await pointsSeen()) > before + 20, 'more points');
    assert.equal(await inChart((chart) => chart.dataset.seen), 'before', 'drawn anew in another element');
    assert.deepEqual(await rangeSeen(), zoomed);
  });

  test('leaves the kernel busy when the reader asks something else of it', async () => {
    await page.click('.jp-CodeCell .cm-content >> nth=0', { position: { x: 20, y: 8 } });
    await page.keyboard.press('Shift+Tab');
    await page.waitForSelector('.jp-Tooltip', { timeout: 60_000 });
    assert.match(await page.innerText('#jp-main-statusbar'), /\| Busy/);
    await page.keyboard.press('Escape');
  });

  test('shows progress, then the closing sentence and all epochs', async () => {
    await page.waitForSelector('text=/Epoch . of 3 · batch \\d+ of 250 · 1,000 images\\/s · \\d+ s left/');
    assert.ok(await page.$('.jp-OutputArea progress'));
    await page.waitForSelector('text=/Done! Max accuracy = 50.00 %/', { timeout: 60_000 });
    await until(
      () => inChart(({ data }) => data.find(({ name }) => name === 'test')!.x.length === 3),
      'the last epoch in the chart',
    );
  });

  test('takes the colours of the theme', async () => {
    const text = () => page.$eval('.jp-RenderedPlotly .xtitle', (element) => element.getAttribute('style') ?? '');
    const light = await text();
    await page.evaluate(`document.body.dataset.jpThemeLight = 'false'`);
    await until(async () => (await text()) !== light, 'another colour of the text');
    assert.match(await text(), /fill: rgb\(232, 232, 232\)/);
  });

  test('leaves an image of itself in the notebook', async () => {
    type Saved = { cells: { outputs: { data?: Record<string, string> }[] }[] };
    /** Nothing while the file is being written. */
    const readSaved = (): Saved | undefined => {
      try {
        return JSON.parse(readFileSync(file, 'utf8')) as Saved;
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

  test('makes no error in the page, and asks nothing of the network', () => {
    assert.deepEqual(faults, []);
  });
});

function startLab(port: number, folder: string): ChildProcess {
  const asRoot = process.getuid?.() === 0 ? ['--allow-root'] : [];
  return spawn(
    join(root, '.venv', 'bin', 'jupyter-lab'),
    [`--ServerApp.root_dir=${root}`, `--port=${port}`, '--no-browser', '--IdentityProvider.token=', ...asRoot],
    {
      env: {
        ...process.env,
        PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}`,
        JUPYTERLAB_WORKSPACES_DIR: join(folder, 'workspaces'),
        JUPYTERLAB_SETTINGS_DIR: join(folder, 'settings'),
      },
      stdio: 'ignore',
    },
  );
}

/** Asks the server to end, which takes its kernels along: they live in sessions of their own. */
async function endLab(server: ChildProcess): Promise<void> {
  const ended = once(server, 'exit');
  const impatient = setTimeout(() => server.kill('SIGKILL'), 20_000);
  server.kill('SIGTERM');
  await ended;
  clearTimeout(impatient);
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}

async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (const end = Date.now() + 60_000; Date.now() < end;) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  assert.fail(`waited in vain for ${what}`);
}
