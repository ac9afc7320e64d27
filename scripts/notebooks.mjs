// npm run notebooks: runs all notebooks from top to bottom in a real kernel and stores their outputs, each chart with an image.
// npm run notebooks -- NAME … runs only those whose name contains one of these.
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { chromium } from 'playwright-core';
import { jupyterEnv, root, state, venv } from './paths.mjs';
import { reportStep } from './report.mjs';
import { run, SetupError } from './run.mjs';
import { setUp } from './setup.mjs';
import { writeAtomically } from './stamp.mjs';

const folder = join(root, 'notebooks');
const MIME = 'application/vnd.plotly.v1+json';
/** The table of results, which grows from notebook to notebook. */
const table = join(state, 'results.json');

const wanted = process.argv.slice(2);
const names = readdirSync(folder)
  .filter((name) => /^[^.].*\.ipynb$/.test(name) && (wanted.length === 0 || wanted.some((part) => name.includes(part))))
  .sort();
try {
  await setUp();
  const draw = await chartPrinter();
  try {
    for (const name of names) await reportStep(`Running ${name}`, () => remake(name, draw));
  } finally {
    await draw.close();
  }
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(`\n${error.message}`);
  process.exit(1);
}

/** Runs one notebook and writes it back with its outputs; a notebook with a failing cell stays as it was. */
async function remake(name, draw) {
  keepEarlierResults(name);
  const executed = `.executed-${name}`;
  try {
    const args = ['--timeout=-1', `--output=${executed}`, join(folder, name)];
    // Set-up's own folder for temporary files, which `run` names, is gone by now.
    await run(join(venv, 'bin', 'jupyter-execute'), args, {
      env: { ...jupyterEnv, TMPDIR: tmpdir(), CIFAR10_RUNS: table },
    });
    const notebook = JSON.parse(readFileSync(join(folder, executed), 'utf8'));
    for (const cell of notebook.cells) {
      cell.metadata = {}; // times of this run
      if (cell.cell_type !== 'code') continue;
      cell.outputs = joinStreams(cell.outputs);
      for (const output of cell.outputs) {
        delete output.metadata?.display_id; // of the kernel that ran it
        if (output.data?.[MIME]) await draw(output);
      }
    }
    writeAtomically(join(folder, name), withoutPaths(`${JSON.stringify(notebook, null, 1)}\n`));
  } finally {
    rmSync(join(folder, executed), { force: true });
  }
}

/** Leaves the rows of those notebooks in the table that come before this one. */
function keepEarlierResults(name) {
  if (!existsSync(table)) return;
  const rows = JSON.parse(readFileSync(table, 'utf8')).filter(({ experiment }) => experiment < name.slice(0, 2));
  writeAtomically(table, `${JSON.stringify(rows, null, 1)}\n`);
}

/** Lines printed one after another, as one output. */
function joinStreams(outputs) {
  return outputs.reduce((joined, output) => {
    const last = joined.at(-1);
    if (output.output_type !== 'stream' || last?.name !== output.name) return [...joined, output];
    last.text = [last.text, output.text]
      .flat()
      .join('')
      .split(/(?<=\n)/);
    return joined;
  }, []);
}

/** Names folders of this machine by their last part. */
function withoutPaths(text) {
  const folders = [process.env.CIFAR10_DIR, root].filter(Boolean);
  const clean = folders.reduce((text, path) => text.replaceAll(path, basename(path)), text);
  if (homedir() !== '/' && clean.includes(homedir())) throw new Error(`An output names a folder below ${homedir()}.`);
  return clean;
}

/** Puts an image beside a chart, drawn by headless Chromium as the chart extension draws it. */
async function chartPrinter() {
  const executablePath = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/google-chrome'].find(
    (path) => path && existsSync(path),
  );
  if (!executablePath) {
    throw new SetupError(
      'Chromium is needed to draw the charts and was not found: install it (Debian: sudo apt install chromium) ' +
        'or name it by CHROMIUM=/path/to/chromium, then run the command again.',
    );
  }
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
  const page = await browser.newPage();
  await page.addScriptTag({ path: join(root, 'node_modules', 'plotly.js-dist', 'plotly.js') });
  await page.addScriptTag({ path: join(root, 'lib', 'jupyter', 'extension', 'static', 'remoteEntry.js') });
  const draw = async (output) => {
    const { base64, width, height } = await page.evaluate(
      /* global window */
      (figure) => window._JUPYTERLAB['cifar10-charts'].toPng(window.Plotly, figure),
      output.data[MIME],
    );
    output.data['image/png'] = base64;
    output.metadata = { ...output.metadata, 'image/png': { width, height } };
  };
  return Object.assign(draw, { close: () => browser.close() });
}
