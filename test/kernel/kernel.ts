// Cells in a real TypeScript kernel, for the tests.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { root } from '../project';

export { root };
export const PLOTLY = 'application/vnd.plotly.v1+json';

export interface Cell {
  readonly code: string;
  /** Presses Stop once, when an output of this cell contains the text. */
  readonly interruptOn?: string;
  /** How often it is pressed. */
  readonly interrupts?: number;
  /** Seconds after each press; in quick succession if left out. */
  readonly pause?: number;
}

export interface Output {
  readonly type: 'display_data' | 'stream';
  readonly data?: Readonly<Record<string, unknown>>;
  /** How often it was drawn anew. */
  readonly updates?: number;
  readonly name?: string;
  readonly text?: string;
}

export interface CellResult {
  readonly status: string;
  readonly outputs: readonly Output[];
}

/** Runs cells one after another, up to the first that fails (or all of them: `goOn`). */
export function runCells(
  cells: readonly Cell[],
  { env = {}, goOn = false }: { env?: Record<string, string>; goOn?: boolean } = {},
): CellResult[] {
  const PATH = `${dirname(process.execPath)}${delimiter}${process.env.PATH}`;
  const { stdout, stderr, status } = spawnSync(
    join(root, '.venv', 'bin', 'python'),
    [join(root, 'test', 'kernel.py')],
    {
      input: JSON.stringify({ cwd: join(root, 'notebooks'), cells, goOn }),
      env: { ...process.env, PATH, ...env },
      encoding: 'utf8',
      maxBuffer: 1e9,
    },
  );
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as CellResult[];
}

/** What a cell printed and showed, as text. */
export const textOf = ({ outputs }: CellResult): string =>
  outputs.map(({ text, data }) => text ?? String(data?.['text/plain'])).join('');

export interface NotebookCell {
  readonly cell_type: 'code' | 'markdown';
  readonly source: string;
  readonly outputs: readonly { readonly data?: Readonly<Record<string, unknown>>; readonly text?: readonly string[] }[];
}

export function readNotebook(name: string): NotebookCell[] {
  const text = readFileSync(join(root, 'notebooks', name), 'utf8');
  const { cells } = JSON.parse(text) as { cells: (Omit<NotebookCell, 'source'> & { source: string[] })[] };
  return cells.map((cell) => ({ ...cell, source: cell.source.join(''), outputs: cell.outputs ?? [] }));
}
