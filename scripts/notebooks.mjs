// npm run notebooks: runs all notebooks from top to bottom in a real kernel and stores their outputs, each chart with an image.
// npm run notebooks -- NAME … runs only those whose name contains one of these.
import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { extension, jupyterEnvironment } from './jupyter.mjs';
import { cleanOutputs } from './outputs.mjs';
import { python, root, state, venv } from './paths.mjs';
import { reportStep } from './report.mjs';
import { run, runOrExit, SetupError } from './run.mjs';
import { setUpOrExit } from './setup.mjs';
import { writeAtomically } from './stamp.mjs';

const folder = join(root, 'notebooks');
const MIME = 'application/vnd.plotly.v1+json';
/** The runs that the notebooks save, and so their table of results, which grows from notebook to notebook. */
const runs = join(state, 'runs');
/** As they are in the notebook that runs; added to the others when that is done. */
const growing = join(state, 'runs.running');

const wanted = process.argv.slice(2);
const names = readdirSync(folder)
  .filter((name) => /^[^.].*\.ipynb$/.test(name) && (wanted.length === 0 || wanted.some((part) => name.includes(part))))
  .sort();
if (wanted.length > 0 && names.length === 0) {
  console.error(`No notebook has a name that contains "${wanted.join('" or "')}".`);
  process.exit(1);
}
await setUpOrExit();
await runOrExit(async () => {
  const draw = await chartPrinter();
  try {
    for (const name of names) await reportStep(`Running ${name}`, () => remake(name, draw));
  } finally {
    await draw.close();
  }
});

/**
 * Runs one notebook and writes it back with its outputs; a notebook with a failing cell stays as it was, and so does one that
 * was changed meanwhile. What could not be written back is kept beside it.
 */
async function remake(name, draw) {
  const file = join(folder, name);
  const executed = join(folder, `.executed-${name}`);
  const before = readFileSync(file, 'utf8');
  rmSync(executed, { force: true });
  copyEarlierResults(name);
  const program = join(venv, 'bin', 'jupyter-execute');
  await run(python, [program, '--timeout=-1', `--output=${basename(executed)}`, file], {
    // Set-up's own folder for temporary files, which `run` names, is gone by now.
    env: { ...jupyterEnvironment(), TMPDIR: tmpdir(), CIFAR10_RUNS: growing },
    isSetUp: false,
  });
  const notebook = JSON.parse(readFileSync(executed, 'utf8'));
  const problem = cleanOutputs(notebook);
  if (problem) throw new SetupError(`${name}: ${problem}\nWhat was run is kept in ${executed}.`);
  for (const { outputs = [] } of notebook.cells) {
    for (const output of outputs) if (output.data?.[MIME]) await draw(output);
  }
  const isChanged = readFileSync(file, 'utf8') !== before;
  writeAtomically(isChanged ? executed : file, `${JSON.stringify(notebook, null, 1)}\n`);
  if (existsSync(growing)) cpSync(growing, runs, { recursive: true });
  if (isChanged) process.stdout.write(` It was changed meanwhile and stays as it is; what was run is in ${executed}.`);
  else rmSync(executed);
}

/** Begins the growing table of results with the runs of those notebooks that come before this one. */
function copyEarlierResults(name) {
  rmSync(growing, { recursive: true, force: true });
  mkdirSync(growing);
  if (!existsSync(runs)) return;
  for (const file of readdirSync(runs).filter((each) => each.endsWith('.json'))) {
    if (JSON.parse(readFileSync(join(runs, file), 'utf8')).name < name.slice(0, 2))
      copyFileSync(join(runs, file), join(growing, file));
  }
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
  const { chromium } = await import('playwright-core'); // only now: set-up may have just installed it
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
  const page = await browser.newPage();
  await page.addScriptTag({ path: join(root, 'node_modules', 'plotly.js-dist', 'plotly.js') });
  await page.addScriptTag({ path: join(extension, 'static', 'remoteEntry.js') });
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
