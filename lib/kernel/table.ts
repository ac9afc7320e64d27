// A table as HTML: numbers aligned and readable, long tables abridged.
import { type Decimals, readable } from '../util/format';
import { html } from './html';

/** A table as a danfojs DataFrame has it, or a Series: one column. */
export interface Table {
  readonly columns: readonly (string | number)[];
  readonly index: readonly (string | number)[];
  /** A row each: a list, or one value where there is one column. */
  readonly values: unknown;
  /** As text, drawn with characters. */
  toString(): string;
}

/** A row of a table given as plain objects: the keys are the columns. */
export type Row = Readonly<Record<string, unknown>>;

export const isTable = (value: object): value is Table => 'columns' in value && 'index' in value && 'values' in value;

export const isRows = (value: object): value is readonly Row[] => Array.isArray(value) && value.every(isPlainObject);

const isPlainObject = (value: unknown): value is Row =>
  typeof value === 'object' &&
  value !== null &&
  [Object.prototype, null].includes(Object.getPrototypeOf(value) as null);

/** Rows of plain objects as a table: its columns are all keys, in the order in which they first appear. */
export function tableOfRows(rows: readonly Row[]): Table {
  const columns = [...new Set(rows.flatMap(Object.keys))];
  const values = rows.map((row) => columns.map((column) => row[column]));
  return {
    columns,
    index: rows.map((_, row) => row),
    values,
    toString: () =>
      [columns, ...values.map((row) => row.map((value) => format(value)))].map((row) => row.join('\t')).join('\n'),
  };
}

/** More rows are not read, and all of them would be saved with the notebook. The last is kept: it may be a sum. */
const MAX_ROWS = 60;

export function tableHtml({ columns, index, values }: Table): string {
  const all = Array.from(values as ArrayLike<unknown>, (row) => listOf(row) ?? [row]);
  const isLong = all.length > MAX_ROWS;
  const rows = all.slice(0, isLong ? MAX_ROWS - 1 : MAX_ROWS);
  const rest = isLong
    ? html`<caption style="caption-side: bottom">
        … of ${all.length.toLocaleString('en')} rows
      </caption>`
    : [];
  const decimals = columns.map((_, column) => decimalsOf(rows.map((row) => row[column])));
  const cell = (value: unknown, column: number) =>
    html`<td style="text-align: ${isNumber(value) ? 'right' : 'left'}">${format(value, decimals[column])}</td>`;
  const line = (name: string | number, row: readonly unknown[]) =>
    html`<tr>
      <th>${name}</th>
      ${row.map(cell)}
    </tr>`;
  return html`<table>
    ${rest}
    <thead>
      <tr>
        <th></th>
        ${columns.map((name) => html`<th>${name}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${rows.map((row, i) => line(index[i], row))}
      ${isLong ? [line('…', []), line(index[all.length - 1], all[all.length - 1])] : []}
    </tbody>
  </table>`.html;
}

const isNumber = (value: unknown): value is number | bigint => typeof value === 'number' || typeof value === 'bigint';

/** The decimals that all numbers of a column get, so that they align; 0 where some are too small for that. */
function decimalsOf(column: readonly unknown[]): Decimals {
  const needed = column.filter(isNumber).map((value) => readable(value).split('.')[1]?.length ?? 0);
  const most = Math.max(0, ...needed);
  return ([1, 2, 3, 4] as const).find((decimals) => decimals === most) ?? 0;
}

/** A number for a person to read; a missing value is a dash. */
function format(value: unknown, decimals: Decimals = 0): string {
  if (value === null || value === undefined || Number.isNaN(value)) return '–';
  if (isNumber(value)) return readable(value, decimals).replace('-', '−');
  return typeof value === 'string' ? value : JSON.stringify(toJson(value));
}

/** `value` with arrays in place of typed arrays: JSON turns those into objects, { "0": 1, … }. */
export function toJson(value: unknown): unknown {
  const list = listOf(value);
  if (list) return list.map(toJson);
  // A Date, for one, has a JSON form of its own.
  if (typeof value !== 'object' || value === null || 'toJSON' in value) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, toJson(part)]));
}

/** The elements of an array or a typed array; undefined for anything else. */
function listOf(value: unknown): readonly unknown[] | undefined {
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<number>, Number);
  return Array.isArray(value) ? value : undefined;
}
