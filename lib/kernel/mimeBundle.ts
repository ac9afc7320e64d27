import { type Decimals, type Figure, readable } from '../charts/theme';
import type { Picture } from '../charts/picture';

/** A table as danfojs's DataFrame has it, or its Series: one column. */
export interface Table {
  readonly columns: readonly (string | number)[];
  readonly index: readonly (string | number)[];
  readonly values: unknown;
  /** As text, drawn with characters. */
  toString(): string;
}

/** Markup, to be shown as such: see `html`. */
export interface Html {
  readonly html: string;
}

/** Markup, and what a page that knows better shows in its place, by media type. */
export interface View extends Html {
  readonly view: Readonly<Record<string, object>>;
}

export type Displayable = Figure | Picture | Table | Html | View | string;

/** One thing as several media types; whoever shows it takes the richest that it knows. */
export interface MimeBundle {
  readonly data: { readonly 'text/plain': string; readonly [mimeType: string]: unknown };
  readonly metadata: { readonly [mimeType: string]: unknown };
}

/**
 * @throws TypeError on what can't be shown
 */
export function toMimeBundle(value: Displayable): MimeBundle {
  if (typeof value === 'string') return { data: { 'text/plain': value }, metadata: {} };
  if (typeof value !== 'object' || value === null) throw notShowable(value);
  if (isTable(value)) return { data: { 'text/html': tableHtml(value), 'text/plain': value.toString() }, metadata: {} };
  if ('html' in value) return markupOrView(value);
  if ('png' in value) return picture(value);
  if ('layout' in value && Array.isArray(value.data)) return chart(value);
  throw notShowable(value);
}

const notShowable = (value: unknown) =>
  new TypeError(
    `a chart, a picture, a DataFrame, html\`…\` or text can be shown; this is ` +
      (typeof value === 'object' && value ? Object.prototype.toString.call(value) : String(value)),
  );

/** Markup from a template; what is put in is escaped, unless it is markup itself or a list of it. */
export function html(strings: TemplateStringsArray, ...values: readonly unknown[]): Html {
  return { html: String.raw({ raw: strings.raw }, ...values.map(markup)) };
}

function markup(value: unknown): string {
  if (Array.isArray(value)) return value.map(markup).join('');
  if (typeof value === 'object' && value !== null && 'html' in value) return String(value.html);
  return escape(String(value));
}

function markupOrView(value: Html | View): MimeBundle {
  const better = 'view' in value ? value.view : {};
  return { data: { ...better, 'text/html': value.html, 'text/plain': plainText(value.html) }, metadata: {} };
}

function chart({ data, layout }: Figure): MimeBundle {
  const names = data.flatMap((trace) => ('name' in trace ? [String(trace.name)] : []));
  const text = `Chart${names.length ? `: ${[...new Set(names)].join(', ')}` : ''}`;
  const figure = asJson({ data, layout });
  return { data: { 'application/vnd.plotly.v1+json': figure, 'text/plain': text }, metadata: {} };
}

/** The same with arrays in place of typed arrays, of which JSON makes objects: { "0": 1, … }. */
function asJson(value: unknown): unknown {
  const list = listOf(value);
  if (list) return list.map(asJson);
  // A date, for one, knows itself what it is in JSON.
  if (typeof value !== 'object' || value === null || 'toJSON' in value) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, asJson(part)]));
}

/** An array or a typed array as an array; undefined for all else. */
function listOf(value: unknown): readonly unknown[] | undefined {
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<number>, Number);
  return Array.isArray(value) ? value : undefined;
}

function picture({ png, width, height }: Picture): MimeBundle {
  return {
    data: { 'image/png': Buffer.from(png).toString('base64'), 'text/plain': `Picture of ${width} × ${height} pixels` },
    metadata: { 'image/png': { width, height } },
  };
}

const MAX_ROWS = 60; // more are not read, and all would be saved with the notebook; the last may be a sum

function tableHtml({ columns, index, values }: Table): string {
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

/** How many all numbers of a column get, so that they stand below each other; none where some are too small for that. */
function decimalsOf(column: readonly unknown[]): Decimals {
  const needed = column.filter(isNumber).map((value) => readable(value).split('.')[1]?.length ?? 0);
  const most = Math.max(0, ...needed);
  return ([1, 2, 3, 4] as const).find((decimals) => decimals === most) ?? 0;
}

/** Numbers as a person reads them; what is missing as a dash. */
function format(value: unknown, decimals: Decimals): string {
  if (value === null || value === undefined || Number.isNaN(value)) return '–';
  if (isNumber(value)) return readable(value, decimals).replace('-', '−');
  return typeof value === 'string' ? value : JSON.stringify(asJson(value));
}

const isTable = (value: object): value is Table => 'columns' in value && 'index' in value && 'values' in value;

const escape = (text: string) =>
  text.replace(/[&<>"]/g, (character) => `&${{ '&': 'amp', '<': 'lt', '>': 'gt', '"': 'quot' }[character]};`);

const plainText = (markup: string) =>
  markup
    .replace(/<[^>]*>/g, ' ')
    .replace(/&(amp|lt|gt|quot);/g, (_, name: string) => ({ amp: '&', lt: '<', gt: '>', quot: '"' })[name] ?? '')
    .replace(/\s+/g, ' ')
    .trim();
