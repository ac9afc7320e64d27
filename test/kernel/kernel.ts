// Runs cells in a real TypeScript kernel.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { root } from '../project';

export { root };
export const PLOTLY = 'application/vnd.plotly.v1+json';

export interface Cell {
  readonly code: string;
  /** Stop is pressed once an output of this cell contains this text. */
  readonly interruptOn?: string;
  /** Stop is pressed so many seconds after the cell was sent. */
  readonly interruptAfter?: number;
  /** How often it is pressed; once by default. */
  readonly interrupts?: number;
  /** Seconds after each press; 0.05 by default. */
  readonly pause?: number;
}

export interface Output {
  readonly type: 'display_data' | 'stream';
  readonly data?: Readonly<Record<string, unknown>>;
  /** How often it was updated. */
  readonly updates?: number;
  readonly name?: string;
  readonly text?: string;
}

export interface CellResult {
  readonly status: string;
  /** From when the cell was sent, or Stop was last pressed, to its end. */
  readonly seconds: number;
  readonly outputs: readonly Output[];
}

/** Runs cells one after another, up to the first that fails (`goOn`: all of them). */
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

/** The text of all outputs of a cell. */
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
