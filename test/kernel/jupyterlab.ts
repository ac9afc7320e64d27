// JupyterLab with a notebook made for the test, in headless Chromium.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { delimiter, dirname, join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { launchChromium } from '../chromium';
import { root } from '../project';

export interface Lab {
  readonly page: Page;
  /** The notebook on disk. */
  readonly file: string;
  /** Errors in the page, and its requests to the network. */
  readonly faults: readonly string[];
  close(): Promise<void>;
}

/** Starts JupyterLab and opens a notebook with these cells of code. */
export async function openLab(cells: readonly string[]): Promise<Lab> {
  // Inside the project, so that the kernel finds the library.
  mkdirSync(join(root, 'test', 'dist'), { recursive: true });
  const folder = mkdtempSync(join(root, 'test', 'dist', 'lab-'));
  const file = join(folder, 'live.ipynb');
  writeFileSync(file, JSON.stringify(notebookOf(cells)));
  const port = await freePort();
  const server = startServer(port, folder);
  let browser: Browser | undefined;
  const end = async () => {
    try {
      await browser?.close();
    } finally {
      await endServer(server);
      rmSync(folder, { recursive: true, force: true });
    }
  };
  try {
    const address = `http://127.0.0.1:${port}`;
    const isUp = () =>
      fetch(`${address}/api`).then(
        ({ ok }) => ok,
        () => false,
      );
    await until(isUp, 'JupyterLab to answer');
    browser = await launchChromium();
    const page = await browser.newPage({ viewport: { width: 1400, height: 1000 } });
    const faults: string[] = [];
    page.on('pageerror', ({ message }) => faults.push(message));
    page.on('requestfailed', (request) => faults.push(`${request.url()}: ${request.failure()?.errorText}`));
    page.on('request', (request) => {
      if (/^https?:/.test(request.url()) && !request.url().startsWith(address))
        faults.push(`asks for ${request.url()}`);
    });
    await page.goto(`${address}/lab/tree/${folder.slice(root.length + 1)}/live.ipynb`);
    await untilIdle(page);
    return { page, file, faults, close: end };
  } catch (error) {
    await end();
    throw error;
  }
}

/** Waits until the notebook is loaded and its kernel is idle. */
export async function untilIdle(page: Page): Promise<void> {
  const timeout = 60_000;
  await page.waitForSelector('.jp-Notebook .jp-CodeCell', { timeout });
  const isIdle = `/\\| Idle/.test(document.querySelector('#jp-main-statusbar')?.textContent)`;
  await page.waitForFunction(isIdle, undefined, { timeout });
}

export async function choose(page: Page, menu: string, item: string): Promise<void> {
  await page.click(`.lm-MenuBar-itemLabel:text-is("${menu}")`);
  await page.click(`.lm-Menu-itemLabel:text-is("${item}")`);
}

export async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (const end = Date.now() + 60_000; Date.now() < end;) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  assert.fail(`timed out waiting for ${what}`);
}

const notebookOf = (cells: readonly string[]) => ({
  cells: cells.map((source, i) => ({
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
});

function startServer(port: number, folder: string): ChildProcess {
  const asRoot = process.getuid?.() === 0 ? ['--allow-root'] : [];
  return spawn(
    join(root, '.venv', 'bin', 'jupyter-lab'),
    [
      `--ServerApp.root_dir=${root}`,
      `--port=${port}`,
      '--ServerApp.port_retries=0',
      '--no-browser',
      '--IdentityProvider.token=',
      ...asRoot,
    ],
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

/** Ends the server by SIGTERM, so that it ends its kernels: they live in sessions of their own. */
async function endServer(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const ended = once(server, 'exit');
  const impatient = setTimeout(() => server.kill('SIGKILL'), 60_000);
  server.kill('SIGTERM');
  await ended;
  clearTimeout(impatient);
}

export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}
